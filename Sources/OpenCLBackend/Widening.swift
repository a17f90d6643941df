import Execution
import TensorGraph

extension OpenCLLowering {
    /// The node's work: by the operation's own method, or where that declines float16 or bfloat16, in float32 with
    /// conversions before and after.
    package func lowered() throws -> Lowering {
        let direct = try node.op.accept(self)
        guard case .declined = direct, (operands + results).contains(where: \.dtype.isHalf) else { return direct }
        return switch node.op.traits.halfTypes {
        case .converted: try widened()
        case .elementwise: direct
        }
    }

    /// Operands as float32 in workspaces, the node on those, and results back. The conversions are those of `cast`, which
    /// read float16 by `vload_half`, as core OpenCL has it, and bfloat16 by a shift.
    private func widened() throws -> Lowering {
        func wide(_ type: TensorType) -> TensorType { type.dtype.isHalf ? TensorType(type.shape, .float32) : type }
        var inner = node
        inner.operandTypes = operands.map(wide)
        inner.resultTypes = results.map(wide)
        let lowering = try node.op.accept(OpenCLLowering(node: inner, profile: profile))
        guard case .accepted(let accepted) = lowering, var lowered = accepted as? OpenCLNode else { return lowering }

        let before = operands.indices.filter { operands[$0].dtype.isHalf }.map { index in
            OpenCLNode.Relocation(tensor: .operand(index), byteCount: inner.operandTypes[index].byteCount) {
                try cast(operands[index], to: .float32, from: $0, to: $1)
            }
        }
        let after = results.indices.filter { results[$0].dtype.isHalf }.map { index in
            OpenCLNode.Relocation(tensor: .result(index), byteCount: inner.resultTypes[index].byteCount) {
                try cast(inner.resultTypes[index], to: results[index].dtype, from: $0, to: $1)
            }
        }
        try lowered.relocate(operands: before, results: after)
        lowered.summary += ", in float32"
        return .accepted(lowered)
    }

    private func cast(
        _ type: TensorType, to dtype: DType, from source: KernelArgument, to target: KernelArgument
    ) throws -> KernelLaunch {
        let node = Node(
            op: .cast(dtype), operands: [], operandTypes: [type], resultTypes: [TensorType(type.shape, dtype)],
            location: node.location)
        let lowering = try node.op.accept(OpenCLLowering(node: node, profile: profile))
        guard case .accepted(let accepted) = lowering, let lowered = accepted as? OpenCLNode,
            var launch = lowered.launches.first, lowered.launches.count == 1
        else { throw GraphError(operation: "cast", message: "has no kernel of its own", operands: [type]) }
        launch.arguments = launch.arguments.map { $0 == .operand(0) ? source : $0 == .result(0) ? target : $0 }
        return launch
    }
}
