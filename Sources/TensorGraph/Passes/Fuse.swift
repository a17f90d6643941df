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

extension Node {
    /// This reduction of the program that its operand is, where it can read all of that program's operands as they are.
    fileprivate func reducing(_ list: [Node]) -> Node? {
        guard case .reduce(var reduce) = op, reduce.producer == nil else { return nil }
        let producer = list[operands[0].node]
        let dtype = resultTypes[0].dtype
        guard let program = producer.elementwiseProgram, program.results.count == 1,
            dtype.isFloatingPoint,
            producer.operandTypes.allSatisfy({ $0.dtype == dtype && reduce.reads($0.shape, of: operandTypes[0].shape) }
            ),
            program.instructions.allSatisfy({ $0.dtype == dtype || $0.dtype == .bool }),
            operandTypes[0].dtype == dtype
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
