/// A dataset whose examples come by weight: each of an epoch's is drawn anew, so that one may come several times and
/// another not at all (`torch.utils.data.WeightedRandomSampler`). Where the order does not shuffle, as to evaluate, each comes
/// once.
public struct WeightedSampling: Dataset, Sendable {
    /// The dataset that examples are drawn from.
    public let base: any Dataset & Sendable
    /// The sums of the weights up to each example.
    private let sums: [Double]
    public var count: Int { base.count }

    /// - Parameter weights: how likely each example is, beside the others.
    /// - Throws: ``GraphError`` where there are not as many as examples, one is negative or not finite, or none is above 0.
    public init(
        _ base: any Dataset & Sendable, weights: [Double], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        var sum = 0.0
        sums = weights.map { weight in
            sum += weight
            return sum
        }
        guard weights.count == base.count, weights.allSatisfy({ $0 >= 0 }), sum > 0, sum.isFinite else {
            throw GraphError(
                operation: "WeightedSampling",
                message: "\(base.count) examples need as many finite weights of at least 0, one of them above 0",
                location: SourceLocation(file: file, line: line))
        }
        self.base = base
    }

    /// Weights by which the examples of every label come equally often.
    ///
    /// - Throws: ``GraphError`` where there are not as many labels as examples, or none.
    public init(
        _ base: any Dataset & Sendable, balancing labels: [Int32], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        var counts: [Int32: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        try self.init(base, weights: labels.map { 1 / Double(counts[$0] ?? 1) }, file: file, line: line)
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch { try base.batch(indices) }

    public func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
        var indices = try order.indices(epoch: epoch)
        if order.shuffles {
            var random = order.random(epoch: epoch)
            let total = sums.last ?? 0
            for place in indices.indices { indices[place] = example(at: .random(in: 0..<total, using: &random)) }
        }
        return order.cut(indices)
    }

    /// The first example whose sum is above a number.
    private func example(at number: Double) -> Int {
        var range = 0..<(sums.count - 1)
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = sums[middle] > number ? range.lowerBound..<middle : (middle + 1)..<range.upperBound
        }
        return range.lowerBound
    }
}
