import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera

extension RecurrentClassifier.Cell: ExpressibleByArgument {}

/// Recurrent networks that learn which language a word is of, letter by letter: a plain one, a GRU and an LSTM, compared.
@main
struct WordLanguage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "word-language",
        abstract: "Trains a plain recurrent network, a GRU and an LSTM to tell the language of a word.")

    @OptionGroup var options: ExampleOptions
    @Option(help: "Only this network, which can then be saved and loaded.")
    var network: RecurrentClassifier.Cell?
    @Option(help: "How often to go through the words.")
    var epochs = 3
    @Option(help: "Words a step.")
    var batch = 128
    @Option(help: "The most words of a language.")
    var words = 20_000
    @Option(help: .init("The folder of the word lists.", valueName: "folder"))
    var data = "/usr/share/dict"

    func validate() throws {
        if network == nil { try ExampleComparison.check(options, choosing: "--network") }
        if words < 1 { throw ValidationError("--words must be at least 1") }
    }

    func run() throws {
        let began = ContinuousClock.now
        let names = WordLists.languages.map(\.name)
        let all = try WordLists(folder: data, limit: words).words
        let (known, tested) = (all.filter { $0.part != .test }, all.filter { $0.part == .test })
        let tokenizer = CharacterTokenizer(of: known.map(\.text))
        let (train, test) = (try dataset(known, tokenizer), try dataset(tested, tokenizer))
        let about = ExampleDescription(
            "word-language", title: "The language of a word, by three recurrent networks",
            task: "tell the language of a word, one of \(names.formatted(.list(type: .or)))",
            data:
                "\(all.count) words of the distribution's lists, \(test.count) to test on; words of several languages are"
                + " left out, other forms of a tested word may be trained on")
        let order = try BatchOrder(count: train.count, batchSize: max(batch, 1))
        let steps = options.stepCount(epochs: epochs, batches: try train.batches(order, epoch: 0).count)
        func trainer(_ cell: RecurrentClassifier.Cell, _ seed: UInt64, _ executor: Executor) -> Trainer {
            RecurrentClassifier(
                cell, vocabulary: tokenizer.vocabularySize, classes: names.count, width: 64, hidden: 128,
                RandomSource(seed: seed)
            ).trainer(classes: names.count, learningRate: 2e-3, steps: steps, on: executor)
        }
        func accuracy(_ result: Trainer.Result) -> Double? { result.metric.map { 100 * $0 } }
        func present(_ trainer: Trainer, _ evaluation: Trainer.Result, _ results: ExampleResults) throws {
            results.addSample(try sample(trainer, test, tested, names))
            if let matrix = evaluation.state(ConfusionMatrix.self, of: "confusion matrix") {
                try results.addConfusion("confusion.svg", matrix, names: names)
            }
        }
        if let network {
            let run = ExampleRun(
                about, options: options, batch: batch, epochs: epochs, train: train, test: test,
                makeTrainer: { trainer(network, options.seed, $0) },
                figures: {
                    [.init("test accuracy of \(network)", accuracy($0) ?? .nan, unit: "%", better: .higher)]
                }, present: present)
            return try run(since: began)
        }
        let comparison = ExampleComparison(
            about, options: options, batch: batch, epochs: epochs, train: train, test: test,
            contenders: RecurrentClassifier.Cell.allCases.map { cell in
                .init(cell.rawValue) { seed, executor in trainer(cell, seed, executor) }
            },
            figures: { outcomes in
                let best = outcomes.map { $0.mean(accuracy) }.max() ?? .nan
                return outcomes.map {
                    .init("test accuracy of \($0.name)", $0.mean(accuracy), unit: "%", better: .higher)
                } + [.init("test accuracy of the best", best, unit: "%", better: .higher, mustReach: 85)]
            },
            present: { outcomes, results in
                guard let best = outcomes.max(by: { $0.mean(accuracy) < $1.mean(accuracy) }) else { return }
                try present(best.trainer, best.evaluations[0], results)
            })
        try comparison(since: began)
    }

    private func dataset(_ words: [WordLists.Word], _ tokenizer: CharacterTokenizer) throws -> SequenceDataset {
        try SequenceDataset(
            ["text": words.map { try tokenizer.encode($0.text) }],
            tensors: ["label": HostTensor([words.count], words.map { Int32(clamping: $0.language) })], buckets: 4,
            layout: .timeFirst)
    }

    /// What a few words are taken for, with what the network gives for it.
    private func sample(
        _ trainer: Trainer, _ test: SequenceDataset, _ words: [WordLists.Word], _ names: [String]
    ) throws -> String {
        let places = stride(from: 0, to: words.count, by: max(words.count / 14, 1)).prefix(14)
        let logits = try trainer.predict(test.batch(Array(places)[...]).tensors)["output"]?.elements(Float.self) ?? []
        return places.enumerated().map { row, place in
            let scores = logits[(row * names.count)..<((row + 1) * names.count)].map(Double.init)
            let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
            let sum = scores.reduce(0) { $0 + exp($1 - scores[best]) }
            let word = words[place]
            return "\(word.text): \(names[best]), \((100 / sum).formatted(decimals: 0)) %"
                + (best == word.language ? "" : " (is \(names[word.language]))")
        }.joined(separator: "\n")
    }
}
