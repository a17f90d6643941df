import Tessera

/// DCN-v2 (Wang et al., 2021): three cross layers beside two dense ones over `[n, width]` → one logit a row, `[n]`.
///
/// What comes in are numbers beside the embeddings of categories.
public struct DeepCross: Layer {
    let cross: [Dense]
    let deep: Sequential
    let output: Dense

    public init(_ width: Int, _ random: RandomSource) {
        cross = (0..<3).map { _ in Dense(width, width, random) }
        deep = Sequential(Dense(width, 256, random), ReLU(), Dense(256, 128, random), ReLU())
        output = Dense(width + 128, 1, random)
    }

    public var members: [LayerMember] {
        cross.enumerated().map { .layer("cross.\($0)", $1) } + [.layer("deep", deep), .layer("o", output)]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let crossed = try cross.reduce(input) { x, layer in try input * layer(x, pass) + x }
        let joined = try Tensor.concatenated([crossed, deep(input, pass)], axis: 1)
        return try output(joined, pass).reshaped(to: [input.shape[0]])
    }
}
