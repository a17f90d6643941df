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
    @Option(help: "How often to go through the text.")
    var epochs = 10
    @Option(help: "Stretches of text a step.")
    var batch = 32

    func run() throws {
        try text.train(
            .init(
                "char-lstm", title: "Characters, by an LSTM",
                task: "go on with a text, character by character, by a long short-term memory",
                data: "the licences that come with Debian, the last tenth held out"),
            options, context: CharacterLSTM.context, layout: .timeFirst, batch: batch, epochs: epochs,
            learningRate: 3e-3
        ) { CharacterLSTM($0) }
    }
}
