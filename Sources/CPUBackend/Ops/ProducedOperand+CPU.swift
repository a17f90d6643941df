import TensorGraph

extension CPULowering {
    /// Reductions evaluate the program a panel at a time; for others it is done before them.
    func producedOperand(_ attributes: ProducedOperand) throws -> CPUKernel {
        let produced = attributes.produced(node.operandTypes)
        if case .reduce(let reduce) = attributes.op {
            return self.reduce(reduce, produced.shape, of: attributes.program)
        }
        // A program in 16 bits rounds as it does by itself, and the operation takes it in the type that it is done in.
        let program = attributes.program.converted(to: produced.dtype)
        let first = try CPULowering(
            node: Node(
                op: .elementwise(program), operands: [],
                operandTypes: Array(node.operandTypes[attributes.programOperands]), resultTypes: [produced],
                location: node.location)
        ).elementwise(program)
        var inner = node
        inner.op = attributes.op
        inner.operandTypes = attributes.operands(node.operandTypes)
        let second = try inner.op.accept(CPULowering(node: inner))
        let (firsts, seconds) = (first.workspaces.count, second.workspaces.count)
        return CPUKernel(
            "\(second.summary), of \(first.summary)", accuracy: second.accuracy,
            workspaces: first.workspaces + second.workspaces + [produced.byteCount]
        ) { places in
            let room = places.workspaces[firsts + seconds]
            first.run(
                Places(
                    operands: Array(places.operands[attributes.programOperands]), results: [room],
                    workspaces: Array(places.workspaces[..<firsts])))
            var operands = places.operands
            operands.replaceSubrange(attributes.programOperands, with: [UnsafeRawPointer(room)])
            second.run(
                Places(
                    operands: operands, results: places.results,
                    workspaces: Array(places.workspaces[firsts..<(firsts + seconds)])))
        }
    }
}
