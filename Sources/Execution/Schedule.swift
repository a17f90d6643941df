import TensorGraph

/// A computation laid out over backends: every tensor has its place and every step its order, before anything runs.
///
/// Building one allocates nothing; ``PreparedSchedule`` does.
package struct Schedule {
    /// One of the memories that regions refer to.
    package enum Slot {
        /// An arena: its contents are of no interest between runs, so that schedules may share it.
        case scratch(byteCount: Int)
        /// What the prologue makes, kept between runs.
        case kept(KeptValue)
        /// Filled once.
        case constant(HostTensor)
        case fill(Fill)
        /// A variable's value before the run.
        case variable(Variable)
        /// Where a variable's value after the run goes.
        case next(Variable)
    }

    /// A tensor on one backend.
    package struct Location: Hashable {
        package var backend: Int
        package var region: Region
    }

    package enum Step {
        /// Nodes on one backend, in order.
        case nodes(backend: Int, [PlacedNode])
        case transfer(from: Location, to: Location)
    }

    /// Work of the first backend that gives the same from run to run, until a variable that it depends on has another value
    /// (``Placement/SteadyWork``).
    package struct PrologueEntry {
        /// The node's index in the computation.
        package var index: Int
        package var node: PlacedNode
        /// What it depends on, itself or through what comes before it in the prologue; none where that is constants alone.
        package var variables: [Variable]
        /// The slots that it fills.
        package var slots: [Int]
    }

    package struct InputPlace {
        package var input: Input
        package var location: Location
    }

    package struct OutputPlace {
        package var type: TensorType
        /// `nil` where the output is empty.
        package var location: Location?
    }

    package var computation: Computation
    package var backendNames: [String]
    package var placement: Placement
    /// For each backend.
    package var slots: [[Slot]]
    /// Run before the steps, which leave it out: each entry only where it has not run with the present values of its variables.
    /// In order, as an entry may read what an earlier one makes.
    package var prologue: [PrologueEntry] = []
    package var steps: [Step] = []
    package var inputs: [InputPlace] = []
    package var outputs: [OutputPlace] = []
    /// Updates that no node writes in place: copied at the end of a run.
    package var copies: [(from: Location, variable: Variable)] = []
    /// For each backend: the bytes of its arenas and the largest live set of what lies there. Variables, constants and
    /// what the prologue makes have memory of their own.
    package var memory: [(arenas: Int, largestLiveSet: Int)] = []

    /// Whether every tensor has memory of exactly its size.
    package let isolatesTensors: Bool

    /// The variables whose values a run reads.
    package private(set) var readVariables: [Variable] = []

    /// The bytes of constants.
    package var constantByteCount: Int {
        slots.joined().reduce(0) { sum, slot in
            switch slot {
            case .constant(let value): sum + value.type.byteCount
            case .fill(let fill): sum + fill.type.byteCount
            case .kept, .scratch, .variable, .next: sum
            }
        }
    }

    package var keptValues: [KeptValue] {
        slots.joined().compactMap { slot in
            if case .kept(let value) = slot { value } else { nil }
        }
    }

    /// - Parameters:
    ///   - backends: in order of preference; variables live on the first.
    ///   - isolatesTensors: whether every tensor gets memory of exactly its size, for memory checkers.
    ///   - packsWeightsOnce: whether what depends on constants alone, and on variables that the computation does not update,
    ///     is kept between runs, up to ``Placement/keptLimit``.
    ///   - changing: variables that others set before each run: nothing is kept of what depends on them.
    package init(
        _ computation: Computation, backends: [any Backend], isolatesTensors: Bool = false,
        packsWeightsOnce: Bool = true, changing: Set<Variable> = []
    ) throws {
        self.computation = computation
        self.isolatesTensors = isolatesTensors
        backendNames = backends.map(\.name)
        placement = try Placement(
            computation, backends: backends, packsWeightsOnce: packsWeightsOnce, changing: changing)
        slots = backends.map { _ in [] }
        var builder = ScheduleBuilder(computation, placement, backendCount: backends.count)
        builder.keepPrologue()
        builder.findLifetimes()
        for index in backends.indices {
            let sum = builder.requests[index].reduce(0) { $0.plus($1.byteCount) }
            guard sum <= Self.largestArena else {
                throw GraphError.shortage(
                    sum, of: .init(byteCount: Self.largestArena, reason: "can be laid out"), computation, placement,
                    on: index)
            }
            let plan = MemoryPlan(
                builder.requests[index], maximumArena: backends[index].maximumAllocation, isolated: isolatesTensors)
            builder.assign(plan, on: index)
            memory.append((plan.arenas.reduce(0, +), plan.largestLiveSet))
        }
        builder.emitSteps()
        slots = builder.slots
        readVariables = slots[0].compactMap { slot in
            if case .variable(let variable) = slot { variable } else { nil }
        }
        prologue = builder.prologue
        steps = builder.steps
        inputs = builder.inputs
        outputs = builder.outputs
        copies = builder.copies
    }
}

/// What an entry of the prologue makes.
package struct KeptValue {
    package var byteCount: Int
    /// Equal where other plans make the same; nil where none does.
    package var origin: Origin?

    /// The variables, which whoever keeps the value holds, and what is made of them.
    package struct Origin: Hashable {
        package var variables: [ObjectIdentifier]
        package var form: AnyHashable
        package var byteCount: Int
    }
}

/// The work of laying out: lifetimes first, then places, then steps.
private struct ScheduleBuilder {
    let computation: Computation
    let placement: Placement
    struct Key: Hashable {
        var value: Value
        var backend: Int
    }

    /// For each backend, what its arenas must hold.
    var requests: [[MemoryPlan.Request]]
    private var owners: [[Owner]]
    private enum Owner {
        case value(Value)
        case workspace(node: Int, index: Int)
    }

    private var regions: [Key: Region] = [:]
    private var workspaces: [Int: [Int: Region]] = [:]
    /// Where what several nodes' work would make lies once.
    private var shared: [Placement.SteadyWork.Key: Region] = [:]
    /// The first moment at which a value that lives elsewhere is needed on a backend.
    private var transfers: [Int: [Key]] = [:]
    /// Values that go straight into a variable's next memory.
    private var inPlace: [Value: Variable] = [:]

    var slots: [[Schedule.Slot]]
    var prologue: [Schedule.PrologueEntry] = []
    var steps: [Schedule.Step] = []
    var inputs: [Schedule.InputPlace] = []
    var outputs: [Schedule.OutputPlace] = []
    var copies: [(from: Schedule.Location, variable: Variable)] = []

    init(_ computation: Computation, _ placement: Placement, backendCount: Int) {
        self.computation = computation
        self.placement = placement
        requests = [[MemoryPlan.Request]](repeating: [], count: backendCount)
        owners = [[Owner]](repeating: [], count: backendCount)
        slots = [[Schedule.Slot]](repeating: [], count: backendCount)
    }

    private func root(_ value: Value) -> Value { computation.root(value) }

    private func isEmpty(_ value: Value) -> Bool { computation.type(value).byteCount == 0 }

    /// Where a value is made; `nil` for leaves that each backend has for itself.
    private func home(_ value: Value) -> Int? {
        switch computation.nodes[value.node].op.leaf {
        case .input, .constant, .fill: nil
        case .variable: 0
        case nil: placement.choices[value.node]?.backend
        }
    }

    /// Gives what the prologue makes memory of its own, where nothing else comes between two runs.
    mutating func keepPrologue() {
        for (index, choice) in placement.choices.enumerated() {
            guard let steady = choice?.steady else { continue }
            if let workspace = steady.workspace {
                workspaces[index] = [workspace: keep(steady.lowered.workspaces[workspace], steady.key)]
                continue
            }
            for (result, type) in computation.nodes[index].resultTypes.enumerated() where type.byteCount > 0 {
                regions[Key(value: Value(node: index, result: result), backend: 0)] = keep(type.byteCount, nil)
            }
        }
    }

    private mutating func keep(_ byteCount: Int, _ key: Placement.SteadyWork.Key?) -> Region {
        if let known = key.flatMap({ shared[$0] }) { return known }
        slots[0].append(.kept(KeptValue(byteCount: byteCount, origin: key.flatMap(origin))))
        let region = Region(slot: slots[0].count - 1, byteOffset: 0, byteCount: byteCount)
        if let key { shared[key] = region }
        return region
    }

    /// What other plans know the work by: nil where it is on anything but variables.
    private func origin(_ key: Placement.SteadyWork.Key) -> KeptValue.Origin? {
        let variables = key.operands.compactMap { value -> ObjectIdentifier? in
            guard case .variable(let variable) = computation.nodes[value.node].op else { return nil }
            return ObjectIdentifier(variable)
        }
        guard variables.count == key.operands.count else { return nil }
        return KeptValue.Origin(variables: variables, form: key.form, byteCount: key.byteCount)
    }

    mutating func findLifetimes() {
        let nodes = computation.nodes
        let end = nodes.count
        var lifetimes: [Key: (first: Int, last: Int)] = [:]
        func extend(_ key: Key, _ first: Int, _ last: Int) {
            let known = lifetimes[key] ?? (first, last)
            lifetimes[key] = (min(known.first, first), max(known.last, last))
        }
        /// Notes that a value is read on a backend at a moment, and that it must be brought there if need be.
        func use(_ value: Value, on backend: Int, at moment: Int) {
            let value = root(value)
            guard !isEmpty(value) else { return }
            let key = Key(value: value, backend: backend)
            guard let home = home(value) else { return extend(key, -1, moment) }
            if home != backend {
                if lifetimes[key] == nil { transfers[moment, default: []].append(key) }
                extend(key, moment, moment)
            }
            extend(Key(value: value, backend: home), moment, moment)
        }
        for (index, node) in nodes.enumerated() {
            guard let choice = placement.choices[index] else { continue }
            for operand in node.operands { use(operand, on: choice.backend, at: index) }
            for result in node.resultTypes.indices where node.resultTypes[result].byteCount > 0 {
                extend(Key(value: Value(node: index, result: result), backend: choice.backend), index, index)
            }
            for (workspace, byteCount) in choice.lowered.workspaces.enumerated()
            where workspaces[index]?[workspace] == nil {
                requests[choice.backend].append(.init(byteCount: max(byteCount, 4), first: index, last: index))
                owners[choice.backend].append(.workspace(node: index, index: workspace))
            }
        }
        for output in computation.outputs { use(output, on: home(root(output)) ?? 0, at: end) }
        for update in computation.updates {
            let value = root(update.value)
            use(value, on: 0, at: end)
            if home(value) == 0, !nodes[value.node].op.isLeaf, inPlace[value] == nil {
                inPlace[value] = update.variable
            }
        }
        for (key, lifetime) in lifetimes.sorted(by: { order($0.key, $1.key) }) where regions[key] == nil {
            if let slot = ownSlot(key) {
                slots[key.backend].append(slot)
                regions[key] = Region(
                    slot: slots[key.backend].count - 1, byteOffset: 0, byteCount: computation.type(key.value).byteCount)
            } else {
                requests[key.backend].append(
                    .init(byteCount: computation.type(key.value).byteCount, first: lifetime.first, last: lifetime.last))
                owners[key.backend].append(.value(key.value))
            }
        }
    }

    private func order(_ a: Key, _ b: Key) -> Bool {
        (a.backend, a.value.node, a.value.result) < (b.backend, b.value.node, b.value.result)
    }

    /// The memory of a value that does not lie in an arena.
    private func ownSlot(_ key: Key) -> Schedule.Slot? {
        switch computation.nodes[key.value.node].op.leaf {
        case .constant(let value): .constant(value)
        case .fill(let fill): .fill(fill)
        case .variable(let variable): key.backend == 0 ? .variable(variable) : nil
        case .input, nil: key.backend == 0 ? inPlace[key.value].map { .next($0) } : nil
        }
    }

    mutating func assign(_ plan: MemoryPlan, on backend: Int) {
        let firstSlot = slots[backend].count
        slots[backend] += plan.arenas.map { .scratch(byteCount: $0) }
        for (index, owner) in owners[backend].enumerated() {
            let region = Region(
                slot: firstSlot + plan.places[index].arena, byteOffset: plan.places[index].byteOffset,
                byteCount: requests[backend][index].byteCount)
            switch owner {
            case .value(let value): regions[Key(value: value, backend: backend)] = region
            case .workspace(let node, let workspace): workspaces[node, default: [:]][workspace] = region
            }
        }
    }

    private func location(_ value: Value, on backend: Int) -> Schedule.Location? {
        regions[Key(value: root(value), backend: backend)].map { Schedule.Location(backend: backend, region: $0) }
    }

    mutating func emitSteps() {
        let nodes = computation.nodes
        var emitted: [Schedule.Step] = []
        var segment: [PlacedNode] = []
        var segmentBackend = 0
        func flush() {
            if !segment.isEmpty { emitted.append(.nodes(backend: segmentBackend, segment)) }
            segment = []
        }
        func transfer(at moment: Int) {
            for key in transfers[moment] ?? [] {
                guard let home = home(key.value), let from = location(key.value, on: home),
                    let to = location(key.value, on: key.backend)
                else { continue }
                flush()
                emitted.append(.transfer(from: from, to: to))
            }
        }
        let nowhere = Region(slot: 0, byteOffset: 0, byteCount: 0)
        var filled: Set<Int> = []
        for (index, node) in nodes.enumerated() {
            transfer(at: index)
            guard let choice = placement.choices[index] else { continue }
            let results = node.resultTypes.indices.map { Value(node: index, result: $0) }
            var placed = PlacedNode(
                node: node, lowered: choice.lowered,
                operands: node.operands.map { location($0, on: choice.backend)?.region ?? nowhere },
                results: results.map { location($0, on: choice.backend)?.region ?? nowhere },
                workspaces: choice.lowered.workspaces.indices.map { workspaces[index]?[$0] ?? nowhere })
            if let steady = choice.steady {
                placed.lowered = steady.lowered
                let made = steady.workspace.map { [placed.workspaces[$0]] } ?? placed.results
                let slots = made.filter { $0.byteCount > 0 }.map(\.slot)
                // What an earlier node's entry fills too is not made again.
                if !filled.isSuperset(of: slots) {
                    prologue.append(.init(index: index, node: placed, variables: steady.variables, slots: slots))
                    filled.formUnion(slots)
                }
                guard let rest = steady.rest else { continue }
                placed.lowered = rest
            }
            if segmentBackend != choice.backend { flush() }
            segment.append(placed)
            segmentBackend = choice.backend
        }
        transfer(at: nodes.count)
        flush()
        steps = emitted
        for (key, region) in regions.sorted(by: { order($0.key, $1.key) }) {
            guard case .input(let input) = nodes[key.value.node].op else { continue }
            inputs.append(.init(input: input, location: .init(backend: key.backend, region: region)))
        }
        outputs = computation.outputs.map { output in
            let place = location(output, on: home(root(output)) ?? 0)
            return .init(type: computation.type(output), location: isEmpty(root(output)) ? nil : place)
        }
        for update in computation.updates where inPlace[root(update.value)] != update.variable {
            guard let from = location(update.value, on: 0) else { continue }
            copies.append((from, update.variable))
        }
    }
}
