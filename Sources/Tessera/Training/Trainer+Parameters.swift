extension Trainer {
    /// The model's parameters that a pass, or the loss after it, has read; others a step leaves as they are.
    ///
    /// - Throws: ``GraphError`` where something trainable was read, or something is updated, that is not among the model's
    ///   variables and so would be neither trained nor saved.
    func parameters(readBy pass: ForwardPass) throws -> [Variable] {
        let named = try model.uniquelyNamedVariables()
        let known = Set(named.map(\.variable))
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
        return model.parameters.filter { readable.contains($0) }
    }

    /// There is nothing to train.
    func noDependence(of objective: Tensor) -> GraphError {
        GraphError(
            operation: "train",
            message:
                "the loss depends on none of the \(model.parameters.count) parameters of \(type(of: model)): the pass does "
                + "not read them, or only behind stoppingGradient or what has no gradient",
            operands: [objective.type], location: objective.node.location)
    }

    private func unknown(
        _ variables: [Variable], _ does: String, _ purpose: String, _ location: SourceLocation?
    ) -> GraphError {
        let names = variables.map { "“\($0.name)” \($0.type)" }.joined(separator: ", ")
        return GraphError(
            operation: "train",
            message:
                "the pass \(does) \(names), which \(type(of: model)) does not have among its variables, so that nothing "
                + "would \(purpose) them: keep them in stored properties, name them in `members`, or make them with "
                + "isTrainable: false where they are not to be trained",
            location: location)
    }
}
