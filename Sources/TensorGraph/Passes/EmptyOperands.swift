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
            case .updateOfOthers: return list.append(resultsOfPresent: node)
            case .fill(let number): return node.resultTypes.map { fill(number, $0) }
            }
        }
    }
}

extension [Node] {
    /// An update of those of its parameters that are not empty; those that are stay what they are.
    fileprivate mutating func append(resultsOfPresent node: Node) -> [Value] {
        let shared = node.op.sharedUpdateOperands
        let count = node.operands.count - shared
        let parameters = Swift.stride(from: 0, to: count, by: node.updateOperands).map { $0 }
        let present = parameters.filter { node.operandTypes[$0].shape.elementCount > 0 }
        var update = node
        func own<Item>(_ all: [Item]) -> [Item] {
            present.flatMap { all[$0..<($0 + node.updateOperands)] } + all.suffix(shared)
        }
        update.operands = own(node.operands)
        update.operandTypes = own(node.operandTypes)
        // The parameter and what is kept of its gradients, but not the gradient.
        func updated(_ parameter: Int) -> [Int] {
            [parameter] + ((parameter + 2)..<(parameter + node.updateOperands))
        }
        update.resultTypes = present.flatMap { updated($0).map { node.operandTypes[$0] } }
        var results = append(results: update)[...]
        return parameters.flatMap { parameter in
            updated(parameter).map { present.contains(parameter) ? results.removeFirst() : node.operands[$0] }
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
