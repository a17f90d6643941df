import TensorGraph

/// A schedule with its constants in place and its work recorded: ready to run any number of times, in arenas that it shares
/// with others.
package final class PreparedSchedule {
    package let schedule: Schedule
    private let backends: [any Backend]
    private let scratch: ScratchPool
    /// For each backend the memory of each slot; arenas and variables are filled in at each run.
    private var bindings: [[any Memory]] = []
    private var arenas: [Arena] = []
    private var recordings: [Work] = []
    private var prologue: [PrologueWork] = []
    /// The memories of the first backend's slots that the prologue fills, by slot.
    private var kept: [Int: KeptMemory] = [:]
    /// Host copies of inputs and outputs, at these offsets: they outlive a run that fails while the device still reads or
    /// writes them.
    private var staging: HostBytes?
    private var stagedInputs: [Int] = []
    private var stagedOutputs: [Int] = []
    private var stagedByteCount = 0

    private struct Arena {
        var backend: Int
        var slot: Int
        /// Its number among the backend's.
        var index: Int
        var byteCount: Int
    }

    private enum Work {
        case nodes(backend: Int, any Recording)
        case transfer(from: Schedule.Location, to: Schedule.Location)
    }

    /// The work of a ``Schedule/PrologueEntry``, and the memories that it fills.
    private struct PrologueWork {
        var recording: any Recording
        var variables: [Variable]
        /// Shared with other schedules where they make the same.
        var memories: [KeptMemory]
    }

    /// - Throws: ``GraphError`` where the memory cannot be had; what a backend reports.
    init(_ schedule: Schedule, backends: [any Backend], scratch: ScratchPool) throws {
        self.schedule = schedule
        self.backends = backends
        self.scratch = scratch
        try schedule.requireMemory(on: backends, beside: scratch)
        for (index, (backend, slots)) in zip(backends, schedule.slots).enumerated() {
            bindings.append([])
            for slot in slots {
                bindings[index].append(try memory(for: slot, on: backend, index))
            }
        }
        for entry in schedule.prologue {
            prologue.append(
                .init(
                    recording: try backends[0].record([entry.node]), variables: entry.variables,
                    memories: entry.slots.compactMap { kept[$0] }))
        }
        for step in schedule.steps {
            switch step {
            case .nodes(let backend, let nodes):
                recordings.append(.nodes(backend: backend, try backends[backend].record(nodes)))
            case .transfer(let from, let to): recordings.append(.transfer(from: from, to: to))
            }
        }
        stagedInputs = schedule.inputs.map { stage($0.location.region.byteCount) }
        stagedOutputs = schedule.outputs.map { stage($0.location?.region.byteCount ?? 0) }
        scratch.add(self)
    }

    /// The memory of a slot; those of arenas and variables stand in until the run.
    private func memory(for slot: Schedule.Slot, on backend: any Backend, _ index: Int) throws -> any Memory {
        func filled(_ value: HostTensor) throws -> any Memory {
            let memory = try backend.allocate(byteCount: max(value.type.byteCount, 4))
            try value.withUnsafeBytes { try backend.write($0, to: memory, at: 0) }
            try backend.finish()
            return memory
        }
        switch slot {
        case .scratch(let byteCount) where !schedule.isolatesTensors:
            let number = arenas.count { $0.backend == index }
            arenas.append(
                Arena(backend: index, slot: bindings[index].count, index: number, byteCount: max(byteCount, 4)))
            return PlaceholderMemory()
        case .scratch(let byteCount): return try backend.allocate(byteCount: max(byteCount, 4))
        case .kept(let value):
            let memory = try scratch.kept(value, on: backend)
            kept[bindings[index].count] = memory
            return memory.memory
        case .constant(let value): return try filled(value)
        case .fill(let fill): return try filled(try HostTensor(filledWith: fill.value, fill.type))
        case .variable, .next: return PlaceholderMemory()
        }
    }

    /// A place for so many bytes in the staging memory.
    private func stage(_ byteCount: Int) -> Int {
        defer {
            stagedByteCount += (byteCount + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment
        }
        return stagedByteCount
    }

    /// Runs everything once and waits for it.
    ///
    /// Variables are read from `store`, where they must be, and their new values written beside the old: nothing has changed
    /// until the caller commits them.
    package func run(
        inputs: [String: HostTensor], store: VariableStore, trace: Trace? = nil
    ) throws -> [HostTensor] {
        let staging = try bindScratch()
        try bindVariables(store)
        // Before the inputs, which lie where the prologue may have its workspaces.
        let renewed = try runPrologue(store, trace)
        for (place, offset) in zip(schedule.inputs, stagedInputs) {
            guard let value = inputs[place.input.name] else { continue }
            let location = place.location
            let staged = staging.part(offset, location.region.byteCount)
            value.withUnsafeBytes { staged.copyMemory(from: $0) }
            try backends[location.backend].write(
                UnsafeRawBufferPointer(staged), to: memory(location), at: location.region.byteOffset)
        }
        for work in recordings {
            switch work {
            case .nodes(let backend, let recording): try recording.run(bindings: bindings[backend], trace: trace)
            case .transfer(let from, let to): try transfer(from, to)
            }
        }
        for (from, variable) in schedule.copies {
            try backends[0].copy(
                memory(from), at: from.region.byteOffset, to: store.next(variable), at: 0,
                byteCount: variable.type.byteCount)
        }
        for (place, offset) in zip(schedule.outputs, stagedOutputs) {
            guard let location = place.location else { continue }
            try backends[location.backend].read(
                memory(location), at: location.region.byteOffset,
                into: staging.part(offset, location.region.byteCount))
        }
        for backend in backends { try backend.finish() }
        for (memory, versions) in renewed { memory.versions = versions }
        return try zip(schedule.outputs, stagedOutputs).map { place, offset in
            try HostTensor(place.type) { bytes in
                guard let location = place.location else { return }
                bytes.copyMemory(from: UnsafeRawBufferPointer(staging.part(offset, location.region.byteCount)))
            }
        }
    }

    /// Drops the staging memory, until the next run.
    func letGoOfStaging() { staging = nil }

    /// Drops what it holds of arenas and variables, until the next run.
    func letGo() {
        for arena in arenas { bindings[arena.backend][arena.slot] = PlaceholderMemory() }
        for (index, slot) in schedule.slots[0].enumerated() {
            switch slot {
            case .variable, .next: bindings[0][index] = PlaceholderMemory()
            case .scratch, .kept, .constant, .fill: break
            }
        }
        for work in prologue { work.recording.letGo() }
        for case .nodes(_, let recording) in recordings { recording.letGo() }
    }

    /// Has the whole prologue run again at the next run.
    func forgetPrologue() {
        for memory in kept.values { memory.versions = nil }
    }

    private func bindScratch() throws -> HostBytes {
        for arena in arenas { try scratch.reserve(arena.byteCount, arena.index, of: backends[arena.backend]) }
        let staging = try scratch.staging(byteCount: stagedByteCount)
        for arena in arenas {
            guard let memory = scratch.arena(arena.index, of: backends[arena.backend]) else { continue }
            bindings[arena.backend][arena.slot] = memory
        }
        self.staging = staging
        return staging
    }

    /// Runs what depends on another value than when it last ran.
    ///
    /// - Returns: what now holds the results of which versions: to be noted when the run has succeeded, since only then are
    ///   they surely there.
    private func runPrologue(
        _ store: VariableStore, _ trace: Trace?
    ) throws -> [(memory: KeptMemory, versions: [Variable.Version])] {
        var renewed: [(memory: KeptMemory, versions: [Variable.Version])] = []
        for work in prologue {
            let versions = work.variables.map { store.version(of: $0) ?? Variable.Version() }
            if work.memories.allSatisfy({ $0.holds(versions) }) { continue }
            for memory in work.memories { memory.versions = nil }
            try work.recording.run(bindings: bindings[0], trace: trace)
            renewed += work.memories.map { ($0, versions) }
        }
        return renewed
    }

    private func bindVariables(_ store: VariableStore) throws {
        for (index, slot) in schedule.slots[0].enumerated() {
            switch slot {
            case .variable(let variable): bindings[0][index] = try store.current(variable)
            case .next(let variable): bindings[0][index] = try store.next(variable)
            default: break
            }
        }
    }

    private func memory(_ location: Schedule.Location) -> any Memory {
        bindings[location.backend][location.region.slot]
    }

    /// Moves a tensor between backends, one of which is the host's.
    private func transfer(_ from: Schedule.Location, _ to: Schedule.Location) throws {
        let (source, destination) = (memory(from), memory(to))
        if let bytes = destination.hostBytes {
            let target = UnsafeMutableRawBufferPointer(
                rebasing: bytes[to.region.byteOffset...].prefix(to.region.byteCount))
            try backends[from.backend].read(source, at: from.region.byteOffset, into: target)
            try backends[from.backend].finish()
        } else if let bytes = source.hostBytes {
            let part = UnsafeRawBufferPointer(rebasing: bytes[from.region.byteOffset...].prefix(from.region.byteCount))
            try backends[to.backend].write(part, to: destination, at: to.region.byteOffset)
            try backends[to.backend].finish()
        } else {
            throw GraphError(operation: "transfer", message: "tensors move between a device and the host only")
        }
    }
}

/// Stands where a variable's memory will be bound.
private final class PlaceholderMemory: Memory {
    var byteCount: Int { 0 }
    var hostBytes: UnsafeMutableRawBufferPointer? { nil }
}

extension HostBytes {
    fileprivate func part(_ byteOffset: Int, _ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[byteOffset..<(byteOffset + byteCount)])
    }
}
