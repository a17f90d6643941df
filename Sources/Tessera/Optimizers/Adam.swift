import Foundation

/// Adam (Kingma and Ba, 2015), with decoupled weight decay AdamW (Loshchilov and Hutter, 2019). torch.optim.Adam, AdamW.
///
/// With g taken as `g + weightDecay·p` unless `isDecoupled`: `m' = β₁m + (1-β₁)g`, `v' = β₂v + (1-β₂)g²`,
/// `p' = p·(1 - [isDecoupled]·learningRate·weightDecay) - learningRate · (m' / (1-β₁ˢᵗᵉᵖ)) / (sqrt(v' / (1-β₂ˢᵗᵉᵖ)) + ε)`.
public final class Adam: Optimizer {
    public let learningRate: Double
    private let (beta1, beta2): (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecoupled: Bool
    private var moments = VariableMap<(first: Variable, second: Variable)>()

    /// - Parameter isDecoupled: whether weight decay acts on the parameter itself (AdamW) and not through the gradient.
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

    private func moments(of parameter: Variable) -> (first: Variable, second: Variable) {
        if let known = moments[parameter] { return known }
        let made = (
            first: Variable("adam.first", zerosFor: parameter), second: Variable("adam.second", zerosFor: parameter)
        )
        moments.removeDead()
        // There may be memory for them the next time.
        if made.first.failure == nil, made.second.failure == nil { moments[parameter] = made }
        return made
    }

    public func update(
        _ parameter: Variable, _ value: Tensor, gradient: Tensor, step: Tensor, learningRate: Tensor
    ) throws -> [(Variable, Tensor)] {
        let update = OptimizerUpdate("adam", value, gradient: gradient, learningRate: learningRate)
        try update.check(beta1, in: 0..<1, "beta1")
        try update.check(beta2, in: 0..<1, "beta2")
        try update.checkMagnitude(epsilon, "epsilon")
        try update.checkMagnitude(weightDecay, "the weight decay")
        try update.checkTypes()
        guard step.shape == [], !step.dtype.isFloatingPoint else {
            throw update.failure("the step must be an integer scalar, not \(step.type)")
        }
        let (first, second) = moments(of: parameter)
        let graph = value.graph
        let (p, rate) = (try update.wide(value), try update.wide(learningRate))
        let g = try update.gradient(decaying: isDecoupled ? 0 : weightDecay)
        let t = try step.cast(to: p.dtype)
        // 1 - βᵗ, formed without the difference of two numbers near one.
        func correction(_ beta: Double) throws -> Tensor {
            beta == 0 ? try graph.fill(1, [], p.dtype) : try -(t * log(beta)).expm1()
        }
        let m = try update.wide(graph.read(first)) * beta1 + g * (1 - beta1)
        // In this order: the square alone overflows at 1e20, and so does v / (1 - β₂ᵗ).
        let v = try update.wide(graph.read(second)) * beta2 + g * (1 - beta2) * g
        let root = try correction(beta2).rsqrt()
        let move = try m * (rate / correction(beta1)) / (v.sqrt() * root + epsilon)
        let kept = isDecoupled && weightDecay != 0 ? try p * (1 - rate * weightDecay) : p
        return [
            (parameter, try (kept - move).cast(to: value.dtype)), (first, try m.cast(to: value.dtype)),
            (second, try v.cast(to: value.dtype)),
        ]
    }

    public func state(of parameter: Variable) -> [(name: String, variable: Variable)] {
        let (first, second) = moments(of: parameter)
        return [("adam.first", first), ("adam.second", second)]
    }
}
