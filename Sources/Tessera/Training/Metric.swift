/// A number that tells a person how good a prediction is: a scalar, the mean over the batch.
public struct Metric: Sendable {
    let measure: Measure
    /// Whether to print it as a percentage.
    public let isFraction: Bool

    public var name: String { measure.name }

    /// A metric of one's own: a scalar, the mean over the batch's examples.
    ///
    /// Where it is a mean over something else, of which batches have more or less, see
    /// ``weighted(_:isFraction:file:line:_:)``.
    public init(
        _ name: String, isFraction: Bool = false, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) {
        measure = Measure("metric", name, at: SourceLocation(file: file, line: line), mean: body)
        self.isFraction = isFraction
    }

    private init(_ measure: Measure, isFraction: Bool) {
        self.measure = measure
        self.isFraction = isFraction
    }

    /// A metric of one's own that says what it is a mean over, where batches differ in that.
    public static func weighted(
        _ name: String, isFraction: Bool = false, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> WeightedMean
    ) -> Metric {
        Metric(
            Measure("metric", name, at: SourceLocation(file: file, line: line), weighted: body), isFraction: isFraction)
    }

    /// The metric of a batch: a scalar of a graph.
    ///
    /// - Throws: ``GraphError`` where the operands don't fit, or a metric of one's own is no scalar.
    public func callAsFunction(
        _ prediction: Tensor, _ target: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try measure(prediction, target, caller: SourceLocation(file: file, line: line)).mean
    }

    /// The share of rows of `[..., classes]` whose greatest element is at the int32 label `[...]`. Rows with a negative
    /// label are left out, as ``Loss/crossEntropyIgnoringNegativeLabels`` leaves them out.
    public static let accuracy = Metric(
        Measure("metric", "accuracy", at: nil) { logits, labels in
            try logits.requireLabels(labels, of: "accuracy")
            // Never at a negative label, so that those need no mask.
            let hits = try logits.argMax().equal(to: labels).cast(to: .float32)
            // Where the loss refuses those there is nothing to count.
            let countsAll = logits.graph.refusesNegative(labels)
            if let classes = logits.shape.dimensions.last {
                logits.graph.check(
                    labels, in: (countsAll ? 0 : .min)..<classes, "labels", of: hits, as: "accuracy")
            }
            return countsAll
                ? try WeightedMean(hits.mean(), over: hits.shape.elementCount)
                : try WeightedMean(sum: hits.sum(), over: labels.countOfLabels(.float32))
        }, isFraction: true)
}

/// A number with a fixed count of decimals.
func decimal(_ value: Double, _ places: Int) -> String {
    // A NaN's payload says nothing to people.
    guard !value.isNaN else { return "nan" }
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
