import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A small residual network with batch norm that learns to tell ten kinds of clothing apart, on pictures that are flipped and
/// moved anew in each epoch.
@main
struct FashionResNetExample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fashion-resnet", abstract: "Trains a small residual network on Fashion-MNIST.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var fashion: FashionOptions
    @Option(help: "How often to go through the 60,000 pictures.")
    var epochs = 12
    @Option(help: "Pictures a step.")
    var batch = 128

    func run() throws {
        try fashion.classify(
            .init(
                "fashion-resnet", title: "Clothing, by a residual network", task: "tell ten kinds of clothing apart",
                data: "Fashion-MNIST: 60,000 pictures, 10,000 to test on"), options, batch: batch, epochs: epochs,
            learningRate: 5e-3, weightDecay: 0.05,
            augmentations: [.horizontalFlip(), .crop(height: 28, width: 28, padding: 2)], mustReach: 94
        ) { FashionResNet($0) }
    }
}
