import TensorGraph

/// What running a plan takes of memory, known from how it is laid out, before anything has run.
///
/// Plans of an executor share arenas, so that what several take is not the sum of it: arenas are as large as the largest needs.
public struct PlanMemory: Hashable, Sendable {
    /// The memory of one device, or that of the CPU path.
    public struct Place: Hashable, Sendable {
        /// The backend's name, such as `cpu`.
        public let name: String
        /// Bytes of arenas, in which what is computed lies while it is needed: activations, gradients, workspaces, and inputs.
        public let arenas: Int
        /// Bytes of the most that is there at any one moment, below which no arenas could be.
        public let largestLiveSet: Int
        /// Bytes of constants, and of what is made of them, or of weights that stay the same, and kept between runs.
        public let constants: Int
        /// Bytes of variables: those that the plan updates have two memories each.
        public let variables: Int

        /// Bytes of all of it.
        public var byteCount: Int { arenas + constants + variables }
    }

    /// The device's first, where there is one; the CPU path's where it has something to do.
    public let places: [Place]
    /// Bytes on the host: inputs and outputs on their way, and what steps would be repeated from where a device failed: the
    /// updated variables' last values, twice while newer ones are fetched, and the inputs of up to 32 steps.
    public let host: Int

    /// All of it.
    public var byteCount: Int { places.reduce(host) { $0 + $1.byteCount } }
}

extension PlanMemory: CustomStringConvertible {
    /// `12.3 MiB on pocl-cpu (8.0 MiB in arenas, 0 bytes of constants, 4.3 MiB of variables) and 1.2 MiB on the host`
    public var description: String {
        func text(_ byteCount: Int) -> String { HostMemory.text(of: byteCount) }
        return places.map { place in
            "\(text(place.byteCount)) on \(place.name) (\(text(place.arenas)) in arenas, \(text(place.constants)) of "
                + "constants, \(text(place.variables)) of variables), "
        }.joined() + "\(text(host)) on the host"
    }
}

extension Plan {
    /// What a run of the plan takes of memory at most, beside what the process takes anyway: the driver, kernels, the user's own
    /// data.
    public var memory: PlanMemory {
        guard let schedule = deviceSchedule ?? cpuSchedule else { return PlanMemory(places: [], host: 0) }
        let updated = Set(updatedVariables)
        let places = schedule.backendNames.indices.map { index in
            let memory = schedule.memory[index]
            var variables = 0
            if index == 0 {
                let all = updated.union(schedule.readVariables)
                variables = all.reduce(0) { $0 + max($1.type.byteCount, 4) * (updated.contains($1) ? 2 : 1) }
            }
            return PlanMemory.Place(
                name: schedule.backendNames[index], arenas: memory.arenas, largestLiveSet: memory.largestLiveSet,
                constants: schedule.slots[index].reduce(0) { $0 + $1.constantByteCount }, variables: variables)
        }
        func aligned(_ byteCount: Int) -> Int {
            byteCount.dividedRoundingUp(by: MemoryPlan.alignment) * MemoryPlan.alignment
        }
        let inputs = schedule.inputs.reduce(0) { $0 + aligned($1.location.region.byteCount) }
        let outputs = schedule.outputs.reduce(0) { $0 + aligned($1.type.byteCount) }
        var host = inputs + 2 * outputs
        if deviceSchedule != nil {
            host += 2 * updated.reduce(0) { $0 + $1.type.byteCount } + Journal.inputByteCount(ofStep: inputs)
        }
        return PlanMemory(places: places.filter { $0.byteCount > 0 }, host: host)
    }
}

extension Schedule.Slot {
    fileprivate var constantByteCount: Int {
        switch self {
        case .kept(let value): max(value.byteCount, 4)
        case .constant(let value): max(value.type.byteCount, 4)
        case .fill(let fill): max(fill.type.byteCount, 4)
        case .scratch, .variable, .next: 0
        }
    }
}
