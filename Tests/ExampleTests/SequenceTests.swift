import ExampleNetworks
import Foundation
import Tessera
import Testing

@testable import ExampleSupport

/// What the examples of sequences read, decode and draw.
@Suite struct SequenceTests {
    @Test func phrasesAreReadFromADictionary() throws {
        let lines = [
            "# Version :: of a dictionary", "no sides", "eins | zwei :: one",
            "ein Haus {n}; Gebäude [bau.] (aus Stein) | zwei  Häuser {pl} :: a house; house; the building | two houses",
            "ein/zwei Haus :: a house", "Wie geht’s dir? :: How are you?; How’s it going?",
            "eine sehr lange Reihe von neun einzelnen deutschen Wörtern :: nine words",
        ]
        #expect(DictionaryPhrases.phrases(of: lines[0]) == nil && DictionaryPhrases.phrases(of: lines[1]) == nil)
        #expect(DictionaryPhrases.phrases(of: lines[2]) == [])
        #expect(
            DictionaryPhrases.phrases(of: lines[3]) == [
                .init(german: "ein Haus", english: ["a house", "the building"]),
                .init(german: "zwei Häuser", english: ["two houses"]),
            ])
        #expect(DictionaryPhrases.phrases(of: lines[4]) == [] && DictionaryPhrases.phrases(of: lines[6]) == [])
        #expect(
            DictionaryPhrases.phrases(of: lines[5]) == [
                .init(german: "Wie geht's dir?", english: ["How are you?", "How's it going?"])
            ])
        // The fortieth line is held out, and of it what is not among the others.
        let path = NSTemporaryDirectory() + "phrases-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let others = (1..<40).map { "Nummer \($0 % 38) sagen :: to say \($0 % 38)" }
        let text = (others + ["Nummer 7 sagen | etwas anderes :: seven again | something else"]).joined(separator: "\n")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let phrases = try DictionaryPhrases(path: path)
        #expect(phrases.train.count == 38)
        #expect(phrases.test == [.init(german: "etwas anderes", english: ["something else"])])
        #expect(throws: FileError.self) { try DictionaryPhrases(path: path + ".none") }
    }

    private static func network(dropout: Double = 0.1) -> SequenceTransformer {
        SequenceTransformer(
            vocabulary: 9, width: 16, heads: 2, layers: 2, inner: 24, dropout: dropout, RandomSource(seed: 3))
    }

    /// Decoding with a cache, several sources of different lengths side by side, finds what each finds alone where everything
    /// is computed anew at each step.
    @Test(arguments: [1, 3]) func translationsAreThoseOfTheWholeNetwork(beam: Int) throws {
        let executor = try Executor(on: .automatic)
        let model = Self.network()
        let sources: [[Int32]] = [[3, 4, 5, 6], [8], [7, 7, 3], [], [5, 3]]
        let translator = try SequenceTranslator(
            model, batch: 2, sourceLength: 4, maximumTokens: 5, beam: beam, on: executor)
        let decoder = TokenDecoder(
            beam == 1 ? .greedy : .beam(width: beam), maximumTokens: 5, endToken: SequenceTransformer.end)
        let expected = try sources.map { source -> [Int32] in
            let tokens = source + [SequenceTransformer.end]
            let found = try decoder([[SequenceTransformer.begin]]) { step in
                let graph = Graph()
                let pass = ForwardPass(graph, .inference)
                let (rows, count) = (step.sequences.count, step.sequences[0].count)
                let memory = try model.encode(
                    graph.constant(HostTensor([rows, tokens.count], (0..<rows).flatMap { _ in tokens })), lengths: nil,
                    pass)
                let input = try graph.constant(HostTensor([rows, count], step.sequences.flatMap { $0 }))
                let logits = try model.decode(input, memory: memory, lengths: nil, pass)
                    .sliced(axis: 1, (count - 1)..<count).reshaped(to: [rows, 9])
                return try executor.run(executor.compile(graph, outputs: [logits]))[0]
            }[0][0].tokens
            return found.last == SequenceTransformer.end ? found.dropLast() : found
        }
        #expect(try translator(sources) == expected)
        #expect(try translator([]).isEmpty)
        #expect(throws: GraphError.self) { try translator([[3, 3, 3, 3, 3]]) }
        let weights = try translator.alignment([3, 4, 5], [6, 7])
        #expect(weights.count == 3 && weights.allSatisfy { $0.count == 4 && abs($0.reduce(0, +) - 1) < 1e-5 })
    }

    /// A small network learns to turn sequences around, and says so.
    @Test func sequencesAreLearned() throws {
        let executor = try Executor(on: .cpu)
        let model = Self.network(dropout: 0)
        let random = RandomSource(seed: 1)
        let pairs = (0..<32).map { _ -> (source: [Int32], target: [Int32]) in
            let source = (0..<Int(1 + random.next() % 3)).map { _ in Int32(3 + random.next() % 6) }
            return (source, source.reversed())
        }
        let trainer = model.trainer(learningRate: 5e-3, on: executor)
        let data = try SequenceTransformer.dataset(pairs, buckets: 1)
        let before = try trainer.evaluate(data).loss
        try trainer.fit(data, batchSize: 32, epochs: 150, progress: nil)
        #expect(try trainer.evaluate(data).loss < before / 20)
        let translator = try SequenceTranslator(
            model, batch: 32, sourceLength: 3, maximumTokens: 4, beam: 2, on: executor)
        #expect(try translator(pairs.map(\.source)) == pairs.map(\.target))
    }

    @Test func heatMapsShowTextsAndShades() {
        let svg = HeatMap(rows: ["<a>"], columns: ["b&c", "d"], values: [[0, 2]]).svg
        #expect(svg.contains("&lt;a&gt;") && svg.contains("b&amp;c"))
        #expect(svg.contains("rgb(255,255,255)") && svg.contains("rgb(35,35,255)"))
        #expect(HeatMap(rows: [], columns: [], values: []).svg.hasSuffix("</svg>\n"))
    }
}
