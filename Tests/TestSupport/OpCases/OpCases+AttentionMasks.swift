import TensorGraph

/// The extents of a row of masked attentions, and the shapes of the masks it has.
private struct MaskedAttention {
    var b = 2, h = 2, g: Int?, sq = 7, sk = 9, d = 8
    var bias: Shape?
    var biasData = TestData.normal
    var mask: Shape?
    var maskData = TestData.values([1, 0, 1, 1, 0, 1, 1])
    var lengths: [Double]?
    var isCausal = false

    var name: String {
        var words = ["attention b\(b) h\(h)\(g.map { "/\($0)" } ?? "") sq\(sq) sk\(sk) d\(d)"]
        if let bias { words.append("bias \(bias)") }
        if let mask { words.append("mask \(mask)") }
        if let lengths { words.append("lengths \(lengths.map { Int($0) })") }
        if isCausal { words.append("causal") }
        return words.joined(separator: " ")
    }

    /// - Parameter hidden: what stands in the first rows of q, k and v instead of random numbers, in turn.
    func opCase(
        _ title: String? = nil, q: TestData = .normal, k: TestData = .normal, v: TestData = .normal,
        scale: Double? = nil, tolerance: Tolerance? = nil, gradient: OpCase.GradientCheck? = nil
    ) -> OpCase {
        var inputs: [OpCase.Input] = [
            .tensor([b, h, sq, d], q), .tensor([b, g ?? h, sk, d], k), .tensor([b, g ?? h, sk, d], v),
        ]
        if let bias { inputs.append(.tensor(bias, biasData)) }
        if let mask { inputs.append(.int32(mask, maskData)) }
        if let lengths { inputs.append(.int32([b], .values(lengths))) }
        // The gradients also sum over the queries, and over what shares a bias.
        let shared = bias.map { b * h * sq / max($0.elementCount / sk, 1) } ?? 1
        let backward = Tolerance.normwise(
            8 * Double(1 + max(sk, sq * h / max(g ?? h, 1), shared)) * Tolerance.epsilon, floor: 0.1)
        let isCausal = isCausal
        let (hasBias, hasMask, hasLengths) = (bias != nil, mask != nil, lengths != nil)
        return OpCase(
            title ?? name, inputs, tolerance ?? .attention(keys: sk), gradient: gradient ?? .full(backward)
        ) { _, x in
            var rest = x[3...]
            let bias = hasBias ? rest.popFirst() : nil
            let mask = hasMask ? rest.popFirst() : nil
            let lengths = hasLengths ? rest.popFirst() : nil
            return [
                try x[0].attention(
                    keys: x[1], values: x[2], bias: bias, mask: mask, keyLengths: lengths, isCausal: isCausal,
                    scale: scale)
            ]
        }
    }
}

extension OpCase {
    static let maskedAttentions: [OpCase] = maskedShapes + groupedAttentions + hiddenNumbers + biasesOfAllSizes

    private static var maskedShapes: [OpCase] {
        var cases = [
            MaskedAttention(bias: [2, 2, 7, 9]), MaskedAttention(bias: [1, 2, 7, 9]),
            MaskedAttention(bias: [1, 1, 1, 9]),
            MaskedAttention(bias: [2, 1, 7, 1]), MaskedAttention(bias: [7, 9], isCausal: true),
            MaskedAttention(b: 3, h: 1, sq: 37, sk: 67, d: 5, bias: [37, 67]),
            MaskedAttention(b: 1, h: 1, sq: 1, sk: 1, d: 1, bias: [1, 1, 1, 1]),
            // Some queries see nothing: of seven numbers in turn, and all of the third row.
            MaskedAttention(mask: [2, 1, 1, 9]),
            MaskedAttention(
                mask: [7, 9], maskData: .values((0..<63).map { $0 / 9 == 2 || $0 % 5 == 3 ? 0 : 1 })),
            MaskedAttention(bias: [1, 2, 1, 9], mask: [2, 1, 7, 9], isCausal: true),
            MaskedAttention(b: 3, lengths: [0, 9, 4]), MaskedAttention(b: 3, lengths: [5, 0, 1], isCausal: true),
            MaskedAttention(b: 3, sq: 19, sk: 70, bias: [2, 19, 70], lengths: [70, 65, 3], isCausal: true),
            // Few queries, forward and backward.
            MaskedAttention(sq: 1, sk: 67, bias: [2, 2, 1, 67]),
            MaskedAttention(sq: 3, sk: 33, bias: [3, 33], isCausal: true),
            MaskedAttention(b: 3, sq: 1, sk: 130, lengths: [0, 130, 65]),
            MaskedAttention(sq: 2, mask: [2, 1, 2, 1], maskData: .values([1, 0])),
            MaskedAttention(b: 0, bias: [1, 2, 7, 9]), MaskedAttention(b: 0, lengths: []),
            MaskedAttention(sq: 0, bias: [2, 2, 0, 9]),
        ].map { $0.opCase() }
        cases += [
            MaskedAttention(bias: [1, 2, 7, 9], lengths: [9, 4]), MaskedAttention(h: 4, g: 2, mask: [2, 1, 7, 9]),
        ].map { $0.opCase("\($0.name) in 16 bits").inHalf(roundings: 2, backward: 4) }
        cases += [
            MaskedAttention(b: 2, h: 2, sq: 130, sk: 193, d: 16, bias: [1, 2, 130, 193], isCausal: true),
            MaskedAttention(
                b: 2, h: 6, g: 2, sq: 67, sk: 131, d: 16, bias: [2, 1, 1, 131], lengths: [100, 131], isCausal: true),
        ].map { mask in
            mask.opCase(gradient: .parity(.normwise(8 * 1600 * Tolerance.epsilon, floor: 0.1))).large
        }
        for (width, valueWidth) in [(8, 3), (3, 8)] {
            cases.append(
                OpCase(
                    "attention of width \(width) with values of width \(valueWidth)",
                    [
                        .tensor([1, 2, 5, width]), .tensor([1, 2, 7, width]), .tensor([1, 2, 7, valueWidth]),
                        .tensor([5, 7]),
                    ], .attention(keys: 7), gradient: .full(.attention(keys: 7))
                ) { _, x in [try x[0].attention(keys: x[1], values: x[2], bias: x[3])] })
        }
        return cases
    }

    /// Heads of queries that share heads of keys.
    private static var groupedAttentions: [OpCase] {
        [
            MaskedAttention(h: 6, g: 2), MaskedAttention(h: 6, g: 2, isCausal: true),
            MaskedAttention(b: 1, h: 5, g: 1, sq: 13, sk: 11, isCausal: true),
            MaskedAttention(h: 3, g: 1, sq: 65, sk: 67, isCausal: true),
            MaskedAttention(h: 4, g: 2, bias: [1, 4, 7, 9]),
            MaskedAttention(h: 4, g: 2, bias: [2, 1, 7, 9], isCausal: true),
            MaskedAttention(b: 3, h: 4, g: 2, lengths: [9, 2, 0], isCausal: true),
            MaskedAttention(h: 4, g: 1, sq: 1, sk: 67), MaskedAttention(h: 2, g: 1, sq: 2, sk: 33, isCausal: true),
            MaskedAttention(h: 4, g: 2, sq: 1, sk: 35, bias: [1, 4, 1, 35], lengths: [35, 20]),
            MaskedAttention(h: 0, g: 0),
        ].map { $0.opCase() }
            + [
                MaskedAttention(h: 4, g: 2, sq: 17, sk: 33, d: 16).opCase("attention b2 h4/2 sq17 sk33 d16 in 16 bits")
                    .inHalf(roundings: 2, backward: 4, onMatrixUnits: true)
            ]
    }

    /// NaN and infinities in what nobody, or not everybody, sees.
    private static var hiddenNumbers: [OpCase] {
        /// Rows of eight, of which every `period`th from `first` on is NaN or infinite.
        func rows(_ first: Int, every period: Int) -> TestData {
            .values(
                (0..<(8 * period)).map { n in
                    n / 8 == first
                        ? (n % 3 == 0 ? .nan : n % 3 == 1 ? .infinity : -.infinity) : Double(n * 7 % 11 - 5) / 4
                })
        }
        let seenByNone: [Double] = (0..<63).map { $0 % 9 == 8 ? 0 : 1 }
        let seenBySome: [Double] = (0..<63).map { $0 % 9 == 8 && $0 / 9 != 3 ? 0 : 1 }
        let deafQuery: [Double] = (0..<63).map { $0 / 9 == 4 ? 0 : 1 }
        let limit = OpCase.GradientCheck.parity(.attention(keys: 9))
        var cases: [OpCase] = []
        for (sq, title) in [(7, ""), (3, " by few queries")] {
            let masked = MaskedAttention(sq: sq, mask: [sq, 9], maskData: .values(seenByNone))
            cases += [
                masked.opCase(
                    "attention with NaN in a value that a mask hides\(title)", v: rows(8, every: 9), gradient: limit),
                masked.opCase(
                    "attention with NaN in a key that a mask hides\(title)", k: rows(8, every: 9), gradient: limit),
                MaskedAttention(sq: sq, lengths: [8, 8]).opCase(
                    "attention with NaN after the last key\(title)", k: rows(8, every: 9), v: rows(8, every: 9),
                    gradient: limit),
                MaskedAttention(sq: sq, isCausal: true).opCase(
                    "attention with NaN in a value that later queries see\(title)", v: rows(2, every: 9),
                    gradient: limit),
                MaskedAttention(sq: sq, isCausal: true).opCase(
                    "attention with NaN in a query that sees few keys\(title)", q: rows(1, every: sq), gradient: limit),
            ]
        }
        cases += [
            MaskedAttention(mask: [7, 9], maskData: .values(seenBySome)).opCase(
                "attention with NaN in a value that one query sees", v: rows(8, every: 9), gradient: limit),
            MaskedAttention(mask: [7, 9], maskData: .values(deafQuery)).opCase(
                "attention with NaN in a query that sees nothing", q: rows(4, every: 7), gradient: limit),
            MaskedAttention(h: 4, g: 2, isCausal: true).opCase(
                "attention with NaN in a value of grouped heads that later queries see", v: rows(5, every: 9),
                gradient: limit),
            MaskedAttention(sq: 70, sk: 150, mask: [70, 150], maskData: .values((0..<150).map { $0 == 140 ? 0 : 1 }))
                .opCase(
                    "attention with NaN in a hidden value of a long row", v: rows(140, every: 150),
                    gradient: .parity(.attention(keys: 150))),
        ]
        // More than a block of every kernel, on matrix units too.
        let causal = MaskedAttention(b: 1, sq: 70, sk: 70, isCausal: true)
        let many = OpCase.GradientCheck.parity(.attention(keys: 70))
        cases += [
            causal.opCase(
                "attention with NaN in a value that many later queries see", v: rows(66, every: 70), gradient: many),
            causal.opCase("attention with NaN in an early value", v: rows(3, every: 70), gradient: many),
            causal.opCase("attention with NaN in a key that later queries see", k: rows(40, every: 70), gradient: many),
            causal.opCase("attention with NaN in one of many queries", q: rows(33, every: 70), gradient: many),
        ].map { $0.inHalf(roundings: 2, backward: 4, onMatrixUnits: true) }
        return cases
    }

    private static var biasesOfAllSizes: [OpCase] {
        let inf = Double.infinity
        // A floor as in other cases, for queries that as good as see one key, whose gradients are roundings alone; four heads
        // share a bias.
        let limit = OpCase.GradientCheck.parity(.normwise(80 * Tolerance.epsilon, floor: 0.4))
        // Half and whole numbers, of which the scores are sums without rounding.
        let small = TestData.integers(-2...2)
        var cases: [OpCase] = []
        for sq in [7, 3] {
            let row = MaskedAttention(sq: sq, bias: [sq, 9])
            func biased(_ name: String, _ numbers: [Double]) -> OpCase {
                var masked = row
                masked.biasData = .values(numbers)
                return masked.opCase("attention sq\(sq) with \(name)", gradient: limit)
            }
            cases += [
                biased("biases of -∞", (0..<63).map { $0 % 4 == 1 ? -inf : Double($0 % 3) }),
                biased("rows of biases of -∞", (0..<63).map { $0 / 9 % 2 == 0 ? -inf : Double($0 % 3) }),
                biased("nothing but biases of -∞", [-inf]),
                biased("a bias of ∞", (0..<63).map { $0 == 13 ? inf : 0 }),
                biased("a bias of NaN", (0..<63).map { $0 == 5 ? .nan : 0 }),
                biased("biases of -1e30 and 1e30", (0..<63).map { $0 % 9 == 4 ? 1e30 : -1e30 }),
                biased("biases of 1e-30 and denormal ones", [1e-30, 1e-40, -1e-42, 0, -0.0]),
            ]
            // A score is rounded as the sum that it is.
            for (offset, steps) in [(1e6, 7), (-1e6, 7), (1e6, 1)] {
                var masked = row
                masked.biasData = .values((0..<63).map { offset + Double($0 * 5 % steps) / 2 })
                cases.append(
                    masked.opCase(
                        "attention sq\(sq) with \(steps) biases around \(offset)", q: small, k: small, scale: 0.5,
                        gradient: .parity(.normwise(4e-5))))
            }
        }
        return cases
    }
}
