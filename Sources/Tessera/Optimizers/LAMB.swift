/// LAMB (You et al., 2020): Adam's steps scaled to the size of each parameter, for large batches.
///
/// With m̂ and v̂ the corrected moments of ``Adam`` and `r = m̂ / (sqrt(v̂) + ε) + weightDecay·p`:
/// `p' = p - learningRate · ‖p‖/‖r‖ · r`, or `p - learningRate · r` where either norm is 0.
public final class LAMB: Optimizer {
    public let learningRate: Double
    public let state = OptimizerState("lamb", [.zeros("first"), .zeros("second")])
    private let (beta1, beta2): (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double

    /// With the usual values where none are given.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        try step.check(weightDecay, in: 0..<Double.infinity, "the weight decay")
        let (m, v) = try step.moments(step.gradient, beta1, beta2)
        let p = step.parameter
        let root = try step.correction(beta2).rsqrt()
        let direction = try m * step.correction(beta1).reciprocal() / (v.sqrt() * root + epsilon) + p * weightDecay
        func norm(_ x: Tensor) throws -> Tensor { try x.square().sum().sqrt() }
        let (size, reach) = (try norm(p), try norm(direction))
        let one = try p.graph.fill(1, [], p.dtype)
        let isMeasured = try size.greater(than: 0).bitwiseAnd(reach.greater(than: 0))
        let trust = try Tensor.select(isMeasured, size / Tensor.select(isMeasured, reach, one), one)
        return try p - direction * (trust * step.learningRate)
    }
}
