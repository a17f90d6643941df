import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A long short-term memory that learns to go on with a text, character by character.
@main
struct CharLSTM: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "char-lstm", abstract: "Trains an LSTM on the characters of a text.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var text: TextOptions
    @Option(help: "Stretches of text a step.")
    var batch = 32

    func run() throws {
        try text.train(
            "char-lstm", title: "Characters, by an LSTM",
            task: "go on with a text, character by character, by a long short-term memory", options,
            .init(context: CharacterLSTM.context, layout: .timeFirst, learningRate: 3e-3) { CharacterLSTM($0) },
            batch: batch, steps: 6000)
    }
}
