import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera

/// A transformer that learns to translate German phrases into English, in byte pairs.
@main
struct Translate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate", abstract: "Trains a transformer to translate German phrases into English.")

    @OptionGroup var options: ExampleOptions
    @Option(help: .init("The dictionary of Debian's trans-de-en.", valueName: "file"))
    var data = DictionaryPhrases.path
    @Option(help: "How often to go through the phrases.")
    var epochs = 4
    @Option(help: "Phrases a step.")
    var batch = 128
    @Option(help: "The most byte pairs, which are trained on the phrases of both languages.")
    var vocabulary = 4000
    @Option(help: "How many likely translations are kept at each step.")
    var beam = 4

    static let learningRate = 1e-3

    func validate() throws {
        guard beam >= 1, batch >= 1, (0...10_000).contains(epochs) else {
            throw ValidationError("--beam and --batch must be at least 1, and --epochs from 0 to 10000")
        }
    }

    func run() throws {
        let began = ContinuousClock.now
        let phrases = try DictionaryPhrases(path: data)
        guard !phrases.train.isEmpty, !phrases.test.isEmpty else {
            throw ExampleFailure("\(data) has too few phrases to learn from and to test on")
        }
        let tokenizer = try BytePairTokenizer(
            trainedOn: phrases.train.flatMap { [$0.german, $0.english[0]] }, vocabularySize: vocabulary,
            added: ["<pad>", "<s>", "</s>"])
        func pairs(_ phrases: [DictionaryPhrases.Phrase]) throws -> [(source: [Int32], target: [Int32])] {
            try phrases.map { (try tokenizer.encode($0.german), try tokenizer.encode($0.english[0])) }
        }
        let (train, held) = (try pairs(phrases.train), try pairs(phrases.test))
        let dataset = try SequenceTransformer.dataset(train, buckets: 4)
        let steps = options.stepLimit ?? (epochs * train.count + batch - 1) / batch
        let run = ExampleRun(
            .init(
                "translate", title: "German to English",
                task: "translate phrases by a transformer with cross attention, in byte pairs, with a beam",
                data: "\(train.count) phrases of the dictionary in Debian's trans-de-en, \(held.count) to test on"),
            options: options, batch: batch, epochs: epochs, train: dataset,
            test: try SequenceTransformer.dataset(held, buckets: 1),
            makeTrainer: { executor in
                SequenceTransformer.translation(
                    vocabulary: tokenizer.vocabularySize, RandomSource(seed: options.seed)
                ).trainer(
                    learningRate: Self.learningRate, schedule: .cosine(total: steps, warmup: steps / 10), on: executor)
            },
            figures: {
                [.init("held-out loss", $0.loss, unit: "nats per token", better: .lower)]
            },
            present: { trainer, _, results in
                try present(trainer, phrases.test, held.map(\.source), train + held, tokenizer, results)
            })
        try run(since: began)
    }

    /// Translates the phrases that were held out.
    private func present(
        _ trainer: Trainer, _ phrases: [DictionaryPhrases.Phrase], _ sources: [[Int32]],
        _ all: [(source: [Int32], target: [Int32])], _ tokenizer: BytePairTokenizer, _ results: ExampleResults
    ) throws {
        guard let model = trainer.model as? SequenceTransformer else { return }
        let count = options.quick ? 8 : phrases.count
        let translator = try SequenceTranslator(
            model, batch: min(count, 64), sourceLength: all.map(\.source.count).max() ?? 0,
            maximumTokens: (all.map(\.target.count).max() ?? 0) + 1, beam: beam, on: trainer.executor)
        let found = try translator(Array(sources.prefix(count)))
        var score = BLEU()
        var numbers: [String: Int32] = [:]
        func words(_ text: String) -> [Int32] {
            WordTokenizer.words(of: text, lowercases: false).map { word in
                let number = numbers[word] ?? Int32(numbers.count)
                numbers[word] = number
                return number
            }
        }
        for (phrase, tokens) in zip(phrases, found) {
            score.add(words(tokenizer.decode(tokens)), references: phrase.english.map(words))
        }
        results.add(.init("BLEU", 100 * score.value, unit: "", better: .higher))
        let shown = stride(from: 0, to: count, by: max(count / 20, 1))
        results.addSample(
            shown.map { index in
                let (phrase, text) = (phrases[index], tokenizer.decode(found[index]))
                return "\(phrase.german) → \(text) (\(phrase.english.joined(separator: "; ")))"
            }.joined(separator: "\n"))
        guard let longest = shown.max(by: { sources[$0].count < sources[$1].count }) else { return }
        let (source, target) = (sources[longest], found[longest])
        let texts = { (tokens: [Int32]) in (tokens + [SequenceTransformer.end]).map { tokenizer.decode([$0]) } }
        try results.addPicture(
            "attention.svg",
            svg: HeatMap(
                rows: texts(target), columns: texts(source), values: translator.alignment(source, target)
            ).svg)
    }
}
