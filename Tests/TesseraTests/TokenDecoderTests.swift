import Foundation
import Tessera
import Testing

/// Decoding by strategies whose results are known: by trying all sequences, by frequencies, by the tokens that can be drawn.
@Suite struct TokenDecoderTests {
    /// A model whose logits follow from all tokens so far, and nothing else.
    private static func logits(_ seed: UInt64, vocabulary: Int) -> (DecodingStep) throws -> HostTensor {
        { step in
            let rows = try step.sequences.map { try row(seed, $0, vocabulary) }
            return try HostTensor([rows.count, vocabulary], Array(rows.joined()))
        }
    }

    private static func row(_ seed: UInt64, _ tokens: [Int32], _ vocabulary: Int) throws -> [Float] {
        let mixed = tokens.reduce(seed) { ($0 &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(truncatingIfNeeded: $1 &+ 11) }
        return try RandomSource(seed: mixed).uniform([vocabulary], bound: 3).elements()
    }

    /// All sequences behind a prompt that end or are of the greatest length, with the logarithms of their probabilities.
    private func all(
        _ seed: UInt64, _ prompt: [Int32], vocabulary: Int, length: Int, end: Int32
    ) throws -> [(tokens: [Int32], logProbability: Double)] {
        guard length > 0 else { return [([], 0)] }
        let logits = try Self.row(seed, prompt, vocabulary).map(Double.init)
        let sum = log(logits.reduce(0) { $0 + exp($1) })
        return try (0..<vocabulary).flatMap { token -> [(tokens: [Int32], logProbability: Double)] in
            let next = Int32(token)
            if next == end { return [([next], logits[token] - sum)] }
            return try all(seed, prompt + [next], vocabulary: vocabulary, length: length - 1, end: end).map {
                ([next] + $0.tokens, logits[token] - sum + $0.logProbability)
            }
        }
    }

    /// A beam that is wide enough finds what trying all finds, in the same order.
    @Test(arguments: [0, 0.7, 1, 2, -0.5]) func wideBeamsFindAll(lengthPenalty: Double) throws {
        for seed: UInt64 in 1...5 {
            let prompts: [[Int32]] = [[1], [0, 2, 1]]
            let decoder = TokenDecoder(
                .beam(width: 64, lengthPenalty: lengthPenalty), maximumTokens: 4, endToken: 2)
            let found = try decoder(prompts, logits: Self.logits(seed, vocabulary: 3))
            for (prompt, sequences) in zip(prompts, found) {
                func score(_ sequence: (tokens: [Int32], logProbability: Double)) -> Double {
                    sequence.logProbability / pow(Double(sequence.tokens.count), lengthPenalty)
                }
                let expected = try all(seed, prompt, vocabulary: 3, length: 4, end: 2).sorted { score($0) > score($1) }
                #expect(sequences.map(\.tokens) == expected.map(\.tokens))
                for (a, b) in zip(sequences, expected) {
                    #expect(abs(a.logProbability - b.logProbability) < 1e-9 && a.hasEnded == (b.tokens.last == 2))
                }
            }
        }
    }

    /// A beam of one is greedy, and one of a few is no worse; what it finds has the probability that it says.
    @Test func narrowBeamsAreNoWorseThanGreedy() throws {
        for seed: UInt64 in 1...30 {
            let logits = Self.logits(seed, vocabulary: 5)
            func run(_ strategy: DecodingStrategy) throws -> [DecodedSequence] {
                try TokenDecoder(strategy, maximumTokens: 7, endToken: 0)([[3]], logits: logits)[0]
            }
            let greedy = try run(.greedy)
            #expect(try run(.beam(width: 1, lengthPenalty: 0)) == greedy)
            let three = try run(.beam(width: 3, lengthPenalty: 0))
            #expect(three.count == 3 && three[0].logProbability >= greedy[0].logProbability - 1e-9)
            let every = try all(seed, [3], vocabulary: 5, length: 7, end: 0)
            for sequence in three {
                let same = every.first { $0.tokens == sequence.tokens }
                #expect(abs((same?.logProbability ?? 0) - sequence.logProbability) < 1e-9)
            }
        }
    }

    /// A vocabulary much larger than the beam: the same as sorting all that could come next.
    @Test func beamsOverLargeVocabulariesFindTheBest() throws {
        let (width, vocabulary, length) = (4, 500, 5)
        for seed: UInt64 in 1...5 {
            // Whole numbers, so that many are equal.
            let logits = { (tokens: [Int32]) in try Self.row(seed, tokens, vocabulary).map { $0.rounded() } }
            var alive: [(tokens: [Int32], score: Double)] = [([], 0)]
            for _ in 0..<length {
                var all: [(tokens: [Int32], score: Double)] = []
                for row in alive {
                    let numbers = try logits([1] + row.tokens).map(Double.init)
                    let greatest = numbers.max() ?? 0
                    let sum = log(numbers.reduce(0) { $0 + exp($1 - greatest) })
                    all += numbers.enumerated().map {
                        (row.tokens + [Int32($0.offset)], row.score + ($0.element - greatest - sum))
                    }
                }
                // Of equal ones the first of the first row, as they stand.
                let order = all.indices.sorted { (all[$1].score, $0) < (all[$0].score, $1) }
                alive = order.prefix(width).map { all[$0] }
            }
            let found = try TokenDecoder(.beam(width: width), maximumTokens: length)([[1]]) { step in
                try HostTensor([width, vocabulary], step.sequences.flatMap { try logits($0) })
            }[0]
            #expect(found.map(\.tokens) == alive.map(\.tokens))
            #expect(zip(found, alive).allSatisfy { abs($0.logProbability - $1.score) < 1e-9 })
        }
    }

    /// Rows that end sooner stay as they are, and are filled up for the model.
    @Test func rowsEndByThemselves() throws {
        var steps: [DecodingStep] = []
        let found = try TokenDecoder(.greedy, maximumTokens: 5, endToken: 0)([[3], [1], [2, 2]]) { step in
            steps.append(step)
            // Each counts down from its last token.
            let next = step.sequences.map { max(($0.last ?? 0) - 1, 0) }
            return try HostTensor([3, 4], next.flatMap { token in (0..<4).map { $0 == token ? 1 : 0 } } as [Float])
        }
        #expect(found.map { $0[0].tokens } == [[2, 1, 0], [0], [1, 0]])
        #expect(found.allSatisfy { $0.count == 1 && $0[0].hasEnded })
        #expect(
            steps.map(\.sequences) == [
                [[3], [1], [2, 2]], [[3, 2], [1, 0], [2, 2, 1]], [[3, 2, 1], [1, 0, 0], [2, 2, 1, 0]],
            ])
        #expect(steps.allSatisfy { $0.parents == [0, 1, 2] })
        let cut = try TokenDecoder(.greedy, maximumTokens: 2)([[]], logits: Self.logits(1, vocabulary: 3))[0]
        #expect(cut.count == 1 && cut[0].tokens.count == 2 && !cut[0].hasEnded)
    }

    /// How often each of four tokens of known probabilities is drawn.
    private func frequencies(
        _ temperature: Double, _ topK: Int?, _ topP: Double?, count: Int = 4000
    ) throws -> [Double] {
        let logits = [0.15, 0.5, 0.1, 0.25].map { Float(log($0)) }
        let strategy = DecodingStrategy.sampling(temperature: temperature, topK: topK, topP: topP, seed: 7)
        let prompts = [[Int32]](repeating: [], count: count)
        let found = try TokenDecoder(strategy, maximumTokens: 1)(prompts) { _ in
            try HostTensor([count, 4], (0..<count).flatMap { _ in logits })
        }
        return (0..<4).map { token in
            Double(found.filter { $0[0].tokens == [Int32(token)] }.count) / Double(count)
        }
    }

    @Test func drawsFollowTheProbabilities() throws {
        let cases: [(temperature: Double, topK: Int?, topP: Double?, expected: [Double])] = [
            (1, nil, nil, [0.15, 0.5, 0.1, 0.25]), (1, 2, nil, [0, 2 / 3, 0, 1 / 3]),
            (1, 9, nil, [0.15, 0.5, 0.1, 0.25]),
            (1, 1, nil, [0, 1, 0, 0]), (1, nil, 0.45, [0, 1, 0, 0]), (1, nil, 0.7, [0, 2 / 3, 0, 1 / 3]),
            (1, nil, 0.8, [0.15 / 0.9, 0.5 / 0.9, 0, 0.25 / 0.9]), (1, nil, 1, [0.15, 0.5, 0.1, 0.25]),
            // Of the three likeliest, whose 0.9 are all, those that make up 0.8 of it.
            (1, 3, 0.8, [0, 2 / 3, 0, 1 / 3]), (1e-9, nil, nil, [0, 1, 0, 0]),
            (0.5, nil, nil, [0.0225, 0.25, 0.01, 0.0625].map { $0 / 0.345 }),
            (1e9, nil, nil, [0.25, 0.25, 0.25, 0.25]),
        ]
        for (temperature, topK, topP, expected) in cases {
            let found = try frequencies(temperature, topK, topP)
            for (a, b) in zip(found, expected) {
                // Four standard deviations of what is drawn; what cannot be drawn never is.
                #expect(
                    abs(a - b) <= 4 * (b * (1 - b) / 4000).squareRoot(), "\(temperature) \(topK as Any) \(topP as Any)")
            }
        }
    }

    @Test func seedsDecide() throws {
        func run(_ seed: UInt64, _ prompts: [[Int32]]) throws -> [[Int32]] {
            try TokenDecoder(.sampling(seed: seed), maximumTokens: 20)(
                prompts, logits: Self.logits(3, vocabulary: 9)
            ).map { $0[0].tokens }
        }
        #expect(try run(1, [[1], [1]]) == run(1, [[1], [1]]))
        #expect(try run(1, [[1]]) != run(2, [[1]]))
        let both = try run(1, [[1], [1]])
        #expect(both[0] != both[1])
        // What others there are changes nothing.
        #expect(try run(1, [[1]])[0] == both[0])
    }

    @Test func badNumbersAreErrors() throws {
        let model = Self.logits(1, vocabulary: 3)
        let strategies: [DecodingStrategy] =
            [0, -1, .nan, .infinity].map { .sampling(temperature: $0, seed: 1) }
            + [0, -1, .min].map { .sampling(topK: $0, seed: 1) }
            + [0, -0.5, 1.5, .nan].map { .sampling(topP: $0, seed: 1) }
            + [0, -1, 1 << 40, .max].map { .beam(width: $0) }
            + [.nan, .infinity].map { .beam(width: 2, lengthPenalty: $0) }
        for strategy in strategies {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) {
                try TokenDecoder(strategy, maximumTokens: 2)([[1]], logits: model)
            }
            #expect(error?.location?.line == line, "\(strategy): \(error as Any)")
        }
        #expect(throws: GraphError.self) { try TokenDecoder(.greedy, maximumTokens: -1)([[1]], logits: model) }
        let wrong: [HostTensor] = [
            try HostTensor([1, 2], [1, .nan] as [Float]), try HostTensor([1, 2], [.infinity, 0] as [Float]),
            try HostTensor([1, 2], [-.infinity, -.infinity] as [Float]),
            try HostTensor([2, 2], [1, 2, 3, 4] as [Float]),
            try HostTensor([1, 0], [] as [Float]), try HostTensor([2], [1, 2] as [Float]),
            try HostTensor([1, 2], [1, 2] as [Double]),
        ]
        for strategy in [DecodingStrategy.greedy, .sampling(seed: 1), .beam(width: 1)] {
            for logits in wrong {
                let error = #expect(throws: GraphError.self) {
                    try TokenDecoder(strategy, maximumTokens: 2)([[1]]) { _ in logits }
                }
                #expect(error?.message.contains("logits") == true)
            }
            #expect(try TokenDecoder(strategy, maximumTokens: 2)([], logits: model).isEmpty)
            let nothing = try TokenDecoder(strategy, maximumTokens: 0)([[1]], logits: model)
            #expect(nothing == [[DecodedSequence(tokens: [], logProbability: 0, hasEnded: false)]])
        }
    }
}
