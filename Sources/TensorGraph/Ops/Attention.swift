/// Scaled dot-product attention, without a matrix of all scores in memory.
///
/// `y = softmax(scale · q · kᵀ) · v` for each batch entry and head.
/// - q `[b, h, sq, d]`, k and v `[b, h, sk, d]` → y `[b, h, sq, d]`, statistics `[b, h, sq, 2]`: of each query's
///   products s with the keys it sees, the greatest, m, and 1 / Σ exp(scale · (s - m)). All are of one type, but the
///   statistics float32 where that is float16 or bfloat16, and then all sums are in float32.
/// - `isCausal`: query i sees keys j ≤ i, counted from the first of each, as PyTorch's `is_causal`.
/// - Gradient: q, k, v, y, statistics, dy → dq, dk, dv. With `p = exp(scale · (s - m)) / Σ` and `δ = Σ_d y·dy`:
///   `dv = pᵀ·dy`, `ds = p ∘ (dy·vᵀ - δ)`, `dq = scale · ds·k`, `dk = scale · dsᵀ·q`. The differences come first: a
///   logarithm added to m would be lost in it where scores are large. A kernel whose products may be rounded otherwise
///   than those of the forward pass adds the sums up again.
/// - `scale` is above 0, so that the greatest product is the greatest score.
/// - 4·b·h·sq·sk·d flops forward, 10 backward. Dao et al., FlashAttention (2022); torch
///   scaled_dot_product_attention.
package struct Attention: Hashable, Sendable {
    package var isCausal: Bool
    package var scale: Double
    package var pass: Pass

    package init(isCausal: Bool, scale: Double, _ pass: Pass = .forward) {
        self.isCausal = isCausal
        self.scale = scale
        self.pass = pass
    }

    package var gradient: Attention { Attention(isCausal: isCausal, scale: scale, .gradient) }
}

extension ShapeRule {
    package func attention(_ attributes: Attention) throws -> [TensorType] {
        switch attributes.pass {
        case .forward: try attentionForward(attributes)
        case .gradient: try attentionGradient(attributes)
        }
    }

    private func attentionForward(_ attributes: Attention) throws -> [TensorType] {
        try count(3)
        try floating()
        try rank(0, 4, "q [b, h, sq, d]")
        try rank(1, 4, "k [b, h, sk, d]")
        let (q, k) = (operands[0].shape, operands[1].shape)
        try shape(2, k, "v")
        try require(
            q[0] == k[0] && q[1] == k[1] && q[3] == k[3], "q and k must have the same batch, heads and width")
        try require(k[2] > 0 && q[3] > 0, "there are no keys to attend to, or they have no width")
        // Kernels have it in float32, where nothing smaller is a number above 0.
        try require(
            attributes.scale.isFinite && attributes.scale >= Double(Float.leastNormalMagnitude),
            "the scale must be a number from 1.2e-38 up, not \(attributes.scale)")
        try countable(work: q[0], q[1], q[2], q[3], k[2])
        let type = operands[0].dtype
        return [operands[0], TensorType([q[0], q[1], q[2], 2], type.computed)]
    }

    private func attentionGradient(_ attributes: Attention) throws -> [TensorType] {
        try count(6)
        let results = try ShapeRule(operands: Array(operands[..<3])).attentionForward(attributes)
        try floating(0, 3, 5)
        try shape(3, results[0].shape, "y")
        try statistics(4, results[1].shape, "the statistics")
        try shape(5, results[0].shape, "the cotangent")
        return [operands[0], operands[1], operands[2]]
    }
}

extension TraitsRule {
    package func attention(_ attributes: Attention) -> OpTraits {
        let (kind, products) = attributes.pass == .forward ? (OpKind.attention, 2) : (.attentionGradient, 5)
        return OpTraits(kind, .matrixProduct, overEmptyOperands: .fill(0), halfTypes: .converted) {
            let all = OpTraits.multiplyAdds(products, $1[0].shape.elementCount, $0[1].shape[2])
            return attributes.isCausal ? all / 2 : all
        }
    }
}

extension GradientRule {
    package func attention(_ attributes: Attention) throws -> [Tensor?] {
        guard attributes.pass == .forward else { throw noGradient() }
        try requireNoCotangent(1, "the statistics of attention")
        return try graph.add(.attention(attributes.gradient), operands + results + [try cotangent()])
    }
}

extension Tensor {
    /// Scaled dot-product attention of these queries `[b, h, sq, d]` over `keys` and `values` `[b, h, sk, d]`.
    ///
    /// Memory is linear in sq and sk.
    /// - Parameters:
    ///   - isCausal: whether query i sees only keys j ≤ i.
    ///   - scale: multiplies the scores; 1/√d, where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit or the scale is infinite, NaN or nearer to 0 than 1.2e-38.
    public func attention(
        keys: Tensor, values: Tensor, isCausal: Bool = false, scale: Double? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let width = Double(shape.dimensions.last ?? 1)
        let scale = scale ?? 1 / width.squareRoot()
        // The operation's own scale is above 0: what else there is, the queries take.
        let queries =
            scale > 0
            ? self
            : try combine(
                .multiply, scale < 0 ? -1 : 0, at: SourceLocation(file: file, line: line))
        let attributes = Attention(isCausal: isCausal, scale: scale == 0 ? 1 : abs(scale))
        return try queries.apply(.attention(attributes), [keys, values], file: file, line: line)
    }
}
