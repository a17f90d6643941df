import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera

/// A transformer that learns to find the stem of a word, character by character.
@main
struct Stemming: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stemming", abstract: "Trains a transformer to find the stems of English words.")

    @OptionGroup var options: ExampleOptions
    @Option(help: .init("A folder of Debian's snowball-data, with voc.txt and output.txt.", valueName: "folder"))
    var data = "/usr/share/snowball/data/english"
    @Option(help: "How often to go through the words.")
    var epochs = 12
    @Option(help: "Words a step.")
    var batch = 128

    static let learningRate = 1e-3

    func validate() throws {
        guard batch >= 1, (0...10_000).contains(epochs) else {
            throw ValidationError("--batch must be at least 1, and --epochs from 0 to 10000")
        }
    }

    func run() throws {
        let began = ContinuousClock.now
        let (words, stems) = (try TextLines.read("\(data)/voc.txt"), try TextLines.read("\(data)/output.txt"))
        guard words.count == stems.count, words.count >= 10 else {
            throw ExampleFailure(
                "\(data) must have as many words in voc.txt as stems in output.txt, and at least 10 of each: "
                    + "\(words.count) and \(stems.count)")
        }
        // The first three are what sequences are filled up with, begin with and end with.
        let characters = Set((words + stems).flatMap(\.unicodeScalars)).sorted().map { String($0) }
        let tokenizer = CharacterTokenizer(try Vocabulary(["<pad>", "<s>", "</s>"] + characters, isOpen: false))
        let pairs = try zip(words, stems).map {
            (source: try tokenizer.encode($0), target: try tokenizer.encode($1))
        }
        // Every tenth word is held out.
        let held = pairs.indices.filter { $0 % 10 == 9 }
        let train = pairs.indices.filter { $0 % 10 != 9 }.map { pairs[$0] }
        let dataset = try SequenceTransformer.dataset(train, buckets: 3)
        let steps = options.stepLimit ?? (epochs * train.count + batch - 1) / batch
        let run = ExampleRun(
            .init(
                "stemming", title: "Words to stems",
                task: "find the stem of a word by a transformer with cross attention, character by character",
                data: "\(train.count) English words of Debian's snowball-data with their stems, "
                    + "\(held.count) to test on"),
            options: options, batch: batch, epochs: epochs, train: dataset,
            test: try SequenceTransformer.dataset(held.map { pairs[$0] }, buckets: 1),
            makeTrainer: { executor in
                SequenceTransformer.stemming(
                    vocabulary: tokenizer.vocabularySize, RandomSource(seed: options.seed)
                ).trainer(
                    learningRate: Self.learningRate, schedule: .cosine(total: steps, warmup: steps / 10), on: executor)
            },
            figures: {
                [.init("held-out loss", $0.loss, unit: "nats per character", better: .lower)]
            },
            present: { trainer, _, results in
                guard let model = trainer.model as? SequenceTransformer else { return }
                let asked = Array(held.prefix(options.quick ? 16 : held.count))
                let found = try SequenceTranslator(
                    model, batch: min(asked.count, 256), sourceLength: pairs.map(\.source.count).max() ?? 0,
                    maximumTokens: (pairs.map(\.target.count).max() ?? 0) + 1, beam: 1, on: trainer.executor
                )(asked.map { pairs[$0].source })
                let right = zip(asked, found).filter { pairs[$0].target == $1 }.count
                let share = Double(right) / Double(max(asked.count, 1))
                results.add(.init("stems right", 100 * share, unit: "%", better: .higher, mustReach: 95))
                let lines = zip(asked, found).map { index, tokens in
                    let mark = pairs[index].target == tokens ? "" : " instead of \(stems[index])"
                    return "\(words[index]) → \(tokenizer.decode(tokens))\(mark)"
                }
                let wrong = zip(asked, lines).filter { $1.contains(" instead of ") }.map(\.1)
                let some = stride(from: 0, to: lines.count, by: max(lines.count / 15, 1)).map { lines[$0] }
                results.addSample((some + ["Wrong:"] + wrong.prefix(15)).joined(separator: "\n"))
            })
        try run(since: began)
    }
}
