/// The average of a model's parameters over training, which often does better than the last of them.
/// torch.optim.swa_utils.AveragedModel.
///
/// ```swift
/// let average = WeightAverage(of: model, .exponential(decay: 0.999), on: executor)
/// try trainer.fit(data, batchSize: 64, epochs: 10) { _ in try average.update() }
/// let result = try average.applied { try trainer.evaluate(test) }
/// ```
///
/// A module of variables by the model's names, so that it is saved and loaded as one, with the count of what was
/// averaged as `n_averaged`.
public final class WeightAverage: Module {
    /// Which mean it is.
    public enum Kind: Hashable, Sendable {
        /// Each time the average keeps the share `decay`, in 0...1, and takes the rest from the parameters.
        case exponential(decay: Double)
        /// All times count alike: stochastic weight averaging (Izmailov et al., 2018).
        case equal
    }

    private let model: any Module
    private let kind: Kind
    private let executor: Executor
    private let location: SourceLocation
    private let averages: [(parameter: Variable, average: Variable)]
    private let countVariable = Variable("n_averaged", HostTensor(Int32(0)), isTrainable: false)
    private var updatePlan: Plan?
    private var exchangePlan: Plan?

    /// - Parameters:
    ///   - model: whose parameters are averaged as they are now.
    ///   - executor: what trains it.
    public init(
        of model: any Module, _ kind: Kind, on executor: Executor, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.model = model
        self.kind = kind
        self.executor = executor
        location = SourceLocation(file: file, line: line)
        let state = OptimizerState("average", [.wideZeros("weight")])
        averages = model.parameters.map { ($0, state.variables(of: $0)[0]) }
    }

    public var members: [LayerMember] {
        let known = Dictionary(uniqueKeysWithValues: averages.map { ($0.parameter, $0.average) })
        return model.namedVariables.compactMap { name, variable in known[variable].map { .variable(name, $0) } }
            + [.variable("n_averaged", countVariable)]
    }

    /// How often the parameters have been added to the average.
    public var count: Int {
        get throws { Int(try executor.value(of: countVariable).elements(Int32.self).first ?? 0) }
    }

    /// Adds the parameters as they are now: the first time they are the average.
    ///
    /// - Throws: ``GraphError`` for a decay outside 0...1; what the device reports.
    public func update() throws {
        if updatePlan == nil { updatePlan = try makeUpdatePlan() }
        if let updatePlan { _ = try executor.run(updatePlan) }
    }

    /// Runs `body` with the averages in the place of the parameters, which are there again when it is done.
    ///
    /// - Throws: ``GraphError`` where nothing has been averaged yet; what `body` throws; what the device reports.
    public func applied<Result>(_ body: () throws -> Result) throws -> Result {
        guard try count > 0 else {
            throw GraphError(
                operation: "WeightAverage", message: "nothing has been averaged yet: call update() after steps",
                location: location)
        }
        let plan = try exchangePlan ?? makeExchangePlan()
        exchangePlan = plan
        _ = try executor.run(plan)
        let result = Swift.Result { try body() }
        _ = try executor.run(plan)
        return try result.get()
    }

    private func makeUpdatePlan() throws -> Plan {
        let graph = Graph()
        return try graph.at(location) {
            let count = try graph.read(countVariable)
            let share: Tensor
            switch kind {
            case .exponential(let decay):
                guard (0...1).contains(decay) else {
                    throw GraphError(
                        operation: "WeightAverage", message: "the decay must be in 0...1, not \(decay)")
                }
                share = try Tensor.select(count.greater(than: 0), graph.fill(1 - decay), graph.fill(1))
            case .equal:
                share = try (count.cast(to: .float32) + 1).reciprocal()
            }
            let updates = try averages.map { parameter, average in
                let before = try graph.read(average)
                let now = try graph.read(parameter).cast(to: before.dtype)
                return (average, try before + (now - before) * share.cast(to: before.dtype))
            }
            return try executor.compile(graph, outputs: [], updates: updates + [(countVariable, count + 1)])
        }
    }

    private func makeExchangePlan() throws -> Plan {
        let graph = Graph()
        return try graph.at(location) {
            let updates = try averages.flatMap { parameter, average in
                let (value, mean) = (try graph.read(parameter), try graph.read(average))
                return [(parameter, try mean.cast(to: value.dtype)), (average, try value.cast(to: mean.dtype))]
            }
            return try executor.compile(graph, outputs: [], updates: updates)
        }
    }
}
