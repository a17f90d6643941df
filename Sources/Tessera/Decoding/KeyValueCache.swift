/// The keys and values that a model's causal attention has made so far, so that it goes on by one position without those
/// before being computed again.
///
/// It has room for a fixed number of positions, so that one plan serves all steps. How many it holds is said by each step's
/// ``Decoding``; a step that fails leaves it as it was.
public final class KeyValueCache {
    /// Sequences side by side.
    public let batch: Int
    /// Positions that there is room for.
    public let capacity: Int
    /// In the order in which the model's layers attend.
    private var entries: [(keys: Variable, values: Variable)] = []

    /// - Parameter capacity: the longest sequence, what it begins with included.
    public init(batch: Int, capacity: Int) {
        self.batch = batch
        self.capacity = capacity
    }

    /// What the layer that is number `index` to attend keeps, of the shape of its keys.
    fileprivate func entry(
        _ index: Int, keys: TensorType, at location: SourceLocation
    ) throws -> (keys: Variable, values: Variable) {
        var type = keys
        type.shape[2] = capacity
        guard keys.shape[0] == batch, keys.shape[2] <= capacity else {
            throw GraphError(
                operation: "attention",
                message: "the cache is for \(batch) sequences of up to \(capacity) positions", operands: [keys],
                location: location)
        }
        if index == entries.count {
            func variable(_ name: String) -> Variable {
                Variable("\(name).\(index)", try HostTensor(zeros: type), isTrainable: false)
            }
            entries.append((variable("keys"), variable("values")))
        }
        let entry = entries[index]
        guard entry.keys.failure != nil || entry.keys.type == type else {
            throw GraphError(
                operation: "attention", message: "the cache is another model's, or that of another type",
                operands: [keys, entry.keys.type], location: location)
        }
        return entry
    }
}

/// Where a pass goes on from what a cache holds.
public struct Decoding {
    public let cache: KeyValueCache
    /// int32 `[]`: how many positions the cache holds; 0 begins anew.
    public let start: Tensor
    /// int32 `[batch]`: the row of the cache that each row goes on from; its own, where nil.
    public let parents: Tensor?

    public init(_ cache: KeyValueCache, start: Tensor, parents: Tensor? = nil) {
        self.cache = cache
        self.start = start
        self.parents = parents
    }

    /// int32 `[count]`: the positions of this step.
    func positions(_ count: Int) throws -> Tensor {
        try start + start.graph.constant(HostTensor([count], (0..<count).map { Int32($0) }))
    }

    /// Puts a step's keys and values behind those of earlier steps, in the cache as part of the run, and makes them
    /// attention's operands.
    ///
    /// - Returns: what hides the positions that there are not yet.
    func extend(
        _ operands: inout AttentionOperands, _ pass: ForwardPass, at location: SourceLocation
    ) throws -> AttentionMasks {
        guard start.type == TensorType([], .int32),
            parents.map({ $0.type == TensorType([cache.batch], .int32) }) ?? true
        else {
            throw GraphError(
                operation: "attention", message: "a start must be int32[] and parents int32[\(cache.batch)]",
                operands: [start.type] + [parents].compactMap { $0?.type }, location: location)
        }
        let (count, graph) = (operands.keys.shape[2], pass.graph)
        let entry = try cache.entry(pass.cachedAttentions, keys: operands.keys.type, at: location)
        pass.cachedAttentions += 1
        let positions = try positions(count)
        func extended(_ variable: Variable, _ new: Tensor) throws -> Tensor {
            let before = try pass.read(variable)
            let own = try parents.map { try before.indexSelect($0, axis: 0) } ?? before
            let after = try own.indexCopy(positions, new, axis: 2)
            graph.check(start, in: 0..<(cache.capacity - count + 1), "positions", of: after, as: "attention")
            pass.update(variable, to: after)
            return after
        }
        operands.keys = try extended(entry.keys, operands.keys)
        operands.values = try extended(entry.values, operands.values)
        let lengths = try (start + Double(count)).broadcast(to: [cache.batch])
        guard count > 1 else { return AttentionMasks(keyLengths: lengths, isCausal: false) }
        let places = try graph.constant(HostTensor([cache.capacity], (0..<cache.capacity).map { Int32($0) }))
        let mask = try places.less(than: (positions + 1).reshaped(to: [count, 1]))
        return AttentionMasks(mask: mask, keyLengths: lengths, isCausal: false)
    }
}
