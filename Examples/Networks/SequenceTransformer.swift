import Tessera

/// An encoder of one sequence and a decoder of another that attends to it (Vaswani et al., 2017), over tokens of one
/// vocabulary: layers that normalise first, with sines and cosines of positions. Parameters have the names of PyTorch's twin.
public struct SequenceTransformer: Module {
    /// What sequences are filled up with, what decoded ones begin with, and what both kinds end with.
    public static let (padding, begin, end): (Int32, Int32, Int32) = (0, 1, 2)

    let embedding: Embedding
    let encoder: TransformerEncoder
    let decoder: TransformerDecoder
    let output: Dense
    private let positions = SinusoidalPositions()
    private let dropout: Dropout

    /// - Parameters:
    ///   - vocabulary: how many tokens there are, the three above included.
    ///   - layers: of the encoder, and as many of the decoder.
    ///   - inner: the width of the two-layer networks.
    public init(
        vocabulary: Int, width: Int, heads: Int, layers: Int, inner: Int, dropout: Double, _ random: RandomSource
    ) {
        embedding = Embedding(vocabulary, width, random)
        encoder = TransformerEncoder(
            (0..<layers).map { _ in
                TransformerEncoderLayer(width, heads: heads, inner: inner, dropout: dropout, random)
            }, norm: LayerNorm(width))
        decoder = TransformerDecoder(
            (0..<layers).map { _ in
                TransformerDecoderLayer(width, heads: heads, inner: inner, dropout: dropout, random)
            }, norm: LayerNorm(width))
        output = Dense(width, vocabulary, random)
        self.dropout = Dropout(dropout, random)
    }

    /// The one that translates phrases in byte pairs.
    public static func translation(vocabulary: Int = 4000, _ random: RandomSource) -> SequenceTransformer {
        SequenceTransformer(
            vocabulary: vocabulary, width: 256, heads: 4, layers: 2, inner: 512, dropout: 0.1, random)
    }

    /// The one that stems words of 26 letters and the apostrophe.
    public static func stemming(vocabulary: Int = 30, _ random: RandomSource) -> SequenceTransformer {
        SequenceTransformer(vocabulary: vocabulary, width: 128, heads: 4, layers: 2, inner: 512, dropout: 0.1, random)
    }

    /// int32 `[b, s]` → `[b, s, width]`.
    ///
    /// - Parameter lengths: int32 `[b]`: how many tokens there are of each sequence; all, where left out.
    public func encode(_ source: Tensor, lengths: Tensor?, _ pass: ForwardPass) throws -> Tensor {
        try encoder(embedded(source, pass), mask: nil, keyLengths: lengths, pass)
    }

    /// The logits of what comes after each of the tokens: int32 `[b, t]` → `[b, t, vocabulary]`. What fills sequences up comes
    /// after all that sees it.
    ///
    /// - Parameters:
    ///   - memory: `[b, s, width]`, what the other sequence was encoded to.
    ///   - lengths: of the other sequences.
    public func decode(_ tokens: Tensor, memory: Tensor, lengths: Tensor?, _ pass: ForwardPass) throws -> Tensor {
        try output(decoder(embedded(tokens, pass), memory: memory, memoryLengths: lengths, pass), pass)
    }

    /// How much each token takes of the other sequence in the decoder's last layer, the mean over heads: `[b, t, s]`.
    public func alignment(_ tokens: Tensor, memory: Tensor, lengths: Tensor?, _ pass: ForwardPass) throws -> Tensor {
        var x = try embedded(tokens, pass)
        for layer in decoder.layers.dropLast() { x = try layer(x, memory: memory, memoryLengths: lengths, pass) }
        guard let last = decoder.layers.last else {
            return try pass.graph.fill(0, [tokens.shape[0], tokens.shape[1], memory.shape[1]])
        }
        x = try x + last.attention(last.norm1(x, pass), pass)
        return try last.crossAttention.weights(last.norm2(x, pass), keysFrom: memory, keyLengths: lengths, pass)
            .mean(axes: [1])
    }

    private func embedded(_ tokens: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try dropout(positions(embedding(tokens, pass), pass), pass)
    }

    /// Learns to say `target` of `source`, in batches as ``dataset(_:buckets:)`` has them, with Adam.
    public func trainer(
        learningRate: Double, schedule: LearningRateSchedule = .constant, on executor: Executor
    ) -> Trainer {
        let loss = Loss.crossEntropy(ignoredLabel: Int(Self.padding))
        return Trainer(
            self, groups: [ParameterGroup("all", self, Adam(learningRate: learningRate))], schedule: schedule,
            gradientNorm: 1, on: executor
        ) { pass, batch in
            [try .loss("loss", loss, logits(batch, pass), batch["target"])]
        } predicting: { pass, inputs in
            ["logits": try logits(inputs, pass)]
        }
    }

    private func logits(_ batch: NamedTensors, _ pass: ForwardPass) throws -> Tensor {
        let lengths = try batch["source.lengths"]
        let memory = try encode(batch["source"], lengths: lengths, pass)
        return try decode(batch["input"], memory: memory, lengths: lengths, pass)
    }

    /// Pairs of token sequences as examples to train on: `source` with an end, `input`, which begins as a decoded sequence
    /// does, and `target`, which is one token ahead of it and ends.
    ///
    /// - Parameter buckets: how many lengths batches may have.
    public static func dataset(_ pairs: [(source: [Int32], target: [Int32])], buckets: Int) throws -> SequenceDataset {
        try SequenceDataset(
            [
                "source": pairs.map { $0.source + [end] }, "input": pairs.map { [begin] + $0.target },
                "target": pairs.map { $0.target + [end] },
            ], buckets: buckets, padding: padding)
    }
}
