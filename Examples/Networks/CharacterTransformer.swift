import Tessera

/// 4 blocks of width 256 with 8 heads over 256 characters: int32 `[n, 256]` → logits `[n, 256, vocabulary]`. Parameters
/// have the names of the PyTorch program's that it is compared with.
public struct CharacterTransformer: Layer {
    /// The number of characters it sees.
    public static let context = 256

    let embedding: Embedding
    let positions: Variable
    let blocks: [Block]
    let norm: LayerNorm
    let output: Dense

    public init(
        vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, blocks: Int = 4, _ random: RandomSource
    ) {
        embedding = Embedding(vocabulary, width, random)
        positions = Variable("p", try HostTensor(zeros: TensorType([Self.context, width])))
        self.blocks = (0..<blocks).map { _ in Block(width, heads: 8, random) }
        norm = LayerNorm(width)
        output = Dense(width, vocabulary, random)
    }

    public var members: [LayerMember] {
        [.layer("e", embedding), .variable("p", positions)]
            + blocks.enumerated().map { .layer("b.\($0)", $1) }
            + [.layer("n", norm), .layer("o", output)]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let embedded = try embedding(input, pass) + pass.read(positions)
        let mixed = try blocks.reduce(embedded) { try $1($0, pass) }
        return try output(norm(mixed, pass), pass)
    }

    /// Attention and a two-layer network, each behind a layer norm and beside a residual connection.
    struct Block: Layer {
        let attentionNorm: LayerNorm
        let networkNorm: LayerNorm
        let projections: Dense
        let output: Dense
        let expansion: Dense
        let contraction: Dense
        private let heads: Int

        init(_ width: Int, heads: Int, _ random: RandomSource) {
            self.heads = heads
            attentionNorm = LayerNorm(width)
            networkNorm = LayerNorm(width)
            projections = Dense(width, 3 * width, random)
            output = Dense(width, width, random)
            expansion = Dense(width, 4 * width, random)
            contraction = Dense(4 * width, width, random)
        }

        var members: [LayerMember] {
            [
                .layer("n1", attentionNorm), .layer("n2", networkNorm), .layer("qkv", projections),
                .layer("o", output), .layer("f1", expansion), .layer("f2", contraction),
            ]
        }

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            let mixed = try projections(attentionNorm(input, pass), pass).selfAttention(heads: heads, isCausal: true)
            let attended = try input + output(mixed, pass)
            return try attended + contraction(expansion(networkNorm(attended, pass), pass).gelu(), pass)
        }
    }
}
