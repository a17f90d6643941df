/// What becomes of the elements along an axis one after another.
///
/// x, or a and x, of one shape → y of that shape, k counting along the axis, from the end where `isReversed`:
/// - sum: `y[k] = x[0] + … + x[k]`. PyTorch cumsum, ONNX CumSum.
/// - product: `y[k] = x[0] · … · x[k]`. PyTorch cumprod.
/// - recurrence: `y[k] = a[k] · y[k-1] + x[k]`, from 0: what the gradient of a product is made of, without a division.
///   Blelloch, Prefix Sums and Their Applications, 1990.
///
/// Where `isExclusive`, y[k] is without x[k]: it begins with 0, of a product with 1.
package struct Scan: Hashable, Sendable {
    package enum Function: String, Hashable, Sendable, CaseIterable { case sum, product, recurrence }

    package var function: Function
    package var axis: Int
    package var isExclusive: Bool
    package var isReversed: Bool

    package init(_ function: Function, axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
        self.function = function
        self.axis = axis
        self.isExclusive = isExclusive
        self.isReversed = isReversed
    }

    /// The operand's extents before, along and after the axis.
    package func extents(_ shape: Shape) -> (outer: Int, count: Int, inner: Int) {
        let axes = shape.dimensions
        return (axes[..<axis].reduce(1, *), axes[axis], axes[(axis + 1)...].reduce(1, *))
    }
}

extension ShapeRule {
    package func scan(_ attributes: Scan) throws -> [TensorType] {
        let isRecurrence = attributes.function == .recurrence
        try count(isRecurrence ? 2 : 1)
        try floating()
        let x = operands[0]
        try require((0..<x.shape.rank).contains(attributes.axis), "there is no axis \(attributes.axis) in \(x.shape)")
        if isRecurrence {
            try shape(1, x.shape, "what is added")
            try require(!attributes.isExclusive, "a recurrence is never exclusive")
        }
        return [x]
    }
}

extension TraitsRule {
    package func scan(_ attributes: Scan) -> OpTraits {
        let name =
            switch attributes.function {
            case .sum: "cumsum"
            case .product: "cumprod"
            case .recurrence: "recurrence"
            }
        return OpTraits(
            .scan, name: name, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .float32,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func scan(_ attributes: Scan) throws -> [Tensor?] {
        let axis = attributes.axis
        func scan(
            _ function: Scan.Function, _ operands: [Tensor], isExclusive: Bool = false, isReversed: Bool
        ) throws -> Tensor {
            let scan = Scan(function, axis: axis, isExclusive: isExclusive, isReversed: isReversed)
            return try graph.add(.scan(scan), operands)[0]
        }
        let (dy, back) = (try cotangent(), !attributes.isReversed)
        switch attributes.function {
        case .sum: return [try scan(.sum, [dy], isExclusive: attributes.isExclusive, isReversed: back)]
        case .product:
            // dx[k] is the product of what comes before k times Σ over i ≥ k of dy[i] times the product of those between k
            // and i, both included but k. That sum is a recurrence: s[k] = x[k+1] · s[k+1] + dy[k].
            let x = operands[0]
            let before = try scan(.product, [x], isExclusive: true, isReversed: attributes.isReversed)
            let own = attributes.isExclusive ? try dy.shifted(axis, by: attributes.isReversed ? 1 : -1) : dy
            let next = try x.shifted(axis, by: attributes.isReversed ? 1 : -1)
            return [try before * scan(.recurrence, [next, own], isReversed: back)]
        case .recurrence:
            let next = try operands[0].shifted(axis, by: attributes.isReversed ? 1 : -1)
            let dx = try scan(.recurrence, [next, dy], isReversed: back)
            return [try dx * results[0].shifted(axis, by: attributes.isReversed ? -1 : 1), dx]
        }
    }
}

extension Tensor {
    /// The elements moved along an axis by one place, towards its end where `step` is 1; a zero comes in.
    fileprivate func shifted(_ axis: Int, by step: Int) throws(GraphError) -> Tensor {
        let count = shape[axis]
        guard count > 0 else { return self }
        let part = try step > 0 ? sliced(axis: axis, 0..<(count - 1)) : sliced(axis: axis, 1..<count)
        var starts = [Int](repeating: 0, count: shape.rank)
        starts[axis] = max(step, 0)
        if count == 1 { starts[axis] = 0 }
        let pad = Pad(starts: starts, steps: [Int](repeating: 1, count: shape.rank), shape: shape)
        return try graph.add(.pad(pad), [part])[0]
    }

    /// The sum of the elements up to each one along `axis`, of this tensor's shape. PyTorch cumsum, ONNX CumSum.
    ///
    /// - Parameters:
    ///   - axis: a negative one counts from the last.
    ///   - exclusive: whether each sum is without its own element, and the first 0.
    ///   - reverse: whether sums begin at the axis' end.
    /// - Throws: ``GraphError`` where there is no such axis or the type is an integer's.
    public func cumsum(
        axis: Int, exclusive: Bool = false, reverse: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let axis = try self.axis(axis, of: "cumsum", SourceLocation(file: file, line: line))
        return try apply(
            .scan(Scan(.sum, axis: axis, isExclusive: exclusive, isReversed: reverse)), file: file, line: line)
    }

    /// The product of the elements up to each one along `axis`, of this tensor's shape. Its gradient is right where elements
    /// are 0. PyTorch cumprod.
    ///
    /// - Parameters:
    ///   - axis: a negative one counts from the last.
    ///   - exclusive: whether each product is without its own element, and the first 1.
    ///   - reverse: whether products begin at the axis' end.
    /// - Throws: ``GraphError`` where there is no such axis or the type is an integer's.
    public func cumprod(
        axis: Int, exclusive: Bool = false, reverse: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let axis = try self.axis(axis, of: "cumprod", SourceLocation(file: file, line: line))
        return try apply(
            .scan(Scan(.product, axis: axis, isExclusive: exclusive, isReversed: reverse)), file: file, line: line)
    }
}
