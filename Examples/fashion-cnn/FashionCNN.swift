import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A convolutional network that learns to tell ten kinds of clothing apart on 60,000 pictures of 28×28 pixels
/// (Fashion-MNIST: Xiao, Rasul and Vollgraf, 2017).
@main
struct FashionCNN: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fashion-cnn", abstract: "Trains a convolutional network on Fashion-MNIST.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var fashion: FashionOptions
    @Option(help: "How often to go through the 60,000 pictures.")
    var epochs = 20
    @Option(help: "Pictures a step.")
    var batch = 128

    func run() throws {
        try fashion.classify(
            .init(
                "fashion-cnn", title: "Clothing, by two convolutions", task: "tell ten kinds of clothing apart",
                data: "Fashion-MNIST: 60,000 pictures, 10,000 to test on"), options, batch: batch, epochs: epochs,
            learningRate: 3e-3, weightDecay: 0.05, augmentations: [.horizontalFlip()], mustReach: 93
        ) { Sequential.fashionCNN($0) }
    }
}
