/// What flows back through an operation: from the cotangents of its results to those of its operands, as more nodes of
/// the same graph. The rule of each operation is beside its meaning in `Ops/`; `nil` means no gradient.
package struct GradientRule: OpVisitor {
    package let graph: Graph
    package let operands: [Tensor]
    package let results: [Tensor]
    /// One for each result; `nil` where nothing depends on it.
    package let cotangents: [Tensor?]
    /// For each operand, whether anybody asks for its cotangent.
    package let isWanted: [Bool]

    /// The cotangent of the first result.
    func cotangent() throws -> Tensor {
        guard let first = cotangents[0] else { throw noGradient() }
        return first
    }

    func noGradient() -> ShapeError { ShapeError("has no gradient rule; stop the gradient before it") }

    func requireNoCotangent(_ result: Int, _ meaning: String) throws {
        if cotangents[result] != nil { throw ShapeError("no gradient flows through \(meaning)") }
    }

    func requireUnfused(_ activation: UnaryFunction?) throws {
        if activation != nil { throw ShapeError("take gradients before fusing") }
    }
}

extension Graph {
    /// Adds the backward pass: the gradient of `output` with respect to each of `inputs`.
    ///
    /// - Parameters:
    ///   - inputs: tensors that `output` was computed from, the very ones; variables and inputs of the graph are one tensor
    ///     however often they are read. One may stand here twice, and `output` itself may.
    ///   - cotangent: what `output`'s own gradient is taken to be, of its shape; 1, where left out, and then `output` must be
    ///     a scalar.
    ///   - allowsUnused: whether an input that `output` does not depend on gets zeros; otherwise it is an error, as such a
    ///     gradient was most likely meant to be of another tensor. PyTorch's `allow_unused` with `materialize_grads`.
    /// - Returns: for each input a tensor of its shape and type.
    /// - Throws: ``GraphError`` where `output` is no scalar and has no cotangent, does not depend on an input, an input is of
    ///   an integer type or of another graph, or an operation on the way has no gradient rule.
    public func gradients(
        of output: Tensor, withRespectTo inputs: [Tensor], cotangent: Tensor? = nil, allowsUnused: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> [Tensor] {
        let found = try gradientsWhereAny(
            of: output, withRespectTo: inputs, cotangent: cotangent, file: file, line: line)
        var gradients: [Tensor] = []
        for (index, (input, gradient)) in zip(inputs, found).enumerated() {
            if let gradient {
                gradients.append(gradient)
            } else if allowsUnused {
                gradients.append(try fill(0, input.shape, input.dtype, file: file, line: line))
            } else {
                throw failure(
                    "gradients",
                    "no gradient flows from \(output.title) to \(input.title), number \(index) of the tensors asked for: it "
                        + "was computed without this very tensor, or only through what has no gradient (a comparison, an "
                        + "integer, stoppingGradient); allowsUnused: true gives zeros",
                    [output, input], at: SourceLocation(file: file, line: line))
            }
        }
        return gradients
    }

    /// The same, with `nil` where `output` does not depend on an input.
    package func gradientsWhereAny(
        of output: Tensor, withRespectTo inputs: [Tensor], cotangent: Tensor? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> [Tensor?] {
        let location = SourceLocation(file: file, line: line)
        func failure(_ message: String, _ operands: [Tensor]) -> GraphError {
            self.failure("gradients", message, operands, at: location)
        }
        guard output.graph === self, inputs.allSatisfy({ $0.graph === self }) else {
            throw failure("a tensor belongs to another graph", [])
        }
        for tensor in [output] + inputs where !tensor.dtype.isFloatingPoint {
            throw failure("only floating-point tensors have gradients, not \(tensor.title)", [tensor])
        }
        if let cotangent {
            guard cotangent.graph === self, cotangent.type == output.type else {
                throw failure("the cotangent must be like the output", [output, cotangent])
            }
        } else if output.shape.elementCount != 1 || output.shape.rank != 0 {
            throw failure("a tensor that is no scalar needs a cotangent; sum or average it first", [output])
        }

        // The backward pass is computed in the types that the forward pass has come to.
        let outerAutocast = autocastType
        autocastType = nil
        defer { autocastType = outerAutocast }
        var rematerialization = Rematerialization(self)

        // Only nodes between the inputs and the output matter.
        let last = output.value.node
        var depends = [Bool](repeating: false, count: last + 1)
        for input in inputs where input.value.node <= last { depends[input.value.node] = true }
        for index in 0...last where nodes[index].operands.contains(where: { depends[$0.node] }) {
            if case .stopGradient = nodes[index].op { continue }
            depends[index] = true
        }

        var cotangents: [Value: Tensor] = [:]
        let seed: Tensor
        if let cotangent { seed = cotangent } else { seed = try fill(1, [], output.dtype, file: file, line: line) }
        cotangents[output.value] = seed
        let wanted = Set(inputs.map(\.value))
        for index in stride(from: last, through: 0, by: -1) where depends[index] {
            let node = nodes[index]
            let results = node.resultTypes.indices.map { tensor(Value(node: index, result: $0)) }
            let arriving = results.map { cotangents[$0.value] }
            guard arriving.contains(where: { $0 != nil }), node.operands.contains(where: { depends[$0.node] }) else {
                continue
            }
            let seen = rematerialization.view(from: index)
            let rule = GradientRule(
                graph: self, operands: node.operands.map { tensor(seen($0)) },
                results: results.map { tensor(seen($0.value)) },
                cotangents: arriving, isWanted: node.operands.map { depends[$0.node] })
            do {
                try at(node.location) {
                    for (operand, gradient) in zip(node.operands, try node.op.accept(rule)) {
                        guard let gradient, depends[operand.node] else { continue }
                        // What broadcasts when it is added up, or only when it is used, would not be noticed.
                        guard gradient.type == tensor(operand).type else {
                            throw ShapeError("its gradient is a \(gradient.type) and not like \(tensor(operand).type)")
                        }
                        cotangents[operand] = try cotangents[operand].map { try $0 + gradient } ?? gradient
                    }
                }
            } catch let error as GraphError {
                throw error
            } catch {
                throw GraphError(
                    operation: node.op.name, message: "\(error)", operands: node.operandTypes, location: node.location)
            }
            for result in results where !wanted.contains(result.value) { cotangents[result.value] = nil }
        }
        return inputs.map { cotangents[$0.value] }
    }
}

extension Tensor {
    /// What messages call it: the name of a variable or an input, else the operation that computes it.
    fileprivate var title: String {
        switch node.op.leaf {
        case .variable(let variable): "“\(variable.name)”"
        case .input(let input): "“\(input.name)”"
        case .constant, .fill, nil: "the result of \(node.op.name)" + (node.location.map { " at \($0)" } ?? "")
        }
    }
}
