extension Computation {
    /// Bias and activation moved into the epilogues of products, chains of elementwise functions made one operation, and
    /// those that only a reduction reads made part of it.
    package func fused() -> Computation {
        withEpilogues().withoutDeadNodes().withElementwiseChains().withoutDeadNodes()
            .withReducedChains().withoutDeadNodes()
    }

    // MARK: Epilogues

    /// `activation(a · b + bias)` as one node, where nothing else reads what lies between.
    ///
    /// An epilogue rounds once, at its end. Results of 16 bits are rounded after each operation, fused or not, so that those
    /// products take only what changes no bits: max(x, 0).
    private func withEpilogues() -> Computation {
        let uses = useCounts
        /// How often the value that stands for `value` in the new list is read.
        var usesOfNew: [Value: Int] = [:]
        return rewritten { index, node, list in
            var made = node
            switch node.op {
            case .binary(.add):
                for (product, bias) in [(0, 1), (1, 0)] {
                    let producer = list[node.operands[product].node]
                    guard usesOfNew[node.operands[product]] == 1,
                        let merged = producer.addingBias(node.operands[bias], list, result: node.resultTypes[0])
                    else { continue }
                    made = merged
                    break
                }
            case .unary(let function) where UnaryFunction.epilogues.contains(function):
                let producer = list[node.operands[0].node]
                if usesOfNew[node.operands[0]] == 1, let merged = producer.addingActivation(function) { made = merged }
            default: break
            }
            let results = list.append(results: made)
            for (result, value) in results.enumerated() {
                usesOfNew[value] = uses[Value(node: index, result: result)] ?? 0
            }
            return results
        }
    }

    // MARK: Elementwise chains

    /// Longest program, and most operands, that one kernel is made of.
    private static let instructionLimit = 48
    private static let operandLimit = 12

    /// Each elementwise node takes in those of its operands that only it reads and that have its shape, and the numbers
    /// among its operands.
    private func withElementwiseChains() -> Computation {
        let uses = useCounts
        var usesOfNew: [Value: Int] = [:]
        return rewritten { index, node, list in
            var made = node
            if let program = node.elementwiseProgram {
                made = merged(node, program, list) { value in
                    usesOfNew[value] == node.operands.count { $0 == value }
                }
            }
            let results = list.append(results: made)
            for (result, value) in results.enumerated() {
                usesOfNew[value] = uses[Value(node: index, result: result)] ?? 0
            }
            return results
        }
    }

    /// A node with what it can take in of its operands, or itself where there is nothing.
    private func merged(
        _ node: Node, _ program: ElementwiseProgram, _ list: [Node], isOwn: (Value) -> Bool
    ) -> Node {
        var operands: [Value] = []
        var instructions: [ElementwiseProgram.Instruction] = []
        /// What each operand of `node` has become.
        var arguments: [ElementwiseProgram.Argument] = []
        func operand(_ value: Value) -> ElementwiseProgram.Argument {
            if let known = operands.firstIndex(of: value) { return .operand(known) }
            operands.append(value)
            return .operand(operands.count - 1)
        }
        let shape = node.resultTypes[0].shape
        var hasMerged = false
        var taken: [Value: ElementwiseProgram.Argument] = [:]
        for value in node.operands {
            let producer = list[value.node]
            if let known = taken[value] {
                arguments.append(known)
            } else if let number = list.number(value) {
                arguments.append(.constant(number))
                hasMerged = true
            } else if producer.resultTypes[0].shape == shape, isOwn(value), let inner = producer.elementwiseProgram,
                instructions.count + inner.instructions.count + program.instructions.count <= Self.instructionLimit,
                operands.count + producer.operands.count + node.operands.count <= Self.operandLimit
            {
                let outer = producer.operands.map { value in list.number(value).map { .constant($0) } ?? operand(value)
                }
                instructions.append(inner, operands: outer)
                taken[value] = .instruction(instructions.count - 1)
                arguments.append(.instruction(instructions.count - 1))
                hasMerged = true
            } else {
                arguments.append(operand(value))
            }
        }
        guard hasMerged else { return node }
        instructions.append(program, operands: arguments)
        // What is left must still broadcast to the result's shape, or the result would shrink.
        let rest = operands.map { list.type($0).shape }
        guard let first = rest.first,
            rest.dropFirst().reduce(first, { $0.broadcast(with: $1) ?? $0 }) == shape
        else { return node }
        return Node(
            op: .elementwise(ElementwiseProgram(instructions)), operands: operands,
            operandTypes: operands.map { list.type($0) }, resultTypes: node.resultTypes, location: node.location)
    }

    // MARK: Reductions

    /// Each reduction evaluates the elementwise program that makes its operand, where nothing else reads that.
    private func withReducedChains() -> Computation {
        let uses = useCounts
        return rewritten { index, node, list in
            let isOnlyReader = nodes[index].operands.first.map { uses[$0] == 1 } ?? false
            return list.append(results: isOnlyReader ? node.reducing(list) ?? node : node)
        }
    }
}

extension [ElementwiseProgram.Instruction] {
    /// Appends a program whose operands stand elsewhere now.
    fileprivate mutating func append(_ program: ElementwiseProgram, operands: [ElementwiseProgram.Argument]) {
        let start = count
        for instruction in program.instructions {
            var instruction = instruction
            instruction.arguments = instruction.arguments.map { argument in
                switch argument {
                case .operand(let index): operands[index]
                case .instruction(let index): .instruction(start + index)
                case .constant: argument
                }
            }
            append(instruction)
        }
    }
}

extension Node {
    /// This reduction of the program that its operand is, where it can read all of that program's operands as they are.
    fileprivate func reducing(_ list: [Node]) -> Node? {
        guard case .reduce(var reduce) = op, reduce.producer == nil else { return nil }
        let producer = list[operands[0].node]
        let dtype = resultTypes[0].dtype
        guard let program = producer.elementwiseProgram, [.float32, .float64].contains(dtype),
            producer.operandTypes.allSatisfy({ $0.dtype == dtype && reduce.reads($0.shape, of: operandTypes[0].shape) }
            ),
            program.instructions.allSatisfy({ $0.dtype == dtype })
        else { return nil }
        reduce.producer = program
        return Node(
            op: .reduce(reduce), operands: producer.operands, operandTypes: producer.operandTypes,
            resultTypes: resultTypes, location: location)
    }

    /// This product with a bias in its epilogue, where the bias runs along the last axis and there is none yet.
    fileprivate func addingBias(_ bias: Value, _ list: [Node], result: TensorType) -> Node? {
        guard case .matMul(let attributes) = op, operands.count == 2, attributes.activation == nil,
            result == resultTypes[0], !result.dtype.isHalf,
            list.type(bias).shape == [result.shape[result.shape.rank - 1]]
        else { return nil }
        var node = self
        node.operands.append(bias)
        node.operandTypes.append(list.type(bias))
        return node
    }

    /// This product with an activation in its epilogue, where there is none yet.
    fileprivate func addingActivation(_ function: UnaryFunction) -> Node? {
        guard function == .relu || !resultTypes[0].dtype.isHalf else { return nil }
        var node = self
        switch op {
        case .matMul(var attributes) where attributes.activation == nil:
            attributes.activation = function
            node.op = .matMul(attributes)
        case .convolution(var attributes) where attributes.activation == nil && attributes.pass == .forward:
            attributes.activation = function
            node.op = .convolution(attributes)
        default: return nil
        }
        return node
    }
}
