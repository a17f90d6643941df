extension Computation {
    /// The optimizer's updates of small parameters put together into few nodes: each alone would cost more to launch than
    /// to compute. Large parameters keep nodes of their own, which run as soon as their gradients are there.
    package func withGroupedUpdates() -> Computation {
        var read: Set<Int> = []
        for node in nodes { for operand in node.operands { read.insert(operand.node) } }
        var members: [UpdateGroup: [Int]] = [:]
        for (index, node) in nodes.enumerated() where !read.contains(index) {
            if let group = UpdateGroup(node) { members[group, default: []].append(index) }
        }
        // The last member of each group, at whose place all are updated, with all of them.
        var groups: [Int: [Int]] = [:]
        var isMember: Set<Int> = []
        for indices in members.values {
            for start in stride(from: 0, to: indices.count, by: UpdateGroup.limit) {
                let group = Array(indices[start..<min(start + UpdateGroup.limit, indices.count)])
                guard group.count > 1, let last = group.last else { continue }
                groups[last] = group
                isMember.formUnion(group)
            }
        }

        var replacement: [Value: Value] = [:]
        var list: [Node] = []
        for (index, node) in nodes.enumerated() where !isMember.contains(index) || groups[index] != nil {
            let group = groups[index] ?? [index]
            var made = group.count > 1 ? Node(updatingAllOf: group.map { nodes[$0] }) : node
            made.operands = made.operands.map { replacement[$0] ?? $0 }
            var results = list.append(results: made)[...]
            for member in group {
                for result in nodes[member].resultTypes.indices {
                    replacement[Value(node: member, result: result)] = results.popFirst()
                }
            }
        }
        return Computation(
            nodes: list, outputs: outputs.map { replacement[$0] ?? $0 },
            updates: updates.map { Update(variable: $0.variable, value: replacement[$0.value] ?? $0.value) })
    }
}

/// What updates must share to be put together.
private struct UpdateGroup: Hashable {
    let op: Optimizer
    enum Optimizer: Hashable {
        case adam(Adam)
        case sgd(SGD)
    }
    /// The step and the learning rate.
    let shared: [Value]

    /// The most parameters of a group: a launch has at least 1024 bytes of arguments, and Adam needs 128 a parameter.
    static let limit = 7
    /// The most elements of a parameter, which take about as long as a launch.
    static let largest = 32_768

    init?(_ node: Node) {
        switch node.op {
        case .adam(let attributes): op = .adam(attributes)
        case .sgd(let attributes): op = .sgd(attributes)
        default: return nil
        }
        shared = node.operands.suffix(node.op.sharedUpdateOperands)
        // Of nothing there is nothing to update, and no node that a backend would be given.
        guard (1...Self.largest).contains(node.operandTypes[0].shape.elementCount),
            node.operandTypes.dropLast(shared.count).allSatisfy({ $0.dtype == .float32 })
        else { return nil }
    }
}

extension Op {
    /// How many operands all parameters of an optimizer's node share; they are the last.
    package var sharedUpdateOperands: Int {
        switch self {
        case .adam: 2
        case .sgd: 1
        default: 0
        }
    }
}

extension Node {
    /// How many operands of an optimizer's node are one parameter's own.
    var updateOperands: Int {
        switch op {
        case .adam: 4
        case .sgd(let attributes): attributes.momentum != 0 ? 3 : 2
        default: 0
        }
    }

    /// One node for several updates that have the last operands in common.
    fileprivate init(updatingAllOf nodes: [Node]) {
        self = nodes[0]
        let shared = op.sharedUpdateOperands
        operands = nodes.flatMap { $0.operands.dropLast(shared) } + operands.suffix(shared)
        operandTypes = nodes.flatMap { $0.operandTypes.dropLast(shared) } + operandTypes.suffix(shared)
        resultTypes = nodes.flatMap(\.resultTypes)
    }
}
