import TensorGraph

/// Which backend runs each node, and why not an earlier one.
package struct Placement {
    package struct Choice {
        /// An index into the backends.
        package var backend: Int
        package var lowered: any LoweredNode
        /// What each backend before it said.
        package var refusals: [Refusal]
        /// What of the work the prologue does.
        package var steady: SteadyWork?
    }

    /// Work that is done again only where a variable that it depends on has another value: that of a whole node, or the first
    /// part of it (``SplitWork``).
    package struct SteadyWork {
        package var lowered: any LoweredNode
        /// What is left for every run.
        package var rest: (any LoweredNode)?
        /// The workspace that it fills; nil where it makes the node's results.
        package var workspace: Int?
        package var variables: [Variable]
        /// Equal for all work that fills equal workspaces with equal bytes; nil where there is no other such.
        package var key: Key?

        package struct Key: Hashable {
            package var operands: [Value]
            package var form: AnyHashable
            package var byteCount: Int
        }
    }

    package struct Refusal {
        package var backend: Int
        package var reason: String
        /// Whether the backend failed, rather than declined.
        package var isFailure: Bool
    }

    /// One for each node; `nil` for leaves, aliases and nodes with nothing to compute.
    package private(set) var choices: [Choice?] = []

    /// The bytes that the first backend keeps between runs.
    package private(set) var keptByteCount = 0
    private var keys: Set<SteadyWork.Key> = []

    /// The most bytes that are kept for a computation; work beyond it is done at every run. Winograd's packed weights are four
    /// times as large as the weights.
    package static let keptLimit = 256 << 20
    /// A result that is so many times as large as what it is made of is not worth keeping, if it is not small: reading it
    /// from memory takes as long as making it, as with a broadcast.
    private static let largestGrowth = 4
    private static let smallByteCount = 1 << 16

    /// Gives each node to the first backend that accepts it.
    ///
    /// - Parameters:
    ///   - packsWeightsOnce: whether what depends on steady values alone is kept between runs.
    ///   - changing: variables that are not steady.
    /// - Throws: ``GraphError`` where none does.
    package init(
        _ computation: Computation, backends: [any Backend], packsWeightsOnce: Bool = true,
        changing: Set<Variable> = []
    ) throws {
        let changing = packsWeightsOnce ? changing : nil
        let nodes = Self.nodesToLower(computation, changing: changing)
        backends.first?.willLower(nodes.compactMap { $0 })
        var steady = SteadyValues(computation, changing: changing)
        for (index, node) in nodes.enumerated() {
            guard let node = node?.node else {
                choices.append(nil)
                continue
            }
            let isKept = Self.isWorthKeeping(index, computation, steady, keptByteCount)
            let operands = isKept ? [] : steady.steadyOperands(of: index)
            var choice = try choose(node, steady: operands, backends)
            if isKept, choice.backend == 0 {
                steady.keep(index)
                choice.steady = SteadyWork(lowered: choice.lowered, variables: steady.variables(of: node.operands))
                keptByteCount += node.resultByteCount
            } else if let split = choice.lowered.split, choice.backend == 0, operands.isSuperset(of: split.operands) {
                choice.steady = keep(split, of: node, computation, steady)
                // What is best where the first part is kept may not be where it isn't.
                if choice.steady == nil { choice = try choose(node, steady: [], backends) }
            }
            choices.append(choice)
        }
    }

    /// The first part of a node's work for the prologue; nil where there is no room for what it makes.
    private mutating func keep(
        _ split: SplitWork, of node: Node, _ computation: Computation, _ steady: SteadyValues
    ) -> SteadyWork? {
        let operands = split.operands.map { computation.root(node.operands[$0]) }
        let byteCount = split.first.workspaces[split.workspace]
        let key = split.form.map { SteadyWork.Key(operands: operands, form: $0, byteCount: byteCount) }
        if !(key.map(keys.contains) ?? false) {
            guard keptByteCount.plus(byteCount) <= Self.keptLimit else { return nil }
            keptByteCount += byteCount
            if let key { keys.insert(key) }
        }
        return SteadyWork(
            lowered: split.first, rest: split.rest, workspace: split.workspace,
            variables: steady.variables(of: operands), key: key)
    }

    /// What a backend that runs all of a computation is asked for: each node, with the operands that are steady where it
    /// itself is not; nil where it has nothing to do.
    ///
    /// - Parameter changing: variables that are not steady; nil where nothing is.
    package static func nodesToLower(
        _ computation: Computation, changing: Set<Variable>?
    ) -> [(node: Node, steady: Set<Int>)?] {
        var steady = SteadyValues(computation, changing: changing)
        var kept = 0
        return computation.nodes.enumerated().map { index, node in
            if node.isWithoutWork { return nil }
            guard isWorthKeeping(index, computation, steady, kept) else {
                return (node, steady.steadyOperands(of: index))
            }
            kept += node.resultByteCount
            steady.keep(index)
            return (node, [])
        }
    }

    private static func isWorthKeeping(
        _ index: Int, _ computation: Computation, _ steady: SteadyValues, _ kept: Int
    ) -> Bool {
        guard steady.canBeKept(index) else { return false }
        let node = computation.nodes[index]
        let operands = node.operandTypes.reduce(0) { $0.plus($1.byteCount) }
        return kept.plus(node.resultByteCount) <= keptLimit
            && node.resultByteCount <= max(operands.times(largestGrowth), smallByteCount)
    }

    private func choose(_ node: Node, steady: Set<Int>, _ backends: [any Backend]) throws -> Choice {
        var refusals: [Refusal] = []
        for (index, backend) in backends.enumerated() {
            do {
                // Variables live on the first backend; others get a copy at every run.
                let steady = index == 0 ? steady : []
                switch try backend.lower(node, steady: steady) {
                case .accepted(let lowered): return Choice(backend: index, lowered: lowered, refusals: refusals)
                case .declined(let reason): refusals.append(Refusal(backend: index, reason: reason, isFailure: false))
                }
            } catch {
                refusals.append(Refusal(backend: index, reason: "\(error)", isFailure: true))
            }
        }
        let reasons = refusals.map { "\(backends[$0.backend].name): \($0.reason)" }.joined(separator: "; ")
        throw GraphError(
            operation: node.op.name, message: "no backend runs it: \(reasons)", operands: node.operandTypes,
            location: node.location)
    }
}

extension Node {
    fileprivate var resultByteCount: Int { resultTypes.reduce(0) { $0.plus($1.byteCount) } }
}

extension Computation {
    /// What a value is stored as: itself, or the value it is a view of.
    package func root(_ value: Value) -> Value {
        var root = value
        while nodes[root.node].op.isAlias { root = nodes[root.node].operands[0] }
        return root
    }
}
