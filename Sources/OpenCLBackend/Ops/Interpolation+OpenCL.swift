import Execution
import TensorGraph

// `Kernels/interpolation/interpolate.cl`.
extension OpenCLLowering {
    package func interpolation(_ attributes: AxisInterpolation) throws -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let axes = operands[0].shape.dimensions
        let (extent, count) = attributes.extents
        let outer = axes[..<attributes.axis].reduce(1, *)
        let inner = axes[(attributes.axis + 1)...].reduce(1, *)
        let width = profile.style == .cpu ? profile.vectorWidth : 1
        func kernel(_ name: String, _ files: [String] = []) -> KernelSpecification {
            KernelSpecification(
                name, files: KernelSpecification.vectorFiles + files + ["interpolation/interpolate.cl"],
                defines: ["VECTOR_WIDTH": "\(width)", "STORAGE": operands[0].dtype.rawValue])
        }
        let tensors = operands.indices.map(KernelArgument.operand) + [.result(0)]
        guard profile.style == .cpu else {
            let local = min(64, profile.maximumWorkGroupSize)
            let launch = KernelLaunch(
                kernel("interpolate_elements"), tensors + [outer, extent, count, inner].map { .uint32(UInt32($0)) },
                globalSize: [results[0].shape.elementCount.dividedRoundingUp(by: local) * local], localSize: [local])
            return launches([launch], "interpolation, a work-item an element")
        }
        guard inner == 1 else {
            let partition = RowPartition(rows: outer * count, length: inner, computeUnits: profile.computeUnits)
            let sizes = [outer, extent, count, inner, partition.segment, partition.segments, partition.share]
            let launch = KernelLaunch(
                kernel("interpolate_slices"), tensors + sizes.map { .uint64(UInt64($0)) }, items: partition.items)
            return launches([launch], "interpolation of slices")
        }
        // Several pieces a core, which long rows are cut into where there are few.
        let (groups, wanted) = (outer.dividedRoundingUp(by: width), 8 * profile.computeUnits)
        let piece = max(64, count.dividedRoundingUp(by: wanted.dividedRoundingUp(by: groups)))
        let units = groups * count.dividedRoundingUp(by: piece)
        let share = units.dividedRoundingUp(by: wanted)
        let launch = KernelLaunch(
            kernel("interpolate_rows", KernelSpecification.transposeFiles),
            tensors + .int32s(outer, extent, count, piece, share), items: units.dividedRoundingUp(by: share))
        return launches([launch], "interpolation of \(width) rows side by side")
    }
}
