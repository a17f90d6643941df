import ArgumentParser
import Foundation
import Tessera

/// The text that the character models learn from.
public struct TextOptions: ParsableArguments {
    @Option(help: .init("A text file, or a folder whose files are taken in order of their names.", valueName: "path"))
    public var data = "/usr/share/common-licenses"
    @Option(help: "The number of characters of text to write when done.")
    public var sample = 200

    public init() {}

    /// Trains a character model as the options say, tells how well it does on held-out text, and lets it write some.
    public func train(
        _ about: ExampleDescription, _ options: ExampleOptions, context: Int, layout: CharacterDataset.Layout,
        batch: Int, epochs: Int,
        learningRate: Double, model: @escaping (RandomSource) -> any Layer
    ) throws {
        let began = ContinuousClock.now
        let (train, test) = try datasets(context: context, layout: layout)
        let run = ExampleRun(
            about, options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { executor in
                Trainer(
                    model(RandomSource(seed: options.seed)), loss: .crossEntropy,
                    optimizer: Adam(learningRate: learningRate), gradientNorm: 1, on: executor)
            },
            figures: { [Self.figure($0)] },
            present: { trainer, _, results in
                guard sample > 0 else { return }
                results.addSample(try sampleText(trainer, from: test, count: sample, seed: options.seed))
            })
        try run(since: began)
    }

    private func datasets(
        context: Int, layout: CharacterDataset.Layout
    ) throws -> (train: CharacterDataset, test: CharacterDataset) {
        try CharacterDataset.split(files: files(), context: context, layout: layout)
    }

    /// The files of a folder that are no links: the licence texts come under several names.
    private func files() throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: data, isDirectory: &isFolder) else {
            throw ExampleFailure(
                "there is no file or folder \(data) to learn from: give --data a text file or a folder of some")
        }
        guard isFolder.boolValue else { return [data] }
        let files = try FileManager.default.contentsOfDirectory(atPath: data).sorted().map { "\(data)/\($0)" }.filter {
            try FileManager.default.attributesOfItem(atPath: $0)[.type] as? FileAttributeType == .typeRegular
        }
        guard !files.isEmpty else {
            throw ExampleFailure("the folder \(data) holds no files: give --data one that does")
        }
        return files
    }

    /// Bits per character, from a loss in nats.
    private static func figure(_ result: Trainer.Result) -> ExampleResult.Figure {
        .init("held-out text", result.loss / Foundation.log(2.0), unit: "bits per character", better: .lower)
    }
}

/// Writes text with a character model: each character drawn from what the model expects after those before.
///
/// - Parameters:
///   - dataset: gives the first characters and the number of them that the model sees.
///   - temperature: below 1 for likelier characters.
func sampleText(
    _ trainer: Trainer, from dataset: CharacterDataset, count: Int, seed: UInt64, temperature: Double = 0.7
) throws -> String {
    let context = dataset.context
    guard count > 0, dataset.tokens.count >= context else { return "" }
    var random = RandomSource(seed: seed)
    var tokens = Array(dataset.tokens.prefix(context))
    var written: [Int32] = []
    for _ in 0..<count {
        let shape: Shape = dataset.layout == .timeFirst ? [context, 1] : [1, context]
        let logits = try trainer.predict(HostTensor(shape, tokens)).elements(Float.self)
        let last = logits.suffix(CharacterDataset.vocabularySize)
        let greatest = last.max() ?? 0
        let weights = last.map { Foundation.exp(Double($0 - greatest) / temperature) }
        var place = Double.random(in: 0..<weights.reduce(0, +), using: &random)
        let choice =
            weights.firstIndex {
                place -= $0; return place < 0
            } ?? weights.count - 1
        tokens = tokens.dropFirst() + [Int32(choice)]
        written.append(Int32(choice))
    }
    return CharacterDataset.text(of: written)
}
