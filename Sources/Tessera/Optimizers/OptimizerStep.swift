/// One step of one parameter in the making: what an optimizer's formula is given, and what it keeps for the next.
///
/// All tensors are float32, or float64 where the parameter is: what has 16 bits is rounded once, when the step is done.
public struct OptimizerStep {
    /// The parameter's value before the step.
    public let parameter: Tensor
    /// The gradient of the loss, like the parameter.
    public let gradient: Tensor
    /// A scalar.
    public let learningRate: Tensor
    /// The number of this step, from 1: a scalar.
    public let count: Tensor

    private let state: OptimizerState
    private let value: Tensor
    private let variables: [Variable]
    private var kept: [String: Tensor] = [:]

    /// - Throws: ``GraphError`` where the operands don't fit.
    init(
        _ state: OptimizerState, _ variable: Variable, _ value: Tensor, _ gradient: Tensor, _ step: Tensor,
        _ learningRate: Tensor
    ) throws {
        func failure(_ message: String) -> GraphError {
            value.graph.failure(state.optimizer, message, [value, gradient], at: nil)
        }
        guard value.dtype.isFloatingPoint else { throw failure("a parameter of \(value.dtype) has no steps") }
        guard gradient.type == value.type else {
            throw failure("the gradient must be \(value.type), not \(gradient.type)")
        }
        guard learningRate.shape == [], learningRate.dtype.isFloatingPoint else {
            throw failure("the learning rate must be a scalar, not \(learningRate.type)")
        }
        guard step.shape == [], !step.dtype.isFloatingPoint else {
            throw failure("the step must be an integer scalar, not \(step.type)")
        }
        (self.state, self.value) = (state, value)
        variables = state.variables(of: variable)
        let dtype = Self.dtype(of: value.type)
        parameter = try value.cast(to: dtype)
        self.gradient = try gradient.cast(to: dtype)
        self.learningRate = try learningRate.cast(to: dtype)
        count = try step.cast(to: dtype)
    }

    /// The type in which steps of a parameter are computed.
    static func dtype(of type: TensorType) -> DType { type.dtype == .float64 ? .float64 : .float32 }

    /// What was kept by this name at the last step, or its initial value.
    public func kept(_ name: String) throws -> Tensor {
        guard let place = state.slots.firstIndex(where: { $0.name == name }) else {
            throw failure("nothing is kept as “\(name)”: give the optimizer's state a slot of that name")
        }
        return try value.graph.read(variables[place]).cast(to: parameter.dtype)
    }

    /// Keeps a tensor for the next step by the name of a slot.
    public mutating func keep(_ name: String, _ tensor: Tensor) { kept[name] = tensor }

    /// The new values of what is kept.
    func updates() throws -> [(Variable, Tensor)] {
        if let stranger = kept.keys.sorted().first(where: { name in !state.slots.contains { $0.name == name } }) {
            throw failure("nothing is kept as “\(stranger)”: give the optimizer's state a slot of that name")
        }
        return try zip(state.slots, variables).compactMap { slot, variable in
            try kept[slot.name].map { (variable, try $0.cast(to: variable.type.dtype)) }
        }
    }

    // MARK: What formulas share

    /// The gradient with that of the squared parameter times half of `weightDecay`: decay as of L2 regularization.
    func gradient(decaying weightDecay: Double) throws -> Tensor {
        try check(weightDecay, in: 0..<Double.infinity, "the weight decay")
        return weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
    }

    /// The parameter less its share that decays by itself: decoupled from the gradient (Loshchilov and Hutter, 2019).
    func parameter(decaying weightDecay: Double) throws -> Tensor {
        try check(weightDecay, in: 0..<Double.infinity, "the weight decay")
        return weightDecay == 0 ? parameter : try parameter * (1 - learningRate * weightDecay)
    }

    /// The running means of the gradient and of its square, kept as “first” and “second”.
    mutating func moments(_ gradient: Tensor, _ beta1: Double, _ beta2: Double) throws -> (
        first: Tensor, second: Tensor
    ) {
        try check(beta1, in: 0..<1, "beta1")
        try check(beta2, in: 0..<1, "beta2")
        let first = try kept("first") * beta1 + gradient * (1 - beta1)
        // In this order: the square alone overflows at 1e20, and so does v / (1 - β₂ᵗ).
        let second = try kept("second") * beta2 + gradient * (1 - beta2) * gradient
        keep("first", first)
        keep("second", second)
        return (first, second)
    }

    /// `1 - βᵗ` with t the number of this step, formed without the difference of two numbers near one: what a running
    /// mean that began with 0 falls short by.
    func correction(_ beta: Double) throws -> Tensor {
        beta == 0 ? try value.graph.fill(1, [], count.dtype) : try -(count * logarithmOf(beta)).expm1()
    }

    func failure(_ message: String) -> GraphError {
        value.graph.failure(state.optimizer, message, [value], at: nil)
    }

    /// Checks a number that the optimizer was made with.
    func check(_ number: Double, in range: Range<Double>, _ what: String) throws {
        guard !range.contains(number) else { return }
        throw failure(
            range.upperBound == .infinity
                ? "\(what) must be a number of at least \(range.lowerBound), not \(number)"
                : "\(what) must be in \(range.lowerBound)..<\(range.upperBound), not \(number)")
    }
}
