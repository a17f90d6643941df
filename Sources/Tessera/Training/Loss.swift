/// A number that training makes small, from a model's prediction and what was wanted: a scalar, the mean over the batch.
public struct Loss: Sendable {
    public let name: String
    private let body: @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor

    public init(
        _ name: String, _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) {
        self.name = name
        self.body = body
    }

    public func callAsFunction(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
        try body(prediction, target)
    }

    /// Cross-entropy of logits `[..., classes]` with int32 labels `[...]`.
    public static let crossEntropy = Loss("cross-entropy") { logits, labels in
        try logits.flattenedToMatrix().crossEntropy(labels: labels.reshaped(to: [labels.shape.elementCount])).mean()
    }

    /// Cross-entropy that leaves out rows with a negative label, as PyTorch's `ignore_index`; 0 where that is all rows.
    public static let crossEntropyIgnoringNegativeLabels = Loss("cross-entropy") { logits, labels in
        let labels = try labels.reshaped(to: [labels.shape.elementCount])
        let count = try labels.greater(than: -1).cast(to: logits.dtype).sum()
        let sum = try logits.flattenedToMatrix().crossEntropy(labels: labels).sum()
        return try sum / count.maximum(labels.graph.fill(1, [], logits.dtype))
    }

    /// The mean of `(prediction - target)²`.
    public static let meanSquaredError = Loss("mean squared error") { prediction, target in
        try (prediction - target).square().mean()
    }

    /// Binary cross-entropy of logits z with targets t in 0...1: the mean of `softplus(z) - t·z`, without overflow.
    public static let binaryCrossEntropyWithLogits = Loss("binary cross-entropy") { logits, target in
        try (logits.softplus() - target * logits).mean()
    }

    /// Huber's loss (1964): `d²/2` where `|d| ≤ delta`, else `delta · (|d| - delta/2)`.
    public static func huber(delta: Double = 1) -> Loss {
        Loss("Huber") { prediction, target in
            let distance = try (prediction - target).absolute()
            // min(|d|, δ) · (|d| - min(|d|, δ) / 2) is both cases at once.
            let bounded = try distance.combine(.minimum, delta)
            return try (bounded * (distance - bounded * 0.5)).mean()
        }
    }
}

/// A number that tells a person how good a prediction is: a scalar, the mean over the batch.
public struct Metric: Sendable {
    public let name: String
    /// Whether to print it as a percentage.
    public let isFraction: Bool
    private let body: @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor

    public init(
        _ name: String, isFraction: Bool = false,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) {
        self.name = name
        self.isFraction = isFraction
        self.body = body
    }

    public func callAsFunction(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
        try body(prediction, target)
    }

    /// The share of rows of `[..., classes]` whose greatest element is at the int32 label `[...]`.
    public static let accuracy = Metric("accuracy", isFraction: true) { logits, labels in
        let rows = labels.shape.elementCount
        let guess = try logits.flattenedToMatrix().argMax()
        return try guess.equal(to: labels.reshaped(to: [rows])).cast(to: .float32).mean()
    }

    func text(_ value: Double) -> String {
        "\(name) " + (isFraction ? decimal(100 * value, 2) + " %" : decimal(value, 4))
    }
}

/// A number with a fixed count of decimals.
func decimal(_ value: Double, _ places: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    let whole = (scaled / scale).rounded(.towardZero)
    let fraction = String(Int(scaled - whole * scale))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(Int(scaled)) }
    return sign + String(Int(whole)) + "." + String(repeating: "0", count: max(places - fraction.count, 0)) + fraction
}

/// What is added to the loss so that parameters stay small or few.
public enum Regularizer: Hashable, Sendable {
    /// `factor · Σ |w|`
    case l1(Double)
    /// `factor · Σ w²`
    case l2(Double)

    /// The penalty on one parameter: a scalar.
    package func penalty(_ parameter: Tensor) throws -> Tensor {
        switch self {
        case .l1(let factor): try parameter.absolute().sum() * factor
        // The square alone overflows at 1e20.
        case .l2(let factor): try (parameter * factor * parameter).sum()
        }
    }
}
