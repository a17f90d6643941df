import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A bidirectional GRU that learns which section of the distribution a package is in from its description in a line.
@main
struct PackageSections: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "package-sections",
        abstract: "Trains a bidirectional GRU on the descriptions of Debian's or Ubuntu's packages.")

    @OptionGroup var options: ExampleOptions
    @Option(help: "How often to go through the descriptions.")
    var epochs = 5
    @Option(help: "Descriptions a step.")
    var batch = 64
    @Option(help: "How far Adam goes at first.")
    var learningRate = 3e-3
    @Option(help: "The rate of dropout.")
    var dropout = 0.3
    @Flag(help: "Test on the descriptions that settings are chosen by, and train without them.")
    var validation = false
    @Option(
        help: .init(
            "A file of the form of Packages, which may be packed with gzip. (default: what apt-cache dumpavail says)",
            valueName: "file"))
    var data: String?

    func run() throws {
        let began = ContinuousClock.now
        let packages = try PackageDescriptions(path: data).packages
        let sections = Vocabulary(labels: packages.map(\.section))
        let testPart: DataPart = validation ? .validation : .test
        let known = packages.filter { validation ? $0.part == .train : $0.part != .test }
        let tokenizer = WordTokenizer(of: known.map(\.description), minimumCount: 2)
        let tested = packages.filter { $0.part == testPart }
        let (train, test) = (
            try dataset(known, tokenizer, sections), try dataset(tested, tokenizer, sections)
        )
        let order = try BatchOrder(count: train.count, batchSize: max(batch, 1))
        let steps = options.stepCount(epochs: epochs, batches: try train.batches(order, epoch: 0).count)
        let run = ExampleRun(
            .init(
                "package-sections", title: "Sections of packages, by a bidirectional GRU",
                task: "tell the section of a package, one of \(sections.count), from its description in a line",
                data:
                    "\(packages.count) descriptions of the distribution's packages, \(test.count) to test on; all of one"
                    + " source are on one side"),
            options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { executor in
                RecurrentClassifier(
                    .gru, vocabulary: tokenizer.vocabularySize, classes: sections.count, width: 128, hidden: 128,
                    isBidirectional: true, pooling: .maximum, dropout: dropout, RandomSource(seed: options.seed)
                ).trainer(
                    classes: sections.count, learningRate: learningRate, weightDecay: 0.01,
                    steps: steps, on: executor)
            },
            figures: { [.init("test accuracy", 100 * ($0.metric ?? .nan), unit: "%", better: .higher)] },
            present: { trainer, evaluation, results in
                results.addSample(try sample(trainer, test, tested, sections))
                if let matrix = evaluation.state(ConfusionMatrix.self, of: "confusion matrix") {
                    try results.addConfusion("confusion.svg", matrix, names: sections.words)
                }
            })
        try run(since: began)
    }

    private func dataset(
        _ packages: [PackageDescriptions.Package], _ tokenizer: WordTokenizer, _ sections: Vocabulary
    ) throws -> SequenceDataset {
        let labels = packages.map { Int32(clamping: sections.number(of: $0.section) ?? 0) }
        return try SequenceDataset(
            ["text": packages.map { try tokenizer.encode($0.description) }],
            tensors: ["label": HostTensor([labels.count], labels)], buckets: 6, layout: .timeFirst)
    }

    /// What a few packages are taken for.
    private func sample(
        _ trainer: Trainer, _ test: SequenceDataset, _ packages: [PackageDescriptions.Package], _ sections: Vocabulary
    ) throws -> String {
        let places = stride(from: 0, to: packages.count, by: max(packages.count / 12, 1)).prefix(12)
        let logits = try trainer.predict(test.batch(Array(places)[...]).tensors)["output"]?.elements(Float.self) ?? []
        return places.enumerated().map { row, place in
            let scores = logits[(row * sections.count)..<((row + 1) * sections.count)]
            let best = scores.indices.max { scores[$0] < scores[$1] } ?? scores.startIndex
            let taken = sections.word(best - scores.startIndex) ?? "?"
            let package = packages[place]
            return "\(package.description): \(taken)"
                + (taken == package.section ? "" : " (is in \(package.section))")
        }.joined(separator: "\n")
    }
}
