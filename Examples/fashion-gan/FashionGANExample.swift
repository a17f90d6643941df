import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera
import TesseraVision

/// A generator of pictures of clothing, trained against a discriminator.
@main
struct FashionGANExample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fashion-gan", abstract: "Trains a generative adversarial network on Fashion-MNIST.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var fashion: FashionOptions
    @Option(help: "How often to go through the 60,000 pictures.")
    var epochs = 6
    @Option(help: "Pictures a step.")
    var batch = 64
    @Option(help: "The learning rate of both networks.")
    var learningRate = 2e-4
    @Option(
        help: .init(
            "A checkpoint of fashion-cnn, whose features the distance is measured by; where there is none, one is trained"
                + " and written here. (default: beside the results)", valueName: "file"))
    var classifier: String?

    func run() throws {
        let began = ContinuousClock.now
        let (train, test) = try ImageDataset.fashionMNIST(folder: fashion.data)
        let results = options.results.map { "\($0)/fashion-gan-classifier.safetensors" }
        let judge = try options.predict == nil ? judge(train, at: classifier ?? results) : nil
        let samples = SampleRows()
        let run = ExampleRun(
            .init(
                "fashion-gan", title: "Clothing out of noise, by a GAN",
                task: "make pictures of clothing out of noise, against a discriminator with spectral norms",
                data: "Fashion-MNIST: 60,000 pictures, 10,000 to compare with"),
            options: options, batch: batch, epochs: epochs, train: train, test: try FashionGAN.data(test, seed: 2),
            callbacks: [samples],
            makeTrainer: { executor in
                FashionGAN(RandomSource(seed: options.seed)).trainer(
                    learningRate: learningRate, classifier: judge, on: executor)
            },
            figures: { result in
                let state = result.state(FrechetDistance.self, of: "Fréchet distance")
                let distance = state?.value ?? .nan
                return [
                    .init("Fréchet distance", distance, unit: "", better: .lower),
                    .init(
                        "Fréchet distance by the variance of real pictures", distance / (state?.realVariance ?? .nan),
                        unit: "", better: .lower, mustReach: FashionGAN.greatestDistance),
                ]
            },
            present: { trainer, _, results in
                try samples.add(of: trainer)
                try results.addPicture("samples.png") { try samples.grid().write(to: $0) }
            })
        try run(since: began)
    }

    /// The classifier that is at `path`, or one that is trained here.
    private func judge(_ pictures: ImageDataset, at path: String?) throws -> Sequential {
        let model = Sequential.fashionCNN(RandomSource(seed: 7))
        let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: try options.executor())
        if let path, FileManager.default.fileExists(atPath: path) {
            try model.load(from: path, on: trainer.executor)
        } else {
            try trainer.fit(pictures, batchSize: 128, epochs: 2, steps: options.quick ? 4 : nil)
            if let path { try trainer.save(to: path) }
        }
        return model
    }
}

/// Keeps what a generator makes of the same noise as its training goes on.
final class SampleRows: TrainingCallback {
    private static let columns = 12
    private var rows: [HostTensor] = []

    func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws { try add(of: trainer) }

    func add(of trainer: Trainer) throws {
        let noise = try RandomSource(seed: 3).normal([Self.columns, FashionGAN.noise])
        guard let row = try trainer.predict(["noise": noise])["output"], row != rows.last else { return }
        rows.append(row)
    }

    /// A row of pictures for each time.
    func grid() throws -> Picture {
        try Picture.grid(
            rows.flatMap { try Picture.pictures(of: $0) }.map { try $0.enlarged(2) }, columns: Self.columns,
            padding: 2)
    }
}
