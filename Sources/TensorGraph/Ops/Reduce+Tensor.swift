// Reductions that are made of others.
extension Tensor {
    /// The product over `axes` (all, where left out; negative ones count from the last); 1 over no elements. Its gradient is
    /// right where elements are 0. PyTorch prod, ONNX ReduceProd.
    ///
    /// - Throws: ``GraphError`` for axes that are not there, or an integer type.
    public func product(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try reduce(.product, axes: axes, keepsDimensions: keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// Whether any element over `axes` is true, or not 0: `bool`; NaN is not 0. False over no elements. PyTorch any.
    ///
    /// - Throws: ``GraphError`` for axes that are not there.
    public func any(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let count = try isSet(location).reduce(
            .sum, axes: axes, keepsDimensions: keepsDimensions, location, as: "any")
        return try count.scalar(0, at: location).combine(.less, count, at: location)
    }

    /// Whether all elements over `axes` are true, or not 0: `bool`; NaN is not 0. True over no elements. PyTorch all.
    ///
    /// - Throws: ``GraphError`` for axes that are not there.
    public func all(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let isNot = try graph.add(.unary(.bitwiseNot), [isSet(location)], at: location)[0]
        let count = try isNot.reduce(.sum, axes: axes, keepsDimensions: keepsDimensions, location, as: "all")
        return try count.combine(.equal, count.scalar(0, at: location), at: location)
    }

    private func isSet(_ location: SourceLocation) throws(GraphError) -> Tensor {
        dtype == .bool ? self : try graph.add(.cast(.bool), [self], at: location)[0]
    }

    // MARK: Indices

    /// The index of the greatest element along `axis`, as int32: the first of equals; NaN counts as greatest. PyTorch and
    /// ONNX argmax.
    ///
    /// - Parameter axis: the last, where left out; a negative one counts from the last.
    /// - Throws: ``GraphError`` where there is no such axis or it is empty.
    public func argMax(
        axis: Int = -1, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try argMax(axis, keepsDimensions, "argMax", SourceLocation(file: file, line: line))
    }

    /// The index of the least element along `axis`, as int32: the first of equals; NaN counts as least. PyTorch and ONNX
    /// argmin.
    ///
    /// - Parameter axis: the last, where left out; a negative one counts from the last.
    /// - Throws: ``GraphError`` where there is no such axis or it is empty.
    public func argMin(
        axis: Int = -1, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard dtype.isFloatingPoint else {
            return try argExtreme(axis, keepsDimensions, largest: false, "argMin", location)
        }
        let negative = try graph.add(.unary(.negate), [self], at: location, as: "argMin")[0]
        return try negative.argMax(axis, keepsDimensions, "argMin", location)
    }

    private func argMax(
        _ axis: Int, _ keepsDimensions: Bool, _ name: String, _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        guard dtype.isFloatingPoint else { return try argExtreme(axis, keepsDimensions, largest: true, name, location) }
        // A scalar has no axis; the operation itself says so.
        guard shape.rank > 0 else { return try graph.add(.argMax, [self], at: location, as: name)[0] }
        let axis = try self.axis(axis, of: name, location)
        var x = self
        if axis != shape.rank - 1 {
            let permutation = (0..<shape.rank).filter { $0 != axis } + [axis]
            x = try graph.add(.transpose(Transpose(permutation: permutation)), [x], at: location)[0]
        }
        let result = try graph.add(.argMax, [x], at: location, as: name)[0]
        guard keepsDimensions else { return result }
        var kept = shape
        kept[axis] = 1
        return try graph.add(.reshape(kept), [result], at: location)[0]
    }

    /// Of integers and of `bool`: the first in order.
    private func argExtreme(
        _ axis: Int, _ keepsDimensions: Bool, largest: Bool, _ name: String, _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        let axis = try self.axis(axis, of: name, location)
        guard shape[axis] > 0 else {
            throw graph.failure(name, "needs an axis that is not empty", [self], at: location)
        }
        let indices = try sorted(1, axis, largest, name, location).indices
        guard !keepsDimensions else { return indices }
        var rest = shape.dimensions
        rest.remove(at: axis)
        return try graph.add(.reshape(Shape(rest)), [indices], at: location)[0]
    }

    /// The greatest element along one axis and its index, int32: the first of equals, which alone takes the cotangent.
    /// PyTorch max with dim.
    ///
    /// - Throws: ``GraphError`` as ``argMax(axis:keepsDimensions:file:line:)``.
    public func maximum(
        axis: Int, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let indices = try argMax(axis: axis, keepsDimensions: true, file: file, line: line)
        return try picked(indices, axis, keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// The least element along one axis and its index, int32: the first of equals, which alone takes the cotangent. PyTorch
    /// min with dim.
    ///
    /// - Throws: ``GraphError`` as ``argMin(axis:keepsDimensions:file:line:)``.
    public func minimum(
        axis: Int, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let indices = try argMin(axis: axis, keepsDimensions: true, file: file, line: line)
        return try picked(indices, axis, keepsDimensions, SourceLocation(file: file, line: line))
    }

    private func picked(
        _ indices: Tensor, _ axis: Int, _ keepsDimensions: Bool, _ location: SourceLocation
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let axis = try self.axis(axis, of: "gather", location)
        let values = try graph.add(.gather(Gather(axis: axis, form: .elements)), [self, indices], at: location)[0]
        guard !keepsDimensions else { return (values, indices) }
        var shape = shape.dimensions
        shape.remove(at: axis)
        return (
            try graph.add(.reshape(Shape(shape)), [values], at: location)[0],
            try graph.add(.reshape(Shape(shape)), [indices], at: location)[0]
        )
    }
}
