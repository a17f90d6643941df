/// The first `count` elements of each row in order, and where they stood.
///
/// x `[..., n]` → values `[..., count]` of x's type, indices int32 `[..., count]`. Equal elements stay in the order in which
/// they stand, 0 and -0 being equal; NaN counts as greatest, and so comes last, or first where `isDescending`. PyTorch sort
/// with stable, and topk.
package struct Sort: Hashable, Sendable {
    package var count: Int
    package var isDescending: Bool

    package init(count: Int, isDescending: Bool) {
        self.count = count
        self.isDescending = isDescending
    }
}

extension ShapeRule {
    package func sort(_ attributes: Sort) throws -> [TensorType] {
        try count(1)
        let x = operands[0]
        try require(x.shape.rank >= 1, "needs an axis to sort along")
        let extent = x.shape[x.shape.rank - 1]
        try require(
            (0...extent).contains(attributes.count), "there are no \(attributes.count) of \(extent) elements")
        try require(extent <= Int(Int32.max), "\(extent) elements are more than int32 indices count")
        var shape = x.shape
        shape[shape.rank - 1] = attributes.count
        return [TensorType(shape, x.dtype), TensorType(shape, .int32)]
    }
}

extension TraitsRule {
    package func sort(_ attributes: Sort) -> OpTraits {
        OpTraits(
            .sort, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.noFlops)
    }
}

extension GradientRule {
    package func sort(_ attributes: Sort) throws -> [Tensor?] {
        try requireNoCotangent(1, "the indices of a sort")
        let axis = operands[0].shape.rank - 1
        let scatter = Scatter(axis: axis, extent: operands[0].shape[axis], form: .elements, mode: .add)
        return [try graph.add(.scatter(scatter), [results[1], try cotangent()])[0]]
    }
}

extension Tensor {
    /// The elements along `axis` in order, and where they stood, as int32. Equal elements stay in the order in which they
    /// stand; NaN counts as greatest. PyTorch sort with stable.
    ///
    /// - Parameters:
    ///   - axis: the last, where left out; a negative one counts from the last.
    ///   - descending: whether the greatest come first.
    /// - Throws: ``GraphError`` where there is no such axis.
    public func sort(
        axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        try sorted(nil, axis, descending, "sort", SourceLocation(file: file, line: line))
    }

    /// Where the elements along `axis` stand, as int32, in the order of the elements. PyTorch argsort with stable.
    ///
    /// - Throws: ``GraphError`` as ``sort(axis:descending:file:line:)``.
    public func argSort(
        axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try sorted(nil, axis, descending, "argSort", SourceLocation(file: file, line: line)).indices
    }

    /// The `k` greatest elements along `axis` from the greatest on, or the least from the least on, and where they stood, as
    /// int32. Of equal elements those that stand first are taken; NaN counts as greatest. PyTorch topk, ONNX TopK.
    ///
    /// - Parameters:
    ///   - k: at most as many as there are along the axis, whose place they take.
    ///   - axis: the last, where left out; a negative one counts from the last.
    ///   - largest: whether the greatest are wanted, or the least.
    /// - Throws: ``GraphError`` where there is no such axis, or it has fewer than k elements.
    public func topK(
        _ k: Int, axis: Int = -1, largest: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        try sorted(k, axis, largest, "topK", SourceLocation(file: file, line: line))
    }

    func sorted(
        _ count: Int?, _ axis: Int, _ isDescending: Bool, _ name: String, _ location: SourceLocation
    ) throws(GraphError) -> (values: Tensor, indices: Tensor) {
        let axis = try self.axis(axis, of: name, location)
        let sort = Op.sort(Sort(count: count ?? shape[axis], isDescending: isDescending))
        if axis == shape.rank - 1 {
            let results = try graph.add(sort, [self], at: location, as: name)
            return (results[0], results[1])
        }
        var permutation = Array(0..<shape.rank)
        permutation.swapAt(axis, shape.rank - 1)
        let transpose = Op.transpose(Transpose(permutation: permutation))
        let rows = try graph.add(transpose, [self], at: location)[0]
        let results = try graph.add(sort, [rows], at: location, as: name)
        return (
            try graph.add(transpose, [results[0]], at: location)[0],
            try graph.add(transpose, [results[1]], at: location)[0]
        )
    }
}
