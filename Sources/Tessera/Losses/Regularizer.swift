/// What is added to the loss so that parameters stay small or few.
public enum Regularizer: Hashable, Sendable {
    /// `factor · Σ |w|`
    case l1(Double)
    /// `factor · Σ w²`
    case l2(Double)

    /// The penalty on one parameter: a scalar.
    package func penalty(_ parameter: Tensor) throws -> Tensor {
        guard factor.isFinite else {
            throw GraphError(operation: "Regularizer", message: "its factor must be a number, not \(factor)")
        }
        switch self {
        case .l1: return try parameter.absolute().sum() * factor
        // The square alone overflows at 1e20.
        case .l2: return try (parameter * factor * parameter).sum()
        }
    }

    private var factor: Double {
        switch self {
        case .l1(let factor), .l2(let factor): factor
        }
    }
}
