/// A mean over one batch with what it is a mean over, so that the means of batches of any size come to the mean over all.
public struct WeightedMean {
    enum Weight {
        /// The number of examples in the batch.
        case examples
        case number(Double)
        case tensor(Tensor)
    }

    /// A scalar.
    public let mean: Tensor
    let weight: Weight

    init(_ mean: Tensor, weight: Weight) {
        self.mean = mean
        self.weight = weight
    }

    /// - Parameter count: how many numbers `mean` is the mean of.
    public init(_ mean: Tensor, over count: Int) { self.init(mean, weight: .number(Double(count))) }

    /// `sum / count`, or 0 where the count is 0, so that no NaN gets into the gradients: such a batch counts for nothing.
    ///
    /// - Parameter count: a scalar, the number of what has been added up or the sum of its weights.
    public init(sum: Tensor, over count: Tensor) throws {
        let graph = count.graph
        let divisor = try Tensor.select(count, count, graph.fill(1, [], count.dtype))
        self.init(try sum / divisor, weight: .tensor(count))
    }
}

/// What makes one number of a prediction and what was wanted: what losses and metrics have in common.
struct Measure: Sendable {
    typealias Body = @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> WeightedMean

    /// A loss, a metric.
    let kind: String
    let name: String
    let body: Body
    /// Where a user wrote it; `nil` where it comes with the library, whose lines help nobody.
    let location: SourceLocation?

    /// - Parameter caller: the line to name where the library's own measures are misused.
    /// - Throws: ``GraphError`` where the operands don't fit, or the result is no scalar.
    func callAsFunction(_ prediction: Tensor, _ target: Tensor, caller: SourceLocation) throws -> WeightedMean {
        let result =
            location == nil
            ? try prediction.graph.at(caller) { try body(prediction, target) } : try body(prediction, target)
        var tensors = [result.mean]
        if case .tensor(let weight) = result.weight { tensors.append(weight) }
        for tensor in tensors where tensor.shape != [] || !tensor.dtype.isFloatingPoint {
            throw GraphError(
                operation: name,
                message: "a \(kind) must be a floating-point scalar, not \(tensor.type); take the mean over the batch,"
                    + " as by mean(), and cast counts to float32",
                operands: [prediction.type, target.type], location: location ?? caller)
        }
        return result
    }
}

/// The loss and the metric of a batch among the outputs of a plan.
struct BatchOutputs {
    private enum Weight {
        case examples
        case number(Double)
        case output(Int)
    }

    private var means: [(output: Int, weight: Weight)] = []
    private(set) var count = 0

    /// - Returns: the outputs to add to the plan.
    mutating func add(_ mean: WeightedMean) throws -> [Tensor] {
        var outputs = [mean.mean]
        let weight: Weight
        switch mean.weight {
        case .examples: weight = .examples
        case .number(let number): weight = .number(number)
        case .tensor(let tensor):
            weight = .output(count + 1)
            outputs.append(tensor)
        }
        means.append((count, weight))
        count += outputs.count
        return try outputs.map { $0.dtype == .float64 ? $0 : try $0.cast(to: .float32) }
    }

    /// - Parameters:
    ///   - outputs: what a run of the plan has given.
    ///   - examples: in the batch.
    func result(_ outputs: [HostTensor], examples: Int) throws -> Trainer.Result {
        let numbers = try outputs.map { try $0.number() }
        let parts = means.map { mean in
            switch mean.weight {
            case .examples: RunningMean(numbers[mean.output], weight: Double(examples))
            case .number(let weight): RunningMean(numbers[mean.output], weight: weight)
            case .output(let weight): RunningMean(numbers[mean.output], weight: numbers[weight])
            }
        }
        return Trainer.Result(loss: parts[0], metric: parts.dropFirst().first, count: examples)
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
    /// The number in a float32 or float64 scalar.
    fileprivate func number() throws -> Double {
        switch dtype {
        case .float64: return try elements(Double.self).first ?? .nan
        default: return try elements(Float.self).first.map(Double.init) ?? .nan
        }
    }
}
