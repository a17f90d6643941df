/// What a model keeps of the positions that it has seen, so that it goes on by one without those before being computed again:
/// the keys and values of causal attention, and the states of recurrent layers in one direction.
///
/// It has room for a fixed number of positions, so that one plan serves all steps. How many it holds is said by each step's
/// ``Decoding``; a step that fails leaves it as it was.
public final class DecodingCache {
    /// Sequences side by side.
    public let batch: Int
    /// Positions that there is room for.
    public let capacity: Int
    /// In the order in which the model's layers come.
    private var variables: [Variable] = []

    /// - Parameter capacity: the longest sequence, what it begins with included.
    public init(batch: Int, capacity: Int) {
        self.batch = batch
        self.capacity = capacity
    }

    /// The one that is number `index` in a pass.
    fileprivate func variable(_ index: Int, _ type: TensorType, at location: SourceLocation) throws -> Variable {
        if index == variables.count {
            variables.append(Variable("cache.\(index)", try HostTensor(zeros: type), isTrainable: false))
        }
        let variable = variables[index]
        guard variable.failure != nil || variable.type == type else {
            throw GraphError(
                operation: "decoding", message: "the cache is another model's: it has \(variable.type) for \(type)",
                location: location)
        }
        return variable
    }
}

/// Where a pass goes on from what a cache holds.
public struct Decoding {
    /// What earlier steps left.
    public let cache: DecodingCache
    /// int32 `[]`: how many positions the cache holds; 0 begins anew.
    public let start: Tensor
    /// int32 `[batch]`: the row of the cache that each row goes on from; its own, where nil.
    public let parents: Tensor?

    /// A step that goes on behind the positions that the cache holds.
    public init(_ cache: DecodingCache, start: Tensor, parents: Tensor? = nil) {
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
        let (count, graph) = (operands.keys.shape[2], pass.graph)
        try check(operands.keys.shape[0], positions: count, at: location)
        var type = operands.keys.type
        type.shape[2] = cache.capacity
        let positions = try positions(count)
        func extended(_ new: Tensor) throws -> Tensor {
            let (variable, before) = try kept(type, batchAxis: 0, pass, at: location)
            let after = try before.indexCopy(positions, new, axis: 2)
            graph.check(start, in: 0..<(cache.capacity - count + 1), "positions", of: after, as: "attention")
            pass.update(variable, to: after)
            return after
        }
        operands.keys = try extended(operands.keys)
        operands.values = try extended(operands.values)
        let lengths = try (start + Double(count)).broadcast(to: [cache.batch])
        guard count > 1 else { return AttentionMasks(keyLengths: lengths, isCausal: false) }
        let places = try graph.constant(HostTensor([cache.capacity], (0..<cache.capacity).map { Int32($0) }))
        let mask = try places.less(than: (positions + 1).reshaped(to: [count, 1]))
        return AttentionMasks(mask: mask, keyLengths: lengths, isCausal: false)
    }

    /// Runs a recurrence from the states `[layers, batch, hidden]` that the cache has, zeros where it begins anew, and keeps
    /// those after the last of the step's positions.
    func recurrence(
        _ count: Int, _ states: TensorType, positions: Int, _ pass: ForwardPass, at location: SourceLocation,
        _ body: ([Tensor]) throws -> (outputs: Tensor, states: [Tensor])
    ) throws -> (outputs: Tensor, states: [Tensor]) {
        try check(states.shape[1], positions: positions, at: location)
        let zero = try pass.graph.fill(0, [], states.dtype)
        let isFirst = try start.equal(to: pass.graph.fill(0, [], .int32))
        let variables = try (0..<count).map { _ in try kept(states, batchAxis: 1, pass, at: location) }
        let result = try body(variables.map { try .select(isFirst, zero, $0.content) })
        for ((variable, _), state) in zip(variables, result.states) { pass.update(variable, to: state) }
        return result
    }

    /// The next variable of the cache and its rows in the order of this step's.
    private func kept(
        _ type: TensorType, batchAxis: Int, _ pass: ForwardPass, at location: SourceLocation
    ) throws -> (variable: Variable, content: Tensor) {
        let variable = try cache.variable(pass.cachedVariables, type, at: location)
        pass.cachedVariables += 1
        let content = try pass.read(variable)
        return (variable, try parents.map { try content.indexSelect($0, axis: batchAxis) } ?? content)
    }

    private func check(_ batch: Int, positions: Int, at location: SourceLocation) throws {
        guard start.type == TensorType([], .int32),
            parents.map({ $0.type == TensorType([cache.batch], .int32) }) ?? true
        else {
            throw GraphError(
                operation: "decoding", message: "a start must be int32[] and parents int32[\(cache.batch)]",
                operands: [start.type] + [parents].compactMap { $0?.type }, location: location)
        }
        guard batch == cache.batch, positions <= cache.capacity else {
            throw GraphError(
                operation: "decoding",
                message:
                    "the cache is for \(cache.batch) sequences of up to \(cache.capacity) positions, not \(batch) of "
                    + "\(positions)", location: location)
        }
    }
}
