import Execution
import OpenCLBackend
import ParityRunner
import TensorGraph
import TestSupport
import Testing

/// Operands of a convolution, some of whose numbers are of another size than the rest.
private struct Outliers: CustomStringConvertible {
    let description: String
    var operands: [[Double]]
}

/// A 3×3 convolution or a gradient of one, as every device does it by Winograd's filtering.
private enum Convolution: String, CaseIterable {
    case forward, inputGradient, weightGradient

    /// Tiles that hang over both edges; enough channels for the CPU path.
    static let input: Shape = [2, 16, 9, 6]
    static let weight: Shape = [17, 16, 3, 3]
    static let output: Shape = [2, 17, 9, 6]
    static let attributes = TensorGraph.Convolution(padding: [1, 1, 1, 1])

    var shapes: [Shape] {
        switch self {
        case .forward: [Self.input, Self.weight]
        case .inputGradient: [Self.weight, Self.output]
        case .weightGradient: [Self.input, Self.output]
        }
    }

    /// The operand that is a weight, which plans may pack once.
    var weight: Int? {
        switch self {
        case .forward: 1
        case .inputGradient: 0
        case .weightGradient: nil
        }
    }

    var op: Op {
        switch self {
        case .forward: .convolution(Self.attributes)
        case .inputGradient: .convolution(Self.attributes.with(.inputGradient(Self.input)))
        case .weightGradient: .convolution(Self.attributes.with(.weightGradient(Self.weight)))
        }
    }

    /// The operation on inputs `x0` and `x1`, where `constant` is given with a weight that stays the same.
    func graph(constant: [Double]? = nil) throws -> (Graph, Tensor) {
        let graph = Graph()
        let operands = try shapes.enumerated().map { index, shape in
            if index == weight, let constant {
                return try graph.constant(HostTensor(TensorType(shape), doubles: constant))
            }
            return try graph.input("x\(index)", shape)
        }
        return (graph, try graph.add(op, operands)[0])
    }

    func expected(_ operands: [[Double]]) throws -> [Double] {
        let inputs = Dictionary(uniqueKeysWithValues: operands.enumerated().map { ("x\($0)", $1) })
        return try Reference.evaluate([graph().1], inputs: inputs)[0]
    }

    func plain(isSparse: Bool) -> [[Double]] {
        shapes.enumerated().map { index, shape in
            let elements = TestData.normal.elements(count: shape.elementCount, seed: "outliers \(rawValue) \(index)")
            return isSparse && index != weight ? elements.map { max($0, 0) } : elements
        }
    }

    /// The number of an element; that of a weight has rows and columns of taps.
    private func offset(_ operand: Int, _ outer: Int, _ inner: Int, _ row: Int, _ column: Int) -> Int {
        let shape = shapes[operand]
        return ((outer * shape[1] + inner) * shape[2] + row) * shape[3] + column
    }

    var cases: [Outliers] {
        var cases: [Outliers] = []
        func add(_ name: String, isSparse: Bool = false, _ change: (inout [[Double]]) -> Void) {
            var operands = plain(isSparse: isSparse)
            change(&operands)
            cases.append(Outliers(description: "\(rawValue), \(name)", operands: operands))
        }
        add("nothing") { _ in }
        for value in [Double.nan, .infinity, -.infinity, 1e5, 1e20, 1e38, 1e-40].map({ Double(Float($0)) }) {
            for operand in 0..<2 {
                // Of an image, the middle of a tile and its corner, an edge; of a weight, the middle and a corner.
                let places =
                    operand == weight ? [(4, 3, 1, 1), (9, 7, 2, 0)] : [(0, 3, 5, 2), (1, 7, 3, 3), (1, 2, 8, 5)]
                add("\(value) in operand \(operand)", isSparse: value == 1e5) { operands in
                    for (outer, inner, row, column) in places {
                        operands[operand][offset(operand, outer, inner, row, column)] = value
                    }
                }
            }
        }
        let image = weight == 0 ? 1 : 0
        let plane = shapes[image][2] * shapes[image][3]
        let channels = shapes[image][1]
        add("images of 1e4 and 1e-4") { operands in
            for index in operands[image].indices { operands[image][index] *= index < channels * plane ? 1e4 : 1e-4 }
        }
        for scale in [1e30, 1e-36] {
            add("everything \(scale)") { operands in
                for index in operands[image].indices { operands[image][index] *= scale }
            }
        }
        add("one pixel in zeros") { operands in
            for index in operands[image].indices { operands[image][index] = 0 }
            operands[image][offset(image, 0, 3, 4, 2)] = 1e5
        }
        add("a blank half") { operands in
            for index in operands[image].indices where index % plane >= plane / 2 { operands[image][index] = 0 }
        }
        add("many large pixels") { operands in
            for index in stride(from: 0, to: operands[image].count, by: 13) { operands[image][index] *= 1e5 }
        }
        if weight == nil {
            // Equal large pixels and others, of which few meet a pixel that is not zero.
            for (part, spread) in [(5, 0.0), (10, 1), (10, 0), (30, 1)] {
                add("a large pixel in \(part), few others") { operands in
                    for index in operands[0].indices where index * 7 % part == 0 {
                        operands[0][index] = 1e5 * (1 + spread * operands[0][index])
                    }
                    for index in operands[1].indices where index * 5 % 11 > 1 { operands[1][index] = 0 }
                }
            }
        }
        if let weight {
            for (scale, name) in [(1e5, "large"), (1e-5, "small")] {
                add("a channel of \(name) weights, and a pixel") { operands in
                    // The weight's index of the channels that are summed over: the second, or of the input's gradient the first.
                    let inner =
                        weight == 1 ? (stride: 9, count: channels) : (stride: 9 * shapes[weight][1], count: channels)
                    for index in operands[weight].indices where index / inner.stride % inner.count == 3 {
                        operands[weight][index] *= scale
                    }
                    for index in operands[image].indices where index / plane % channels == 3 {
                        operands[image][index] /= scale
                    }
                    operands[image][offset(image, 0, 5, 4, 2)] = 1e4
                }
            }
        }
        return cases.map { each in
            var rounded = each
            rounded.operands = each.operands.map { $0.map { Double(Float($0)) } }
            return rounded
        }
    }
}

/// Winograd's transforms mix the pixels of a tile; what comes out must not show it.
@Suite(.serialized) struct OutlierTests {
    /// The error of an output, relative to what it sees: the sum of the magnitudes that it adds up.
    private static let limit = 1e-5

    private func complaint(_ values: [Double], _ expected: [Double], seen: [Double]) -> String? {
        for (index, value) in values.enumerated() {
            let exact = Double(Float(expected[index]))
            if exact.isNaN != value.isNaN { return "\(value), not \(exact), at \(index)" }
            if exact.isNaN || exact == value { continue }
            guard abs(value - exact) <= Self.limit * seen[index] + 1e-37 else {
                return "\(value), not \(exact), at \(index), which sees \(seen[index])"
            }
        }
        return nil
    }

    @Test(arguments: Convolution.allCases)
    private func spoilOnlyWhatSeesThem(_ convolution: Convolution) throws {
        let devices = try ParityDevice.all(
            .both, convolutions: [.winograd2, .winograd4], optimization: .ofItsOwnStyle)
        let executors = try devices.map { (device: $0, executor: try $0.executor(isolatesTensors: false)) }
        let plans = try executors.map { _, executor in
            let (graph, output) = try convolution.graph()
            return try executor.compile(graph, outputs: [output])
        }
        for plan in plans {
            let choices = try #require(plan.deviceSchedule ?? plan.cpuSchedule).placement.choices
            #expect(choices.contains { $0?.lowered.accuracy == .transformed })
        }
        for outliers in convolution.cases {
            let expected = try convolution.expected(outliers.operands)
            let seen = try convolution.expected(outliers.operands.map { $0.map(\.magnitude) })
            let inputs = try Dictionary(
                uniqueKeysWithValues: zip(convolution.shapes, outliers.operands).enumerated().map { index, operand in
                    ("x\(index)", try HostTensor(TensorType(operand.0), doubles: operand.1))
                })
            for ((device, executor), plan) in zip(executors, plans) {
                let results = try executor.run(plan, inputs: inputs)
                #expect(try executor.run(plan, inputs: inputs) == results, "\(outliers) on \(device), again")
                let values = results[0].doubles()
                let complaint = complaint(values, expected, seen: seen)
                #expect(complaint == nil, "\(outliers) on \(device)")
                // A weight that is packed once, and read by a second run.
                guard let weight = convolution.weight, outliers.description.contains("operand \(weight)") else {
                    continue
                }
                let (graph, output) = try convolution.graph(constant: outliers.operands[weight])
                let packed = try executor.compile(graph, outputs: [output])
                let image = inputs.filter { $0.key != "x\(weight)" }
                for _ in 0..<2 {
                    #expect(try executor.run(packed, inputs: image) == results, "\(outliers), packed, on \(device)")
                }
            }
        }
    }
}
