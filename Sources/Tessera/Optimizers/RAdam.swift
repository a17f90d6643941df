/// Rectified Adam (Liu et al., 2020), which needs no warm-up: while the second moment says little, steps go without it.
/// torch.optim.RAdam.
///
/// With m̂ and v̂ the corrected moments of ``Adam``, `ρ = 2/(1-β₂) - 1` and `ρₜ = ρ - 2t·β₂ᵗ/(1-β₂ᵗ)`:
/// `p' = p - learningRate · m̂ · r / (sqrt(v̂) + ε)` with `r = sqrt((ρₜ-4)(ρₜ-2)ρ / ((ρ-4)(ρ-2)ρₜ))` where `ρₜ > 5`,
/// else `p' = p - learningRate · m̂`.
public final class RAdam: Optimizer {
    public let learningRate: Double
    public let state = OptimizerState("radam", [.zeros("first"), .zeros("second")])
    private let (beta1, beta2): (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecoupled: Bool

    /// - Parameter isDecoupled: whether weight decay acts on the parameter itself and not through the gradient.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0, isDecoupled: Bool = false
    ) {
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        let g = try step.gradient(decaying: isDecoupled ? 0 : weightDecay)
        let (m, v) = try step.moments(g, beta1, beta2)
        let mean = try m * (step.learningRate / step.correction(beta1))
        let kept = try step.parameter(decaying: isDecoupled ? weightDecay : 0)
        let limit = 2 / (1 - beta2) - 1
        // Below β₂ of 2/3 there are never enough.
        guard limit > 5 else { return try kept - mean }
        let length = try Self.length(step.count, beta2)
        let bounded = try length.combine(.maximum, 5)
        let rectification = try ((bounded - 4) * (bounded - 2) / bounded * (limit / ((limit - 4) * (limit - 2)))).sqrt()
        // torch.optim adds ε to the root before it is corrected.
        let rectified = try rectification * step.correction(beta2).sqrt() / (v.sqrt() + epsilon)
        return try kept - mean * Tensor.select(length.greater(than: 5), rectified, step.count / step.count)
    }

    /// ρₜ, how many gradients the second moment is as good as.
    ///
    /// Of the two terms nothing would be left beside β₂ near 1: with `h = -ln β₂` and `c(x) = x/2·coth(x/2) - 1` it is
    /// `t + 2/h · (c(h) - c(t·h))`, and c of a small number is a series.
    private static func length(_ count: Tensor, _ beta2: Double) throws -> Tensor {
        let h = -logarithmOf(beta2)
        let square = h * h
        let first = h < 0.5 ? square / 12 * (1 - square / 60 * (1 - square / 42)) : h / 2 + h * beta2 / (1 - beta2) - 1
        let x = try count * h
        let s = try x.square()
        let series = try s / 12 * (1 - s / 60 * (1 - s / 42 * (1 - s / 40)))
        let quotient = try x * 0.5 + x / x.expm1() - 1
        return try count + (first - Tensor.select(x.greater(than: 0.5), quotient, series)) * (2 / h)
    }
}
