/// A number that tells a person how good a prediction is, over one batch or over many of any size: a mean of what the graph
/// gives, or what a ``MetricState`` makes of it on the host.
public struct Metric: Sendable {
    let measure: Measure
    /// Whether to print it as a percentage.
    public let isFraction: Bool

    /// What results and reports call it.
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

    /// A loss as a metric: `Metric(.meanAbsoluteError)`. That of ``Loss/crossEntropy`` is the log-loss.
    public init(_ loss: Loss) {
        self.init(
            Measure("metric", loss.name, at: loss.measure.location, into: RunningMean(), loss.measure.body),
            isFraction: false)
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

    /// A metric of one's own that is no mean over batches.
    ///
    /// - Parameters:
    ///   - state: what takes the tensors of each batch, before the first.
    ///   - body: the tensors of a batch, at least one.
    public static func streamed(
        _ name: String, isFraction: Bool = false, into state: some MetricState, file: StaticString = #fileID,
        line: UInt = #line, _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> [Tensor]
    ) -> Metric {
        let location = SourceLocation(file: file, line: line)
        return Metric(Measure("metric", name, at: location, into: state, body), isFraction: isFraction)
    }

    /// A metric of the library, of whatever its state takes.
    static func builtIn(
        _ name: String, isFraction: Bool = false, into state: some MetricState,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> [Tensor]
    ) -> Metric {
        Metric(Measure("metric", name, at: nil, into: state, body), isFraction: isFraction)
    }

    /// The metric of a batch that is a mean: a scalar of a graph.
    ///
    /// - Throws: ``GraphError`` where the operands don't fit, a metric of one's own is no scalar, or the metric is no mean:
    ///   then ``StepOutput/metric(_:_:_:file:line:)`` takes it.
    public func callAsFunction(
        _ prediction: Tensor, _ target: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard measure.state is RunningMean else {
            throw prediction.graph.failure(
                name, "the metric is no mean that a graph could hold: give it to StepOutput.metric",
                [prediction, target],
                at: location)
        }
        return try measure(prediction, target, caller: location)[0]
    }
}

/// What a metric keeps of the batches that it has seen: counts, sums, or all scores.
///
/// Batches of any size come to the same, but for rounding.
public protocol MetricState: Sendable {
    /// Takes the tensors of one batch, as the metric's closure makes them.
    mutating func add(_ tensors: [HostTensor]) throws
    /// Takes what another has seen, of later batches.
    mutating func merge(_ later: Self)
    /// The metric over all that was seen; NaN where nothing counts.
    var value: Double { get }
}

extension MetricState {
    /// Takes what another of the same kind has seen.
    mutating func merge(any later: any MetricState) {
        if let later = later as? Self { merge(later) }
    }
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
