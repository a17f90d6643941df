/// The window of a two-dimensional pooling over NCHW.
///
/// - x `[n, c, h, w]` → y `[n, c, p, q]`, `p = (h + padTop + padBottom - rows) / stride + 1`, rounded down.
/// - Maximum: padding never wins; NaN does. Its gradient takes x, dy → dx: each dy goes to the first maximum of its
///   window in row-major order, as in PyTorch.
/// - Average: of the window's elements, with padding counted as zeros where `countsPadding`, else left out.
/// ONNX MaxPool, AveragePool.
package struct Pool2D: Hashable, Sendable {
    /// Rows, columns.
    package var window: [Int]
    /// Vertical, horizontal.
    package var stride: [Int]
    /// Rows above, rows below, columns left, columns right; each less than the window.
    package var padding: [Int]
    package var countsPadding: Bool

    package init(window: [Int], stride: [Int], padding: [Int] = [0, 0, 0, 0], countsPadding: Bool = true) {
        self.window = window
        self.stride = stride
        self.padding = padding
        self.countsPadding = countsPadding
    }
}

/// The gradient of average pooling: dy `[n, c, p, q]` → dx of shape `input`.
package struct AveragePool2DGradient: Hashable, Sendable {
    package var pooling: Pool2D
    package var input: Shape

    package init(pooling: Pool2D, input: Shape) {
        self.pooling = pooling
        self.input = input
    }
}

extension Pool2D {
    func outputShape(_ x: Shape) throws -> Shape {
        guard x.rank == 4 else { throw ShapeError("the input must be [n, c, h, w], not \(x)") }
        guard window.count == 2, stride.count == 2, padding.count == 4, (window + stride).allSatisfy({ $0 >= 1 }),
            padding.indices.allSatisfy({ padding[$0] >= 0 && padding[$0] < window[$0 / 2] })
        else { throw ShapeError("windows and strides must be at least 1 and paddings less than the window") }
        guard (window + stride).allSatisfy({ $0 < Convolution.largestNumber }) else {
            throw ShapeError("windows and strides must be less than \(Convolution.largestNumber)")
        }
        let spans = (0..<2).map { x[2 + $0] + padding[2 * $0] + padding[2 * $0 + 1] - window[$0] }
        guard spans.allSatisfy({ $0 >= 0 }) else {
            throw ShapeError("the window \(Shape(window)) does not fit into the padded input \(x)")
        }
        let shape: Shape = [x[0], x[1], spans[0] / stride[0] + 1, spans[1] / stride[1] + 1]
        try ShapeRule(operands: []).countable(
            work: shape[0], shape[1], shape[2], shape[3], min(window[0], x[2]), min(window[1], x[3]))
        return shape
    }
}

extension ShapeRule {
    package func maxPool2D(_ attributes: Pool2D) throws -> [TensorType] {
        try count(1)
        try floating()
        let result = try attributes.outputShape(operands[0].shape)
        try require(
            operands[0].shape.elementCount > 0 || result.elementCount == 0,
            "there is nothing in a window on \(operands[0].shape), and so no maximum")
        return [TensorType(result, operands[0].dtype)]
    }

    package func maxPool2DGradient(_ attributes: Pool2D) throws -> [TensorType] {
        try count(2)
        try floating()
        try shape(1, try attributes.outputShape(operands[0].shape), "the cotangent")
        return [operands[0]]
    }

    package func averagePool2D(_ attributes: Pool2D) throws -> [TensorType] {
        try count(1)
        try floating()
        return [TensorType(try attributes.outputShape(operands[0].shape), operands[0].dtype)]
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> [TensorType] {
        try count(1)
        try floating()
        try countable(attributes.input)
        try shape(0, try attributes.pooling.outputShape(attributes.input), "the cotangent")
        return [TensorType(attributes.input, operands[0].dtype)]
    }
}

extension TraitsRule {
    package func maxPool2D(_ attributes: Pool2D) -> OpTraits { pooling(.maxPool2D, empty: 0) }
    package func maxPool2DGradient(_ attributes: Pool2D) -> OpTraits { pooling(.maxPool2DGradient, empty: 0) }

    package func averagePool2D(_ attributes: Pool2D) -> OpTraits {
        pooling(.averagePool2D, empty: attributes.countsPadding ? 0 : .nan)
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) -> OpTraits {
        pooling(.averagePool2DGradient, empty: 0)
    }

    private func pooling(_ kind: OpKind, empty: Double) -> OpTraits {
        OpTraits(
            kind, .computation, overEmptyOperands: .fill(empty), halfTypes: .converted,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func maxPool2D(_ attributes: Pool2D) throws -> [Tensor?] {
        [try graph.add(.maxPool2DGradient(attributes), [operands[0], try cotangent()])[0]]
    }

    package func averagePool2D(_ attributes: Pool2D) throws -> [Tensor?] {
        let attributes = AveragePool2DGradient(pooling: attributes, input: operands[0].shape)
        return [try graph.add(.averagePool2DGradient(attributes), [try cotangent()])[0]]
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> [Tensor?] {
        [try graph.add(.averagePool2D(attributes.pooling), [try cotangent()])[0]]
    }

    package func maxPool2DGradient(_ attributes: Pool2D) throws -> [Tensor?] { throw noGradient() }
}

extension Tensor {
    /// The maximum of each `window × window` square of this `[n, c, h, w]`.
    ///
    /// - Parameter stride: the distance between windows; the window, where left out.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func maxPool2D(
        window: Int, stride: Int? = nil, padding: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.maxPool2D(Pool2D(window, stride, padding)), file: file, line: line)
    }

    /// The mean of each `window × window` square of this `[n, c, h, w]`.
    ///
    /// - Parameter countsPadding: whether padding counts as zeros, as in PyTorch's default, or is left out.
    /// - Throws: ``GraphError`` where the window does not fit.
    public func averagePool2D(
        window: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = true, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        var attributes = Pool2D(window, stride, padding)
        attributes.countsPadding = countsPadding
        return try apply(.averagePool2D(attributes), file: file, line: line)
    }
}

extension Pool2D {
    fileprivate init(_ window: Int, _ stride: Int?, _ padding: Int) {
        let stride = stride ?? window
        self.init(
            window: [window, window], stride: [stride, stride], padding: [padding, padding, padding, padding])
    }
}
