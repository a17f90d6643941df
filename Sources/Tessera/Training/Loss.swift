/// A number that training makes small, from a model's prediction and what was wanted: a scalar, the mean over the batch.
///
/// Those below want operands of one type and one shape, but for cross-entropy's labels: what would only broadcast is an error.
public struct Loss: Sendable {
    let measure: Measure

    public var name: String { measure.name }

    /// A loss of one's own: a scalar, the mean over the batch's examples.
    ///
    /// Where it is a mean over something else, of which batches have more or less, see ``weighted(_:file:line:_:)``.
    public init(
        _ name: String, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) {
        measure = Measure("loss", name, at: SourceLocation(file: file, line: line), mean: body)
    }

    private init(_ measure: Measure) { self.measure = measure }

    /// A loss of one's own that says what it is a mean over, where batches differ in that: labels that count, say.
    ///
    /// Over several batches, each then counts by its weight.
    public static func weighted(
        _ name: String, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> WeightedMean
    ) -> Loss {
        Loss(Measure("loss", name, at: SourceLocation(file: file, line: line), weighted: body))
    }

    private static func builtIn(
        _ name: String, _ body: @escaping @Sendable (Tensor, Tensor) throws -> WeightedMean
    ) -> Loss {
        Loss(Measure("loss", name, at: nil, weighted: body))
    }

    /// The loss of a batch: a scalar of a graph.
    ///
    /// - Throws: ``GraphError`` where the operands don't fit, or a loss of one's own is no scalar.
    public func callAsFunction(
        _ prediction: Tensor, _ target: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try measure(prediction, target, caller: SourceLocation(file: file, line: line)).mean
    }

    /// Cross-entropy of logits `[..., classes]` with int32 labels `[...]` in 0 ..< classes, of which any other is an error
    /// when it is met.
    public static let crossEntropy = builtIn("cross-entropy") { logits, labels in
        try logits.requireLabels(labels, of: "cross-entropy")
        let losses = try logits.flattenedToMatrix().crossEntropy(
            labels: labels.flattened(), ignoresNegativeLabels: false)
        return try WeightedMean(losses.mean(), over: losses.shape.elementCount)
    }

    /// Cross-entropy that leaves out rows with a negative label, as PyTorch's `ignore_index`: the mean over those that are
    /// left. Where none is, it is 0, as is its gradient, and the batch counts for nothing.
    public static let crossEntropyIgnoringNegativeLabels = builtIn("cross-entropy") { logits, labels in
        try logits.requireLabels(labels, of: "cross-entropy")
        let losses = try logits.flattenedToMatrix().crossEntropy(labels: labels.flattened())
        // Sums and counts of 16 bits soon overflow.
        let dtype = logits.dtype.isHalf ? .float32 : logits.dtype
        return try WeightedMean(sum: losses.cast(to: dtype).sum(), over: labels.countOfLabels(dtype))
    }

    /// The mean of `(prediction - target)²`.
    public static let meanSquaredError = elementwise("mean squared error") { prediction, target in
        try (prediction - target).square()
    }

    /// Binary cross-entropy of logits z with targets t in 0...1: the mean of `(1 - t)·softplus(z) + t·softplus(-z)`, where
    /// nothing overflows and nothing cancels.
    public static let binaryCrossEntropyWithLogits = elementwise("binary cross-entropy") { logits, target in
        try (1 - target) * logits.softplus() + target * (-logits).softplus()
    }

    /// Huber's loss (1964): `d²/2` where `|d| ≤ delta`, else `delta · (|d| - delta/2)`. A `delta` that is not above 0 is an
    /// error when the loss is made part of a graph.
    public static func huber(delta: Double = 1) -> Loss {
        elementwise("Huber") { prediction, target in
            guard delta > 0 else {
                throw GraphError(operation: "Huber", message: "delta must be above 0, not \(delta)")
            }
            let distance = try (prediction - target).absolute()
            // min(|d|, δ) · (|d| - min(|d|, δ) / 2) is both cases at once.
            let bounded = try distance.combine(.minimum, delta)
            return try bounded * (distance - bounded * 0.5)
        }
    }

    /// The mean of what `body` makes of each element of two tensors alike.
    private static func elementwise(
        _ name: String, _ body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
    ) -> Loss {
        builtIn(name) { prediction, target in
            guard prediction.type == target.type else {
                let advice =
                    prediction.shape == target.shape
                    ? "cast one of them" : "reshape one of them, as they would only broadcast"
                throw GraphError(
                    operation: name,
                    message: "prediction and target must be alike, not \(prediction.type) and \(target.type);"
                        + " \(advice)",
                    operands: [prediction.type, target.type])
            }
            let losses = try body(prediction, target)
            return try WeightedMean(losses.mean(), over: losses.shape.elementCount)
        }
    }
}

extension Tensor {
    /// Checks that `labels` `[...]` fit these logits `[..., classes]`.
    func requireLabels(_ labels: Tensor, of name: String) throws {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: name, message: message, operands: [type, labels.type])
        }
        guard shape.rank >= 1 else { throw failure("the logits must be [..., classes], not \(shape)") }
        let rows = Shape(Array(shape.dimensions.dropLast()))
        guard labels.shape == rows else {
            throw failure("logits \(shape) need labels \(rows), one a row, not \(labels.shape); reshape one of them")
        }
        guard labels.dtype == .int32 else {
            throw failure("labels must be int32, not \(labels.dtype); cast them")
        }
    }

    func flattened() throws -> Tensor { try reshaped(to: [shape.elementCount]) }

    /// How many labels are not negative: a scalar of type `dtype`.
    func countOfLabels(_ dtype: DType) throws -> Tensor { try greater(than: -1).cast(to: dtype).sum() }
}

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
