/// What a plan of a trainer is for.
struct PlanKey: Hashable {
    enum Purpose { case training, accumulation, evaluation, prediction }

    var purpose: Purpose
    var types: [String: TensorType]
}

/// A plan of a trainer with what its outputs are.
struct StepPlan: PlanHolder {
    /// A loss, a metric or a tensor: one or more outputs of the plan.
    private struct Output {
        let name: String
        let kind: StepOutput.Kind
        let count: Int
        let state: (any MetricState)?
    }

    let plan: Plan
    private let outputs: [Output]
    /// Whether two more outputs come after those: what ``LossScaler/overflows(_:at:)`` takes.
    private let isScaled: Bool

    var names: [String] { outputs.map(\.name) }

    /// - Parameters:
    ///   - plan: one whose outputs are these outputs' tensors, in order.
    ///   - isScaled: whether those of the loss's scale come after them.
    init(_ plan: Plan, _ outputs: [StepOutput], isScaled: Bool = false) {
        self.plan = plan
        self.isScaled = isScaled
        self.outputs = outputs.map { Output(name: $0.name, kind: $0.kind, count: $0.tensors.count, state: $0.state) }
    }

    /// What a run has come to.
    func result(_ values: [HostTensor], examples: Int) throws -> Trainer.Result {
        var figures: [Trainer.Result.Figure] = []
        var tensors: [String: HostTensor] = [:]
        try forEach(values) { output, values in
            guard var state = output.state else { return tensors[output.name] = values.first }
            let isUnweighted = state is RunningMean && values.count == 1
            try state.add(values + (isUnweighted ? [HostTensor(Double(examples))] : []))
            figures.append(.init(name: output.name, kind: output.kind, state: state))
        }
        return Trainer.Result(figures: figures, tensors: tensors, count: examples)
    }

    /// The first loss that is NaN or infinite; it has a name where there are others beside it.
    func nonFiniteLoss(_ values: [HostTensor]) throws -> (name: String?, loss: Double)? {
        var losses: [(name: String, loss: Double)] = []
        try forEach(values) { output, values in
            guard case .loss = output.kind, let mean = values.first else { return }
            losses.append((output.name, try mean.number()))
        }
        guard let wrong = losses.first(where: { !$0.loss.isFinite }) else { return nil }
        return (losses.count > 1 ? wrong.name : nil, wrong.loss)
    }

    /// What a run says of the loss's scale; nothing, where it only adds up gradients.
    func scaling(_ values: [HostTensor]) -> ArraySlice<HostTensor> { isScaled ? values.suffix(2) : [] }

    private func forEach(_ values: [HostTensor], _ body: (Output, [HostTensor]) throws -> Void) rethrows {
        var rest = values[...]
        for output in outputs where rest.count >= output.count {
            try body(output, Array(rest.prefix(output.count)))
            rest = rest.dropFirst(output.count)
        }
    }
}

extension Trainer {
    /// The plan that ``train(_:)`` runs for batches like this one: for its `explain()`.
    public func trainingPlan(for batch: Batch) throws -> Plan { try trainingStep(for: batch).plan }

    /// What a step on batches like this one takes of memory at most, with the optimizers' part: known before it has run.
    ///
    /// - Throws: what ``train(_:)`` throws before a step runs.
    public func stepMemory(for batch: Batch) throws -> PlanMemory {
        let plans = try [false, true].filter { accumulation.batches > 1 || $0 }.map { moves in
            try trainingStep(for: batch, moves: moves).plan.memory
        }
        return plans.dropFirst().reduce(plans[0]) { $0.byteCount < $1.byteCount ? $1 : $0 }
    }

    func trainingStep(for batch: Batch) throws -> StepPlan {
        guard accumulation.batches >= 1 else {
            throw GraphError(
                operation: "train",
                message:
                    "gradients are averaged over one batch at least, not accumulatedBatches: \(accumulation.batches)",
                location: location)
        }
        return try trainingStep(for: batch, moves: accumulation.moves(at: step))
    }

    private func trainingStep(for batch: Batch, moves: Bool) throws -> StepPlan {
        try step(moves ? .training : .accumulation, batch.tensors) { try makeTrainingStep($0, moves: moves) }
    }

    func evaluationStep(for batch: Batch) throws -> StepPlan {
        try step(.evaluation, batch.tensors) { types in
            let graph = Graph()
            let outputs = try outputs(ForwardPass(graph, .inference), types).filter { $0.state != nil }
            guard !outputs.isEmpty else {
                throw GraphError(
                    operation: "evaluate", message: "the step gives neither losses nor metrics", location: location)
            }
            return StepPlan(try executor.compile(graph, outputs: outputs.flatMap(\.tensors)), outputs)
        }
    }

    func predictionStep(for inputs: [String: HostTensor]) throws -> StepPlan {
        try step(.prediction, inputs) { types in
            guard let makePrediction else {
                throw GraphError(
                    operation: "predict",
                    message: "the trainer has a step of its own and was not told how to predict: give it `predicting`",
                    location: location)
            }
            let graph = Graph()
            let found = try graph.autocast(to: precision.dtype) {
                try makePrediction(ForwardPass(graph, .inference), NamedTensors(types, of: graph, at: location))
            }
            let outputs = found.sorted { $0.key < $1.key }.map {
                StepOutput.tensor($0.key, $0.value, at: location)
            }
            try outputs.check(in: graph, for: "predict")
            guard !outputs.isEmpty else {
                throw GraphError(operation: "predict", message: "the prediction gives no tensor", location: location)
            }
            return StepPlan(try executor.compile(graph, outputs: outputs.flatMap(\.tensors)), outputs)
        }
    }

    private func step(
        _ purpose: PlanKey.Purpose, _ tensors: [String: HostTensor], make: ([String: TensorType]) throws -> StepPlan
    ) throws -> StepPlan {
        let types = tensors.mapValues(\.type)
        return try plans.plan(PlanKey(purpose: purpose, types: types)) { try make(types) }
    }

    /// What the step gives for a batch of these types.
    private func outputs(_ pass: ForwardPass, _ types: [String: TensorType]) throws -> [StepOutput] {
        let outputs = try pass.graph.autocast(to: precision.dtype) {
            try makeStep(pass, NamedTensors(types, of: pass.graph, at: location))
        }
        try outputs.check(in: pass.graph, for: "train")
        return outputs
    }

    /// What the learning rate of a group is called among the inputs of a plan.
    func rateName(of group: ParameterGroup) -> String {
        groups.count == 1 ? "learning rate" : "learning rate of \(group.name)"
    }

    /// - Parameter moves: whether the optimizers move the parameters, or gradients are only added up.
    private func makeTrainingStep(_ types: [String: TensorType], moves: Bool) throws -> StepPlan {
        let graph = Graph()
        let rates = try groups.map { group in
            let name = rateName(of: group)
            guard types[name] == nil else {
                throw GraphError(
                    operation: "train",
                    message: "the batch's “\(name)” is the name of what the trainer gives: rename it",
                    location: location)
            }
            return try graph.at(location) { try graph.input(name, []) }
        }
        let step = try graph.at(location) { try graph.read(stepVariable) + 1 }
        let move = try graph.at(location) {
            scaler == nil ? try accumulation.move(at: step) : try graph.read(moveVariable) + 1
        }
        let pass = ForwardPass(graph, .training(step: step))
        let outputs = try outputs(pass, types)

        let read = try parameters(readBy: pass)
        // What happens in any case, and what only where no gradient has overflowed.
        var (always, updates): ([(Variable, Tensor)], [(Variable, Tensor)]) = ([], pass.updates)
        var gradientsMoved: [Tensor] = []
        for objective in try objectives(of: outputs) {
            let members = try objective.groups.flatMap { group in
                try read[group].map { (group: group, parameter: $0, tensor: try pass.read($0)) }
            }
            let sum = try graph.at(location) {
                let losses = objective.losses.map { outputs[$0].tensor }
                let loss = try losses.dropFirst().reduce(losses[0]) { try $0 + $1 }
                return try members.filter { $0.tensor.shape.rank >= 2 }.reduce(loss) { sum, member in
                    try groups[member.group].regularizers.reduce(sum) { try $0 + $1.penalty(member.tensor) }
                }
            }
            let scaled = try graph.at(location) { try scaler?.scaled(sum) ?? sum }
            let found = try graph.gradientsWhereAny(
                of: scaled, withRespectTo: members.map(\.tensor), file: file, line: line)
            // What the loss does not depend on stays as it is, as in PyTorch: no decay, no momentum.
            let trained = zip(members, found).compactMap { member, gradient in gradient.map { (member, $0) } }
            for group in objective.groups where !trained.contains(where: { $0.0.group == group }) {
                if !groups[group].parameters.isEmpty { throw noDependence(of: sum, on: groups[group]) }
            }
            updates += try graph.at(location) {
                let unscaled = try scaler?.unscaled(trained.map(\.1)) ?? trained.map(\.1)
                var (gradients, kept) = try accumulation.add(
                    unscaled, of: trained.map(\.0.parameter), moves: moves)
                always += kept
                guard moves else { return [] }
                gradientsMoved += gradients
                if let gradientLimit { gradients = try graph.clipped(gradients, toValue: gradientLimit) }
                if let gradientNorm { gradients = try graph.clipped(gradients, toNorm: gradientNorm) }
                return try zip(trained.map(\.0), gradients).flatMap { member, gradient in
                    guard let optimizer = groups[member.group].optimizer else { return [] as [(Variable, Tensor)] }
                    var moved = try optimizer.update(
                        member.parameter, member.tensor, gradient: gradient, step: move,
                        learningRate: rates[member.group])
                    if let norm = groups[member.group].maximumNorm, member.tensor.shape.rank >= 2 {
                        for place in moved.indices where moved[place].0 == member.parameter {
                            moved[place].1 = try moved[place].1.renormed(toNorm: norm)
                        }
                    }
                    return moved
                }
            }
        }
        always += [(stepVariable, step)] + (try accumulation.counted(in: graph, moves: moves))
        var scaling: [Tensor] = []
        if let scaler, moves {
            let step = try graph.at(location) {
                try scaler.step(updates + [(moveVariable, move)], ifFinite: gradientsMoved)
            }
            (updates, scaling) = (step.updates, [step.areFinite, step.scale])
        }
        let plan = try executor.compile(
            graph, outputs: outputs.flatMap(\.tensors) + scaling, updates: always + updates)
        return StepPlan(plan, outputs, isScaled: !scaling.isEmpty)
    }
}
