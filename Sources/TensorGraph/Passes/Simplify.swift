extension Computation {
    /// The same results with less work: numbers folded, identities dropped, equal nodes shared, dead nodes removed.
    package func simplified() -> Computation {
        withoutDeadNodes().folded().withEqualNodesShared().withoutDeadNodes()
    }

    /// Arithmetic on constants carried out, and operations that change nothing left out.
    ///
    /// Only rewrites that give the same bits are made: `x + 0` is not `x` for negative zero, and so stays.
    func folded() -> Computation {
        rewritten { _, node, list in
            if let value = unchanged(node, list) { return [value] }
            if let op = folded(node, list) {
                return list.append(
                    results: Node(
                        op: op, operands: [], operandTypes: [], resultTypes: node.resultTypes, location: node.location))
            }
            if let shorter = shortened(node, list) { return list.append(results: shorter) }
            return list.append(results: node)
        }
    }

    /// The operand that a node merely passes on.
    private func unchanged(_ node: Node, _ list: [Node]) -> Value? {
        if case .binary(.multiply) = node.op, list.number(node.operands[0]) == 1,
            node.operandTypes[1] == node.resultTypes[0]
        {
            return node.operands[1]
        }
        guard let first = node.operands.first, node.operandTypes[0] == node.resultTypes[0] else { return nil }
        switch node.op {
        case .reshape, .stopGradient, .broadcast, .cast: return first
        case .transpose(let transpose):
            return transpose.permutation == Array(transpose.permutation.indices) ? first : nil
        case .slice(let slice):
            let isWhole = slice.counts == node.operandTypes[0].shape.dimensions
            return isWhole && slice.steps.allSatisfy { $0 > 0 } ? first : nil
        case .concatenate: return node.operands.count == 1 ? first : nil
        case .reduce(let reduce): return reduce.count == 0 ? first : nil
        case .dropout(let dropout): return dropout.rate == 0 ? first : nil
        case .binary(.multiply), .binary(.divide), .binary(.power):
            return list.number(node.operands[1]) == 1 ? first : nil
        default: return nil
        }
    }

    /// The leaf that a node of constant operands comes to.
    private func folded(_ node: Node, _ list: [Node]) -> Op? {
        guard let result = node.resultTypes.first, !node.operands.isEmpty else { return nil }
        func fill(_ value: Double) -> Op { .fill(Fill(value: result.dtype.converted(value), type: result)) }
        switch node.op {
        case .cast(let dtype) where !dtype.isFloatingPoint && !node.operandTypes[0].dtype.isFloatingPoint:
            return list.number(node.operands[0]).flatMap { dtype.wrapped($0) }.map(fill)
        case .reshape, .broadcast, .stopGradient, .transpose, .slice, .cast:
            return list.number(node.operands[0]).map(fill)
        case .binary(let function):
            guard let a = list.number(node.operands[0]), let b = list.number(node.operands[1]),
                result.dtype.isFloatingPoint
            else { return nil }
            switch function {
            case .add: return fill(a + b)
            case .subtract: return fill(a - b)
            case .multiply: return fill(a * b)
            case .divide: return fill(a / b)
            default: return nil
            }
        case .unary(.negate) where result.dtype.isFloatingPoint:
            return list.number(node.operands[0]).map { fill(-$0) }
        case .reduce(let reduce):
            guard reduce.function != .sum, reduce.function != .product else { return nil }
            return list.number(node.operands[0]).map(fill)
        default: return nil
        }
    }

    /// A view of a view as one view.
    private func shortened(_ node: Node, _ list: [Node]) -> Node? {
        guard let first = node.operands.first else { return nil }
        let inner = list[first.node]
        var node = node
        switch (node.op, inner.op) {
        case (.reshape, .reshape), (.reshape, .stopGradient), (.stopGradient, .stopGradient): break
        case (.transpose(let outer), .transpose(let before)):
            node.op = .transpose(Transpose(permutation: outer.permutation.map { before.permutation[$0] }))
        case (.broadcast, .broadcast): break
        default: return nil
        }
        node.operands = inner.operands
        node.operandTypes = inner.operandTypes
        return node
    }

    /// Equal operations on equal operands computed once.
    func withEqualNodesShared() -> Computation {
        struct Key: Hashable {
            var op: Op
            var operands: [Value]
            var rematerialization: Int
        }
        var seen: [Key: Int] = [:]
        return rewritten { _, node, list in
            let key = Key(op: node.op, operands: node.operands, rematerialization: node.rematerialization)
            if let first = seen[key] { return node.resultTypes.indices.map { Value(node: first, result: $0) } }
            seen[key] = list.count
            return list.append(results: node)
        }
    }
}

extension [Node] {
    /// The number in every element of a value, where it is known.
    func number(_ value: Value) -> Double? {
        guard case .fill(let fill) = self[value.node].op else { return nil }
        return fill.value
    }
}
