/// Adam with Nesterov's momentum (Dozat, 2016). torch.optim.NAdam.
///
/// With m' and v' as of ``Adam``, `μₜ = β₁·(1 - 0.96^(t·momentumDecay) / 2)` and Π the product of all μ so far:
/// `p' = p - learningRate · (μₜ₊₁·m' / (1 - Π·μₜ₊₁) + (1 - μₜ)·g / (1 - Π)) / (sqrt(v' / (1-β₂ᵗ)) + ε)`.
public final class NAdam: Optimizer {
    public let learningRate: Double
    public let state = OptimizerState("nadam", [.zeros("first"), .zeros("second"), .scalar("product", initially: 1)])
    private let (beta1, beta2): (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecoupled: Bool
    private let momentumDecay: Double

    /// - Parameter isDecoupled: whether weight decay acts on the parameter itself and not through the gradient.
    public init(
        learningRate: Double = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0, isDecoupled: Bool = false, momentumDecay: Double = 4e-3
    ) {
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
        self.momentumDecay = momentumDecay
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        try step.check(momentumDecay, in: 0..<Double.infinity, "the momentum decay")
        let g = try step.gradient(decaying: isDecoupled ? 0 : weightDecay)
        let (m, v) = try step.moments(g, beta1, beta2)
        func momentum(_ count: Tensor) throws -> Tensor {
            try (1 - (count * (momentumDecay * logarithmOf(0.96))).exp() * 0.5) * beta1
        }
        let (now, next) = (try momentum(step.count), try momentum(step.count + 1))
        let product = try step.kept("product") * now
        step.keep("product", product)
        let root = try step.correction(beta2).rsqrt()
        let direction = try m * (next / (1 - product * next)) + g * ((1 - now) / (1 - product))
        let move = try direction * step.learningRate / (v.sqrt() * root + epsilon)
        return try step.parameter(decaying: isDecoupled ? weightDecay : 0) - move
    }
}
