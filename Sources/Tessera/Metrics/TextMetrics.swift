import Foundation
import TensorGraph

// Metrics of texts. Targets are int32 tokens `[texts, length]`, predictions the same, or logits `[texts, length, classes]`,
// of which the greatest is the token. A negative token is none: where the target has one, so has what is made of logits.

extension Metric {
    /// e to the mean cross-entropy of logits `[..., classes]` at labels `[...]`, of which negative ones are left out.
    public static let perplexity = builtIn("perplexity", into: Perplexity()) { logits, labels in
        try Loss.crossEntropyIgnoringNegativeLabels.measure.body(logits, labels)
    }

    /// The precision of n-grams of up to four tokens, with a penalty for texts that are too short, of all texts together
    /// (Papineni et al., 2002). sacrebleu's corpus BLEU without smoothing, as a share.
    public static let bleu = builtIn("BLEU", into: BLEU()) { prediction, target in
        try prediction.tokens(beside: target, of: "BLEU")
    }

    /// How many tokens have to be put in, taken out or replaced to come to the target, by the number of its tokens
    /// (Levenshtein, 1966): of words the word error rate, of characters that of characters.
    public static let tokenErrorRate = builtIn("token error rate", into: EditDistance()) { prediction, target in
        try prediction.tokens(beside: target, of: "token error rate")
    }
}

extension Tensor {
    /// Tokens that these predictions are, and the target's.
    fileprivate func tokens(beside target: Tensor, of name: String) throws -> [Tensor] {
        guard target.shape.rank == 2, target.dtype == .int32 else {
            throw GraphError(
                operation: name, message: "the target must be int32 tokens [texts, length]",
                operands: [type, target.type])
        }
        if dtype == .int32, shape.rank == 2, shape[0] == target.shape[0] { return [self, target] }
        try requireLabels(target, of: name)
        return [try Tensor.select(target.greater(than: -1), argMax(), graph.fill(-1, [], .int32)), target]
    }
}

struct Perplexity: MetricState {
    private var mean = RunningMean()

    mutating func add(_ tensors: [HostTensor]) throws { try mean.add(tensors) }
    mutating func merge(_ later: Perplexity) { mean.merge(later.mean) }
    var value: Double { Foundation.exp(mean.value) }
}

extension [HostTensor] {
    /// The rows of two tensors of int32, without negative numbers.
    fileprivate func pairsOfTexts() throws -> [(candidate: [Int32], reference: [Int32])] {
        guard count == 2, let texts = first?.shape.dimensions.first else { return [] }
        let rows = try map { tensor in
            let tokens = try tensor.elements(Int32.self)
            let length = texts > 0 ? tokens.count / texts : 0
            return (0..<texts).map { tokens[$0 * length..<($0 + 1) * length].filter { $0 >= 0 } }
        }
        return zip(rows[0], rows[1]).map { ($0, $1) }
    }
}

/// Counts of n-grams that candidates share with references.
public struct BLEU: MetricState {
    private static let order = 4
    private var matches = Array(repeating: 0, count: order)
    private var totals = Array(repeating: 0, count: order)
    private var (candidateLength, referenceLength) = (0, 0)

    /// No sequences yet.
    public init() {}

    /// Counts one text beside any number of right ones; of their lengths the nearest counts, the shorter of two.
    public mutating func add(_ candidate: [Int32], references: [[Int32]]) {
        let distance = { (length: Int) in (length - candidate.count).magnitude }
        let nearest = references.map(\.count).min { (distance($0), $0) < (distance($1), $1) }
        candidateLength += candidate.count
        referenceLength += nearest ?? 0
        for place in 0..<Self.order {
            let found = Self.grams(candidate, place + 1)
            var most: [ArraySlice<Int32>: Int] = [:]
            for reference in references {
                most.merge(Self.grams(reference, place + 1)) { max($0, $1) }
            }
            totals[place] += max(candidate.count - place, 0)
            matches[place] += found.reduce(0) { $0 + min($1.value, most[$1.key] ?? 0) }
        }
    }

    private static func grams(_ text: [Int32], _ length: Int) -> [ArraySlice<Int32>: Int] {
        guard text.count >= length else { return [:] }
        var counts: [ArraySlice<Int32>: Int] = [:]
        for first in 0...(text.count - length) { counts[text[first..<first + length], default: 0] += 1 }
        return counts
    }

    /// Takes candidates and references.
    public mutating func add(_ tensors: [HostTensor]) throws {
        for (candidate, reference) in try tensors.pairsOfTexts() { add(candidate, references: [reference]) }
    }

    public mutating func merge(_ later: BLEU) {
        for place in 0..<Self.order {
            matches[place] += later.matches[place]
            totals[place] += later.totals[place]
        }
        candidateLength += later.candidateLength
        referenceLength += later.referenceLength
    }

    /// 0 where no four tokens in a row are right; NaN without texts.
    public var value: Double {
        guard candidateLength > 0 || referenceLength > 0 else { return .nan }
        guard !matches.contains(0) else { return 0 }
        let logarithms = zip(matches, totals).map { Foundation.log(Double($0) / Double($1)) }
        let brevity = min(0, 1 - Double(referenceLength) / Double(candidateLength))
        return Foundation.exp(brevity + logarithms.reduce(0, +) / Double(Self.order))
    }
}

/// Edits between texts, by the length of what was wanted.
public struct EditDistance: MetricState {
    /// All edits so far.
    public private(set) var edits = 0
    /// All tokens that were wanted.
    public private(set) var length = 0

    /// No sequences yet.
    public init() {}

    /// Adds a sequence and what it should be.
    public mutating func add(_ candidate: [Int32], reference: [Int32]) {
        edits += Self.edits(from: candidate, to: reference)
        length += reference.count
    }

    /// The fewest tokens that have to be put in, taken out or replaced.
    public static func edits(from candidate: [Int32], to reference: [Int32]) -> Int {
        // Row by row, from the number of edits to each beginning of the reference.
        var row = Array(0...reference.count)
        for (place, token) in candidate.enumerated() {
            var diagonal = row[0]
            row[0] = place + 1
            for (column, other) in reference.enumerated() {
                let replaced = diagonal + (token == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[reference.count]
    }

    /// Takes candidates and references.
    public mutating func add(_ tensors: [HostTensor]) throws {
        for (candidate, reference) in try tensors.pairsOfTexts() { add(candidate, reference: reference) }
    }

    public mutating func merge(_ later: EditDistance) {
        edits += later.edits
        length += later.length
    }

    /// NaN where nothing was wanted and nothing came, infinite where something came.
    public var value: Double { Double(edits) / Double(length) }
}
