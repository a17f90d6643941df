/// What is to be computed, cut free of the graph it was built in: the nodes, what to hand out and what to keep.
package struct Computation: Sendable {
    /// Each reads only earlier ones.
    package var nodes: [Node]
    /// What a run hands out.
    package var outputs: [Value]
    /// What variables become when a run succeeds.
    package var updates: [Update]

    package struct Update: Sendable {
        package var variable: Variable
        package var value: Value

        package init(variable: Variable, value: Value) {
            self.variable = variable
            self.value = value
        }
    }

    package init(nodes: [Node], outputs: [Value], updates: [Update]) {
        self.nodes = nodes
        self.outputs = outputs
        self.updates = updates
    }

    /// - Throws: ``GraphError`` where a tensor is of another graph, two inputs share a name but not a type, or an update
    ///   does not fit its variable.
    package init(_ graph: Graph, outputs: [Tensor], updates: [(Variable, Tensor)]) throws(GraphError) {
        for tensor in outputs + updates.map(\.1) where tensor.graph !== graph {
            throw GraphError(
                operation: "compile", message: "a tensor belongs to another graph", operands: [tensor.type],
                location: tensor.node.location)
        }
        var updated: Set<Variable> = []
        for (variable, tensor) in updates {
            if let failure = variable.failure { throw failure }
            guard tensor.type == variable.type else {
                throw GraphError(
                    operation: "compile", message: "the update of \(variable) is \(tensor.type)",
                    location: tensor.node.location)
            }
            guard updated.insert(variable).inserted else {
                throw GraphError(
                    operation: "compile", message: "\(variable) is updated twice", location: tensor.node.location)
            }
        }
        self.init(
            nodes: graph.nodes, outputs: outputs.map(\.value),
            updates: updates.map { Update(variable: $0.0, value: $0.1.value) })
        var inputs: [String: TensorType] = [:]
        for node in withoutDeadNodes().nodes {
            guard case .input(let input) = node.op else { continue }
            if let other = inputs.updateValue(input.type, forKey: input.name), other != input.type {
                throw GraphError(
                    operation: "input", message: "two inputs are named \(input.name)", operands: [other, input.type],
                    location: node.location)
            }
        }
    }

    package func type(_ value: Value) -> TensorType { nodes[value.node].resultTypes[value.result] }

    /// The float32 scalars among the outputs that are a known number, by their places.
    package var knownOutputs: [Int: HostTensor] {
        var known: [Int: HostTensor] = [:]
        for (place, value) in outputs.enumerated() where type(value) == TensorType([]) {
            if let number = nodes.number(value) { known[place] = HostTensor(Float(number)) }
        }
        return known
    }

    /// How often each value is read, counting outputs and updates.
    package var useCounts: [Value: Int] {
        var counts: [Value: Int] = [:]
        for node in nodes { for operand in node.operands { counts[operand, default: 0] += 1 } }
        for value in outputs + updates.map(\.value) { counts[value, default: 0] += 1 }
        return counts
    }

    /// Rebuilds the computation node by node.
    ///
    /// - Parameter body: is given each node with its operands already renamed and the list built so far; it appends what
    ///   it wants and returns what now stands for the node's results.
    package func rewritten(_ body: (Int, Node, inout [Node]) -> [Value]) -> Computation {
        var replacement: [Value: Value] = [:]
        var list: [Node] = []
        func renamed(_ value: Value) -> Value { replacement[value] ?? value }
        for (index, node) in nodes.enumerated() {
            var node = node
            node.operands = node.operands.map(renamed)
            for (result, value) in body(index, node, &list).enumerated() {
                replacement[Value(node: index, result: result)] = value
            }
        }
        return Computation(
            nodes: list, outputs: outputs.map(renamed),
            updates: updates.map { Update(variable: $0.variable, value: renamed($0.value)) })
    }

    /// For each node whether an output or an update depends on it.
    var liveNodes: [Bool] {
        var isLive = [Bool](repeating: false, count: nodes.count)
        for value in outputs + updates.map(\.value) { isLive[value.node] = true }
        for index in nodes.indices.reversed() where isLive[index] {
            for operand in nodes[index].operands { isLive[operand.node] = true }
        }
        return isLive
    }

    /// Only what outputs and updates depend on.
    package func withoutDeadNodes() -> Computation {
        let isLive = liveNodes
        return rewritten { index, node, list in
            guard isLive[index] else { return [] }
            return list.append(results: node)
        }
    }
}

extension [Node] {
    /// Appends a node and returns its results.
    mutating func append(results node: Node) -> [Value] {
        append(node)
        return node.resultTypes.indices.map { Value(node: count - 1, result: $0) }
    }

    func type(_ value: Value) -> TensorType { self[value.node].resultTypes[value.result] }
}
