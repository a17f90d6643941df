import TensorGraph

extension OpCase {
    /// Softmax-like functions of numbers that share a large part, next to which a logarithm of a sum is rounded away. What
    /// is left are differences that every number here holds exactly.
    static let largeOffsets: [OpCase] = {
        var cases: [OpCase] = []
        let near = Tolerance.elementwise(4e-6, floor: 1e-30)
        let logarithm = Tolerance.elementwise(4e-6, floor: 1)
        // The step is a multiple of the spacing of float32 there. Every row has its greatest number more than once, so that
        // no probability is so near 1 that 1 - p cancels.
        let offsets: [(Double, step: Double)] = [
            (1e4, 0.5), (1e6, 0.5), (-1e6, 0.5), (1e7, 1), (1e8, 8), (-1e8, 8), (3e38, 0), (-3e38, 0),
        ]
        for (offset, step) in offsets {
            let data = TestData.values([0, 1, 2, 1, 0, 2, 2].map { offset + step * $0 })
            cases += [
                crossEntropy("around \(offset)", [5, 10], data, gradient: .parity(near)),
                OpCase("softmax around \(offset)", .softmax(.plain), [.tensor([5, 37], data)], near),
                OpCase(
                    "logSoftmax around \(offset)", .softmax(.logarithmic), [.tensor([5, 37], data)], logarithm,
                    gradient: .parity(.logSoftmax)),
            ]
        }
        let (infinity, masked) = (Double.infinity, -3e38)
        cases += [
            crossEntropy(
                "with masked classes", [4, 5],
                .values([1e6, 1e6, masked, -1e9, 1e6, 3, 3, masked, 3, masked, 0, -infinity, 0, 1, -infinity]),
                gradient: .parity(near)),
            crossEntropy(
                "with infinities and NaN", [5, 3],
                .values([
                    -infinity, -infinity, -infinity, infinity, 1, 2, .nan, 0, 1, -infinity, 0, 0, 5, 5, 5,
                ]), gradient: .parity(near)),
        ]
        return cases.map { $0.inHalf(roundings: 1, backward: 3) } + largeScores
    }()

    private static func crossEntropy(
        _ what: String, _ shape: Shape, _ data: TestData, gradient: GradientCheck
    ) -> OpCase {
        OpCase(
            "crossEntropy \(what)", [.tensor(shape, data), .int32([shape[0]], .integers(0...(shape[1] - 1)))],
            .elementwise(4e-6, floor: 1), gradient: gradient
        ) { _, x in [try x[0].crossEntropy(labels: x[1])] }
    }

    /// Attention with scores in the millions, of products that are exact however they are added up.
    private static var largeScores: [OpCase] {
        var cases: [OpCase] = []
        let shapes: [(sq: Int, sk: Int, d: Int)] = [
            (1, 70, 64), (3, 9, 8), (4, 131, 16), (5, 7, 3), (19, 35, 8), (37, 33, 80), (33, 40, 128),
        ]
        for (sq, sk, d) in shapes {
            for isCausal in [false, true] {
                /// Small even and small whole numbers, but for the last of each row.
                func rows(_ count: Int, factor: Double) -> TestData {
                    .values((0..<(count * d)).map { $0 % d == d - 1 ? 4096 : factor * Double($0 * 7 % 5 - 2) })
                }
                let limit = Tolerance.normwise(1e-5)
                cases.append(
                    OpCase(
                        "attention with scores around 4e6 sq\(sq) sk\(sk) d\(d)\(isCausal ? " causal" : "")",
                        // The gradient of q sums terms that are the shared part times nothing, as does that of k where
                        // a query sees one key.
                        [
                            .tensor([1, 2, sq, d], rows(sq, factor: 2), isDifferentiable: false),
                            .tensor([1, 2, sk, d], rows(sk, factor: 1), isDifferentiable: !isCausal),
                            .tensor([1, 2, sk, d]),
                        ], limit, gradient: .parity(.normwise(4e-5))
                    ) { _, x in [try x[0].attention(keys: x[1], values: x[2], isCausal: isCausal, scale: 0.25)] }
                    .inHalf(roundings: 2, backward: 8, onMatrixUnits: true))
            }
        }
        for size in [1e2, 1e3, 1e4, 1e9] {
            cases.append(
                OpCase(
                    "attention with equal scores of \(size)²",
                    [
                        .tensor([1, 1, 9, 7], .values([size * 1.1]), isDifferentiable: false),
                        .tensor([1, 1, 21, 7], .values([size * 0.7]), isDifferentiable: false), .tensor([1, 1, 21, 7]),
                    ], .normwise(1e-5), gradient: .parity(.elementwise(1e-5, floor: 0.1))
                ) { _, x in [try x[0].attention(keys: x[1], values: x[2])] })
        }
        cases.append(
            OpCase(
                "attention with a scale of zero",
                [.tensor([1, 2, 6, 5]), .tensor([1, 2, 7, 5]), .tensor([1, 2, 7, 5])],
                .attention(keys: 7), gradient: .parity(.attention(keys: 7))
            ) { _, x in [try x[0].attention(keys: x[1], values: x[2], isCausal: true, scale: 0)] })
        return cases
    }
}
