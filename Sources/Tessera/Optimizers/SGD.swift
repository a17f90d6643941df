/// Stochastic gradient descent, with momentum and Nesterov's variant of it. torch.optim.SGD.
///
/// With g taken as `g + weightDecay·p`: `velocity' = momentum·velocity + g`;
/// `p' = p - learningRate · (isNesterov ? g + momentum·velocity' : velocity')`.
public final class SGD: Optimizer {
    public let learningRate: Double
    private let momentum: Double
    private let isNesterov: Bool
    private let weightDecay: Double
    private var velocities = VariableMap<Variable>()

    public init(learningRate: Double, momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
    }

    private func velocity(of parameter: Variable) -> Variable? {
        guard momentum != 0 else { return nil }
        if let known = velocities[parameter] { return known }
        let made = Variable("sgd.velocity", zerosFor: parameter)
        velocities.removeDead()
        if made.failure == nil { velocities[parameter] = made }
        return made
    }

    public func update(
        _ parameter: Variable, _ value: Tensor, gradient: Tensor, step: Tensor, learningRate: Tensor
    ) throws -> [(Variable, Tensor)] {
        let update = OptimizerUpdate("sgd", value, gradient: gradient, learningRate: learningRate)
        try update.checkMagnitude(momentum, "the momentum")
        try update.checkMagnitude(weightDecay, "the weight decay")
        try update.checkTypes()
        guard !isNesterov || momentum != 0 else { throw update.failure("Nesterov's variant needs a momentum above 0") }
        let (p, rate) = (try update.wide(value), try update.wide(learningRate))
        let g = try update.gradient(decaying: weightDecay)
        guard let velocity = velocity(of: parameter) else {
            return [(parameter, try (p - g * rate).cast(to: value.dtype))]
        }
        let speed = try update.wide(value.graph.read(velocity)) * momentum + g
        let direction = isNesterov ? try g + speed * momentum : speed
        return [
            (parameter, try (p - direction * rate).cast(to: value.dtype)),
            (velocity, try speed.cast(to: value.dtype)),
        ]
    }

    public func state(of parameter: Variable) -> [(name: String, variable: Variable)] {
        velocity(of: parameter).map { [("sgd.velocity", $0)] } ?? []
    }
}
