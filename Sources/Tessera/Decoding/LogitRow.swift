import Foundation

/// A model's scores of all tokens that may come next.
struct LogitRow {
    private let logits: [Float]
    private let greatest: Double
    /// log Σ exp(logit - greatest)
    private let logSum: Double

    private init(_ logits: [Float], greatest: Float) {
        self.logits = logits
        self.greatest = Double(greatest)
        logSum = log(logits.reduce(0.0) { $0 + exp(Double($1) - Double(greatest)) })
    }

    static func rows(of tensor: HostTensor, count: Int, at location: SourceLocation) throws -> [LogitRow] {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "TokenDecoder", message: message, operands: [tensor.type], location: location)
        }
        let shape = tensor.shape
        guard tensor.dtype == .float32, shape.rank == 2, shape[0] == count, shape[1] >= 1, shape[1] <= Int(Int32.max)
        else {
            throw failure("the logits must be float32[\(count), vocabulary]")
        }
        let (numbers, vocabulary) = (try tensor.elements() as [Float], shape[1])
        return try (0..<count).map { row in
            let logits = Array(numbers[(row * vocabulary)..<((row + 1) * vocabulary)])
            guard let greatest = logits.max(), greatest.isFinite, !logits.contains(where: \.isNaN) else {
                throw failure("the logits of row \(row) have NaN or +∞ among them, or are all -∞")
            }
            return LogitRow(logits, greatest: greatest)
        }
    }

    var vocabulary: Int { logits.count }

    func logProbability(of token: Int) -> Double { Double(logits[token]) - greatest - logSum }

    /// The token of the greatest logit; of several the first.
    var likeliest: Int { logits.indices.max { logits[$0] < logits[$1] || logits[$0] == logits[$1] && $0 > $1 } ?? 0 }

    /// Tokens that may be drawn, the likeliest first, with weights that add up to something above 0.
    func candidates(temperature: Double, topK: Int?, topP: Double?) -> [(token: Int, weight: Double)] {
        var order = logits.indices.sorted { logits[$0] > logits[$1] || logits[$0] == logits[$1] && $0 < $1 }
        if let topK { order = Array(order.prefix(topK)) }
        var kept = order.map { ($0, exp((Double(logits[$0]) - greatest) / temperature)) }
        guard let topP else { return kept }
        let enough = topP * kept.reduce(0) { $0 + $1.1 }
        var sum = 0.0
        for (index, candidate) in kept.enumerated() {
            sum += candidate.1
            if sum >= enough {
                kept.removeSubrange((index + 1)...)
                break
            }
        }
        return kept
    }

    func draw(temperature: Double, topK: Int?, topP: Double?, _ random: RandomSource) -> Int {
        let candidates = candidates(temperature: temperature, topK: topK, topP: topP)
        var left = Double(random.next() >> 11) * 0x1p-53 * candidates.reduce(0) { $0 + $1.weight }
        for (token, weight) in candidates {
            if left < weight { return token }
            left -= weight
        }
        // Rounding may leave a little.
        return candidates.last { $0.weight > 0 }?.token ?? likeliest
    }
}
