import TensorGraph

/// Which backend runs each node, and why not an earlier one.
package struct Placement {
    package struct Choice {
        /// An index into the backends.
        package var backend: Int
        package var lowered: any LoweredNode
        /// What each backend before it said.
        package var refusals: [Refusal]
    }

    package struct Refusal {
        package var backend: Int
        package var reason: String
        /// Whether the backend failed, rather than declined.
        package var isFailure: Bool
    }

    /// One for each node; `nil` for leaves, aliases and nodes with nothing to compute.
    package private(set) var choices: [Choice?] = []

    /// Gives each node to the first backend that accepts it.
    ///
    /// - Throws: ``GraphError`` where none does.
    package init(_ computation: Computation, backends: [any Backend]) throws {
        for node in computation.nodes {
            let isEmpty = node.resultTypes.allSatisfy { $0.shape.elementCount == 0 }
            choices.append(node.op.isLeaf || node.op.isAlias || isEmpty ? nil : try Self.choose(node, backends))
        }
    }

    private static func choose(_ node: Node, _ backends: [any Backend]) throws -> Choice {
        var refusals: [Refusal] = []
        for (index, backend) in backends.enumerated() {
            do {
                switch try backend.lower(node) {
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

extension Op {
    /// Whether the value is there before anything runs.
    package var isLeaf: Bool {
        switch self {
        case .input, .variable, .constant, .fill: true
        default: false
        }
    }

    /// Whether the result is the operand's bytes under another shape.
    package var isAlias: Bool {
        switch self {
        case .reshape, .stopGradient: true
        default: false
        }
    }
}
