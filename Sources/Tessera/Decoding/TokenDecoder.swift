/// How the next token is chosen from a model's logits.
public enum DecodingStrategy: Hashable, Sendable {
    /// The likeliest; of several the first.
    case greedy
    /// One drawn from softmax(logits / temperature), of the `topK` likeliest alone (Fan et al., 2018), and of those the
    /// fewest that are likely by `topP` together (Holtzman et al., nucleus sampling, 2020).
    case sampling(temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, seed: UInt64)
    /// The `width` likeliest sequences are kept at each step. They are compared by the logarithm of their probability, divided
    /// by the `lengthPenalty`th power of their length: 0 compares probabilities, more favours long ones.
    case beam(width: Int, lengthPenalty: Double = 1)
}

/// What a model is asked for one step: the logits of the token after each row.
public struct DecodingStep: Hashable, Sendable {
    /// The tokens of each row so far, its prompt's before those decoded. There are as many rows at each step; one that has
    /// ended is filled up with the end token.
    public var sequences: [[Int32]]
    /// The row of the step before that each row goes on from: its own, but in a beam.
    public var parents: [Int]

    /// A step of these rows.
    public init(sequences: [[Int32]], parents: [Int]) {
        self.sequences = sequences
        self.parents = parents
    }
}

/// Tokens that a decoder has put behind a prompt.
public struct DecodedSequence: Hashable, Sendable {
    /// With the end token, where there is one.
    public var tokens: [Int32]
    /// The logarithm of what the model gives for all tokens together, whatever the temperature.
    public var logProbability: Double
    /// Whether the end token is there.
    public var hasEnded: Bool

    /// A sequence of these tokens.
    public init(tokens: [Int32], logProbability: Double, hasEnded: Bool) {
        self.tokens = tokens
        self.logProbability = logProbability
        self.hasEnded = hasEnded
    }
}

/// Continues prompts token by token with a model of any kind.
public struct TokenDecoder: Sendable {
    /// How the next token is chosen.
    public var strategy: DecodingStrategy
    /// How many tokens a sequence gets at most.
    public var maximumTokens: Int
    /// The token after which a sequence goes no further; `nil` where there is none.
    public var endToken: Int32?

    /// - Parameters:
    ///   - maximumTokens: how many tokens a sequence gets at most.
    ///   - endToken: after which a sequence goes no further; none, where left out.
    public init(_ strategy: DecodingStrategy, maximumTokens: Int, endToken: Int32? = nil) {
        self.strategy = strategy
        self.maximumTokens = maximumTokens
        self.endToken = endToken
    }

    /// Continues each prompt until all have ended.
    ///
    /// - Parameter logits: the model: float32 `[rows, vocabulary]` for the rows of a step; a ``CachedModel``, say.
    /// - Returns: for each prompt what was found, the best first: of a beam up to its width, else one.
    /// - Throws: ``GraphError`` for a strategy of impossible numbers, and for logits that are no numbers or not of that shape;
    ///   what `logits` throws.
    public func callAsFunction(
        _ prompts: [[Int32]], file: StaticString = #fileID, line: UInt = #line,
        logits: (DecodingStep) throws -> HostTensor
    ) throws -> [[DecodedSequence]] {
        let location = SourceLocation(file: file, line: line)
        if let complaint {
            throw GraphError(operation: "TokenDecoder", message: complaint, location: location)
        }
        func scores(_ step: DecodingStep) throws -> [LogitRow] {
            try LogitRow.rows(of: logits(step), count: step.sequences.count, at: location)
        }
        if prompts.isEmpty { return [] }
        switch strategy {
        case .greedy:
            return try continued(prompts, scores) { row, _ in row.likeliest }.map { [$0] }
        case .sampling(let temperature, let topK, let topP, let seed):
            let seeds = RandomSource(seed: seed)
            // A source for each row: what is drawn for one depends on no other.
            let sources = prompts.map { _ in RandomSource(seed: seeds.next()) }
            return try continued(prompts, scores) { row, index in
                row.draw(temperature: temperature, topK: topK, topP: topP, sources[index])
            }.map { [$0] }
        case .beam(let width, let lengthPenalty):
            return try BeamSearch(
                width: width, lengthPenalty: lengthPenalty, maximumTokens: maximumTokens, endToken: endToken
            ).run(prompts, scores)
        }
    }

    /// What is wrong with the numbers, if anything.
    private var complaint: String? {
        guard maximumTokens >= 0 else { return "the most tokens must be at least 0, not \(maximumTokens)" }
        switch strategy {
        case .greedy: return nil
        case .sampling(let temperature, let topK, let topP, _):
            guard temperature > 0, temperature.isFinite else {
                return "the temperature must be a number above 0, not \(temperature); towards 0 it is greedy"
            }
            if let topK, topK < 1 { return "topK must be at least 1, not \(topK)" }
            if let topP, !(topP > 0 && topP <= 1) { return "topP must be above 0 and at most 1, not \(topP)" }
            return nil
        case .beam(let width, let lengthPenalty):
            guard (1...BeamSearch.largestWidth).contains(width) else {
                return "the width of a beam must be from 1 to \(BeamSearch.largestWidth), not \(width)"
            }
            return lengthPenalty.isFinite ? nil : "the length penalty must be a number, not \(lengthPenalty)"
        }
    }

    /// A row a prompt, each with the token that `choose` takes.
    private func continued(
        _ prompts: [[Int32]], _ logits: (DecodingStep) throws -> [LogitRow], _ choose: (LogitRow, Int) -> Int
    ) throws -> [DecodedSequence] {
        var step = DecodingStep(sequences: prompts, parents: Array(prompts.indices))
        var found = prompts.map { _ in DecodedSequence(tokens: [], logProbability: 0, hasEnded: false) }
        for _ in 0..<maximumTokens {
            let rows = try logits(step)
            for index in found.indices {
                if let endToken, found[index].hasEnded {
                    step.sequences[index].append(endToken)
                    continue
                }
                let token = choose(rows[index], index)
                found[index].tokens.append(Int32(token))
                found[index].logProbability += rows[index].logProbability(of: token)
                found[index].hasEnded = endToken == Int32(token)
                step.sequences[index].append(Int32(token))
            }
            if found.allSatisfy(\.hasEnded) { break }
        }
        return found
    }
}
