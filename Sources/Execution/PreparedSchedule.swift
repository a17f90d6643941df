import TensorGraph

/// A schedule with its memory allocated, its constants in place and its work recorded: ready to run any number of times.
package final class PreparedSchedule {
    package let schedule: Schedule
    private let backends: [any Backend]
    /// For each backend the memory of each slot; variables' are filled in at each run.
    private var bindings: [[any Memory]] = []
    private var recordings: [Work] = []
    private var packings: [KeptPacking] = []
    /// The version of every constant.
    private let unchanging = VariableStore.Version()
    /// Host copies of inputs and outputs: they outlive a run that fails while the device still reads or writes them.
    private var stagedInputs: [HostBytes] = []
    private var stagedOutputs: [HostBytes?] = []

    private enum Work {
        case nodes(backend: Int, any Recording)
        case transfer(from: Schedule.Location, to: Schedule.Location)
    }

    /// The work of a ``Schedule/KeptPacking``, and of which version of what it reads the result is there.
    private struct KeptPacking {
        var recording: any Recording
        var variable: Variable?
        var version: VariableStore.Version?
    }

    /// - Throws: ``GraphError`` where the memory cannot be had; what a backend reports.
    package init(_ schedule: Schedule, backends: [any Backend]) throws {
        self.schedule = schedule
        self.backends = backends
        try schedule.requireMemory(on: backends)
        for (backend, slots) in zip(backends, schedule.slots) {
            bindings.append(try slots.map { try Self.memory(for: $0, on: backend) })
        }
        for kept in schedule.keptPackings {
            packings.append(.init(recording: try backends[0].record([kept.node]), variable: kept.variable))
        }
        for step in schedule.steps {
            switch step {
            case .nodes(let backend, let nodes):
                recordings.append(.nodes(backend: backend, try backends[backend].record(nodes)))
            case .transfer(let from, let to): recordings.append(.transfer(from: from, to: to))
            }
        }
        stagedInputs = try schedule.inputs.map { try HostBytes(byteCount: $0.location.region.byteCount) }
        stagedOutputs = try schedule.outputs.map {
            try $0.location.map { try HostBytes(byteCount: $0.region.byteCount) }
        }
    }

    /// The memory of a slot; a variable's stands in until the run.
    private static func memory(for slot: Schedule.Slot, on backend: any Backend) throws -> any Memory {
        func filled(_ value: HostTensor) throws -> any Memory {
            let memory = try backend.allocate(byteCount: max(value.type.byteCount, 4))
            try value.withUnsafeBytes { try backend.write($0, to: memory, at: 0) }
            try backend.finish()
            return memory
        }
        switch slot {
        case .scratch(let byteCount): return try backend.allocate(byteCount: max(byteCount, 4))
        case .constant(let value): return try filled(value)
        case .fill(let fill): return try filled(try HostTensor(filledWith: fill.value, fill.type))
        case .variable, .next: return PlaceholderMemory()
        }
    }

    /// Runs everything once and waits for it.
    ///
    /// Variables are read from `store` and their new values written beside the old: nothing has changed until the
    /// caller commits them.
    package func run(
        inputs: [String: HostTensor], store: VariableStore, trace: Trace? = nil
    ) throws -> [HostTensor] {
        try bindVariables(store)
        for (place, staged) in zip(schedule.inputs, stagedInputs) {
            guard let value = inputs[place.input.name] else { continue }
            value.withUnsafeBytes { staged.bytes.copyMemory(from: $0) }
            let location = place.location
            try backends[location.backend].write(
                UnsafeRawBufferPointer(staged.bytes), to: memory(location), at: location.region.byteOffset)
        }
        let packed = try packWeights(store, trace)
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
        for (place, staged) in zip(schedule.outputs, stagedOutputs) {
            guard let location = place.location, let staged else { continue }
            try backends[location.backend].read(memory(location), at: location.region.byteOffset, into: staged.bytes)
        }
        for backend in backends { try backend.finish() }
        for (index, version) in packed { packings[index].version = version }
        return try zip(schedule.outputs, stagedOutputs).map { place, staged in
            try HostTensor(place.type) { bytes in
                if let staged { bytes.copyMemory(from: UnsafeRawBufferPointer(staged.bytes)) }
            }
        }
    }

    /// Packs what has another value than when it was last packed.
    ///
    /// - Returns: of which values, by index: to be noted when the run has succeeded, since only then are they surely packed.
    private func packWeights(
        _ store: VariableStore, _ trace: Trace?
    ) throws -> [(index: Int, version: VariableStore.Version)] {
        var packed: [(index: Int, version: VariableStore.Version)] = []
        for index in packings.indices {
            let version = try packings[index].variable.map(store.version) ?? unchanging
            guard packings[index].version !== version else { continue }
            packings[index].version = nil
            try packings[index].recording.run(bindings: bindings[0], trace: trace)
            packed.append((index, version))
        }
        return packed
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
