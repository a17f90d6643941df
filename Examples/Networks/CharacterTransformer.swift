import Tessera

/// 4 causal layers of width 256 with 8 heads over up to 256 characters: int32 `[n, steps]` → logits `[n, steps, vocabulary]`.
/// Parameters have the names of PyTorch's twin.
public struct CharacterTransformer: Layer {
    /// The number of characters it sees.
    public static let context = 256

    let embedding: Embedding
    let positions: LearnedPositions
    let encoder: TransformerEncoder
    let output: Dense

    public init(
        vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, layers: Int = 4, _ random: RandomSource
    ) {
        embedding = Embedding(vocabulary, width, random)
        positions = LearnedPositions(Self.context, width, random)
        encoder = TransformerEncoder(
            (0..<layers).map { _ in TransformerEncoderLayer(width, heads: 8, isCausal: true, random) },
            norm: LayerNorm(width))
        output = Dense(width, vocabulary, random)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try output(encoder(positions(embedding(input, pass), pass), pass), pass)
    }
}
