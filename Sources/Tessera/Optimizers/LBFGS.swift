/// Limited-memory BFGS (Liu and Nocedal, 1989): steps by what the last gradients say of the curvature. torch.optim.LBFGS.
///
/// A step evaluates the loss several times, so that it is no ``Optimizer``, whose steps are part of one plan, but a loop of its
/// own: the loss and its gradient are computed by a plan on the executor's device; directions and the history, of
/// `2 · historySize` vectors as long as all parameters, are on the host. For losses of a whole data set that are the same each
/// time: with others, line search and history make no sense.
///
/// ```swift
/// let optimizer = LBFGS(model, lineSearch: .strongWolfe, on: executor) { pass, batch in
///     try Loss.meanSquaredError(model(batch["input"], pass), batch["target"])
/// }
/// for _ in 0..<20 { print(try optimizer.step(batch)) }
/// ```
///
/// Not for use from two threads at a time.
public final class LBFGS {
    /// How far a step goes along its direction. PyTorch's line_search_fn.
    public enum LineSearch: Hashable, Sendable {
        /// Each step goes as far as the learning rate says.
        case none
        /// It goes where the loss has fallen enough and is flat enough; the learning rate is what is tried first.
        case strongWolfe
    }

    /// What is trained.
    public let model: any Module
    /// What runs the evaluations.
    public let executor: Executor
    /// The length of a step without a line search, and what a search tries first. PyTorch's lr.
    public var learningRate: Double
    /// The most directions that a step takes. PyTorch's max_iter.
    public let maximumIterations: Int
    /// The evaluations after which a step takes no further direction. PyTorch's max_eval.
    public let maximumEvaluations: Int
    /// A gradient without a greater element is none. PyTorch's tolerance_grad.
    public let gradientTolerance: Double
    /// A step ends where neither a parameter nor the loss changes by more. PyTorch's tolerance_change.
    public let changeTolerance: Double
    /// How many steps the curvature is known from. PyTorch's history_size.
    public let historySize: Int
    /// How far a step goes.
    public let lineSearch: LineSearch

    /// How often the loss has been evaluated.
    public var evaluations: Int { state.evaluations }
    /// How many directions have been taken.
    public var iterations: Int { state.iterations }

    private let makeLoss: (ForwardPass, NamedTensors) throws -> Tensor
    private let plans = PlanCache<[String: TensorType], Plan>()
    private var state = State()
    /// The number of the call of ``step(_:)``: what is random stays the same within one.
    private var count: Int32 = 0
    private let location: SourceLocation

    /// What is known from earlier steps.
    private struct State {
        var evaluations = 0
        var iterations = 0
        var history: [(step: [Float], change: [Float], factor: Double)] = []
        /// What the inverse Hessian is taken to be a multiple of before the history corrects it.
        var scale = 1.0
        var direction: [Float] = []
        var length = 0.0
        var gradient: [Float] = []
    }

    /// - Parameters:
    ///   - model: its trainable variables are moved, which must be float32.
    ///   - maximumIterations: directions a step takes at most. PyTorch's max_iter.
    ///   - maximumEvaluations: beyond so many, a step takes no further direction; 5/4 of the iterations, where left out.
    ///   - gradientTolerance: a gradient without a greater element is none. PyTorch's tolerance_grad.
    ///   - changeTolerance: a step ends where neither a parameter nor the loss changes by more. PyTorch's tolerance_change.
    ///   - loss: a scalar of a batch, called once for each shape of it, with a pass that trains.
    public init(
        _ model: any Module, learningRate: Double = 1, maximumIterations: Int = 20, maximumEvaluations: Int? = nil,
        gradientTolerance: Double = 1e-7, changeTolerance: Double = 1e-9, historySize: Int = 100,
        lineSearch: LineSearch = .none, on executor: Executor, file: StaticString = #fileID, line: UInt = #line,
        loss: @escaping (_ pass: ForwardPass, _ batch: NamedTensors) throws -> Tensor
    ) {
        self.model = model
        self.executor = executor
        self.learningRate = learningRate
        self.maximumIterations = maximumIterations
        self.maximumEvaluations = maximumEvaluations ?? maximumIterations.times(5) / 4
        self.gradientTolerance = gradientTolerance
        self.changeTolerance = changeTolerance
        self.historySize = historySize
        self.lineSearch = lineSearch
        makeLoss = loss
        location = SourceLocation(file: file, line: line)
    }

    /// Takes up to ``maximumIterations`` directions on one batch.
    ///
    /// - Returns: the loss before.
    /// - Throws: ``GraphError`` where a number makes no sense, the batch does not fit, a parameter is not float32, or the loss
    ///   is no finite number, before or after: then, and where a device fails, parameters and history are as before.
    @discardableResult public func step(_ batch: Batch) throws -> Double {
        try check()
        let parameters = model.parameters
        let plan = try plan(for: batch, parameters)
        let values = try executor.values(of: parameters)
        let line = Line(parameters, values)
        count = count == .max ? 1 : count + 1
        let (plans, number) = (plan, count)
        func evaluate(_ step: Double, _ direction: [Float]) throws -> (value: Double, gradient: [Float]) {
            try executor.set(line.values(at: step, along: direction))
            return try loss(plans, batch, number)
        }
        do {
            var next = state
            let loss = try descend(line, &next, evaluate)
            state = next
            return loss
        } catch {
            try executor.set(values)
            throw error
        }
    }

    private func descend(
        _ line: Line, _ state: inout State,
        _ evaluate: (Double, [Float]) throws -> (value: Double, gradient: [Float])
    ) throws -> Double {
        var (value, gradient) = try evaluate(0, [])
        let before = value
        var evaluations = 1
        state.evaluations += 1
        guard before.isFinite else { throw failure("the loss is \(before)") }
        guard greatest(gradient) > gradientTolerance else { return before }
        for iteration in 1...maximumIterations {
            state.iterations += 1
            remember(gradient, in: &state)
            state.direction = direction(gradient, state)
            state.gradient = gradient
            let last = value
            let isFirst = state.iterations == 1
            state.length = isFirst ? min(1, 1 / sumOfMagnitudes(gradient)) * learningRate : learningRate
            let slope = dot(gradient, state.direction)
            guard slope.isFinite else { throw failure("the gradient is not finite") }
            guard slope <= -changeTolerance else { break }
            switch lineSearch {
            case .none:
                line.move(state.length, along: state.direction)
                // Of the last place, nobody asks for the loss.
                if iteration < maximumIterations {
                    (value, gradient) = try evaluate(0, [])
                    evaluations += 1
                    state.evaluations += 1
                }
            case .strongWolfe:
                let start = StrongWolfe.Point(step: 0, value: value, gradient: gradient, slope: slope)
                let (point, count) = try StrongWolfe().search(
                    from: start, trying: state.length, reach: greatest(state.direction), tolerance: changeTolerance
                ) { [direction = state.direction] step in
                    let (value, gradient) = try evaluate(step, direction)
                    return .init(step: step, value: value, gradient: gradient, slope: dot(gradient, direction))
                }
                (value, gradient, state.length) = (point.value, point.gradient, point.step)
                line.move(state.length, along: state.direction)
                evaluations += count
                state.evaluations += count
            }
            guard value.isFinite else { throw failure("the loss has become \(value)") }
            let change = greatest(state.direction) * abs(state.length)
            if evaluations >= maximumEvaluations || greatest(gradient) <= gradientTolerance || change <= changeTolerance
                || abs(value - last) < changeTolerance
            {
                break
            }
        }
        try executor.set(line.values(at: 0, along: []))
        return before
    }

    /// Adds what the last step has shown to the history.
    private func remember(_ gradient: [Float], in state: inout State) {
        guard state.iterations > 1 else { return }
        let change = zip(gradient, state.gradient).map { $0 - $1 }
        let step = state.direction.map { $0 * Float(state.length) }
        let curvature = dot(change, step)
        guard curvature > 1e-10 else { return }
        if state.history.count == historySize { state.history.removeFirst() }
        state.history.append((step, change, 1 / curvature))
        state.scale = curvature / dot(change, change)
    }

    /// Minus the gradient times what the history makes of the inverse Hessian: the two loops of Nocedal, 1980.
    private func direction(_ gradient: [Float], _ state: State) -> [Float] {
        var direction = gradient.map { -$0 }
        guard state.iterations > 1 else { return direction }
        var shares: [Double] = []
        for entry in state.history.reversed() {
            let share = dot(entry.step, direction) * entry.factor
            shares.append(share)
            add(-share, entry.change, to: &direction)
        }
        for place in direction.indices { direction[place] *= Float(state.scale) }
        for (entry, share) in zip(state.history, shares.reversed()) {
            add(share - dot(entry.change, direction) * entry.factor, entry.step, to: &direction)
        }
        return direction
    }

    // MARK: The loss

    private func plan(for batch: Batch, _ parameters: [Variable]) throws -> Plan {
        let types = batch.tensors.mapValues(\.type)
        return try plans.plan(types) {
            guard types["step"] == nil else {
                throw failure("the batch's “step” is the name of what L-BFGS gives: rename it")
            }
            if let other = parameters.first(where: { $0.type.dtype != .float32 }) {
                throw failure("moves float32 parameters, and “\(other.name)” is \(other.type)")
            }
            let graph = Graph()
            let step = try graph.at(location) { try graph.input("step", [], .int32) }
            let pass = ForwardPass(graph, .training(step: step))
            let loss = try makeLoss(pass, NamedTensors(types, of: graph, at: location))
            let tensors = try parameters.map { try pass.read($0) }
            let found = try graph.at(location) { try graph.gradientsWhereAny(of: loss, withRespectTo: tensors) }
            guard found.contains(where: { $0 != nil }) else {
                throw failure("the loss depends on none of the \(parameters.count) parameters of \(type(of: model))")
            }
            let gradients = try zip(tensors, found).map { tensor, gradient in
                try gradient ?? graph.fill(0, tensor.shape, tensor.dtype)
            }
            return try executor.compile(
                graph, outputs: [loss] + gradients, updates: pass.updates, changing: Set(parameters))
        }
    }

    private func loss(_ plan: Plan, _ batch: Batch, _ number: Int32) throws -> (value: Double, gradient: [Float]) {
        var inputs = batch.tensors
        if plan.inputs["step"] != nil { inputs["step"] = HostTensor(number) }
        let outputs = try executor.run(plan, inputs: inputs)
        return (try outputs[0].number(), try outputs.dropFirst().flatMap { try $0.elements(Float.self) })
    }

    // MARK: Checks

    private func failure(_ message: String) -> GraphError {
        GraphError(operation: "LBFGS", message: message, location: location)
    }

    private func check() throws(GraphError) {
        guard learningRate > 0, learningRate.isFinite, maximumIterations >= 1, maximumEvaluations >= 1,
            historySize >= 1,
            gradientTolerance >= 0, changeTolerance >= 0
        else {
            throw failure(
                "the learning rate must be a number above 0, the iterations, evaluations and history at least 1 and the "
                    + "tolerances at least 0, not \(learningRate), \(maximumIterations), \(maximumEvaluations), \(historySize), "
                    + "\(gradientTolerance) and \(changeTolerance)")
        }
    }
}

/// All parameters as one vector, and where they lie along a line: moved by a step and read by the evaluations within it.
private final class Line {
    private let parameters: [Variable]
    private var numbers: [Float]

    init(_ parameters: [Variable], _ values: [Variable: HostTensor]) {
        self.parameters = parameters
        numbers = parameters.flatMap { (try? values[$0]?.elements(Float.self)) ?? [] }
    }

    /// The parameters a step further along a direction; where they are, for none.
    func values(at step: Double, along direction: [Float]) throws -> [Variable: HostTensor] {
        var all = numbers
        if !direction.isEmpty { add(step, direction, to: &all) }
        var (values, rest): ([Variable: HostTensor], ArraySlice<Float>) = ([:], all[...])
        for parameter in parameters {
            let count = parameter.type.shape.elementCount
            values[parameter] = try HostTensor(parameter.type.shape, Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return values
    }

    func move(_ step: Double, along direction: [Float]) { add(step, direction, to: &numbers) }
}

// Vectors on the host. Sums are in double, so that their order does not matter.

private func dot(_ a: [Float], _ b: [Float]) -> Double {
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            var (sums, place) = (SIMD8<Double>.zero, 0)
            while place + 8 <= a.count {
                var (x, y) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
                for lane in 0..<8 { (x[lane], y[lane]) = (Double(a[place + lane]), Double(b[place + lane])) }
                sums += x * y
                place += 8
            }
            return (place..<a.count).reduce(sums.sum()) { $0 + Double(a[$1]) * Double(b[$1]) }
        }
    }
}

private func add(_ factor: Double, _ a: [Float], to b: inout [Float]) {
    let factor = Float(factor)
    for place in b.indices { b[place] += factor * a[place] }
}

private func greatest(_ a: [Float]) -> Double { Double(a.reduce(0) { max($0, $1.magnitude) }) }

private func sumOfMagnitudes(_ a: [Float]) -> Double { a.reduce(0) { $0 + Double($1.magnitude) } }
