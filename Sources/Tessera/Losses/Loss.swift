/// What becomes of the losses of a batch's elements or rows. PyTorch's `reduction`.
public enum Reduction: Hashable, Sendable {
    /// Their mean, over what counts.
    case mean
    /// The sum of all terms.
    case sum
    /// They stay as they are.
    case none
}

/// A number that training makes small, from a model's prediction and what was wanted: a scalar, the mean over the
/// batch.
///
/// Those of the library want operands of one type and one shape, but for labels: what would only broadcast is an error.
public struct Loss: Sendable {
    let measure: Measure
    /// The losses before they are reduced; `nil` where a loss of one's own says their mean alone.
    private let terms: (@Sendable (_ prediction: Tensor, _ target: Tensor) throws -> LossTerms)?

    /// What results and reports call it.
    public var name: String { measure.name }

    /// A loss of one's own: a scalar, the mean over the batch's examples.
    ///
    /// Where it is a mean over something else, of which batches have more or less, see ``weighted(_:file:line:_:)``.
    public init(
        _ name: String, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) {
        measure = Measure("loss", name, at: SourceLocation(file: file, line: line), mean: body)
        terms = nil
    }

    /// A loss of one's own that says what it is a mean over, where batches differ in that: labels that count, say.
    ///
    /// Over several batches, each then counts by its weight.
    public static func weighted(
        _ name: String, file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> WeightedMean
    ) -> Loss {
        Loss(Measure("loss", name, at: SourceLocation(file: file, line: line), weighted: body), nil)
    }

    private init(_ measure: Measure, _ terms: (@Sendable (Tensor, Tensor) throws -> LossTerms)?) {
        self.measure = measure
        self.terms = terms
    }

    /// A loss of the library, from what it makes of each element or row.
    static func builtIn(
        _ name: String, _ terms: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> LossTerms
    ) -> Loss {
        Loss(Measure("loss", name, at: nil) { try terms($0, $1).mean() }, terms)
    }

    /// The same, from what `body` makes of each element of two tensors alike.
    static func elementwise(
        _ name: String, _ body: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) throws -> Tensor
    ) -> Loss {
        builtIn(name) { prediction, target in
            try prediction.requireAlike(target, "prediction and target", of: name)
            return LossTerms(try body(prediction.widened(), target.widened()))
        }
    }

    /// The loss of a batch.
    ///
    /// - Returns: a scalar of a graph; where nothing is reduced, a loss for each element or row, as the loss says.
    /// - Throws: ``GraphError`` where the operands don't fit, a number that the loss was made with makes no sense, or a
    ///   loss of one's own is no scalar or is to be reduced in another way than by the mean.
    public func callAsFunction(
        _ prediction: Tensor, _ target: Tensor, reduction: Reduction = .mean, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> Tensor {
        let location = SourceLocation(file: file, line: line)
        if reduction == .mean { return try measure(prediction, target, caller: location)[0] }
        guard let terms else {
            throw prediction.graph.failure(
                name, "a loss of one's own gives its mean alone: reduce in its closure", [prediction, target],
                at: location)
        }
        return try prediction.graph.at(location) { try terms(prediction, target).reduced(by: reduction) }
    }
}

/// What a loss makes of a batch before it is reduced.
struct LossTerms {
    /// One for each element or row.
    let losses: Tensor
    /// What their sum is divided by to be the mean: a scalar; their number, where left out.
    let weight: Tensor?

    init(_ losses: Tensor, over weight: Tensor? = nil) { (self.losses, self.weight) = (losses, weight) }

    func mean() throws -> WeightedMean {
        guard let weight else { return try WeightedMean(losses.mean(), over: losses.shape.elementCount) }
        return try WeightedMean(sum: losses.cast(to: weight.dtype).sum(), over: weight)
    }

    func reduced(by reduction: Reduction) throws -> Tensor {
        switch reduction {
        case .mean: try mean().mean
        case .sum: try losses.sum()
        case .none: losses
        }
    }
}

extension Tensor {
    /// Checks that another operand of a loss has this one's type and shape.
    ///
    /// - Parameter meaning: what the two are.
    func requireAlike(_ other: Tensor, _ meaning: String, of name: String) throws {
        guard type != other.type else { return }
        let advice =
            shape == other.shape ? "cast one of them" : "reshape one of them, as they would only broadcast"
        throw GraphError(
            operation: name, message: "\(meaning) must be alike, not \(type) and \(other.type); \(advice)",
            operands: [type, other.type])
    }

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

    /// The type in which losses of single numbers are computed: the small numbers in their formulas are none in 16
    /// bits.
    func widened() throws -> Tensor { try cast(to: dtypeOfSums) }

    func flattened() throws -> Tensor { try reshaped(to: [shape.elementCount]) }

    /// The type in which many numbers of this type are added up or counted: those of 16 bits soon overflow.
    var dtypeOfSums: DType { dtype.isHalf ? .float32 : dtype }

    /// How many labels are not negative: a scalar of type `dtype`.
    func countOfLabels(_ dtype: DType) throws -> Tensor { try greater(than: -1).cast(to: dtype).sum() }

    /// Weights of the places along this tensor's last axis, as a tensor `[extent]` of its type.
    ///
    /// - Throws: ``GraphError`` where there is not one for each place, or one is negative or no number.
    func weightsOfLastAxis(_ weights: [Double], _ meaning: String, of name: String) throws -> Tensor {
        let extent = shape.dimensions.last ?? 1
        guard weights.count == extent else {
            throw GraphError(
                operation: name, message: "\(shape) needs \(extent) \(meaning), not \(weights.count)", operands: [type])
        }
        if let wrong = weights.first(where: { !($0 >= 0 && $0.isFinite) }) {
            throw GraphError(
                operation: name, message: "\(meaning) must be numbers of at least 0, not \(wrong)", operands: [type])
        }
        return try graph.constant(HostTensor([extent], weights)).cast(to: dtype)
    }
}

/// Checks a number that a loss was made with.
func requireOption(_ isRight: Bool, _ message: @autoclosure () -> String, of name: String) throws {
    if !isRight { throw GraphError(operation: name, message: message()) }
}
