// Layers of windows. What remains of an image or a sequence is a question of numbers alone: none has variables.

/// The maximum of every `window` elements of `[n, c, w]`. torch.nn.MaxPool1d.
public typealias MaxPool1D = MaxPool<OneAxis>
/// The maximum of each `window × window` square of `[n, c, h, w]`. torch.nn.MaxPool2d.
public typealias MaxPool2D = MaxPool<TwoAxes>
/// The maximum of each cube, `window` wide along each axis, of `[n, c, d, h, w]`. torch.nn.MaxPool3d.
public typealias MaxPool3D = MaxPool<ThreeAxes>

/// The mean of every `window` elements of `[n, c, w]`. torch.nn.AvgPool1d.
public typealias AveragePool1D = AveragePool<OneAxis>
/// The mean of each `window × window` square of `[n, c, h, w]`. torch.nn.AvgPool2d.
public typealias AveragePool2D = AveragePool<TwoAxes>
/// The mean of each cube, `window` wide along each axis, of `[n, c, d, h, w]`. torch.nn.AvgPool3d.
public typealias AveragePool3D = AveragePool<ThreeAxes>

/// The maximum of each window, as wide along each of the `Axes` of `[n, c, …]`.
///
/// ``Tensor/maxPool(window:stride:padding:dilation:ceilingMode:file:line:)`` says what the numbers are.
public struct MaxPool<Axes: SpatialAxes>: Layer {
    /// The extents of a window.
    public var window: Int
    /// From one window to the next.
    public var stride: Int
    /// Elements beyond the ends, which are never the greatest.
    public var padding: Int
    /// From one element of a window to the next.
    public var dilation: Int
    /// Whether a last window may reach beyond the end.
    public var ceilingMode: Bool
    private let location: SourceLocation

    /// - Parameter stride: the window, where left out.
    public init(
        _ window: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilingMode: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.window = window
        self.stride = stride ?? window
        self.padding = padding
        self.dilation = dilation
        self.ceilingMode = ceilingMode
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.maxPool(
                window: Axes.each(window), stride: Axes.each(stride), padding: Axes.each((padding, padding)),
                dilation: Axes.each(dilation), ceilingMode: ceilingMode)
        }
    }

    /// The maxima, and where they were, as ``MaxUnpool`` takes it: int32, counted through the spatial axes of a channel. PyTorch's
    /// `return_indices`.
    public func withIndices(_ input: Tensor, _ pass: ForwardPass) throws -> (values: Tensor, indices: Tensor) {
        try pass.graph.at(location) {
            try input.maxPoolWithIndices(
                window: Axes.each(window), stride: Axes.each(stride), padding: Axes.each((padding, padding)),
                dilation: Axes.each(dilation), ceilingMode: ceilingMode)
        }
    }
}

/// The mean of each window, as wide along each of the `Axes` of `[n, c, …]`.
///
/// ``Tensor/averagePool(window:stride:padding:dilation:ceilingMode:countsPadding:file:line:)`` says what the numbers are.
public struct AveragePool<Axes: SpatialAxes>: Layer {
    /// The extents of a window.
    public var window: Int
    /// From one window to the next.
    public var stride: Int
    /// Zeros beyond the ends.
    public var padding: Int
    /// Whether a last window may reach beyond the end.
    public var ceilingMode: Bool
    /// Whether zeros beyond the ends count in the mean.
    public var countsPadding: Bool
    private let location: SourceLocation

    /// - Parameter stride: the window, where left out.
    public init(
        _ window: Int, stride: Int? = nil, padding: Int = 0, ceilingMode: Bool = false, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.window = window
        self.stride = stride ?? window
        self.padding = padding
        self.ceilingMode = ceilingMode
        self.countsPadding = countsPadding
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.averagePool(
                window: Axes.each(window), stride: Axes.each(stride), padding: Axes.each((padding, padding)),
                ceilingMode: ceilingMode, countsPadding: countsPadding)
        }
    }
}

/// The means of so many windows along each axis of `[n, c, …]`, spread over all of it. torch.nn.AdaptiveAvgPool1d to 3d.
public struct AdaptiveAveragePool: Layer {
    /// Windows along each axis, the outermost first.
    public var extents: [Int]
    private let location: SourceLocation

    /// A layer without parameters that gives these extents.
    public init(to extents: [Int], file: StaticString = #fileID, line: UInt = #line) {
        self.extents = extents
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.adaptiveAveragePool(to: extents) }
    }
}

/// The maxima of so many windows along each axis of `[n, c, …]`, spread over all of it. torch.nn.AdaptiveMaxPool1d to 3d.
public struct AdaptiveMaxPool: Layer {
    /// Windows along each axis, the outermost first.
    public var extents: [Int]
    private let location: SourceLocation

    /// A layer without parameters that gives these extents.
    public init(to extents: [Int], file: StaticString = #fileID, line: UInt = #line) {
        self.extents = extents
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.adaptiveMaxPool(to: extents) }
    }
}

/// The mean over all spatial axes of `[n, c, …]`, which stay with extent 1. ONNX GlobalAveragePool.
public struct GlobalAveragePool: Layer {
    private let location: SourceLocation

    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) {
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.globalAveragePool() }
    }
}

/// The maximum over all spatial axes of `[n, c, …]`, which stay with extent 1. ONNX GlobalMaxPool.
public struct GlobalMaxPool: Layer {
    private let location: SourceLocation

    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) {
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.globalMaxPool() }
    }
}
