import ArgumentParser
import Foundation
import Tessera

/// Fashion-MNIST, and how classifiers learn from it.
public struct FashionOptions: ParsableArguments {
    /// What the labels from 0 stand for.
    public static let classes = [
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ]

    @Option(
        help: .init(
            "The folder with the four files of Fashion-MNIST (Debian's and Ubuntu's dataset-fashion-mnist).",
            valueName: "folder"))
    public var data = "/usr/share/datasets/fashion-mnist"
    @Option(help: .init("The highest learning rate.", valueName: "rate"))
    public var learningRate: Double?

    public init() {}

    /// Trains a classifier of `[n, 1, 28, 28]` as the options say: Adam with decoupled weight decay along one cycle of its
    /// learning rate, on pictures that are changed anew in each epoch.
    ///
    /// - Parameters:
    ///   - learningRate: the highest, where the options name none.
    ///   - mustReach: the test accuracy, in per cent, of a whole training.
    public func classify(
        _ about: ExampleDescription, _ options: ExampleOptions, batch: Int, epochs: Int, learningRate: Double,
        weightDecay: Double, augmentations: [Augmentation], mustReach: Double,
        model: @escaping (RandomSource) -> any Layer
    ) throws {
        let began = ContinuousClock.now
        let (train, test) = try ImageDataset.fashionMNIST(folder: data)
        let steps = try BatchOrder(count: train.count, batchSize: max(batch, 1)).batchesPerEpoch.times(max(epochs, 1))
        let isShown = options.report != nil || options.results != nil
        let run = ExampleRun(
            about, options: options, batch: batch, epochs: epochs,
            train: try AugmentedDataset(train, augmentations, seed: options.seed), test: test,
            makeTrainer: { executor in
                Trainer(
                    model(RandomSource(seed: options.seed)), loss: .crossEntropy,
                    optimizer: Adam(
                        learningRate: self.learningRate ?? learningRate, weightDecay: weightDecay, isDecoupled: true),
                    metrics: isShown ? [.accuracy, .confusionMatrix(classes: Self.classes.count)] : [.accuracy],
                    schedule: .oneCycle(total: max(steps, 2)), on: executor)
            },
            figures: {
                [.init("test accuracy", 100 * ($0.metric ?? .nan), unit: "%", better: .higher, mustReach: mustReach)]
            },
            present: { _, evaluation, results in
                guard let matrix = evaluation.state(ConfusionMatrix.self, of: "confusion matrix") else { return }
                try results.addConfusion("confusion.svg", matrix, names: Self.classes)
            })
        try run(since: began)
    }
}
