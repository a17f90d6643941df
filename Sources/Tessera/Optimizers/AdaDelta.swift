/// AdaDelta (Zeiler, 2012). torch.optim.Adadelta.
///
/// With g taken as `g + weightDecay·p`: `square' = ρ·square + (1-ρ)·g²`, `move = g · sqrt(moves + ε) / sqrt(square' +
/// ε)`, `moves' = ρ·moves + (1-ρ)·move²`, `p' = p - learningRate · move`.
public final class AdaDelta: Optimizer {
    public let learningRate: Double
    public let state = OptimizerState("adadelta", [.zeros("square"), .zeros("moves")])
    private let rho: Double
    private let epsilon: Double
    private let weightDecay: Double

    /// With PyTorch's values where none are given.
    public init(learningRate: Double = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0) {
        self.learningRate = learningRate
        self.rho = rho
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(rho, in: 0..<1, "rho")
        try step.check(epsilon, in: 0..<Double.infinity, "epsilon")
        let g = try step.gradient(decaying: weightDecay)
        let square = try step.kept("square") * rho + g * (1 - rho) * g
        let moves = try step.kept("moves")
        let move = try g * (moves + epsilon).sqrt() / (square + epsilon).sqrt()
        step.keep("square", square)
        step.keep("moves", try moves * rho + move * (1 - rho) * move)
        return try step.parameter - move * step.learningRate
    }
}
