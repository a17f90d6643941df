import Execution
import TensorGraph

extension OpenCLLowering {
    /// The work of a convolution over one or three axes: the planes that it reads gathered into workspaces
    /// (`convolution/planes.cl`), the convolution over two axes of those, and its planes put where they belong.
    func planar(_ planar: PlanarConvolution) throws -> Lowering {
        let gathered = planar.operands.indices.filter { planar.operands[$0] != nil }
        let inner = OpenCLLowering(node: planar.node, profile: profile, steady: steady.subtracting(gathered))
        let lowering = try planar.node.op.accept(inner)
        guard case .accepted(let accepted) = lowering, var lowered = accepted as? OpenCLNode else { return lowering }

        func relocation(_ gather: PlaneGather, of tensor: KernelArgument, _ type: TensorType) -> OpenCLNode.Relocation {
            .init(tensor: tensor, byteCount: 4 * type.shape.elementCount) { launch(gather, from: $0, to: $1) }
        }
        let operands = planar.operands.enumerated().compactMap { index, gather in
            gather.map { relocation($0, of: .operand(index), planar.node.operandTypes[index]) }
        }
        let results = planar.result.map { [relocation($0, of: .result(0), planar.node.resultTypes[0])] } ?? []
        try lowered.relocate(operands: operands, results: results)
        if !(operands + results).isEmpty { lowered.summary += ", of gathered planes" }
        return .accepted(lowered)
    }

    private func launch(_ gather: PlaneGather, from source: KernelArgument, to target: KernelArgument) -> KernelLaunch {
        let isCPU = profile.style == .cpu
        let group = min(64, profile.maximumWorkGroupSize)
        let kernel = KernelSpecification(
            isCPU ? "gather_plane_runs" : "gather_planes", files: ["convolution/planes.cl"],
            defines: isCPU ? ["VECTOR_WIDTH": "\(profile.vectorWidth)"] : ["GROUP": "\(group)"])
        let arguments: [KernelArgument] =
            [source, target, .uint64(UInt64(gather.targetPlanes))]
            + .int32s(
                gather.channels, gather.source, gather.output, gather.taps, gather.stride, gather.base, gather.step,
                gather.divisor, gather.plane)
        if isCPU {
            return KernelLaunch(
                kernel, arguments, items: min(gather.targetPlanes, 8 * max(profile.computeUnits, 1)))
        }
        let count = gather.targetPlanes * gather.plane
        return KernelLaunch(
            kernel, arguments, globalSize: [count.dividedRoundingUp(by: group) * group], localSize: [group])
    }
}
