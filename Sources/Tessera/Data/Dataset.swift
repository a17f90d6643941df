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
        Batch(input: try inputs.rows(indices), target: try targets.rows(indices), count: indices.count)
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

    public init(count: Int, batchSize: Int, seed: UInt64 = 0, shuffles: Bool = true, dropsPartial: Bool = false) {
        self.count = count
        self.batchSize = max(batchSize, 1)
        self.seed = seed
        self.shuffles = shuffles
        self.dropsPartial = dropsPartial
    }

    public var batchesPerEpoch: Int { dropsPartial ? count / batchSize : (count + batchSize - 1) / batchSize }

    /// The indices of all examples in the order of one epoch (Fisher and Yates's shuffle).
    public func indices(epoch: Int) -> [Int] {
        var indices = Array(0..<count)
        guard shuffles else { return indices }
        let mixed = RandomSource(seed: seed).next() ^ (UInt64(truncatingIfNeeded: epoch) &* 0xd134_2543_de82_ef95)
        var random = RandomSource(seed: mixed)
        indices.shuffle(using: &random)
        return indices
    }

    /// Where the `number`-th batch of an epoch lies in its ``indices(epoch:)``.
    public func range(_ number: Int) -> Range<Int> {
        (number * batchSize)..<min((number + 1) * batchSize, count)
    }
}
