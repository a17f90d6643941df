import Execution
import TensorGraph

extension OpenCLLowering {
    /// The node's work: by the operation's own method, or where that declines a product of float16 or bfloat16, in
    /// float32 with conversions before and after.
    package func lowered() throws -> Lowering {
        let direct = try node.op.accept(self)
        guard case .declined = direct, (operands + results).contains(where: \.dtype.isHalf) else { return direct }
        return switch node.op.traits.halfTypes {
        case .sumsInFloat32: try widened()
        case .elementwise, .converted: direct
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

        var places: [KernelArgument: KernelArgument] = [:]
        func workspace(for type: TensorType) -> KernelArgument {
            lowered.workspaces.append(4 * type.shape.elementCount)
            return .workspace(lowered.workspaces.count - 1)
        }
        var before: [KernelLaunch] = [], after: [KernelLaunch] = []
        for (index, type) in operands.enumerated() where type.dtype.isHalf {
            let place = workspace(for: type)
            places[.operand(index)] = place
            before.append(try cast(type, to: .float32, from: .operand(index), to: place))
        }
        for (index, type) in results.enumerated() where type.dtype.isHalf {
            let place = workspace(for: type)
            places[.result(index)] = place
            after.append(try cast(wide(type), to: type.dtype, from: place, to: .result(index)))
        }
        for index in lowered.launches.indices {
            lowered.launches[index].arguments = lowered.launches[index].arguments.map { places[$0] ?? $0 }
        }
        lowered.launches = before + lowered.launches + after
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
