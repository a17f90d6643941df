import Execution
import TensorGraph

// `Kernels/sort/sort.cl`: runs, then merges of pairs of them, then what they say.
extension OpenCLLowering {
    package func sort(_ attributes: Sort) throws -> Lowering {
        let dtype = operands[0].dtype
        // An element and its place are one number of 64 bits.
        if dtype.byteCount > 4 { return .declined("\(dtype) is not sorted on OpenCL") }
        let (rows, n) = rowsAndColumns(operands[0].shape)
        let isCPU = profile.style == .cpu
        let kind =
            switch dtype {
            case .float32, .float64: "1"
            case .float16: "2"
            case .bfloat16: "3"
            case .int8, .int16, .int32, .int64: "0"
            case .uint8, .uint16, .uint32, .uint64, .bool: "4"
            }
        let element = dtype.isFloatingPoint ? [:] : ["T": dtype.memoryType]
        func kernel(_ name: String, _ defines: [String: String] = [:]) -> KernelSpecification {
            KernelSpecification(
                name, files: ["sort/sort.cl"], defines: ["KIND": kind].merging(element) { $1 }.merging(defines) { $1 })
        }
        func numbers(_ values: Int...) -> [KernelArgument] { values.map { .uint64(UInt64($0)) } }
        /// A launch over so many elements.
        func each(_ name: String, _ arguments: [KernelArgument], _ count: Int) -> KernelLaunch {
            let local = isCPU ? 1 : min(64, profile.maximumWorkGroupSize)
            let share = isCPU ? count.dividedRoundingUp(by: min(count, 8 * profile.computeUnits)) : 1
            let items = count.dividedRoundingUp(by: share).dividedRoundingUp(by: local) * local
            return KernelLaunch(
                kernel(name), arguments + numbers(share), globalSize: [items], localSize: [local])
        }
        let descending = KernelArgument.int32(attributes.isDescending ? 1 : 0)
        var result: [KernelLaunch] = []
        var run: Int
        if isCPU {
            // Rows are cut only where there are fewer than cores.
            let wanted = min((2 * profile.computeUnits).dividedRoundingUp(by: rows), n / 1024)
            run = n.dividedRoundingUp(by: max(wanted, 1))
            let runs = n.dividedRoundingUp(by: run)
            // What is merged must be sorted whole.
            let kept = runs == 1 ? attributes.count : run
            let share = (rows * runs).dividedRoundingUp(by: min(rows * runs, 8 * profile.computeUnits))
            result.append(
                KernelLaunch(
                    kernel("sort_runs_serial"),
                    [.operand(0), .workspace(0), .workspace(1)] + numbers(rows, n, run, runs, share, kept) + [
                        descending
                    ],
                    items: (rows * runs).dividedRoundingUp(by: share)))
        } else {
            var group = 1
            while group < min(256, profile.maximumWorkGroupSize), 16 * group < profile.localMemory / 4 { group *= 2 }
            run = 2 * group
            let runs = n.dividedRoundingUp(by: run)
            result.append(
                KernelLaunch(
                    kernel("sort_runs_local", ["GROUP": "\(group)"]),
                    [.operand(0), .workspace(0)] + numbers(rows, n, runs) + [descending],
                    globalSize: [rows * runs * group], localSize: [group]))
        }
        var sorted = 0
        while run < n {
            let places: [KernelArgument] = [.workspace(sorted), .workspace(1 - sorted)]
            result.append(each("merge_runs", places + numbers(rows, n, run), rows * n))
            (run, sorted) = (2 * run, 1 - sorted)
        }
        result.append(
            each(
                "write_sorted",
                [.operand(0), .workspace(sorted), .result(0), .result(1)] + numbers(rows, n, attributes.count),
                rows * attributes.count))
        let byteCount = 8 * rows * n
        return launches(
            result, workspaces: isCPU || result.count > 2 ? [byteCount, byteCount] : [byteCount],
            "sort of rows, \(result.count - 2) merges")
    }
}
