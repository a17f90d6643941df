/// A mean over one batch with what it is a mean over, so that the means of batches of any size come to the mean over all.
public struct WeightedMean {
    /// A scalar.
    public let mean: Tensor
    /// How much the mean counts beside those of other batches: a scalar.
    public let weight: Tensor

    var tensors: [Tensor] { [mean, weight] }

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

/// What makes tensors of a prediction and what was wanted, and a number of those of several batches: what losses and metrics
/// have in common.
struct Measure: Sendable {
    typealias Body = @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> [Tensor]

    /// A loss, a metric.
    let kind: String
    let name: String
    /// Where a user wrote it; `nil` where it comes with the library, whose lines help nobody.
    let location: SourceLocation?
    /// What takes the tensors of batches, before the first. A ``RunningMean`` takes the mean and its weight, which may be
    /// left out where it is the number of examples.
    let state: any MetricState
    /// Without the checks of a call.
    let body: Body

    init(
        _ kind: String, _ name: String, at location: SourceLocation?, into state: any MetricState,
        _ body: @escaping Body
    ) {
        (self.kind, self.name, self.location, self.state, self.body) = (kind, name, location, state, body)
    }

    /// A measure that is a mean over a batch's examples.
    init(
        _ kind: String, _ name: String, at location: SourceLocation,
        mean body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
    ) {
        self.init(kind, name, at: location, into: RunningMean()) { [try body($0, $1)] }
    }

    init(
        _ kind: String, _ name: String, at location: SourceLocation?,
        weighted body: @escaping @Sendable (Tensor, Tensor) throws -> WeightedMean
    ) {
        self.init(kind, name, at: location, into: RunningMean()) { try body($0, $1).tensors }
    }

    /// - Parameter caller: the line to name where the library's own measures are misused.
    /// - Returns: at least one tensor: a mean first.
    /// - Throws: ``GraphError`` where the operands don't fit, or a mean is no scalar.
    func callAsFunction(_ prediction: Tensor, _ target: Tensor, caller: SourceLocation) throws -> [Tensor] {
        // Losses are on PyTorch's list of what is computed in float32.
        let (prediction, target) = (try prediction.autocastToFloat32(), try target.autocastToFloat32())
        let result =
            location == nil
            ? try prediction.graph.at(caller) { try body(prediction, target) } : try body(prediction, target)
        guard !result.isEmpty else {
            throw GraphError(
                operation: name, message: "the \(kind) gives no tensor", operands: [prediction.type, target.type],
                location: location ?? caller)
        }
        if state is RunningMean {
            try result.requireScalars(kind, name, of: [prediction.type, target.type], at: location ?? caller)
        }
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
struct RunningMean: MetricState {
    private(set) var weight = 0.0
    private var sum = 0.0

    mutating func add(_ mean: Double, weight: Double) {
        guard weight != 0 else { return }
        sum += mean * weight
        self.weight += weight
    }

    /// Takes a mean and its weight.
    mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2 else { return }
        add(try tensors[0].number(), weight: try tensors[1].number())
    }

    mutating func merge(_ later: RunningMean) {
        sum += later.sum
        weight += later.weight
    }

    /// NaN where nothing has counted.
    var value: Double { sum / weight }
}

extension HostTensor {
    /// The numbers of a floating-point tensor.
    func doubles() throws -> [Double] {
        if dtype == .float64 { return try elements() }
        return try converted(to: .float32)?.elements(Float.self).map(Double.init) ?? []
    }

    /// The number in a floating-point scalar.
    func number() throws -> Double { try doubles().first ?? .nan }
}
