/// Combines the elements along adjacent axes, which the result loses.
///
/// x → x without axes `first ..< first + count`: their sum, mean, minimum, maximum or product. An empty sum is 0, an empty
/// product 1, an empty mean NaN, an empty minimum or maximum is refused. NaN wins. Integers and `bool` are summed and
/// multiplied in 64 bits (``DType/summed``). ONNX ReduceSum, ReduceMean, ReduceMin, ReduceMax, ReduceProd.
/// Seen as `[outer, reduced, inner]`, any such reduction has three extents.
package struct Reduce: Hashable, Sendable {
    package enum Function: String, Hashable, Sendable, CaseIterable { case sum, mean, minimum, maximum, product }

    package var function: Function
    package var first: Int
    package var count: Int

    package init(_ function: Function, first: Int, count: Int) {
        self.function = function
        self.first = first
        self.count = count
    }

    /// The operand's extents as `[outer, reduced, inner]`.
    package func extents(_ shape: Shape) -> (outer: Int, reduced: Int, inner: Int) {
        let axes = shape.dimensions
        return (
            axes[..<first].reduce(1, *), axes[first..<(first + count)].reduce(1, *),
            axes[(first + count)...].reduce(1, *)
        )
    }
}

extension ShapeRule {
    package func reduce(_ attributes: Reduce) throws -> [TensorType] {
        try count(1)
        let operand = operands[0]
        try require(
            attributes.function != .mean || operand.dtype.isFloatingPoint,
            "a mean of \(operand.dtype) is no \(operand.dtype); cast to a floating-point type first")
        let shape = operand.shape
        try require(
            attributes.first >= 0 && attributes.count >= 0 && attributes.first + attributes.count <= shape.rank,
            "axes \(attributes.first) to \(attributes.first + attributes.count) are not all in \(shape)")
        if attributes.function == .minimum || attributes.function == .maximum {
            try require(attributes.extents(shape).reduced > 0, "an empty \(attributes.function) has no value")
        }
        var axes = shape.dimensions
        axes.removeSubrange(attributes.first..<(attributes.first + attributes.count))
        let isSummed = attributes.function == .sum || attributes.function == .product
        return [TensorType(Shape(axes), isSummed ? operand.dtype.summed : operand.dtype)]
    }

    /// The index of the largest element along the last axis, the first of equals, as int32; NaN counts as largest.
    /// x `[..., n]` → `[...]`. ONNX ArgMax.
    package func argMax() throws -> [TensorType] {
        try count(1)
        try floating()
        let shape = operands[0].shape
        try require(shape.rank >= 1 && shape[shape.rank - 1] > 0, "needs a last axis that is not empty")
        return [TensorType(Shape(Array(shape.dimensions.dropLast())), .int32)]
    }
}

extension Reduce.Function {
    /// What it comes to over no elements.
    var ofNothing: Double {
        switch self {
        case .sum: 0
        case .product: 1
        case .mean, .minimum, .maximum: .nan
        }
    }
}

extension TraitsRule {
    package func reduce(_ attributes: Reduce) -> OpTraits {
        OpTraits(
            .reduce, name: attributes.function.rawValue, .computation,
            overEmptyOperands: .fill(attributes.function.ofNothing), halfTypes: .converted,
            autocast: attributes.function == .minimum || attributes.function == .maximum ? .asGiven : .float32,
            flops: OpTraits.flopPerElement)
    }

    package func argMax() -> OpTraits {
        OpTraits(
            .argMax, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func reduce(_ attributes: Reduce) throws -> [Tensor?] {
        let x = operands[0]
        var kept = x.shape
        for axis in attributes.first..<(attributes.first + attributes.count) { kept[axis] = 1 }
        let dy = try cotangent().reshaped(to: kept)
        switch attributes.function {
        case .sum: return [try dy.broadcast(to: x.shape)]
        case .mean:
            let count = Double(attributes.extents(x.shape).reduced)
            // float16 has no number beyond 65504; the reciprocal beside it is a float32.
            let share = try x.dtype.refusal(of: count) == nil ? dy / count : dy * (1 / count)
            return [try share.broadcast(to: x.shape)]
        case .minimum, .maximum:
            // Equal extremes share the cotangent, as in PyTorch's amax.
            let mask = try x.equal(to: results[0].reshaped(to: kept)).cast(to: x.dtype)
            let ties = try graph.add(.reduce(Reduce(.sum, first: attributes.first, count: attributes.count)), [mask])[0]
            return [try mask * (dy / ties.reshaped(to: kept))]
        case .product:
            // The product of all others is that of those before times that of those after, whatever is 0.
            let extents = attributes.extents(x.shape)
            let matrices = try x.reshaped(to: [extents.outer, extents.reduced, extents.inner])
            let before = try matrices.cumprod(axis: 1, exclusive: true)
            let after = try matrices.cumprod(axis: 1, exclusive: true, reverse: true)
            return [try dy * (before * after).reshaped(to: x.shape)]
        }
    }

    package func argMax() throws -> [Tensor?] { [nil] }
}

extension Tensor {
    /// - Parameter name: what the user called, where that is not the function.
    func reduce(
        _ function: Reduce.Function, axes: [Int]?, keepsDimensions: Bool, _ location: SourceLocation,
        as name: String? = nil
    ) throws(GraphError) -> Tensor {
        let rank = shape.rank
        let axes = Set((axes ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 })
        guard axes.allSatisfy({ (0..<rank).contains($0) }) else {
            throw graph.failure(
                name ?? function.rawValue, "axes \(axes.sorted()) are not all in \(shape)", [self], at: location)
        }
        // The innermost run of adjacent axes first: a mean of means over runs is the mean, as every run is full.
        var result = self
        var last = rank - 1
        let adjoins = axes.isEmpty || (axes.max() ?? 0) - (axes.min() ?? 0) == axes.count - 1
        if !adjoins, function == .minimum || function == .maximum {
            // In one reduction, so that equal extremes share the cotangent alike, whichever run they are in.
            let kept = (0..<rank).filter { !axes.contains($0) }
            let transpose = Transpose(permutation: kept + axes.sorted())
            result = try graph.add(.transpose(transpose), [self], at: location)[0]
            result = try graph.add(
                .reduce(Reduce(function, first: kept.count, count: axes.count)), [result], at: location)[0]
            last = -1
        }
        while last >= 0 {
            guard axes.contains(last) else { last -= 1; continue }
            var first = last
            while first > 0, axes.contains(first - 1) { first -= 1 }
            result = try graph.add(
                .reduce(Reduce(function, first: first, count: last - first + 1)), [result], at: location)[0]
            last = first - 1
        }
        guard keepsDimensions else { return result }
        let kept = Shape((0..<rank).map { axes.contains($0) ? 1 : shape[$0] })
        return kept == result.shape ? result : try graph.add(.reshape(kept), [result], at: location)[0]
    }

    /// The sum over `axes` (all, where left out; negative ones count from the last): of integers and of `bool` as int64, of
    /// uint64 as uint64.
    public func sum(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try reduce(.sum, axes: axes, keepsDimensions: keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// The mean over `axes` (all, where left out; negative ones count from the last).
    public func mean(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try reduce(.mean, axes: axes, keepsDimensions: keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// The least element over `axes` (all, where left out; negative ones count from the last).
    public func minimum(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try reduce(.minimum, axes: axes, keepsDimensions: keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// The greatest element over `axes` (all, where left out; negative ones count from the last).
    public func maximum(
        axes: [Int]? = nil, keepsDimensions: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try reduce(.maximum, axes: axes, keepsDimensions: keepsDimensions, SourceLocation(file: file, line: line))
    }

    /// Sums away what broadcasting from `shape` to this tensor's shape added.
    package func summed(to shape: Shape) throws(GraphError) -> Tensor {
        guard shape != self.shape else { return self }
        let offset = self.shape.rank - shape.rank
        let axes = (0..<self.shape.rank).filter { $0 < offset || (shape[$0 - offset] == 1 && self.shape[$0] != 1) }
        return try sum(axes: axes).reshaped(to: shape)
    }
}
