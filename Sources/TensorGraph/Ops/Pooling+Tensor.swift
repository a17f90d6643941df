extension Tensor {
    // MARK: Any number of axes

    /// The maximum of each window of this `[n, c, …]`, with one to three spatial axes. ONNX MaxPool.
    ///
    /// - Parameters:
    ///   - window: elements by axis, the outermost first.
    ///   - stride: the distance between windows by axis; the window, where left out.
    ///   - padding: by axis, before and after, less than what the window spans; none, where left out. Padding never wins.
    ///   - dilation: the distance between a window's elements by axis; 1, where left out.
    ///   - ceilingMode: whether elements that are left over get a window that reaches beyond the padding, as PyTorch's and
    ///     ONNX's ceil_mode has it: if it begins inside the input or the padding before it.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPool(
        window: [Int], stride: [Int]? = nil, padding: [(before: Int, after: Int)]? = nil, dilation: [Int]? = nil,
        ceilingMode: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(
            .maximum, window: window, stride: stride, padding: padding?.flatMap { [$0.before, $0.after] },
            dilation: dilation, roundsUp: ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The maximum of each window as ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``, and where it was: an
    /// int32 of the same shape, counted through the spatial axes of one channel. Of equal ones that is the first. PyTorch
    /// max_pool with return_indices; ONNX's Indices count through batch and channels too.
    ///
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPoolWithIndices(
        window: [Int], stride: [Int]? = nil, padding: [(before: Int, after: Int)]? = nil, dilation: [Int]? = nil,
        ceilingMode: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let pooling = Pooling(
            .maximum, window: window, stride: stride, padding: padding?.flatMap { [$0.before, $0.after] },
            dilation: dilation, roundsUp: ceilingMode)
        return try withIndices(pooling, SourceLocation(file: file, line: line))
    }

    /// The mean of each window of this `[n, c, …]`, with one to three spatial axes. ONNX AveragePool.
    ///
    /// - Parameters:
    ///   - window: elements by axis, the outermost first; stride, padding, dilation and ceiling mode as of
    ///     ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``.
    ///   - countsPadding: whether padding counts as zeros, as in PyTorch's default, or is left out. What a window has beyond
    ///     the padding never counts.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func averagePool(
        window: [Int], stride: [Int]? = nil, padding: [(before: Int, after: Int)]? = nil, dilation: [Int]? = nil,
        ceilingMode: Bool = false, countsPadding: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(
            .average(countsPadding: countsPadding), window: window, stride: stride,
            padding: padding?.flatMap { [$0.before, $0.after] }, dilation: dilation, roundsUp: ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The norm of order p of each window, `(Σ|x|ᵖ)^(1/p)`, of this `[n, c, …]`, with one to three spatial axes. ONNX LpPool;
    /// torch.nn.functional.lp_pool2d is the same of numbers that are not negative. It does not overflow where the result
    /// doesn't.
    ///
    /// - Parameters:
    ///   - order: p, at least 1.
    ///   - window: elements by axis, the outermost first; stride, padding, dilation and ceiling mode as of
    ///     ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``. Padding is zeros.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func normPool(
        order: Int = 2, window: [Int], stride: [Int]? = nil, padding: [(before: Int, after: Int)]? = nil,
        dilation: [Int]? = nil, ceilingMode: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(
            .norm(order), window: window, stride: stride, padding: padding?.flatMap { [$0.before, $0.after] },
            dilation: dilation, roundsUp: ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The maxima of as many windows along each spatial axis as `extents` says, which together are all of this `[n, c, …]`:
    /// window p of q is positions `⌊p·h/q⌋ ..< ⌈(p+1)·h/q⌉`. torch.nn.functional.adaptive_max_pool1d to 3d.
    ///
    /// - Throws: ``GraphError`` where extents and axes do not fit.
    public func adaptiveMaxPool(
        to extents: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.pooling(Pooling(.maximum, .adaptive(extents))), file: file, line: line)
    }

    /// The maxima of ``adaptiveMaxPool(to:file:line:)``, and where they were, as
    /// ``maxPoolWithIndices(window:stride:padding:dilation:ceilingMode:file:line:)`` counts.
    ///
    /// - Throws: ``GraphError`` where extents and axes do not fit.
    public func adaptiveMaxPoolWithIndices(
        to extents: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        try withIndices(Pooling(.maximum, .adaptive(extents)), SourceLocation(file: file, line: line))
    }

    /// The means of as many windows along each spatial axis as `extents` says, which together are all of this `[n, c, …]`:
    /// those of ``adaptiveMaxPool(to:file:line:)``. torch.nn.functional.adaptive_avg_pool1d to 3d.
    ///
    /// - Throws: ``GraphError`` where extents and axes do not fit.
    public func adaptiveAveragePool(
        to extents: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.pooling(Pooling(.average(countsPadding: false), .adaptive(extents))), file: file, line: line)
    }

    /// The mean over all spatial axes of this `[n, c, …]`, which stay with extent 1. ONNX GlobalAveragePool.
    ///
    /// - Throws: ``GraphError`` where there is no spatial axis.
    public func globalAveragePool(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        let axes = try spatialAxes("globalAveragePool", SourceLocation(file: file, line: line))
        return try mean(axes: axes, keepsDimensions: true, file: file, line: line)
    }

    /// The maximum over all spatial axes of this `[n, c, …]`, which stay with extent 1. ONNX GlobalMaxPool. Unlike that of
    /// pooling, its gradient is shared by equal maxima.
    ///
    /// - Throws: ``GraphError`` where there is no spatial axis, or nothing along one.
    public func globalMaxPool(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        let axes = try spatialAxes("globalMaxPool", SourceLocation(file: file, line: line))
        return try maximum(axes: axes, keepsDimensions: true, file: file, line: line)
    }

    private func spatialAxes(_ name: String, _ location: SourceLocation) throws(GraphError) -> [Int] {
        guard shape.rank >= 3 else {
            throw graph.failure(
                name, "the input must be [n, c, …] with spatial axes, not \(shape)", [self], at: location)
        }
        guard dtype.isFloatingPoint else {
            throw graph.failure(
                name, "the input must be of a floating-point type, not \(dtype); cast it first", [self], at: location)
        }
        return Array(2..<shape.rank)
    }

    private func withIndices(
        _ pooling: Pooling, _ location: SourceLocation
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let results = try graph.add(.pooling(pooling.with(.forwardWithIndices)), [self], at: location)
        return (results[0], results[1])
    }

    /// The opposite of ``maxPoolWithIndices(window:stride:padding:dilation:ceilingMode:file:line:)``: each element of this
    /// `[n, c, …]` where `indices` says in a channel with these spatial extents, zeros elsewhere. Of several for one place the
    /// last stays. PyTorch max_unpool, with the output_size.
    ///
    /// - Parameter indices: int32 of this shape.
    /// - Throws: ``GraphError`` where shapes don't fit; a run with an index outside a channel is an error.
    public func maxUnpool(
        _ indices: Tensor, to extents: [Int], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        func failure(_ message: String) -> GraphError {
            graph.failure("maxUnpool", message, [self, indices], at: location)
        }
        guard (1...SpatialLimits.mostAxes).contains(extents.count), shape.rank == extents.count + 2 else {
            throw failure("needs one to three spatial extents, and an input [n, c, …] with as many axes, not \(shape)")
        }
        guard indices.shape == shape else {
            throw failure("the indices must have shape \(shape), not \(indices.shape)")
        }
        let result = Shape([shape[0], shape[1]] + extents)
        if let complaint = result.complaint { throw failure(complaint) }
        let volume = extents.reduce(1, *)
        let zeros = try graph.fill(0, [shape[0], shape[1], volume], dtype, file: file, line: line)
        guard shape.elementCount > 0 else { return try zeros.reshaped(to: result, file: file, line: line) }
        guard volume > 0 else { throw failure("there is no place in a channel of \(Shape(extents))") }
        let flat: Shape = [shape[0], shape[1], shape.elementCount / (shape[0] * shape[1])]
        let places = try indices.reshaped(to: flat, file: file, line: line)
        let scatter = Scatter(axis: 2, extent: volume, form: .elements, mode: .replace)
        let written = try graph.add(
            .scatter(scatter), [places, reshaped(to: flat, file: file, line: line), zeros], at: location,
            as: "maxUnpool")[0]
        graph.check(places, in: 0..<volume, "indices", of: written, as: "maxUnpool")
        return try written.reshaped(to: result, file: file, line: line)
    }

    // MARK: One axis

    /// The maximum of every `window` elements of this `[n, c, w]`. torch.nn.functional.max_pool1d.
    ///
    /// - Parameters:
    ///   - stride: the distance between windows; the window, where left out.
    ///   - padding: at either end. Padding never wins.
    ///   - dilation: the distance between a window's elements.
    ///   - ceilingMode: as of ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPool1D(
        window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilingMode: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.maximum, axes: 1, window, stride, padding, dilation, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The mean of every `window` elements of this `[n, c, w]`. torch.nn.functional.avg_pool1d.
    ///
    /// - Parameter countsPadding: whether padding counts as zeros, as in PyTorch's default, or is left out.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func averagePool1D(
        window: Int, stride: Int? = nil, padding: Int = 0, ceilingMode: Bool = false, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.average(countsPadding: countsPadding), axes: 1, window, stride, padding, 1, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    // MARK: Two axes

    /// The maximum of each `window × window` square of this `[n, c, h, w]`. torch.nn.functional.max_pool2d.
    ///
    /// - Parameters:
    ///   - stride: the distance between windows; the window, where left out.
    ///   - padding: at all four sides. Padding never wins.
    ///   - dilation: the distance between a window's elements.
    ///   - ceilingMode: as of ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPool2D(
        window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilingMode: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.maximum, axes: 2, window, stride, padding, dilation, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The mean of each `window × window` square of this `[n, c, h, w]`. torch.nn.functional.avg_pool2d.
    ///
    /// - Parameter countsPadding: whether padding counts as zeros, as in PyTorch's default, or is left out.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func averagePool2D(
        window: Int, stride: Int? = nil, padding: Int = 0, ceilingMode: Bool = false, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.average(countsPadding: countsPadding), axes: 2, window, stride, padding, 1, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    // MARK: Three axes

    /// The maximum of each cube of this `[n, c, d, h, w]`. torch.nn.functional.max_pool3d.
    ///
    /// - Parameters:
    ///   - stride: the distance between windows; the window, where left out.
    ///   - padding: at all six sides. Padding never wins.
    ///   - dilation: the distance between a window's elements.
    ///   - ceilingMode: as of ``maxPool(window:stride:padding:dilation:ceilingMode:file:line:)``.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPool3D(
        window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilingMode: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.maximum, axes: 3, window, stride, padding, dilation, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }

    /// The mean of each cube of this `[n, c, d, h, w]`. torch.nn.functional.avg_pool3d.
    ///
    /// - Parameter countsPadding: whether padding counts as zeros, as in PyTorch's default, or is left out.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func averagePool3D(
        window: Int, stride: Int? = nil, padding: Int = 0, ceilingMode: Bool = false, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let pooling = Pooling(.average(countsPadding: countsPadding), axes: 3, window, stride, padding, 1, ceilingMode)
        return try apply(.pooling(pooling), file: file, line: line)
    }
}

extension Pooling {
    /// The same along all axes.
    fileprivate init(
        _ function: Function, axes: Int, _ window: Int, _ stride: Int?, _ padding: Int, _ dilation: Int,
        _ roundsUp: Bool
    ) {
        func each(_ number: Int) -> [Int] { [Int](repeating: number, count: axes) }
        self.init(
            function, window: each(window), stride: each(stride ?? window),
            padding: [Int](repeating: padding, count: 2 * axes), dilation: each(dilation), roundsUp: roundsUp)
    }
}
