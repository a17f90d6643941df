/// Cross-correlation over one to three spatial axes, with an optional bias and activation in its epilogue, and its gradients.
///
/// `y[n,o,p…] = activation(bias[o] + Σ_c,r… x[n, g·C+c, p·stride+r·dilation-before, …] · w[o,c,r…])`
/// with `C = c/groups` channels a group, `g = o / (k/groups)`, and x taken as zero outside its extents.
/// - x `[n, c, w]`, `[n, c, h, w]` or `[n, c, d, h, w]`, weight `[k, c/groups, …]` with as many axes, bias `[k]` as a third
///   operand or absent → y `[n, k, …]`, along each axis
///   `p = (h + before + after - dilation·(r-1) - 1) / stride + 1`, rounded down.
/// - 2 flops for each element of y and of the weight of its channel. ONNX Conv; torch.nn.functional.conv1d to conv3d.
package struct Convolution: Hashable, Sendable {
    /// What is computed: y, or what the other operands receive of dy, which has y's shape.
    package enum Pass: Hashable, Sendable {
        /// x, weight and maybe a bias → y.
        case forward
        /// weight, dy → dx of this shape: the sum of dy · w over all for which the convolution reads that input. On its own
        /// the transposed convolution of GANs.
        case inputGradient(Shape)
        /// x, dy → dw of this shape: `dw[o,c,r…] = Σ_n,p… dy[n,o,p…] · x[n, g·C+c, p·stride+r·dilation-before, …]`.
        case weightGradient(Shape)
    }

    /// By axis, the outermost first.
    package var stride: [Int]
    /// Before and after the first axis, before and after the second, …: above, below, left, right of two.
    package var padding: [Int]
    /// By axis.
    package var dilation: [Int]
    package var groups: Int
    /// Applied to the sum, in the epilogue. Only the fusion pass sets it.
    package var activation: UnaryFunction?
    package var pass: Pass

    /// - Parameter axes: how many, 1 to 3, where what is left out is the same along all of them.
    package init(
        axes: Int = 2, stride: [Int]? = nil, padding: [Int]? = nil, dilation: [Int]? = nil, groups: Int = 1,
        activation: UnaryFunction? = nil, pass: Pass = .forward
    ) {
        self.stride = stride ?? [Int](repeating: 1, count: axes)
        self.padding = padding ?? [Int](repeating: 0, count: 2 * axes)
        self.dilation = dilation ?? [Int](repeating: 1, count: axes)
        self.groups = groups
        self.activation = activation
        self.pass = pass
    }

    /// The number of spatial axes.
    package var axes: Int { stride.count }

    /// The same convolution's other passes.
    package func with(_ pass: Pass) -> Convolution {
        var convolution = self
        convolution.pass = pass
        convolution.activation = nil
        return convolution
    }

    /// The output extent along one spatial axis, `nil` where the kernel does not fit.
    package func outputExtent(_ extent: Int, kernel: Int, axis: Int) -> Int? {
        SpatialAxis.windows(
            input: extent, window: kernel, stride: stride[axis], before: padding[2 * axis],
            after: padding[2 * axis + 1], dilation: dilation[axis])
    }
}

extension Convolution {
    /// The shape of y for an input and a weight, or what is wrong with them.
    func outputShape(_ x: Shape, _ w: Shape) throws -> Shape {
        guard (1...SpatialLimits.mostAxes).contains(axes), dilation.count == axes, padding.count == 2 * axes else {
            throw ShapeError(
                "needs a stride and a dilation for each of one to three axes, and a padding for each of their ends")
        }
        let names = SpatialLimits.axisNames(axes)
        guard x.rank == axes + 2 else { throw ShapeError("the input must be [n, c, \(names)], not \(x)") }
        guard w.rank == axes + 2 else {
            let taps = ["t", "r", "s"].suffix(axes).joined(separator: ", ")
            throw ShapeError("the weight must be [k, c/groups, \(taps)], not \(w)")
        }
        guard groups >= 1, x[1] % groups == 0, w[1] == x[1] / groups, w[0] % groups == 0 else {
            throw ShapeError(
                "\(x[1]) channels in \(groups) groups do not fit a weight \(w): its second extent must be channels / groups and its first a multiple of groups"
            )
        }
        guard stride.allSatisfy({ $0 >= 1 }), dilation.allSatisfy({ $0 >= 1 }), padding.allSatisfy({ $0 >= 0 })
        else { throw ShapeError("strides and dilations must be at least 1 and paddings at least 0") }
        guard (stride + dilation + padding).allSatisfy({ $0 < SpatialLimits.largestNumber }) else {
            throw ShapeError("strides, dilations and paddings must be less than \(SpatialLimits.largestNumber)")
        }
        let kernel = w.dimensions.dropFirst(2)
        guard kernel.allSatisfy({ $0 >= 1 }) else { throw ShapeError("the weight has no taps: \(w)") }
        let outputs = (0..<axes).compactMap { outputExtent(x[2 + $0], kernel: w[2 + $0], axis: $0) }
        guard outputs.count == axes else {
            throw ShapeError("the kernel \(Shape(Array(kernel))) does not fit into the padded input \(x)")
        }
        let elements = outputs.reduce(x[0].times(w[0])) { $0.times($1) }
        try ShapeRule(operands: []).countable(work: elements, kernel.reduce(w[1]) { $0.times($1) })
        return Shape([x[0], w[0]] + outputs)
    }
}

extension ShapeRule {
    package func convolution(_ attributes: Convolution) throws -> [TensorType] {
        let result: Shape
        switch attributes.pass {
        case .forward:
            try count(2...3)
            try floating()
            result = try attributes.outputShape(operands[0].shape, operands[1].shape)
            if operands.count == 3 { try shape(2, [operands[1].shape[0]], "the bias") }
        case .inputGradient(let input):
            try count(2)
            try floating()
            try countable(input)
            try shape(1, try attributes.outputShape(input, operands[0].shape), "the cotangent")
            result = input
        case .weightGradient(let weight):
            try count(2)
            try floating()
            try countable(weight)
            try shape(1, try attributes.outputShape(operands[0].shape, weight), "the cotangent")
            result = weight
        }
        return [TensorType(result, operands[0].dtype)]
    }
}

extension TraitsRule {
    package func convolution(_ attributes: Convolution) -> OpTraits {
        let name = "conv\(attributes.axes)D"
        return switch attributes.pass {
        case .forward:
            traits(.convolution, name, .epilogue(attributes.activation, biasAxis: 1)) { operands, results in
                (results[0].shape, operands[1].shape)
            }
        case .inputGradient:
            traits(.convolutionInputGradient, name + "InputGradient", .fill(0)) { operands, _ in
                (operands[1].shape, operands[0].shape)
            }
        case .weightGradient(let weight):
            traits(.convolutionWeightGradient, name + "WeightGradient", .fill(0)) { operands, _ in
                (operands[1].shape, weight)
            }
        }
    }

    /// - Parameter shapes: of what comes out of the forward pass, and of the weight.
    private func traits(
        _ kind: OpKind, _ name: String, _ overEmptyOperands: OpTraits.OverEmptyOperands,
        shapes: @escaping @Sendable ([TensorType], [TensorType]) -> (y: Shape, w: Shape)
    ) -> OpTraits {
        OpTraits(
            kind, name: name, .computation, overEmptyOperands: overEmptyOperands, halfTypes: .converted,
            autocast: .lower
        ) {
            let (y, w) = shapes($0, $1)
            return OpTraits.multiplyAdds(y.elementCount, w.dimensions.dropFirst().reduce(1, *))
        }
    }
}

extension GradientRule {
    package func convolution(_ attributes: Convolution) throws -> [Tensor?] {
        try requireUnfused(attributes.activation)
        func node(_ pass: Convolution.Pass, _ a: Tensor, _ b: Tensor) throws -> Tensor {
            try graph.add(.convolution(attributes.with(pass)), [a, b])[0]
        }
        let (first, second, cotangent) = (operands[0], operands[1], try cotangent())
        switch attributes.pass {
        case .forward:
            let dx = try node(.inputGradient(first.shape), second, cotangent)
            let dw = try node(.weightGradient(second.shape), first, cotangent)
            let others = [0] + (2..<first.shape.rank)
            return operands.count == 3 ? [dx, dw, try cotangent.sum(axes: others)] : [dx, dw]
        case .inputGradient:
            let dw = try node(.weightGradient(first.shape), cotangent, second)
            return [dw, try node(.forward, cotangent, first)]
        case .weightGradient:
            let dx = try node(.inputGradient(first.shape), cotangent, second)
            return [dx, try node(.forward, first, cotangent)]
        }
    }
}

extension Tensor {
    /// The convolution (cross-correlation) of this `[n, c, …]`, with one to three spatial axes, with a weight
    /// `[k, c/groups, …]` of as many, plus a bias `[k]` where given. The result is `[n, k, …]`.
    ///
    /// - Parameters:
    ///   - stride: by axis, the outermost first; 1 along all where left out. So is `dilation`.
    ///   - padding: by axis, zeros before and after; none where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func convolution(
        _ weight: Tensor, bias: Tensor? = nil, stride: [Int]? = nil, padding: [(before: Int, after: Int)]? = nil,
        dilation: [Int]? = nil, groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let attributes = Convolution(
            axes: min(max(shape.rank - 2, 0), SpatialLimits.mostAxes + 1), stride: stride,
            padding: padding?.flatMap { [$0.before, $0.after] }, dilation: dilation, groups: groups)
        return try apply(.convolution(attributes), [weight] + (bias.map { [$0] } ?? []), file: file, line: line)
    }

    /// The one-dimensional convolution (cross-correlation) of this `[n, c, w]` with a weight `[k, c/groups, s]`, plus a bias
    /// `[k]` where given. The result is `[n, k, q]`.
    ///
    /// - Parameter padding: zeros at either end.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv1D(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let attributes = Convolution(axes: 1, stride, padding, dilation, groups)
        return try apply(.convolution(attributes), [weight] + (bias.map { [$0] } ?? []), file: file, line: line)
    }

    /// The two-dimensional convolution (cross-correlation) of this `[n, c, h, w]` with a weight
    /// `[k, c/groups, r, s]`, plus a bias `[k]` where given. The result is `[n, k, p, q]`.
    ///
    /// - Parameter padding: rows above and below and columns left and right, all the same.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv2D(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let attributes = Convolution(axes: 2, stride, padding, dilation, groups)
        return try apply(.convolution(attributes), [weight] + (bias.map { [$0] } ?? []), file: file, line: line)
    }

    /// The three-dimensional convolution (cross-correlation) of this `[n, c, d, h, w]` with a weight
    /// `[k, c/groups, t, r, s]`, plus a bias `[k]` where given. The result is `[n, k, o, p, q]`.
    ///
    /// - Parameter padding: zeros at either end of all three axes.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv3D(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let attributes = Convolution(axes: 3, stride, padding, dilation, groups)
        return try apply(.convolution(attributes), [weight] + (bias.map { [$0] } ?? []), file: file, line: line)
    }

    /// The transposed convolution of this `[n, k, …]`, with one to three spatial axes, with a weight `[k, c/groups, …]` of as
    /// many, plus a bias `[c]` where given: the adjoint of
    /// ``convolution(_:bias:stride:padding:dilation:groups:file:line:)``. The result is `[n, c, …]`, along each axis
    /// `h = (p - 1)·stride - 2·padding + dilation·(r - 1) + outputPadding + 1`. torch.nn.functional.conv_transpose1d to
    /// conv_transpose3d.
    ///
    /// - Parameters:
    ///   - stride: by axis, the outermost first; 1 along all where left out. So is `dilation`.
    ///   - padding: by axis, what the result loses at either end; none where left out.
    ///   - outputPadding: by axis, what it gains at the far end, less than the stride; nothing where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func convolutionTransposed(
        _ weight: Tensor, bias: Tensor? = nil, stride: [Int]? = nil, padding: [Int]? = nil, outputPadding: [Int]? = nil,
        dilation: [Int]? = nil, groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try transposed(
            "convolutionTransposed", weight, bias, stride, padding, outputPadding, dilation, groups,
            SourceLocation(file: file, line: line))
    }

    /// The transposed convolution of this `[n, k, p, q]` with a weight `[k, c/groups, r, s]`: that of
    /// ``convolutionTransposed(_:bias:stride:padding:outputPadding:dilation:groups:file:line:)`` with the same numbers along
    /// both axes. The result is `[n, c, h, w]`.
    ///
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv2DTransposed(
        _ weight: Tensor, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 4 else {
            throw graph.failure(
                "conv2DTransposed", "the input must be [n, k, p, q] and the weight [k, c/groups, r, s]",
                [self, weight],
                at: location)
        }
        func both(_ number: Int) -> [Int] { [number, number] }
        return try transposed(
            "conv2DTransposed", weight, nil, both(stride), both(padding), both(outputPadding), both(dilation), groups,
            location)
    }

    private func transposed(
        _ name: String, _ weight: Tensor, _ bias: Tensor?, _ stride: [Int]?, _ padding: [Int]?, _ outputPadding: [Int]?,
        _ dilation: [Int]?, _ groups: Int, _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        func failure(_ message: String) -> GraphError {
            graph.failure(name, message, [self, weight] + (bias.map { [$0] } ?? []), at: location)
        }
        let axes = shape.rank - 2
        guard (1...SpatialLimits.mostAxes).contains(axes), weight.shape.rank == shape.rank else {
            throw failure("the input must be [n, k, …] with one to three spatial axes and the weight [k, c/groups, …]")
        }
        let (one, none) = ([Int](repeating: 1, count: axes), [Int](repeating: 0, count: axes))
        let (stride, dilation) = (stride ?? one, dilation ?? one)
        let (padding, outputPadding) = (padding ?? none, outputPadding ?? none)
        guard [stride, dilation, padding, outputPadding].allSatisfy({ $0.count == axes }) else {
            throw failure("needs a stride, a padding, an output's padding and a dilation for each of \(axes) axes")
        }
        guard zip(outputPadding, stride).allSatisfy({ $0 >= 0 && $0 < max($1, 1) }) else {
            throw failure("the output's padding must be at least 0 and less than the stride")
        }
        let extents = (0..<axes).map { axis in
            (shape[2 + axis] - 1).times(stride[axis]).minus(padding[axis].times(2))
                .plus(dilation[axis].times(weight.shape[2 + axis] - 1)).plus(outputPadding[axis]).plus(1)
        }
        let channels = weight.shape[1].times(groups)
        let attributes = Convolution(
            stride: stride, padding: padding.flatMap { [$0, $0] }, dilation: dilation, groups: groups,
            pass: .inputGradient(Shape([shape[0], channels] + extents)))
        let product = try graph.add(.convolution(attributes), [weight, self], at: location, as: name)[0]
        guard let bias else { return product }
        guard bias.shape == [channels] else {
            throw failure("the bias must have shape [\(channels)], not \(bias.shape)")
        }
        let column = try graph.add(.reshape(Shape([channels] + one)), [bias], at: location)[0]
        return try product.combine(.add, column, at: location, as: name)
    }
}

extension Convolution {
    /// The same along all axes.
    fileprivate init(axes: Int, _ stride: Int, _ padding: Int, _ dilation: Int, _ groups: Int) {
        self.init(
            stride: [Int](repeating: stride, count: axes), padding: [Int](repeating: padding, count: 2 * axes),
            dilation: [Int](repeating: dilation, count: axes), groups: groups)
    }
}
