/// Matrix product with an optional bias and activation in its epilogue.
///
/// `y = activation(op(a) · op(b) + bias)` over the last two axes, where `op` transposes if asked.
/// - a `[..., m, k]` (`[..., k, m]` if `transposeA`), b `[..., k, n]` (`[..., n, k]` if `transposeB`),
///   bias `[n]` as a third operand or absent → y `[..., m, n]`.
/// - a and b share one type, and so do y and bias: `resultType`, or a's where there is none. Products of float16 and
///   bfloat16 are summed in float32 and rounded once, as PyTorch and ONNX have it; with a `resultType` of float32 not at
///   all (torch.mm's `out_dtype`).
/// - Leading axes are a batch; they must be equal, or absent on `b`, which is then shared by all of `a`.
/// - 2·m·n·k flops a batch entry. BLAS xGEMM; ONNX MatMul.
package struct MatMul: Hashable, Sendable {
    package var transposeA: Bool
    package var transposeB: Bool
    /// The type of y where it is not a's: float32, of float16 and bfloat16 operands.
    package var resultType: DType?
    /// Applied to the sum, in the epilogue. Only the fusion pass sets it.
    package var activation: UnaryFunction?

    package init(
        transposeA: Bool = false, transposeB: Bool = false, resultType: DType? = nil, activation: UnaryFunction? = nil
    ) {
        self.transposeA = transposeA
        self.transposeB = transposeB
        self.resultType = resultType
        self.activation = activation
    }
}

/// The extents of one matrix product, as backends want them.
package struct MatMulExtents: Hashable, Sendable {
    /// Batch entries; 1 where `b` is shared, with the batch folded into `m` unless `a` is transposed.
    package var batch: Int
    package var m: Int
    package var n: Int
    package var k: Int
    /// Whether every batch entry reads the same `b`.
    package var sharesB: Bool

    package init(_ attributes: MatMul, _ a: Shape, _ b: Shape) {
        let leading = a.dimensions.dropLast(2).reduce(1, *)
        m = attributes.transposeA ? a[a.rank - 1] : a[a.rank - 2]
        k = attributes.transposeA ? a[a.rank - 2] : a[a.rank - 1]
        n = attributes.transposeB ? b[b.rank - 2] : b[b.rank - 1]
        batch = leading
        sharesB = b.rank == 2
        if sharesB, !attributes.transposeA {
            m *= leading
            batch = 1
        }
    }
}

extension ShapeRule {
    package func matMul(_ attributes: MatMul) throws -> [TensorType] {
        try count(2...3)
        try floating(0, 1)
        let type = attributes.resultType ?? operands[0].dtype
        try require(
            type == operands[0].dtype || type == .float32 && operands[0].dtype.isHalf,
            "a product of \(operands[0].dtype) cannot be \(type); cast it")
        let (a, b) = (operands[0].shape, operands[1].shape)
        try require(a.rank >= 2 && b.rank >= 2, "operands need at least two axes; reshape vectors to matrices")
        let (aRows, aColumns) = (a[a.rank - 2], a[a.rank - 1])
        let (bRows, bColumns) = (b[b.rank - 2], b[b.rank - 1])
        let (m, k) = attributes.transposeA ? (aColumns, aRows) : (aRows, aColumns)
        let (inner, n) = attributes.transposeB ? (bColumns, bRows) : (bRows, bColumns)
        try require(k == inner, "inner extents differ: \(k) and \(inner)")
        let leading = Array(a.dimensions.dropLast(2))
        try require(
            b.rank == 2 || Array(b.dimensions.dropLast(2)) == leading,
            "batch axes \(Shape(leading)) and \(Shape(Array(b.dimensions.dropLast(2)))) differ")
        if operands.count == 3 {
            try shape(2, [n], "the bias")
            try require(
                operands[2].dtype == type,
                "the bias must be of the result's type, \(type), not \(operands[2].dtype); cast it")
        }
        try countable(work: Shape(leading).elementCount, m, n, k)
        return [TensorType(Shape(leading + [m, n]), type)]
    }
}

extension TraitsRule {
    package func matMul(_ attributes: MatMul) -> OpTraits {
        OpTraits(
            .matMul, .matrixProduct, overEmptyOperands: .epilogue(attributes.activation, biasAxis: nil),
            halfTypes: .converted
        ) { operands, results in
            let extents = MatMulExtents(attributes, operands[0].shape, operands[1].shape)
            return OpTraits.multiplyAdds(results[0].shape.elementCount, extents.k)
        }
    }
}

extension GradientRule {
    package func matMul(_ attributes: MatMul) throws -> [Tensor?] {
        try requireUnfused(attributes.activation)
        // The products of the backward pass are of the operands' type too, as PyTorch's are.
        let (a, b) = (operands[0], operands[1])
        let wide = try cotangent()
        let dy = wide.dtype == a.dtype ? wide : try wide.cast(to: a.dtype)
        func product(_ x: Tensor, _ y: Tensor, _ transposeX: Bool, _ transposeY: Bool) throws -> Tensor {
            try graph.add(.matMul(MatMul(transposeA: transposeX, transposeB: transposeY)), [x, y])[0]
        }
        let da =
            try attributes.transposeA
            ? (b.shape.rank == 2 && a.shape.rank > 2
                ? product(dy, b, false, !attributes.transposeB).swappingLastAxes()
                : product(b, dy, attributes.transposeB, true))
            : product(dy, b, false, !attributes.transposeB)
        let db: Tensor
        if b.shape.rank == 2, a.shape.rank > 2 {
            // A shared b gathers from every batch entry: fold the batch into the rows first.
            let rows = try (attributes.transposeA ? a.swappingLastAxes() : a).flattenedToMatrix()
            let cotangents = try dy.flattenedToMatrix()
            db =
                try attributes.transposeB
                ? product(cotangents, rows, true, false) : product(rows, cotangents, true, false)
        } else {
            db =
                try attributes.transposeB
                ? product(dy, a, true, attributes.transposeA)
                : product(a, dy, !attributes.transposeA, false)
        }
        let bias = operands.count == 3 ? try wide.flattenedToMatrix().sum(axes: [0]) : nil
        return operands.count == 3 ? [da, db, bias] : [da, db]
    }
}

extension Tensor {
    /// The matrix product with `other` over the last two axes.
    ///
    /// `self` is `[..., m, k]` and `other` `[..., k, n]` or `[k, n]`, which every batch entry then shares;
    /// with `transposeSelf` or `transposeOther` the last two axes of that operand are exchanged. The
    /// result is `[..., m, n]`. 2·m·n·k flops a batch entry.
    ///
    /// float16 and bfloat16 are summed in float32, and the sum is rounded once to their type; not where `resultType` is
    /// float32. The gradients of both operands are then of the operands' type.
    ///
    /// - Throws: ``GraphError`` where extents, batch axes or types don't fit.
    public func matmul(
        _ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false, resultType: DType? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(
            .matMul(MatMul(transposeA: transposeSelf, transposeB: transposeOther, resultType: resultType)), [other],
            file: file, line: line)
    }

    /// `[..., m, n]` as `[prod(...)·m, n]`.
    ///
    /// - Throws: ``GraphError`` for a scalar.
    package func flattenedToMatrix() throws(GraphError) -> Tensor {
        guard let columns = shape.dimensions.last else {
            throw graph.failure("reshape", "a scalar has no rows", [self], at: node.location)
        }
        return try reshaped(to: [shape.dimensions.dropLast().reduce(1, *), columns])
    }

    package func swappingLastAxes() throws(GraphError) -> Tensor {
        var axes = Array(0..<shape.rank)
        axes.swapAt(shape.rank - 1, shape.rank - 2)
        return try transposed(axes)
    }
}
