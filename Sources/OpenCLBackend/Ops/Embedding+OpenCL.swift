import Execution
import TensorGraph

// `Kernels/embedding/embedding.cl`.
extension OpenCLLowering {
    package func embedding() throws -> Lowering {
        if let reason = unsupportedStorage { return .declined(reason) }
        let (rows, width) = (operands[0].shape[0], operands[0].shape[1])
        let count = operands[1].shape.elementCount
        var arguments: [KernelArgument] = [.operand(0), .operand(1), .result(0)]
        arguments += [.uint64(UInt64(count)), .uint64(UInt64(width)), .int32(rows)]
        guard profile.style == .cpu else {
            let local = min(256, profile.maximumWorkGroupSize)
            let groups = min((count * width + local - 1) / local, profile.computeUnits * 64)
            let kernel = specification("embedding_elements", vectorWidth: 1)
            return launches(
                [KernelLaunch(kernel, arguments, globalSize: [groups * local], localSize: [local])],
                "embedding, by elements")
        }
        let partition = RowPartition(rows: count, length: width, computeUnits: profile.computeUnits)
        // Whole rows for each work-item.
        let share = (count + partition.items - 1) / partition.items
        let kernel = specification("embedding_rows", vectorWidth: profile.vectorWidth)
        let launch = KernelLaunch(
            kernel, arguments + [.uint64(UInt64(share))], items: (count + share - 1) / share)
        return launches([launch], "embedding, by rows")
    }

    package func embeddingGradient(_ attributes: EmbeddingGradient) throws -> Lowering {
        if let reason = unsupportedStorage { return .declined(reason) }
        let (rows, width) = (attributes.rows, results[0].shape[1])
        let count = operands[0].shape.elementCount
        let isCPU = profile.style == .cpu
        let rowBlock: Int
        let columnBlock: Int
        var local = [1, 1]
        if isCPU {
            // Twice as many blocks as cores, so that one with many hits does not keep the others waiting.
            let blocks = max(1, min(profile.computeUnits * 2, count * width / 4096))
            let lanes = profile.vectorWidth
            let columnBlocks = width >= 2 * lanes * blocks ? blocks : 1
            columnBlock = columnBlocks == 1 ? width : (width + lanes * blocks - 1) / (lanes * blocks) * lanes
            rowBlock = columnBlocks == 1 ? (rows + blocks - 1) / blocks : rows
        } else {
            var lanes = 1
            while lanes < width, lanes < min(64, profile.maximumWorkGroupSize) { lanes *= 2 }
            local = [lanes, 1]
            columnBlock = 1
            rowBlock = 8
        }
        let columns = (width + columnBlock - 1) / columnBlock
        // Of so many indices, one row may get a long sum; totals of rows, and how often each was hit.
        let isLong = count > GroupTile.longSum
        // Sums of 16 bits are floats, and rounded once.
        let rounds = results[0].dtype.isHalf
        let sums = (rounds ? [4 * rows * width] : []) + (isLong ? [4 * rows * width, 4 * columns * rows] : [])
        let sizes: [KernelArgument] = [
            .uint64(UInt64(count)), .uint64(UInt64(width)), .int32(rows), .int32(rowBlock),
            .uint64(UInt64(columnBlock)),
        ]
        var kernel = specification("embedding_gradient", vectorWidth: isCPU ? profile.vectorWidth : 1)
        if isLong { kernel.defines["LONG_SUMS"] = "1" }
        let launch = KernelLaunch(
            kernel, [.operand(0), .operand(1), .result(0)] + sums.indices.map { .workspace($0) } + sizes,
            globalSize: [(columns + local[0] - 1) / local[0] * local[0], (rows + rowBlock - 1) / rowBlock],
            localSize: local)
        return launches(
            [launch], workspaces: sums,
            "embedding gradient, blocks of \(rowBlock) rows")
    }

    private func specification(_ name: String, vectorWidth: Int) -> KernelSpecification {
        var defines = ["VECTOR_WIDTH": "\(vectorWidth)", "STORAGE": results[0].dtype.rawValue]
        if results[0].dtype.isHalf {
            defines.merge(["T": results[0].dtype.word, "FILL": results[0].dtype.fill]) { $1 }
        }
        return KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["embedding/embedding.cl"], defines: defines)
    }
}
