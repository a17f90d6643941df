import TensorGraph

extension OpCase {
    /// What the graph's gradients have against central differences of the reference, or `nil` where they agree.
    ///
    /// The function is `Σ output · cotangent`. Differences are taken along directions through all inputs at once, which
    /// weigh every gradient element, and along single elements of each input, which say where it went wrong.
    /// Step and limits are those of PyTorch's gradcheck.
    package func complaintOfFiniteDifferences(step: Double = 1e-6) throws -> String? {
        guard case .full = gradient else { return nil }
        let built = try built(dtype: .float64, withGradients: true)
        let outputs = Array(built.outputs.prefix(differentiableOutputs))
        let cotangents = outputs.indices.map { built.data[BuiltCase.cotangentName($0)] ?? [] }
        func value(_ data: [String: [Double]]) throws -> Double {
            try zip(Reference.evaluate(outputs, inputs: data), cotangents).reduce(0) { sum, pair in
                zip(pair.0, pair.1).reduce(sum) { $0 + $1.0 * $1.1 }
            }
        }
        func difference(_ direction: [Int: [Double]]) throws -> Double {
            func moved(_ distance: Double) -> [String: [Double]] {
                var data = built.data
                for (input, vector) in direction {
                    let inputName = BuiltCase.inputName(input)
                    data[inputName] = zip(built.data[inputName] ?? [], vector).map { $0 + distance * $1 }
                }
                return data
            }
            return try (value(moved(step)) - value(moved(-step))) / (2 * step)
        }
        func complaint(_ what: String, _ analytic: Double, _ numeric: Double) -> String? {
            let limit = 1e-5 + 1e-3 * abs(numeric)
            if abs(analytic - numeric) <= limit { return nil }
            return "\(what) is \(analytic), by finite differences \(numeric)"
        }

        let gradients = try Reference.evaluate(built.gradients, inputs: built.data)
        var generator = SeededGenerator(name: name)
        for _ in 0..<2 where gradients.contains(where: { !$0.isEmpty }) {
            var direction: [Int: [Double]] = [:]
            var analytic = 0.0
            for (input, gradient) in zip(built.differentiableInputs, gradients) {
                let vector = gradient.map { _ in generator.normal() }
                direction[input] = vector
                analytic += zip(gradient, vector).reduce(0) { $0 + $1.0 * $1.1 }
            }
            if let complaint = complaint("the derivative along a direction", analytic, try difference(direction)) {
                return complaint
            }
        }
        for (input, gradient) in zip(built.differentiableInputs, gradients) where !gradient.isEmpty {
            for _ in 0..<min(gradient.count, 3) {
                let element = Int.random(in: gradient.indices, using: &generator)
                var vector = [Double](repeating: 0, count: gradient.count)
                vector[element] = 1
                let numeric = try difference([input: vector])
                if let complaint = complaint("the gradient of x\(input)[\(element)]", gradient[element], numeric) {
                    return complaint
                }
            }
        }
        return nil
    }
}
