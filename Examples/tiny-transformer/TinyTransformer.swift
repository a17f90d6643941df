import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A transformer that learns to go on with a text, character by character.
@main
struct TinyTransformer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiny-transformer", abstract: "Trains a transformer on the characters of a text.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var text: TextOptions
    @Option(help: "Stretches of text a step.")
    var batch = 8

    func run() throws {
        try text.train(
            "tiny-transformer", title: "Characters, by a transformer",
            task: "go on with a text, character by character, by a transformer", options,
            .init(context: CharacterTransformer.context, layout: .batchFirst, learningRate: 1e-3) {
                CharacterTransformer($0)
            }, batch: batch, steps: 2000)
    }
}
