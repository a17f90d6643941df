/// Something that a step gives by name: a loss to be made small, a number for people, or a tensor.
public struct StepOutput {
    enum Kind: Hashable {
        /// Made small by the groups of these names; by all, where there are none.
        case loss(trains: [String])
        case metric(isFraction: Bool)
        case tensor

        var word: String {
            switch self {
            case .loss: "loss"
            case .metric: "metric"
            case .tensor: "tensor"
            }
        }

    }

    let name: String
    let kind: Kind
    /// At least one. Of a mean, it and what it counts by, which is the number of examples where left out.
    let tensors: [Tensor]
    /// What takes the tensors of batches, before the first; `nil` for a tensor that comes back as it is.
    let state: (any MetricState)?
    let location: SourceLocation

    /// The first tensor: of a loss, its mean.
    var tensor: Tensor { tensors[0] }

    /// A loss: a floating-point scalar, the mean over the batch's examples.
    ///
    /// - Parameter groups: the names of the parameter groups that make it small; all groups, where left out. A group that
    ///   several losses train takes its gradients from their sum.
    public static func loss(
        _ name: String, _ mean: Tensor, trains groups: String..., file: StaticString = #fileID, line: UInt = #line
    ) -> StepOutput {
        StepOutput(name, .loss(trains: groups), [mean], RunningMean(), SourceLocation(file: file, line: line))
    }

    /// A loss that says what it is a mean over.
    public static func loss(
        _ name: String, _ mean: WeightedMean, trains groups: String..., file: StaticString = #fileID,
        line: UInt = #line
    ) -> StepOutput {
        StepOutput(name, .loss(trains: groups), mean.tensors, RunningMean(), SourceLocation(file: file, line: line))
    }

    /// One of the losses that have names, or of one's own, of a prediction and what was wanted.
    ///
    /// - Throws: ``GraphError`` where the two don't fit.
    public static func loss(
        _ name: String, _ loss: Loss, _ prediction: Tensor, _ target: Tensor, trains groups: String...,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> StepOutput {
        try StepOutput(
            name, .loss(trains: groups), loss.measure, prediction, target, SourceLocation(file: file, line: line))
    }

    /// A number for people: a floating-point scalar, the mean over the batch's examples.
    ///
    /// - Parameter isFraction: whether to print it as a percentage.
    public static func metric(
        _ name: String, _ mean: Tensor, isFraction: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> StepOutput {
        StepOutput(name, .metric(isFraction: isFraction), [mean], RunningMean(), SourceLocation(file: file, line: line))
    }

    /// A number for people that says what it is a mean over.
    public static func metric(
        _ name: String, _ mean: WeightedMean, isFraction: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> StepOutput {
        StepOutput(
            name, .metric(isFraction: isFraction), mean.tensors, RunningMean(), SourceLocation(file: file, line: line))
    }

    /// One of the metrics that have names, or of one's own, of a prediction and what was wanted.
    ///
    /// - Throws: ``GraphError`` where the two don't fit.
    public static func metric(
        _ metric: Metric, _ prediction: Tensor, _ target: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws -> StepOutput {
        try StepOutput(
            metric.name, .metric(isFraction: metric.isFraction), metric.measure, prediction, target,
            SourceLocation(file: file, line: line))
    }

    /// A tensor that comes back as it is, of any shape: what was generated, attention's weights. Evaluation leaves it out.
    public static func tensor(
        _ name: String, _ tensor: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> StepOutput {
        .tensor(name, tensor, at: SourceLocation(file: file, line: line))
    }

    static func tensor(_ name: String, _ tensor: Tensor, at location: SourceLocation) -> StepOutput {
        StepOutput(name, .tensor, [tensor], nil, location)
    }

    private init(
        _ name: String, _ kind: Kind, _ tensors: [Tensor], _ state: (any MetricState)?, _ location: SourceLocation
    ) {
        (self.name, self.kind, self.tensors, self.state, self.location) = (name, kind, tensors, state, location)
    }

    private init(
        _ name: String, _ kind: Kind, _ measure: Measure, _ prediction: Tensor, _ target: Tensor,
        _ location: SourceLocation
    ) throws {
        self.init(name, kind, try measure(prediction, target, caller: location), measure.state, location)
    }
}

extension [StepOutput] {
    /// Checks what a closure has given for a graph.
    ///
    /// - Throws: ``GraphError`` where two of a kind have one name, a loss or a metric is no scalar, or a tensor is another
    ///   graph's.
    func check(in graph: Graph, for operation: String) throws {
        var known: [String: Set<String>] = [:]
        for output in self {
            let word = output.kind.word
            guard known[word, default: []].insert(output.name).inserted else {
                throw GraphError(
                    operation: operation, message: "“\(output.name)” is the name of more than one \(word)",
                    location: output.location)
            }
            guard output.tensors.allSatisfy({ $0.graph === graph }) else {
                throw GraphError(
                    operation: operation,
                    message:
                        "the \(word) “\(output.name)” belongs to another graph: make it anew in each call of the closure",
                    operands: output.tensors.map(\.type), location: output.location)
            }
            guard output.state is RunningMean else { continue }
            try output.tensors.requireScalars(word, output.name, of: [], at: output.location)
        }
    }
}
