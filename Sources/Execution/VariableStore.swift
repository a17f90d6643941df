import TensorGraph

/// Copies of variables' values in one backend's memory, each with a second memory for its next value.
///
/// A run reads the current values and writes the next ones; ``commit(_:keptBy:)`` exchanges them. A run that fails is simply
/// not committed. A copy is good as long as the variable has that version. No variable stays alive for its copies.
package final class VariableStore {
    private struct Copies {
        var current: (any Memory)?
        var next: (any Memory)?
        /// Of the value in `current`; `nil` where that is none.
        var version: Variable.Version?
    }

    package let backend: any Backend
    private var copies = VariableMap<Copies>()
    /// What a driver may still read or write after a failure.
    private var stray: [HostBytes] = []

    /// The most bytes that are on their way at once.
    private static let transferLimit = 64 << 20

    /// Waits of an idle device after which nothing that came before is still to be heard of.
    private static let confirmingWaits = 3

    package init(backend: any Backend) { self.backend = backend }

    /// Whether this value of a variable is here.
    package func has(_ variable: Variable, _ version: Variable.Version) -> Bool {
        copies[variable]?.version === version
    }

    /// Whether the present value of a variable is here.
    package func hasPresent(_ variable: Variable) -> Bool {
        guard let version = copies[variable]?.version else { return false }
        return variable.has(version)
    }

    /// The variables whose present value is here.
    package var present: [(variable: Variable, version: Variable.Version)] {
        copies.living.compactMap { variable, copies in
            copies.version.flatMap { variable.has($0) ? (variable, $0) : nil }
        }
    }

    /// The memory of a variable's value, which must have been put or committed here.
    package func current(_ variable: Variable) throws -> any Memory {
        guard let copies = copies[variable], copies.version != nil, let memory = copies.current else {
            throw LostValue(variable)
        }
        return memory
    }

    /// Which of its values is here: the same object until it gets another one.
    package func version(of variable: Variable) -> Variable.Version? { copies[variable]?.version }

    /// The memory for a variable's next value.
    package func next(_ variable: Variable) throws -> any Memory {
        if let next = copies[variable]?.next { return next }
        let next = try backend.allocate(byteCount: max(variable.type.byteCount, 4))
        copies[variable, default: Copies()].next = next
        return next
    }

    /// Makes the next values current, each a new version. Cannot fail.
    package func commit(_ variables: [Variable], keptBy home: any VariableHome) {
        for variable in variables {
            guard let pair = copies[variable], let next = pair.next else { continue }
            let version = Variable.Version()
            copies[variable] = Copies(current: next, next: pair.current, version: version)
            variable.move(to: home, version)
        }
    }

    /// Copies values here from the host.
    package func put(_ values: [(variable: Variable, value: VariableValue)]) throws {
        try transfer(values.map(\.variable)) { index, memory, staged in
            let (variable, value) = values[index]
            value.value.withUnsafeBytes { staged.bytes.copyMemory(from: $0) }
            // First: if writing fails halfway, the old value is gone all the same.
            copies[variable]?.version = nil
            try backend.write(UnsafeRawBufferPointer(staged.bytes), to: memory, at: 0)
        } done: { index, _ in
            copies[values[index].variable]?.version = values[index].value.version
        }
    }

    /// The values that are here, read in one go. Either all of them, or an error.
    ///
    /// What a host takes over must be right for good, and some drivers report what a command came to only with a later wait:
    /// so there are some more.
    package func values(of variables: [Variable]) throws -> [Variable: VariableValue] {
        if let lost = variables.first(where: { copies[$0]?.version == nil }) { throw LostValue(lost) }
        var values: [Variable: VariableValue] = [:]
        try transfer(variables) { _, memory, staged in
            try backend.read(memory, at: 0, into: staged.bytes)
        } done: { index, staged in
            guard let version = copies[variables[index]]?.version else { return }
            let value = try HostTensor(variables[index].type) {
                $0.copyMemory(from: UnsafeRawBufferPointer(staged.bytes))
            }
            values[variables[index]] = VariableValue(version: version, value: value)
        }
        if !values.isEmpty { for _ in 0..<Self.confirmingWaits { try backend.finish() } }
        return values
    }

    /// Moves bytes between variables' memories and the host's, with a wait only now and then.
    private func transfer(
        _ variables: [Variable], _ start: (Int, any Memory, HostBytes) throws -> Void,
        done: (Int, HostBytes) throws -> Void
    ) throws {
        if !stray.isEmpty {
            try backend.finish()
            stray = []
        }
        var staged: [(index: Int, buffer: HostBytes)] = []
        var byteCount = 0
        func finish() throws {
            try backend.finish()
            for (index, buffer) in staged { try done(index, buffer) }
            (staged, byteCount) = ([], 0)
        }
        do {
            for (index, variable) in variables.enumerated() {
                let memory =
                    try copies[variable]?.current ?? backend.allocate(byteCount: max(variable.type.byteCount, 4))
                copies[variable, default: Copies()].current = memory
                let buffer = try HostBytes(byteCount: variable.type.byteCount)
                staged.append((index, buffer))
                byteCount += variable.type.byteCount
                if variable.type.byteCount > 0 { try start(index, memory, buffer) }
                if byteCount >= Self.transferLimit { try finish() }
            }
            if !staged.isEmpty { try finish() }
        } catch {
            stray += staged.map(\.buffer)
            throw error
        }
    }

    /// Drops the copies of variables that are gone.
    package func removeDead() { copies.removeDead() }

    /// Drops all that is not a variable's present value.
    package func removeUnused() {
        let living = copies.living
        copies.removeAll()
        for (variable, pair) in living {
            guard let version = pair.version, variable.has(version) else { continue }
            copies[variable] = Copies(current: pair.current, next: nil, version: version)
        }
    }

    package func removeAll() { copies.removeAll() }
}
