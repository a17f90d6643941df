/// A convolution over one or three axes as one over two, which backends have kernels for.
///
/// One axis gets a second of extent 1. Of three, two neighbours along which the kernel has one tap, stride 1 and no padding
/// are one axis, and axes of extent 1 none. If three are left, the outermost is folded away: the weight `[k, c, t, r, s]` has
/// the layout of a weight `[k, c·t, r, s]`, and for one output plane its channel (c, t) is one of the planes of channel c, or
/// zeros where that is outside:
///
///        x [n, c, d, h, w]                         [n·o, c·t, h, w]
///        c0: d0 d1 d2 …      ── PlaneGather ──►    o0: c0: –  d0 d1 │ c1: –  d0 d1      (t = 3, padding 1)
///        c1: d0 d1 d2 …                            o1: c0: d0 d1 d2 │ c1: d0 d1 d2
///
/// That moves t times the planes of x, which against the k·r·s products of each is little, and all that two axes have, such
/// as Winograd's filtering, serves three.
package struct PlanarConvolution {
    /// The node over two axes, on what the gathers make of the operands.
    package let node: Node
    /// How planes of each operand come to those of the inner node's; nil where they are the same bytes.
    package let operands: [PlaneGather?]
    /// How the inner node's result comes to the result.
    package let result: PlaneGather?

    /// Nil where the node is a convolution over two axes already, or not a convolution.
    package init?(_ node: Node) {
        guard case .convolution(let convolution) = node.op, convolution.axes != 2 else { return nil }
        let types = (node.operandTypes + node.resultTypes).map(\.shape)
        let (x, w, y) =
            switch convolution.pass {
            case .forward: (types[0], types[1], node.resultTypes[0].shape)
            case .inputGradient(let input): (input, types[0], types[1])
            case .weightGradient(let weight): (types[0], weight, types[1])
            }
        var axes = SpatialAxis.folded(convolution, x, w, y)
        let depth = axes.count > 2 ? axes.removeFirst() : nil
        let (images, channels, filters) = (x[0], x[1], w[0])
        let (t, o, d) = (depth?.window ?? 1, depth?.output ?? 1, depth?.input ?? 1)
        func shape(_ outer: Int, _ channels: Int, _ extent: (SpatialAxis) -> Int) -> Shape {
            Shape([outer, channels] + axes.map(extent))
        }
        func area(_ extent: (SpatialAxis) -> Int) -> Int { axes.reduce(1) { $0 * extent($1) } }
        var inner = Convolution(
            stride: axes.map(\.stride), padding: axes.flatMap { [$0.before, $0.after] }, dilation: axes.map(\.dilation),
            groups: convolution.groups, activation: convolution.activation)
        let shapes: [Shape]
        let innerResult: Shape
        var (gathers, scatter): ([PlaneGather?], PlaneGather?) = ([nil, nil], nil)
        let gatheredX = depth.map {
            PlaneGather(
                outer: images, channels: channels, source: d, output: o, taps: t, stride: $0.stride, base: -$0.before,
                step: $0.dilation, divisor: 1, plane: area(\.input))
        }
        switch convolution.pass {
        case .forward:
            shapes = [shape(images * o, channels * t, \.input), shape(filters, w[1] * t, \.window)]
            innerResult = shape(images * o, filters, \.output)
            gathers = [gatheredX, nil]
            scatter = depth.map { _ in
                PlaneGather(exchanging: o, with: filters, outer: images, plane: area(\.output))
            }
        case .inputGradient:
            // dy's planes that an input plane went into, and of the weight the taps before the channels.
            innerResult = shape(images * d, channels, \.input)
            shapes = [shape(filters * t, w[1], \.window), shape(images * d, filters * t, \.output)]
            inner.pass = .inputGradient(innerResult)
            gathers = [
                depth.map { _ in PlaneGather(exchanging: w[1], with: t, outer: filters, plane: area(\.window)) },
                depth.map {
                    PlaneGather(
                        outer: images, channels: filters, source: o, output: d, taps: t, stride: 1, base: $0.before,
                        step: -$0.dilation, divisor: $0.stride, plane: area(\.output))
                },
            ]
            scatter = depth.map { _ in PlaneGather(exchanging: d, with: channels, outer: images, plane: area(\.input)) }
        case .weightGradient:
            innerResult = shape(filters, w[1] * t, \.window)
            shapes = [shape(images * o, channels * t, \.input), shape(images * o, filters, \.output)]
            inner.pass = .weightGradient(innerResult)
            gathers = [
                gatheredX,
                depth.map { _ in PlaneGather(exchanging: filters, with: o, outer: images, plane: area(\.output)) },
            ]
        }
        var planar = node
        planar.op = .convolution(inner)
        for (index, shape) in shapes.enumerated() {
            planar.operandTypes[index] = TensorType(shape, node.operandTypes[index].dtype)
        }
        planar.resultTypes = [TensorType(innerResult, node.resultTypes[0].dtype)]
        self.node = planar
        // Planes of which there is one along an exchanged axis stay where they are.
        operands = (gathers + [nil]).prefix(node.operandTypes.count).map { $0.flatMap { $0.isIdentity ? nil : $0 } }
        result = scatter.flatMap { $0.isIdentity ? nil : $0 }
    }
}

/// A movement of whole planes: target `[outer, output, channels, taps, plane]` from source `[outer, channels, source, plane]`.
///
/// Target plane (n, o, c, t) is plane `q / divisor` of channel c, `q = o·stride + base + t·step`, where that is a whole number
/// and there is such a plane, else zeros.
package struct PlaneGather: Hashable, Sendable {
    package var outer: Int
    package var channels: Int
    package var source: Int
    package var output: Int
    package var taps: Int
    package var stride: Int
    package var base: Int
    package var step: Int
    package var divisor: Int
    /// Elements of a plane.
    package var plane: Int
}

extension PlaneGather {
    /// `[outer, rows, columns, plane]` → `[outer, columns, rows, plane]`.
    init(exchanging rows: Int, with columns: Int, outer: Int, plane: Int) {
        self.init(
            outer: outer, channels: rows, source: columns, output: columns, taps: 1, stride: 1, base: 0, step: 0,
            divisor: 1, plane: plane)
    }

    /// Whether source and target are the same bytes.
    var isIdentity: Bool {
        taps == 1 && stride == 1 && base == 0 && divisor == 1 && source == output && (channels == 1 || output == 1)
    }

    package var targetPlanes: Int { outer * output * channels * taps }

    /// The plane of the source that plane `index` of the target is, nil for zeros.
    package func sourcePlane(_ index: Int) -> Int? {
        let (rest, tap) = index.quotientAndRemainder(dividingBy: taps)
        let (above, channel) = rest.quotientAndRemainder(dividingBy: channels)
        let position = above % output * stride + base + tap * step
        guard position >= 0, position % divisor == 0, position / divisor < source else { return nil }
        return (above / output * channels + channel) * source + position / divisor
    }
}

extension SpatialAxis {
    /// As few axes as do, and at least two: plain neighbours together, those of extent 1 left out.
    fileprivate static func folded(_ convolution: Convolution, _ x: Shape, _ w: Shape, _ y: Shape) -> [SpatialAxis] {
        var axes: [SpatialAxis] = []
        for axis in 0..<convolution.axes {
            let next = SpatialAxis(
                input: x[2 + axis], window: w[2 + axis], output: y[2 + axis], stride: convolution.stride[axis],
                before: convolution.padding[2 * axis], after: convolution.padding[2 * axis + 1],
                dilation: convolution.dilation[axis])
            if next.isSingle { continue }
            if next.isPlain, let last = axes.last, last.isPlain {
                axes[axes.count - 1].input *= next.input
                axes[axes.count - 1].output *= next.output
            } else {
                axes.append(next)
            }
        }
        while axes.count < 2 { axes.insert(.single, at: 0) }
        return axes
    }
}
