/// Two-dimensional cross-correlation, NCHW, with an optional bias and activation in its epilogue.
///
/// `y[n,o,p,q] = activation(bias[o] + Σ_c,r,s x[n, g·C+c, p·stride+r·dilation-padTop, q·stride+s·dilation-padLeft] · w[o,c,r,s])`
/// with `C = c/groups` channels a group, `g = o / (k/groups)`, and x taken as zero outside its extents.
/// - x `[n, c, h, w]`, weight `[k, c/groups, r, s]`, bias `[k]` as a third operand or absent → y `[n, k, p, q]`,
///   `p = (h + padTop + padBottom - dilation·(r-1) - 1) / stride + 1`, rounded down.
/// - 2·n·k·p·q·(c/groups)·r·s flops. ONNX Conv; torch.nn.functional.conv2d.
package struct Conv2D: Hashable, Sendable {
    /// Vertical, horizontal.
    package var stride: [Int]
    /// Rows above, rows below, columns left, columns right.
    package var padding: [Int]
    /// Vertical, horizontal.
    package var dilation: [Int]
    package var groups: Int
    /// Applied to the sum, in the epilogue. Only the fusion pass sets it.
    package var activation: UnaryFunction?

    package init(
        stride: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0], dilation: [Int] = [1, 1], groups: Int = 1,
        activation: UnaryFunction? = nil
    ) {
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
    }

    /// The output extent along one spatial axis (0 vertical, 1 horizontal), `nil` where the kernel does not fit.
    package func outputExtent(_ extent: Int, kernel: Int, axis: Int) -> Int? {
        let padded = extent.plus(padding[2 * axis]).plus(padding[2 * axis + 1])
        let span = padded.minus(dilation[axis].times(kernel - 1)).minus(1)
        return span < 0 ? nil : span / stride[axis] + 1
    }

    /// Strides, dilations, paddings and windows are below this, so that backends may multiply them.
    package static let largestNumber = 1 << 16
}

/// The gradient of ``Conv2D`` with respect to its input; on its own, the transposed convolution of GANs.
///
/// Operands weight `[k, c/groups, r, s]`, dy `[n, k, p, q]` → dx of shape `input`, `[n, c, h, w]`.
/// `dx[n,c,i,j] = Σ dy[n,o,p,q] · w[o,c,r,s]` over all (o, p, q, r, s) for which the convolution reads that input.
package struct Conv2DInputGradient: Hashable, Sendable {
    package var convolution: Conv2D
    package var input: Shape

    package init(convolution: Conv2D, input: Shape) {
        self.convolution = convolution
        self.input = input
    }
}

/// The gradient of ``Conv2D`` with respect to its weight.
///
/// Operands x `[n, c, h, w]`, dy `[n, k, p, q]` → dw of shape `weight`, `[k, c/groups, r, s]`.
/// `dw[o,c,r,s] = Σ_n,p,q dy[n,o,p,q] · x[n, g·C+c, p·stride+r·dilation-padTop, q·stride+s·dilation-padLeft]`.
package struct Conv2DWeightGradient: Hashable, Sendable {
    package var convolution: Conv2D
    package var weight: Shape

    package init(convolution: Conv2D, weight: Shape) {
        self.convolution = convolution
        self.weight = weight
    }
}

extension Conv2D {
    /// The output shape for an input and a weight, or what is wrong with them.
    func outputShape(_ x: Shape, _ w: Shape) throws -> Shape {
        guard x.rank == 4 else { throw ShapeError("the input must be [n, c, h, w], not \(x)") }
        guard w.rank == 4 else { throw ShapeError("the weight must be [k, c/groups, r, s], not \(w)") }
        guard groups >= 1, x[1] % groups == 0, w[1] == x[1] / groups, w[0] % groups == 0 else {
            throw ShapeError(
                "\(x[1]) channels in \(groups) groups do not fit a weight \(w): its second extent must be channels / groups and its first a multiple of groups"
            )
        }
        guard stride.count == 2, dilation.count == 2, padding.count == 4, stride.allSatisfy({ $0 >= 1 }),
            dilation.allSatisfy({ $0 >= 1 }), padding.allSatisfy({ $0 >= 0 })
        else { throw ShapeError("strides and dilations must be at least 1 and paddings at least 0") }
        guard (stride + dilation + padding).allSatisfy({ $0 < Self.largestNumber }) else {
            throw ShapeError("strides, dilations and paddings must be less than \(Self.largestNumber)")
        }
        guard w[2] >= 1, w[3] >= 1 else { throw ShapeError("the weight has no taps: \(w)") }
        guard let p = outputExtent(x[2], kernel: w[2], axis: 0), let q = outputExtent(x[3], kernel: w[3], axis: 1)
        else {
            throw ShapeError("the kernel \(Shape([w[2], w[3]])) does not fit into the padded input \(x)")
        }
        try ShapeRule(operands: []).countable(work: x[0], w[0], p, q, w[1], w[2], w[3])
        return [x[0], w[0], p, q]
    }
}

extension ShapeRule {
    package func conv2D(_ attributes: Conv2D) throws -> [TensorType] {
        try count(2...3)
        try floating()
        let result = try attributes.outputShape(operands[0].shape, operands[1].shape)
        if operands.count == 3 { try shape(2, [operands[1].shape[0]], "the bias") }
        return [TensorType(result, operands[0].dtype)]
    }

    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) throws -> [TensorType] {
        try count(2)
        try floating()
        try countable(attributes.input)
        try shape(1, try attributes.convolution.outputShape(attributes.input, operands[0].shape), "the cotangent")
        return [TensorType(attributes.input, operands[0].dtype)]
    }

    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) throws -> [TensorType] {
        try count(2)
        try floating()
        try countable(attributes.weight)
        try shape(1, try attributes.convolution.outputShape(operands[0].shape, attributes.weight), "the cotangent")
        return [TensorType(attributes.weight, operands[0].dtype)]
    }
}

extension TraitsRule {
    package func conv2D(_ attributes: Conv2D) -> OpTraits {
        convolution(.conv2D, .epilogue(attributes.activation, biasAxis: 1)) { operands, results in
            (results[0].shape, operands[1].shape)
        }
    }

    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) -> OpTraits {
        convolution(.conv2DInputGradient, .fill(0)) { operands, _ in (operands[1].shape, operands[0].shape) }
    }

    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) -> OpTraits {
        convolution(.conv2DWeightGradient, .fill(0)) { operands, _ in (operands[1].shape, attributes.weight) }
    }

    /// - Parameter shapes: of what comes out of the forward pass, and of the weight.
    private func convolution(
        _ kind: OpKind, _ overEmptyOperands: OpTraits.OverEmptyOperands,
        shapes: @escaping @Sendable ([TensorType], [TensorType]) -> (y: Shape, w: Shape)
    ) -> OpTraits {
        OpTraits(kind, .computation, overEmptyOperands: overEmptyOperands, halfTypes: .sumsInFloat32) {
            let (y, w) = shapes($0, $1)
            return OpTraits.multiplyAdds(y.elementCount, w[1], w[2], w[3])
        }
    }
}

extension GradientRule {
    package func conv2D(_ attributes: Conv2D) throws -> [Tensor?] {
        try requireUnfused(attributes.activation)
        let (x, w, dy) = (operands[0], operands[1], try cotangent())
        let dx = try graph.add(
            .conv2DInputGradient(Conv2DInputGradient(convolution: attributes, input: x.shape)), [w, dy])[0]
        let dw = try graph.add(
            .conv2DWeightGradient(Conv2DWeightGradient(convolution: attributes, weight: w.shape)), [x, dy])[0]
        return operands.count == 3 ? [dx, dw, try dy.sum(axes: [0, 2, 3])] : [dx, dw]
    }

    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) throws -> [Tensor?] {
        let (w, dy, cotangent) = (operands[0], operands[1], try cotangent())
        let dw = try graph.add(
            .conv2DWeightGradient(Conv2DWeightGradient(convolution: attributes.convolution, weight: w.shape)),
            [cotangent, dy])[0]
        return [dw, try graph.add(.conv2D(attributes.convolution), [cotangent, w])[0]]
    }

    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) throws -> [Tensor?] {
        let (x, dy, cotangent) = (operands[0], operands[1], try cotangent())
        let dx = try graph.add(
            .conv2DInputGradient(Conv2DInputGradient(convolution: attributes.convolution, input: x.shape)),
            [cotangent, dy])[0]
        return [dx, try graph.add(.conv2D(attributes.convolution), [x, cotangent])[0]]
    }
}

extension Tensor {
    /// The two-dimensional convolution (cross-correlation) of this `[n, c, h, w]` with a weight
    /// `[k, c/groups, r, s]`, plus a bias `[k]` where given. The result is `[n, k, p, q]`.
    ///
    /// - Parameter padding: rows above and below and columns left and right, all the same.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv2D(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let attributes = Conv2D(
            stride: [stride, stride], padding: [padding, padding, padding, padding], dilation: [dilation, dilation],
            groups: groups)
        return try apply(.conv2D(attributes), [weight] + (bias.map { [$0] } ?? []), file: file, line: line)
    }

    /// The transposed convolution of this `[n, k, p, q]` with a weight `[k, c/groups, r, s]`: the adjoint of
    /// ``conv2D(_:bias:stride:padding:dilation:groups:file:line:)``, with `outputPadding` extra rows and
    /// columns. The result is `[n, c, h, w]`, `h = (p-1)·stride - 2·padding + dilation·(r-1) + outputPadding + 1`.
    ///
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func conv2DTransposed(
        _ weight: Tensor, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        func failure(_ message: String) -> GraphError {
            graph.failure("conv2DTransposed", message, [self, weight], at: location)
        }
        guard shape.rank == 4, weight.shape.rank == 4 else {
            throw failure("the input must be [n, k, p, q] and the weight [k, c/groups, r, s]")
        }
        guard outputPadding >= 0 else { throw failure("the output's padding must be at least 0") }
        func extent(_ axis: Int) -> Int {
            (shape[axis] - 1).times(stride).minus(padding.times(2)).plus(dilation.times(weight.shape[axis] - 1))
                .plus(outputPadding).plus(1)
        }
        let attributes = Conv2D(
            stride: [stride, stride], padding: [padding, padding, padding, padding], dilation: [dilation, dilation],
            groups: groups)
        let input: Shape = [shape[0], weight.shape[1].times(groups), extent(2), extent(3)]
        return try graph.add(
            .conv2DInputGradient(Conv2DInputGradient(convolution: attributes, input: input)), [weight, self],
            at: location, as: "conv2DTransposed")[0]
    }
}
