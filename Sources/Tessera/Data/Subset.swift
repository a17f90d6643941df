/// Some of a dataset's examples, in an order of their own.
public struct Subset: Dataset, Sendable {
    /// The dataset that the examples are of.
    public let base: any Dataset & Sendable
    /// The examples' indices in `base`.
    public let indices: [Int]
    public var count: Int { indices.count }

    /// - Throws: ``GraphError`` where one of the indices is no example's.
    public init(
        of base: any Dataset & Sendable, _ indices: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        if let stranger = indices.first(where: { !(0..<base.count).contains($0) }) {
            throw GraphError(
                operation: "Subset", message: "there is no example \(stranger) among \(base.count)",
                location: SourceLocation(file: file, line: line))
        }
        self.base = base
        self.indices = indices
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        return try base.batch(indices.map { self.indices[$0] }[...])
    }
}

extension Dataset where Self: Sendable {
    /// Parts of the dataset with no example in common, such as those to train on, to validate and to test on: each a share
    /// of it, to less than one example, chosen by a seed. What the shares leave over is in none.
    ///
    /// - Parameters:
    ///   - shares: of the parts, each from 0 to 1, and at most 1 together.
    ///   - labels: of all examples: each part then has its share of the examples of each label
    ///     (`sklearn.model_selection.train_test_split`'s `stratify`).
    /// - Returns: the parts, their examples in the order of this dataset.
    /// - Throws: ``GraphError`` for other shares, or where there are not as many labels as examples.
    public func split(
        _ shares: [Double], seed: UInt64, stratifiedBy labels: [Int32]? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> [Subset] {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "split", message: message, location: SourceLocation(file: file, line: line))
        }
        let sum = shares.reduce(0, +)
        guard shares.allSatisfy({ (0...1).contains($0) }), sum <= 1 + 1e-9 else {
            throw failure("shares must be from 0 to 1 and at most 1 together, not \(shares)")
        }
        guard labels?.count ?? count == count else {
            throw failure("\(labels?.count ?? 0) labels are not those of \(count) examples")
        }
        var random = RandomSource(seed: seed)
        var order = (0..<count).shuffled(using: &random)
        if let labels {
            // Sorting keeps the order of those that have one label.
            order.sort { labels[$0] < labels[$1] }
        }
        // Each example goes to the part that is furthest behind its share, those of one label one after the other.
        let all = shares + [max(1 - sum, 0)]
        var parts = [[Int]](repeating: [], count: all.count)
        for (number, example) in order.enumerated() {
            let behind = all.indices.map { all[$0] * Double(number + 1) - Double(parts[$0].count) }
            var furthest = 0
            for part in behind.indices where behind[part] > behind[furthest] + 1e-9 { furthest = part }
            parts[furthest].append(example)
        }
        return try shares.indices.map { part throws(GraphError) in try Subset(of: self, parts[part].sorted()) }
    }
}
