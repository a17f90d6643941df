/// Scaled dot-product attention, without a matrix of all scores in memory.
///
/// `y = softmax(scale · q · kᵀ + bias) · v` for each batch entry and head.
/// - q `[b, h, sq, d]`, k and v `[b, g, sk, d]`, where g divides h: h / g heads of queries after one another share a head
///   of keys. Then the bias `[b or 1, h or 1, sq or 1, sk or 1]` where `hasBias`, and int32 lengths `[b]` where
///   `hasKeyLengths`: queries of entry n see the first lengths[n] keys.
/// - → y `[b, h, sq, d]`, statistics `[b, h, sq, 2]`: the greatest, m, of each query's products with the keys that it
///   sees, and 1 / Σ exp(scale · (s - m)). With a bias s is the whole score, scale · product + bias, and the exponential
///   is of s - m: a score is rounded as that sum, as PyTorch's is. All are of one type, but the statistics float32 where
///   that is float16 or bfloat16, and then all sums are in float32.
/// - `isCausal`: query i sees keys j ≤ i, counted from the first of each: PyTorch's `is_causal`, ONNX's `is_causal`.
/// - What a query does not see, and what has a bias of -∞, has no share in its y or in any gradient, whatever number,
///   infinity or NaN it is (but on matrix units, in 16 bits and causal, within a block of 64). PyTorch multiplies it by 0,
///   so that NaN comes through. A query that sees nothing, or whose scores are all -∞, has a y of zeros, the statistics
///   0 and 0, and no share in a gradient.
/// - Gradient: the operands, y, statistics, dy → dq, dk, dv. With `p = exp(scale · (s - m)) / Σ` and `δ = Σ_d y·dy`:
///   `dv = pᵀ·dy`, `ds = p ∘ (dy·vᵀ - δ)`, `dq = scale · ds·k`, `dk = scale · dsᵀ·q`. The differences come first: a
///   logarithm added to m would be lost in it where scores are large. A kernel whose products may be rounded otherwise
///   than those of the forward pass adds the sums up again.
/// - Gradient of the bias: the same operands → ds `[b or 1, h or 1, sq, sk]`, summed over the batch and the heads where
///   the bias has one of them.
/// - `scale` is above 0, so that the greatest product is the greatest score.
/// - 4·b·h·sq·sk·d flops forward, 10 backward, 4 for the bias. Dao et al., FlashAttention (2022); torch
///   scaled_dot_product_attention; ONNX Attention; groups: Ainslie et al., GQA (2023).
package struct Attention: Hashable, Sendable {
    package enum Pass: Hashable, Sendable {
        case forward
        /// To the cotangents of q, k and v.
        case gradient
        /// To that of the bias. Of its own, as most biases are masks, of which nobody asks for it.
        case biasGradient
    }

    package var isCausal: Bool
    package var hasBias: Bool
    package var hasKeyLengths: Bool
    package var scale: Double
    package var pass: Pass

    package init(
        isCausal: Bool, hasBias: Bool = false, hasKeyLengths: Bool = false, scale: Double, _ pass: Pass = .forward
    ) {
        self.isCausal = isCausal
        self.hasBias = hasBias
        self.hasKeyLengths = hasKeyLengths
        self.scale = scale
        self.pass = pass
    }

    package func with(_ pass: Pass) -> Attention {
        var other = self
        other.pass = pass
        return other
    }

    /// The operands by number: of the forward pass, and what the gradients have after those.
    package var biasOperand: Int { 3 }
    package var keyLengthsOperand: Int { hasBias ? 4 : 3 }
    package var inputCount: Int { 3 + (hasBias ? 1 : 0) + (hasKeyLengths ? 1 : 0) }
    package var yOperand: Int { inputCount }
    package var statisticsOperand: Int { inputCount + 1 }
    package var cotangentOperand: Int { inputCount + 2 }
}

/// The extents of an attention, as backends want them.
///
/// Heads that share keys lie one after another, so that their queries are, to a kernel, the rows of one head: row i of head
/// n is query `i % queries` of the `i / queries`th of them.
package struct AttentionExtents: Hashable, Sendable {
    package var batch: Int
    /// Heads of keys, of one batch entry.
    package var keyHeads: Int
    /// How many heads of queries share one of keys.
    package var group: Int
    package var queries: Int
    package var keys: Int
    package var width: Int

    package init(_ q: Shape, _ k: Shape) {
        (batch, keyHeads, group) = (q[0], k[1], q[1] / max(k[1], 1))
        (queries, keys, width) = (q[2], k[2], q[3])
    }

    /// Heads of keys, of the whole batch.
    package var heads: Int { batch * keyHeads }
    /// The rows of queries of a head of keys.
    package var rows: Int { group * queries }

    /// In elements, for each of its axes; 0 where all share an element.
    package static func biasStrides(_ bias: Shape) -> [Int] {
        var (strides, stride) = ([0, 0, 0, 0], 1)
        for axis in (0..<4).reversed() {
            if bias[axis] > 1 { strides[axis] = stride }
            stride *= bias[axis]
        }
        return strides
    }
}

extension ShapeRule {
    package func attention(_ attributes: Attention) throws -> [TensorType] {
        switch attributes.pass {
        case .forward: try attentionForward(attributes)
        case .gradient, .biasGradient: try attentionGradient(attributes)
        }
    }

    private func attentionForward(_ attributes: Attention) throws -> [TensorType] {
        try count(attributes.inputCount)
        try floating(0, 1, 2)
        try rank(0, 4, "q [b, h, sq, d]")
        try rank(1, 4, "k [b, h, sk, d]")
        let (q, k) = (operands[0].shape, operands[1].shape)
        try shape(2, k, "v")
        try require(q[0] == k[0] && q[3] == k[3], "q and k must have the same batch and width")
        try require(
            q[1] == k[1] || k[1] > 0 && q[1] % k[1] == 0, "\(k[1]) heads of keys cannot serve \(q[1]) heads of queries")
        try require(k[2] > 0 && q[3] > 0, "there are no keys to attend to, or they have no width")
        // Kernels have it in float32, where nothing smaller is a number above 0.
        try require(
            attributes.scale.isFinite && attributes.scale >= Double(Float.leastNormalMagnitude),
            "the scale must be a number from 1.2e-38 up, not \(attributes.scale)")
        if attributes.hasBias {
            try floating(0, attributes.biasOperand)
            let (bias, scores) = (operands[attributes.biasOperand].shape, Shape([q[0], q[1], q[2], k[2]]))
            try require(
                bias.rank == 4 && (0..<4).allSatisfy { [1, scores[$0]].contains(bias[$0]) },
                "the bias \(bias) does not broadcast to the scores \(scores)")
        }
        if attributes.hasKeyLengths {
            try integers(attributes.keyLengthsOperand, "the key lengths")
            try shape(attributes.keyLengthsOperand, [q[0]], "the key lengths")
        }
        try countable(work: q[0], q[1], q[2], q[3], k[2])
        let type = operands[0].dtype
        return [operands[0], TensorType([q[0], q[1], q[2], 2], type.computed)]
    }

    private func attentionGradient(_ attributes: Attention) throws -> [TensorType] {
        try count(attributes.inputCount + 3)
        let results = try ShapeRule(operands: Array(operands[..<attributes.inputCount])).attentionForward(attributes)
        let (y, dy) = (attributes.yOperand, attributes.cotangentOperand)
        try floating(0, y, dy)
        try shape(y, results[0].shape, "y")
        try statistics(attributes.statisticsOperand, results[1].shape, "the statistics")
        try shape(dy, results[0].shape, "the cotangent")
        guard attributes.pass == .biasGradient else { return [operands[0], operands[1], operands[2]] }
        try require(attributes.hasBias, "there is no bias to have a gradient")
        let bias = operands[attributes.biasOperand].shape
        let slopes = Shape([bias[0], bias[1], operands[0].shape[2], operands[1].shape[2]])
        try countable(slopes)
        return [TensorType(slopes, operands[0].dtype)]
    }
}

extension TraitsRule {
    package func attention(_ attributes: Attention) -> OpTraits {
        let (kind, products): (OpKind, Int) =
            switch attributes.pass {
            case .forward: (.attention, 2)
            case .gradient: (.attentionGradient, 5)
            case .biasGradient: (.attentionBiasGradient, 2)
            }
        return OpTraits(
            kind, .matrixProduct, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .lower
        ) { operands, _ in
            let all = OpTraits.multiplyAdds(products, operands[0].shape.elementCount, operands[1].shape[2])
            return attributes.isCausal ? all / 2 : all
        }
    }
}

extension GradientRule {
    package func attention(_ attributes: Attention) throws -> [Tensor?] {
        guard attributes.pass == .forward else { throw noGradient() }
        try requireNoCotangent(1, "the statistics of attention")
        let inputs = operands + results + [try cotangent()]
        var gradients: [Tensor?] = try graph.add(.attention(attributes.with(.gradient)), inputs)
        if attributes.hasBias {
            let index = attributes.biasOperand
            gradients.append(isWanted[index] ? try biasGradient(attributes, operands[index].shape, inputs) : nil)
        }
        if attributes.hasKeyLengths { gradients.append(nil) }
        return gradients
    }

    private func biasGradient(_ attributes: Attention, _ bias: Shape, _ inputs: [Tensor]) throws -> Tensor {
        let slopes = try graph.add(.attention(attributes.with(.biasGradient)), inputs)[0]
        let shared = [2, 3].filter { bias[$0] != slopes.shape[$0] }
        return shared.isEmpty ? slopes : try slopes.sum(axes: shared, keepsDimensions: true)
    }
}

extension Tensor {
    /// Scaled dot-product attention of these queries `[b, h, sq, d]` over `keys` `[b, g, sk, d]` and `values`
    /// `[b, g, sk, e]`: `softmax(scale · q · kᵀ + bias) · v`, `[b, h, sq, e]`. Memory is linear in sq and sk.
    ///
    /// What a query does not see, by any of the masks or as its bias is -∞, has no share in its result or in a gradient,
    /// not even where it is NaN. A query that sees nothing gets zeros.
    ///
    /// - Parameters:
    ///   - keys: of h heads, or of fewer, g, that each serve h / g heads of queries after one another.
    ///   - values: may be of another width than the keys, at the cost of copies: the narrower are padded.
    ///   - bias: added to the scores, of this tensor's type, and of a shape that broadcasts to `[b, h, sq, sk]`. Its
    ///     gradient takes memory for `[b or 1, h or 1, sq, sk]`.
    ///   - mask: of bool, or an integer, for each score, of a shape that broadcasts likewise: false, or 0, where a query does
    ///     not see a key.
    ///   - keyLengths: int32 `[b]`: how many keys, from the first, there are to see for each batch entry. A run with one
    ///     outside 0 … sk is an error.
    ///   - isCausal: whether query i sees only keys j ≤ i, both counted from the first.
    ///   - scale: multiplies the products; 1/√d, where left out.
    /// - Throws: ``GraphError`` where shapes or types don't fit or the scale is infinite, NaN or nearer to 0 than 1.2e-38.
    public func attention(
        keys: Tensor, values: Tensor, bias: Tensor? = nil, mask: Tensor? = nil, keyLengths: Tensor? = nil,
        isCausal: Bool = false, scale: Double? = nil, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        func failure(_ message: String, _ other: Tensor) -> GraphError {
            graph.failure("attention", message, [self, keys, values, other], at: location)
        }
        let scale = scale ?? 1 / Double(shape.dimensions.last ?? 1).squareRoot()
        // The operation's own scale is above 0: what else there is, the queries take.
        var queries = scale > 0 ? self : try combine(.multiply, scale < 0 ? -1 : 0, at: location)
        var (keys, values) = (keys, values)
        let width = values.shape.dimensions.last ?? 0
        if shape.rank == 4, keys.shape.rank == 4, values.shape.rank == 4, width > 0, shape[3] == keys.shape[3] {
            let widest = max(width, shape[3])
            queries = try queries.widened(to: widest, location)
            keys = try keys.widened(to: widest, location)
            values = try values.widened(to: widest, location)
        }
        var operands = [queries, keys, values]
        var bias = bias
        if let mask {
            guard !mask.dtype.isFloatingPoint else {
                throw failure(
                    "the mask must be of bool or an integer type; numbers to be added to scores are a bias", mask)
            }
            let zero = try graph.fill(0, [], dtype, file: file, line: line)
            let seen = bias ?? zero
            guard mask.shape.broadcast(with: seen.shape) != nil else {
                throw failure("the mask \(mask.shape) and the bias \(seen.shape) do not broadcast", mask)
            }
            let unseen = try graph.fill(-.infinity, [], dtype, file: file, line: line)
            bias = try .select(mask, seen, unseen, file: file, line: line)
        }
        if let bias {
            guard bias.shape.rank <= 4 else { throw failure("the bias \(bias.shape) has more than four axes", bias) }
            let ones = [Int](repeating: 1, count: 4 - bias.shape.rank)
            operands.append(try bias.reshaped(to: Shape(ones + bias.shape.dimensions), file: file, line: line))
        }
        if let keyLengths { operands.append(keyLengths) }
        let attributes = Attention(
            isCausal: isCausal, hasBias: bias != nil, hasKeyLengths: keyLengths != nil,
            scale: scale == 0 ? 1 : abs(scale))
        let y = try graph.add(.attention(attributes), operands, at: location)[0]
        if let keyLengths {
            graph.check(keyLengths, in: 0..<(keys.shape[2] + 1), "key lengths", of: y)
        }
        return width < y.shape[3] ? try y.sliced(axis: 3, 0..<width, file: file, line: line) : y
    }

    /// The last axis with zeros after it.
    private func widened(to width: Int, _ location: SourceLocation) throws(GraphError) -> Tensor {
        guard let own = shape.dimensions.last, own < width else { return self }
        var whole = shape
        whole[shape.rank - 1] = width
        let pad = Pad(
            starts: [Int](repeating: 0, count: shape.rank), steps: [Int](repeating: 1, count: shape.rank), shape: whole)
        return try graph.add(.pad(pad), [self], at: location, as: "attention")[0]
    }
}
