import Execution
import TensorGraph

// `Kernels/scan/scan.cl`: long axes are cut into chunks, which takes a launch more.
extension OpenCLLowering {
    package func scan(_ attributes: Scan) throws -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (outer, count, inner) = attributes.extents(operands[0].shape)
        let isCPU = profile.style == .cpu
        // On a CPU a line of its own for each lane of a vector, where there is work for so many.
        let byLines = isCPU && inner == 1 && outer * max(1, count / 64) >= profile.vectorWidth
        let width = isCPU && (inner > 1 || byLines) ? profile.vectorWidth : 1
        let vectors = inner.dividedRoundingUp(by: width)
        let byRows = !isCPU && inner == 1
        var group = 1
        if !isCPU { while group < min(byRows ? 256 : 64, profile.maximumWorkGroupSize) { group *= 2 } }
        // As many chunks as keep every core busy, of a few thousand elements of a vector at least.
        let wanted =
            isCPU ? 2 * profile.computeUnits * (byLines ? width : 1) : 16 * profile.computeUnits * (byRows ? 1 : group)
        let perLine = wanted.dividedRoundingUp(by: outer * vectors)
        let chunks = max(1, min(perLine, count * (byLines ? 1 : width) / (byLines ? 64 : 2048), count, 128))
        let chunk = count.dividedRoundingUp(by: chunks)
        let parts = count.dividedRoundingUp(by: chunk)
        let function =
            switch attributes.function {
            case .sum: "0"
            case .product: "1"
            case .recurrence: "2"
            }
        var kernel = KernelSpecification(
            byRows ? "scan_rows" : byLines ? "scan_lines" : "scan_columns",
            files: KernelSpecification.vectorFiles + ["scan/scan.cl"],
            defines: [
                "VECTOR_WIDTH": "\(width)", "GROUP": "\(group)", "SCAN": function,
                "STORAGE": operands[0].dtype.rawValue,
            ])
        let tensors = operands.indices.map(KernelArgument.operand)
        let globalSize: Int
        var sizes: [KernelArgument] = .int32s(outer, count)
        if byRows {
            globalSize = outer * parts * group
            sizes += .int32s(chunk, parts)
        } else {
            let units = byLines ? (outer * parts).dividedRoundingUp(by: width) : outer * parts * vectors
            let share = isCPU ? units.dividedRoundingUp(by: min(units, 8 * profile.computeUnits)) : 1
            globalSize = units.dividedRoundingUp(by: share).dividedRoundingUp(by: group) * group
            sizes += byLines ? .int32s(chunk, parts, share) : .int32s(inner, chunk, parts, share)
        }
        sizes += .int32s(attributes.isExclusive ? 1 : 0, attributes.isReversed ? 1 : 0)
        func launch(_ arguments: [KernelArgument]) -> KernelLaunch {
            KernelLaunch(kernel, arguments, globalSize: [globalSize], localSize: [group])
        }
        var result: [KernelLaunch] = []
        if parts > 1 {
            kernel.defines["TOTALS"] = "1"
            result.append(launch(tensors + [.workspace(0)] + sizes))
            kernel.defines["TOTALS"] = nil
        }
        // Of one chunk there are no totals, and none are read.
        result.append(launch(tensors + [.result(0), .workspace(0)] + sizes))
        return launches(
            result, workspaces: [parts > 1 ? 8 * outer * parts * inner : 8],
            "\(attributes.function.rawValue) along \(byRows ? "rows" : byLines ? "lines" : "columns")"
                + (parts > 1 ? ", \(parts) chunks" : ""))
    }
}
