import Foundation

/// The search for likely sequences that keeps the best few of each length (Lowerre, 1976; for translation Graves, 2012).
struct BeamSearch {
    let width: Int
    let lengthPenalty: Double
    let maximumTokens: Int
    let endToken: Int32?

    /// More is taken for a mistake.
    static let largestWidth = 1 << 16

    /// What is kept of one prompt.
    private struct Beam {
        /// Sequences to go on with, the likeliest first; those that only fill up the rows have a probability of 0.
        var alive: [DecodedSequence]
        var ended: [DecodedSequence] = []
        var isDone = false
    }

    func run(
        _ prompts: [[Int32]], _ logits: (DecodingStep) throws -> [LogitRow]
    ) throws -> [[DecodedSequence]] {
        let filling = DecodedSequence(tokens: [], logProbability: -.infinity, hasEnded: false)
        let first = DecodedSequence(tokens: [], logProbability: 0, hasEnded: false)
        // All rows of a prompt begin alike: but for one they count nothing.
        var beams = prompts.map { _ in Beam(alive: [first] + [DecodedSequence](repeating: filling, count: width - 1)) }
        var step = DecodingStep(
            sequences: prompts.flatMap { [[Int32]](repeating: $0, count: width) },
            parents: Array(0..<(prompts.count * width)))
        for _ in 0..<maximumTokens where !beams.allSatisfy(\.isDone) {
            let rows = try logits(step)
            for index in beams.indices {
                let own = (index * width)..<((index + 1) * width)
                let chosen = advance(&beams[index], Array(rows[own]))
                let before = step.sequences
                for (place, (parent, token)) in chosen.enumerated() {
                    step.parents[own.lowerBound + place] = own.lowerBound + parent
                    step.sequences[own.lowerBound + place] = before[own.lowerBound + parent] + [token]
                }
            }
        }
        return beams.map { beam in
            let rest = beam.alive.filter { $0.logProbability > -.infinity }
            return Array((beam.ended + (beam.isDone ? [] : rest)).sorted(by: isBetter).prefix(width))
        }
    }

    /// Puts one more token to each sequence that is alive.
    ///
    /// - Returns: for each row of the next step the row of this one that it goes on from, and its token.
    private func advance(_ beam: inout Beam, _ rows: [LogitRow]) -> [(parent: Int, token: Int32)] {
        guard !beam.isDone else { return rows.indices.map { ($0, endToken ?? 0) } }
        // No more than these are looked at: each sequence ends in one way only.
        var best = BestCandidates(limit: 2 * width)
        for (parent, sequence) in beam.alive.enumerated() where sequence.logProbability > -.infinity {
            for token in 0..<rows[parent].vocabulary {
                let score = sequence.logProbability + rows[parent].logProbability(of: token)
                if score > -.infinity { best.add((score, parent, token)) }
            }
        }
        var next: [(sequence: DecodedSequence, parent: Int)] = []
        for (rank, candidate) in best.sorted().enumerated() where next.count < width {
            var sequence = beam.alive[candidate.parent]
            sequence.tokens.append(Int32(candidate.token))
            sequence.logProbability = candidate.score
            guard endToken == Int32(candidate.token) else {
                next.append((sequence, candidate.parent))
                continue
            }
            // What ends without being among the best would not have been gone on with either.
            guard rank < width else { continue }
            sequence.hasEnded = true
            beam.ended.append(sequence)
        }
        beam.ended = Array(beam.ended.sorted(by: isBetter).prefix(width))
        let length = (beam.alive.first?.tokens.count ?? 0) + 1
        // Filled up with copies of the best row, or of the first where nothing goes on.
        let filler = next.first ?? (beam.alive[0], 0)
        let fillers = (next.count..<width).map { _ in
            var copy = filler
            copy.sequence.logProbability = -.infinity
            return copy
        }
        let token = { (sequence: DecodedSequence) in sequence.tokens.last ?? endToken ?? 0 }
        let all = next + fillers
        beam.alive = all.map(\.sequence)
        beam.isDone = next.isEmpty || beam.ended.count == width && !canImprove(beam, length: length)
        return all.map { ($0.parent, token($0.sequence)) }
    }

    /// Whether a sequence that is alive may still become better than the worst that has ended.
    private func canImprove(_ beam: Beam, length: Int) -> Bool {
        guard let best = beam.alive.first, let worst = beam.ended.last else { return true }
        // Probabilities only fall; a penalty above 0 forgives most at the greatest length.
        let furthest = lengthPenalty > 0 ? max(maximumTokens, 1) : length + 1
        return score(best.logProbability, length: furthest) > score(worst.logProbability, length: worst.tokens.count)
    }

    private func score(_ logProbability: Double, length: Int) -> Double {
        logProbability / pow(Double(max(length, 1)), lengthPenalty)
    }

    private func isBetter(_ a: DecodedSequence, _ b: DecodedSequence) -> Bool {
        score(a.logProbability, length: a.tokens.count) > score(b.logProbability, length: b.tokens.count)
    }
}

/// The best of many ways to go on: of a vocabulary of thousands of tokens nearly all are passed over at a glance.
private struct BestCandidates {
    typealias Candidate = (score: Double, parent: Int, token: Int)

    private let limit: Int
    /// At most twice the limit.
    private var kept: [Candidate] = []
    /// What is worse has no place; `nil` as long as there is room.
    private var worst: Candidate?

    init(limit: Int) { self.limit = limit }

    mutating func add(_ candidate: Candidate) {
        if let worst, !Self.isBetter(candidate, worst) { return }
        kept.append(candidate)
        guard kept.count >= limit.times(2) else { return }
        kept = sorted()
        worst = kept.last
    }

    /// The best first; of equal ones the first of the first row.
    func sorted() -> [Candidate] { Array(kept.sorted(by: Self.isBetter).prefix(limit)) }

    private static func isBetter(_ a: Candidate, _ b: Candidate) -> Bool {
        (b.score, a.parent, a.token) < (a.score, b.parent, b.token)
    }
}
