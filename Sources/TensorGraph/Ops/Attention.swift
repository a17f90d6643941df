/// Scaled dot-product attention, without a matrix of all scores in memory.
///
/// `y = softmax(scale · q · kᵀ) · v` for each batch entry and head.
/// - q `[b, h, sq, d]`, k and v `[b, h, sk, d]` → y `[b, h, sq, d]`, logSumExp `[b, h, sq]` of the scaled scores; of
///   one type, but logSumExp float32 where that is float16 or bfloat16, and then all sums are in float32.
/// - `isCausal`: query i sees keys j ≤ i, counted from the first of each, as PyTorch's `is_causal`.
/// - Gradient: q, k, v, y, logSumExp, dy → dq, dk, dv. With `p = exp(scale·q·kᵀ - logSumExp)` and
///   `δ = Σ_d y·dy`: `dv = pᵀ·dy`, `ds = p ∘ (dy·vᵀ - δ)`, `dq = scale · ds·k`, `dk = scale · dsᵀ·q`.
/// - 4·b·h·sq·sk·d flops forward, 10 backward. Dao et al., FlashAttention (2022); torch
///   scaled_dot_product_attention.
package struct Attention: Hashable, Sendable {
    package var isCausal: Bool
    package var scale: Double

    package init(isCausal: Bool, scale: Double) {
        self.isCausal = isCausal
        self.scale = scale
    }
}

extension ShapeRule {
    package func attention(_ attributes: Attention) throws -> [TensorType] {
        try count(3)
        try floating()
        try rank(0, 4, "q [b, h, sq, d]")
        try rank(1, 4, "k [b, h, sk, d]")
        let (q, k) = (operands[0].shape, operands[1].shape)
        try shape(2, k, "v")
        try require(
            q[0] == k[0] && q[1] == k[1] && q[3] == k[3], "q and k must have the same batch, heads and width")
        try require(k[2] > 0 && q[3] > 0, "there are no keys to attend to, or they have no width")
        try countable(work: q[0], q[1], q[2], q[3], k[2])
        let type = operands[0].dtype
        return [operands[0], TensorType([q[0], q[1], q[2]], type.isHalf ? .float32 : type)]
    }

    package func attentionGradient(_ attributes: Attention) throws -> [TensorType] {
        try count(6)
        let results = try ShapeRule(operands: Array(operands[..<3])).attention(attributes)
        try floating(0, 3, 5)
        try require(
            operands[4].dtype == results[1].dtype,
            "the log-sum-exp must be \(results[1].dtype), not \(operands[4].dtype)")
        try shape(3, results[0].shape, "y")
        try shape(4, results[1].shape, "the log-sum-exp")
        try shape(5, results[0].shape, "the cotangent")
        return [operands[0], operands[1], operands[2]]
    }
}

extension GradientRule {
    package func attention(_ attributes: Attention) throws -> [Tensor?] {
        try requireNoCotangent(1, "the log-sum-exp of attention")
        return try graph.add(.attentionGradient(attributes), operands + results + [try cotangent()])
    }

    package func attentionGradient(_ attributes: Attention) throws -> [Tensor?] { throw noGradient() }
}

extension Tensor {
    /// Scaled dot-product attention of these queries `[b, h, sq, d]` over `keys` and `values` `[b, h, sk, d]`.
    ///
    /// Memory is linear in sq and sk.
    /// - Parameters:
    ///   - isCausal: whether query i sees only keys j ≤ i.
    ///   - scale: multiplies the scores; 1/√d, where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func attention(
        keys: Tensor, values: Tensor, isCausal: Bool = false, scale: Double? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let width = Double(shape.dimensions.last ?? 1)
        let attributes = Attention(isCausal: isCausal, scale: scale ?? 1 / width.squareRoot())
        return try apply(.attention(attributes), [keys, values], file: file, line: line)
    }
}
