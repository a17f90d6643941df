/// AdaGrad (Duchi, Hazan and Singer, 2011). torch.optim.Adagrad.
///
/// With g taken as `g + weightDecay·p`: `sum' = sum + g²`;
/// `p' = p - learningRate / (1 + (step - 1)·learningRateDecay) · g / (sqrt(sum') + ε)`.
public final class AdaGrad: Optimizer {
    public let learningRate: Double
    public let state: OptimizerState
    private let learningRateDecay: Double
    private let weightDecay: Double
    private let initialSum: Double
    private let epsilon: Double

    /// With PyTorch's values where none are given.
    public init(
        learningRate: Double = 1e-2, learningRateDecay: Double = 0, weightDecay: Double = 0, initialSum: Double = 0,
        epsilon: Double = 1e-10
    ) {
        self.learningRate = learningRate
        self.learningRateDecay = learningRateDecay
        self.weightDecay = weightDecay
        self.initialSum = initialSum
        self.epsilon = epsilon
        state = OptimizerState("adagrad", [.filled("sum", with: initialSum)])
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(learningRateDecay, in: 0..<Double.infinity, "the learning rate's decay")
        try step.check(initialSum, in: 0..<Double.infinity, "the initial sum")
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        let g = try step.gradient(decaying: weightDecay)
        let sum = try step.kept("sum") + g.square()
        step.keep("sum", sum)
        let rate = try step.learningRate / ((step.count - 1) * learningRateDecay + 1)
        return try step.parameter - g * rate / (sum.sqrt() + epsilon)
    }
}
