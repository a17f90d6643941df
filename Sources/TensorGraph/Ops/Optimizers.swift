/// One Adam step for one parameter.
///
/// Operands p, g, m, v (all of one shape), step (int32 scalar, 1 at the first step), learningRate (float32 scalar)
/// → p', m', v'. With g taken as `g + weightDecay·p` unless `isDecoupled`:
/// `m' = β₁m + (1-β₁)g`, `v' = β₂v + (1-β₂)g²`,
/// `p' = p·(1 - [isDecoupled]·learningRate·weightDecay) - learningRate · (m' / (1-β₁ˢᵗᵉᵖ)) / (sqrt(v' / (1-β₂ˢᵗᵉᵖ)) + ε)`.
/// Kingma and Ba, 2015; decoupled: Loshchilov and Hutter, 2019; torch.optim.Adam, AdamW.
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
/// `p' = p - learningRate · (isNesterov ? g + momentum·velocity' : velocity')`. torch.optim.SGD.
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
        try count(6)
        try floating(0, 1, 2, 3)
        for index in 1...3 { try shape(index, operands[0].shape, "operand \(index)") }
        try integers(4, "the step")
        try shape(4, [], "the step")
        try shape(5, [], "the learning rate")
        try floating(5)
        return [operands[0], operands[0], operands[0]]
    }

    package func sgd(_ attributes: SGD) throws -> [TensorType] {
        let hasVelocity = attributes.momentum != 0
        try count(hasVelocity ? 4 : 3)
        try shape(1, operands[0].shape, "the gradient")
        if hasVelocity { try shape(2, operands[0].shape, "the velocity") }
        try floating(0, 1)
        if hasVelocity { try floating(0, 2) }
        try shape(operands.count - 1, [], "the learning rate")
        try floating(operands.count - 1)
        return hasVelocity ? [operands[0], operands[0]] : [operands[0]]
    }
}

extension GradientRule {
    package func adam(_ attributes: Adam) throws -> [Tensor?] { throw noGradient() }
    package func sgd(_ attributes: SGD) throws -> [Tensor?] { throw noGradient() }
}
