extension Tensor {
    /// Connectionist temporal classification of these log-probabilities `[times, batch, classes]` (Graves et al.,
    /// 2006): the negative log-likelihood of a sequence of labels, over all ways to write each of them once or more
    /// with blanks between. torch.nn.CTCLoss.
    ///
    /// Forward variables are added up as logarithms, a few nodes of the graph for each time; the backward variables are
    /// their gradient.
    ///
    /// - Parameters:
    ///   - targets: int32 `[batch, length]`, 65536 at most, as the times are; what is beyond a target's length may be
    ///     anything.
    ///   - inputLengths: int32 `[batch]`, how many of the times count, from 1; all, where left out.
    ///   - targetLengths: int32 `[batch]`, from 0; all labels, where left out.
    ///   - blank: the class that writes nothing.
    ///   - zeroesInfinity: whether a target that does not fit into its times has a loss of 0. It is infinite else; in
    ///     either case it has no gradient.
    ///   - reduction: the mean is that of each loss over its target's length, 1 at least.
    /// - Returns: a scalar; unreduced `[batch]`.
    /// - Throws: ``GraphError`` where the operands don't fit or the blank is no class; a run with a label or a length
    ///   out of range is an error.
    public func ctcLoss(
        targets: Tensor, inputLengths: Tensor? = nil, targetLengths: Tensor? = nil, blank: Int = 0,
        zeroesInfinity: Bool = false, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try graph.at(SourceLocation(file: file, line: line)) {
            let problem = try AlignmentProblem(self, targets, inputLengths, targetLengths, blank: blank)
            let likelihood = try problem.logLikelihood()
            let none = try graph.fill(zeroesInfinity ? 0 : .infinity, [], likelihood.dtype)
            let fits = try likelihood.greater(than: AlignmentProblem.impossible / 2)
            let losses = try Tensor.select(fits, -likelihood, none)
            problem.checkIndices(of: losses)
            guard reduction == .mean else { return try LossTerms(losses).reduced(by: reduction) }
            return try (losses / problem.targetLengths.cast(to: losses.dtype).combine(.maximum, 1)).mean()
        }
    }
}

/// The ways to write targets in some times. A state is a place in the target with blanks before, between and after its
/// labels.
private struct AlignmentProblem {
    /// The logarithm of no probability, finite so that differences of two are numbers.
    static let impossible = -1e30

    private let logProbabilities: Tensor
    /// The labels that count, `[batch, length]`, the others blank.
    private let labels: Tensor
    private let inputLengths: Tensor?
    let targetLengths: Tensor
    private let blank: Tensor
    private let (times, batch, classes, length): (Int, Int, Int, Int)
    private var graph: Graph { logProbabilities.graph }

    init(
        _ logProbabilities: Tensor, _ targets: Tensor, _ inputLengths: Tensor?, _ targetLengths: Tensor?, blank: Int
    ) throws {
        let graph = logProbabilities.graph
        let operands = [logProbabilities, targets] + [inputLengths, targetLengths].compactMap { $0 }
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "CTC", message: message, operands: operands.map(\.type))
        }
        let shape = logProbabilities.shape
        guard shape.rank == 3, logProbabilities.dtype.isFloatingPoint, shape[0] > 0 else {
            throw failure("log-probabilities must be [times, batch, classes] with at least one time")
        }
        (times, batch, classes) = (shape[0], shape[1], shape[2])
        guard targets.shape.rank == 2, targets.shape[0] == batch, targets.dtype == .int32 else {
            throw failure("targets must be int32[\(batch), length], not \(targets.type)")
        }
        for lengths in [inputLengths, targetLengths].compactMap({ $0 }) {
            guard lengths.type == TensorType([batch], .int32) else {
                throw failure("lengths must be int32[\(batch)], not \(lengths.type)")
            }
        }
        guard (0..<classes).contains(blank) else {
            throw failure("the blank must be one of the \(classes) classes, not \(blank)")
        }
        length = targets.shape[1]
        guard max(times, length) <= 1 << 16 else {
            throw failure("there is a node for each time: more than \(1 << 16) times or labels are too many")
        }
        self.logProbabilities =
            logProbabilities.dtype.isHalf ? try logProbabilities.cast(to: .float32) : logProbabilities
        self.blank = try graph.fill(Double(blank), [], .int32)
        self.inputLengths = inputLengths
        self.targetLengths = try targetLengths ?? graph.fill(Double(length), [batch], .int32)
        let places = try graph.constant(HostTensor([length], (0..<length).map { Int32($0) }))
        let counts = try places.less(than: self.targetLengths.reshaped(to: [batch, 1]))
        labels = targetLengths == nil ? targets : try Tensor.select(counts, targets, self.blank)
    }

    /// Has runs refuse labels and lengths that make no sense.
    func checkIndices(of result: Tensor) {
        graph.check(labels, in: 0..<classes, "labels", of: result, as: "CTC")
        graph.check(targetLengths, in: 0..<(length + 1), "target lengths", of: result, as: "CTC")
        if let inputLengths { graph.check(inputLengths, in: 1..<(times + 1), "input lengths", of: result, as: "CTC") }
    }

    /// The logarithm of the probability of each target: `[batch]`.
    func logLikelihood() throws -> Tensor {
        let dtype = logProbabilities.dtype
        let count = 2 * length + 1
        let blanks = try blank.broadcast(to: [batch, length, 1])
        let pairs = try Tensor.concatenated([blanks, labels.reshaped(to: [batch, length, 1])], axis: 2)
        let states = try Tensor.concatenated(
            [pairs.reshaped(to: [batch, 2 * length]), blank.broadcast(to: [batch, 1])], axis: 1)

        // A blank cannot be left out between two equal labels, nor a label before a blank.
        let before = try states.padded(before: [0, 2], after: [0, 0]).sliced(axis: 1, 0..<count)
        let cannotSkip = try states.equal(to: before).bitwiseOr(states.equal(to: blank))
        func cost(_ isImpossible: Tensor) throws -> Tensor {
            try Tensor.select(
                isImpossible, graph.fill(Self.impossible, [], dtype), graph.fill(0, [], dtype))
        }
        let skipping = try cost(cannotSkip)
        let outside = try constant([Self.impossible, Self.impossible] + [Double](repeating: 0, count: count))

        let emissions = try logProbabilities.gather(states.broadcast(to: [times, batch, count]), axis: 2)
            .combine(.maximum, Self.impossible)
        func emission(_ time: Int) throws -> Tensor {
            try emissions.sliced(axis: 0, time..<(time + 1)).reshaped(to: [batch, count])
        }
        // One begins with a blank or the first label.
        var forward = try emission(0) + constant((0..<count).map { $0 < 2 ? 0 : Self.impossible })
        for time in 1..<max(times, 1) {
            let padded = try forward.padded(before: [0, 2], after: [0, 0]) + outside
            let next =
                try emission(time)
                + Self.logSumExp(
                    forward, padded.sliced(axis: 1, 1..<(count + 1)), padded.sliced(axis: 1, 0..<count) + skipping)
            guard let inputLengths else {
                forward = next
                continue
            }
            let goesOn = try inputLengths.greater(than: Double(time)).reshaped(to: [batch, 1])
            forward = try Tensor.select(goesOn, next, forward)
        }

        // One ends with the last label or the blank after it.
        let end = try (targetLengths * 2).reshaped(to: [batch, 1])
        let atBlank = try forward.gather(end, axis: 1)
        let atLabel =
            try forward.gather(end.maximum(graph.fill(1, [], .int32)) - 1, axis: 1)
            + cost(end.equal(to: graph.fill(0, [], .int32)))
        return try Self.logSumExp(atBlank, atLabel).reshaped(to: [batch])
    }

    private func constant(_ numbers: [Double]) throws -> Tensor {
        try graph.constant(HostTensor([numbers.count], numbers)).cast(to: logProbabilities.dtype)
    }

    /// `ln Σ eˣ` of a few tensors, elementwise.
    private static func logSumExp(_ first: Tensor, _ others: Tensor...) throws -> Tensor {
        let greatest = try others.reduce(first) { try $0.maximum($1) }.stoppingGradient()
        let sum = try others.reduce((first - greatest).exp()) { try $0 + ($1 - greatest).exp() }
        return try greatest + sum.log()
    }
}
