// A product with the rows of a small table that many indices pick is a product with the table's own rows, of which the
// indices pick afterwards: a model of 96 characters multiplies 96 rows rather than one for every character of a batch.
//
//   embedding(T, i) · w                →  embedding(T · w, i)
//   embedding(T, i) + bias             →  embedding(T + bias, i)
//   embeddingGradient(i, dy · w)       →  embeddingGradient(i, dy) · w
//   dyᵀ · embedding(T, i)              →  embeddingGradient(i, dy)ᵀ · T        (and with its operands exchanged)
//
// The first two give the same bits. The others add up the cotangents of equal indices before the product, not after, and
// are not done in 16 bits, where that would show. An index outside the table gives a row of NaN as before; its share of the
// weight's gradient is left out, as it always is of the table's.

extension Computation {
    /// Products with rows of an embedding table done on the table itself, where it has at most half as many rows as
    /// there are indices, and where that is worth it: rows so wide that a product costs more than adding up cotangents,
    /// and so few that adding them up stays in the cache.
    package func withProductsOfTables() -> Computation {
        let uses = useCounts
        /// Whether a value of the new list stands for one that is read once.
        var isReadOnce: [Value: Bool] = [:]
        return rewritten { index, node, list in
            let result = list.productOfTable(node, isReadOnce: { isReadOnce[$0] ?? false })
            let results = result.map { [$0] } ?? list.append(results: node)
            for (result, value) in results.enumerated() {
                isReadOnce[value] = uses[Value(node: index, result: result)] == 1
            }
            return results
        }
    }
}

private func isSmallTable(rows: Int, width: Int, indices: Int) -> Bool {
    rows <= 256 && width >= 64 && 2 * rows <= indices
}

/// Rows of a table: an embedding, seen through reshapes that keep its rows.
private struct TableRows {
    var table: Value
    var indices: Value
}

extension [Node] {
    fileprivate mutating func productOfTable(_ node: Node, isReadOnce: (Value) -> Bool) -> Value? {
        switch node.op {
        case .matMul(let attributes) where node.operands.count == 2 && attributes.activation == nil:
            return productOfRows(node, attributes) ?? weightGradient(node, attributes)
        case .binary(.add): return sumOfRows(node, isReadOnce)
        case .embeddingGradient(let attributes): return tableGradient(node, attributes, isReadOnce)
        default: return nil
        }
    }

    /// embedding(T, i) · w
    private mutating func productOfRows(_ node: Node, _ attributes: MatMul) -> Value? {
        guard !attributes.transposeA, let rows = tableRows(node.operands[0]), type(node.operands[1]).shape.rank == 2
        else { return nil }
        let product = append(
            .matMul(attributes), [rows.table, node.operands[1]], type(rows.table), width: node.resultTypes[0], node)
        return gathered(product, rows.indices, node)
    }

    /// embedding(T, i) + bias
    private mutating func sumOfRows(_ node: Node, _ isReadOnce: (Value) -> Bool) -> Value? {
        for (given, bias) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])] {
            guard let rows = tableRows(given), isReadOnce(given), type(given) == node.resultTypes[0],
                type(bias).shape == [type(rows.table).shape[1]]
            else { continue }
            let operands = given == node.operands[0] ? [rows.table, bias] : [bias, rows.table]
            let sum = append(.binary(.add), operands, type(rows.table), width: node.resultTypes[0], node)
            return gathered(sum, rows.indices, node)
        }
        return nil
    }

    /// embeddingGradient(i, dy · w)
    private mutating func tableGradient(
        _ node: Node, _ attributes: EmbeddingGradient, _ isReadOnce: (Value) -> Bool
    ) -> Value? {
        let product = self[node.operands[1].node]
        guard case .matMul(let inner) = product.op, product.operands.count == 2, inner.activation == nil,
            !inner.transposeA, isReadOnce(node.operands[1]), type(product.operands[1]).shape.rank == 2,
            !node.resultTypes[0].dtype.isHalf,
            isSmallTable(
                rows: attributes.rows, width: node.resultTypes[0].shape[1],
                indices: type(node.operands[0]).shape.elementCount)
        else { return nil }
        let sums = rowSums(node.operands[0], product.operands[0], rows: attributes.rows, node)
        return append(.matMul(inner), [sums, product.operands[1]], type(sums), width: node.resultTypes[0], node)
    }

    /// dyᵀ · embedding(T, i) or embedding(T, i)ᵀ · dy
    private mutating func weightGradient(_ node: Node, _ attributes: MatMul) -> Value? {
        guard attributes.transposeA, !attributes.transposeB, node.resultTypes[0].shape.rank == 2,
            type(node.operands[1]).shape.rank == 2, !node.operandTypes[0].dtype.isHalf
        else { return nil }
        for (rows, cotangent) in [(1, 0), (0, 1)] {
            guard let found = tableRows(node.operands[rows]) else { continue }
            let sums = rowSums(found.indices, node.operands[cotangent], rows: type(found.table).shape[0], node)
            let product = Node(
                op: node.op, operands: rows == 1 ? [sums, found.table] : [found.table, sums],
                operandTypes: rows == 1 ? [type(sums), type(found.table)] : [type(found.table), type(sums)],
                resultTypes: node.resultTypes, location: node.location)
            return append(results: product)[0]
        }
        return nil
    }

    // MARK: Parts

    /// The rows that a value consists of, where their table is small.
    private func tableRows(_ value: Value) -> TableRows? {
        let node = self[withoutReshapes(value).node]
        guard case .embedding = node.op, type(value).shape.dimensions.last == node.operandTypes[0].shape[1],
            isSmallTable(
                rows: node.operandTypes[0].shape[0], width: node.operandTypes[0].shape[1],
                indices: node.operandTypes[1].shape.elementCount)
        else { return nil }
        return TableRows(table: node.operands[0], indices: node.operands[1])
    }

    private func withoutReshapes(_ value: Value) -> Value {
        var value = value
        while case .reshape = self[value.node].op { value = self[value.node].operands[0] }
        return value
    }

    /// Rows of `table` at `indices`, in the shape of the node's result.
    private mutating func gathered(_ table: Value, _ indices: Value, _ node: Node) -> Value {
        let rows = append(.embedding, [table, indices], type(indices), width: node.resultTypes[0], node)
        return reshaped(rows, to: node.resultTypes[0], node)
    }

    /// embeddingGradient(i, dy), for dy in any shape of as many rows as there are indices.
    private mutating func rowSums(_ indices: Value, _ dy: Value, rows: Int, _ node: Node) -> Value {
        let width = type(dy).shape.dimensions.last ?? 1
        let wanted = TensorType(Shape(type(indices).shape.dimensions + [width]), type(dy).dtype)
        let source = withoutReshapes(dy)
        let cotangent = reshaped(type(source) == wanted ? source : dy, to: wanted, node)
        let sums = Node(
            op: .embeddingGradient(EmbeddingGradient(rows: rows)), operands: [indices, cotangent],
            operandTypes: [type(indices), wanted], resultTypes: [TensorType([rows, width], wanted.dtype)],
            location: node.location)
        return append(results: sums)[0]
    }

    private mutating func reshaped(_ value: Value, to result: TensorType, _ node: Node) -> Value {
        guard type(value) != result else { return value }
        let reshape = Node(
            op: .reshape(result.shape), operands: [value], operandTypes: [type(value)], resultTypes: [result],
            location: node.location)
        return append(results: reshape)[0]
    }

    /// Appends a node whose result has the shape of `rows` with the last extent and the type of `width`.
    private mutating func append(
        _ op: Op, _ operands: [Value], _ rows: TensorType, width: TensorType, _ node: Node
    ) -> Value {
        let leading = op == .embedding ? rows.shape.dimensions : rows.shape.dimensions.dropLast()
        let result = TensorType(Shape(leading + [width.shape.dimensions.last ?? 1]), width.dtype)
        return append(
            results: Node(
                op: op, operands: operands, operandTypes: operands.map { type($0) }, resultTypes: [result],
                location: node.location))[0]
    }
}
