extension Computation {
    /// Small elementwise nodes that are equal but for their operands, and do not need one another, put together into few:
    /// each alone would cost more to launch than to compute. The updates of a network's small parameters are the case in
    /// point. Large ones keep nodes of their own, which run as soon as their operands are there.
    package func withGroupedPrograms() -> Computation {
        var grouping = ProgramGrouping(self)
        for index in nodes.indices { grouping.add(index) }
        return grouping.finished()
    }
}

/// Members wait until their group is full or something reads what one of them makes.
private struct ProgramGrouping {
    private let computation: Computation
    /// What nodes with the same program read in the same place.
    private var shared: [Place: Value] = [:]
    private var waiting: [GroupKey: [Int]] = [:]
    /// The groups that wait, in the order in which they began.
    private var order: [GroupKey] = []
    private var groupOfNode: [Int: GroupKey] = [:]
    private var list: [Node] = []
    private var replacement: [Value: Value] = [:]

    /// An operand of all nodes with a program.
    private struct Place: Hashable {
        var program: ElementwiseProgram
        var position: Int
        var value: Value
    }

    init(_ computation: Computation) {
        self.computation = computation
        var counts: [Place: Int] = [:]
        for node in computation.nodes {
            guard let program = Self.groupable(node) else { continue }
            for (position, value) in node.operands.enumerated()
            where computation.type(value).shape.elementCount == 1 {
                let place = Place(program: program, position: position, value: value)
                counts[place, default: 0] += 1
                if counts[place] == 2 { shared[place] = value }
            }
        }
    }

    /// The most elements of a member, which take about as long as a launch.
    private static let largest = 32_768

    /// The program of a node that may be a member of a group.
    private static func groupable(_ node: Node) -> ElementwiseProgram? {
        // Of nothing there is nothing to compute, and no node that a backend would be given.
        guard (1...largest).contains(node.resultTypes[0].shape.elementCount),
            let program = node.elementwiseProgram,
            !(node.operandTypes.map(\.dtype) + program.instructions.map(\.dtype)).contains(where: {
                $0.byteCount == 8 || $0 == .uint32
            })
        else { return nil }
        return program
    }

    /// The group that a node fits, if it fits any.
    private func key(_ node: Node) -> GroupKey? {
        guard let program = Self.groupable(node) else { return nil }
        let shared = node.operands.enumerated().map { position, value in
            self.shared[Place(program: program, position: position, value: value)]
        }
        let shape = node.resultTypes[0].shape
        guard shared.contains(nil) else { return nil }
        for (type, shared) in zip(node.operandTypes, shared) {
            guard shared == nil ? type.shape == shape : type.shape.rank <= shape.rank else { return nil }
        }
        return GroupKey(program: program, shared: shared, types: node.operandTypes.map(\.dtype))
    }

    mutating func add(_ index: Int) {
        let node = computation.nodes[index]
        for operand in node.operands {
            if let group = groupOfNode[operand.node] { emit(group) }
        }
        guard let key = key(node), key.limit > 1 else {
            append(node, standingFor: [index])
            return
        }
        if waiting[key] == nil { order.append(key) }
        waiting[key, default: []].append(index)
        groupOfNode[index] = key
        if waiting[key]?.count == key.limit { emit(key) }
    }

    mutating func finished() -> Computation {
        for key in order { emit(key) }
        return Computation(
            nodes: list, outputs: computation.outputs.map { replacement[$0] ?? $0 },
            updates: computation.updates.map {
                Computation.Update(variable: $0.variable, value: replacement[$0.value] ?? $0.value)
            })
    }

    private mutating func emit(_ key: GroupKey) {
        guard let members = waiting.removeValue(forKey: key) else { return }
        order.removeAll { $0 == key }
        for member in members { groupOfNode[member] = nil }
        let nodes = members.map { computation.nodes[$0] }
        append(nodes.count == 1 ? nodes[0] : Node(group: nodes, key), standingFor: members)
    }

    private mutating func append(_ node: Node, standingFor members: [Int]) {
        var node = node
        node.operands = node.operands.map { replacement[$0] ?? $0 }
        var results = list.append(results: node)[...]
        for member in members {
            for result in computation.nodes[member].resultTypes.indices {
                replacement[Value(node: member, result: result)] = results.popFirst()
            }
        }
    }
}

/// What the members of a group have in common.
private struct GroupKey: Hashable {
    let program: ElementwiseProgram
    /// Of each operand, what it is where all members share it.
    let shared: [Value?]
    let types: [DType]

    /// The most members: a launch has at least 1024 bytes of arguments, of which each tensor takes 16, a number 4 and a
    /// member's extent and share of work 16.
    var limit: Int {
        let own = shared.count { $0 == nil }
        let numbers = program.instructions.flatMap(\.arguments).count {
            if case .constant = $0 { true } else { false }
        }
        let rest = 1024 - 16 * (shared.count - own) - 4 * numbers
        return min(rest / (16 * (own + program.results.count + 1)), 16)
    }
}

extension Node {
    /// One node for several that have the same program.
    fileprivate init(group nodes: [Node], _ key: GroupKey) {
        func joined<Item>(_ items: (Node) -> [Item]) -> [Item] {
            let own = nodes.flatMap { node in zip(items(node), key.shared).filter { $1 == nil }.map(\.0) }
            return own + zip(items(nodes[0]), key.shared).filter { $1 != nil }.map(\.0)
        }
        self.init(
            op: .elementwiseGroup(
                ElementwiseGroup(key.program, members: nodes.count, isShared: key.shared.map { $0 != nil })),
            operands: joined(\.operands), operandTypes: joined(\.operandTypes),
            resultTypes: nodes.flatMap(\.resultTypes), location: nodes[0].location)
    }
}
