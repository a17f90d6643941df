extension Computation {
    /// Replaces what is computed from nothing by what it comes to: an empty sum is 0, an empty mean NaN, a product over no
    /// terms just its bias.
    ///
    /// Afterwards no node with anything to compute has an empty operand or result, so that backends meet neither.
    package func withoutEmptyOperands() -> Computation {
        rewritten { _, node, list in
            let hasEmpty = node.operandTypes.contains { $0.shape.elementCount == 0 }
            guard hasEmpty, node.resultTypes.contains(where: { $0.shape.elementCount > 0 }) else {
                return list.append(results: node)
            }
            func fill(_ value: Double, _ type: TensorType) -> Value {
                let op = Op.fill(Fill(value: value, type: type))
                return list.append(
                    results: Node(op: op, operands: [], operandTypes: [], resultTypes: [type], location: node.location))[
                        0]
            }
            switch node.op.traits.overEmptyOperands {
            case .withoutThem:
                let kept = node.operands.indices.filter { node.operandTypes[$0].shape.elementCount > 0 }
                var node = node
                node.operands = kept.map { node.operands[$0] }
                node.operandTypes = kept.map { node.operandTypes[$0] }
                return list.append(results: node)
            case .epilogue(let activation, let biasAxis):
                return [
                    list.epilogue(
                        of: node, activation: activation, biasAxis: biasAxis, zero: fill(0, node.resultTypes[0]))
                ]
            case .membersWithElements: return list.append(resultsOfMembersWithElements: node)
            case .fill(let number): return node.resultTypes.map { fill(number, $0) }
            }
        }
    }
}

extension [Node] {
    /// A group of those of its members that have elements; the results of the others are empty, whatever is in them.
    fileprivate mutating func append(resultsOfMembersWithElements node: Node) -> [Value] {
        guard case .elementwiseGroup(var group) = node.op else { return append(results: node) }
        let width = group.program.results.count
        let present = (0..<group.members).filter { node.resultTypes[$0 * width].shape.elementCount > 0 }
        let kept = present.flatMap { group.ownOperands(of: $0) } + group.sharedOperands
        var smaller = node
        group.members = present.count
        smaller.op = .elementwiseGroup(group)
        smaller.operands = kept.map { node.operands[$0] }
        smaller.operandTypes = kept.map { node.operandTypes[$0] }
        smaller.resultTypes = present.flatMap { node.resultTypes[($0 * width)..<($0 * width + width)] }
        var results = append(results: smaller)[...]
        return node.resultTypes.map { type in
            if type.shape.elementCount > 0 { return results.removeFirst() }
            let fill = Op.fill(Fill(value: 0, type: type))
            return append(
                results: Node(op: fill, operands: [], operandTypes: [], resultTypes: [type], location: node.location))[
                    0]
        }
    }

    /// What is left of a product over no terms: the bias, if any, and the activation.
    fileprivate mutating func epilogue(
        of node: Node, activation: UnaryFunction?, biasAxis: Int?, zero: Value
    ) -> Value {
        let type = node.resultTypes[0]
        var value = zero
        func make(_ op: Op, _ operands: [Value], _ list: [Node], _ result: TensorType) -> Node {
            Node(
                op: op, operands: operands, operandTypes: operands.map { list.type($0) }, resultTypes: [result],
                location: node.location)
        }
        if node.operands.count == 3 {
            var bias = node.operands[2]
            if let biasAxis {
                var extents = [Int](repeating: 1, count: type.shape.rank)
                extents[biasAxis] = node.operandTypes[2].shape[0]
                let aligned = TensorType(Shape(extents), type.dtype)
                bias = append(results: make(.reshape(aligned.shape), [bias], self, aligned))[0]
            }
            value = append(results: make(.binary(.add), [value, bias], self, type))[0]
        }
        if let activation { value = append(results: make(.unary(activation), [value], self, type))[0] }
        return value
    }
}
