/// How a tensor of indices lies along an axis of another tensor.
package enum IndexForm: Hashable, Sendable {
    /// An index for each element: the other extents are those of the data. ONNX GatherElements, PyTorch gather.
    case elements
    /// An index for each slice across the axis, in any shape, which takes the axis' place. ONNX Gather.
    case slices
}

/// Elements or slices by index along an axis.
///
/// Operands x and indices, int32 or int64 → y of x's type. Seen as x `[outer, extent, inner]` and y
/// `[outer, count, inner]`: `y[o, j, i] = x[o, k, i]`, where k is `indices[o, j, i]` of `.elements`, `indices[j]` of
/// `.slices`, and counts from the end where it is negative. An index outside `-extent ..< extent` gives NaN, 0 in integer
/// types or where x is empty, as no kernel can throw. ONNX Gather, GatherElements.
package struct Gather: Hashable, Sendable {
    package var axis: Int
    package var form: IndexForm

    package init(axis: Int, form: IndexForm) {
        self.axis = axis
        self.form = form
    }
}

/// The adjoint of ``Gather``: puts elements or slices where indices say, along an axis of `extent`.
///
/// Operands indices, source, and the tensor that is written to where the mode is `.replace` → y. Seen as source
/// `[outer, count, inner]` and y `[outer, extent, inner]`: the sum of all `source[o, j, i]` with index k is `y[o, k, i]`, in
/// the order of j; or the last of them stands there, and the third operand's element where there is none. Indices outside
/// `-extent ..< extent` are left out. ONNX ScatterElements, ScatterND.
package struct Scatter: Hashable, Sendable {
    package enum Mode: Hashable, Sendable { case add, replace }

    package var axis: Int
    package var extent: Int
    package var form: IndexForm
    package var mode: Mode

    package init(axis: Int, extent: Int, form: IndexForm, mode: Mode) {
        self.axis = axis
        self.extent = extent
        self.form = form
        self.mode = mode
    }

    /// Of more indices than these along the axis, sums keep what rounding takes away.
    package static let longSum = 1024
}

/// The three extents that the data of an indexing operation has along and beside its axis.
package struct IndexedExtents: Hashable, Sendable {
    package var outer: Int
    /// Of the axis that is indexed.
    package var extent: Int
    /// How many indices there are along it.
    package var count: Int
    package var inner: Int

    /// - Parameters:
    ///   - x: the shape with the axis that is indexed.
    ///   - other: the shape with as many elements along it as there are indices.
    package init(_ x: Shape, _ other: Shape, indices: Shape, axis: Int, _ form: IndexForm) {
        outer = x.dimensions[..<axis].reduce(1, *)
        extent = x[axis]
        inner = x.dimensions[(axis + 1)...].reduce(1, *)
        count = form == .slices ? indices.elementCount : other[axis]
    }
}

extension ShapeRule {
    private func indices(_ index: Int) throws {
        try require(
            [.int32, .int64].contains(operands[index].dtype),
            "the indices must be int32 or int64, not \(operands[index].dtype)")
    }

    package func gather(_ attributes: Gather) throws -> [TensorType] {
        try count(2)
        try indices(1)
        let (x, indices, axis) = (operands[0].shape, operands[1].shape, attributes.axis)
        try require((0..<x.rank).contains(axis), "there is no axis \(axis) in \(x)")
        switch attributes.form {
        case .slices:
            let shape = Array(x.dimensions[..<axis]) + indices.dimensions + Array(x.dimensions[(axis + 1)...])
            return [TensorType(Shape(shape), operands[0].dtype)]
        case .elements:
            var expected = x
            if indices.rank == x.rank { expected[axis] = indices[axis] }
            try require(
                indices == expected, "the indices must have the extents of \(x) but along axis \(axis), not \(indices)")
            return [TensorType(indices, operands[0].dtype)]
        }
    }

    package func scatter(_ attributes: Scatter) throws -> [TensorType] {
        try count(attributes.mode == .replace ? 3 : 2)
        try indices(0)
        try require(
            attributes.mode == .replace || operands[1].dtype != .bool,
            "bool is no number to add; cast to a type of numbers first")
        let (indices, source, axis) = (operands[0].shape, operands[1].shape, attributes.axis)
        try require(attributes.extent >= 0, "an axis cannot have \(attributes.extent) elements")
        var shape = source.dimensions
        switch attributes.form {
        case .slices:
            try require(
                axis >= 0 && axis + indices.rank <= source.rank
                    && Array(source.dimensions[axis..<(axis + indices.rank)]) == indices.dimensions,
                "the source \(source) must have the indices' extents \(indices) from axis \(axis) on")
            shape.replaceSubrange(axis..<(axis + indices.rank), with: [attributes.extent])
        case .elements:
            try require((0..<source.rank).contains(axis), "there is no axis \(axis) in \(source)")
            try require(indices == source, "the source must have the indices' shape \(indices), not \(source)")
            shape[axis] = attributes.extent
        }
        try countable(Shape(shape))
        if attributes.mode == .replace {
            try self.shape(2, Shape(shape), "what is written to")
            try require(
                operands[2].dtype == operands[1].dtype,
                "a source of \(operands[1].dtype) cannot be written to \(operands[2].dtype)")
            try require(source.elementCount > 0 || Shape(shape).elementCount == 0, "needs something to write")
        }
        return [TensorType(Shape(shape), operands[1].dtype)]
    }
}

extension TraitsRule {
    package func gather(_ attributes: Gather) -> OpTraits {
        OpTraits(
            .gather, .movement, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.noFlops)
    }

    package func scatter(_ attributes: Scatter) -> OpTraits {
        OpTraits(
            .scatter, attributes.mode == .add ? .computation : .movement, overEmptyOperands: .fill(0),
            halfTypes: .converted, autocast: .widest,
            flops: attributes.mode == .add ? OpTraits.flopPerElement : OpTraits.noFlops)
    }
}

extension GradientRule {
    package func gather(_ attributes: Gather) throws -> [Tensor?] {
        let x = operands[0]
        let scatter = Scatter(
            axis: attributes.axis, extent: x.shape[attributes.axis], form: attributes.form, mode: .add)
        let gradient = try graph.add(.scatter(scatter), [operands[1], try cotangent()])[0]
        graph.check(operands[1], in: -scatter.extent..<scatter.extent, "indices", of: gradient)
        return [gradient, nil]
    }

    package func scatter(_ attributes: Scatter) throws -> [Tensor?] {
        let (indices, source) = (operands[0], operands[1])
        let gather = Gather(axis: attributes.axis, form: attributes.form)
        let dsource = try graph.add(.gather(gather), [try cotangent(), indices])[0]
        guard attributes.mode == .replace else { return [nil, dsource] }
        let dtarget = try graph.add(
            .scatter(attributes), [indices, try graph.fill(0, source.shape, source.dtype), try cotangent()])[0]
        return [nil, try dsource * lastWrites(attributes), dtarget]
    }

    /// 1 for each element of the source that stays where it is put, 0 for those that a later one replaces.
    private func lastWrites(_ attributes: Scatter) throws -> Tensor {
        let (indices, source, axis) = (operands[0], operands[1], attributes.axis)
        let count = attributes.form == .slices ? indices.shape.elementCount : source.shape[axis]
        let numbers = try graph.constant(HostTensor([count], (0..<max(count, 0)).map { Int32($0) }))
        var scatter = attributes
        var positions = numbers
        switch attributes.form {
        case .slices:
            scatter.axis = 0
            positions = try numbers.reshaped(to: indices.shape)
        case .elements:
            var column = Shape([Int](repeating: 1, count: source.shape.rank))
            column[axis] = count
            positions = try numbers.reshaped(to: column).broadcast(to: source.shape)
        }
        var target = positions.shape
        if attributes.form == .slices { target = [attributes.extent] } else { target[axis] = attributes.extent }
        let last = try graph.add(.scatter(scatter), [indices, positions, graph.fill(0, target, .int32)])[0]
        let found = try graph.add(.gather(Gather(axis: scatter.axis, form: attributes.form)), [last, indices])[0]
        let stays = try found.equal(to: positions).cast(to: source.dtype)
        guard attributes.form == .slices else { return stays }
        let inner = source.shape.rank - axis - indices.shape.rank
        return try stays.reshaped(to: Shape(indices.shape.dimensions + [Int](repeating: 1, count: inner)))
    }
}
