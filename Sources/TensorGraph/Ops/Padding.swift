/// What stands beyond the edges of a padded tensor.
public enum PaddingMode: Hashable, Sendable {
    /// One number. ONNX constant.
    case constant(Double)
    /// The elements mirrored at the edge, which is not repeated: `c b │ a b c │ b a`. PyTorch and ONNX reflect.
    case reflect
    /// The element at the edge: `a a │ a b c │ c c`. ONNX edge, PyTorch replicate.
    case edge
    /// The elements from the other end: `b c │ a b c │ a b`. ONNX wrap, PyTorch circular.
    case wrap
}

extension PaddingMode {
    /// The place in an axis of `extent` of what stands at `position`, which is outside it.
    fileprivate func place(_ position: Int, _ extent: Int) -> Int {
        switch self {
        case .constant, .edge: min(max(position, 0), extent - 1)
        case .reflect: position < 0 ? -position : position >= extent ? 2 * (extent - 1) - position : position
        case .wrap: (position % extent + extent) % extent
        }
    }
}

extension Tensor {
    /// This tensor with `before[i]` and `after[i]` elements beyond the ends of axis `i`, which `mode` says; negative counts
    /// take elements away. Axes are padded one after another, so that corners are padded too. numpy.pad, ONNX Pad.
    ///
    /// - Throws: ``GraphError`` where an axis has nothing to fill its padding with, where a reflection is not narrower than
    ///   its axis, or for a number that this tensor's type cannot hold.
    public func padded(
        before: [Int], after: [Int], mode: PaddingMode, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        func failure(_ message: String) -> GraphError { graph.failure("pad", message, [self], at: location) }
        guard before.count == shape.rank, after.count == shape.rank else {
            throw failure("needs a count before and after each axis")
        }
        var x = self
        for axis in 0..<shape.rank {
            let (extent, first, last) = (shape[axis], before[axis], after[axis])
            let whole = first.plus(extent).plus(last)
            guard whole >= 0, first >= -extent, last >= -extent, Shape([whole]).complaint == nil else {
                throw failure("\(first) before and \(last) after do not fit the \(extent) elements of axis \(axis)")
            }
            guard max(first, last) > 0 else { continue }
            switch mode {
            case .constant: break
            case .reflect:
                guard max(first, last) < extent else {
                    throw failure("a reflection must be narrower than the \(extent) elements of axis \(axis)")
                }
            case .edge, .wrap:
                guard extent > 0 else { throw failure("axis \(axis) is empty, and has nothing to pad with") }
            }
        }
        if case .constant(let value) = mode {
            return try padded(with: value, before, after, location)
        }
        for axis in 0..<shape.rank where before[axis] != 0 || after[axis] != 0 {
            let places = (-before[axis]..<(shape[axis] + after[axis])).map { Int32(mode.place($0, shape[axis])) }
            let indices = try graph.constant(HostTensor([places.count], places))
            x = try graph.add(.gather(Gather(axis: axis, form: .slices)), [x, indices], at: location, as: "pad")[0]
        }
        return x
    }

    private func padded(
        with value: Double, _ before: [Int], _ after: [Int], _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        let axes = 0..<shape.rank
        var x = self
        if (before + after).contains(where: { $0 < 0 }) {
            let starts = axes.map { max(-before[$0], 0) }
            let counts = axes.map { max(shape[$0] + min(before[$0], 0) + min(after[$0], 0), 0) }
            let slice = Slice(starts: starts, counts: counts, steps: [Int](repeating: 1, count: shape.rank))
            x = try graph.add(.slice(slice), [self], at: location)[0]
        }
        let (before, after) = (before.map { max($0, 0) }, after.map { max($0, 0) })
        guard value != 0 || value.sign == .minus else {
            let whole = Shape(axes.map { before[$0] + x.shape[$0] + after[$0] })
            let pad = Pad(starts: before, steps: [Int](repeating: 1, count: shape.rank), shape: whole)
            return try graph.add(.pad(pad), [x], at: location)[0]
        }
        for axis in axes where before[axis] + after[axis] > 0 {
            func filled(_ count: Int) throws(GraphError) -> [Tensor] {
                guard count > 0 else { return [] }
                var shape = x.shape
                shape[axis] = count
                return try graph.add(.fill(Fill(value: value, type: TensorType(shape, dtype))), at: location)
            }
            x = try graph.add(
                .concatenate(Concatenate(axis: axis)), filled(before[axis]) + [x] + filled(after[axis]), at: location,
                as: "pad")[0]
        }
        return x
    }

    /// The elements along `axis` from `start` on, every `step`-th, before `end` is reached: Python's `x[start:end:step]`.
    /// A negative step goes backwards. Negative places count from the end; those beyond an end mean that end; left out,
    /// they mean the ends in the step's direction. ONNX Slice.
    ///
    /// - Throws: ``GraphError`` where there is no such axis, or the step is 0.
    public func sliced(
        axis: Int, from start: Int? = nil, to end: Int? = nil, step: Int, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axis = try self.axis(axis, of: "slice", location)
        guard step != 0 else { throw graph.failure("slice", "the step must not be 0", [self], at: location) }
        let extent = shape[axis]
        let (lower, upper) = step > 0 ? (0, extent) : (-1, extent - 1)
        func place(_ given: Int?, _ otherwise: Int) -> Int {
            guard let given else { return otherwise }
            return min(max(given < 0 ? given.plus(extent) : given, lower), upper)
        }
        let first = place(start, step > 0 ? lower : upper)
        let last = place(end, step > 0 ? upper : lower)
        let distance = step > 0 ? last - first : first - last
        let stride = step.magnitude > UInt(max(extent, 1)) ? max(extent, 1) : abs(step)
        let count = distance <= 0 ? 0 : (distance - 1) / stride + 1
        return try taken(count, along: axis, from: first, step: step > 0 ? stride : -stride, location)
    }

    /// This tensor with the order of the elements along each of `axes` reversed; negative axes count from the last. PyTorch
    /// flip.
    ///
    /// - Throws: ``GraphError`` where there is no such axis, or one is named twice.
    public func flip(axes: [Int], file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        var slice = Slice(
            starts: [Int](repeating: 0, count: shape.rank), counts: shape.dimensions,
            steps: [Int](repeating: 1, count: shape.rank))
        var flipped: Set<Int> = []
        for given in axes {
            let axis = try self.axis(given, of: "flip", location)
            guard flipped.insert(axis).inserted else {
                throw graph.failure("flip", "axis \(axis) is named twice", [self], at: location)
            }
            if shape[axis] > 1 { (slice.starts[axis], slice.steps[axis]) = (shape[axis] - 1, -1) }
        }
        return try graph.add(.slice(slice), [self], at: location, as: "flip")[0]
    }
}
