extension Computation {
    /// Bias and activation moved into the epilogues of products, chains of elementwise functions made one operation, and
    /// those that only one operation reads, which can evaluate them as it does, made part of it.
    package func fused() -> Computation {
        withEpilogues().withoutDeadNodes().withElementwiseChains().withoutDeadNodes()
            .withProducedOperands().withoutDeadNodes()
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

    // MARK: Producers

    /// Each operation that can evaluates the elementwise program that makes its operand, where nothing else reads that.
    private func withProducedOperands() -> Computation {
        let uses = useCounts
        return rewritten { index, node, list in
            guard let (place, walk) = node.producible, uses[nodes[index].operands[place]] == 1 else {
                return list.append(results: node)
            }
            return list.append(results: node.evaluating(list, at: place, walk) ?? node)
        }
    }
}

extension Node {
    /// The operand that an elementwise program may make as this node reads it, and how it is gone through.
    ///
    /// There is one where each element is evaluated once, whatever the program costs: a reduction reads it once, and kernels of
    /// rows, which read theirs two or three times, evaluate a row into the result's, which has its type and shape, and read
    /// that while it is in cache. A backward pass that needs the operand too is another reader, so that it is there when
    /// no gradient is asked for, and the cotangent in the backward pass itself.
    ///
    /// Rows share out the work: where they are few and long, a kernel of the program's own has more items at work.
    var producible: (place: Int, walk: ProducedOperand.Walk)? {
        let found: (place: Int, walk: ProducedOperand.Walk)
        switch op {
        case .reduce(let reduce): return (0, ProducedOperand.Walk(first: reduce.first, count: reduce.count))
        case .softmax(let softmax): found = (softmax.pass == .forward ? 0 : 1, lastAxis)
        case .normalization(let normalization):
            let place = normalization.pass == .forward ? 0 : operands.count - 1
            switch normalization.statistics {
            case .layer, .rootMeanSquare: found = (place, lastAxis)
            case .group(let count): found = (place, ProducedOperand.Walk(groups: count))
            // A channel is too long for a cache.
            case .batch: return nil
            }
        default: return nil
        }
        let view = found.walk.view(operandTypes[found.place].shape)
        let rows = view.dimensions[..<found.walk.first].reduce(1, *)
        return rows >= 32 || view.elementCount <= 4096 ? found : nil
    }

    private var lastAxis: ProducedOperand.Walk {
        ProducedOperand.Walk(first: max(operandTypes[0].shape.rank - 1, 0), count: 1)
    }

    /// This node with the program that its operand is, where it can read all of that program's operands as they are.
    fileprivate func evaluating(_ list: [Node], at place: Int, _ walk: ProducedOperand.Walk) -> Node? {
        let producer = list[operands[place].node]
        let (shape, dtype) = (operandTypes[place].shape, operandTypes[place].dtype)
        guard let program = producer.elementwiseProgram, program.results.count == 1,
            dtype.isFloatingPoint, resultTypes[0].dtype == dtype,
            producer.operandTypes.allSatisfy({ $0.dtype == dtype && walk.reads($0.shape, of: shape) }),
            program.instructions.allSatisfy({ $0.dtype == dtype || $0.dtype == .bool }),
            // Each has a pointer, an offset, its strides and a size among a kernel's arguments, of which 1024 bytes are sure.
            producer.operands.count * (shape.rank + 4) <= 80
        else { return nil }
        let produced = ProducedOperand(
            of: op, at: place, program, operands: producer.operands.count, walk: walk)
        var node = self
        node.op = .producedOperand(produced)
        node.operands.replaceSubrange(place...place, with: producer.operands)
        node.operandTypes.replaceSubrange(place...place, with: producer.operandTypes)
        return node
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
