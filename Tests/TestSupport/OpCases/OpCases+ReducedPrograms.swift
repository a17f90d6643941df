import TensorGraph

extension OpCase {
    private typealias Instruction = ElementwiseProgram.Instruction

    /// A reduction of an elementwise program as the fusion pass makes it.
    private static func reducing(
        _ function: Reduce.Function, _ name: String, first: Int, count: Int, _ inputs: [Input],
        within tolerance: Tolerance = .normwise(4e-6),
        _ instructions: @escaping @Sendable (DType) -> [ElementwiseProgram.Instruction]
    ) -> OpCase {
        let shapes = inputs.map(\.shape.description).joined(separator: ", ")
        let text = "reduce \(function.rawValue) of \(name), \(shapes), axes \(first)..<\(first + count)"
        let reduce = Reduce(function, first: first, count: count)
        let reduced = reduce.extents(whole(inputs.map(\.shape))).reduced
        return OpCase(text, inputs, tolerance) { graph, x in
            let program = ElementwiseProgram(instructions(x[0].dtype))
            let produced = ProducedOperand(
                of: .reduce(reduce), at: 0, program, operands: x.count, walk: .init(first: first, count: count))
            return try graph.add(.producedOperand(produced), x)
        }
        // In 16 bits each function rounds, and a product has the errors of all its factors.
        .inHalf(roundings: function == .product ? Double(2 * reduced + 1) : 3, backward: 3)
    }

    /// What shapes broadcast to.
    private static func whole(_ shapes: [Shape]) -> Shape {
        shapes.dropFirst().reduce(shapes[0]) { $0.broadcast(with: $1) ?? $0 }
    }

    /// Reductions that evaluate their operand as they read it.
    static let reducedPrograms: [OpCase] = {
        var cases: [OpCase] = []
        let dense: [(Shape, Int, Int)] = [
            ([1], 0, 1), ([7], 0, 1), ([1031], 0, 1), ([], 0, 0), ([4, 3], 1, 0), ([17, 33], 1, 1), ([17, 33], 0, 1),
            ([17, 33], 0, 2), ([2, 3, 5, 7], 1, 2), ([2, 3, 5, 7], 0, 2), ([2, 3, 5, 7], 3, 1), ([3, 129, 2], 1, 1),
            ([5, 1], 1, 1), ([1, 5], 0, 1), ([67, 4], 0, 1), ([0, 5], 1, 1), ([3, 0], 1, 1), ([3, 0, 2], 1, 1),
        ]
        // Operands that broadcast along the reduced axes, those before and those after; and none of the whole shape.
        let broadcasting: [([Shape], Int, Int)] = [
            ([[17, 33], [33], [17, 1]], 0, 1), ([[17, 33], [33], [17, 1]], 1, 1), ([[17, 33], [1, 1], []], 0, 2),
            ([[4, 3, 5, 7], [3, 1, 1], []], 2, 2), ([[4, 3, 5, 7], [4, 1, 1, 1], [3, 5, 7]], 0, 1),
            ([[2, 3, 4, 5], [2, 1, 4, 5], [3, 1, 1]], 1, 1), ([[5, 4, 6], [5, 1, 1], [4, 1]], 2, 1),
            ([[5, 4, 6], [5, 1, 6], [4, 6]], 2, 1), ([[7, 1], [1, 9], [9]], 0, 1), ([[7, 1], [1, 9], [7, 1]], 1, 1),
            ([[2, 1, 3, 70], [2, 5, 1, 1], [3, 70]], 1, 1), ([[9, 131], [131], [9, 1]], 0, 1),
        ]
        let large: [([Shape], Int, Int)] = [
            ([[257, 1025], [1025], [257, 1]], 1, 1), ([[257, 1025], [1025], [257, 1]], 0, 1),
            ([[1025, 257], [1025, 257], [257]], 0, 1), ([[300_007], [1], [300_007]], 0, 1),
            ([[5, 513, 67], [513, 1], [5, 1, 67]], 1, 1), ([[40, 2100], [2100], [40, 2100]], 0, 1),
            ([[70_001, 3], [3], [70_001, 1]], 0, 1), ([[3, 40_007], [40_007], [3, 1]], 1, 1),
            ([[260, 5003], [5003], [260, 1]], 0, 1),
        ]
        for function in Reduce.Function.allCases {
            /// x, y and z of x·y + z: of products, such that they stay numbers.
            func inputs(_ shapes: [Shape]) -> [Input] {
                guard function == .product else { return shapes.map { .tensor($0) } }
                let data: [TestData] = [.scaled(0.01), .scaled(0.01), .uniform(0.999...1.001)]
                return zip(shapes, data).map { .tensor($0, $1) }
            }
            /// So many that a sum of numbers around 0 would be near 0 itself, and what 16 bits round of each as large.
            func manyInputs(_ shapes: [Shape]) -> [Input] {
                guard function == .sum || function == .mean else { return inputs(shapes) }
                return inputs(Array(shapes.dropLast())) + [.tensor(shapes[shapes.count - 1], .uniform(0...2))]
            }
            /// Each multiplication rounds.
            func tolerance(_ shapes: [Shape], _ first: Int, _ count: Int) -> Tolerance {
                let reduced = Reduce(function, first: first, count: count).extents(whole(shapes)).reduced
                return .normwise(4e-6 + (function == .product ? 6e-8 * Double(reduced) : 0))
            }
            for (shape, first, count) in dense {
                let isEmpty = Reduce(function, first: first, count: count).extents(shape).reduced == 0
                if isEmpty, function == .minimum || function == .maximum { continue }
                cases.append(
                    reducing(
                        function, "x·y + z", first: first, count: count,
                        inputs([shape, shape, shape]), within: tolerance([shape], first, count), multiplyAdd))
            }
            for (shapes, first, count) in broadcasting {
                cases.append(
                    reducing(
                        function, "x·y + z", first: first, count: count, inputs(shapes),
                        within: tolerance(shapes, first, count), multiplyAdd))
            }
            for (shapes, first, count) in large {
                cases.append(
                    reducing(
                        function, "x·y + z", first: first, count: count, manyInputs(shapes),
                        within: tolerance(shapes, first, count), multiplyAdd
                    ).large)
            }
            // What stands in for missing elements of a vector would make infinities and NaN of these.
            for axis in 0...1 {
                cases.append(
                    reducing(
                        function, "ln x / x", first: axis, count: 1, [.tensor([19, 21], .integers(1...9))]
                    ) {
                        [
                            Instruction(.unary(.logarithm), [.operand(0)], $0),
                            Instruction(.binary(.divide), [.instruction(0), .operand(0)], $0),
                        ]
                    })
            }
            cases.append(
                reducing(
                    function, "|x| with NaN and infinities", first: 1, count: 1,
                    [.tensor([3, 4], .values([1, .nan, 3, 4, .infinity, 1, 2, 3, -.infinity, 1, 2, 3]))]
                ) { [Instruction(.unary(.absolute), [.operand(0)], $0)] })
        }
        cases += [
            reducing(
                .sum, "integers", first: 0, count: 1,
                [.tensor([131, 37], .integers(-9...9)), .tensor([37], .integers(-9...9))], within: .exact
            ) { [Instruction(.binary(.multiply), [.operand(0), .operand(1)], $0)] },
            OpCase(
                "reduce sum of a chain along rows and columns", [.tensor([9, 17]), .tensor([17]), .tensor([9, 1])],
                .normwise(4e-6), gradient: .full(.elementwiseGradient)
            ) { _, x in
                [try (x[0] * x[1] + x[2]).tanh().sum(axes: [0]), try (x[0] - x[1]).square().mean(axes: [1])]
            }.inHalf(roundings: 5, backward: 5).with { $0.differentiableOutputs = 2 },
            OpCase(
                "reduce the bias gradient of a chain", [.tensor([4, 3, 5, 7]), .tensor([3, 1, 1]), .tensor([7])],
                .normwise(4e-6), gradient: .full(.elementwiseGradient)
            ) { _, x in [try (x[0] * x[1]).sigmoid() * x[2]] }.inHalf(roundings: 4, backward: 6),
        ]
        return cases
    }()

    @Sendable private static func multiplyAdd(_ dtype: DType) -> [ElementwiseProgram.Instruction] {
        [
            Instruction(.binary(.multiply), [.operand(0), .operand(1)], dtype),
            Instruction(.binary(.add), [.instruction(0), .operand(2)], dtype),
        ]
    }
}
