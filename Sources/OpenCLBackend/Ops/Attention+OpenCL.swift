import Execution
import TensorGraph

// Blocks of queries on CPU-like devices, with kernels of their own for few queries over many keys; tiles in local memory
// on GPU-like devices.
extension OpenCLLowering {
    package func attention(_ attributes: Attention) throws -> Lowering {
        let shape = AttentionShape(attributes, operands, profile)
        if let lowering = matrixUnits(shape) { return lowering }
        if let reason = unsupportedType ?? unsupportedExtents ?? shape.unsupported { return .declined(reason) }
        return switch (profile.style, attributes.pass) {
        case (.cpu, .forward): shape.isFew ? fewQueries(shape) : queryBlocks(shape)
        case (.cpu, .gradient): shape.isFew ? fewQueriesGradient(shape) : queryBlocksGradient(shape)
        case (.cpu, .biasGradient): queryBlocksBias(shape)
        case (.gpu, .forward): tiles(shape)
        case (.gpu, .gradient): tilesGradient(shape)
        case (.gpu, .biasGradient): tilesBias(shape)
        }
    }

    private func gradientInputs(_ shape: AttentionShape) -> [KernelArgument] {
        AttentionShape.inputs + [shape.y, shape.statistics, shape.cotangent]
    }

    /// `attention/attention_vector.cl`.
    private func queryBlocks(_ shape: AttentionShape) -> Lowering {
        let kernel = KernelSpecification(
            "attention", files: AttentionShape.columnFiles + ["attention/attention_vector.cl"],
            defines: shape.columnDefines)
        let launch = KernelLaunch(
            kernel,
            AttentionShape.inputs + [.result(0), .result(1)] + .int32s(shape.rows, shape.keys) + [.float(shape.scale)]
                + shape.maskArguments,
            items: shape.heads * shape.rows.dividedRoundingUp(by: shape.lanes))
        return launches([launch], "attention, \(shape.lanes) queries × \(shape.keyBlock) keys")
    }

    /// `attention/attention_gradient_vector.cl`, and where there are few heads, a sum over parts.
    private func queryBlocksGradient(_ shape: AttentionShape) -> Lowering {
        // Sums over so many queries go by parts.
        let blocks = shape.rows.dividedRoundingUp(by: shape.lanes)
        let parts = max(shape.shares(most: blocks), blocks.dividedRoundingUp(by: 1024))
        let kernel = KernelSpecification(
            "attention_gradient", files: AttentionShape.columnFiles + ["attention/attention_gradient_vector.cl"],
            defines: shape.columnDefines.merging(shape.outerDefines) { $1 })
        let targets: [KernelArgument] = parts == 1 ? [.result(1), .result(2)] : [.workspace(0), .workspace(1)]
        let gradient = KernelLaunch(
            kernel,
            gradientInputs(shape) + [.result(0)] + targets + .int32s(shape.heads, shape.rows, shape.keys)
                + [.float(shape.scale), .int32(parts)] + shape.maskArguments,
            items: shape.heads * parts)
        let summary = "attention gradient, \(shape.lanes) queries × \(shape.keyBlock) keys"
        guard parts > 1 else { return launches([gradient], summary) }
        let elements = operands[1].shape.elementCount
        let sums = (0..<2).map {
            Reduction(.sum, outer: 1, reduced: parts, inner: elements)
                .launch(profile, from: .workspace($0), to: .result($0 + 1))
        }
        return launches(
            [gradient] + sums, workspaces: [4 * parts * elements, 4 * parts * elements], "\(summary), \(parts) parts")
    }

    /// `attention/attention_few.cl`.
    private func fewQueries(_ shape: AttentionShape) -> Lowering {
        let splits = shape.splits
        let (sq, sk) = (shape.rows, shape.keys)
        let attend = KernelLaunch(
            shape.fewKernel("attention_few"),
            AttentionShape.inputs + [.workspace(0)] + .int32s(sq, sk) + [.float(shape.scale), .int32(splits)]
                + shape.maskArguments,
            items: shape.heads * splits)
        let join = KernelLaunch(
            shape.fewKernel("attention_join"),
            [.workspace(0), .result(0), .result(1), .int32(sq), .float(shape.scale), .int32(splits)],
            items: shape.heads * sq)
        return launches(
            [attend, join], workspaces: [4 * shape.heads * splits * sq * (2 + shape.width)],
            "attention of \(sq == 1 ? "one query" : "\(sq) queries"), keys in \(splits == 1 ? "one part" : "\(splits) parts")"
        )
    }

    private func fewQueriesGradient(_ shape: AttentionShape) -> Lowering {
        let splits = shape.splits
        let gradient = KernelLaunch(
            shape.fewKernel("attention_few_gradient"),
            gradientInputs(shape) + [splits == 1 ? .result(0) : .workspace(0), .result(1), .result(2)]
                + .int32s(shape.heads, shape.rows, shape.keys) + [.float(shape.scale), .int32(splits)]
                + shape.maskArguments,
            items: shape.heads * splits)
        let summary = "attention gradient of \(shape.rows == 1 ? "one query" : "\(shape.rows) queries")"
        guard splits > 1 else { return launches([gradient], summary) }
        let elements = operands[0].shape.elementCount
        let sum = Reduction(.sum, outer: 1, reduced: splits, inner: elements)
            .launch(profile, from: .workspace(0), to: .result(0))
        return launches([gradient, sum], workspaces: [4 * splits * elements], "\(summary), keys in \(splits) parts")
    }

    /// `attention/attention_bias_vector.cl`.
    private func queryBlocksBias(_ shape: AttentionShape) -> Lowering {
        let sums = AttentionShape.BiasSums(results[0].shape, shape.extents)
        let kernel = KernelSpecification(
            "attention_bias_gradient", files: AttentionShape.columnFiles + ["attention/attention_bias_vector.cl"],
            defines: shape.columnDefines)
        let launch = KernelLaunch(
            kernel,
            gradientInputs(shape) + [.result(0)] + .int32s(shape.rows, shape.keys) + [.float(shape.scale)]
                + sums.arguments + shape.maskArguments,
            items: sums.results * shape.extents.queries.dividedRoundingUp(by: shape.lanes))
        return launches([launch], "attention bias gradient, \(shape.lanes) queries × \(shape.keyBlock) keys")
    }

    /// `attention/attention_tiled.cl`.
    private func tiles(_ shape: AttentionShape) -> Lowering {
        let launch = shape.tileLaunch(
            "attention_tiles", blocksOf: shape.rows, AttentionShape.inputs + [.result(0), .result(1)])
        return launches([launch], "attention tiles in local memory")
    }

    /// The row sums δ, to a workspace.
    private func deltaLaunch(_ shape: AttentionShape, to workspace: KernelArgument) -> KernelLaunch {
        let rows = shape.heads * shape.rows
        let teams = RowTeams(profile, rows: rows, columns: shape.width)
        return teams.launch(
            "attention_delta", files: ["attention/attention_delta.cl"],
            [shape.y, shape.cotangent, workspace] + .int32s(rows, shape.width), storage: .float32)
    }

    private func tilesGradient(_ shape: AttentionShape) -> Lowering {
        // δ first; then dq and what divides the weights by blocks of queries, dk and dv by blocks of keys.
        let inputs: [KernelArgument] =
            AttentionShape.inputs + [shape.statistics, shape.cotangent, .workspace(0), .workspace(1)]
        let bytes = 4 * shape.heads * shape.rows
        return launches(
            [
                deltaLaunch(shape, to: .workspace(0)),
                shape.tileLaunch("attention_tiles_queries", blocksOf: shape.rows, inputs + [.result(0)]),
                shape.tileLaunch("attention_tiles_keys", blocksOf: shape.keys, inputs + [.result(1), .result(2)]),
            ],
            workspaces: [bytes, bytes], "attention gradient tiles in local memory")
    }

    private func tilesBias(_ shape: AttentionShape) -> Lowering {
        let sums = AttentionShape.BiasSums(results[0].shape, shape.extents)
        return launches(
            [
                deltaLaunch(shape, to: .workspace(0)),
                shape.biasTileLaunch(
                    sums,
                    AttentionShape.inputs + [shape.statistics, shape.cotangent, .workspace(0), .result(0)]),
            ],
            workspaces: [4 * shape.heads * shape.rows], "attention bias gradient tiles in local memory")
    }
}
