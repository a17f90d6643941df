import Foundation
import Tessera
import TesseraVision

extension FashionOptions {
    /// What the labels from 0 stand for.
    public static let classes = [
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ]

    /// Trains a classifier of `[n, 1, 28, 28]` as the options say: Adam with decoupled weight decay along one cycle of its
    /// learning rate, on pictures that are changed anew in each epoch.
    ///
    /// - Parameters:
    ///   - learningRate: the highest.
    ///   - mustReach: the test accuracy, in per cent, of a whole training.
    public func classify(
        _ about: ExampleDescription, _ options: ExampleOptions, batch: Int, epochs: Int, learningRate: Double,
        weightDecay: Double, augmentations: [Augmentation], mustReach: Double,
        model: @escaping (RandomSource) -> any Layer
    ) throws {
        let began = ContinuousClock.now
        let (train, test) = try ImageDataset.fashionMNIST(folder: data)
        let batches = try BatchOrder(count: train.count, batchSize: max(batch, 1)).batchesPerEpoch
        let isShown = options.report != nil || options.results != nil
        let run = ExampleRun(
            about, options: options, batch: batch, epochs: epochs,
            train: try AugmentedDataset(train, augmentations, seed: options.seed), test: test,
            makeTrainer: { executor in
                Trainer(
                    model(RandomSource(seed: options.seed)), loss: .crossEntropy,
                    optimizer: Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true),
                    metrics: isShown ? [.accuracy, .confusionMatrix(classes: Self.classes.count)] : [.accuracy],
                    schedule: .oneCycle(total: max(batches.times(epochs), 2)), on: executor)
            },
            figures: {
                [.init("test accuracy", 100 * ($0.metric ?? .nan), unit: "%", better: .higher, mustReach: mustReach)]
            },
            present: { trainer, evaluation, results in
                guard let matrix = evaluation.state(ConfusionMatrix.self, of: "confusion matrix") else { return }
                try results.addConfusion("confusion.svg", matrix, names: Self.classes)
                try results.addPicture("classified.png") { path in
                    try classified(test.batch(Array(0..<min(test.count, 60))[...]), by: trainer).write(to: path)
                }
            })
        try run(since: began)
    }

    /// Pictures with what each is taken for, and a frame around those that are something else.
    private func classified(_ batch: Batch, by trainer: Trainer) throws -> Picture {
        guard let images = batch.tensors["input"], let target = batch.tensors["target"] else {
            throw ExampleFailure("a batch of Fashion-MNIST has no input or no target")
        }
        let labels = try target.elements(Int32.self).map(Int.init)
        let logits = try trainer.predict(images).elements(Float.self)
        let count = Self.classes.count
        var pictures = try Picture.pictures(of: images).map { try $0.converted(to: .rgb).enlarged(3) }
        let names = pictures.indices.map { number in
            let row = Array(logits[(number * count)..<((number + 1) * count)])
            let greatest = row.indices.max { row[$0] < row[$1] } ?? 0
            if greatest != labels[number] {
                let (height, width) = (Double(pictures[number].height), Double(pictures[number].width))
                pictures[number].draw(
                    .init(left: 0, top: 0, right: width, bottom: height), color: Color(red: 229, green: 57, blue: 53),
                    thickness: 3)
            }
            return Self.classes[greatest]
        }
        return try Picture.grid(pictures, columns: 10, padding: 6, labels: names)
    }
}
