import Execution
import TensorGraph

// Every function and every chain of them is one kernel, written by ``ElementwiseSource``.
extension OpenCLLowering {
    package func unary(_ function: UnaryFunction) throws -> Lowering { single(.unary(function)) }
    package func binary(_ function: BinaryFunction) throws -> Lowering { single(.binary(function)) }
    package func select() throws -> Lowering { single(.select) }
    package func cast(_ dtype: DType) throws -> Lowering { single(.cast(dtype)) }

    package func elementwise(_ program: ElementwiseProgram) throws -> Lowering {
        generated(program, "elementwise, \(program.instructions.count) instructions")
    }

    package func elementwiseGroup(_ group: ElementwiseGroup) throws -> Lowering {
        let first = group.operands(of: 0).map { operands[$0].dtype }
        let source = ElementwiseGroupSource(
            group, operands: first, results: group.results(of: 0).map { results[$0].dtype }, profile: profile)
        if let refusal = source.refusal { return .declined(refusal) }
        let counts = (0..<group.members).map { results[group.results(of: $0).lowerBound].shape.elementCount }
        let (globalSize, localSize) = vectorItems(counts)
        return launches(
            [source.launch(counts, globalSize: globalSize, localSize: localSize)],
            "\(group.members) times elementwise, \(group.program.instructions.count) instructions")
    }

    private func single(_ function: ElementwiseProgram.Function) -> Lowering {
        let program = ElementwiseProgram(
            single: function, operandCount: operands.count, dtype: results[0].dtype)
        return generated(program, "elementwise \(node.op.name)")
    }

    /// The generated kernel of a program; without instructions, it repeats its operand as it broadcasts.
    func generated(_ program: ElementwiseProgram, _ summary: String) -> Lowering {
        let source = ElementwiseSource(program, operands: operands, results: results, profile: profile)
        if let refusal = source.refusal { return .declined(refusal) }
        return launches([source.launch()], summary)
    }
}
