/// Examples to learn from, each a few tensors: an input and what is wanted for it, or more of both, by name.
public protocol Dataset {
    /// The number of examples.
    var count: Int { get }

    /// The examples at `indices`, as one batch.
    func batch(_ indices: ArraySlice<Int>) throws -> Batch

    /// The examples of each batch of one epoch: as many batches in every epoch. All of an order's examples, where a dataset
    /// does not choose others: those that it draws, those of one length together.
    ///
    /// - Throws: ``GraphError`` where they are more than there is memory for.
    func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>]
}

extension Dataset {
    public func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
        order.cut(try order.indices(epoch: epoch))
    }

    /// The batches of an epoch, for something that begins on a line of the user's.
    ///
    /// - Parameter count: how many there must be.
    func batches(
        _ order: BatchOrder, epoch: Int, count: Int? = nil, at location: SourceLocation
    ) throws -> [ArraySlice<Int>] {
        do {
            let batches = try batches(order, epoch: epoch)
            guard !batches.isEmpty, count ?? batches.count == batches.count else {
                throw GraphError(
                    operation: "\(Self.self).batches",
                    message: batches.isEmpty
                        ? "there is no batch" : "\(batches.count) batches in epoch \(epoch), \(count ?? 0) in others")
            }
            return batches
        } catch let error as GraphError {
            throw GraphError(
                operation: error.operation, message: error.message, operands: error.operands,
                location: error.location ?? location)
        }
    }
}

/// A few examples side by side: tensors by name.
public struct Batch: Sendable {
    /// Tensors in which each example has its part: the columns of a table, images and the boxes in them, a text, its
    /// translation and their masks.
    public var tensors: [String: HostTensor]
    /// The number of examples.
    public var count: Int

    /// A batch of `count` examples.
    public init(_ tensors: [String: HostTensor], count: Int) {
        self.tensors = tensors
        self.count = count
    }

    /// An input and what is wanted for it, named “input” and “target”.
    public init(input: HostTensor, target: HostTensor, count: Int) {
        self.init(["input": input, "target": target], count: count)
    }

    /// The tensor named “input”.
    public var input: HostTensor { get throws(GraphError) { try tensors.named("input", in: "batch") } }
    /// The tensor named “target”.
    public var target: HostTensor { get throws(GraphError) { try tensors.named("target", in: "batch") } }

    /// The tensor of a name.
    ///
    /// - Throws: ``GraphError`` where there is none, which says the names that there are.
    public subscript(name: String, file: StaticString = #fileID, line: UInt = #line) -> HostTensor {
        get throws(GraphError) {
            try tensors.named(name, in: "batch", at: SourceLocation(file: file, line: line))
        }
    }
}

/// Examples held in tensors, one row each.
public struct TensorDataset: Dataset, Sendable {
    /// All rows, by name.
    public let tensors: [String: HostTensor]
    public let count: Int

    /// - Throws: ``GraphError`` where there are no tensors, or they have not as many rows.
    public init(
        _ tensors: [String: HostTensor], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        let ordered = tensors.sorted { $0.key < $1.key }
        let counts = Set(ordered.map { $0.value.shape.dimensions.first })
        guard let count = counts.first ?? nil, counts.count == 1 else {
            let names = ordered.map { "“\($0.key)”" }.joined(separator: ", ")
            throw GraphError(
                operation: "TensorDataset",
                message: ordered.isEmpty
                    ? "there are no tensors" : "\(names) must have as many rows, and at least one axis",
                operands: ordered.map(\.value.type), location: SourceLocation(file: file, line: line))
        }
        self.tensors = tensors
        self.count = count
    }

    /// Inputs and what is wanted for them, named “input” and “target” in batches.
    ///
    /// - Throws: ``GraphError`` where the two have not as many rows.
    public init(
        inputs: HostTensor, targets: HostTensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        try self.init(["input": inputs, "target": targets], file: file, line: line)
    }

    /// All rows of the tensor named “input”.
    public var inputs: HostTensor { get throws(GraphError) { try tensors.named("input", in: "dataset") } }
    /// All rows of the tensor named “target”.
    public var targets: HostTensor { get throws(GraphError) { try tensors.named("target", in: "dataset") } }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        return Batch(try tensors.mapValues { try $0.rows(indices) }, count: indices.count)
    }
}

extension [String: HostTensor] {
    func named(
        _ name: String, in whole: String, at location: SourceLocation? = nil
    ) throws(GraphError) -> HostTensor {
        guard let tensor = self[name] else {
            throw GraphError(missing: name, among: self.mapValues(\.type), in: whole, at: location)
        }
        return tensor
    }
}

extension GraphError {
    /// A name that nothing has.
    init(missing name: String, among known: [String: TensorType], in whole: String, at location: SourceLocation?) {
        let names = known.sorted { $0.key < $1.key }.map { "“\($0.key)” (\($0.value))" }
        self.init(
            operation: whole,
            message: "nothing is named “\(name)” in the \(whole); it has "
                + (names.isEmpty ? "nothing" : names.joined(separator: ", ")),
            location: location)
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
    /// The number of examples.
    public let count: Int
    /// The number of examples in a batch, but for a smaller last one.
    public let batchSize: Int
    /// What the order is drawn from.
    public let seed: UInt64
    /// Whether each epoch has another order; else examples come as they are numbered.
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

    /// How many batches an epoch has.
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
        var random = random(epoch: epoch)
        indices.shuffle(using: &random)
        return indices
    }

    /// What an epoch's order is drawn from.
    func random(epoch: Int) -> RandomSource {
        let mixed = RandomSource(seed: seed).next() ^ (UInt64(truncatingIfNeeded: epoch) &* 0xd134_2543_de82_ef95)
        return RandomSource(seed: mixed)
    }

    /// Indices in batches, one after the other.
    func cut(_ indices: [Int]) -> [ArraySlice<Int>] {
        let end = dropsPartial ? indices.count - indices.count % batchSize : indices.count
        return stride(from: 0, to: end, by: batchSize).map {
            indices[$0..<(end - $0 < batchSize ? end : $0 + batchSize)]
        }
    }

    /// Where the `number`-th batch of an epoch lies in its ``indices(epoch:file:line:)``.
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
