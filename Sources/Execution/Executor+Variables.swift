import TensorGraph

extension Executor {
    /// The present value of a variable.
    public func value(of variable: Variable) throws -> HostTensor {
        try values(of: [variable])[variable] ?? variable.initialValue
    }

    /// The present values of variables, whichever executor made them; those that one executor keeps, of the same moment.
    ///
    /// Waits for a run of the executor that keeps them, if it is at work on another thread.
    /// - Throws: what the device reports under ``FailurePolicy/report``, or that a value was lost with its device.
    public func values(of variables: [Variable]) throws -> [Variable: HostTensor] {
        for variable in variables { if let failure = variable.failure { throw failure } }
        let elsewhere = try valuesElsewhere(variables)
        return try home.withLock {
            let own = try keptValues(of: variables)
            var values: [Variable: HostTensor] = [:]
            for variable in variables {
                guard let value = (elsewhere[variable] ?? own[variable])?.value ?? variable.present.host else {
                    throw LostValue(variable)
                }
                values[variable] = value
            }
            return values
        }
    }

    /// Gives variables new values; either all of them or, where a value does not fit, none.
    ///
    /// The values are then on the host; whichever executor reads one next copies it to its device.
    /// - Throws: ``GraphError`` where a value is of another type than its variable, or a variable has none for want of an
    ///   initial value.
    public func set(_ values: [Variable: HostTensor]) throws {
        for variable in values.keys { if let failure = variable.failure { throw failure } }
        for (variable, value) in values where value.type != variable.type {
            throw GraphError(
                operation: "set", message: "\(variable) cannot hold this value", operands: [variable.type, value.type])
        }
        for (variable, value) in values { variable.set(value) }
    }

    // MARK: Where values are

    /// The values of those variables that another executor keeps. Not to be called under the lock.
    func valuesElsewhere(_ variables: [Variable]) throws -> [Variable: VariableValue] {
        var values: [Variable: VariableValue] = [:]
        var rest = variables.filter { $0.isAway(from: home) }
        // Once, unless they move on meanwhile.
        while !rest.isEmpty {
            var homes: [ObjectIdentifier: (home: any VariableHome, variables: [Variable])] = [:]
            for variable in rest {
                guard let home = variable.present.home else { continue }
                homes[ObjectIdentifier(home), default: (home, [])].variables.append(variable)
            }
            for (home, variables) in homes.values { values.merge(try home.values(of: variables)) { $1 } }
            rest = rest.filter { values[$0] == nil && $0.isAway(from: home) }
        }
        return values
    }

    /// The values of those variables that this executor keeps.
    func keptValues(of variables: [Variable]) throws -> [Variable: VariableValue] {
        var values: [Variable: VariableValue] = [:]
        var (onDevice, onCPU): ([Variable], [Variable]) = ([], [])
        for variable in variables {
            let present = variable.present
            guard present.home === home else { continue }
            if let host = present.host {
                values[variable] = VariableValue(version: present.version, value: host)
            } else if let deviceStore, deviceStore.has(variable, present.version) {
                onDevice.append(variable)
            } else {
                onCPU.append(variable)
            }
        }
        if let deviceStore, !onDevice.isEmpty {
            do {
                values.merge(try deviceStore.values(of: onDevice)) { $1 }
            } catch {
                note("\(error)")
                if error is DeviceSilence { leaveToDriver() }
                if policy == .report { throw error }
                try bringVariablesHome()
                for variable in onDevice where variable.present.host == nil { onCPU.append(variable) }
                for variable in onDevice {
                    let present = variable.present
                    guard let host = present.host else { continue }
                    values[variable] = VariableValue(version: present.version, value: host)
                }
            }
        }
        values.merge(try cpuStore.values(of: onCPU)) { $1 }
        return values
    }

    /// Has a store hold the present values of variables.
    ///
    /// - Parameter elsewhere: what other executors keep.
    func bring(_ variables: [Variable], to store: VariableStore, _ elsewhere: [Variable: VariableValue]) throws {
        var values: [(variable: Variable, value: VariableValue)] = []
        var kept: [Variable] = []
        for variable in variables {
            if !elsewhere.isEmpty, let value = elsewhere[variable] {
                if !store.has(variable, value.version) { values.append((variable, value)) }
                continue
            }
            guard !store.hasPresent(variable) else { continue }
            let present = variable.present
            if let host = present.host {
                values.append((variable, VariableValue(version: present.version, value: host)))
            } else if present.home === home {
                kept.append(variable)
            } else {
                throw LostValue(variable)
            }
        }
        if !kept.isEmpty {
            let found = try (store === cpuStore ? deviceStore ?? cpuStore : cpuStore).values(of: kept)
            values += found.map { ($0.key, $0.value) }
        }
        guard !values.isEmpty else { return }
        try store.put(values)
        if store === deviceStore, policy == .repeatOnCPU { journal.append(values) }
    }

    // MARK: When the device fails, or the executor goes

    /// Notes a step done on the device, and reads the variables back now and then so that few steps would have to be
    /// repeated.
    func note(_ plan: Plan, _ inputs: [String: HostTensor]) {
        guard !plan.updatedVariables.isEmpty, policy == .repeatOnCPU else { return }
        journal.append(plan, inputs)
        if journal.isFull { refreshJournal() }
    }

    /// Begins the journal anew from the present values on the device. Where they can't be read, the variables come home by what
    /// the journal has: it may be this read that hears of an earlier failure.
    func refreshJournal() {
        guard let deviceStore else { return }
        do {
            journal.start(with: try presentValues(in: deviceStore))
        } catch {
            note("\(error)")
            if error is DeviceSilence { leaveToDriver() }
            // Where that fails too, the journal still has it all for the next time.
            try? bringVariablesHome()
        }
    }

    /// The values of all variables whose present value a store has; read from there where the host has none.
    private func presentValues(in store: VariableStore) throws -> [(variable: Variable, value: VariableValue)] {
        var values: [(variable: Variable, value: VariableValue)] = []
        var unread: [Variable] = []
        for (variable, version) in store.present {
            let present = variable.present
            if present.version === version, let host = present.host {
                values.append((variable, VariableValue(version: version, value: host)))
            } else {
                unread.append(variable)
            }
        }
        return values + (try store.values(of: unread)).map { ($0.key, $0.value) }
    }

    /// Fetches the variables from a device that has failed, by repeating on the CPU the steps since they were last read. What
    /// the device has now is not asked for: a failure that is heard of late may be an earlier step's.
    ///
    /// - Parameter isSound: whether nothing failed on the device itself: then they are read from it, if it still answers.
    func bringVariablesHome(isSound: Bool = false) throws {
        guard let deviceStore else { return }
        do {
            guard isSound else { throw LostTrust() }
            try handBack(from: deviceStore)
            journal.start(with: [])
        } catch {
            try repeatJournal()
        }
        deviceStore.removeAll()
        try? releaseRetained()
    }

    /// Why a device that has failed is not asked for values.
    private struct LostTrust: Error {}

    /// Gives the variables whose present value a store has that value on the host.
    private func handBack(from store: VariableStore) throws {
        for (variable, value) in try presentValues(in: store) where variable.present.home === home {
            variable.keep(value, leavesHome: true)
        }
    }

    /// Does the steps of the journal again on the CPU. Where that fails too, all is as before.
    private func repeatJournal() throws {
        var before: [(variable: Variable, state: Variable.State, isOnDevice: Bool)] = []
        var seen: Set<Variable> = []
        func note(_ variable: Variable) {
            guard seen.insert(variable).inserted else { return }
            before.append((variable, variable.present, deviceStore?.hasPresent(variable) ?? false))
        }
        for entry in journal.entries {
            switch entry {
            case .values(let values): for (variable, _) in values.living { note(variable) }
            case .step(let plan, _): for variable in journal.plans[plan].variables { note(variable) }
            }
        }
        let past = journal
        do {
            for entry in past.entries {
                switch entry {
                case .values(let values):
                    for (variable, value) in values.living {
                        let again = VariableValue(version: Variable.Version(), value: value.value)
                        try cpuStore.put([(variable, again)])
                        variable.move(to: home, again.version)
                    }
                case .step(let plan, let inputs): _ = try runOnCPU(past.plans[plan], inputs)
                }
            }
        } catch {
            for (variable, state, _) in before { variable.restore(state) }
            throw error
        }
        // What others have given a variable since, the device did not know.
        for (variable, state, isOnDevice) in before where !isOnDevice { variable.restore(state) }
        journal.start(with: [])
    }

    /// Leaves the values that only this executor has with their variables. What a device does not give any more is done
    /// again on the CPU; without a journal it is lost.
    func handValuesBack() {
        if let deviceStore {
            do {
                try handBack(from: deviceStore)
            } catch {
                note("\(error)")
                if error is DeviceSilence { leaveToDriver() }
                if policy == .repeatOnCPU { try? bringVariablesHome() }
            }
        }
        try? handBack(from: cpuStore)
    }
}
