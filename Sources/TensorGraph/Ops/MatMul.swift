/// Matrix product with an optional bias and activation in its epilogue.
///
/// `y = activation(op(a) · op(b) + bias)` over the last two axes, where `op` transposes if asked.
/// - a `[..., m, k]` (`[..., k, m]` if `transposeA`), b `[..., k, n]` (`[..., n, k]` if `transposeB`),
///   bias `[n]` as a third operand or absent → y `[..., m, n]`.
/// - a and b share one type, and so do y and bias: `resultType`, or a's where there is none. Products of float16 and
///   bfloat16 are summed in float32 and rounded once, as PyTorch and ONNX have it; with a `resultType` of float32 not at
///   all (torch.mm's `out_dtype`).
/// - Leading axes are a batch, and broadcast as NumPy's do: y has those of both. An operand is read where it lies, however
///   many entries share it, where neighbouring batch axes can be taken together until two are left (``MatMulExtents``).
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
///
/// Batch axes that both operands have, or that are the same one's alone, are taken together with their neighbours, so that
/// an outer and an inner one are left: entry e of y is the product of a's and b's entries that ``aEntry(_:)`` and
/// ``bEntry(_:)`` give.
package struct MatMulExtents: Hashable, Sendable {
    /// How far the entry that is read moves with an outer and an inner step; 0 where all share one.
    package struct Steps: Hashable, Sendable {
        package var outer: Int
        package var inner: Int
    }

    /// Batch entries of y. Where the entries of an innermost batch axis share b, they are folded into `m`, unless `a` is
    /// transposed.
    package var batch: Int
    package var m: Int
    package var n: Int
    package var k: Int
    /// The extent of the inner batch axis.
    package var inner: Int
    package var aSteps: Steps
    package var bSteps: Steps

    package init(_ attributes: MatMul, _ a: Shape, _ b: Shape) {
        m = attributes.transposeA ? a[a.rank - 1] : a[a.rank - 2]
        k = attributes.transposeA ? a[a.rank - 2] : a[a.rank - 1]
        n = attributes.transposeB ? b[b.rank - 2] : b[b.rank - 1]
        var axes = BatchAxis.axes(a, b)
        if let last = axes.last, !last.isOfB, !attributes.transposeA {
            m *= last.extent
            axes.removeLast()
        }
        batch = axes.reduce(1) { $0 * $1.extent }
        inner = axes.last?.extent ?? 1
        let (last, first) = (axes.last, axes.dropLast().last)
        let inner = inner
        func steps(_ isOf: (BatchAxis) -> Bool) -> Steps {
            let ofInner = last.map(isOf) ?? false
            return Steps(outer: first.map(isOf) ?? false ? (ofInner ? inner : 1) : 0, inner: ofInner ? 1 : 0)
        }
        aSteps = steps(\.isOfA)
        bSteps = steps(\.isOfB)
    }

    /// Whether every batch entry reads the same `b`.
    package var sharesB: Bool { bSteps == Steps(outer: 0, inner: 0) }
    package var sharesA: Bool { aSteps == Steps(outer: 0, inner: 0) }

    package func aEntry(_ entry: Int) -> Int { entry / inner * aSteps.outer + entry % inner * aSteps.inner }
    package func bEntry(_ entry: Int) -> Int { entry / inner * bSteps.outer + entry % inner * bSteps.inner }

    /// Neighbouring batch axes of a product, taken together.
    package struct BatchAxis: Equatable {
        package var extent: Int
        /// Whether a, or b, has an entry for each index; else all share one.
        package var isOfA: Bool
        package var isOfB: Bool

        /// From the outermost; nil of operands whose batch axes do not broadcast is not asked for.
        package static func axes(_ a: Shape, _ b: Shape) -> [BatchAxis] {
            let count = max(a.rank, b.rank) - 2
            func extents(_ shape: Shape) -> [Int] {
                [Int](repeating: 1, count: count + 2 - shape.rank) + shape.dimensions.dropLast(2)
            }
            var axes: [BatchAxis] = []
            for (x, y) in zip(extents(a), extents(b)) where x != 1 || y != 1 {
                let axis = BatchAxis(extent: x == 1 ? y : x, isOfA: x != 1, isOfB: y != 1)
                if let last = axes.last, last.isOfA == axis.isOfA, last.isOfB == axis.isOfB {
                    axes[axes.count - 1].extent *= axis.extent
                } else {
                    axes.append(axis)
                }
            }
            return axes
        }

        /// Whether ``MatMulExtents`` can hold them.
        package static func areReadInPlace(_ attributes: MatMul, _ a: Shape, _ b: Shape) -> Bool {
            let axes = axes(a, b)
            let folds = axes.last.map { !$0.isOfB && !attributes.transposeA } ?? false
            return axes.count <= (folds ? 3 : 2)
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
        let (aBatch, bBatch) = (a.batchAxes, b.batchAxes)
        guard let leading = aBatch.broadcast(with: bBatch) else {
            throw ShapeError("batch axes \(aBatch) and \(bBatch) differ")
        }
        try require(
            MatMulExtents.BatchAxis.areReadInPlace(attributes, a, b),
            "batch axes \(aBatch) and \(bBatch) take turns too often; broadcast one of the operands")
        if operands.count == 3 {
            try shape(2, [n], "the bias")
            try require(
                operands[2].dtype == type,
                "the bias must be of the result's type, \(type), not \(operands[2].dtype); cast it")
        }
        let result = Shape(leading.dimensions + [m, n])
        try countable(result)
        try countable(work: leading.elementCount, m, n, k)
        return [TensorType(result, type)]
    }
}

extension TraitsRule {
    package func matMul(_ attributes: MatMul) -> OpTraits {
        OpTraits(
            .matMul, .matrixProduct, overEmptyOperands: .epilogue(attributes.activation, biasAxis: nil),
            halfTypes: .converted, autocast: .lower
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
        func product(_ x: Tensor, _ y: Tensor, _ transposeX: Bool, _ transposeY: Bool, _ type: DType? = nil) throws
            -> Tensor
        {
            try x.product(y, MatMul(transposeA: transposeX, transposeB: transposeY, resultType: type))
        }
        let axes = MatMulExtents.BatchAxis.axes(a.shape, b.shape)
        // What is added up over batch entries is rounded afterwards.
        let wideType: DType? = a.dtype.isHalf ? .float32 : nil
        func sum(of operand: Tensor, _ product: Tensor) throws -> Tensor {
            try product.summed(to: operand.shape).cast(to: operand.dtype)
        }
        let da: Tensor
        if !axes.allSatisfy(\.isOfA) {
            da = try sum(
                of: a,
                attributes.transposeA
                    ? product(b, dy, attributes.transposeB, true, wideType)
                    : product(dy, b, false, !attributes.transposeB, wideType))
        } else if !attributes.transposeA {
            da = try product(dy, b, false, !attributes.transposeB)
        } else if axes.last?.isOfB == false {
            // The entries that share b become rows of one product.
            da = try product(dy, b, false, !attributes.transposeB).swappingLastAxes()
        } else {
            da = try product(b, dy, attributes.transposeB, true)
        }
        let db: Tensor
        if axes.allSatisfy(\.isOfB) {
            db =
                try attributes.transposeB
                ? product(dy, a, true, attributes.transposeA) : product(a, dy, !attributes.transposeA, false)
        } else if axes.count == 1 || axes.count == 2 && axes[0].isOfA && axes[0].isOfB {
            // Where it is the innermost entries that share b, they are folded into the rows first.
            let outer = axes.count == 2 ? [axes[0].extent] : []
            func folded(_ x: Tensor) throws -> Tensor {
                let rows = axes[axes.count - 1].extent * x.shape[x.shape.rank - 2]
                return try x.reshaped(to: Shape(outer + [rows, x.shape[x.shape.rank - 1]]))
            }
            let rows = try folded(attributes.transposeA ? a.swappingLastAxes() : a)
            let cotangents = try folded(dy)
            db =
                try
                (attributes.transposeB
                ? product(cotangents, rows, true, false) : product(rows, cotangents, true, false))
                .reshaped(to: b.shape)
        } else {
            db = try sum(
                of: b,
                attributes.transposeB
                    ? product(dy, a, true, attributes.transposeA, wideType)
                    : product(a, dy, !attributes.transposeA, false, wideType))
        }
        let bias = operands.count == 3 ? try wide.flattenedToMatrix().sum(axes: [0]) : nil
        // Batch axes of extent 1 are no axes above, but may be of one operand alone.
        let gradients = try [da.reshaped(to: a.shape), db.reshaped(to: b.shape)]
        return operands.count == 3 ? gradients + [bias] : gradients
    }
}

extension Tensor {
    /// The matrix product with `other` over the last two axes.
    ///
    /// `self` is `[..., m, k]` and `other` `[..., k, n]`; with `transposeSelf` or `transposeOther` the last two axes of that
    /// operand are exchanged. The axes before them are a batch, and broadcast: an operand that lacks one, or has 1 there, is
    /// shared by all entries, and read where it lies. The result is `[..., m, n]`. A vector is a row on the left and a column
    /// on the right, and the result is without that axis. 2·m·n·k flops a batch entry. numpy.matmul, ONNX MatMul.
    ///
    /// float16 and bfloat16 are summed in float32, and the sum is rounded once to their type; not where `resultType` is
    /// float32. The gradients of both operands are then of the operands' type.
    ///
    /// - Throws: ``GraphError`` where extents, batch axes or types don't fit, or a vector is to be transposed.
    public func matMul(
        _ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false, resultType: DType? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let attributes = MatMul(transposeA: transposeSelf, transposeB: transposeOther, resultType: resultType)
        let (isRow, isColumn) = (shape.rank == 1, other.shape.rank == 1)
        guard isRow || isColumn else { return try product(other, attributes, at: location) }
        guard !(isRow && transposeSelf), !(isColumn && transposeOther) else {
            throw graph.failure("matMul", "a vector has no axes to exchange", [self, other], at: location)
        }
        let a = isRow ? try reshaped(to: [1, shape[0]], file: file, line: line) : self
        let b = isColumn ? try other.reshaped(to: [other.shape[0], 1], file: file, line: line) : other
        let y = try a.product(b, attributes, at: location)
        let extents =
            y.shape.batchAxes.dimensions
            + y.shape.dimensions.suffix(2).enumerated().compactMap { axis, extent in
                axis == 0 ? (isRow ? nil : extent) : (isColumn ? nil : extent)
            }
        return try y.reshaped(to: Shape(extents), file: file, line: line)
    }

    /// The product of these attributes, with an operand broadcast first where it cannot be read where it lies.
    fileprivate func product(
        _ other: Tensor, _ attributes: MatMul, at location: SourceLocation? = nil
    ) throws(GraphError) -> Tensor {
        var (a, b) = (self, other)
        if shape.rank >= 2, other.shape.rank >= 2, let batch = shape.batchAxes.broadcast(with: other.shape.batchAxes) {
            func whole(_ x: Tensor) -> Shape { Shape(batch.dimensions + x.shape.dimensions.suffix(2)) }
            func fits(_ a: Shape, _ b: Shape) -> Bool { MatMulExtents.BatchAxis.areReadInPlace(attributes, a, b) }
            if !fits(a.shape, b.shape) {
                let (wholeA, wholeB) = (whole(a), whole(b))
                let isASmaller = wholeA.elementCount < wholeB.elementCount
                let choices = [(isASmaller, !isASmaller), (!isASmaller, isASmaller), (true, true)]
                let chosen = choices.first { fits($0.0 ? wholeA : a.shape, $0.1 ? wholeB : b.shape) } ?? (true, true)
                if chosen.0 {
                    a = try graph.add(.broadcast(wholeA), [a], at: location ?? node.location, as: "matMul")[0]
                }
                if chosen.1 {
                    b = try graph.add(.broadcast(wholeB), [b], at: location ?? node.location, as: "matMul")[0]
                }
            }
        }
        return try graph.add(.matMul(attributes), [a, b], at: location)[0]
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

extension Shape {
    /// All axes but the last two.
    fileprivate var batchAxes: Shape { Shape(Array(dimensions.dropLast(2))) }
}
