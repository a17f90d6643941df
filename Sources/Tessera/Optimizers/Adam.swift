/// Adam (Kingma and Ba, 2015), with decoupled weight decay AdamW (Loshchilov and Hutter, 2019), with the greatest
/// second moment so far AMSGrad (Reddi et al., 2018). torch.optim.Adam, AdamW.
///
/// With g taken as `g + weightDecay·p` unless `isDecoupled`: `m' = β₁m + (1-β₁)g`, `v' = β₂v + (1-β₂)g²`,
/// `p' = p·(1 - [isDecoupled]·learningRate·weightDecay) - learningRate · (m' / (1-β₁ˢᵗᵉᵖ)) / (sqrt(v' / (1-β₂ˢᵗᵉᵖ)) +
/// ε)`.
public final class Adam: Optimizer {
    public let learningRate: Double
    public let state: OptimizerState
    private let (beta1, beta2): (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecoupled: Bool
    private let isAMSGrad: Bool

    /// - Parameters:
    ///   - isDecoupled: whether weight decay acts on the parameter itself (AdamW) and not through the gradient.
    ///   - isAMSGrad: whether the greatest v so far takes the place of v'.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0, isDecoupled: Bool = false, isAMSGrad: Bool = false
    ) {
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
        self.isAMSGrad = isAMSGrad
        state = OptimizerState("adam", [.zeros("first"), .zeros("second")] + (isAMSGrad ? [.zeros("greatest")] : []))
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        let g = try step.gradient(decaying: isDecoupled ? 0 : weightDecay)
        var (m, v) = try step.moments(g, beta1, beta2)
        if isAMSGrad {
            v = try step.kept("greatest").maximum(v)
            step.keep("greatest", v)
        }
        let root = try step.correction(beta2).rsqrt()
        let move = try m * (step.learningRate / step.correction(beta1)) / (v.sqrt() * root + epsilon)
        return try step.parameter(decaying: isDecoupled ? weightDecay : 0) - move
    }
}
