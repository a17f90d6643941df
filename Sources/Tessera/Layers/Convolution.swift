/// A convolution (cross-correlation) of `[n, inputs, …]` to `[n, outputs, …]` over one to three spatial axes. torch.nn.Conv1d
/// to Conv3d.
///
/// `weight` `[outputs, inputs/groups, kernel…]` and `bias` `[outputs]` begin uniform within ±1/√fan-in, as PyTorch's. With as
/// many groups as inputs it is depthwise; ``SeparableConv`` adds the products over channels.
public struct Conv<Axes: SpatialAxes>: Layer {
    /// `[outputs, inputs/groups, kernel…]`
    public let weight: Variable
    /// `[outputs]`; `nil` where there is none.
    public let bias: Variable?
    /// From one window to the next.
    public var stride: PerAxis
    /// Elements beyond the ends of each axis.
    public var padding: ConvolutionPadding
    /// From one element of a window to the next.
    public var dilation: PerAxis
    /// Parts of the channels that do not see each other.
    public var groups: Int
    /// What stands in the padding.
    public var paddingMode: PaddingMode
    private let kernel: PerAxis
    private let location: SourceLocation

    private static var name: String { "Conv\(Axes.count)D" }

    /// - Parameters:
    ///   - kernel: the extents of the window: `3`, `[3, 5]`, or `.all(size)` of a variable. So are stride and dilation.
    ///   - padding: elements beyond the ends: `1` or `[1, 2]` at both, `.explicit([(0, 1), (1, 2)])`, `.same` or `.valid`.
    ///   - paddingMode: zeros, or as PyTorch's `padding_mode`: reflect, edge (`replicate`), wrap (`circular`).
    ///   - groups: must divide inputs and outputs; the graph says so otherwise.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: PerAxis, stride: PerAxis = 1, padding: ConvolutionPadding = 0,
        dilation: PerAxis = 1, groups: Int = 1, paddingMode: PaddingMode = .constant(0), hasBias: Bool = true,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = convolutionVariables(
            of: Self.name, axes: Axes.count, outputs, inputs / max(groups, 1), outputs, kernel, hasBias, random,
            location)
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.paddingMode = paddingMode
        self.location = location
    }

    public var members: [LayerMember] { convolutionMembers(weight, bias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let weight = try pass.read(weight)
            try checkSpatialAxes(of: input, Axes.count, Self.name)
            let extents = Array(input.shape.dimensions.dropFirst(2))
            let (stride, dilation) = try (
                stride.numbers(Axes.count, "stride", of: Self.name),
                dilation.numbers(Axes.count, "dilation", of: Self.name)
            )
            let padding = try padding.resolved(
                extents, kernel: kernel.numbers(Axes.count, "kernel", of: Self.name), stride: stride,
                dilation: dilation, of: Self.name)
            let isZeros = paddingMode == .constant(0)
            let padded =
                try isZeros || padding.allSatisfy { $0 == (0, 0) }
                ? input
                : input.padded(
                    before: [0, 0] + padding.map(\.before), after: [0, 0] + padding.map(\.after), mode: paddingMode)
            return try padded.convolution(
                weight, bias: bias.map { try pass.read($0) }, stride: stride, padding: isZeros ? padding : nil,
                dilation: dilation, groups: groups)
        }
    }
}

/// A convolution of `[n, inputs, w]`. torch.nn.Conv1d.
public typealias Conv1D = Conv<OneAxis>
/// A convolution of `[n, inputs, h, w]`. torch.nn.Conv2d.
public typealias Conv2D = Conv<TwoAxes>
/// A convolution of `[n, inputs, d, h, w]`. torch.nn.Conv3d.
public typealias Conv3D = Conv<ThreeAxes>

/// The transposed convolution of `[n, inputs, …]` to `[n, outputs, …]` over one to three spatial axes, which undoes the strides
/// of ``Conv``. torch.nn.ConvTranspose1d to ConvTranspose3d.
///
/// Along each axis `h = (p - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1`. `weight` `[inputs,
/// outputs/groups, kernel…]` and `bias` `[outputs]` begin uniform within ±1/√(outputs/groups · kernel…), as PyTorch's.
public struct ConvTransposed<Axes: SpatialAxes>: Layer {
    /// `[inputs, outputs/groups, kernel…]`
    public let weight: Variable
    /// `[outputs]`; `nil` where there is none.
    public let bias: Variable?
    /// From one window of the output to the next.
    public var stride: PerAxis
    /// What the output loses at either end.
    public var padding: PerAxis
    /// What the output gains at the far end.
    public var outputPadding: PerAxis
    /// From one element of a window to the next.
    public var dilation: PerAxis
    /// Parts of the channels that do not see each other.
    public var groups: Int
    private let location: SourceLocation

    private static var name: String { "ConvTransposed\(Axes.count)D" }

    /// - Parameters:
    ///   - padding: what the output loses at either end.
    ///   - outputPadding: what it gains at the far end; less than the stride.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: PerAxis, stride: PerAxis = 1, padding: PerAxis = 0,
        outputPadding: PerAxis = 0, dilation: PerAxis = 1, groups: Int = 1, hasBias: Bool = true,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = convolutionVariables(
            of: Self.name, axes: Axes.count, inputs, outputs / max(groups, 1), outputs, kernel, hasBias, random,
            location)
        self.stride = stride
        self.padding = padding
        self.outputPadding = outputPadding
        self.dilation = dilation
        self.groups = groups
        self.location = location
    }

    public var members: [LayerMember] { convolutionMembers(weight, bias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let weight = try pass.read(weight)
            try checkSpatialAxes(of: input, Axes.count, Self.name)
            func numbers(_ numbers: PerAxis, _ meaning: String) throws -> [Int] {
                try numbers.numbers(Axes.count, meaning, of: Self.name)
            }
            return try input.convolutionTransposed(
                weight, bias: bias.map { try pass.read($0) }, stride: numbers(stride, "stride"),
                padding: numbers(padding, "padding"), outputPadding: numbers(outputPadding, "the output's padding"),
                dilation: numbers(dilation, "dilation"), groups: groups)
        }
    }
}

/// A transposed convolution of `[n, inputs, w]`. torch.nn.ConvTranspose1d.
public typealias ConvTransposed1D = ConvTransposed<OneAxis>
/// A transposed convolution of `[n, inputs, h, w]`. torch.nn.ConvTranspose2d.
public typealias ConvTransposed2D = ConvTransposed<TwoAxes>
/// A transposed convolution of `[n, inputs, d, h, w]`. torch.nn.ConvTranspose3d.
public typealias ConvTransposed3D = ConvTransposed<ThreeAxes>

/// A convolution of each channel by itself, and one of a single place that mixes the channels: far fewer products than ``Conv``
/// has (Chollet, Xception, 2017).
public struct SeparableConv<Axes: SpatialAxes>: Layer {
    /// `[n, inputs, …]` → `[n, inputs·multiplier, …]`
    public let depthwise: Conv<Axes>
    /// `[n, inputs·multiplier, …]` → `[n, outputs, …]`
    public let pointwise: Conv<Axes>

    /// - Parameter multiplier: what becomes of a channel before they are mixed.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: PerAxis, stride: PerAxis = 1, padding: ConvolutionPadding = 0,
        dilation: PerAxis = 1, multiplier: Int = 1, hasBias: Bool = true, _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let inner = inputs.times(multiplier)
        depthwise = Conv(
            inputs, inner, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: inputs,
            hasBias: false, random, file: file, line: line)
        pointwise = Conv(inner, outputs, kernel: 1, hasBias: hasBias, random, file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pointwise(depthwise(input, pass), pass)
    }
}

/// A separable convolution of `[n, inputs, w]`.
public typealias SeparableConv1D = SeparableConv<OneAxis>
/// A separable convolution of `[n, inputs, h, w]`.
public typealias SeparableConv2D = SeparableConv<TwoAxes>
/// A separable convolution of `[n, inputs, d, h, w]`.
public typealias SeparableConv3D = SeparableConv<ThreeAxes>

/// Weight `[first, second, kernel…]` and bias `[outputs]`, uniform within ±1/√fan-in, which is what PyTorch takes it for: all of
/// the weight's elements behind the first axis.
private func convolutionVariables(
    of layer: String, axes: Int, _ first: Int, _ second: Int, _ outputs: Int, _ kernel: PerAxis, _ hasBias: Bool,
    _ random: RandomSource, _ location: SourceLocation
) -> (weight: Variable, bias: Variable?) {
    func variable(_ name: String, _ shape: @escaping ([Int]) -> Shape) -> Variable {
        Variable(name, of: layer, at: location) {
            let window = [second] + (try kernel.numbers(axes, "kernel", of: layer))
            let bound = 1 / Float(max(window.reduce(1) { $0.times($1) }, 1)).squareRoot()
            return try random.uniform(shape(window), bound: bound)
        }
    }
    return (variable("weight") { Shape([first] + $0) }, hasBias ? variable("bias") { _ in [outputs] } : nil)
}

private func convolutionMembers(_ weight: Variable, _ bias: Variable?) -> [LayerMember] {
    [.variable("weight", weight)] + (bias.map { [.variable("bias", $0)] } ?? [])
}

/// An input with batch, channels and so many spatial axes.
func checkSpatialAxes(of input: Tensor, _ axes: Int, _ layer: String) throws(GraphError) {
    guard input.shape.rank == axes + 2 else {
        throw GraphError(
            operation: layer,
            message: "the input must be [n, c, \(SpatialLimits.axisNames(axes))], not \(input.shape)",
            operands: [input.type])
    }
}
