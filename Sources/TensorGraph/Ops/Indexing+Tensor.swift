extension Tensor {
    /// An axis counted from the last where it is negative, or an error that names the operation.
    package func axis(
        _ axis: Int, of operation: String, _ location: SourceLocation
    ) throws(GraphError) -> Int {
        let found = axis < 0 ? axis.plus(shape.rank) : axis
        guard (0..<shape.rank).contains(found) else {
            throw graph.failure(operation, "there is no axis \(axis) in \(shape)", [self], at: location)
        }
        return found
    }

    private func gathered(
        _ gather: Gather, _ indices: Tensor, as name: String, _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        let result = try graph.add(.gather(gather), [self, indices], at: location, as: name)[0]
        let extent = shape[gather.axis]
        graph.check(indices, in: -extent..<extent, "indices", of: result, as: name)
        return result
    }

    /// The elements of this tensor at `indices` along `axis`: `y[i][j][k] = x[i][indices[i][j][k]][k]` for axis 1 of three.
    /// PyTorch gather, ONNX GatherElements.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64, of this tensor's rank, with extents that, but along `axis`, are not larger than this
    ///     tensor's; negative ones count from the end. The result has their shape.
    ///   - axis: a negative one counts from the last.
    /// - Throws: ``GraphError`` for shapes that do not fit; a run with an index outside the axis is an error.
    public func gather(
        _ indices: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axis = try self.axis(axis, of: "gather", location)
        guard indices.shape.rank == shape.rank,
            (0..<shape.rank).allSatisfy({ $0 == axis || indices.shape[$0] <= shape[$0] })
        else {
            throw graph.failure(
                "gather",
                "the indices \(indices.shape) must have extents of at most those of \(shape) but along axis \(axis)",
                [self, indices], at: location)
        }
        var x = self
        for other in 0..<shape.rank where other != axis && indices.shape[other] < shape[other] {
            x = try x.sliced(axis: other, 0..<indices.shape[other], file: file, line: line)
        }
        return try x.gathered(Gather(axis: axis, form: .elements), indices, as: "gather", location)
    }

    /// The slices of this tensor at `indices` along `axis`. PyTorch index_select, with indices of any shape, which takes the
    /// place of the axis; ONNX Gather, numpy.take.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64; negative ones count from the end.
    ///   - axis: a negative one counts from the last.
    /// - Throws: ``GraphError`` where there is no such axis; a run with an index outside it is an error.
    public func indexSelect(
        _ indices: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axis = try self.axis(axis, of: "indexSelect", location)
        return try gathered(Gather(axis: axis, form: .slices), indices, as: "indexSelect", location)
    }

    /// This tensor with the elements of `source` at `indices` along `axis`; of several for one place the last stays.
    /// PyTorch scatter, ONNX ScatterElements.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64, of this tensor's rank, with extents that, but along `axis`, are this tensor's; negative
    ///     ones count from the end.
    ///   - source: of the indices' shape.
    /// - Throws: ``GraphError`` for shapes that do not fit; a run with an index outside the axis is an error.
    public func scatter(
        _ indices: Tensor, _ source: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try scattered(.elements, .replace, indices, source, axis, "scatter", SourceLocation(file: file, line: line))
    }

    /// This tensor with the elements of `source` added at `indices` along `axis`, in the order in which they stand there.
    /// PyTorch scatter_add, ONNX ScatterElements with reduction add.
    ///
    /// - Throws: ``GraphError`` as ``scatter(_:_:axis:file:line:)``.
    public func scatterAdd(
        _ indices: Tensor, _ source: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try scattered(.elements, .add, indices, source, axis, "scatterAdd", SourceLocation(file: file, line: line))
    }

    /// This tensor with the slices of `source` at `indices` along `axis`; of several for one place the last stays.
    /// PyTorch index_copy.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64; negative ones count from the end.
    ///   - source: this tensor's shape with the indices' shape in the place of the axis.
    /// - Throws: ``GraphError`` for shapes that do not fit; a run with an index outside the axis is an error.
    public func indexCopy(
        _ indices: Tensor, _ source: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try scattered(.slices, .replace, indices, source, axis, "indexCopy", SourceLocation(file: file, line: line))
    }

    /// This tensor with the slices of `source` added at `indices` along `axis`, in the order in which they stand there.
    /// PyTorch index_add.
    ///
    /// - Throws: ``GraphError`` as ``indexCopy(_:_:axis:file:line:)``.
    public func indexAdd(
        _ indices: Tensor, _ source: Tensor, axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try scattered(.slices, .add, indices, source, axis, "indexAdd", SourceLocation(file: file, line: line))
    }

    private func scattered(
        _ form: IndexForm, _ mode: Scatter.Mode, _ indices: Tensor, _ source: Tensor, _ axis: Int, _ name: String,
        _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        let axis = try self.axis(axis, of: name, location)
        var expected = shape.dimensions
        switch form {
        case .elements: expected[axis] = indices.shape.rank == shape.rank ? indices.shape[axis] : 0
        case .slices: expected.replaceSubrange(axis...axis, with: indices.shape.dimensions)
        }
        guard source.shape == Shape(expected), form == .slices || indices.shape == source.shape else {
            throw graph.failure(
                name, "the source \(source.shape) and the indices \(indices.shape) do not fit axis \(axis) of \(shape)",
                [self, indices, source], at: location)
        }
        // Nothing is written.
        if source.shape.elementCount == 0 { return self }
        let scatter = Scatter(axis: axis, extent: shape[axis], form: form, mode: mode)
        let operands = mode == .replace ? [indices, source, self] : [indices, source]
        let result = try graph.add(.scatter(scatter), operands, at: location, as: name)[0]
        graph.check(indices, in: -scatter.extent..<scatter.extent, "indices", of: result, as: name)
        return mode == .replace ? result : try combine(.add, result, at: location, as: name)
    }

    // MARK: Several axes at once

    /// The slices of this tensor that tuples of indices name: `y[…] = x[indices[…, 0], indices[…, 1], …]`. ONNX GatherND.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64 `[..., m]`, m axes of this tensor from the first after the batch; negative ones count
    ///     from the end.
    ///   - batchAxes: how many leading axes this tensor and the indices have in common.
    /// - Returns: the indices' shape without the last axis, and then this tensor's axes that no index names.
    /// - Throws: ``GraphError`` for shapes that do not fit; a run with an index outside its axis is an error.
    public func gatherND(
        _ indices: Tensor, batchAxes: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let found = try places(indices, batchAxes, "gatherND", location)
        let rows = try graph.add(.reshape(found.rows), [self], at: location)[0]
        let result = try graph.add(
            .gather(Gather(axis: 0, form: .slices)), [rows, found.numbers], at: location, as: "gatherND")[0]
        check(found, result, "gatherND")
        let rest = Array(shape.dimensions[found.named...])
        return try graph.add(
            .reshape(Shape(found.numbers.shape.dimensions + rest)), [result], at: location)[0]
    }

    /// This tensor with `updates` in the slices that tuples of indices name; of several for one place the last stays, or,
    /// where `isAdding`, all are added in the order in which they stand there. ONNX ScatterND.
    ///
    /// - Parameters:
    ///   - indices: int32 or int64 `[..., m]`, the first m axes of this tensor; negative ones count from the end.
    ///   - updates: the indices' shape without the last axis, and then this tensor's axes that no index names.
    /// - Throws: ``GraphError`` for shapes that do not fit; a run with an index outside its axis is an error.
    public func scatterND(
        _ indices: Tensor, _ updates: Tensor, isAdding: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let found = try places(indices, 0, "scatterND", location)
        let expected = Shape(found.numbers.shape.dimensions + Array(shape.dimensions[found.named...]))
        guard updates.shape == expected else {
            throw graph.failure(
                "scatterND", "the updates must have shape \(expected), not \(updates.shape)", [self, indices, updates],
                at: location)
        }
        if updates.shape.elementCount == 0 { return self }
        let width = found.rows[1]
        let source = try graph.add(
            .reshape(Shape(found.numbers.shape.dimensions + [width])), [updates], at: location)[0]
        let rows = try graph.add(.reshape(found.rows), [self], at: location)[0]
        let scatter = Scatter(axis: 0, extent: found.rows[0], form: .slices, mode: isAdding ? .add : .replace)
        let operands = isAdding ? [found.numbers, source] : [found.numbers, source, rows]
        let written = try graph.add(.scatter(scatter), operands, at: location, as: "scatterND")[0]
        check(found, written, "scatterND")
        let result = try graph.add(.reshape(shape), [written], at: location)[0]
        return isAdding ? try combine(.add, result, at: location, as: "scatterND") : result
    }

    /// Tuples of indices as one number each.
    private struct Places {
        /// The rows that they number: `[places, width]`.
        var rows: Shape
        /// int32, the indices' shape without the last axis.
        var numbers: Tensor
        /// How many leading axes they name, the batch among them.
        var named: Int
        /// The indices of each axis, and its extent.
        var parts: [(indices: Tensor, extent: Int)]
    }

    private func check(_ places: Places, _ result: Tensor, _ name: String) {
        for part in places.parts {
            graph.check(part.indices, in: -part.extent..<part.extent, "indices", of: result, as: name)
        }
    }

    private func places(
        _ indices: Tensor, _ batchAxes: Int, _ name: String, _ location: SourceLocation
    ) throws(GraphError) -> Places {
        let rank = indices.shape.rank
        let tuple = indices.shape.dimensions.last ?? 0
        guard rank >= 1, batchAxes >= 0, batchAxes < rank, batchAxes.plus(tuple) <= shape.rank, tuple >= 1,
            shape.dimensions[..<batchAxes] == indices.shape.dimensions[..<batchAxes],
            [.int32, .int64].contains(indices.dtype)
        else {
            throw graph.failure(
                name, "needs int32 or int64 indices [..., m] for m axes of \(shape) after \(batchAxes) of the batch",
                [self, indices], at: location)
        }
        let named = batchAxes + tuple
        let count = shape.dimensions[..<named].reduce(1) { $0.times($1) }
        guard count <= Int(Int32.max) else {
            throw graph.failure(
                name, "the axes that indices name have more than 2³¹ places", [self, indices], at: location)
        }
        let outer = Shape(Array(indices.shape.dimensions.dropLast()))
        func number(_ value: Int) throws(GraphError) -> Tensor {
            try graph.add(.fill(Fill(value: Double(value), type: TensorType([], .int32))), at: location)[0]
        }
        var numbers: Tensor?
        var parts: [(indices: Tensor, extent: Int)] = []
        if batchAxes > 0 {
            let batch = shape.dimensions[..<batchAxes].reduce(1, *)
            let counted = try graph.constant(HostTensor([batch], (0..<batch).map { Int32($0) }))
            let column = indices.shape.dimensions[..<batchAxes] + [Int](repeating: 1, count: rank - 1 - batchAxes)
            numbers = try graph.add(.reshape(Shape(Array(column))), [counted], at: location)[0]
            numbers = try graph.add(.broadcast(outer), [numbers ?? counted], at: location)[0]
        }
        for part in 0..<tuple {
            let extent = shape[batchAxes + part]
            var slice = Slice(
                starts: [Int](repeating: 0, count: rank), counts: indices.shape.dimensions,
                steps: [Int](repeating: 1, count: rank))
            (slice.starts[rank - 1], slice.counts[rank - 1]) = (part, 1)
            let column = try graph.add(.slice(slice), [indices], at: location)[0]
            let own = try graph.add(.reshape(outer), [column], at: location)[0]
            parts.append((own, extent))
            let index = indices.dtype == .int32 ? own : try graph.add(.cast(.int32), [own], at: location)[0]
            let isNegative = try index.combine(.less, number(0), at: location)
            let fromEnd = try graph.add(.select, [isNegative, number(extent), number(0)], at: location)[0]
            let place = try index.combine(.add, fromEnd, at: location)
            guard let before = numbers else { numbers = place; continue }
            numbers = try before.combine(.multiply, number(extent), at: location).combine(.add, place, at: location)
        }
        let width = shape.dimensions[named...].reduce(1, *)
        return Places(rows: [count, width], numbers: numbers ?? indices, named: named, parts: parts)
    }
}
