/// A mean over one batch with what it is a mean over, so that the means of batches of any size come to the mean over all.
public struct WeightedMean {
    /// A scalar.
    public let mean: Tensor
    /// How much the mean counts beside those of other batches: a scalar.
    public let weight: Tensor

    /// - Parameter count: how many numbers `mean` is the mean of.
    public init(_ mean: Tensor, over count: Int) throws {
        self.mean = mean
        weight = try mean.graph.fill(Double(count), [])
    }

    /// `sum / count`, or 0 where the count is 0, so that no NaN gets into the gradients: such a batch counts for nothing.
    ///
    /// - Parameter count: a scalar, the number of what has been added up or the sum of its weights.
    public init(sum: Tensor, over count: Tensor) throws {
        mean = try sum / Tensor.select(count, count, count.graph.fill(1, [], count.dtype))
        weight = count
    }
}

/// What makes one number of a prediction and what was wanted: what losses and metrics have in common.
struct Measure: Sendable {
    typealias Body = @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> (mean: Tensor, weight: Tensor?)

    /// A loss, a metric.
    let kind: String
    let name: String
    /// Where a user wrote it; `nil` where it comes with the library, whose lines help nobody.
    let location: SourceLocation?
    private let body: Body

    /// A measure that is a mean over a batch's examples.
    init(
        _ kind: String, _ name: String, at location: SourceLocation,
        mean body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
    ) {
        (self.kind, self.name, self.location) = (kind, name, location)
        self.body = { (try body($0, $1), nil) }
    }

    init(
        _ kind: String, _ name: String, at location: SourceLocation?,
        weighted body: @escaping @Sendable (Tensor, Tensor) throws -> WeightedMean
    ) {
        (self.kind, self.name, self.location) = (kind, name, location)
        self.body = {
            let result = try body($0, $1)
            return (result.mean, result.weight)
        }
    }

    /// - Parameter caller: the line to name where the library's own measures are misused.
    /// - Returns: the mean, and its weight where it has one.
    /// - Throws: ``GraphError`` where the operands don't fit, or the result is no scalar.
    func callAsFunction(
        _ prediction: Tensor, _ target: Tensor, caller: SourceLocation
    ) throws -> (mean: Tensor, weight: Tensor?) {
        let result =
            location == nil
            ? try prediction.graph.at(caller) { try body(prediction, target) } : try body(prediction, target)
        try ([result.mean] + (result.weight.map { [$0] } ?? [])).requireScalars(
            kind, name, of: [prediction.type, target.type], at: location ?? caller)
        return result
    }
}

extension [Tensor] {
    /// Checks that a loss or a metric, with its weight, is one number.
    func requireScalars(
        _ kind: String, _ name: String, of operands: [TensorType], at location: SourceLocation
    ) throws(GraphError) {
        for tensor in self where tensor.shape != [] || !tensor.dtype.isFloatingPoint {
            throw GraphError(
                operation: name,
                message: "a \(kind) must be a floating-point scalar, not \(tensor.type); take the mean over the batch,"
                    + " as by mean(), and cast counts to float32",
                operands: operands, location: location)
        }
    }
}

/// A mean of means so far, each with its weight.
struct RunningMean: Sendable {
    private(set) var weight = 0.0
    private var sum = 0.0

    init() {}

    init(_ mean: Double, weight: Double) {
        self.weight = weight
        sum = weight == 0 ? 0 : mean * weight
    }

    static func += (left: inout RunningMean, right: RunningMean) {
        left.sum += right.sum
        left.weight += right.weight
    }

    /// NaN where nothing has counted.
    var mean: Double { sum / weight }
}

extension HostTensor {
    /// The number in a floating-point scalar.
    func number() throws -> Double {
        if dtype == .float64 { return try elements(Double.self).first ?? .nan }
        return try converted(to: .float32)?.elements(Float.self).first.map(Double.init) ?? .nan
    }
}
