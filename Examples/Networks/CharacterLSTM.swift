import Tessera

/// An embedding, one recurrent layer, and a linear map to the characters: int32 `[steps, n]` → logits
/// `[steps, n, vocabulary]`. Parameters have the names of the PyTorch program's that it is compared with.
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

    public var members: [LayerMember] {
        [.layer("e", embedding), .layer("r", recurrence), .layer("o", output)]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try output(recurrence(embedding(input, pass), pass), pass)
    }
}
