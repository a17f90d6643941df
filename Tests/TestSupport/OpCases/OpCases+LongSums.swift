import TensorGraph

extension OpCase {
    /// Sums of many equal numbers, of which plain addition rounds each the same way.
    static let longSums: [OpCase] = {
        let near = Tolerance.elementwise(1e-6, floor: 0)
        /// Where products are added in blocks.
        let inBlocks = Tolerance.elementwise(4e-5, floor: 0)
        let equal = TestData.values([1.01]), steps = TestData.values([1.01, 3.03])
        var cases: [OpCase] = []
        let reductions: [(Shape, Int, Int)] = [
            ([300_007], 0, 1), ([2, 150_003], 1, 1), ([200_003, 2], 0, 1), ([2, 60_001, 3], 1, 1),
            ([40, 3, 5003], 0, 3),
            ([20_011, 70], 0, 1),
        ]
        for (shape, first, count) in reductions {
            for function in [Reduce.Function.sum, .mean] {
                cases.append(
                    OpCase(
                        "reduce \(function.rawValue) of equal numbers \(shape) axes \(first)..<\(first + count)",
                        .reduce(Reduce(function, first: first, count: count)), [.tensor(shape, equal)], near))
            }
        }
        for axis in 0..<2 {
            cases.append(
                OpCase(
                    "reduce sum of equal products, axis \(axis)", [.tensor([60_001, 1], equal), .tensor([3])], near
                ) {
                    _, x in
                    let columns = try x[0] * x[1].exp()
                    return [axis == 0 ? try columns.sum(axes: [0]) : try columns.transposed([1, 0]).sum(axes: [1])]
                })
        }
        for op in [Op.softmax(.plain), .softmax(.logarithmic)] {
            cases.append(OpCase("\(op.name) of a long row", op, [.tensor([1, 300_007], equal)], near))
        }
        cases += [
            gradient(
                "softmax of a long row", [.tensor([1, 300_007], equal), .tensor([1, 300_007], .values([0.7, 0.1]))]
            ) {
                try $0[0].softmax()
            },
            gradient(
                "logSoftmax of a long row",
                [.tensor([1, 300_007], equal), .tensor([1, 300_007], .values([0.7, 0.1]))]
            ) {
                try $0[0].logSoftmax()
            },
            OpCase(
                "crossEntropy of a long row", [.tensor([1, 300_007], equal), .int32([1], .values([5]))], near
            ) { _, x in [try x[0].crossEntropy(labels: x[1])] },
            OpCase(
                "crossEntropy averaged over many rows", [.tensor([60_001, 3], equal), .int32([60_001], .values([1]))],
                near
            ) { _, x in [try x[0].crossEntropy(labels: x[1]).mean()] },
            OpCase(
                "layerNorm of a long row", .normalization(Normalization(.layer)),
                [.tensor([1, 300_006], steps), .tensor([300_006], .values([1])), .tensor([300_006], .values([0]))],
                .elementwise(2e-6, floor: 1)),
            gradient(
                "layerNorm of many rows",
                [.tensor([60_001, 3], steps), .tensor([60_001, 3], equal), .tensor([3], .values([1])), .tensor([3])],
                to: 3
            ) { try $0[0].layerNorm(scale: $0[2], bias: $0[3]) },
            gradient(
                "bias of many rows",
                [.tensor([60_001, 3]), .tensor([60_001, 3], equal), .tensor([3])], to: 2
            ) { try $0[0] + $0[2] },
        ]
        for shape in [Shape([2, 2, 300, 501]), [30_001, 1, 3, 1]] {
            let scale = [Input.tensor([shape[1]], .values([1])), .tensor([shape[1]], .values([0]))]
            cases += [
                OpCase(
                    "batchNorm of many numbers \(shape)", .normalization(Normalization(.batch)),
                    [.tensor(shape, steps)] + scale,
                    .elementwise(2e-6, floor: 1)),
                gradient(
                    "batchNorm of many numbers \(shape)", [.tensor(shape, steps), .tensor(shape, equal)] + scale, to: 3
                ) { try $0[0].batchNorm(scale: $0[2], bias: $0[3]).normalized },
            ]
        }
        for (m, n, transposesA, transposesB) in [
            (1, 1, false, true), (1, 5, false, false), (1, 5, false, true), (3, 2, true, false), (9, 10, true, false),
        ] {
            let (a, b): (Shape, Shape) = (
                transposesA ? [40_003, m] : [m, 40_003], transposesB ? [n, 40_003] : [40_003, n]
            )
            cases.append(
                OpCase(
                    "matMul of many equal numbers \(m)×\(n)\(transposesA ? " aᵀ" : "")\(transposesB ? " bᵀ" : "")",
                    [.tensor(a, equal), .tensor(b, equal)], inBlocks
                ) { _, x in [try x[0].matMul(x[1], transposeSelf: transposesA, transposeOther: transposesB)] })
        }
        cases += [
            gradient(
                "conv2D weight of many pixels",
                [.tensor([1, 1, 500, 501], equal), .tensor([1, 2, 500, 501], equal), .tensor([2, 1, 1, 1])], to: 2,
                inBlocks
            ) { try $0[0].conv2D($0[2]) },
            gradient(
                "conv2D depthwise weight of many pixels",
                [.tensor([1, 2, 500, 501], equal), .tensor([1, 2, 500, 501], equal), .tensor([2, 1, 1, 1])], to: 2,
                inBlocks
            ) { try $0[0].conv2D($0[2], groups: 2) },
            gradient(
                "embedding hit often",
                [.int32([40_003], .values([1, 1, 1, 1, 2, 1, 1, 0])), .tensor([40_003, 9], equal), .tensor([4, 9])],
                to: 2, inBlocks
            ) { try $0[2].embedding($0[0]) },
            OpCase(
                "attention to many keys",
                [
                    .tensor([1, 1, 5, 2], .values([0.25])), .tensor([1, 1, 60_007, 2], steps),
                    .tensor([1, 1, 60_007, 2], equal),
                ],
                inBlocks
            ) { _, x in [try x[0].attention(keys: x[1], values: x[2])] },
            OpCase(
                "gradient of attention to many keys",
                [
                    .tensor([1, 1, 5, 2], .values([0.25])),
                    // Of one period, as the queries' gradient is the covariance of keys and values.
                    .tensor([1, 1, 60_007, 2], .values([1.01, 3.03, 2.02, 1.01, 1.01])),
                    .tensor([1, 1, 60_007, 2], .values([1.01, 3.03, 1.01, 1.01, 1.01])), .tensor([1, 1, 5, 2], equal),
                ], .normwise(1e-4)
            ) { graph, x in
                let y = try x[0].attention(keys: x[1], values: x[2])
                return try graph.gradients(of: y, withRespectTo: [x[0], x[2]], cotangent: x[3])
            },
            OpCase("averagePool2D of a large window", [.tensor([1, 2, 150, 151], equal)], .elementwise(1e-5, floor: 0))
            {
                _, x in [try x[0].averagePool2D(window: 150, stride: 1)]
            },
        ]
        // Sums of 16 bits are as long, and the result rounded once.
        let inHalf = ["reduce", "oftmax", "crossEntropy", "Norm", "bias of many"]
        cases = cases.map { each in
            guard inHalf.contains(where: { each.name.contains($0) }) else { return each }
            // The gradient takes eʸ of a rounded y of ln 3e5.
            return each.inHalf(roundings: each.name == "gradient of logSoftmax of a long row" ? 16 : 3)
        }
        // The reference itself adds up plainly, in float64.
        return cases.map(\.large.float32Only)
    }()

    /// The gradient, with respect to input `target`, of what is built of the inputs; the second is the cotangent.
    private static func gradient(
        _ name: String, _ inputs: [Input], to target: Int = 0,
        _ tolerance: Tolerance = .elementwise(2e-6, floor: 1e-12),
        build: @escaping @Sendable ([Tensor]) throws -> Tensor
    ) -> OpCase {
        OpCase("gradient of \(name)", inputs, tolerance) { graph, x in
            try graph.gradients(of: build(x), withRespectTo: [x[target]], cotangent: x[1])
        }
    }
}
