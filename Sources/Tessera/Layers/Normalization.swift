/// Normalisation of the last axis with a scale and a bias (Ba et al., 2016). torch.nn.LayerNorm.
public struct LayerNorm: Layer {
    /// The scale, `[width]`; begins as ones.
    public let weight: Variable
    /// The shift, `[width]`; begins as zeros.
    public let bias: Variable
    /// What is added to the variance.
    public var epsilon: Double
    private let location: SourceLocation

    /// A layer over a last axis of `width` elements.
    public init(_ width: Int, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = scaleAndBias(of: "LayerNorm", width, location)
        self.epsilon = epsilon
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.layerNorm(scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        }
    }
}

/// Normalisation of the last axis to a mean square of 1, with a scale (Zhang and Sennrich, 2019). torch.nn.RMSNorm.
public struct RMSNorm: Layer {
    /// The scale, `[width]`; begins as ones.
    public let weight: Variable
    /// What is added to the mean square.
    public var epsilon: Double
    private let location: SourceLocation

    /// - Parameter epsilon: by default the spacing of float32 numbers at 1, as in PyTorch.
    public init(_ width: Int, epsilon: Double = 0x1p-23, file: StaticString = #fileID, line: UInt = #line) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "RMSNorm", at: location) { try .filled(1, [width]) }
        self.epsilon = epsilon
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.rmsNorm(scale: pass.read(weight), epsilon: epsilon) }
    }
}

/// Normalisation of groups of neighbouring channels of each example of `[n, c, …]`, with a scale and a bias for each channel
/// (Wu and He, 2018). torch.nn.GroupNorm.
public struct GroupNorm: Layer {
    /// The scale, `[channels]`; begins as ones.
    public let weight: Variable
    /// The shift, `[channels]`; begins as zeros.
    public let bias: Variable
    /// Into how many groups the channels are parted.
    public var groups: Int
    /// What is added to the variance.
    public var epsilon: Double
    private let location: SourceLocation

    /// - Parameter groups: how many; divides the channels, or the layer throws when it is first used.
    public init(
        _ groups: Int, channels: Int, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = scaleAndBias(of: "GroupNorm", channels, location)
        self.groups = groups
        self.epsilon = epsilon
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.groupNorm(groups: groups, scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        }
    }
}

/// Normalisation of each channel of each example of `[n, c, …]` by itself, with a scale and a bias for each channel (Ulyanov
/// et al., 2016). torch.nn.InstanceNorm1d to 3d with `affine=True`.
public struct InstanceNorm: Layer {
    /// The scale, `[channels]`; begins as ones.
    public let weight: Variable
    /// The shift, `[channels]`; begins as zeros.
    public let bias: Variable
    /// What is added to the variance.
    public var epsilon: Double
    private let location: SourceLocation

    /// A layer over so many channels.
    public init(_ channels: Int, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line) {
        let location = SourceLocation(file: file, line: line)
        (weight, bias) = scaleAndBias(of: "InstanceNorm", channels, location)
        self.epsilon = epsilon
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.instanceNorm(scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        }
    }
}

/// What a normalisation of so many features begins with: weight 1 and bias 0.
private func scaleAndBias(
    of layer: String, _ features: Int, _ location: SourceLocation
) -> (weight: Variable, bias: Variable) {
    (
        Variable("weight", of: layer, at: location) { try .filled(1, [features]) },
        Variable("bias", of: layer, at: location) { try .filled(0, [features]) }
    )
}
