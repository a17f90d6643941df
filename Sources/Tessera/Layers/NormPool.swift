/// The norm of order p of each window, `(Σ|x|ᵖ)^(1/p)`, of `[n, c, …]` over one to three axes. torch.nn.LPPool1d to LPPool3d, of
/// numbers that are not negative the same.
public struct NormPool<Axes: SpatialAxes>: Layer {
    /// p, at least 1.
    public var order: Int
    /// The extents of a window.
    public var window: PerAxis
    /// From one window to the next.
    public var stride: PerAxis
    /// Whether a last window may reach beyond the end.
    public var ceilingMode: Bool
    private let location: SourceLocation

    /// - Parameters:
    ///   - order: p, at least 1.
    ///   - window: `2`, `[2, 3]`, or `.all(size)` of a variable.
    ///   - stride: the window, where left out.
    public init(
        _ order: Int, _ window: PerAxis, stride: PerAxis? = nil, ceilingMode: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.order = order
        self.window = window
        self.stride = stride ?? window
        self.ceilingMode = ceilingMode
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let name = "NormPool\(Axes.count)D"
        return try pass.graph.at(location) {
            try input.normPool(
                order: order, window: window.numbers(Axes.count, "window", of: name),
                stride: stride.numbers(Axes.count, "stride", of: name), ceilingMode: ceilingMode)
        }
    }
}

/// Norms of windows of `[n, c, w]`. torch.nn.LPPool1d.
public typealias NormPool1D = NormPool<OneAxis>
/// Norms of windows of `[n, c, h, w]`. torch.nn.LPPool2d.
public typealias NormPool2D = NormPool<TwoAxes>
/// Norms of windows of `[n, c, d, h, w]`. torch.nn.LPPool3d.
public typealias NormPool3D = NormPool<ThreeAxes>

/// The maxima of ``MaxPool`` back where they were, zeros elsewhere: `[n, c, p…]` and their indices → `[n, c, …]`.
/// torch.nn.MaxUnpool1d to MaxUnpool3d.
public struct MaxUnpool<Axes: SpatialAxes>: Module {
    /// The extents of the pooling's windows.
    public var window: PerAxis
    /// From one of the pooling's windows to the next.
    public var stride: PerAxis
    /// What the pooling had beyond the ends.
    public var padding: PerAxis
    private let location: SourceLocation

    /// - Parameter stride: the window, where left out. So are the pooling's numbers.
    public init(
        _ window: PerAxis, stride: PerAxis? = nil, padding: PerAxis = 0, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.window = window
        self.stride = stride ?? window
        self.padding = padding
        location = SourceLocation(file: file, line: line)
    }

    /// - Parameters:
    ///   - indices: what ``MaxPool/withIndices(_:_:)`` gave.
    ///   - extents: of what was pooled; `(p - 1)·stride - 2·padding + window` along each axis, where left out.
    public func callAsFunction(
        _ input: Tensor, indices: Tensor, to extents: [Int]? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        let name = "MaxUnpool\(Axes.count)D"
        return try pass.graph.at(location) {
            try checkSpatialAxes(of: input, Axes.count, name)
            let (window, stride, padding) = try (
                window.numbers(Axes.count, "window", of: name), stride.numbers(Axes.count, "stride", of: name),
                padding.numbers(Axes.count, "padding", of: name)
            )
            let fitting = (0..<Axes.count).map { axis in
                input.shape[2 + axis].minus(1).times(stride[axis]).minus(padding[axis].times(2)).plus(window[axis])
            }
            return try input.maxUnpool(indices, to: extents ?? fitting)
        }
    }
}

/// Unpooling to `[n, c, w]`. torch.nn.MaxUnpool1d.
public typealias MaxUnpool1D = MaxUnpool<OneAxis>
/// Unpooling to `[n, c, h, w]`. torch.nn.MaxUnpool2d.
public typealias MaxUnpool2D = MaxUnpool<TwoAxes>
/// Unpooling to `[n, c, d, h, w]`. torch.nn.MaxUnpool3d.
public typealias MaxUnpool3D = MaxUnpool<ThreeAxes>
