/// Trains a model: one step (forward, backward, optimizer) is one plan, so that parameters stay on the device.
///
/// Not for use from two threads at a time.
public final class Trainer {
    /// What came out of one step or of a whole dataset.
    public struct Result: Sendable, CustomStringConvertible {
        var meanLoss: RunningMean
        var meanMetric: RunningMean?
        /// The number of examples.
        public internal(set) var count: Int
        /// Whether the step was not taken, for its loss.
        var isSkipped = false

        init(loss: RunningMean, metric: RunningMean?, count: Int) {
            (meanLoss, meanMetric, self.count) = (loss, metric, count)
        }

        /// The mean over all that counts: examples, elements or labels, as the loss says. NaN where nothing does.
        public var loss: Double { meanLoss.mean }
        /// How much has counted for the loss.
        public var lossWeight: Double { meanLoss.weight }
        /// The mean over all that counts for the metric, NaN where nothing does; `nil` where the trainer has no metric.
        public var metric: Double? { meanMetric?.mean }

        public var description: String {
            "loss \(decimal(loss, 4))" + (metric.map { ", metric \(decimal($0, 4))" } ?? "") + " over \(count) examples"
        }
    }

    /// What to do where a step's loss is NaN or infinite.
    public enum NonFiniteLossPolicy: Sendable {
        /// Throw ``NonFiniteLoss``. Variables are as before the step.
        case report
        /// Go on with the next batch: only the count of steps changes.
        case skip
        /// Take the step.
        case proceed
    }

    public let model: any Layer
    public let executor: Executor
    public let loss: Loss
    public let metric: Metric?
    public let optimizer: any Optimizer
    public var schedule: LearningRateSchedule
    public var onNonFiniteLoss = NonFiniteLossPolicy.report
    let regularizers: [Regularizer]
    let gradientNorm: Double?

    /// The number of steps done, those before a checkpoint that was loaded included.
    public internal(set) var step = 0
    /// The same on the device: counts for Adam and for dropout's masks.
    let stepVariable = Variable("step", HostTensor(Int32(0)), isTrainable: false)

    private let plans = PlanCache()
    private var stepPlan: Plan?
    /// The last call of ``fit``, for one that resumes it.
    var lastFit: FitRecord?
    /// Where the trainer was made: nodes that it adds itself are said to come from there.
    private let file: StaticString
    private let line: UInt
    var location: SourceLocation { SourceLocation(file: file, line: line) }

    /// How many plans are kept for batches of other shapes than the last; more are made again when they are needed. Plans
    /// share the memory they run in, which is as large as the largest of them needs.
    public var planLimit: PlanLimit {
        get { plans.limit }
        set { plans.limit = newValue }
    }

    /// Drops all plans; they are made again when they are needed. ``Executor/releaseUnusedMemory()`` then gives back the
    /// memory they ran in.
    public func removePlans() {
        plans.removeAll()
        stepPlan = nil
    }

    /// - Parameters:
    ///   - metric: what progress shows beside the loss.
    ///   - schedule: what the optimizer's learning rate is multiplied by at each step.
    ///   - regularizers: what is added to the loss for every parameter with at least two axes: weights, not biases.
    ///   - gradientNorm: the most that the gradients' common norm may be; they are scaled down to it.
    public init(
        _ model: any Layer, loss: Loss, optimizer: any Optimizer, metric: Metric? = nil,
        schedule: LearningRateSchedule = .constant, regularizers: [Regularizer] = [], gradientNorm: Double? = nil,
        on executor: Executor, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.metric = metric
        self.schedule = schedule
        self.regularizers = regularizers
        self.gradientNorm = gradientNorm
        self.executor = executor
        self.file = file
        self.line = line
    }

    /// One step on one batch.
    ///
    /// - Returns: the loss, without regularizers, and the metric before the step.
    /// - Throws: ``GraphError`` where the batch doesn't fit the model, is empty, or has a label or an index out of range, or
    ///   the learning rate is no number; ``NonFiniteLoss`` as ``onNonFiniteLoss`` says. Nothing has changed then.
    public func train(_ batch: Batch) throws -> Result {
        guard batch.count > 0, batch.input.shape.elementCount > 0 else {
            let lack = batch.count > 0 ? "no elements in its input" : "\(batch.count) examples"
            throw GraphError(
                operation: "train", message: "an empty batch teaches nothing: it has \(lack)",
                operands: [batch.input.type, batch.target.type], location: location)
        }
        let plan = try trainingPlan(for: batch)
        let rate = Float(optimizer.learningRate * schedule(step))
        guard rate.isFinite else {
            throw GraphError(
                operation: "train",
                message: "the learning rate at step \(step) is \(rate): \(optimizer.learningRate) by the schedule's"
                    + " \(schedule(step))", location: location)
        }
        var result: Result?
        let outputs = try executor.run(
            plan, inputs: ["input": batch.input, "target": batch.target, "learning rate": HostTensor(rate)]
        ) { outputs in
            var found = try self.result(outputs, batch.count)
            // Where nothing counts too: what is NaN or infinite in it is in the gradients all the same.
            let mean = try outputs[0].number()
            if !mean.isFinite {
                switch onNonFiniteLoss {
                case .report: throw NonFiniteLoss(loss: mean, step: step, batch: batch)
                case .skip: found.isSkipped = true
                case .proceed: break
                }
            }
            result = found
            return !found.isSkipped
        }
        if result?.isSkipped == true { _ = try executor.run(countingPlan()) }
        step += 1
        return try result ?? self.result(outputs, batch.count)
    }

    /// The plan that ``train(_:)`` runs for batches like this one: for its `explain()`.
    public func trainingPlan(for batch: Batch) throws -> Plan {
        try plans.plan(.init(purpose: .training, input: batch.input.type, target: batch.target.type)) {
            try makeTrainingPlan(for: batch)
        }
    }

    private func makeTrainingPlan(for batch: Batch) throws -> Plan {
        let graph = Graph()
        let rate = try graph.input("learning rate", [], file: file, line: line)
        let step = try graph.at(location) { try graph.read(stepVariable) + 1 }
        let pass = ForwardPass(graph, .training(step: step))
        let (prediction, target) = try examples(like: batch, pass)
        let outputs = try measured(prediction, target)

        let parameters = try parameters(readBy: pass)
        let tensors = try parameters.map { try pass.read($0) }
        let objective = try graph.at(location) {
            try tensors.filter { $0.shape.rank >= 2 }.reduce(outputs[0]) { sum, tensor in
                try regularizers.reduce(sum) { try $0 + $1.penalty(tensor) }
            }
        }
        let found = try graph.gradientsWhereAny(of: objective, withRespectTo: tensors, file: file, line: line)
        // What the loss does not depend on stays as it is, as in PyTorch: no decay, no momentum.
        let trained = parameters.indices.filter { found[$0] != nil }
        if trained.isEmpty, !model.parameters.isEmpty { throw noDependence(of: objective) }
        var gradients = found.compactMap { $0 }
        let updates = try graph.at(location) {
            if let gradientNorm { gradients = try graph.clipped(gradients, toNorm: gradientNorm) }
            return try zip(trained, gradients).flatMap { index, gradient in
                try optimizer.update(
                    parameters[index], tensors[index], gradient: gradient, step: step, learningRate: rate)
            }
        }
        return try executor.compile(
            graph, outputs: outputs, updates: pass.updates + [(stepVariable, step)] + updates)
    }

    /// The prediction for a batch like this one, and what is wanted for it, as inputs of a graph.
    private func examples(like batch: Batch, _ pass: ForwardPass) throws -> (prediction: Tensor, target: Tensor) {
        let graph = pass.graph
        let prediction = try model(
            graph.input("input", batch.input.shape, batch.input.dtype, file: file, line: line), pass)
        let target = try graph.input("target", batch.target.shape, batch.target.dtype, file: file, line: line)
        return (prediction, target)
    }

    /// The loss and the metric, each with its weight where it has one.
    private func measured(_ prediction: Tensor, _ target: Tensor) throws -> [Tensor] {
        try loss.measure(prediction, target, caller: location)
            + (metric.map { try $0.measure(prediction, target, caller: location) } ?? [])
    }

    /// What a run of a plan with these outputs has come to.
    private func result(_ outputs: [HostTensor], _ examples: Int) throws -> Result {
        var rest = outputs[...]
        let loss = try loss.measure.read(&rest, examples: examples)
        return Result(
            loss: loss, metric: try metric?.measure.read(&rest, examples: examples), count: examples)
    }

    /// Counts a step and does nothing else.
    private func countingPlan() throws -> Plan {
        if let plan = stepPlan { return plan }
        let graph = Graph()
        let plan = try executor.compile(
            graph, outputs: [], updates: [(stepVariable, graph.at(location) { try graph.read(stepVariable) + 1 })])
        stepPlan = plan
        return plan
    }

    /// The model's output for an input, without training.
    public func predict(_ input: HostTensor) throws -> HostTensor {
        let plan = try plans.plan(.init(purpose: .prediction, input: input.type)) {
            let graph = Graph()
            let prediction = try model(
                graph.input("input", input.shape, input.dtype, file: file, line: line), ForwardPass(graph, .inference))
            return try executor.compile(graph, outputs: [prediction])
        }
        return try executor.run(plan, inputs: ["input": input])[0]
    }

    /// The mean loss and metric over a dataset, without training: over all that counts in it, whatever the batches.
    ///
    /// - Throws: ``GraphError`` where the data are empty or don't fit the model, or have a label or an index out of range.
    public func evaluate(
        _ data: any Dataset, batchSize: Int = 500, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Result {
        let caller = SourceLocation(file: file, line: line)
        let order = try BatchOrder(data, batchSize: batchSize, shuffles: false, for: "evaluate", at: caller)
        let indices = try order.indices(epoch: 0, file: file, line: line)
        var total = nothing
        for number in 0..<order.batchesPerEpoch {
            let batch = try data.batch(indices[order.range(number)])
            let plan = try evaluationPlan(for: batch)
            let outputs = try executor.run(plan, inputs: ["input": batch.input, "target": batch.target])
            total += try result(outputs, batch.count)
        }
        return total
    }

    private func evaluationPlan(for batch: Batch) throws -> Plan {
        try plans.plan(.init(purpose: .evaluation, input: batch.input.type, target: batch.target.type)) {
            let graph = Graph()
            let (prediction, target) = try examples(like: batch, ForwardPass(graph, .inference))
            return try executor.compile(graph, outputs: measured(prediction, target))
        }
    }

    /// The result over no examples.
    var nothing: Result { Result(loss: RunningMean(), metric: metric.map { _ in RunningMean() }, count: 0) }
}

extension Trainer.Result {
    /// The result over what both are over.
    static func += (left: inout Self, right: Self) {
        left.meanLoss += right.meanLoss
        if let metric = right.meanMetric {
            left.meanMetric = left.meanMetric ?? RunningMean()
            left.meanMetric? += metric
        }
        left.count = left.count.plus(right.count)
    }
}
