import TensorGraph

extension OpCase {
    static let optimizers: [OpCase] = {
        var cases: [OpCase] = []
        let variance = TestData.uniform(0...2)
        func rate(_ value: Double) -> Input { .tensor([], .values([value]), isDifferentiable: false) }
        let adams: [(Shape, Double, Adam)] = [
            ([1], 1, Adam()), ([17, 31], 1, Adam()), ([7], 10, Adam(weightDecay: 0.01)),
            ([33], 1000, Adam(beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1, isDecoupled: true)),
            ([], 3, Adam()),
            ([0], 1, Adam()), ([3, 5, 7], 2, Adam(epsilon: 0.1, isDecoupled: true)),
            ([513, 257], 5, Adam(weightDecay: 0.01)),
        ]
        for (shape, step, attributes) in adams {
            let kind = (attributes.weightDecay > 0 ? " decay" : "") + (attributes.isDecoupled ? " decoupled" : "")
            cases.append(
                OpCase(
                    "adam \(shape) step \(Int(step))\(kind)", .adam(attributes),
                    [
                        .tensor(shape), .tensor(shape), .tensor(shape), .tensor(shape, variance),
                        .int32([], .values([step])),
                        rate(0.125),
                    ], .normwise(4e-6)
                ).with { $0.isLarge = shape.elementCount > 10_000 })
        }
        // Gradients whose squares are too large or too small for float32, and a step near 2²².
        let gradients = Sweep.values.filter { $0 == 0 || (0x1p-96..<0x1p68).contains($0.magnitude) }
        for step in [1.0, 4e6] {
            cases.append(
                OpCase(
                    "adam over all exponents step \(Int(step))", .adam(Adam()),
                    [.tensor([gradients.count], .values([0])), .tensor([gradients.count], .values(gradients))]
                        + [Input](repeating: .tensor([gradients.count], .values([0])), count: 2)
                        + [.int32([], .values([step])), rate(0.125)], .elementwise(4e-6, floor: 1e-35)
                ).large)
        }
        let descents: [(Shape, SGD)] = [
            ([1], SGD()), ([17, 31], SGD()), ([7], SGD(weightDecay: 0.5)), ([17, 31], SGD(momentum: 0.9)),
            ([], SGD(momentum: 0.5)),
            ([33], SGD(momentum: 0.9, isNesterov: true, weightDecay: 0.01)), ([0], SGD(momentum: 0.9)),
            ([513, 257], SGD(momentum: 0.9)),
        ]
        for (shape, attributes) in descents {
            let kind = (attributes.isNesterov ? " nesterov" : "") + (attributes.weightDecay > 0 ? " decay" : "")
            let state = attributes.momentum != 0 ? [Input.tensor(shape)] : []
            cases.append(
                OpCase(
                    "sgd \(shape) momentum \(attributes.momentum)\(kind)", .sgd(attributes),
                    [.tensor(shape), .tensor(shape)] + state + [rate(0.25)], .normwise(1e-6)
                ).with { $0.isLarge = shape.elementCount > 10_000 })
        }
        // Several parameters in one node, as many as a launch takes.
        let shapes: [Shape] = [[1], [17, 31], [64], [5000], [], [33], [3, 5, 7]]
        for count in 2...shapes.count {
            let shapes = shapes.prefix(count)
            cases.append(
                OpCase(
                    "adam of \(count) parameters", .adam(Adam(weightDecay: 0.01)),
                    shapes.flatMap { [.tensor($0), .tensor($0), .tensor($0), .tensor($0, variance)] }
                        + [.int32([], .values([3])), rate(0.125)], .normwise(4e-6)))
            for momentum in [0, 0.9] {
                cases.append(
                    OpCase(
                        "sgd of \(count) parameters momentum \(momentum)", .sgd(SGD(momentum: momentum)),
                        shapes.flatMap { [Input](repeating: .tensor($0), count: momentum != 0 ? 3 : 2) } + [rate(0.25)],
                        .normwise(1e-6)))
            }
        }
        return cases
    }()
}
