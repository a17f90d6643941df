/// What the steps of all optimizers have in common: the checks of what they are given, and the type they are computed in.
struct OptimizerUpdate {
    private let name: String
    private let value: Tensor
    private let givenGradient: Tensor
    private let learningRate: Tensor

    init(_ name: String, _ value: Tensor, gradient: Tensor, learningRate: Tensor) {
        (self.name, self.value, givenGradient, self.learningRate) = (name, value, gradient, learningRate)
    }

    func failure(_ message: String) -> GraphError {
        value.graph.failure(name, message, [value, givenGradient], at: nil)
    }

    func check(_ number: Double, in range: Range<Double>, _ what: String) throws {
        guard range.contains(number) else {
            throw failure("\(what) must be in \(range.lowerBound)..<\(range.upperBound), not \(number)")
        }
    }

    func checkMagnitude(_ number: Double, _ what: String) throws {
        guard number >= 0, number.isFinite else {
            throw failure("\(what) must be a number of at least 0, not \(number)")
        }
    }

    func checkTypes() throws {
        guard value.dtype.isFloatingPoint else { throw failure("a parameter of \(value.dtype) has no steps") }
        guard givenGradient.type == value.type else {
            throw failure("the gradient must be \(value.type), not \(givenGradient.type)")
        }
        guard learningRate.shape == [], learningRate.dtype.isFloatingPoint else {
            throw failure("the learning rate must be a scalar, not \(learningRate.type)")
        }
    }

    /// A tensor in the type that the step is computed in: float32 for parameters of 16 bits, which are rounded once.
    func wide(_ tensor: Tensor) throws -> Tensor {
        try tensor.cast(to: value.dtype == .float64 ? .float64 : .float32)
    }

    /// The gradient with that of the squared parameter times half of `weightDecay`.
    func gradient(decaying weightDecay: Double) throws -> Tensor {
        let gradient = try wide(givenGradient)
        return weightDecay == 0 ? gradient : try gradient + wide(value) * weightDecay
    }
}
