import TensorGraph

/// Which backend runs each node, and why not an earlier one.
package struct Placement {
    package struct Choice {
        /// An index into the backends.
        package var backend: Int
        package var lowered: any LoweredNode
        /// What each backend before it said.
        package var refusals: [Refusal]
        /// Whether the whole node is run again only where a variable that it depends on has changed.
        package var isKept = false
        /// The packing of a steady operand, which is done again only where that has changed.
        package var keptPacking: Packing?
        /// The variables that the node, or its packing, depends on, where one of them is kept.
        package var dependsOn: [Variable] = []
    }

    package struct Refusal {
        package var backend: Int
        package var reason: String
        /// Whether the backend failed, rather than declined.
        package var isFailure: Bool
    }

    /// One for each node; `nil` for leaves, aliases and nodes with nothing to compute.
    package private(set) var choices: [Choice?] = []

    /// The bytes of packed weights that the first backend keeps between runs.
    package private(set) var packedWeights = 0
    /// The bytes that it keeps in all: packed weights and results of nodes.
    package private(set) var keptByteCount = 0

    /// The most bytes that are kept for a computation; nodes beyond it run, and pack, at every run. Winograd's packed weights
    /// are four times as large as the weights.
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
            var choice = try choose(node, steady: isKept ? [] : steady.steadyOperands(of: index), backends)
            if isKept, choice.backend == 0 {
                choice.isKept = true
                steady.keep(index)
                choice.dependsOn = steady.variables(ofNode: index)
                keptByteCount += node.resultByteCount
            } else if let packing = choice.keptPacking {
                choice.dependsOn = steady.variables(of: node.operands[packing.operand])
            }
            choices.append(choice)
        }
    }

    /// What a backend that runs all of a computation is asked for: each node, with the operands that it may pack once; nil
    /// where it has nothing to do.
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

    private mutating func choose(_ node: Node, steady: Set<Int>, _ backends: [any Backend]) throws -> Choice {
        var refusals: [Refusal] = []
        for (index, backend) in backends.enumerated() {
            do {
                // Variables live on the first backend; others get a copy at every run.
                let steady = index == 0 ? steady : []
                switch try backend.lower(node, steady: steady) {
                case .accepted(let lowered):
                    let choice = Choice(backend: index, lowered: lowered, refusals: refusals)
                    guard let packing = lowered.packing, steady.contains(packing.operand) else { return choice }
                    let byteCount = lowered.workspaces[packing.workspace]
                    if keptByteCount.plus(byteCount) <= Self.keptLimit {
                        packedWeights += byteCount
                        keptByteCount += byteCount
                        return Choice(backend: index, lowered: lowered, refusals: refusals, keptPacking: packing)
                    }
                    // What is best for a packing that is kept may not be for one that is not.
                    if case .accepted(let lowered) = try backend.lower(node) {
                        return Choice(backend: index, lowered: lowered, refusals: refusals)
                    }
                    return choice
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
