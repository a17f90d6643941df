import Tessera

/// 4 blocks of width 256 with 8 heads over 256 characters: int32 `[n, 256]` → logits `[n, 256, vocabulary]`. Parameters
/// have the names of the PyTorch program's that it is compared with.
public struct CharacterTransformer: Layer {
    /// The number of characters it sees.
    public static let context = 256

    let e: Embedding
    let p: Variable
    let b: [Block]
    let n: LayerNorm
    let o: Dense

    public init(
        vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, blocks: Int = 4, _ random: RandomSource
    ) {
        e = Embedding(vocabulary, width, random)
        p = Variable("p", try HostTensor(zeros: TensorType([Self.context, width])))
        b = (0..<blocks).map { _ in Block(width, heads: 8, random) }
        n = LayerNorm(width)
        o = Dense(width, vocabulary, random)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var x = try e(input, pass) + pass.read(p)
        for block in b { x = try block(x, pass) }
        return try o(n(x, pass), pass)
    }

    /// Attention and a two-layer network, each behind a layer norm and beside a residual connection.
    struct Block: Layer {
        let n1: LayerNorm
        let n2: LayerNorm
        let qkv: Dense
        let o: Dense
        let f1: Dense
        let f2: Dense
        private let heads: Int

        init(_ width: Int, heads: Int, _ random: RandomSource) {
            self.heads = heads
            n1 = LayerNorm(width)
            n2 = LayerNorm(width)
            qkv = Dense(width, 3 * width, random)
            o = Dense(width, width, random)
            f1 = Dense(width, 4 * width, random)
            f2 = Dense(4 * width, width, random)
        }

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            let mixed = try qkv(n1(input, pass), pass).selfAttention(heads: heads, isCausal: true)
            let attended = try input + o(mixed, pass)
            return try attended + f2(f1(n2(attended, pass), pass).gelu(), pass)
        }
    }
}
