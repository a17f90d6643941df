extension Trainer {
    /// The parameters of each group.
    ///
    /// - Throws: ``GraphError`` where two groups have one name, or a parameter of the model is not in exactly one of them, or
    ///   one in a group is not the model's and so would not be saved.
    func parametersOfGroups() throws(GraphError) -> [[Variable]] {
        let own = Set(model.parameters)
        var names: Set<String> = []
        var known: [Variable: String] = [:]
        let all = groups.map(\.parameters)
        for (group, parameters) in zip(groups, all) {
            func failure(_ message: String, _ operands: [Variable] = []) -> GraphError {
                GraphError(
                    operation: "ParameterGroup", message: message, operands: operands.map(\.type),
                    location: group.location)
            }
            guard names.insert(group.name).inserted else { throw failure("two groups are named “\(group.name)”") }
            for parameter in parameters {
                if let other = known.updateValue(group.name, forKey: parameter) {
                    throw failure(
                        other == group.name
                            ? "“\(parameter.name)” is twice in the group “\(group.name)”"
                            : "“\(parameter.name)” is in two groups, “\(other)” and “\(group.name)”", [parameter])
                }
                guard own.contains(parameter) else {
                    throw failure(
                        "“\(parameter.name)” of the group “\(group.name)” is not among the parameters of "
                            + "\(type(of: model)), so that nothing would save it", [parameter])
                }
            }
        }
        let rest = model.parameters.filter { known[$0] == nil }
        guard rest.isEmpty else {
            throw GraphError(
                operation: "Trainer",
                message: "\(Self.list(rest)) of \(type(of: model)) is in no group: what is not to be trained goes into "
                    + "ParameterGroup.frozen", location: location)
        }
        return all
    }

    /// The parameters of each group that a pass, or a loss after it, has read, of those that are trained; others a step leaves
    /// as they are.
    ///
    /// - Throws: ``GraphError`` where something trainable was read, or something is updated, that is not among the model's
    ///   variables and so would be neither trained nor saved.
    func parameters(readBy pass: ForwardPass) throws -> [[Variable]] {
        let known = Set(try model.uniquelyNamedVariables().map(\.variable))
        let read = pass.graph.variablesRead
        let strangers = read.filter { $0.variable.isTrainable && !known.contains($0.variable) }
        if let first = strangers.first {
            throw unknown(strangers.map(\.variable), "reads", "train", first.location)
        }
        let updated = pass.updates.filter { !known.contains($0.0) }
        if let first = updated.first {
            throw unknown(updated.map(\.0), "updates", "save", first.1.node.location)
        }
        if let whole = read.first(where: { $0.variable.isTrainable && !$0.variable.type.dtype.isFloatingPoint }) {
            throw GraphError(
                operation: "train",
                message: "“\(whole.variable.name)” cannot be trained, as only floating-point numbers can: make it with "
                    + "isTrainable: false", operands: [whole.variable.type], location: whole.location)
        }
        let readable = Set(read.map(\.variable))
        return try zip(groups, parametersOfGroups()).map { group, parameters in
            group.optimizer == nil ? [] : parameters.filter { readable.contains($0) }
        }
    }

    /// Losses whose sum is made small by the same groups: places among what a step gives, and among the groups.
    struct Objective {
        var losses: [Int]
        var groups: [Int]
    }

    /// Which groups train by which losses.
    ///
    /// - Throws: ``GraphError`` where there is no loss, a loss names a group that there is not, a group has no loss, or the
    ///   losses of a group cannot be added.
    func objectives(of outputs: [StepOutput]) throws(GraphError) -> [Objective] {
        let trained = groups.indices.filter { groups[$0].optimizer != nil }
        let names = trained.map { groups[$0].name }
        var losses: [(place: Int, groups: [String])] = []
        for (place, output) in outputs.enumerated() {
            guard case .loss(let trains) = output.kind else { continue }
            losses.append((place, trains.isEmpty ? names : trains))
            guard let stranger = trains.first(where: { !names.contains($0) }) else { continue }
            throw GraphError(
                operation: "train",
                message: "the loss “\(output.name)” is to train “\(stranger)”, but the groups that are trained are "
                    + names.map { "“\($0)”" }.joined(separator: ", "), location: output.location)
        }
        guard !losses.isEmpty else {
            throw GraphError(
                operation: "train", message: "the step gives no loss: return .loss(…) for what is to be made small",
                location: location)
        }
        var objectives: [Objective] = []
        for group in trained {
            let own = losses.filter { $0.groups.contains(groups[group].name) }.map(\.place)
            guard let first = own.first else {
                throw GraphError(
                    operation: "train", message: "no loss trains the group “\(groups[group].name)”",
                    location: groups[group].location)
            }
            if let other = own.first(where: { outputs[$0].tensor.dtype != outputs[first].tensor.dtype }) {
                throw GraphError(
                    operation: "train",
                    message:
                        "the losses “\(outputs[first].name)” and “\(outputs[other].name)” are added, as both train "
                        + "“\(groups[group].name)”: cast one of them",
                    operands: [outputs[first].tensor.type, outputs[other].tensor.type],
                    location: outputs[other].location)
            }
            if let known = objectives.firstIndex(where: { $0.losses == own }) {
                objectives[known].groups.append(group)
            } else {
                objectives.append(Objective(losses: own, groups: [group]))
            }
        }
        return objectives
    }

    /// There is nothing to train.
    func noDependence(of objective: Tensor, on group: ParameterGroup) -> GraphError {
        let whose = groups.count == 1 ? "\(type(of: model))" : "the group “\(group.name)”"
        return GraphError(
            operation: "train",
            message:
                "the loss depends on none of the \(group.parameters.count) parameters of \(whose): the pass does not read "
                + "them, or only behind stoppingGradient or what has no gradient",
            operands: [objective.type], location: objective.node.location)
    }

    private static func list(_ variables: [Variable]) -> String {
        variables.map { "“\($0.name)” \($0.type)" }.joined(separator: ", ")
    }

    private func unknown(
        _ variables: [Variable], _ does: String, _ purpose: String, _ location: SourceLocation?
    ) -> GraphError {
        GraphError(
            operation: "train",
            message:
                "the pass \(does) \(Self.list(variables)), which \(type(of: model)) does not have among its variables, so that nothing "
                + "would \(purpose) them: keep them in stored properties, name them in `members`, or make them with "
                + "isTrainable: false where they are not to be trained",
            location: location)
    }
}
