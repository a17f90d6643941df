import ArgumentParser
import ExampleSupport
import Tessera

/// A long short-term memory that learns to go on with a text, character by character.
@main
struct CharLSTM: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "char-lstm", abstract: "Trains an LSTM on the characters of a text.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var text: TextOptions
    @Option(help: "How often to go through the text.")
    var epochs = 10
    @Option(help: "Stretches of text a step.")
    var batch = 32

    func run() throws {
        try text.train(
            options, context: 64, layout: .timeFirst, batch: batch, epochs: epochs, learningRate: 3e-3
        ) { Model(random: $0) }
    }

    /// An embedding, one recurrent layer, and a linear map to the 96 characters, by the names of PyTorch's counterpart.
    struct Model: Layer {
        let e: Embedding
        let r: LSTM
        let o: Dense

        init(vocabulary: Int = CharacterDataset.vocabularySize, width: Int = 256, random: RandomSource) {
            e = Embedding(vocabulary, width, random)
            r = LSTM(width, width, random)
            o = Dense(width, vocabulary, random)
        }

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            try o(r(e(input, pass), pass), pass)
        }
    }
}
