import Tessera

/// An embedding, one recurrent layer, and a linear map to the characters: int32 `[steps, n]` → logits
/// `[steps, n, vocabulary]`. Parameters have the names of the PyTorch program's that it is compared with.
public struct CharacterLSTM: Layer {
    /// The number of characters it is trained on at a time.
    public static let context = 64

    let e: Embedding
    let r: LSTM
    let o: Dense

    public init(vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, _ random: RandomSource) {
        e = Embedding(vocabulary, width, random)
        r = LSTM(width, width, random)
        o = Dense(width, vocabulary, random)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try o(r(e(input, pass), pass), pass)
    }
}
