/// RMSprop (Tieleman and Hinton, 2012), centered as of Graves (2013). torch.optim.RMSprop.
///
/// With g taken as `g + weightDecay·p`: `square' = α·square + (1-α)·g²`; centered, `mean' = α·mean + (1-α)·g` and the
/// variance `square' - mean'²` takes the place of square'; `velocity' = momentum·velocity + g / (sqrt(square') + ε)`;
/// `p' = p - learningRate · velocity'`.
public final class RMSprop: Optimizer {
    public let learningRate: Double
    public let state: OptimizerState
    private let alpha: Double
    private let epsilon: Double
    private let weightDecay: Double
    private let momentum: Double
    private let isCentered: Bool

    /// With PyTorch's values where none are given.
    public init(
        learningRate: Double = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0,
        momentum: Double = 0, isCentered: Bool = false
    ) {
        self.learningRate = learningRate
        self.alpha = alpha
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.momentum = momentum
        self.isCentered = isCentered
        state = OptimizerState(
            "rmsprop",
            [.zeros("square")] + (isCentered ? [.zeros("mean")] : []) + (momentum == 0 ? [] : [.zeros("velocity")]))
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(alpha, in: 0..<1, "alpha")
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        try step.check(momentum, in: 0..<Double.infinity, "the momentum")
        let g = try step.gradient(decaying: weightDecay)
        let square = try step.kept("square") * alpha + g * (1 - alpha) * g
        step.keep("square", square)
        var spread = square
        if isCentered {
            let mean = try step.kept("mean") * alpha + g * (1 - alpha)
            step.keep("mean", mean)
            // Of equal gradients rounding leaves less than nothing.
            spread = try (square - mean.square()).relu()
        }
        let direction = try g / (spread.sqrt() + epsilon)
        guard momentum != 0 else { return try step.parameter - direction * step.learningRate }
        let velocity = try step.kept("velocity") * momentum + direction
        step.keep("velocity", velocity)
        return try step.parameter - velocity * step.learningRate
    }
}
