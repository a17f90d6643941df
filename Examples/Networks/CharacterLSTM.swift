import Tessera

/// An embedding, one recurrent layer, and a linear map to the characters: int32 `[steps, n]` → logits
/// `[steps, n, vocabulary]`. Parameters have the names of PyTorch's twin.
public struct CharacterLSTM: Layer {
    /// The number of characters it is trained on at a time.
    public static let context = 64

    let embedding: Embedding
    let recurrence: LSTM
    let output: Dense

    public init(vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, _ random: RandomSource) {
        embedding = Embedding(vocabulary, width, random)
        recurrence = LSTM(width, width, random)
        output = Dense(width, vocabulary, random)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try output(recurrence(embedding(input, pass), pass), pass)
    }
}
