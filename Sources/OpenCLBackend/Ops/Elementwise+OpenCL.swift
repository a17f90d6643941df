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

    private func single(_ function: ElementwiseProgram.Function) -> Lowering {
        let program = ElementwiseProgram(
            single: function, operandCount: operands.count, dtype: results[0].dtype)
        return generated(program, "elementwise \(node.op.name)")
    }

    /// The generated kernel of a program; without instructions, it repeats its operand as it broadcasts.
    func generated(_ program: ElementwiseProgram, _ summary: String) -> Lowering {
        let source = ElementwiseSource(program, operands: operands, result: results[0], profile: profile)
        if let refusal = source.refusal { return .declined(refusal) }
        return launches([source.launch()], summary)
    }
}
