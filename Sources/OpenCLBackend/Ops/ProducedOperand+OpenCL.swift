import Execution
import TensorGraph

extension OpenCLLowering {
    /// The operation's own launches, of kernels that read the program's elements.
    package func producedOperand(_ attributes: ProducedOperand) throws -> Lowering {
        let source = ProducedSource(attributes, operands: operands)
        if let refusal = source.refusal { return .declined(refusal) }
        var inner = node
        inner.op = attributes.op
        inner.operandTypes = attributes.operands(operands)
        let lowering = try inner.op.accept(OpenCLLowering(node: inner, profile: profile, source: source))
        guard case .accepted(let accepted) = lowering, var lowered = accepted as? OpenCLNode else { return lowering }
        for index in lowered.launches.indices {
            let launch = lowered.launches[index]
            guard ProducedSource.isRead(by: launch.kernel) || !launch.arguments.contains(.operand(source.place)) else {
                return .declined("\(launch.kernel.name) reads no program")
            }
            lowered.launches[index].arguments = source.arguments(launch.arguments)
        }
        lowered.summary += " of \(attributes.program.instructions.count) elementwise instructions"
        return .accepted(lowered)
    }

    /// What kernels read in the place of an operand, where a program makes that.
    func source(at operand: Int) -> ProducedSource? { source?.place == operand ? source : nil }
}
