import Execution
import TensorGraph

// `Kernels/reduction/integers.cl`. Two launches where there are few results of many elements each.
extension OpenCLLowering {
    /// The reduction of a tensor of integers or of `bool`, or the reason to decline.
    func reduceIntegers(_ attributes: Reduce) -> Lowering {
        let (from, to) = (operands[0].dtype, results[0].dtype)
        guard from != .uint64 else { return .declined("\(from) is not done on OpenCL for \(node.op.name)") }
        let (outer, reduced, inner) = attributes.extents(operands[0].shape)
        let items = profile.computeUnits * (profile.style == .cpu ? 8 : 2048)
        let splits = max(1, min(items / max(outer * inner, 1), reduced / 512))
        let share = reduced.dividedRoundingUp(by: splits)
        let whole = [outer, reduced, inner].map { KernelArgument.uint64(UInt64($0)) }
        guard splits > 1 else {
            return launches(
                [integers(from, to, attributes, .operand(0), .result(0), whole, splits: 1, share: reduced)],
                "of \(from)")
        }
        let partial = KernelArgument.workspace(0, elementSize: to.byteCount)
        let parts = [outer, splits, inner].map { KernelArgument.uint64(UInt64($0)) }
        return launches(
            [
                integers(from, to, attributes, .operand(0), partial, whole, splits: splits, share: share),
                integers(to, to, attributes, partial, .result(0), parts, splits: 1, share: splits),
            ],
            workspaces: [outer * splits * inner * to.byteCount], "of \(from), \(splits) splits")
    }

    private func integers(
        _ from: DType, _ to: DType, _ attributes: Reduce, _ source: KernelArgument, _ target: KernelArgument,
        _ extents: [KernelArgument], splits: Int, share: Int
    ) -> KernelLaunch {
        // As text: not every number of 64 bits is a Double.
        let (least, greatest) = to.limits
        let (function, start) =
            switch attributes.function {
            case .sum, .mean: ("0", "0")
            case .product: ("1", "1")
            case .minimum: ("2", greatest)
            case .maximum: ("3", least)
            }
        let kernel = KernelSpecification(
            "reduce_integers", files: ["reduction/integers.cl"],
            defines: ["T": from.memoryType, "R": to.memoryType, "FUNCTION": function, "START": "(\(start))"])
        let local = profile.style == .cpu ? 1 : min(64, profile.maximumWorkGroupSize)
        let places = results[0].shape.elementCount * splits
        let groups = min(places.dividedRoundingUp(by: local), profile.computeUnits * (profile.style == .cpu ? 8 : 32))
        return KernelLaunch(
            kernel, [source, target] + extents + [.uint64(UInt64(splits)), .uint64(UInt64(share))],
            globalSize: [max(groups, 1) * local], localSize: [local])
    }
}

extension DType {
    /// The least and the greatest number of an integer type, as OpenCL C writes them.
    fileprivate var limits: (least: String, greatest: String) {
        switch self {
        case .int8: ("-128", "127")
        case .int16: ("-32768", "32767")
        case .int32: ("INT_MIN", "INT_MAX")
        case .int64: ("LONG_MIN", "LONG_MAX")
        case .uint8: ("0", "255")
        case .uint16: ("0", "65535")
        case .uint32: ("0", "UINT_MAX")
        case .uint64: ("0", "ULONG_MAX")
        case .bool: ("0", "1")
        case .float16, .bfloat16, .float32, .float64: ("-INFINITY", "INFINITY")
        }
    }
}
