/// Trains a model: one step (forward, backward, optimizer) is one plan, so that parameters stay on the device.
///
/// Not for use from two threads at a time.
public final class Trainer {
    /// What came out of one step or of a whole dataset.
    public struct Result: Sendable {
        public var loss: Double
        /// `nil` where the trainer has no metric.
        public var metric: Double?
        /// The number of examples.
        public var count: Int
    }

    public let model: any Layer
    public let executor: Executor
    public let loss: Loss
    public let metric: Metric?
    public let optimizer: any Optimizer
    public var schedule: LearningRateSchedule
    let regularizers: [Regularizer]
    let gradientNorm: Double?

    /// The number of steps done, those before a checkpoint that was loaded included.
    public internal(set) var step = 0
    /// The same on the device: counts for Adam and for dropout's masks.
    let stepVariable = Variable("step", HostTensor(Int32(0)), isTrainable: false)

    private struct PlanKey: Hashable {
        var input: TensorType
        var target: TensorType?
    }
    private var trainingPlans: [PlanKey: Plan] = [:]
    private var evaluationPlans: [PlanKey: Plan] = [:]
    private var predictionPlans: [PlanKey: Plan] = [:]

    /// - Parameters:
    ///   - metric: what progress shows beside the loss.
    ///   - schedule: what the optimizer's learning rate is multiplied by at each step.
    ///   - regularizers: what is added to the loss for every parameter with at least two axes: weights, not biases.
    ///   - gradientNorm: the most that the gradients' common norm may be; they are scaled down to it.
    public init(
        _ model: any Layer, loss: Loss, optimizer: any Optimizer, metric: Metric? = nil,
        schedule: LearningRateSchedule = .constant, regularizers: [Regularizer] = [], gradientNorm: Double? = nil,
        on executor: Executor
    ) {
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.metric = metric
        self.schedule = schedule
        self.regularizers = regularizers
        self.gradientNorm = gradientNorm
        self.executor = executor
    }

    /// One step on one batch.
    ///
    /// - Returns: the loss, without regularizers, and the metric before the step.
    /// - Throws: ``GraphError`` where the batch doesn't fit the model. Nothing has changed then.
    public func train(_ batch: Batch) throws -> Result {
        let plan = try trainingPlan(for: batch)
        let rate = Float(optimizer.learningRate * schedule(step))
        let outputs = try executor.run(
            plan,
            inputs: ["input": batch.input, "target": batch.target, "learning rate": HostTensor(rate)])
        step += 1
        return try result(outputs, batch.count)
    }

    /// The plan that ``train(_:)`` runs for batches like this one: for its `explain()`.
    public func trainingPlan(for batch: Batch) throws -> Plan {
        let key = PlanKey(input: batch.input.type, target: batch.target.type)
        if let plan = trainingPlans[key] { return plan }
        let graph = Graph()
        let rate = try graph.input("learning rate", [])
        let step = try graph.read(stepVariable).combine(.add, 1)
        let pass = ForwardPass(graph, .training(step: step))
        let prediction = try model(graph.input("input", key.input.shape, key.input.dtype), pass)
        let target = try graph.input("target", batch.target.shape, batch.target.dtype)
        let value = try loss(prediction, target)
        let outputs = try [value] + (metric.map { [try $0(prediction, target)] } ?? [])

        let parameters = model.parameters
        let tensors = try parameters.map { try pass.read($0) }
        var objective = value
        for tensor in tensors where tensor.shape.rank >= 2 {
            for regularizer in regularizers { objective = try objective + regularizer.penalty(tensor) }
        }
        var gradients = try graph.gradients(of: objective, withRespectTo: tensors)
        if let gradientNorm { gradients = try graph.clipped(gradients, toNorm: gradientNorm) }
        var updates = pass.updates + [(stepVariable, step)]
        for (index, parameter) in parameters.enumerated() {
            updates += try optimizer.update(
                parameter, tensors[index], gradient: gradients[index], step: step, learningRate: rate)
        }
        let plan = try executor.compile(graph, outputs: outputs, updates: updates)
        trainingPlans[key] = plan
        return plan
    }

    /// The model's output for an input, without training.
    public func predict(_ input: HostTensor) throws -> HostTensor {
        let key = PlanKey(input: input.type, target: nil)
        let plan: Plan
        if let known = predictionPlans[key] {
            plan = known
        } else {
            let graph = Graph()
            let prediction = try model(
                graph.input("input", input.shape, input.dtype), ForwardPass(graph, .inference))
            plan = try executor.compile(graph, outputs: [prediction])
            predictionPlans[key] = plan
        }
        return try executor.run(plan, inputs: ["input": input])[0]
    }

    /// The mean loss and metric over a dataset, without training.
    public func evaluate(_ data: any Dataset, batchSize: Int = 500) throws -> Result {
        let order = BatchOrder(count: data.count, batchSize: batchSize, shuffles: false)
        let indices = order.indices(epoch: 0)
        var total = Result(loss: 0, metric: metric.map { _ in 0 }, count: 0)
        for number in 0..<order.batchesPerEpoch {
            let batch = try data.batch(indices[order.range(number)])
            let plan = try evaluationPlan(for: batch)
            let outputs = try executor.run(plan, inputs: ["input": batch.input, "target": batch.target])
            let part = try result(outputs, batch.count)
            total.loss += part.loss * Double(part.count)
            total.metric = total.metric.map { $0 + (part.metric ?? 0) * Double(part.count) }
            total.count += part.count
        }
        let count = Double(max(total.count, 1))
        return Result(loss: total.loss / count, metric: total.metric.map { $0 / count }, count: total.count)
    }

    private func evaluationPlan(for batch: Batch) throws -> Plan {
        let key = PlanKey(input: batch.input.type, target: batch.target.type)
        if let plan = evaluationPlans[key] { return plan }
        let graph = Graph()
        let prediction = try model(
            graph.input("input", key.input.shape, key.input.dtype), ForwardPass(graph, .inference))
        let target = try graph.input("target", batch.target.shape, batch.target.dtype)
        let outputs = try [loss(prediction, target)] + (metric.map { [try $0(prediction, target)] } ?? [])
        let plan = try executor.compile(graph, outputs: outputs)
        evaluationPlans[key] = plan
        return plan
    }

    private func result(_ outputs: [HostTensor], _ count: Int) throws -> Result {
        Result(
            loss: try outputs[0].firstNumber(), metric: try outputs.dropFirst().first?.firstNumber(), count: count)
    }
}

extension HostTensor {
    /// The first element of a floating-point tensor.
    fileprivate func firstNumber() throws -> Double {
        switch dtype {
        case .float64: return try elements(Double.self).first ?? .nan
        default: return try elements(Float.self).first.map(Double.init) ?? .nan
        }
    }
}
