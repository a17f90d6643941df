import TensorGraph

extension OpCase {
    static let attentions: [OpCase] = {
        func attention(
            _ b: Int, _ h: Int, _ sq: Int, _ sk: Int, _ d: Int, causal: Bool = false, data: TestData = .normal,
            isLarge: Bool = false
        ) -> OpCase {
            let scale = 1 / Double(d).squareRoot()
            // The gradients also sum over the queries.
            // A query that sees one key has no gradient: there, two sums over d cancel, and what is left is their
            // rounding, a tenth of the limit of a gradient around 1.
            let backward = Tolerance.normwise(8 * Double(1 + max(sk, sq)) * Tolerance.epsilon, floor: 0.1)
            return OpCase(
                "attention b\(b) h\(h) sq\(sq) sk\(sk) d\(d)\(causal ? " causal" : "")",
                .attention(Attention(isCausal: causal, scale: scale)),
                [.tensor([b, h, sq, d], data), .tensor([b, h, sk, d], data), .tensor([b, h, sk, d])],
                .attention(keys: sk),
                gradient: isLarge ? .parity(backward) : .full(backward)
            ).inHalf(roundings: 2, backward: 4, onMatrixUnits: true).with { $0.isLarge = isLarge }
        }
        var cases: [OpCase] = []
        for causal in [false, true] {
            cases += [
                attention(1, 1, 1, 1, 1, causal: causal), attention(1, 1, 5, 7, 5, causal: causal),
                attention(2, 3, 7, 5, 4, causal: causal), attention(1, 2, 17, 17, 5, causal: causal),
                attention(1, 1, 33, 31, 8, causal: causal), attention(1, 1, 9, 33, 16, causal: causal),
                attention(1, 2, 1, 67, 64, causal: causal), attention(1, 1, 5, 19, 80, causal: causal),
                attention(1, 1, 19, 3, 64, causal: causal), attention(2, 1, 3, 129, 3, causal: causal),
                attention(1, 1, 65, 65, 16, causal: causal), attention(1, 1, 4, 4, 128, causal: causal),
                attention(0, 2, 3, 3, 4, causal: causal), attention(1, 1, 0, 3, 4, causal: causal),
                attention(1, 1, 5, 3, 4, causal: causal),
                attention(1, 1, 17, 18, 33, causal: causal),
                attention(2, 2, 130, 131, 64, causal: causal, isLarge: true),
                attention(1, 3, 257, 193, 80, causal: causal, isLarge: true),
                attention(1, 2, 63, 300, 128, causal: causal, isLarge: true),
                attention(3, 2, 1, 1027, 64, causal: causal, isLarge: true),
                attention(1, 1, 200, 200, 5, causal: causal, isLarge: true),
                attention(1, 2, 128, 128, 32, causal: causal, isLarge: true),
                attention(1, 1, 70, 70, 256, causal: causal, isLarge: true),
            ]
        }
        let large = TestData.scaled(30)
        cases += [
            OpCase(
                "attention with large scores", .attention(Attention(isCausal: false, scale: 1)),
                [.tensor([1, 1, 5, 8], large), .tensor([1, 1, 9, 8], large), .tensor([1, 1, 9, 8])], .normwise(1e-3)),
            OpCase(
                "attention with another scale",
                [.tensor([1, 2, 6, 5]), .tensor([1, 2, 7, 5]), .tensor([1, 2, 7, 5])],
                .attention(keys: 7), gradient: .full(.attention(keys: 7))
            ) { _, x in [try x[0].attention(keys: x[1], values: x[2], isCausal: true, scale: -0.3)] },
            OpCase(
                "attention with NaN in one query",
                [
                    .tensor([1, 1, 3, 2], .values([1, 2, .nan, 1, 0, 1])), .tensor([1, 1, 3, 2]),
                    .tensor([1, 1, 3, 2]),
                ], .attention(keys: 3)
            ) { _, x in [try x[0].attention(keys: x[1], values: x[2], isCausal: true, scale: 1)] },
        ]
        return cases + maskedAttentions
    }()
}
