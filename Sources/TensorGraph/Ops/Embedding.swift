/// The gradient of an embedding with respect to its table.
///
/// Operands indices int32 `[...]`, dy `[..., d]` → dtable `[rows, d]`: row r is the sum of dy over all places where the
/// index is r, in row-major order of the places. Indices outside `0 ..< rows` are left out.
package struct EmbeddingGradient: Hashable, Sendable {
    package var rows: Int
    package init(rows: Int) { self.rows = rows }
}

extension ShapeRule {
    /// Rows of a table by index: table `[rows, d]`, indices int32 `[...]` → `[..., d]`. An index outside
    /// `0 ..< rows` gives a row of NaN, as no kernel can throw. ONNX Gather on axis 0.
    package func embedding() throws -> [TensorType] {
        try count(2)
        try floating(0)
        try rank(0, 2, "the table [rows, width]")
        try integers(1, "the indices")
        let (table, indices) = (operands[0], operands[1].shape)
        return [TensorType(Shape(indices.dimensions + [table.shape[1]]), table.dtype)]
    }

    package func embeddingGradient(_ attributes: EmbeddingGradient) throws -> [TensorType] {
        try count(2)
        try integers(0, "the indices")
        try floating(1)
        let (indices, dy) = (operands[0].shape, operands[1])
        try require(
            dy.shape.rank == indices.rank + 1 && Array(dy.shape.dimensions.dropLast()) == indices.dimensions,
            "the cotangent must be the indices' shape \(indices) and the width")
        try require(attributes.rows >= 0, "the table cannot have \(attributes.rows) rows")
        return [TensorType([attributes.rows, dy.shape[dy.shape.rank - 1]], dy.dtype)]
    }
}

extension TraitsRule {
    package func embedding() -> OpTraits {
        OpTraits(
            .embedding, .movement, overEmptyOperands: .fill(.nan), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.noFlops)
    }

    package func embeddingGradient(_ attributes: EmbeddingGradient) -> OpTraits {
        OpTraits(
            .embeddingGradient, .computation, overEmptyOperands: .fill(0), halfTypes: .converted,
            autocast: .asGiven, flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func embedding() throws -> [Tensor?] {
        let rows = operands[0].shape[0]
        let gradient = try graph.add(
            .embeddingGradient(EmbeddingGradient(rows: rows)), [operands[1], try cotangent()])[0]
        graph.check(operands[1], in: 0..<rows, "indices", of: gradient)
        return [gradient, nil]
    }

    package func embeddingGradient(_ attributes: EmbeddingGradient) throws -> [Tensor?] {
        [nil, try graph.add(.embedding, [try cotangent(), operands[0]])[0]]
    }
}

extension Tensor {
    /// The rows of this table `[rows, d]` at int32 `indices` `[...]`, as `[..., d]`. A run with an index outside the
    /// table is an error.
    public func embedding(
        _ indices: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let rows = try apply(.embedding, [indices], file: file, line: line)
        graph.check(indices, in: 0..<shape[0], "indices", of: rows)
        return rows
    }
}
