/// Normalisation of the last axis with a scale and a bias (Ba et al., 2016). torch.nn.LayerNorm.
public struct LayerNorm: Layer {
    public let weight: Variable
    public let bias: Variable
    public var epsilon: Double
    private let location: SourceLocation

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
    public let weight: Variable
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
    public let weight: Variable
    public let bias: Variable
    public var groups: Int
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
    public let weight: Variable
    public let bias: Variable
    public var epsilon: Double
    private let location: SourceLocation

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

/// Normalisation of each channel of `[n, c, h, w]` (Ioffe and Szegedy, 2015). torch.nn.BatchNorm2d.
///
/// While training, with the batch's own statistics, which the running ones follow as part of the step:
/// `running = (1 - momentum) · running + momentum · batch`, with the unbiased variance. Otherwise with the running ones.
public struct BatchNorm2D: Layer {
    public let weight: Variable
    public let bias: Variable
    public let runningMean: Variable
    public let runningVariance: Variable
    public var epsilon: Double
    public var momentum: Double
    private let location: SourceLocation

    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        func variable(_ name: String, _ value: Float, isTrainable: Bool = true) -> Variable {
            Variable(name, of: "BatchNorm2D", at: location, isTrainable: isTrainable) { try .filled(value, [channels]) }
        }
        weight = variable("weight", 1)
        bias = variable("bias", 0)
        runningMean = variable("running_mean", 0, isTrainable: false)
        runningVariance = variable("running_var", 1, isTrainable: false)
        self.epsilon = epsilon
        self.momentum = momentum
        self.location = location
    }

    public var members: [LayerMember] {
        [
            .variable("weight", weight), .variable("bias", bias), .variable("running_mean", runningMean),
            .variable("running_var", runningVariance),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try check(input, dtype: pass.read(weight).dtype)
            switch pass.mode {
            case .training: return try normalizedByBatch(input, pass)
            case .inference: return try normalizedByRunning(input, pass)
            }
        }
    }

    private func failure(_ message: String, _ input: Tensor) -> GraphError {
        GraphError(operation: "batchNorm", message: message, operands: [input.type], location: location)
    }

    /// The same in training and inference, since what broadcasts would pass in the latter.
    private func check(_ input: Tensor, dtype: DType) throws {
        let channels = weight.type.shape[0]
        guard input.shape.rank == 4, input.shape[1] == channels else {
            throw failure("the input must be [n, \(channels), h, w], not \(input.shape)", input)
        }
        guard input.dtype == dtype else {
            throw failure("the input must be \(dtype), as the parameters are, not \(input.dtype); cast it", input)
        }
        guard (0..<Double.infinity).contains(epsilon), (0...1).contains(momentum) else {
            throw failure(
                "epsilon must be a number of at least 0 and momentum in 0...1, not \(epsilon) and \(momentum)", input)
        }
    }

    private func normalizedByBatch(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let count = Shape([input.shape[0], input.shape[2], input.shape[3]]).elementCount
        guard count != 1 else {
            throw failure("training needs more than one value a channel, as one alone has no variance", input)
        }
        let (normalized, mean, variance) = try input.batchNorm(
            scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        // Nothing has no statistics to follow.
        guard count > 0 else { return normalized }
        let unbiased = try variance.stoppingGradient() * (Double(count) / Double(count - 1))
        for (variable, batch) in [(runningMean, try mean.stoppingGradient()), (runningVariance, unbiased)] {
            pass.update(variable, to: try pass.latest(variable) * (1 - momentum) + batch * momentum)
        }
        return normalized
    }

    private func normalizedByRunning(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let channels = weight.type.shape[0]
        let scale = try pass.read(weight) * (pass.read(runningVariance) + epsilon).rsqrt()
        let shift = try pass.read(bias) - pass.read(runningMean) * scale
        let broadcast: Shape = [channels, 1, 1]
        return try input * scale.reshaped(to: broadcast) + shift.reshaped(to: broadcast)
    }
}
