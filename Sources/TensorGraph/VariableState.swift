/// Who keeps the present values of variables that it has changed.
package protocol VariableHome: AnyObject, Sendable {
    /// The values of those of these variables that are still kept here, all of one moment.
    ///
    /// Waits while the keeper is at work on another thread.
    /// - Throws: what the device reports, or that a value was lost with its device.
    func values(of variables: [Variable]) throws -> [Variable: VariableValue]
}

/// A value that a variable has or had.
package struct VariableValue: Sendable {
    package var version: Variable.Version
    package var value: HostTensor

    package init(version: Variable.Version, value: HostTensor) {
        self.version = version
        self.value = value
    }
}

extension Variable {
    /// Stands for one value that a variable has had: each value's is another object, so that a copy of it anywhere is known
    /// to be out of date.
    package final class Version: Sendable {
        package init() {}
    }

    /// Which value a variable has, and where that is: on the host, with a home, or both.
    package struct State: Sendable {
        package var version = Version()
        package var host: HostTensor?
        package var home: (any VariableHome)?
    }

    package var present: State { state.withLock { $0 } }

    /// Whether this is the present value's version.
    package func has(_ version: Version?) -> Bool { state.withLock { $0.version === version } }

    /// Whether the present value is kept by another than `home`.
    package func isAway(from home: any VariableHome) -> Bool {
        state.withLock { $0.home != nil && $0.home !== home }
    }

    /// Gives the variable a new value, which the host has.
    package func set(_ value: HostTensor) { restore(State(host: value)) }

    /// The variable has a new value, which `home` keeps.
    package func move(to home: any VariableHome, _ version: Version) {
        restore(State(version: version, host: nil, home: home))
    }

    /// Notes the bytes of a value on the host, if the variable still has that value.
    ///
    /// - Parameter leavesHome: whether only the host has it from now on.
    package func keep(_ value: VariableValue, leavesHome: Bool) {
        state.withLock { state in
            guard state.version === value.version else { return }
            state.host = value.value
            if leavesHome { state.home = nil }
        }
    }

    /// Makes the variable what it was at another time.
    package func restore(_ earlier: State) { state.withLock { $0 = earlier } }
}

/// Something for each of some variables, which do not stay alive for it.
package struct VariableMap<Element> {
    private struct Entry {
        weak var variable: Variable?
        var element: Element
    }

    private var entries: [ObjectIdentifier: Entry] = [:]

    package init() {}

    package subscript(variable: Variable) -> Element? {
        get {
            // Another variable may have come to lie where one that is gone was.
            guard let entry = entries[ObjectIdentifier(variable)], entry.variable === variable else { return nil }
            return entry.element
        }
        set { entries[ObjectIdentifier(variable)] = newValue.map { Entry(variable: variable, element: $0) } }
    }

    package subscript(variable: Variable, default element: @autoclosure () -> Element) -> Element {
        get { self[variable] ?? element() }
        set { self[variable] = newValue }
    }

    /// Those whose variable is still there, in no order.
    package var living: [(variable: Variable, element: Element)] {
        entries.values.compactMap { entry in entry.variable.map { ($0, entry.element) } }
    }

    /// Drops what belongs to variables that are gone.
    package mutating func removeDead() { entries = entries.filter { $0.value.variable != nil } }

    package mutating func removeAll() { entries = [:] }
}
