/// Trains a model: one step (forward, backward, optimizers) is one plan, so that parameters stay on the device.
///
/// A step is a closure that gives losses, each with the groups of parameters that make it small:
///
/// ```swift
/// let trainer = Trainer(
///     gan, groups: [ParameterGroup("artist", gan.artist, Adam()), ParameterGroup("critic", gan.critic, Adam())],
///     on: executor
/// ) { pass, batch in
///     let (real, fake) = try (gan.critic(batch["image"], pass), gan.critic(gan.artist(batch["noise"], pass), pass))
///     return [
///         .loss("critic", try (fake.softplus() + (-real).softplus()).mean(), trains: "critic"),
///         .loss("artist", try (-fake).softplus().mean(), trains: "artist"),
///     ]
/// }
/// ```
///
/// All losses of a step are computed with the values from before it. Where there is one input, one target, one loss and one
/// optimizer, `Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: executor)` is that closure.
///
/// Not for use from two threads at a time.
public final class Trainer {
    /// What one step is made of: what comes out of a batch. It is called once for each shape of a batch, with a pass that trains
    /// or, for an evaluation, infers.
    public typealias Step = (_ pass: ForwardPass, _ batch: NamedTensors) throws -> [StepOutput]
    /// What the model makes of inputs, by name.
    public typealias Prediction = (_ pass: ForwardPass, _ inputs: NamedTensors) throws -> [String: Tensor]

    /// What to do where a step's loss is NaN or infinite.
    public enum NonFiniteLossPolicy: Sendable {
        /// Throw ``NonFiniteLoss``. Variables are as before the step.
        case report
        /// Go on with the next batch: only the count of steps changes.
        case skip
        /// Take the step.
        case proceed
    }

    /// What is trained.
    public let model: any Module
    /// The parameters that are trained, each in one group.
    public let groups: [ParameterGroup]
    /// What runs the steps.
    public let executor: Executor
    /// In which types the model is computed.
    public let precision: Precision
    /// The learning rate's course, of groups that have none of their own.
    public var schedule: LearningRateSchedule
    /// What happens where a loss is not finite.
    public var onNonFiniteLoss = NonFiniteLossPolicy.report
    let gradientNorm: Double?
    let gradientLimit: Double?
    let accumulation: GradientAccumulation
    let makeStep: Step
    let makePrediction: Prediction?
    /// The result over no examples.
    let nothing: Result

    /// The number of steps done, those before a checkpoint that was loaded included.
    public internal(set) var step = 0
    /// The same on the device: counts for Adam and for dropout's masks.
    let stepVariable = Variable("step", HostTensor(Int32(0)), isTrainable: false)

    /// What keeps the gradients of 16 bits within their range, where the precision wants it.
    let scaler: LossScaler?
    /// How often the parameters have moved, where overflowing gradients may keep them from it.
    let moveVariable = Variable("moves", HostTensor(Int32(0)), isTrainable: false)

    let plans = PlanCache<PlanKey, StepPlan>()
    private var stepPlan: Plan?
    /// The last call of `fit`, for one that resumes it.
    var lastFit: FitCall?
    /// What has watched it.
    var watchers = FitWatchers()
    /// Whether `fit` is to end after the step that runs.
    var isStopping = false
    /// Where the trainer was made: nodes that it adds itself are said to come from there.
    let (file, line): (StaticString, UInt)
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

    /// A trainer of any model, with a step of one's own.
    ///
    /// - Parameters:
    ///   - groups: all parameters of the model, each in one group, with what moves it.
    ///   - schedule: what the learning rates of all groups are multiplied by at each step.
    ///   - gradientNorm: the most that the gradients' common norm may be, of all groups that the same losses train; they are
    ///     scaled down to it.
    ///   - gradientLimit: the most that any number of a gradient may be; it is cut before norms are taken.
    ///   - accumulatedBatches: over how many batches gradients are averaged before the parameters move. Batches are counted
    ///     as steps, schedules count the moves.
    ///   - precision: in which types the step and the prediction are computed, while parameters stay float32.
    ///   - step: what comes out of a batch: at least one loss, metrics and other tensors.
    ///   - predicting: what `predict` gives.
    public convenience init(
        _ model: any Module, groups: [ParameterGroup], schedule: LearningRateSchedule = .constant,
        gradientNorm: Double? = nil, gradientLimit: Double? = nil, accumulatedBatches: Int = 1,
        precision: Precision = .float32, on executor: Executor, file: StaticString = #fileID, line: UInt = #line,
        step: @escaping Step, predicting: Prediction? = nil
    ) {
        self.init(
            model, groups, schedule, (gradientNorm, gradientLimit), accumulatedBatches, precision, executor, file, line,
            nothing: Result(figures: []), step, predicting)
    }

    /// A trainer of a layer from batches of an “input” and a “target”.
    ///
    /// - Parameters:
    ///   - metrics: what progress and evaluations show beside the loss.
    ///   - schedule: what the optimizer's learning rate is multiplied by at each step.
    ///   - regularizers: what is added to the loss for every parameter with at least two axes: weights, not biases.
    ///   - gradientNorm: the most that the gradients' common norm may be; they are scaled down to it.
    ///   - gradientLimit: the most that any number of a gradient may be; it is cut before norms are taken.
    ///   - accumulatedBatches: over how many batches gradients are averaged before the parameters move. Batches are counted
    ///     as steps, schedules count the moves.
    ///   - precision: in which types the model is computed, while its parameters stay float32.
    public convenience init(
        _ model: any Layer, loss: Loss, optimizer: any Optimizer, metrics: [Metric] = [],
        schedule: LearningRateSchedule = .constant, regularizers: [Regularizer] = [], gradientNorm: Double? = nil,
        gradientLimit: Double? = nil, accumulatedBatches: Int = 1, precision: Precision = .float32,
        on executor: Executor, file: StaticString = #fileID, line: UInt = #line
    ) {
        let group = ParameterGroup("all", model, optimizer, regularizers: regularizers, file: file, line: line)
        let nothing = Result(
            figures: [.init(name: "loss", kind: .loss(trains: []), state: RunningMean())]
                + metrics.map {
                    .init(name: $0.name, kind: .metric(isFraction: $0.isFraction), state: $0.measure.state)
                })
        let clipping = (norm: gradientNorm, limit: gradientLimit)
        self.init(
            model, [group], schedule, clipping, accumulatedBatches, precision, executor, file, line, nothing: nothing
        ) { pass, batch in
            let (input, target) = (try batch["input", file, line], try batch["target", file, line])
            if case .training = pass.mode, input.shape.elementCount == 0 {
                throw GraphError(
                    operation: "train", message: "an empty batch teaches nothing: it has no elements in its input",
                    operands: [input.type, target.type], location: SourceLocation(file: file, line: line))
            }
            let prediction = try model(input, pass)
            return try [.loss("loss", loss, prediction, target, file: file, line: line)]
                + metrics.map { try .metric($0, prediction, target, file: file, line: line) }
        } _: { pass, inputs in
            ["output": try model(inputs["input", file, line], pass)]
        }
    }

    private init(
        _ model: any Module, _ groups: [ParameterGroup], _ schedule: LearningRateSchedule,
        _ clipping: (norm: Double?, limit: Double?), _ accumulatedBatches: Int, _ precision: Precision,
        _ executor: Executor, _ file: StaticString, _ line: UInt, nothing: Result, _ step: @escaping Step,
        _ predicting: Prediction?
    ) {
        self.model = model
        self.groups = groups
        self.schedule = schedule
        (gradientNorm, gradientLimit) = clipping
        accumulation = GradientAccumulation(over: accumulatedBatches)
        self.precision = precision
        scaler = precision.lossScaling.map { LossScaler($0, file: file, line: line) }
        self.executor = executor
        (self.file, self.line) = (file, line)
        self.nothing = nothing
        makeStep = step
        makePrediction = predicting
    }

    /// One step on one batch.
    ///
    /// - Returns: the losses, without regularizers, and metrics before the step.
    /// - Throws: ``GraphError`` where the batch doesn't fit the model or lacks a tensor, is empty, or has a label or an index
    ///   out of range, a learning rate is no number, or the step makes no sense; ``NonFiniteLoss`` as ``onNonFiniteLoss``
    ///   says. Nothing has changed then.
    public func train(_ batch: Batch) throws -> Result {
        guard batch.count > 0, batch.tensors.values.contains(where: { $0.shape.elementCount > 0 }) else {
            let lack = batch.count > 0 ? "no elements" : "\(batch.count) examples"
            throw GraphError(
                operation: "train", message: "an empty batch teaches nothing: it has \(lack)",
                operands: batch.tensors.sorted { $0.key < $1.key }.map(\.value.type), location: location)
        }
        let plan = try trainingStep(for: batch)
        let inputs = try batch.tensors.merging(rates()) { given, _ in given }
        var result: Result?
        var happens = true
        let outputs = try executor.run(plan.plan, inputs: inputs) { outputs in
            var found = try plan.result(outputs, examples: batch.count)
            happens = true
            // Where nothing counts too: what is NaN or infinite in it is in the gradients all the same.
            if let (name, loss) = try plan.nonFiniteLoss(outputs) {
                switch onNonFiniteLoss {
                case .report: throw NonFiniteLoss(name, loss: loss, step: step, batch: batch)
                case .skip: happens = false
                case .proceed: break
                }
            }
            let overflows = try happens && scaler?.overflows(plan.scaling(outputs), at: location) == true
            found.isSkipped = !happens || overflows
            result = found
            return happens
        }
        if !happens { _ = try executor.run(countingPlan()) }
        step += 1
        return try result ?? plan.result(outputs, examples: batch.count)
    }

    /// The learning rates of this step, as inputs of its plan.
    private func rates() throws -> [String: HostTensor] {
        var rates: [String: HostTensor] = [:]
        for group in groups {
            guard let optimizer = group.optimizer else { continue }
            if let failure = schedule.failure ?? group.schedule.failure { throw failure }
            let moves = step / accumulation.batches
            let factor = schedule(moves) * group.schedule(moves)
            let rate = Float(optimizer.learningRate * factor)
            guard rate.isFinite else {
                throw GraphError(
                    operation: "train",
                    message: "the learning rate at step \(step) is \(rate): \(optimizer.learningRate) by the schedule's"
                        + " \(factor)", location: group.location)
            }
            rates[rateName(of: group)] = HostTensor(rate)
        }
        return rates
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

    /// What the model makes of inputs, without training: of a trainer with a step of its own, what `predicting` says.
    ///
    /// - Throws: ``GraphError`` where the inputs don't fit, or the trainer was not told how to predict.
    public func predict(_ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
        let plan = try predictionStep(for: inputs)
        let outputs = try executor.run(plan.plan, inputs: inputs)
        return Dictionary(zip(plan.names, outputs)) { first, _ in first }
    }

    /// The model's “output” for an “input”, without training.
    public func predict(_ input: HostTensor) throws -> HostTensor {
        try predict(["input": input]).named("output", in: "prediction", at: location)
    }

    /// The losses and metrics over a dataset, without training: over all that counts in it, whatever the batches.
    ///
    /// - Throws: ``GraphError`` where the data are empty or don't fit the model, or have a label or an index out of range.
    public func evaluate(
        _ data: any Dataset, batchSize: Int = 500, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Result {
        let caller = SourceLocation(file: file, line: line)
        let order = try BatchOrder(data, batchSize: batchSize, shuffles: false, for: "evaluate", at: caller)
        var total = nothing
        for indices in try data.batches(order, epoch: 0, at: caller) {
            let batch = try data.batch(indices)
            let plan = try evaluationStep(for: batch)
            total += try plan.result(executor.run(plan.plan, inputs: batch.tensors), examples: batch.count)
        }
        return total
    }
}
