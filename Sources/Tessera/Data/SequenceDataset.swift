/// Sequences of different lengths, such as texts in tokens. Batches are of sequences of similar length, and are filled up
/// to one of a few lengths, so that only a few plans are compiled.
///
/// A batch has, by the name of each kind of sequence, int32 `[count, length]` or `[length, count]`, and as `NAME.lengths`
/// int32 `[count]`, which recurrent layers and attention take.
public struct SequenceDataset: Dataset, Sendable {
    /// By name, one of each kind for every example: texts, say, and their translations.
    public let sequences: [String: [[Int32]]]
    /// What else an example has, a row each, such as labels.
    public let tensors: [String: HostTensor]
    /// Which axis of a batch is time.
    public let layout: CharacterDataset.Layout
    /// What a sequence is filled up with.
    public let padding: Int32
    /// The lengths that batches are filled up to, rising.
    public let lengths: [Int]
    public let count: Int
    /// For each of the `lengths` the examples that are filled up to it.
    private let buckets: [[Int]]
    private let bucketOfExample: [Int]

    /// - Parameters:
    ///   - buckets: how many lengths batches may have, at most. They are chosen so that each has as many examples; the
    ///     longest sequence's is one of them. All kinds of sequences of a batch get the same.
    /// - Throws: ``GraphError`` where there is no sequence, kinds or tensors have not as many examples, two have one name, or
    ///   `buckets` is not at least 1.
    public init(
        _ sequences: [String: [[Int32]]], tensors: [String: HostTensor] = [:], buckets: Int = 4, padding: Int32 = 0,
        layout: CharacterDataset.Layout = .batchFirst, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "SequenceDataset", message: message, location: SourceLocation(file: file, line: line))
        }
        let counts = Set(sequences.values.map(\.count) + tensors.values.map { $0.shape.dimensions.first ?? -1 })
        guard let count = counts.first, counts.count == 1, !sequences.isEmpty, count > 0 else {
            throw failure("all kinds of sequences and tensors must have as many examples, and at least one")
        }
        guard buckets >= 1 else { throw failure("buckets must be at least 1, not \(buckets)") }
        for name in sequences.keys.sorted() {
            let taken = [name, Self.lengthsName(name)].first { tensors[$0] != nil } ?? Self.lengthsName(name)
            guard tensors[taken] == nil, sequences[taken] == nil || taken == name else {
                throw failure("two things are named “\(taken)”")
            }
        }
        let longest = (0..<count).map { example in sequences.values.reduce(0) { max($0, $1[example].count) } }
        let sorted = longest.sorted()
        let bounds = Set(
            (1...min(buckets, count)).map { sorted[($0 * count).dividedRoundingUp(by: min(buckets, count)) - 1] })
        let lengths = bounds.sorted()
        bucketOfExample = longest.map { length in lengths.firstIndex { $0 >= length } ?? 0 }
        var members = [[Int]](repeating: [], count: lengths.count)
        for (example, bucket) in bucketOfExample.enumerated() { members[bucket].append(example) }
        self.buckets = members
        self.lengths = lengths
        self.sequences = sequences
        self.tensors = tensors
        self.layout = layout
        self.padding = padding
        self.count = count
    }

    /// The name of the lengths of a kind of sequences.
    public static func lengthsName(_ name: String) -> String { "\(name).lengths" }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        let length = lengths[indices.reduce(0) { max($0, bucketOfExample[$1]) }]
        var batch = Batch(try tensors.mapValues { try $0.rows(indices) }, count: indices.count)
        for (name, sequences) in sequences {
            let shape: Shape = layout == .timeFirst ? [length, indices.count] : [indices.count, length]
            try HostMemory.require(shape.elementCount.times(4), for: "“\(name)” of a batch")
            var elements = [Int32](repeating: padding, count: shape.elementCount)
            for (row, index) in indices.enumerated() {
                for (time, token) in sequences[index].enumerated() {
                    elements[layout == .timeFirst ? time * indices.count + row : row * length + time] = token
                }
            }
            batch.tensors[name] = try HostTensor(shape, elements)
            batch.tensors[Self.lengthsName(name)] = try HostTensor(
                [indices.count], indices.map { Int32(clamping: sequences[$0].count) })
        }
        return batch
    }

    /// Batches of examples that are filled up to the same length, in any order of lengths where the order shuffles.
    public func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
        guard order.shuffles else { return buckets.flatMap(order.cut) }
        try HostMemory.require(count.times(8), for: "the order of \(count) examples")
        var random = order.random(epoch: epoch)
        var batches = buckets.flatMap { order.cut($0.shuffled(using: &random)) }
        batches.shuffle(using: &random)
        return batches
    }
}
