/// One layer of a transformer over `[b, s, width]`: attention of the sequence to itself and a two-layer network, each beside
/// a residual connection. torch.nn.TransformerEncoderLayer with `batch_first`; causal, one layer of a language model.
public struct TransformerEncoderLayer: Layer {
    /// Of the input to itself.
    public let attention: MultiHeadAttention
    /// Of the attention; before it or after, as the layer says.
    public let norm1: LayerNorm
    private let network: FeedForward
    private let dropout: Dropout
    private let normalizesFirst: Bool
    private let location: SourceLocation

    /// - Parameters:
    ///   - keyValueHeads: as ``MultiHeadAttention`` has it, and so `isCausal` and `positions`.
    ///   - inner: the width between the two layers of the network; four times `width`, where left out.
    ///   - dropout: the rate after attention, and in and after the network, while training.
    ///   - attentionDropout: that of the weights of keys, for which PyTorch takes `dropout`: of its own, as it needs memory for
    ///     all weights.
    ///   - activation: of the network.
    ///   - normalizesFirst: whether layer norms stand before attention and network, or else after the residual connections.
    public init(
        _ width: Int, heads: Int, keyValueHeads: Int? = nil, inner: Int? = nil, dropout: Double = 0,
        attentionDropout: Double = 0, activation: any Layer = GELU(), normalizesFirst: Bool = true,
        isCausal: Bool = false, positions: AttentionPositions? = nil, _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        attention = MultiHeadAttention(
            width, heads: heads, keyValueHeads: keyValueHeads, dropout: attentionDropout, isCausal: isCausal,
            positions: positions, random, file: file, line: line)
        network = FeedForward(
            width, inner: inner, dropout: dropout, activation: activation, norm: "norm2", random, file: file, line: line
        )
        norm1 = LayerNorm(width, file: file, line: line)
        self.dropout = Dropout(dropout, random, file: file, line: line)
        self.normalizesFirst = normalizesFirst
        location = SourceLocation(file: file, line: line)
    }

    public var members: [LayerMember] {
        [.layer("self_attn", attention)] + network.layers + [.layer("norm1", norm1)] + network.normMembers
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, mask: nil, pass)
    }

    /// - Parameters: the masks are those of ``MultiHeadAttention``.
    public func callAsFunction(
        _ input: Tensor, bias: Tensor? = nil, mask: Tensor?, keyLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        try pass.graph.at(location) {
            let attended = try residual(input, norm1, normalizesFirst, pass) {
                try dropout(
                    attention($0, keysFrom: nil, bias: bias, mask: mask, keyLengths: keyLengths, pass), pass)
            }
            return try network(attended, normalizesFirst, pass)
        }
    }
}

/// One layer of a transformer that attends to another sequence too: attention of the sequence `[b, s, width]` to itself, to
/// the memory `[b, sm, width]`, and a two-layer network, each beside a residual connection. torch.nn.TransformerDecoderLayer
/// with `batch_first`.
public struct TransformerDecoderLayer: Module {
    /// Of the input to itself.
    public let attention: MultiHeadAttention
    /// Of the input to the encoder's output.
    public let crossAttention: MultiHeadAttention
    /// Of the attention to itself.
    public let norm1: LayerNorm
    /// Of the attention to the encoder's output.
    public let norm2: LayerNorm
    private let network: FeedForward
    private let dropouts: [Dropout]
    private let normalizesFirst: Bool
    private let location: SourceLocation

    /// - Parameters: those of ``TransformerEncoderLayer``; attention of the sequence to itself is causal.
    public init(
        _ width: Int, heads: Int, keyValueHeads: Int? = nil, inner: Int? = nil, dropout: Double = 0,
        attentionDropout: Double = 0, activation: any Layer = GELU(), normalizesFirst: Bool = true,
        positions: AttentionPositions? = nil, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        attention = MultiHeadAttention(
            width, heads: heads, keyValueHeads: keyValueHeads, dropout: attentionDropout, isCausal: true,
            positions: positions, random, file: file, line: line)
        crossAttention = MultiHeadAttention(
            width, heads: heads, keyValueHeads: keyValueHeads, dropout: attentionDropout, random, file: file, line: line
        )
        network = FeedForward(
            width, inner: inner, dropout: dropout, activation: activation, norm: "norm3", random, file: file, line: line
        )
        norm1 = LayerNorm(width, file: file, line: line)
        norm2 = LayerNorm(width, file: file, line: line)
        dropouts = (0..<2).map { _ in Dropout(dropout, random, file: file, line: line) }
        self.normalizesFirst = normalizesFirst
        location = SourceLocation(file: file, line: line)
    }

    public var members: [LayerMember] {
        [.layer("self_attn", attention), .layer("multihead_attn", crossAttention)] + network.layers
            + [.layer("norm1", norm1), .layer("norm2", norm2)] + network.normMembers
    }

    /// - Parameters:
    ///   - memory: what the other sequence came to, of an encoder say.
    ///   - mask: as ``MultiHeadAttention`` has it, of the sequence to itself, and so `keyLengths`.
    ///   - memoryMask: of the sequence to the memory, and so `memoryLengths`.
    public func callAsFunction(
        _ input: Tensor, memory: Tensor, mask: Tensor? = nil, keyLengths: Tensor? = nil, memoryMask: Tensor? = nil,
        memoryLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        try pass.graph.at(location) {
            let attended = try residual(input, norm1, normalizesFirst, pass) {
                try dropouts[0](attention($0, keysFrom: nil, mask: mask, keyLengths: keyLengths, pass), pass)
            }
            let crossed = try residual(attended, norm2, normalizesFirst, pass) {
                try dropouts[1](
                    crossAttention($0, keysFrom: memory, mask: memoryMask, keyLengths: memoryLengths, pass), pass)
            }
            return try network(crossed, normalizesFirst, pass)
        }
    }
}

/// Encoder layers one after the other, and a norm after the last where they normalise first. torch.nn.TransformerEncoder.
public struct TransformerEncoder: Layer {
    /// In the order in which they are called.
    public let layers: [TransformerEncoderLayer]
    /// What comes last; `nil` where nothing does.
    public let norm: LayerNorm?

    /// Layers one behind the other, and what normalises their result.
    public init(_ layers: [TransformerEncoderLayer], norm: LayerNorm? = nil) {
        self.layers = layers
        self.norm = norm
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, mask: nil, pass)
    }

    /// - Parameters: the masks are those of ``MultiHeadAttention``.
    public func callAsFunction(
        _ input: Tensor, bias: Tensor? = nil, mask: Tensor?, keyLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        let output = try layers.reduce(input) { try $1($0, bias: bias, mask: mask, keyLengths: keyLengths, pass) }
        return try norm.map { try $0(output, pass) } ?? output
    }
}

/// Decoder layers one after the other, and a norm after the last where they normalise first. torch.nn.TransformerDecoder.
public struct TransformerDecoder: Module {
    /// In the order in which they are called.
    public let layers: [TransformerDecoderLayer]
    /// What comes last; `nil` where nothing does.
    public let norm: LayerNorm?

    /// Layers one behind the other, and what normalises their result.
    public init(_ layers: [TransformerDecoderLayer], norm: LayerNorm? = nil) {
        self.layers = layers
        self.norm = norm
    }

    /// - Parameters: those of ``TransformerDecoderLayer``.
    public func callAsFunction(
        _ input: Tensor, memory: Tensor, mask: Tensor? = nil, keyLengths: Tensor? = nil, memoryMask: Tensor? = nil,
        memoryLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        let output = try layers.reduce(input) {
            try $1(
                $0, memory: memory, mask: mask, keyLengths: keyLengths, memoryMask: memoryMask,
                memoryLengths: memoryLengths, pass)
        }
        return try norm.map { try $0(output, pass) } ?? output
    }
}

/// The two-layer network of a transformer's layer, with its norm and residual connection.
private struct FeedForward {
    private let linear1: Dense
    private let linear2: Dense
    private let activation: any Layer
    private let norm: LayerNorm
    private let normName: String
    private let dropouts: [Dropout]

    init(
        _ width: Int, inner: Int?, dropout: Double, activation: any Layer, norm: String, _ random: RandomSource,
        file: StaticString, line: UInt
    ) {
        let inner = inner ?? width.times(4)
        linear1 = Dense(width, inner, random, file: file, line: line)
        linear2 = Dense(inner, width, random, file: file, line: line)
        self.norm = LayerNorm(width, file: file, line: line)
        self.activation = activation
        normName = norm
        dropouts = (0..<2).map { _ in Dropout(dropout, random, file: file, line: line) }
    }

    var layers: [LayerMember] {
        [.layer("linear1", linear1), .layer("linear2", linear2), .layer("activation", activation)]
    }

    var normMembers: [LayerMember] { [.layer(normName, norm)] }

    func callAsFunction(_ input: Tensor, _ normalizesFirst: Bool, _ pass: ForwardPass) throws -> Tensor {
        try residual(input, norm, normalizesFirst, pass) {
            let inner = try dropouts[0](activation(linear1($0, pass), pass), pass)
            return try dropouts[1](linear2(inner, pass), pass)
        }
    }
}

/// `x + body(norm(x))`, or `norm(x + body(x))`.
private func residual(
    _ x: Tensor, _ norm: LayerNorm, _ normalizesFirst: Bool, _ pass: ForwardPass, _ body: (Tensor) throws -> Tensor
) throws -> Tensor {
    if normalizesFirst { return try x + body(norm(x, pass)) }
    return try norm(x + body(x), pass)
}
