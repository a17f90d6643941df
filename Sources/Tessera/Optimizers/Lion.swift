/// Lion (Chen et al., 2023): every number moves by the learning rate, to the side that momentum and gradient say
/// together.
///
/// `p' = p·(1 - learningRate·weightDecay) - learningRate · sign(β₁·m + (1-β₁)·g)`, then `m' = β₂·m + (1-β₂)·g`.
public final class Lion: Optimizer {
    public let learningRate: Double
    public let state = OptimizerState("lion", [.zeros("momentum")])
    private let (beta1, beta2): (Double, Double)
    private let weightDecay: Double

    /// With the usual values where none are given.
    public init(learningRate: Double = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0) {
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        self.weightDecay = weightDecay
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(beta1, in: 0..<1, "beta1")
        try step.check(beta2, in: 0..<1, "beta2")
        let (m, g) = (try step.kept("momentum"), step.gradient)
        step.keep("momentum", try m * beta2 + g * (1 - beta2))
        let direction = try (m * beta1 + g * (1 - beta1)).sign()
        return try step.parameter(decaying: weightDecay) - direction * step.learningRate
    }
}
