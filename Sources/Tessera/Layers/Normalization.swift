/// Normalisation of the last axis with a scale and a bias (Ba et al., 2016). torch.nn.LayerNorm.
public struct LayerNorm: Layer {
    public let weight: Variable
    public let bias: Variable
    public var epsilon: Double
    private let location: SourceLocation

    public init(_ width: Int, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "LayerNorm", at: location) { try .filled(1, [width]) }
        bias = Variable("bias", of: "LayerNorm", at: location) { try .filled(0, [width]) }
        self.epsilon = epsilon
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.layerNorm(scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        }
    }
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
            switch pass.mode {
            case .training: try normalizedByBatch(input, pass)
            case .inference: try normalizedByRunning(input, pass)
            }
        }
    }

    private func normalizedByBatch(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let (normalized, mean, variance) = try input.batchNorm(
            scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        let count = Double(input.shape[0] * input.shape[2] * input.shape[3])
        // Statistics of nothing change nothing.
        guard count > 0 else { return normalized }
        let unbiased = try variance.stoppingGradient() * (count / max(count - 1, 1))
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
