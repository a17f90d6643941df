import TensorGraph

/// A tensor of the reference: every element, whatever its type, as a float64.
package struct ReferenceTensor {
    package var type: TensorType
    /// Row-major.
    package var elements: [Double]

    package var shape: Shape { type.shape }

    package init(_ type: TensorType, _ elements: [Double]) {
        self.type = type
        self.elements = elements
    }
}

/// What is wrong with how a graph was given to the reference.
package struct ReferenceError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The living definition of every operation: the formulas of `TensorGraph/Ops/` written down as plain loops over
/// float64, slow and without rounding, and independent of every backend.
///
/// One instance computes one node. The methods are beside each other by family, as in `TensorGraph/Ops/`.
package struct Reference: OpVisitor {
    let operands: [ReferenceTensor]
    let resultTypes: [TensorType]
    let inputs: [String: [Double]]
    let variables: [Variable: [Double]]

    /// The values of `outputs`, computing only the nodes that they need.
    ///
    /// - Parameters:
    ///   - inputs: the elements of every input that `outputs` need, by name.
    ///   - variables: the current values of variables; one that is left out has its initial value.
    package static func evaluate(
        _ outputs: [Tensor], inputs: [String: [Double]] = [:], variables: [Variable: [Double]] = [:]
    ) throws -> [[Double]] {
        guard let graph = outputs.first?.graph else { return [] }
        var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
        for output in outputs { isNeeded[output.value.node] = true }
        for index in graph.nodes.indices.reversed() where isNeeded[index] {
            for operand in graph.nodes[index].operands { isNeeded[operand.node] = true }
        }
        var results = [[ReferenceTensor]](repeating: [], count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() where isNeeded[index] {
            let reference = Reference(
                operands: node.operands.map { results[$0.node][$0.result] }, resultTypes: node.resultTypes,
                inputs: inputs, variables: variables)
            let values = try node.op.accept(reference)
            guard values.map(\.count) == node.resultTypes.map(\.shape.elementCount) else {
                throw ReferenceError(
                    "\(node.op.name): \(values.map(\.count)) elements do not fill \(node.resultTypes)")
            }
            results[index] = zip(node.resultTypes, values).map { ReferenceTensor($0, $1) }
        }
        return outputs.map { results[$0.value.node][$0.value.result].elements }
    }

    /// The results of one node, that is no input, from its operands' elements.
    package static func results(of node: Node, operands: [[Double]]) throws -> [[Double]] {
        let operands = zip(node.operandTypes, operands).map { ReferenceTensor($0, $1) }
        return try node.op.accept(
            Reference(operands: operands, resultTypes: node.resultTypes, inputs: [:], variables: [:]))
    }

    /// The elements of operand `index`.
    func elements(_ index: Int) -> [Double] { operands[index].elements }

    /// The shape of operand `index`.
    func shape(_ index: Int) -> Shape { operands[index].shape }
}

extension Shape {
    /// Every index tuple in row-major order.
    package var indices: [[Int]] {
        var result: [[Int]] = []
        result.reserveCapacity(elementCount)
        var index = [Int](repeating: 0, count: rank)
        for _ in 0..<elementCount {
            result.append(index)
            var axis = rank - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < dimensions[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
        return result
    }

    /// Where in row-major order the element at `index` lies.
    package func offset(_ index: [Int]) -> Int {
        zip(index, dimensions).reduce(0) { $0 * $1.1 + $1.0 }
    }

    /// For each element of `result`, in row-major order, the offset of the element of this shape that broadcasts there.
    package func broadcastOffsets(to result: Shape) -> [Int] {
        if self == result { return Array(0..<elementCount) }
        let missing = result.rank - rank
        return result.indices.map { index in
            offset((0..<rank).map { dimensions[$0] == 1 ? 0 : index[$0 + missing] })
        }
    }
}
