import Execution
import TensorGraph

// `Kernels/indexing/`. Gathers move elements as the bits they are, of any size; sums are done of integers, of float32 and, in
// float32, of 16 bits.
extension OpenCLLowering {
    package func gather(_ attributes: Gather) throws -> Lowering {
        let extents = IndexedExtents(
            operands[0].shape, results[0].shape, indices: operands[1].shape, axis: attributes.axis, attributes.form)
        var defines = defines(results[0].dtype.word, indices: operands[1], attributes.form)
        defines["FILL"] = results[0].dtype.fill
        var arguments: [KernelArgument] = [.operand(0), .operand(1), .result(0)]
        arguments += extents.arguments
        let rows = extents.outer * extents.count
        guard profile.style == .cpu else {
            let local = min(256, profile.maximumWorkGroupSize)
            let groups = min(
                (rows * extents.inner).dividedRoundingUp(by: local), profile.computeUnits * 64)
            let kernel = KernelSpecification(
                "gather_elements", files: ["indexing/place.cl", "indexing/gather.cl"], defines: defines)
            return launches(
                [KernelLaunch(kernel, arguments, globalSize: [groups * local], localSize: [local])],
                "gather, by elements")
        }
        let partition = RowPartition(rows: rows, length: extents.inner, computeUnits: profile.computeUnits)
        arguments += [partition.segment, partition.segments, partition.share].map { .uint64(UInt64($0)) }
        let kernel = KernelSpecification(
            "gather_rows", files: ["indexing/place.cl", "indexing/gather.cl"], defines: defines)
        return launches([KernelLaunch(kernel, arguments, items: partition.items)], "gather, by rows")
    }

    package func scatter(_ attributes: Scatter) throws -> Lowering {
        let dtype = results[0].dtype
        let isAdding = attributes.mode == .add
        if isAdding, dtype == .float64 { return .declined("\(dtype) is not done on OpenCL for \(node.op.name)") }
        // Integers are added as words, which wrap around.
        let word = isAdding && dtype.isFloatingPoint ? "float" : dtype.word
        let extents = IndexedExtents(
            results[0].shape, operands[1].shape, indices: operands[0].shape, axis: attributes.axis, attributes.form)
        let isLong = isAdding && dtype.computed == .float32 && extents.count > Scatter.longSum
        let rounds = isAdding && dtype.isHalf
        let blocks = ScatterBlocks(extents, profile)
        var kernel = KernelSpecification(
            "scatter",
            files: (isLong || rounds ? KernelSpecification.vectorFiles : [])
                + ["indexing/place.cl", "indexing/scatter.cl"],
            defines: defines(word, indices: operands[0], attributes.form))
        kernel.defines["ADD"] = isAdding ? "1" : "0"
        if isLong { kernel.defines.merge(["LONG_SUMS": "1", "VECTOR_WIDTH": "1"]) { $1 } }
        if rounds {
            kernel.defines.merge(["ROUNDS": "1", "STORAGE": dtype.rawValue, "VECTOR_WIDTH": "1"]) { $1 }
        }
        var arguments: [KernelArgument] = [.operand(0), .operand(1)]
        if !isAdding { arguments.append(.operand(2)) }
        arguments.append(.result(0))
        let workspaces = (isLong ? 1 : 0) + (rounds ? 1 : 0)
        arguments += (0..<workspaces).map { .workspace($0) }
        arguments += extents.arguments + [.uint64(UInt64(blocks.columns)), .uint64(UInt64(blocks.rows))]
        let items = extents.outer * extents.inner.dividedRoundingUp(by: blocks.columns)
        let launch = KernelLaunch(
            kernel, arguments,
            globalSize: [
                items.dividedRoundingUp(by: blocks.local) * blocks.local,
                extents.extent.dividedRoundingUp(by: blocks.rows),
            ], localSize: [blocks.local, 1])
        return launches(
            [launch], workspaces: [Int](repeating: 4 * results[0].shape.elementCount, count: workspaces),
            "scatter, blocks of \(blocks.rows)×\(blocks.columns)")
    }

    private func defines(_ word: String, indices: TensorType, _ form: IndexForm) -> [String: String] {
        [
            "T": word, "INDEX": indices.dtype == .int64 ? "long" : "int", "ELEMENTS": form == .elements ? "1" : "0",
        ]
    }
}

extension IndexedExtents {
    fileprivate var arguments: [KernelArgument] { [outer, extent, count, inner].map { .uint64(UInt64($0)) } }
}

/// The block of each matrix of a scatter's result that a work-item owns.
private struct ScatterBlocks {
    var columns: Int
    var rows: Int
    var local: Int

    init(_ extents: IndexedExtents, _ profile: DeviceProfile) {
        let lines = extents.outer * extents.inner
        switch profile.style {
        case .cpu:
            let wanted = max(1, min(profile.computeUnits * 4, lines * extents.count / 4096))
            let perMatrix = wanted.dividedRoundingUp(by: extents.outer)
            // At least a line of cache, so that no two cores write to one.
            columns = min(extents.inner, max(16, extents.inner.dividedRoundingUp(by: perMatrix)))
            local = 1
            let blocks = wanted.dividedRoundingUp(by: extents.outer * extents.inner.dividedRoundingUp(by: columns))
            rows = extents.extent.dividedRoundingUp(by: blocks)
        case .gpu:
            columns = 1
            var size = 1
            while size < lines, size < min(64, profile.maximumWorkGroupSize) { size *= 2 }
            local = size
            let blocks = min(extents.extent, (profile.computeUnits * 256).dividedRoundingUp(by: lines))
            rows = extents.extent.dividedRoundingUp(by: blocks)
        }
    }
}
