/// One Adam step for one parameter.
///
/// Operands p, g, m, v (all of one shape), step (int32 scalar, 1 at the first step), learningRate (float32 scalar)
/// → p', m', v'. With g taken as `g + weightDecay·p` unless `isDecoupled`:
/// `m' = β₁m + (1-β₁)g`, `v' = β₂v + (1-β₂)g²`,
/// `p' = p·(1 - [isDecoupled]·learningRate·weightDecay) - learningRate · (m' / (1-β₁ˢᵗᵉᵖ)) / (sqrt(v' / (1-β₂ˢᵗᵉᵖ)) + ε)`.
/// Kingma and Ba, 2015; decoupled: Loshchilov and Hutter, 2019; torch.optim.Adam, AdamW.
///
/// Several parameters may share a node, which then is one launch: p, g, m, v of each in turn, then step and learningRate
/// → p', m', v' of each in turn.
package struct Adam: Hashable, Sendable {
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double
    package var isDecoupled: Bool

    package init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
        isDecoupled: Bool = false
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
    }
}

/// One step of stochastic gradient descent for one parameter.
///
/// Operands p, g, velocity (like p; absent where momentum is 0), learningRate (a scalar of p's type) → p', velocity' (absent
/// likewise). With g taken as `g + weightDecay·p`: `velocity' = momentum·velocity + g`;
/// `p' = p - learningRate · (isNesterov ? g + momentum·velocity' : velocity')`. torch.optim.SGD. Several parameters may
/// share a node as in ``Adam``.
package struct SGD: Hashable, Sendable {
    package var momentum: Double
    package var isNesterov: Bool
    package var weightDecay: Double

    package init(momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
    }
}

extension ShapeRule {
    package func adam(_ attributes: Adam) throws -> [TensorType] {
        let step = operands.count - 2
        try fraction(attributes.beta1, "beta1")
        try fraction(attributes.beta2, "beta2")
        try magnitude(attributes.epsilon, "epsilon")
        try magnitude(attributes.weightDecay, "the weight decay")
        try parameters(slots: 2, shared: 2)
        try integers(step, "the step")
        try shape(step, [], "the step")
        try shape(step + 1, [], "the learning rate")
        try floating(step + 1)
        return (0..<step / 4).flatMap { [TensorType](repeating: operands[4 * $0], count: 3) }
    }

    package func sgd(_ attributes: SGD) throws -> [TensorType] {
        let slots = attributes.momentum != 0 ? 1 : 0
        let rate = operands.count - 1
        try magnitude(attributes.momentum, "the momentum")
        try magnitude(attributes.weightDecay, "the weight decay")
        try require(!attributes.isNesterov || slots == 1, "Nesterov's variant needs a momentum above 0")
        try parameters(slots: slots, shared: 1)
        try shape(rate, [], "the learning rate")
        try floating(rate)
        return (0..<rate / (2 + slots)).flatMap {
            [TensorType](repeating: operands[(2 + slots) * $0], count: 1 + slots)
        }
    }

    private func fraction(_ value: Double, _ name: String) throws {
        try require((0..<1).contains(value), "\(name) must be in 0..<1, not \(value)")
    }

    /// Checks that all operands but the last `shared` are parameters, each with a gradient and slots like it.
    private func parameters(slots: Int, shared: Int) throws {
        let own = operands.count - shared
        guard own > 0, own % (2 + slots) == 0 else { return try count(2 + slots + shared) }
        for parameter in stride(from: 0, to: own, by: 2 + slots) {
            for (position, index) in (parameter..<parameter + 2 + slots).enumerated() {
                let what = position == 1 ? "the gradient" : "what is kept of the gradients"
                try floating(parameter, index)
                try shape(index, operands[parameter].shape, what)
            }
        }
    }
}

extension TraitsRule {
    package func adam(_ attributes: Adam) -> OpTraits { update(.adam) }
    package func sgd(_ attributes: SGD) -> OpTraits { update(.sgd) }

    private func update(_ kind: OpKind) -> OpTraits {
        OpTraits(
            kind, .computation, overEmptyOperands: .updateOfOthers, halfTypes: .converted,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func adam(_ attributes: Adam) throws -> [Tensor?] { throw noGradient() }
    package func sgd(_ attributes: SGD) throws -> [Tensor?] { throw noGradient() }
}
