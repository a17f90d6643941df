import Logging
import TensorGraph

/// Runs computations on a device, with the CPU path beside it, and keeps the variables.
///
/// A step happens whole or not at all: one that fails on the device leaves every variable as it was and is repeated on
/// the CPU.
///
/// A variable has one value, whoever reads it: what one executor has made of it, another fetches from there, and an executor
/// that goes hands over what it keeps. Use an executor from one thread at a time; executors on several threads may read the
/// same variables, and of two that change one at the same time the last counts.
///
/// The memory that plans run in is shared by all plans of an executor, as one of them runs at a time, and is as large as the
/// largest of them needs.
public final class Executor {
    /// What to do when the device fails.
    public enum FailurePolicy: Sendable {
        /// Repeat the step on the CPU and tell the user once.
        case repeatOnCPU
        /// Throw what the device reports. Variables are as before the step.
        case report
    }

    let cpu: any Backend
    /// Where patience is limited, a ``WatchedBackend``.
    let device: (any Backend)?
    private let logger: Logger
    let policy: FailurePolicy
    private let isolatesTensors: Bool

    /// What variables know this executor by; its lock is held while anything is done here.
    let home = Home()
    let cpuStore: VariableStore
    let deviceStore: VariableStore?
    let scratch = ScratchPool()
    var journal = Journal()
    private var consecutiveFailures = 0
    private var isSilent = false
    private var runs = 0
    /// Schedules whose run failed: until the device is heard of again, it may be at work on their memory.
    private var retained: [PreparedSchedule] = []

    /// What the device failed at, oldest first: the first hundred.
    public internal(set) var failures: [String] = []
    /// Whether the device has failed for good and everything runs on the CPU.
    public private(set) var hasAbandonedDevice = false

    /// Failures in a row after which a device is no longer tried.
    private static let failureLimit = 2
    private static let failuresKept = 100
    /// Runs after which what belongs to variables that are gone is dropped; so it is with each plan that is compiled.
    private static let pruningInterval = 32

    private let compilationLog: CompilationLog

    /// Is told how far the device's compiler is, while it compiles kernels that no cache has; on the thread that compiles or
    /// first runs a plan. Where nothing is set, the logger is told where it takes more than a moment: a closure that does
    /// nothing keeps it silent.
    public var onCompilation: ((KernelCompilation) -> Void)? {
        get { compilationLog.report }
        set { compilationLog.report = newValue }
    }

    /// - Parameters:
    ///   - device: runs what it accepts; `nil` leaves everything to the CPU path.
    ///   - isolatesTensors: gives every tensor memory of its own of exactly its size, for memory checkers.
    ///   - patience: how long the device may take for a call, see ``WatchedBackend/patience``; nil for as long as it likes, on
    ///     the thread of the caller.
    package init(
        cpu: any Backend, device: (any Backend)?, policy: FailurePolicy = .repeatOnCPU, isolatesTensors: Bool = false,
        patience: Duration? = nil, logger: Logger = Logger(label: "tessera")
    ) {
        let device = device.map { device in patience.map { WatchedBackend(device, patience: $0) } ?? device }
        self.cpu = cpu
        self.device = device
        self.policy = policy
        self.isolatesTensors = isolatesTensors
        self.logger = logger
        cpuStore = VariableStore(backend: cpu)
        deviceStore = device.map { VariableStore(backend: $0) }
        compilationLog = CompilationLog(logger)
        device?.onCompilation = { [compilationLog] in compilationLog.note($0) }
        home.open(to: self)
    }

    deinit { home.close { handValuesBack() } }

    /// The name of the device in use; the CPU path's where there is none or it has been abandoned.
    public var deviceName: String { hasAbandonedDevice ? cpu.name : device?.name ?? cpu.name }

    /// Makes a plan that computes `outputs` and, as part of the same step, gives variables new values.
    ///
    /// - Parameter packsWeightsOnce: whether weights that a kernel rearranges before it multiplies by them stay so until they
    ///   change, where the plan does not itself change them. That makes a run faster, above all of few examples, and costs
    ///   memory between runs: up to four times that of a 3×3 convolution's weight, at most 256 MiB a plan.
    ///   ``Plan/explain()`` says how much. Results that depend on such weights and constants alone are kept likewise.
    /// - Parameter changing: variables that are set anew before each run, as inputs are: nothing is kept of what depends on
    ///   them.
    /// - Parameter checksIndices: whether a run with a label or an index outside its range is an error. Indices that are
    ///   inputs are looked at on the host; those that the graph computes are counted on the device, in one more pass over
    ///   them. Without it they give NaN or nothing.
    /// - Returns: a plan for this executor alone.
    /// - Throws: ``GraphError`` where an update does not fit its variable, or no backend runs a node.
    public func compile(
        _ graph: Graph, outputs: [Tensor], updates: [(Variable, Tensor)] = [], packsWeightsOnce: Bool = true,
        changing: Set<Variable> = [], checksIndices: Bool = true
    ) throws -> Plan {
        try home.withLock {
            prune()
            let (computation, checks) = try Computation(graph, outputs: outputs, updates: updates)
                .checkingIndices(checksIndices ? graph.indexChecks : [])
            return try place(
                Plan(
                    computation.optimized(), packsWeightsOnce: packsWeightsOnce, changing, checks,
                    declared: graph.inputNames, home))
        }
    }

    private func place(_ plan: Plan) throws -> Plan {
        guard let device, !hasAbandonedDevice else {
            plan.cpuSchedule = try schedule(plan, on: [cpu])
            return plan
        }
        let schedule = try schedule(plan, on: [device, cpu])
        plan.deviceSchedule = schedule
        for choice in schedule.placement.choices.compactMap({ $0 }) {
            for refusal in choice.refusals where refusal.isFailure {
                if policy == .report { throw DeviceFailure(device: device.name, reason: refusal.reason) }
                note(refusal.reason)
            }
        }
        return plan
    }

    private func schedule(_ plan: Plan, on backends: [any Backend]) throws -> Schedule {
        try Schedule(
            plan.computation, backends: backends, isolatesTensors: isolatesTensors,
            packsWeightsOnce: plan.packsWeightsOnce, changing: plan.changing)
    }

    /// Runs a plan once and waits for it.
    ///
    /// - Parameters:
    ///   - inputs: a value for every input that the plan reads, by name.
    ///   - trace: where given, is told when each node ran.
    /// - Returns: the plan's outputs, in order.
    /// - Throws: ``GraphError`` where an input is missing, of another type or unknown, a label or an index is out of range,
    ///   or the plan is another executor's; what the device reports under ``FailurePolicy/report``. Variables are then as
    ///   before.
    public func run(
        _ plan: Plan, inputs: [String: HostTensor] = [:], trace: Trace? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> [HostTensor] {
        try run(plan, inputs: inputs, trace: trace, at: SourceLocation(file: file, line: line)) { _ in true }
    }

    /// The same, with a last word on whether the step happens.
    ///
    /// - Parameter accept: is given the outputs while variables still are as before; where it throws or returns false, they
    ///   stay so.
    package func run(
        _ plan: Plan, inputs: [String: HostTensor], trace: Trace? = nil, at location: SourceLocation? = nil,
        accept: ([HostTensor]) throws -> Bool
    ) throws -> [HostTensor] {
        guard plan.home === home else {
            throw GraphError(
                operation: "run",
                message: "this plan was compiled by another executor; compile the graph with the one that is to run it",
                location: location)
        }
        try plan.check(inputs, at: location)
        // Before this executor is locked, so that two never wait for each other.
        let elsewhere = try valuesElsewhere(plan.readVariables)
        return try home.withLock { try run(plan, inputs, trace, elsewhere, accept) }
    }

    private func run(
        _ plan: Plan, _ inputs: [String: HostTensor], _ trace: Trace?, _ elsewhere: [Variable: VariableValue],
        _ accept: ([HostTensor]) throws -> Bool
    ) throws -> [HostTensor] {
        runs += 1
        if runs % Self.pruningInterval == 0 { prune() }
        if let device, let deviceStore, !hasAbandonedDevice {
            var prepared: PreparedSchedule?
            var results: [HostTensor]?
            do {
                try releaseRetained()
                let ready = try plan.preparedOnDevice(self, device, cpu)
                prepared = ready
                try bring(ready.schedule.readVariables, to: deviceStore, elsewhere)
                results = try ready.run(inputs: inputs, store: deviceStore, trace: trace)
            } catch let error as LostValue {
                throw error
            } catch {
                if let prepared { retained.append(prepared) }
                scratch.abandon(to: prepared)
                plan.forgetPreparedOnDevice()
                note("\(error)")
                // What does not fit the device says nothing of whether the device works.
                let isSound = error is GraphError
                if !isSound { consecutiveFailures += 1 }
                if error is DeviceSilence { leaveToDriver() }
                if policy == .report { throw DeviceFailure(device: device.name, reason: "\(error)") }
                try bringVariablesHome(isSound: isSound)
                if consecutiveFailures >= Self.failureLimit { abandonDevice() }
            }
            if let results {
                consecutiveFailures = 0
                let outputs = try plan.checked(results)
                if try accept(outputs) {
                    deviceStore.commit(plan.updatedVariables, keptBy: home)
                    note(plan, inputs)
                }
                return outputs
            }
        }
        return try runOnCPU(plan, inputs, trace, elsewhere, accept)
    }

    func runOnCPU(
        _ plan: Plan, _ inputs: [String: HostTensor], _ trace: Trace? = nil,
        _ elsewhere: [Variable: VariableValue] = [:], _ accept: ([HostTensor]) throws -> Bool = { _ in true }
    ) throws -> [HostTensor] {
        if plan.cpuSchedule == nil { plan.cpuSchedule = try schedule(plan, on: [cpu]) }
        let prepared = try plan.preparedOnCPU(cpu, scratch)
        try bring(prepared.schedule.readVariables, to: cpuStore, elsewhere)
        let outputs = try plan.checked(prepared.run(inputs: inputs, store: cpuStore, trace: trace))
        if try accept(outputs) { cpuStore.commit(plan.updatedVariables, keptBy: home) }
        return outputs
    }

    /// A device that does not answer may be at work for as long as the process lives: what it may read or write is never freed,
    /// and it is not tried again.
    func leaveToDriver() {
        guard !isSilent else { return }
        isSilent = true
        consecutiveFailures = Self.failureLimit
        for prepared in retained { _ = Unmanaged.passRetained(prepared) }
        if let deviceStore { _ = Unmanaged.passRetained(deviceStore) }
    }

    /// Lets go of what failed runs used, once the device answers that nothing is under way any more.
    func releaseRetained() throws {
        guard !retained.isEmpty else { return }
        try device?.finish()
        retained = []
    }

    fileprivate func deviceSchedule(for plan: Plan) throws -> Schedule? {
        guard let device else { return nil }
        return try schedule(plan, on: [device, cpu])
    }

    // MARK: Memory

    /// Gives back memory that only the next run would need, or nobody: arenas, copies of variables that are out of date, and
    /// what belongs to variables that are gone. Plans and values stay; the next run of each plan allocates again.
    public func releaseUnusedMemory() {
        home.withLock {
            if !journal.plans.isEmpty { refreshJournal() }
            prune()
            try? releaseRetained()
            scratch.removeAll()
            cpuStore.removeUnused()
            deviceStore?.removeUnused()
        }
    }

    /// Drops what is kept for variables and plans that are gone.
    private func prune() {
        if journal.holdsOrphans() { refreshJournal() }
        journal.removeDead()
        deviceStore?.removeDead()
        // What the CPU needed while it stood in for the device, it may never need again.
        if device == nil || hasAbandonedDevice { cpuStore.removeDead() } else { cpuStore.removeUnused() }
    }

    // MARK: Failures

    /// Keeps what failed, and tells the user the first time; where failures are reported, the error that follows tells it.
    func note(_ reason: String) {
        if failures.isEmpty, policy == .repeatOnCPU {
            logger.warning("\(device?.name ?? "the device") failed and the CPU stood in for it: \(reason)")
        }
        if failures.count < Self.failuresKept { failures.append(reason) }
    }

    private func abandonDevice() {
        hasAbandonedDevice = true
        deviceStore?.removeAll()
        logger.warning(
            "\(device?.name ?? "the device") failed \(consecutiveFailures) times in a row; the CPU takes over")
    }
}

/// The device failed, under ``Executor/FailurePolicy/report``.
public struct DeviceFailure: Error, CustomStringConvertible {
    public let device: String
    public let reason: String

    public var description: String { "\(device): \(reason)" }
}

extension Graph {
    fileprivate var inputNames: Set<String> {
        Set(
            nodes.compactMap { node in
                if case .input(let input) = node.op { input.name } else { nil }
            })
    }
}

/// A computation that an executor has placed and planned, to be run any number of times by that executor.
public final class Plan {
    package let computation: Computation
    fileprivate let packsWeightsOnce: Bool
    fileprivate let changing: Set<Variable>
    /// Whose plan it is.
    fileprivate let home: Home
    /// The variables whose values a run may read.
    let readVariables: [Variable]
    package fileprivate(set) var deviceSchedule: Schedule?
    package fileprivate(set) var cpuSchedule: Schedule?
    private var onDevice: PreparedSchedule?
    private var onCPU: PreparedSchedule?
    /// What a run needs, by name, and where the graph asks for it.
    private let neededInputs: [(input: Input, location: SourceLocation?)]
    private let indexChecks: IndexChecks
    /// The names of all inputs of the graph, of which the plan may not need some.
    private let declaredInputs: Set<String>
    /// Outputs that are numbers known beforehand, by their places: nothing is read for them.
    private let knownOutputs: [Int: HostTensor]

    fileprivate init(
        _ computation: Computation, packsWeightsOnce: Bool, _ changing: Set<Variable>, _ indexChecks: IndexChecks,
        declared: Set<String>, _ home: Home
    ) {
        let known = computation.knownOutputs
        var computation = computation
        computation.outputs = computation.outputs.indices.filter { known[$0] == nil }.map { computation.outputs[$0] }
        self.computation = computation
        knownOutputs = known
        self.home = home
        readVariables = computation.nodes.compactMap { node in
            if case .variable(let variable) = node.op { variable } else { nil }
        }
        self.packsWeightsOnce = packsWeightsOnce
        self.changing = changing
        self.indexChecks = indexChecks
        declaredInputs = declared
        let inputs = computation.nodes.compactMap { node -> (input: Input, location: SourceLocation?)? in
            if case .input(let input) = node.op { (input, node.location) } else { nil }
        }
        neededInputs = inputs.sorted { $0.input.name < $1.input.name }
    }

    /// The variables that a run gives new values.
    public var updatedVariables: [Variable] { computation.updates.map(\.variable) }

    /// All variables that a run reads or gives new values.
    var variables: [Variable] { readVariables + updatedVariables }

    /// The inputs that a run needs, with their types.
    public var inputs: [String: TensorType] {
        Dictionary(neededInputs.map { ($0.input.name, $0.input.type) }) { first, _ in first }
    }

    /// The bytes that the plan keeps between runs: its constants, packed weights and other results that stay the same, but
    /// neither arenas nor variables.
    public var keptByteCount: Int { Self.keptByteCount(of: [self]) }

    /// The bytes that plans keep between runs: what several share counts once.
    package static func keptByteCount(of plans: some Sequence<Plan>) -> Int {
        var shared: Set<KeptValue.Origin> = []
        var sum = 0
        for case let schedule? in plans.lazy.map({ $0.deviceSchedule ?? $0.cpuSchedule }) {
            sum += schedule.constantByteCount
            for value in schedule.keptValues where value.origin.map({ shared.insert($0).inserted }) ?? true {
                sum += value.byteCount
            }
        }
        return sum
    }

    /// Whether every node runs on the device.
    package var runsOnDeviceAlone: Bool {
        deviceSchedule?.placement.choices.allSatisfy { ($0?.backend ?? 0) == 0 } ?? false
    }

    fileprivate func check(_ values: [String: HostTensor], at location: SourceLocation?) throws(GraphError) {
        if let stranger = values.keys.lazy.filter({ !self.declaredInputs.contains($0) }).min() {
            let known = neededInputs.map { "“\($0.input.name)” (\($0.input.type))" }
            throw GraphError(
                operation: "run",
                message: "no input is named “\(stranger)”; the plan takes "
                    + (known.isEmpty ? "none" : known.joined(separator: ", ")),
                location: location)
        }
        for (input, location) in neededInputs {
            guard let value = values[input.name] else {
                throw GraphError(
                    operation: "input", message: "no value is given for \(input.name)", operands: [input.type],
                    location: location)
            }
            guard value.type == input.type else {
                throw GraphError(
                    operation: "input", message: "\(input.name) takes \(input.type), not \(value.type)",
                    operands: [input.type], location: location)
            }
        }
        try indexChecks.check(inputs: values)
    }

    /// What was asked for, of all that a run has computed.
    ///
    /// - Throws: ``GraphError`` where an index that the run computed is out of range.
    fileprivate func checked(_ results: [HostTensor]) throws(GraphError) -> [HostTensor] {
        let count = results.count - indexChecks.outputCount
        try indexChecks.check(counts: results[count...])
        var rest = results[..<count]
        return (0..<(count + knownOutputs.count)).compactMap { knownOutputs[$0] ?? rest.popFirst() }
    }

    fileprivate func preparedOnDevice(
        _ executor: Executor, _ device: any Backend, _ cpu: any Backend
    ) throws -> PreparedSchedule {
        if let onDevice { return onDevice }
        let schedule = try deviceSchedule ?? executor.deviceSchedule(for: self)
        deviceSchedule = schedule
        guard let schedule else { throw DeviceFailure(device: device.name, reason: "there is no device") }
        let prepared = try PreparedSchedule(schedule, backends: [device, cpu], scratch: executor.scratch)
        onDevice = prepared
        return prepared
    }

    fileprivate func forgetPreparedOnDevice() { onDevice = nil }

    fileprivate func preparedOnCPU(_ cpu: any Backend, _ scratch: ScratchPool) throws -> PreparedSchedule {
        if let onCPU { return onCPU }
        guard let cpuSchedule else { throw DeviceFailure(device: cpu.name, reason: "the plan has no CPU schedule") }
        let prepared = try PreparedSchedule(cpuSchedule, backends: [cpu], scratch: scratch)
        onCPU = prepared
        return prepared
    }
}
