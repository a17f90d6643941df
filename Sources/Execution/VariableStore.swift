import TensorGraph

/// The values of variables in one backend's memory, each with a second memory for its next value.
///
/// A run reads the current values and writes the next ones; ``commit(_:)`` exchanges them. A run that fails is simply
/// not committed.
package final class VariableStore {
    /// Stands for one value that a variable has had: each value's is another object.
    package final class Version {}

    private struct Pair {
        var current: any Memory
        var next: (any Memory)?
        var version = Version()
    }

    package let backend: any Backend
    private var pairs: [Variable: Pair] = [:]

    package init(backend: any Backend) { self.backend = backend }

    package var variables: Set<Variable> { Set(pairs.keys) }

    /// The memory of a variable's value; its initial value where it has had none.
    package func current(_ variable: Variable) throws -> any Memory {
        if let pair = pairs[variable] { return pair.current }
        try set(variable, to: variable.initialValue)
        return try current(variable)
    }

    /// Which of its values a variable has: the same object until it gets another one, in this store or in any.
    package func version(of variable: Variable) throws -> Version {
        if let pair = pairs[variable] { return pair.version }
        try set(variable, to: variable.initialValue)
        return try version(of: variable)
    }

    /// The memory for a variable's next value.
    package func next(_ variable: Variable) throws -> any Memory {
        // Makes the pair, if there is none yet.
        _ = try current(variable)
        if let next = pairs[variable]?.next { return next }
        let next = try backend.allocate(byteCount: max(variable.type.byteCount, 4))
        pairs[variable]?.next = next
        return next
    }

    /// Makes the next values current, each a new version. Cannot fail.
    package func commit(_ variables: [Variable]) {
        for variable in variables {
            guard let pair = pairs[variable], let next = pair.next else { continue }
            pairs[variable] = Pair(current: next, next: pair.current)
        }
    }

    /// Gives a variable a value from the host.
    package func set(_ variable: Variable, to value: HostTensor) throws {
        let memory = try pairs[variable]?.current ?? backend.allocate(byteCount: max(variable.type.byteCount, 4))
        // First: if writing fails halfway, the old value is gone all the same.
        pairs[variable]?.version = Version()
        try value.withUnsafeBytes { bytes in
            try backend.write(bytes, to: memory, at: 0)
            try backend.finish()
        }
        pairs[variable] = Pair(current: memory, next: pairs[variable]?.next)
    }

    /// The values of variables, read in one go. Either all of them, or an error.
    package func values(_ variables: some Collection<Variable>) throws -> [Variable: HostTensor] {
        var values: [Variable: HostTensor] = [:]
        for variable in variables {
            guard let pair = pairs[variable] else {
                values[variable] = variable.initialValue
                continue
            }
            values[variable] = try HostTensor(variable.type) { bytes in
                guard bytes.count > 0 else { return }
                try backend.read(pair.current, at: 0, into: bytes)
                try backend.finish()
            }
        }
        return values
    }

    package func removeAll() { pairs = [:] }
}
