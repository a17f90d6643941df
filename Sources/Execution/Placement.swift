import TensorGraph

/// Which backend runs each node, and why not an earlier one.
package struct Placement {
    package struct Choice {
        /// An index into the backends.
        package var backend: Int
        package var lowered: any LoweredNode
        /// What each backend before it said.
        package var refusals: [Refusal]
        /// The packing of a steady operand, which is done again only where that has changed.
        package var keptPacking: Packing?
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

    /// The most bytes of packed weights that are kept for a computation; nodes beyond it pack at every run. Winograd's are four
    /// times as large as the weights.
    package static let packedWeightsLimit = 256 << 20

    /// Gives each node to the first backend that accepts it.
    ///
    /// - Parameter packsWeightsOnce: whether packings of steady operands are kept between runs.
    /// - Throws: ``GraphError`` where none does.
    package init(_ computation: Computation, backends: [any Backend], packsWeightsOnce: Bool = true) throws {
        let nodes = computation.nodes.enumerated().map { index, node -> (node: Node, steady: Set<Int>)? in
            if node.isWithoutWork { return nil }
            return (node, packsWeightsOnce ? computation.steadyOperands(of: index) : [])
        }
        backends.first?.willLower(nodes.compactMap { $0 })
        for node in nodes {
            choices.append(try node.map { try choose($0.node, steady: $0.steady, backends) })
        }
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
                    if packedWeights + byteCount <= Self.packedWeightsLimit {
                        packedWeights += byteCount
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

extension Computation {
    /// What a value is stored as: itself, or the value it is a view of.
    package func root(_ value: Value) -> Value {
        var root = value
        while nodes[root.node].op.isAlias { root = nodes[root.node].operands[0] }
        return root
    }

    /// The operands of a node that stay the same from run to run: constants, and variables that the computation does not
    /// itself update.
    package func steadyOperands(of index: Int) -> Set<Int> {
        Set(
            nodes[index].operands.indices.filter { operand in
                switch nodes[root(nodes[index].operands[operand]).node].op.leaf {
                case .constant: true
                case .variable(let variable): !updates.contains { $0.variable == variable }
                case .input, .fill, nil: false
                }
            })
    }
}
