extension AxisInterpolation {
    /// What is wrong with it for a tensor of this type.
    package func complaint(of dtype: DType) -> String? {
        guard extent >= 1, count >= 1 else {
            return "needs at least one element along axis \(axis), before and after, not \(extent) and \(count)"
        }
        guard count <= Int(Int32.max), extent <= Int(Int32.max) else {
            return "axis \(axis) would have more elements than int32 counts"
        }
        if let scale, !(scale > 0 && scale.isFinite) { return "the scale must be a number above 0, not \(scale)" }
        guard count.times(mostTerms) <= Int(Int32.max) else {
            return "axis \(axis) would have more weights than int32 counts"
        }
        switch interpolation.filter {
        case .nearest where interpolation.isAntialiased: return "the nearest element cannot be antialiased"
        case .cubic(let coefficient) where !coefficient.isFinite:
            return "the coefficient must be a number, not \(coefficient)"
        case .linear, .cubic:
            return dtype.isFloatingPoint ? nil : "\(dtype) has no numbers between two elements; cast it first"
        case .nearest: return nil
        }
    }
}

extension ShapeRule {
    package func interpolation(_ attributes: AxisInterpolation) throws -> [TensorType] {
        try count(4)
        try floating(0)
        let (x, axis) = (operands[0], attributes.axis)
        if let complaint = attributes.complaint(of: x.dtype) { throw ShapeError(complaint) }
        try require((0..<x.shape.rank).contains(axis), "there is no axis \(axis) in \(x.shape)")
        let extents = attributes.extents
        try require(
            x.shape[axis] == extents.operand,
            "axis \(axis) must have \(extents.operand) elements, not \(x.shape[axis])")
        try integers(1, "where terms begin")
        try integers(2, "places")
        try shape(1, [extents.result.plus(1)], "where terms begin")
        try rank(2, 1, "[terms]")
        try statistics(3, operands[2].shape, "the weights")
        var shape = x.shape
        shape[axis] = extents.result
        try countable(work: shape.elementCount, attributes.mostTerms)
        return [TensorType(shape, x.dtype)]
    }
}

extension TraitsRule {
    package func interpolation(_ attributes: AxisInterpolation) -> OpTraits {
        let isForward = attributes.pass == .forward
        return OpTraits(
            isForward ? .interpolate : .interpolateGradient, .computation, overEmptyOperands: .fill(0),
            halfTypes: .converted, autocast: .asGiven
        ) { operands, _ in
            let lines = operands[0].shape.elementCount / max(attributes.extents.operand, 1)
            return OpTraits.multiplyAdds(lines, operands[2].shape.elementCount)
        }
    }
}

extension GradientRule {
    package func interpolation(_ attributes: AxisInterpolation) throws -> [Tensor?] {
        var transposed = attributes
        transposed.pass = attributes.pass == .forward ? .gradient : .forward
        return [try cotangent().interpolated(transposed, nil), nil, nil, nil]
    }
}

extension Tensor {
    /// This tensor with `size[i]` elements along the i-th of `axes`, interpolated between its own.
    /// torch.nn.functional.interpolate, ONNX Resize.
    ///
    /// Two or three axes are done one after another, in the order that takes the fewest multiplications: bilinear and
    /// trilinear, bicubic and tricubic interpolation. Elements that count 0 at a position are not read: unlike in PyTorch
    /// they bring no NaN.
    ///
    /// - Parameters:
    ///   - size: as many extents as there are axes, each at least 1.
    ///   - axes: all but the first two, of `[n, c, …]`, where left out; negative ones count from the last.
    /// - Throws: ``GraphError`` where sizes and axes do not fit, where an axis is empty, and for integers, unless the nearest
    ///   elements are taken.
    public func interpolated(
        toSize size: [Int], _ interpolation: Interpolation = .nearest, axes: [Int]? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axes = try self.axes(axes, "size", size.count, location)
        return try interpolated(
            zip(axes, size).map {
                AxisInterpolation(interpolation, axis: $0, extent: shape[$0], count: $1)
            }, location)
    }

    /// This tensor with its extents along `axes` times `scale`, rounded down, interpolated between its own elements.
    /// torch.nn.functional.interpolate with a scale factor, by which positions are computed too; ONNX Resize with scales.
    ///
    /// - Parameters:
    ///   - scale: as many factors as there are axes.
    ///   - axes: all but the first two, of `[n, c, …]`, where left out; negative ones count from the last.
    /// - Throws: ``GraphError`` as ``interpolated(toSize:_:axes:file:line:)``; where nothing would be left of an axis.
    public func interpolated(
        byScale scale: [Double], _ interpolation: Interpolation = .nearest, axes: [Int]? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axes = try self.axes(axes, "scale", scale.count, location)
        return try interpolated(
            zip(axes, scale).map { axis, scale in
                let count = Double(shape[axis]) * scale
                return AxisInterpolation(
                    interpolation, axis: axis, extent: shape[axis],
                    count: count.isNaN ? 0 : Int(min(max(count, 0), 0x1p40)), scale: scale)
            }, location)
    }

    private func axes(
        _ given: [Int]?, _ what: String, _ count: Int, _ location: SourceLocation
    ) throws(GraphError) -> [Int] {
        var axes: [Int] = []
        for axis in given ?? Array(2..<max(shape.rank, 2)) {
            axes.append(try self.axis(axis, of: "interpolate", location))
        }
        guard axes.count == count, (1...3).contains(count), Set(axes).count == count else {
            throw graph.failure(
                "interpolate", "needs a \(what) for each of one to three axes, not \(count) for \(axes) of \(shape)",
                [self], at: location)
        }
        return axes
    }

    private func interpolated(
        _ axes: [AxisInterpolation], _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        for axis in axes {
            guard let complaint = axis.complaint(of: dtype) else { continue }
            throw graph.failure("interpolate", complaint, [self], at: location)
        }
        // Those that shrink the tensor go first. What rearranges rows, along the last axis, is done while there are few.
        let ordered = axes.sorted { first, second in
            let (left, right) = (first.count.times(second.extent), second.count.times(first.extent))
            if left != right { return left < right }
            return (first.axis > second.axis) == (first.count > first.extent)
        }
        var result = self
        for axis in ordered where !axis.isIdentity {
            switch axis.interpolation.filter {
            case .nearest where !dtype.isFloatingPoint: result = try result.nearest(axis, location)
            case .nearest, .linear, .cubic: result = try result.interpolated(axis, location)
            }
        }
        return result
    }

    /// Nothing is computed of integers: they are moved.
    private func nearest(_ axis: AxisInterpolation, _ location: SourceLocation) throws(GraphError) -> Tensor {
        let table = axis.table
        let places = try graph.add(.constant(HostTensor([table.places.count], table.places)), at: location)
        return try graph.add(.gather(Gather(axis: axis.axis, form: .slices)), [self] + places, at: location)[0]
    }

    fileprivate func interpolated(
        _ axis: AxisInterpolation, _ location: SourceLocation?
    ) throws(GraphError) -> Tensor {
        // A place and a weight for each term, in the table and in the constants.
        try HostMemory.require(
            axis.count.times(axis.mostTerms).times(24), for: "the weights of interpolate", at: location)
        let table = axis.table
        let terms = table.places.count
        let weights: HostTensor =
            try dtype.computed == .float64
            ? HostTensor([terms], table.weights) : HostTensor([terms], table.weights.map { Float($0) })
        var operands = [self]
        for value in [
            try HostTensor([table.starts.count], table.starts), try HostTensor([terms], table.places), weights,
        ] {
            operands += try graph.add(.constant(value), at: location)
        }
        return try graph.add(.interpolation(axis), operands, at: location)[0]
    }
}
