/// `max(x, 0)`
public struct ReLU: Layer {
    public init() {}
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input.relu() }
}

/// `x · Φ(x)` with the normal distribution function Φ (Hendrycks and Gimpel, 2016).
public struct GELU: Layer {
    public init() {}
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input.gelu() }
}

/// `x · sigmoid(x)`
public struct SiLU: Layer {
    public init() {}
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input.silu() }
}

/// `1 / (1 + e⁻ˣ)`
public struct Sigmoid: Layer {
    public init() {}
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input.sigmoid() }
}

public struct Tanh: Layer {
    public init() {}
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input.tanh() }
}

/// The softmax along one axis, by default the last.
public struct Softmax: Layer {
    public var axis: Int
    public init(axis: Int = -1) { self.axis = axis }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try input.softmax(axis: axis)
    }
}

/// All axes after the first as one: `[n, c, h, w]` → `[n, c·h·w]`.
public struct Flatten: Layer {
    public init() {}

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let axes = input.shape.dimensions
        return try input.reshaped(to: [axes.first ?? 1, axes.dropFirst().reduce(1, *)])
    }
}

/// Zeroes elements with probability `rate` while training and scales the rest by `1 / (1 - rate)` (Srivastava et al., 2014).
///
/// The mask follows from the seed and the step alone, the same on every device.
public struct Dropout: Layer {
    public var rate: Double
    private let seed: UInt64

    /// - Parameter random: each layer draws a seed of its own from it.
    public init(_ rate: Double, _ random: RandomSource) {
        self.rate = rate
        seed = random.next()
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        guard case .training(let step) = pass.mode, rate != 0 else { return input }
        return try input.dropout(rate: rate, seed: seed, counter: step)
    }
}
