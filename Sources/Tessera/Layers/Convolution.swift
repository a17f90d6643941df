/// A one-dimensional convolution of `[n, inputs, w]` to `[n, outputs, q]`. torch.nn.Conv1d.
///
/// `weight` `[outputs, inputs/groups, kernel]` and `bias` `[outputs]` begin uniform within ±1/√fan-in, as
/// PyTorch's.
public struct Conv1D: Layer {
    public let weight: Variable
    public let bias: Variable?
    public var stride: Int
    public var padding: Int
    public var dilation: Int
    public var groups: Int
    private let location: SourceLocation

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
        groups: Int = 1, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = convolutionVariables(
            of: "Conv1D", axes: 1, inputs, outputs, kernel: kernel, groups: groups, hasBias: hasBias, random, location)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.location = location
    }

    public var members: [LayerMember] { convolutionMembers(weight, bias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.conv1D(
                pass.read(weight), bias: bias.map { try pass.read($0) }, stride: stride, padding: padding,
                dilation: dilation, groups: groups)
        }
    }
}

/// A two-dimensional convolution of `[n, inputs, h, w]` to `[n, outputs, p, q]`. torch.nn.Conv2d.
///
/// `weight` `[outputs, inputs/groups, kernel, kernel]` and `bias` `[outputs]` begin uniform within ±1/√fan-in, as
/// PyTorch's.
public struct Conv2D: Layer {
    public let weight: Variable
    public let bias: Variable?
    public var stride: Int
    public var padding: Int
    public var dilation: Int
    public var groups: Int
    private let location: SourceLocation

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
        groups: Int = 1, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = convolutionVariables(
            of: "Conv2D", axes: 2, inputs, outputs, kernel: kernel, groups: groups, hasBias: hasBias, random, location)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.location = location
    }

    public var members: [LayerMember] { convolutionMembers(weight, bias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.conv2D(
                pass.read(weight), bias: bias.map { try pass.read($0) }, stride: stride, padding: padding,
                dilation: dilation, groups: groups)
        }
    }
}

/// A three-dimensional convolution of `[n, inputs, d, h, w]` to `[n, outputs, o, p, q]`. torch.nn.Conv3d.
///
/// `weight` `[outputs, inputs/groups, kernel, kernel, kernel]` and `bias` `[outputs]` begin uniform within ±1/√fan-in, as
/// PyTorch's.
public struct Conv3D: Layer {
    public let weight: Variable
    public let bias: Variable?
    public var stride: Int
    public var padding: Int
    public var dilation: Int
    public var groups: Int
    private let location: SourceLocation

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
        groups: Int = 1, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = convolutionVariables(
            of: "Conv3D", axes: 3, inputs, outputs, kernel: kernel, groups: groups, hasBias: hasBias, random, location)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.location = location
    }

    public var members: [LayerMember] { convolutionMembers(weight, bias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.conv3D(
                pass.read(weight), bias: bias.map { try pass.read($0) }, stride: stride, padding: padding,
                dilation: dilation, groups: groups)
        }
    }
}

/// What a convolution over so many axes begins with: weight `[outputs, inputs/groups, kernel, …]` and bias `[outputs]`, uniform
/// within ±1/√fan-in.
private func convolutionVariables(
    of layer: String, axes: Int, _ inputs: Int, _ outputs: Int, kernel: Int, groups: Int, hasBias: Bool,
    _ random: RandomSource, _ location: SourceLocation
) -> (weight: Variable, bias: Variable?) {
    let window = [inputs / max(groups, 1)] + [Int](repeating: kernel, count: axes)
    let bound = 1 / Float(max(window.reduce(1) { $0.times($1) }, 1)).squareRoot()
    func variable(_ name: String, _ shape: Shape) -> Variable {
        Variable(name, of: layer, at: location) { try random.uniform(shape, bound: bound) }
    }
    return (variable("weight", Shape([outputs] + window)), hasBias ? variable("bias", [outputs]) : nil)
}

private func convolutionMembers(_ weight: Variable, _ bias: Variable?) -> [LayerMember] {
    [.variable("weight", weight)] + (bias.map { [.variable("bias", $0)] } ?? [])
}
