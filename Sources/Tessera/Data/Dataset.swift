/// Examples to learn from, each an input and what is wanted for it.
public protocol Dataset {
    /// The number of examples.
    var count: Int { get }

    /// The examples at `indices`, as one batch.
    func batch(_ indices: ArraySlice<Int>) throws -> Batch
}

/// A few examples side by side.
public struct Batch: Sendable {
    public var input: HostTensor
    public var target: HostTensor
    /// The number of examples.
    public var count: Int

    public init(input: HostTensor, target: HostTensor, count: Int) {
        self.input = input
        self.target = target
        self.count = count
    }
}

/// Examples held in two tensors, one row each.
public struct TensorDataset: Dataset {
    public let inputs: HostTensor
    public let targets: HostTensor
    public var count: Int { inputs.shape[0] }

    /// - Throws: ``GraphError`` where the two have not as many rows.
    public init(
        inputs: HostTensor, targets: HostTensor, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        guard inputs.shape.rank >= 1, targets.shape.rank >= 1, inputs.shape[0] == targets.shape[0] else {
            throw GraphError(
                operation: "TensorDataset", message: "inputs and targets must have as many rows",
                operands: [inputs.type, targets.type], location: SourceLocation(file: file, line: line))
        }
        self.inputs = inputs
        self.targets = targets
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        return Batch(input: try inputs.rows(indices), target: try targets.rows(indices), count: indices.count)
    }
}

extension Dataset {
    /// - Throws: ``GraphError`` where one of the indices is no example's.
    func check(_ indices: ArraySlice<Int>) throws {
        guard let stranger = indices.first(where: { !(0..<count).contains($0) }) else { return }
        throw GraphError(operation: "\(Self.self).batch", message: "there is no example \(stranger) among \(count)")
    }
}

/// The order in which a dataset is gone through: in batches, in another order each epoch, all from one seed.
public struct BatchOrder: Sendable {
    public let count: Int
    public let batchSize: Int
    public let seed: UInt64
    public let shuffles: Bool
    /// Whether the last batch of an epoch is left out where it is smaller than the others.
    public let dropsPartial: Bool

    /// - Throws: ``GraphError`` for a negative number of examples, or none in a batch.
    public init(
        count: Int, batchSize: Int, seed: UInt64 = 0, shuffles: Bool = true, dropsPartial: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        guard count >= 0, batchSize >= 1 else {
            throw GraphError(
                operation: "BatchOrder",
                message: "\(count) examples in batches of \(batchSize): a batch must have at least 1",
                location: SourceLocation(file: file, line: line))
        }
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.shuffles = shuffles
        self.dropsPartial = dropsPartial
    }

    /// The order of a dataset for something that needs examples.
    init(
        _ data: any Dataset, batchSize: Int, seed: UInt64 = 0, shuffles: Bool = true, for operation: String,
        at location: SourceLocation
    ) throws(GraphError) {
        do throws(GraphError) {
            try self.init(count: data.count, batchSize: batchSize, seed: seed, shuffles: shuffles)
        } catch {
            throw GraphError(operation: operation, message: error.message, location: location)
        }
        guard count > 0 else {
            throw GraphError(operation: operation, message: "the dataset has no examples", location: location)
        }
    }

    public var batchesPerEpoch: Int {
        let (whole, rest) = count.quotientAndRemainder(dividingBy: batchSize)
        return dropsPartial || rest == 0 ? whole : whole + 1
    }

    /// The indices of all examples in the order of one epoch (Fisher and Yates's shuffle).
    ///
    /// - Throws: ``GraphError`` where they are more than there is memory for.
    public func indices(
        epoch: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> [Int] {
        try HostMemory.require(
            count.times(8), for: "the order of \(count) examples", at: SourceLocation(file: file, line: line))
        var indices = Array(0..<count)
        guard shuffles else { return indices }
        let mixed = RandomSource(seed: seed).next() ^ (UInt64(truncatingIfNeeded: epoch) &* 0xd134_2543_de82_ef95)
        var random = RandomSource(seed: mixed)
        indices.shuffle(using: &random)
        return indices
    }

    /// Where the `number`-th batch of an epoch lies in its ``indices(epoch:)``.
    ///
    /// - Throws: ``GraphError`` where an epoch has no such batch.
    public func range(
        _ number: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Range<Int> {
        guard (0..<batchesPerEpoch).contains(number) else {
            throw GraphError(
                operation: "BatchOrder", message: "there is no batch \(number) among \(batchesPerEpoch)",
                location: SourceLocation(file: file, line: line))
        }
        let first = number * batchSize
        return first..<(first + min(batchSize, count - first))
    }
}
