// Layers of windows. What remains of an image or a sequence is a question of numbers alone: none has variables.

/// The maximum of every `window` elements of `[n, c, w]`. torch.nn.MaxPool1d.
///
/// ``Tensor/maxPool1D(window:stride:padding:dilation:ceilingMode:file:line:)`` says what the numbers are.
public struct MaxPool1D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var dilation: Int
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
            try input.maxPool1D(
                window: window, stride: stride, padding: padding, dilation: dilation, ceilingMode: ceilingMode)
        }
    }
}

/// The maximum of each `window × window` square of `[n, c, h, w]`. torch.nn.MaxPool2d.
///
/// ``Tensor/maxPool2D(window:stride:padding:dilation:ceilingMode:file:line:)`` says what the numbers are.
public struct MaxPool2D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var dilation: Int
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
            try input.maxPool2D(
                window: window, stride: stride, padding: padding, dilation: dilation, ceilingMode: ceilingMode)
        }
    }
}

/// The maximum of each cube, `window` wide along each axis, of `[n, c, d, h, w]`. torch.nn.MaxPool3d.
///
/// ``Tensor/maxPool3D(window:stride:padding:dilation:ceilingMode:file:line:)`` says what the numbers are.
public struct MaxPool3D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var dilation: Int
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
            try input.maxPool3D(
                window: window, stride: stride, padding: padding, dilation: dilation, ceilingMode: ceilingMode)
        }
    }
}

/// The mean of every `window` elements of `[n, c, w]`. torch.nn.AvgPool1d.
///
/// ``Tensor/averagePool1D(window:stride:padding:ceilingMode:countsPadding:file:line:)`` says what the numbers are.
public struct AveragePool1D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var ceilingMode: Bool
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
            try input.averagePool1D(
                window: window, stride: stride, padding: padding, ceilingMode: ceilingMode,
                countsPadding: countsPadding)
        }
    }
}

/// The mean of each `window × window` square of `[n, c, h, w]`. torch.nn.AvgPool2d.
///
/// ``Tensor/averagePool2D(window:stride:padding:ceilingMode:countsPadding:file:line:)`` says what the numbers are.
public struct AveragePool2D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var ceilingMode: Bool
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
            try input.averagePool2D(
                window: window, stride: stride, padding: padding, ceilingMode: ceilingMode,
                countsPadding: countsPadding)
        }
    }
}

/// The mean of each cube, `window` wide along each axis, of `[n, c, d, h, w]`. torch.nn.AvgPool3d.
///
/// ``Tensor/averagePool3D(window:stride:padding:ceilingMode:countsPadding:file:line:)`` says what the numbers are.
public struct AveragePool3D: Layer {
    public var window: Int
    public var stride: Int
    public var padding: Int
    public var ceilingMode: Bool
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
            try input.averagePool3D(
                window: window, stride: stride, padding: padding, ceilingMode: ceilingMode,
                countsPadding: countsPadding)
        }
    }
}

/// The means of so many windows along each axis of `[n, c, …]`, spread over all of it. torch.nn.AdaptiveAvgPool1d to 3d.
public struct AdaptiveAveragePool: Layer {
    /// Windows along each axis, the outermost first.
    public var extents: [Int]
    private let location: SourceLocation

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

    public init(file: StaticString = #fileID, line: UInt = #line) {
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.globalMaxPool() }
    }
}
