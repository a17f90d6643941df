/// The maximum, mean or norm of windows over one to three spatial axes, and their gradients.
///
/// x `[n, c, w]`, `[n, c, h, w]` or `[n, c, d, h, w]` → y `[n, c, p…]`. ``SpatialAxis`` draws the windows of an axis.
/// - Maximum: padding never wins; NaN does. Of equal ones the first in row-major order is taken, the first NaN over all.
/// - Average: the sum by the number of elements. Padding counts as zeros where it `countsPadding`, as far as it goes: what a
///   last window has beyond it, where their number is rounded up, never counts.
/// - Norm of order p: `(Σ|x|ᵖ)^(1/p)`, computed without overflow.
/// ONNX MaxPool, AveragePool, LpPool; torch.nn.functional.max_pool1d to adaptive_avg_pool3d.
package struct Pooling: Hashable, Sendable {
    package enum Function: Hashable, Sendable {
        case maximum
        case average(countsPadding: Bool)
        case norm(Int)
    }

    /// Which elements an output is of.
    package enum Windows: Hashable, Sendable {
        case strided(StridedWindows)
        /// So many along each axis, spread over all of it: window p of q is positions `⌊p·h/q⌋ ..< ⌈(p+1)·h/q⌉`.
        case adaptive([Int])
    }

    /// What is computed: y, or what x receives of dy, which has y's shape.
    package enum Pass: Hashable, Sendable {
        /// x → y.
        case forward
        /// x → y and, of each maximum, where in `[d·h·w]` it was, int32.
        case forwardWithIndices
        /// x, dy → dx of this shape for a maximum: each dy goes to the element that was taken. dy → dx for an average.
        /// x, y, dy → dx for a norm: `sign(x) (|x|/y)^(p-1) dy`, 0 where y is 0.
        case gradient(Shape)
    }

    package var function: Function
    package var windows: Windows
    package var pass: Pass

    package init(_ function: Function, _ windows: Windows, pass: Pass = .forward) {
        self.function = function
        self.windows = windows
        self.pass = pass
    }

    package init(
        _ function: Function, window: [Int], stride: [Int]? = nil, padding: [Int]? = nil, dilation: [Int]? = nil,
        roundsUp: Bool = false
    ) {
        self.init(
            function,
            .strided(
                StridedWindows(
                    window: window, stride: stride, padding: padding, dilation: dilation, roundsUp: roundsUp)))
    }

    /// The same pooling's other passes.
    package func with(_ pass: Pass) -> Pooling { Pooling(function, windows, pass: pass) }

    /// The number of spatial axes.
    package var axes: Int {
        switch windows {
        case .strided(let strided): strided.window.count
        case .adaptive(let extents): extents.count
        }
    }
}

/// Windows of one size at equal distances. By axis, the outermost first.
package struct StridedWindows: Hashable, Sendable {
    package var window: [Int]
    package var stride: [Int]
    /// Before and after the first axis, before and after the second, …; each less than what the window spans.
    package var padding: [Int]
    package var dilation: [Int]
    /// Whether a last window that is not wholly inside input and padding is there too: the ceiling mode of PyTorch and ONNX.
    package var roundsUp: Bool

    /// - Parameter stride: the window, where left out.
    package init(
        window: [Int], stride: [Int]? = nil, padding: [Int]? = nil, dilation: [Int]? = nil, roundsUp: Bool = false
    ) {
        self.window = window
        self.stride = stride ?? window
        self.padding = padding ?? [Int](repeating: 0, count: 2 * window.count)
        self.dilation = dilation ?? [Int](repeating: 1, count: window.count)
        self.roundsUp = roundsUp
    }
}

extension StridedWindows {
    /// The axes over an input with these spatial extents, or what is wrong with them.
    func spatialAxes(_ extents: [Int]) throws -> [SpatialAxis] {
        guard stride.count == window.count, dilation.count == window.count, padding.count == 2 * window.count else {
            throw ShapeError("needs a stride and a dilation for each axis, and a padding for each of their ends")
        }
        let numbers = window + stride + dilation
        guard numbers.allSatisfy({ $0 >= 1 }),
            padding.indices.allSatisfy({
                padding[$0] >= 0 && padding[$0] <= dilation[$0 / 2].times(window[$0 / 2] - 1)
            })
        else { throw ShapeError("windows, strides and dilations must be at least 1 and paddings less than the window") }
        guard (numbers + padding).allSatisfy({ $0 < SpatialLimits.largestNumber }) else {
            throw ShapeError(
                "windows, strides, dilations and paddings must be less than \(SpatialLimits.largestNumber)")
        }
        return try window.indices.map { axis in
            let (before, after) = (padding[2 * axis], padding[2 * axis + 1])
            let output = SpatialAxis.windows(
                input: extents[axis], window: window[axis], stride: stride[axis], before: before, after: after,
                dilation: dilation[axis], roundsUp: roundsUp)
            guard let output else {
                throw ShapeError("the window \(Shape(window)) does not fit into the padded input \(Shape(extents))")
            }
            let found = SpatialAxis(
                input: extents[axis], window: window[axis], output: output, stride: stride[axis], before: before,
                after: after, dilation: dilation[axis])
            guard found.input == 0 || !found.hasWindowOfPadding else {
                throw ShapeError(
                    "a window \(Shape(window)) with dilations \(Shape(dilation)) would be of nothing but padding")
            }
            return found
        }
    }
}

extension SpatialAxis {
    /// Whether a window's taps all step over the input, which takes a dilation beyond its extent.
    fileprivate var hasWindowOfPadding: Bool {
        guard dilation > input else { return false }
        // Those that begin at or after 0 begin inside.
        return (0..<min(output, before / stride + 1)).contains { p in
            let start = p * stride - before
            let steps = max(-start, 0).dividedRoundingUp(by: dilation)
            return steps >= window || start + steps * dilation >= input
        }
    }

    /// An axis of adaptive pooling as one of equal windows, where it is one.
    init?(input: Int, adaptiveTo output: Int) {
        if input % output == 0 {
            self.init(input: input, window: input / output, output: output, stride: input / output)
        } else {
            return nil
        }
    }
}

extension Pooling {
    /// The shape of y for an input, or what is wrong with it.
    func outputShape(_ x: Shape) throws -> Shape {
        guard (1...SpatialLimits.mostAxes).contains(axes) else {
            throw ShapeError("needs windows along one to three axes, not \(axes)")
        }
        guard x.rank == axes + 2 else {
            throw ShapeError("the input must be [n, c, \(SpatialLimits.axisNames(axes))], not \(x)")
        }
        if case .norm(let order) = function, !(1..<SpatialLimits.largestNumber).contains(order) {
            throw ShapeError("the order of a norm must be at least 1 and below \(SpatialLimits.largestNumber)")
        }
        let extents = Array(x.dimensions[2...])
        let outputs: [Int]
        var work = x[0].times(x[1])
        switch windows {
        case .strided(let strided):
            let found = try strided.spatialAxes(extents)
            outputs = found.map(\.output)
            for axis in found { work = work.times(axis.output).times(min(axis.window, axis.input)) }
        case .adaptive(let adaptive):
            guard adaptive.allSatisfy({ $0 >= 1 }) else {
                throw ShapeError("needs at least one window along each axis")
            }
            guard extents.allSatisfy({ $0 >= 1 }) else {
                throw ShapeError("there is nothing to spread windows over in \(x)")
            }
            outputs = adaptive
            for (output, input) in zip(adaptive, extents) { work = work.times(output.plus(input)).times(2) }
        }
        let shape = Shape([x[0], x[1]] + outputs)
        try ShapeRule(operands: []).countable(shape)
        try ShapeRule(operands: []).countable(work: work)
        return shape
    }
}

extension ShapeRule {
    package func pooling(_ attributes: Pooling) throws -> [TensorType] {
        switch attributes.pass {
        case .forward, .forwardWithIndices:
            try count(1)
            try floating()
            let x = operands[0]
            let y = TensorType(try attributes.outputShape(x.shape), x.dtype)
            guard attributes.function == .maximum else {
                try require(attributes.pass == .forward, "only maxima have indices")
                return [y]
            }
            try require(
                x.shape.elementCount > 0 || y.shape.elementCount == 0,
                "there is nothing in a window on \(x.shape), and so no maximum")
            guard attributes.pass == .forwardWithIndices else { return [y] }
            try require(
                x.shape.dimensions[2...].reduce(1) { $0.times($1) } <= Int(Int32.max),
                "\(x.shape) has more elements a channel than int32 indices count")
            return [y, TensorType(y.shape, .int32)]
        case .gradient(let input):
            let others =
                switch attributes.function {
                case .average: 0
                case .maximum: 1
                case .norm: 2
                }
            try count(others + 1)
            try floating()
            try countable(input)
            let y = try attributes.outputShape(input)
            if others >= 1 { try shape(0, input, "the input") }
            if others >= 2 { try shape(1, y, "the norm") }
            try shape(others, y, "the cotangent")
            return [TensorType(input, operands[0].dtype)]
        }
    }
}

extension TraitsRule {
    package func pooling(_ attributes: Pooling) -> OpTraits {
        let isGradient = if case .gradient = attributes.pass { true } else { false }
        let (kind, function, empty): (OpKind, String, Double) =
            switch attributes.function {
            case .maximum: (isGradient ? .maxPoolGradient : .maxPool, "maxPool", 0)
            case .average(let countsPadding):
                (isGradient ? .averagePoolGradient : .averagePool, "averagePool", countsPadding ? 0 : .nan)
            case .norm: (isGradient ? .normPoolGradient : .normPool, "normPool", 0)
            }
        var name = function
        if case .adaptive = attributes.windows {
            name = "adaptive" + function.prefix(1).uppercased() + function.dropFirst()
        }
        return OpTraits(
            kind, name: "\(name)\(attributes.axes)D\(isGradient ? "Gradient" : "")", .computation,
            overEmptyOperands: .fill(isGradient ? 0 : empty), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func pooling(_ attributes: Pooling) throws -> [Tensor?] {
        if case .gradient = attributes.pass { return try poolingGradient(attributes) }
        if attributes.pass == .forwardWithIndices { try requireNoCotangent(1, "the indices of a maximum") }
        let x = operands[0]
        let gradient = Op.pooling(attributes.with(.gradient(x.shape)))
        let others: [Tensor] =
            switch attributes.function {
            case .maximum: [x]
            case .average: []
            case .norm: [x, results[0]]
            }
        return [try graph.add(gradient, others + [try cotangent()])[0]]
    }

    /// Of the gradient, which is linear in dy.
    private func poolingGradient(_ attributes: Pooling) throws -> [Tensor?] {
        switch attributes.function {
        case .average: return [try graph.add(.pooling(attributes.with(.forward)), [try cotangent()])[0]]
        case .norm: throw noGradient()
        case .maximum:
            let (x, dy) = (operands[0], operands[1])
            let indices = try graph.add(.pooling(attributes.with(.forwardWithIndices)), [x])[1]
            func flattened(_ tensor: Tensor) throws -> Tensor {
                try tensor.reshaped(to: [x.shape[0], x.shape[1], tensor.shape.dimensions[2...].reduce(1, *)])
            }
            let planes = try flattened(cotangent())
            let taken = try graph.add(.gather(Gather(axis: 2, form: .elements)), [planes, flattened(indices)])[0]
            return [nil, try taken.reshaped(to: dy.shape)]
        }
    }
}
