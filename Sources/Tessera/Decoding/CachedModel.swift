/// A causal model that is run by few positions at a time, as its attention keeps keys and values, and its recurrent layers
/// their states: the logits that a ``TokenDecoder`` asks for.
///
///     let model = CachedModel(batch: 2, capacity: 64, on: executor) { tokens, pass in try network(tokens, pass) }
///     let sequences = try TokenDecoder(.greedy, maximumTokens: 32)(prompts, logits: model.logits)
///
/// All prompts are of one length. There is a plan for the prompt and one for all steps after it.
public final class CachedModel {
    private let cache: DecodingCache
    private let executor: Executor
    private let model: (Tensor, ForwardPass) throws -> Tensor
    private let location: SourceLocation
    /// What the cache holds.
    private var sequences: [[Int32]] = []
    private var plans: [PlanKey: Plan] = [:]

    private struct PlanKey: Hashable {
        /// How many positions are new.
        var count: Int
        /// Whether rows go on from others than themselves.
        var hasParents: Bool
    }

    /// - Parameters:
    ///   - batch: how many rows there are at each step: prompts, times the width of a beam.
    ///   - capacity: the longest sequence, prompts included.
    ///   - model: int32 `[batch, s]` → logits `[batch, s, vocabulary]`, in a pass that decodes.
    public init(
        batch: Int, capacity: Int, on executor: Executor, file: StaticString = #fileID, line: UInt = #line,
        model: @escaping (Tensor, ForwardPass) throws -> Tensor
    ) {
        cache = DecodingCache(batch: batch, capacity: capacity)
        self.executor = executor
        self.model = model
        location = SourceLocation(file: file, line: line)
    }

    /// The logits after each row, float32 `[batch, vocabulary]`. What the cache has of the rows is not computed again.
    ///
    /// - Throws: ``GraphError`` where there are other rows than the batch has, or rows of several lengths, of none, or longer
    ///   than the capacity.
    public func logits(after step: DecodingStep) throws -> HostTensor {
        let rows = step.sequences
        guard rows.count == cache.batch, step.parents.count == rows.count, let length = rows.first?.count,
            rows.allSatisfy({ $0.count == length }), length >= 1, length <= cache.capacity
        else {
            throw GraphError(
                operation: "CachedModel",
                message:
                    "takes \(cache.batch) rows of one length from 1 to \(cache.capacity), not rows of \(rows.map(\.count))",
                location: location)
        }
        var parents = step.parents
        let known = sequences.first?.count ?? 0
        let goesOn =
            !sequences.isEmpty && known < length
            && zip(rows, parents).allSatisfy { sequences.indices.contains($1) && $0.starts(with: sequences[$1]) }
        let start = goesOn ? known : 0
        if !goesOn { parents = Array(rows.indices) }
        let key = PlanKey(count: length - start, hasParents: parents != Array(rows.indices))
        let plan = try plans[key] ?? compiled(key)
        plans[key] = plan
        var inputs = [
            "tokens": try HostTensor([rows.count, key.count], rows.flatMap { $0[start...] }),
            "start": HostTensor(Int32(start)),
        ]
        if key.hasParents { inputs["parents"] = try HostTensor([rows.count], parents.map { Int32($0) }) }
        // A run that fails leaves the cache as it was.
        let result = try executor.run(plan, inputs: inputs)[0]
        sequences = rows
        return result
    }

    private func compiled(_ key: PlanKey) throws -> Plan {
        let graph = Graph()
        return try graph.at(location) {
            let decoding = Decoding(
                cache, start: try graph.input("start", [], .int32),
                parents: key.hasParents ? try graph.input("parents", [cache.batch], .int32) : nil)
            let pass = ForwardPass(graph, decoding: decoding)
            let logits = try model(graph.input("tokens", [cache.batch, key.count], .int32), pass)
            guard logits.shape.rank == 3, logits.shape[0] == cache.batch, logits.shape[1] == key.count else {
                throw GraphError(
                    operation: "CachedModel", message: "the model's logits must be [batch, s, vocabulary]",
                    operands: [logits.type], location: location)
            }
            let last = try logits.sliced(axis: 1, (key.count - 1)..<key.count)
                .reshaped(to: [cache.batch, logits.shape[2]]).cast(to: .float32)
            // Prompts of many lengths would leave a plan each.
            plans = plans.filter { $0.key.count == 1 }
            return try executor.compile(graph, outputs: [last], updates: pass.updates)
        }
    }
}
