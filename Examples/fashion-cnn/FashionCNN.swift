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
    @Option(help: "How often to go through the 60,000 pictures.")
    var epochs = 4
    @Option(help: "Pictures a step.")
    var batch = 128
    @Option(
        help: .init(
            "The folder with the four files of Fashion-MNIST (Debian's and Ubuntu's dataset-fashion-mnist).",
            valueName: "folder"))
    var data = "/usr/share/datasets/fashion-mnist"

    func run() throws {
        let began = ContinuousClock.now
        let (train, test) = try ImageDataset.fashionMNIST(folder: data)
        let run = ExampleRun(
            .init(
                "fashion-cnn", title: "Clothing, by two convolutions",
                task: "tell ten kinds of clothing apart", data: "Fashion-MNIST: 60,000 pictures, 10,000 to test on"),
            options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { executor in
                Trainer(
                    Sequential.fashionCNN(RandomSource(seed: options.seed)), loss: .crossEntropy, optimizer: Adam(),
                    metrics: options.report == nil ? [.accuracy] : [.accuracy, .confusionMatrix(classes: 10)],
                    on: executor)
            },
            figures: { [.init("test accuracy", 100 * ($0.metric ?? .nan), unit: "%", better: .higher)] })
        try run(since: began)
    }
}
