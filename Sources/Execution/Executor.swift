import Logging
import TensorGraph

/// Runs computations on a device, with the CPU path beside it, and keeps the variables.
///
/// A step happens whole or not at all: one that fails on the device leaves every variable as it was and is repeated on
/// the CPU. Use an executor from one thread at a time; executors share nothing.
public final class Executor {
    /// What to do when the device fails.
    public enum FailurePolicy: Sendable {
        /// Repeat the step on the CPU and tell the user once.
        case repeatOnCPU
        /// Throw what the device reports. Variables are as before the step.
        case report
    }

    private let cpu: any Backend
    private let device: (any Backend)?
    private let logger: Logger
    private let policy: FailurePolicy
    private let isolatesTensors: Bool

    private let cpuStore: VariableStore
    private let deviceStore: VariableStore?
    /// Where the variables' values are.
    private var variablesAreOnDevice: Bool
    private var journal = Journal()
    private var consecutiveFailures = 0
    /// Schedules whose run failed: the device may still be at work on their memory.
    private var retained: [PreparedSchedule] = []

    /// What the device failed at, oldest first.
    public private(set) var failures: [String] = []
    /// Whether the device has failed for good and everything runs on the CPU.
    public private(set) var hasAbandonedDevice = false

    /// Failures in a row after which a device is no longer tried.
    private static let failureLimit = 2

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
    package init(
        cpu: any Backend, device: (any Backend)?, policy: FailurePolicy = .repeatOnCPU, isolatesTensors: Bool = false,
        logger: Logger = Logger(label: "tessera")
    ) {
        self.cpu = cpu
        self.device = device
        self.policy = policy
        self.isolatesTensors = isolatesTensors
        self.logger = logger
        cpuStore = VariableStore(backend: cpu)
        deviceStore = device.map { VariableStore(backend: $0) }
        variablesAreOnDevice = device != nil
        compilationLog = CompilationLog(logger)
        device?.onCompilation = { [compilationLog] in compilationLog.note($0) }
    }

    /// The name of the device in use; the CPU path's where there is none or it has been abandoned.
    public var deviceName: String { hasAbandonedDevice ? cpu.name : device?.name ?? cpu.name }

    /// Makes a plan that computes `outputs` and, as part of the same step, gives variables new values.
    ///
    /// - Parameter packsWeightsOnce: whether weights that a kernel rearranges before it multiplies by them stay so until they
    ///   change, where the plan does not itself change them. That makes a run faster, above all of few examples, and costs
    ///   memory between runs: up to four times that of a 3×3 convolution's weight, at most 256 MiB a plan.
    ///   ``Plan/explain()`` says how much.
    /// - Parameter checksIndices: whether a run with a label or an index outside its range is an error. Indices that are
    ///   inputs are looked at on the host; those that the graph computes are counted on the device, in one more pass over
    ///   them. Without it they give NaN or nothing.
    /// - Throws: ``GraphError`` where an update does not fit its variable, or no backend runs a node.
    public func compile(
        _ graph: Graph, outputs: [Tensor], updates: [(Variable, Tensor)] = [], packsWeightsOnce: Bool = true,
        checksIndices: Bool = true
    ) throws -> Plan {
        let (computation, checks) = try Computation(graph, outputs: outputs, updates: updates)
            .checkingIndices(checksIndices ? graph.indexChecks : [])
        let plan = Plan(computation.optimized(), packsWeightsOnce: packsWeightsOnce, checks, declared: graph.inputNames)
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
            packsWeightsOnce: plan.packsWeightsOnce)
    }

    /// Runs a plan once and waits for it.
    ///
    /// - Parameters:
    ///   - inputs: a value for every input that the plan reads, by name.
    ///   - trace: where given, is told when each node ran.
    /// - Returns: the plan's outputs, in order.
    /// - Throws: ``GraphError`` where an input is missing, of another type or unknown, or a label or an index is out of
    ///   range; what the device reports under ``FailurePolicy/report``. Variables are then as before.
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
        try plan.check(inputs, at: location)
        if let device, let deviceStore, !hasAbandonedDevice {
            var prepared: PreparedSchedule?
            var results: [HostTensor]?
            do {
                try moveVariables(toDevice: true)
                prepared = try plan.preparedOnDevice(self, device, cpu)
                results = try prepared?.run(inputs: inputs, store: deviceStore, trace: trace)
            } catch {
                if let prepared { retained.append(prepared) }
                plan.forgetPreparedOnDevice()
                note("\(error)")
                // What does not fit the device says nothing of whether the device works.
                if !(error is GraphError) { consecutiveFailures += 1 }
                if policy == .report { throw DeviceFailure(device: device.name, reason: "\(error)") }
                try bringVariablesHome()
                if consecutiveFailures >= Self.failureLimit { abandonDevice() }
            }
            if let results {
                consecutiveFailures = 0
                let outputs = try plan.checked(results)
                if try accept(outputs) {
                    deviceStore.commit(plan.updatedVariables)
                    record(plan, inputs)
                }
                return outputs
            }
        }
        try moveVariables(toDevice: false)
        return try runOnCPU(plan, inputs, trace, accept: accept)
    }

    private func runOnCPU(
        _ plan: Plan, _ inputs: [String: HostTensor], _ trace: Trace? = nil, accept: ([HostTensor]) throws -> Bool
    ) throws -> [HostTensor] {
        if plan.cpuSchedule == nil { plan.cpuSchedule = try schedule(plan, on: [cpu]) }
        let outputs = try plan.checked(
            plan.preparedOnCPU(cpu).run(inputs: inputs, store: cpuStore, trace: trace))
        if try accept(outputs) { cpuStore.commit(plan.updatedVariables) }
        return outputs
    }

    fileprivate func deviceSchedule(for plan: Plan) throws -> Schedule? {
        guard let device else { return nil }
        return try schedule(plan, on: [device, cpu])
    }

    // MARK: Variables

    /// The present value of a variable.
    public func value(of variable: Variable) throws -> HostTensor {
        try values(of: [variable])[variable] ?? variable.initialValue
    }

    /// The present values of variables, all of the same moment.
    public func values(of variables: [Variable]) throws -> [Variable: HostTensor] {
        for variable in variables { if let failure = variable.failure { throw failure } }
        if variablesAreOnDevice, let deviceStore {
            do {
                return try deviceStore.values(variables)
            } catch {
                note("\(error)")
                if policy == .report { throw error }
                try bringVariablesHome()
            }
        }
        return try cpuStore.values(variables)
    }

    /// Gives variables new values; either all of them or, where a value does not fit, none.
    ///
    /// - Throws: ``GraphError`` where a value is of another type than its variable.
    public func set(_ values: [Variable: HostTensor]) throws {
        for (variable, value) in values where value.type != variable.type {
            throw GraphError(
                operation: "set", message: "\(variable) cannot hold this value", operands: [variable.type, value.type])
        }
        // On the host first: writing there cannot fail halfway.
        try moveVariables(toDevice: false)
        for (variable, value) in values { try cpuStore.set(variable, to: value) }
    }

    /// Moves the variables' values between the host and the device, leaving them where they are if that fails.
    private func moveVariables(toDevice: Bool) throws {
        guard toDevice != variablesAreOnDevice, let deviceStore else { return }
        if toDevice {
            let values = try cpuStore.values(cpuStore.variables)
            for (variable, value) in values { try deviceStore.set(variable, to: value) }
            journal.start(with: values)
        } else {
            let values: [Variable: HostTensor]
            do {
                values = try deviceStore.values(deviceStore.variables)
            } catch {
                note("\(error)")
                return try bringVariablesHome()
            }
            for (variable, value) in values { try cpuStore.set(variable, to: value) }
        }
        variablesAreOnDevice = toDevice
    }

    /// Fetches the variables from a device that has failed: from the device if it still answers, else by repeating on
    /// the CPU the steps since they were last read.
    private func bringVariablesHome() throws {
        guard variablesAreOnDevice, let deviceStore else { return }
        let values: [Variable: HostTensor]
        let isFresh: Bool
        do {
            try device?.finish()
            values = try deviceStore.values(deviceStore.variables)
            isFresh = true
        } catch {
            values = journal.snapshot
            isFresh = false
        }
        cpuStore.removeAll()
        for (variable, value) in values { try cpuStore.set(variable, to: value) }
        variablesAreOnDevice = false
        let steps = journal.steps
        journal.start(with: values)
        if !isFresh { for step in steps { _ = try runOnCPU(step.plan, step.inputs) { _ in true } } }
    }

    /// Notes a step done on the device, and reads the variables back now and then so that few steps would have to be
    /// repeated.
    private func record(_ plan: Plan, _ inputs: [String: HostTensor]) {
        guard !plan.updatedVariables.isEmpty, policy == .repeatOnCPU, let deviceStore else { return }
        journal.append(plan, inputs)
        guard journal.isFull else { return }
        // A failure here shows at the next step; until then the journal covers for it.
        if let values = try? deviceStore.values(deviceStore.variables) { journal.start(with: values) }
    }

    // MARK: Failures

    /// Keeps what failed, and tells the user the first time; where failures are reported, the error that follows tells it.
    private func note(_ reason: String) {
        if failures.isEmpty, policy == .repeatOnCPU {
            logger.warning("\(device?.name ?? "the device") failed and the CPU stood in for it: \(reason)")
        }
        failures.append(reason)
    }

    private func abandonDevice() {
        hasAbandonedDevice = true
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

/// What would have to be done again if the device's memory were lost: values of variables and the steps since then.
private struct Journal {
    struct Step {
        var plan: Plan
        var inputs: [String: HostTensor]
    }

    private(set) var snapshot: [Variable: HostTensor] = [:]
    private(set) var steps: [Step] = []
    private var byteCount = 0

    /// Steps and input bytes after which the variables are read back.
    private static let stepLimit = 32
    private static let byteLimit = 1 << 28

    var isFull: Bool { steps.count >= Self.stepLimit || byteCount >= Self.byteLimit }

    mutating func append(_ plan: Plan, _ inputs: [String: HostTensor]) {
        steps.append(Step(plan: plan, inputs: inputs))
        byteCount += inputs.values.reduce(0) { $0 + $1.type.byteCount }
    }

    mutating func start(with values: [Variable: HostTensor]) {
        snapshot = values
        steps = []
        byteCount = 0
    }
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
    package fileprivate(set) var deviceSchedule: Schedule?
    package fileprivate(set) var cpuSchedule: Schedule?
    private var onDevice: PreparedSchedule?
    private var onCPU: PreparedSchedule?
    private let inputTypes: [String: Input]
    private let indexChecks: IndexChecks
    /// The names of all inputs of the graph, of which the plan may not need some.
    private let declaredInputs: Set<String>
    /// Outputs that are numbers known beforehand, by their places: nothing is read for them.
    private let knownOutputs: [Int: HostTensor]

    fileprivate init(
        _ computation: Computation, packsWeightsOnce: Bool, _ indexChecks: IndexChecks, declared: Set<String>
    ) {
        let known = computation.knownOutputs
        var computation = computation
        computation.outputs = computation.outputs.indices.filter { known[$0] == nil }.map { computation.outputs[$0] }
        self.computation = computation
        knownOutputs = known
        self.packsWeightsOnce = packsWeightsOnce
        self.indexChecks = indexChecks
        declaredInputs = declared
        var inputs: [String: Input] = [:]
        for node in computation.nodes {
            if case .input(let input) = node.op { inputs[input.name] = input }
        }
        inputTypes = inputs
    }

    /// The variables that a run gives new values.
    public var updatedVariables: [Variable] { computation.updates.map(\.variable) }

    /// The inputs that a run needs, with their types.
    public var inputs: [String: TensorType] { inputTypes.mapValues(\.type) }

    /// Whether every node runs on the device.
    package var runsOnDeviceAlone: Bool {
        deviceSchedule?.placement.choices.allSatisfy { ($0?.backend ?? 0) == 0 } ?? false
    }

    fileprivate func check(_ values: [String: HostTensor], at location: SourceLocation?) throws(GraphError) {
        if let stranger = values.keys.sorted().first(where: { !declaredInputs.contains($0) }) {
            let known = inputs.sorted { $0.key < $1.key }.map { "“\($0.key)” (\($0.value))" }
            throw GraphError(
                operation: "run",
                message: "no input is named “\(stranger)”; the plan takes "
                    + (known.isEmpty ? "none" : known.joined(separator: ", ")),
                location: location)
        }
        for (name, input) in inputTypes.sorted(by: { $0.key < $1.key }) {
            let location = computation.nodes.first { $0.op == .input(input) }?.location
            guard let value = values[name] else {
                throw GraphError(
                    operation: "input", message: "no value is given for \(name)", operands: [input.type],
                    location: location)
            }
            guard value.type == input.type else {
                throw GraphError(
                    operation: "input", message: "\(name) takes \(input.type), not \(value.type)",
                    operands: [input.type],
                    location: location)
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
        let prepared = try PreparedSchedule(schedule, backends: [device, cpu])
        onDevice = prepared
        return prepared
    }

    fileprivate func forgetPreparedOnDevice() { onDevice = nil }

    fileprivate func preparedOnCPU(_ cpu: any Backend) throws -> PreparedSchedule {
        if let onCPU { return onCPU }
        guard let cpuSchedule else { throw DeviceFailure(device: cpu.name, reason: "the plan has no CPU schedule") }
        let prepared = try PreparedSchedule(cpuSchedule, backends: [cpu])
        onCPU = prepared
        return prepared
    }
}
