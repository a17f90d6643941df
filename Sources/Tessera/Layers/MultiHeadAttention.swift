/// Self-attention with several heads over `[b, s, width]` (Vaswani et al., 2017). torch.nn.MultiheadAttention with
/// `batch_first`.
///
/// `in_proj_weight` `[3·width, width]` holds the projections to queries, keys and values, one below the other.
public struct MultiHeadAttention: Layer {
    public let inputWeight: Variable
    public let inputBias: Variable
    public let output: Dense
    public let heads: Int
    public var isCausal: Bool
    private let location: SourceLocation

    /// - Parameters:
    ///   - heads: must divide `width`; the graph says so otherwise.
    ///   - isCausal: whether each position sees only itself and earlier ones.
    public init(
        _ width: Int, heads: Int, isCausal: Bool = false, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        // Glorot and Bengio, 2010, over the three projections as one matrix.
        let bound = (6 / Float(max(width.times(4), 1))).squareRoot()
        let joined = width.times(3)
        func variable(_ name: String, _ value: () throws -> HostTensor) -> Variable {
            Variable(name, of: "MultiHeadAttention", at: location, value)
        }
        inputWeight = variable("in_proj_weight") { try random.uniform([joined, width], bound: bound) }
        inputBias = variable("in_proj_bias") { try .filled(0, [joined]) }
        output = Dense(width, width, random, file: file, line: line)
        self.heads = heads
        self.isCausal = isCausal
        self.location = location
    }

    public var members: [LayerMember] {
        [
            .variable("in_proj_weight", inputWeight), .variable("in_proj_bias", inputBias), .layer("out_proj", output),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let joined = try pass.graph.at(location) { () throws -> Tensor in
            let projected = try input.matmul(pass.read(inputWeight), transposeOther: true) + pass.read(inputBias)
            return try projected.selfAttention(heads: heads, isCausal: isCausal)
        }
        return try output(joined, pass)
    }
}

extension Tensor {
    /// Attention over queries, keys and values that lie side by side: `[b, s, 3·width]` → `[b, s, width]`, with the
    /// width in `heads` equal parts.
    ///
    /// - Throws: ``GraphError`` where the last axis is not three widths that the heads divide.
    public func selfAttention(
        heads: Int, isCausal: Bool, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 3, heads >= 1, shape[2] % 3 == 0, shape[2] / 3 % heads == 0 else {
            throw GraphError(
                operation: "selfAttention", message: "needs [b, s, 3·width] with a width that \(heads) heads divide",
                operands: [type], location: location)
        }
        let (batch, steps, width) = (shape[0], shape[1], shape[2] / 3)
        return try graph.at(location) {
            let split = try reshaped(to: [batch, steps, 3, heads, width / heads]).transposed([2, 0, 3, 1, 4])
            let parts = try (0..<3).map {
                try split.sliced(axis: 0, $0..<($0 + 1)).reshaped(to: [batch, heads, steps, width / heads])
            }
            let mixed = try parts[0].attention(keys: parts[1], values: parts[2], isCausal: isCausal)
            return try mixed.transposed([0, 2, 1, 3]).reshaped(to: [batch, steps, width])
        }
    }
}

/// One block of a transformer over `[b, s, width]`: attention and a two-layer network, each behind a layer norm and
/// beside a residual connection. torch.nn.TransformerEncoderLayer with `norm_first`, GELU and no dropout by default.
public struct TransformerBlock: Layer {
    public let attention: MultiHeadAttention
    public let linear1: Dense
    public let linear2: Dense
    public let norm1: LayerNorm
    public let norm2: LayerNorm
    private let dropouts: [Dropout]
    private let location: SourceLocation

    /// - Parameter inner: the width between the two layers of the network; four times `width`, where left out.
    public init(
        _ width: Int, heads: Int, inner: Int? = nil, dropout: Double = 0, isCausal: Bool = false,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let inner = inner ?? width.times(4)
        attention = MultiHeadAttention(width, heads: heads, isCausal: isCausal, random, file: file, line: line)
        linear1 = Dense(width, inner, random, file: file, line: line)
        linear2 = Dense(inner, width, random, file: file, line: line)
        norm1 = LayerNorm(width, file: file, line: line)
        norm2 = LayerNorm(width, file: file, line: line)
        dropouts = (0..<3).map { _ in Dropout(dropout, random, file: file, line: line) }
        location = SourceLocation(file: file, line: line)
    }

    public var members: [LayerMember] {
        [
            .layer("self_attn", attention), .layer("linear1", linear1), .layer("linear2", linear2),
            .layer("norm1", norm1), .layer("norm2", norm2),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let attended = try input + dropouts[0](attention(norm1(input, pass), pass), pass)
            let inner = try dropouts[1](linear1(norm2(attended, pass), pass).gelu(), pass)
            return try attended + dropouts[2](linear2(inner, pass), pass)
        }
    }
}
