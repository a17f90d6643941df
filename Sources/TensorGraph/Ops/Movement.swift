/// Reorders axes: result axis `i` is operand axis `permutation[i]`. numpy.transpose.
package struct Transpose: Hashable, Sendable {
    package var permutation: [Int]
    package init(permutation: [Int]) { self.permutation = permutation }
}

/// Joins operands along `axis`; all other extents are equal. ONNX Concat.
package struct Concatenate: Hashable, Sendable {
    package var axis: Int
    package init(axis: Int) { self.axis = axis }
}

/// A strided box: result `[i₀, i₁, …]` is operand `[start₀ + i₀·step₀, …]`. A negative step goes backwards. ONNX Slice.
package struct Slice: Hashable, Sendable {
    package var starts: [Int]
    package var counts: [Int]
    package var steps: [Int]

    package init(starts: [Int], counts: [Int], steps: [Int]) {
        self.starts = starts
        self.counts = counts
        self.steps = steps
    }
}

/// The adjoint of ``Slice``: the operand's `[i₀, …]` at `[start₀ + i₀·step₀, …]` of zeros of `shape`. XLA Pad.
package struct Pad: Hashable, Sendable {
    package var starts: [Int]
    package var steps: [Int]
    package var shape: Shape

    package init(starts: [Int], steps: [Int], shape: Shape) {
        self.starts = starts
        self.steps = steps
        self.shape = shape
    }
}

extension ShapeRule {
    package func reshape(_ shape: Shape) throws -> [TensorType] {
        try count(1)
        try require(
            shape.checkedElementCount == operands[0].shape.elementCount,
            "\(operands[0].shape.elementCount) elements do not fill the shape \(shape)")
        return [TensorType(shape, operands[0].dtype)]
    }

    package func stopGradient() throws -> [TensorType] {
        try count(1)
        return [operands[0]]
    }

    package func broadcast(_ shape: Shape) throws -> [TensorType] {
        try count(1)
        try countable(shape)
        try require(
            operands[0].shape.broadcast(with: shape) == shape, "\(operands[0].shape) does not broadcast to \(shape)")
        return [TensorType(shape, operands[0].dtype)]
    }

    package func transpose(_ attributes: Transpose) throws -> [TensorType] {
        try count(1)
        let shape = operands[0].shape
        try require(
            attributes.permutation.sorted() == Array(0..<shape.rank),
            "\(attributes.permutation) is no permutation of the \(shape.rank) axes of \(shape)")
        return [TensorType(Shape(attributes.permutation.map { shape[$0] }), operands[0].dtype)]
    }

    package func concatenate(_ attributes: Concatenate) throws -> [TensorType] {
        try require(!operands.isEmpty, "takes at least one operand")
        var shape = operands[0].shape
        try require((0..<shape.rank).contains(attributes.axis), "there is no axis \(attributes.axis) in \(shape)")
        for operand in operands.dropFirst() {
            try require(operand.dtype == operands[0].dtype, "types differ: \(operands[0].dtype) and \(operand.dtype)")
            var other = operand.shape
            try require(other.rank == shape.rank, "ranks differ: \(shape) and \(other)")
            let extent = other[attributes.axis]
            other[attributes.axis] = shape[attributes.axis]
            try require(other == shape, "all extents but that of axis \(attributes.axis) must be equal")
            shape[attributes.axis] = shape[attributes.axis].plus(extent)
        }
        return [TensorType(shape, operands[0].dtype)]
    }

    package func slice(_ attributes: Slice) throws -> [TensorType] {
        try count(1)
        let shape = operands[0].shape
        try require(
            attributes.starts.count == shape.rank && attributes.counts.count == shape.rank
                && attributes.steps.count == shape.rank, "needs a start, a count and a step for each axis of \(shape)")
        for axis in 0..<shape.rank {
            let (start, count, step) = (attributes.starts[axis], attributes.counts[axis], attributes.steps[axis])
            let stride = step == .min ? .max : abs(step)
            let room = step > 0 ? shape[axis] - 1 - start : start
            let isInside =
                start >= 0 && count >= 0 && (1...max(shape[axis], 1)).contains(stride)
                && (count == 0 ? start <= shape[axis] : start < shape[axis] && count - 1 <= room / stride)
            try require(
                isInside,
                "\(count) elements from \(start) in steps of \(step) leave axis \(axis) of \(shape)")
        }
        return [TensorType(Shape(attributes.counts), operands[0].dtype)]
    }

    package func pad(_ attributes: Pad) throws -> [TensorType] {
        try count(1)
        try countable(attributes.shape)
        let whole = ShapeRule(operands: [TensorType(attributes.shape, operands[0].dtype)])
        _ = try whole.slice(
            Slice(starts: attributes.starts, counts: operands[0].shape.dimensions, steps: attributes.steps))
        return [TensorType(attributes.shape, operands[0].dtype)]
    }
}

extension TraitsRule {
    package func reshape(_ shape: Shape) -> OpTraits { movement(.reshape, .alias) }
    package func stopGradient() -> OpTraits { movement(.stopGradient, .alias) }
    package func broadcast(_ shape: Shape) -> OpTraits { movement(.broadcast) }
    package func transpose(_ attributes: Transpose) -> OpTraits { movement(.transpose) }

    package func concatenate(_ attributes: Concatenate) -> OpTraits {
        movement(.concatenate, overEmptyOperands: .withoutThem, autocast: .widest)
    }

    package func slice(_ attributes: Slice) -> OpTraits { movement(.slice) }
    package func pad(_ attributes: Pad) -> OpTraits { movement(.pad) }

    private func movement(
        _ kind: OpKind, _ role: OpTraits.Role = .movement, overEmptyOperands: OpTraits.OverEmptyOperands = .fill(0),
        autocast: OpTraits.Autocast = .asGiven
    ) -> OpTraits {
        OpTraits(
            kind, role, overEmptyOperands: overEmptyOperands, halfTypes: .converted, autocast: autocast,
            flops: OpTraits.noFlops)
    }
}

extension GradientRule {
    package func reshape(_ shape: Shape) throws -> [Tensor?] { [try cotangent().reshaped(to: operands[0].shape)] }
    package func stopGradient() throws -> [Tensor?] { [nil] }
    package func broadcast(_ shape: Shape) throws -> [Tensor?] { [try cotangent().summed(to: operands[0].shape)] }

    package func transpose(_ attributes: Transpose) throws -> [Tensor?] {
        let inverse = attributes.permutation.indices.sorted { attributes.permutation[$0] < attributes.permutation[$1] }
        return [try cotangent().transposed(inverse)]
    }

    package func concatenate(_ attributes: Concatenate) throws -> [Tensor?] {
        var start = 0
        return try operands.map { operand in
            let end = start + operand.shape[attributes.axis]
            defer { start = end }
            return try cotangent().sliced(axis: attributes.axis, start..<end)
        }
    }

    package func slice(_ attributes: Slice) throws -> [Tensor?] {
        let pad = Pad(starts: attributes.starts, steps: attributes.steps, shape: operands[0].shape)
        return [try graph.add(.pad(pad), [try cotangent()])[0]]
    }

    package func pad(_ attributes: Pad) throws -> [Tensor?] {
        let slice = Slice(starts: attributes.starts, counts: operands[0].shape.dimensions, steps: attributes.steps)
        return [try graph.add(.slice(slice), [try cotangent()])[0]]
    }
}

extension Tensor {
    /// The same elements, row-major, in another shape. Free.
    public func reshaped(
        to shape: Shape, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        shape == self.shape ? self : try apply(.reshape(shape), file: file, line: line)
    }

    /// This tensor, through which no gradient flows.
    public func stoppingGradient(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try apply(.stopGradient, file: file, line: line)
    }

    /// This tensor repeated along new axes and axes of extent 1, by NumPy's rule.
    public func broadcast(
        to shape: Shape, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        shape == self.shape ? self : try apply(.broadcast(shape), file: file, line: line)
    }

    /// The axes reordered: result axis `i` is axis `permutation[i]`.
    public func transposed(
        _ permutation: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.transpose(Transpose(permutation: permutation)), file: file, line: line)
    }

    /// The tensors joined along `axis`; a negative axis counts from the last.
    public static func concatenated(
        _ tensors: [Tensor], axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        guard let first = tensors.first else {
            throw GraphError(
                operation: "concatenate", message: "takes at least one operand",
                location: SourceLocation(file: file, line: line))
        }
        let axis = axis < 0 ? axis + first.shape.rank : axis
        return try first.apply(
            .concatenate(Concatenate(axis: axis)), Array(tensors.dropFirst()), file: file, line: line)
    }

    /// The elements of `range` along `axis`, every `step`-th; a negative axis counts from the last.
    public func sliced(
        axis: Int, _ range: Range<Int>, step: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axis = axis < 0 ? axis + shape.rank : axis
        guard (0..<shape.rank).contains(axis), step >= 1 else {
            throw graph.failure(
                "slice", "there is no axis \(axis), or the step \(step) is not positive", [self], at: location)
        }
        guard range.lowerBound >= 0, range.upperBound <= shape[axis] else {
            throw graph.failure("slice", "\(range) leaves the \(shape[axis]) of axis \(axis)", [self], at: location)
        }
        let count = range.isEmpty ? 0 : (range.count - 1) / step + 1
        return try taken(count, along: axis, from: range.lowerBound, step: step, location)
    }

    /// `count` elements along an axis from `first` on, each `step` after the one before it, all within the axis.
    func taken(
        _ count: Int, along axis: Int, from first: Int, step: Int, _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        var slice = Slice(
            starts: [Int](repeating: 0, count: shape.rank), counts: shape.dimensions,
            steps: [Int](repeating: 1, count: shape.rank))
        slice.starts[axis] = count == 0 ? 0 : first
        slice.counts[axis] = count
        // Between one element and none there is no step.
        slice.steps[axis] = count > 1 ? step : 1
        return try graph.add(.slice(slice), [self], at: location)[0]
    }

    /// This tensor with zeros around it: `before[i]` and `after[i]` along axis `i`.
    public func padded(
        before: [Int], after: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard before.count == shape.rank, after.count == shape.rank, (before + after).allSatisfy({ $0 >= 0 }) else {
            throw graph.failure("pad", "needs a count of at least 0 before and after each axis", [self], at: location)
        }
        let whole = Shape((0..<shape.rank).map { before[$0].plus(shape[$0]).plus(after[$0]) })
        let pad = Pad(starts: before, steps: [Int](repeating: 1, count: shape.rank), shape: whole)
        return try graph.add(.pad(pad), [self], at: location)[0]
    }
}
