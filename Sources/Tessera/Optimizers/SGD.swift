/// Stochastic gradient descent, with momentum and Nesterov's variant of it. torch.optim.SGD.
///
/// With g taken as `g + weightDecay·p`: `velocity' = momentum·velocity + (1 - dampening)·g`, g undamped at the first
/// step; `p' = p - learningRate · (isNesterov ? g + momentum·velocity' : velocity')`.
public final class SGD: Optimizer {
    public let learningRate: Double
    public let state: OptimizerState
    private let momentum: Double
    private let dampening: Double
    private let isNesterov: Bool
    private let weightDecay: Double

    /// With PyTorch's values where none are given.
    public init(
        learningRate: Double, momentum: Double = 0, dampening: Double = 0, isNesterov: Bool = false,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.dampening = dampening
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
        state = OptimizerState("sgd", momentum == 0 ? [] : [.zeros("velocity")])
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(momentum, in: 0..<Double.infinity, "the momentum")
        guard dampening.isFinite else { throw step.failure("the dampening must be a number, not \(dampening)") }
        guard !isNesterov || momentum != 0 && dampening == 0 else {
            throw step.failure("Nesterov's variant needs a momentum above 0 and no dampening")
        }
        let g = try step.gradient(decaying: weightDecay)
        guard momentum != 0 else { return try step.parameter - g * step.learningRate }
        var share = g
        if dampening != 0 {
            let isLater = try step.count.greater(than: 1).cast(to: g.dtype)
            share = try g * (1 - isLater * dampening)
        }
        let velocity = try step.kept("velocity") * momentum + share
        step.keep("velocity", velocity)
        return try step.parameter - (isNesterov ? g + velocity * momentum : velocity) * step.learningRate
    }
}
