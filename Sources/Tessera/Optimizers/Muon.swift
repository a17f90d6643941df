/// Muon (Jordan et al., 2024): momentum made orthogonal, for matrices. torch.optim.Muon.
///
/// `velocity' = momentum·velocity + (1-momentum)·g`; `u = isNesterov ? (1-momentum)·g + momentum·velocity' :
/// velocity'`; `p' = p·(1 - learningRate·weightDecay) - learningRate · scale · orthogonal(u)`, where five steps of
/// Newton and Schulz bring all singular values of u near 1. PyTorch takes those steps in bfloat16. A parameter that is
/// no matrix is an error: biases, norms, embeddings and the last layer go into a ``ParameterGroup`` with another
/// optimizer.
public final class Muon: Optimizer {
    /// What the learning rate is multiplied by for a matrix `[rows, columns]`. PyTorch's `adjust_lr_fn`.
    public enum Scale: Sendable {
        /// `sqrt(max(1, rows / columns))`
        case original
        /// `0.2 · sqrt(max(rows, columns))`, so that rates and decay for AdamW suit.
        case matchingAdamW
    }

    public let learningRate: Double
    public let state = OptimizerState("muon", [.zeros("velocity")])
    private let momentum: Double
    private let isNesterov: Bool
    private let weightDecay: Double
    private let scale: Scale

    /// With PyTorch's values where none are given.
    public init(
        learningRate: Double = 1e-3, momentum: Double = 0.95, isNesterov: Bool = true, weightDecay: Double = 0.1,
        scale: Scale = .original
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
        self.scale = scale
    }

    public func step(_ step: inout OptimizerStep) throws -> Tensor {
        try step.check(momentum, in: 0..<1, "the momentum")
        let shape = step.parameter.shape
        guard shape.rank == 2 else {
            throw step.failure("moves matrices, not \(shape): give other parameters a group with another optimizer")
        }
        guard shape.elementCount > 0 else { return step.parameter }
        let g = step.gradient
        let velocity = try step.kept("velocity") * momentum + g * (1 - momentum)
        step.keep("velocity", velocity)
        let direction = try Self.orthogonal(isNesterov ? g * (1 - momentum) + velocity * momentum : velocity)
        let (rows, columns) = (Double(shape[0]), Double(shape[1]))
        let factor =
            switch scale {
            case .original: max(1, rows / columns).squareRoot()
            case .matchingAdamW: 0.2 * max(rows, columns).squareRoot()
            }
        return try step.parameter(decaying: weightDecay) - direction * (step.learningRate * factor)
    }

    /// A matrix with the same singular vectors and singular values of about 1.
    private static func orthogonal(_ matrix: Tensor) throws -> Tensor {
        let isTall = matrix.shape[0] > matrix.shape[1]
        var x = isTall ? try matrix.transposed([1, 0]) : matrix
        // Singular values of at most 1.
        x = try x / x.square().sum().sqrt().combine(.maximum, 1e-7)
        for _ in 0..<5 {
            let gram = try x.matMul(x, transposeOther: true)
            x = try x * 3.4445 + (gram * -4.775 + gram.matMul(gram) * 2.0315).matMul(x)
        }
        return isTall ? try x.transposed([1, 0]) : x
    }
}
