extension Module {
    /// Writes every variable's value to a safetensors file under its dotted name. One that the model holds in several places
    /// is written once, as `safetensors.torch.save_model` does and `load_model` reads it.
    ///
    /// - Throws: ``FileError`` where two variables have one name, one has a name that begins with `tessera.`, or the file can't
    ///   be written.
    public func save(to path: String, on executor: Executor) throws {
        if let (name, _) = namedVariables.first(where: { Checkpoint.isReserved($0.name) }) {
            throw FileError(path: path, reason: Checkpoint.reserved(name, of: self))
        }
        try Checkpoint.write(namedVariables, executor, to: path)
    }

    /// Gives every variable the value that a safetensors file holds under its dotted name. As in PyTorch, numbers are
    /// converted to the variable's type; but whole ones must fit into it, and others do not become whole.
    ///
    /// - Throws: ``FileError`` naming all that is missing, does not fit, or is not the model's. Nothing has changed then.
    public func load(from path: String, on executor: Executor) throws {
        try executor.set(try Checkpoint.values(of: namedVariables, in: SafetensorsFile(path: path)))
    }
}

extension Trainer {
    /// What of the metadata says how far the last call of `fit` was.
    private static let fitKey = "tessera.fit"
    /// What says what the plateaus of all schedules have seen.
    private static let plateauKey = "tessera.plateaus"

    /// What the names begin with of what the callbacks of `fit` have to remember.
    private static let callbackPrefix = "tessera.callback."

    private var plateaus: [PlateauSchedule] { schedule.plateaus + groups.flatMap(\.schedule.plateaus) }

    /// The variables of all groups' optimizers and the step, by their names in checkpoints: a parameter is in one group, so
    /// that its name says which optimizer's they are.
    private func state() throws(GraphError) -> [(name: String, variable: Variable)] {
        let names = Dictionary(model.namedVariables.map { ($0.variable, $0.name) }) { first, _ in first }
        let slots = zip(groups, try parametersOfGroups()).flatMap { group, parameters in
            parameters.flatMap { parameter in
                ((group.optimizer?.state(of: parameter) ?? []) + accumulation.state(of: parameter)).map {
                    ("\(Checkpoint.prefix)\($0.name).\(names[parameter] ?? parameter.name)", $0.variable)
                }
            }
        }
        let scaling = (scaler?.state ?? []) + (scaler == nil ? [] : [("scaling.moves", moveVariable)])
        return slots + [("\(Checkpoint.prefix)step", stepVariable)]
            + (accumulation.state + scaling).map { ("\(Checkpoint.prefix)\($0.name)", $0.variable) }
    }

    /// Writes the model to a safetensors file, with what training needs to go on as if it had never stopped: the
    /// optimizers' variables, the loss's scale and the step, under names that begin with `tessera.`.
    ///
    /// - Throws: ``FileError`` where the file can't be written; ``GraphError`` where the groups make no sense.
    public func save(to path: String) throws {
        var metadata: [TensorName: String] = [:]
        metadata[TensorName(Self.fitKey)] = lastFit?.text
        if !plateaus.isEmpty {
            metadata[TensorName(Self.plateauKey)] = plateaus.map(\.state.text).joined(separator: "\n")
        }
        for (name, state) in watchers.states { metadata[TensorName(Self.callbackPrefix + name)] = state }
        try Checkpoint.write(model.namedVariables + state(), executor, metadata: metadata, to: path)
    }

    /// Reads what ``save(to:)`` wrote. A file with the model alone is read too: training then begins anew from it.
    ///
    /// - Throws: ``FileError`` where the file is corrupt or does not fit the model or the optimizers. Nothing has changed
    ///   then.
    public func load(from path: String) throws {
        let file = try SafetensorsFile(path: path)
        let isWhole = file.storedNames.contains { $0.hasPrefix(Checkpoint.prefix) }
        let state = try state()
        var values = try Checkpoint.values(of: model.namedVariables + (isWhole ? state : []), in: file)
        if !isWhole { for (_, variable) in state { values[variable] = variable.initialValue } }
        let step = Int(try values[stepVariable]?.elements(Int32.self).first ?? 0)
        guard step >= 0 else { throw FileError(path: path, reason: "its step \(step) is negative") }
        let fit = isWhole ? file.metadata[Self.fitKey] : nil
        let call = fit.flatMap { FitCall(text: $0) }
        guard call?.begin ?? 0 <= step, (fit == nil) == (call == nil) else {
            throw FileError(path: path, reason: "its \(Self.fitKey) “\(fit ?? "")” does not belong to step \(step)")
        }
        let plateaus = plateaus
        let seen = try states(of: plateaus, in: file, isWhole: isWhole)
        try executor.set(values)
        self.step = step
        lastFit = call
        let kept = file.metadata.filter { isWhole && $0.key.hasPrefix(Self.callbackPrefix) }
        let states = kept.map { (String($0.key.dropFirst(Self.callbackPrefix.count)), $0.value) }
        watchers = FitWatchers(loaded: Dictionary(states) { first, _ in first })
        for (plateau, state) in zip(plateaus, seen) { plateau.state = state }
    }
}

extension Trainer {
    /// What the plateaus of the schedules had seen when a file was written: nothing, where it has the model alone.
    private func states(
        of plateaus: [PlateauSchedule], in file: SafetensorsFile, isWhole: Bool
    ) throws(FileError) -> [PlateauSchedule.State] {
        guard isWhole, !plateaus.isEmpty else { return plateaus.map { _ in PlateauSchedule.State() } }
        let lines = file.metadata[Self.plateauKey]?.split(separator: "\n") ?? []
        let states = lines.compactMap { PlateauSchedule.State(text: String($0)) }
        guard states.count == lines.count, states.count == plateaus.count else {
            throw FileError(
                path: file.path,
                reason: "its \(Self.plateauKey) is not what \(plateaus.count) plateaus have seen")
        }
        return states
    }
}

/// Matching the variables of a model with the tensors of a file.
enum Checkpoint {
    /// The names of everything that is not the model's own begin with this.
    static let prefix = "tessera."

    static func isReserved(_ name: String) -> Bool { TensorName(name).hasPrefix(prefix) }

    static func reserved(_ name: String, of model: any Module) -> String {
        "a variable of \(type(of: model)) is named “\(name)”, and names that begin with “\(prefix)” are what training keeps "
            + "beside a model: rename a property, or say the members"
    }

    /// The names of each variable: the model may hold it in several places.
    private static func grouped(
        _ variables: [(name: String, variable: Variable)]
    ) -> [(variable: Variable, names: [TensorName])] {
        var places: [Variable: Int] = [:]
        var groups: [(variable: Variable, names: [TensorName])] = []
        for (name, variable) in variables {
            if let place = places[variable] {
                groups[place].names.append(TensorName(name))
            } else {
                places[variable] = groups.count
                groups.append((variable, [TensorName(name)]))
            }
        }
        return groups
    }

    /// Writes variables under the first of their names; the metadata leads from the others to it.
    static func write(
        _ variables: [(name: String, variable: Variable)], _ executor: Executor, metadata: [TensorName: String] = [:],
        to path: String
    ) throws {
        let values = try executor.values(of: variables.map(\.variable))
        var metadata = metadata.merging(["format": "pt"]) { given, _ in given }
        let tensors = grouped(variables).map { variable, names in
            let kept = names.min() ?? names[0]
            for other in names where other != kept { metadata[other] = kept.text }
            return (kept, values[variable] ?? variable.initialValue)
        }
        try SafetensorsFile.write(tensors, metadata: metadata, to: path)
    }

    /// The value in the file of each variable.
    ///
    /// - Throws: ``FileError`` that says everything that is wrong; ``GraphError`` where a variable could not be made.
    static func values(
        of variables: [(name: String, variable: Variable)], in file: SafetensorsFile
    ) throws -> [Variable: HostTensor] {
        for (_, variable) in variables { if let failure = variable.failure { throw failure } }
        var values: [Variable: HostTensor] = [:]
        var used: Set<TensorName> = []
        var missing: [String] = []
        var problems: [String] = []
        for (variable, names) in grouped(variables) {
            let stored = names.filter(file.stores)
            let found = stored.isEmpty ? names.filter { file.entry($0) != nil }.prefix(1) : stored[...]
            if found.isEmpty { missing.append(names.map { "“\($0.text)”" }.joined(separator: " or ")) }
            for name in found {
                if let entry = file.entry(name) { used.insert(entry.name) }
                do throws(FileError) {
                    let value = try value(name.text, variable, file)
                    if let first = values[variable], first != value, let other = found.first {
                        let pair = "“\(other.text)” and “\(name.text)”"
                        problems.append("tensors \(pair) differ, but are one variable of the model")
                    }
                    values[variable] = value
                } catch {
                    problems.append(error.reason)
                }
            }
        }
        if !missing.isEmpty {
            problems.insert("has no tensor\(missing.count > 1 ? "s" : "") " + missing.joined(separator: ", "), at: 0)
        }
        // PyTorch counts batches for a use of batch norm that does not exist here.
        let strangers = file.storedNames.filter {
            !used.contains($0) && !$0.hasPrefix(prefix) && $0 != "num_batches_tracked"
                && !$0.hasSuffix(".num_batches_tracked")
        }
        if !strangers.isEmpty {
            problems.append(
                "holds tensors that the model has not: " + strangers.sorted().map(\.text).joined(separator: ", "))
        }
        guard problems.isEmpty else { throw FileError(path: file.path, reason: problems.joined(separator: "; ")) }
        return values
    }

    /// A tensor as the value of a variable, in the variable's type.
    private static func value(
        _ name: String, _ variable: Variable, _ file: SafetensorsFile
    ) throws(FileError) -> HostTensor {
        do {
            let tensor = try file.tensor(name)
            guard tensor.shape == variable.type.shape, let converted = try tensor.converted(to: variable.type.dtype)
            else {
                throw FileError(
                    path: file.path, reason: "tensor “\(name)” is \(tensor.type), but the model's is \(variable.type)")
            }
            return converted
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(path: file.path, reason: "tensor “\(name)”: \(error)")
        }
    }
}
