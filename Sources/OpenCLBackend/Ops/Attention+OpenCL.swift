import Execution
import TensorGraph

// Blocks of queries on CPU-like devices, with kernels of their own for few queries over many keys; tiles in local memory
// on GPU-like devices.
extension OpenCLLowering {
    package func attention(_ attributes: Attention) throws -> Lowering {
        switch attributes.pass {
        case .forward: try attentionForward(attributes)
        case .gradient: try attentionGradient(attributes)
        }
    }

    private func attentionForward(_ attributes: Attention) throws -> Lowering {
        let shape = AttentionShape(attributes, operands[0].shape, operands[1].shape, profile)
        if let lowering = matrixUnits(attributes, shape) { return lowering }
        if let reason = unsupportedType ?? unsupportedExtents ?? shape.unsupported { return .declined(reason) }
        switch profile.shape {
        case .cpu: return shape.isFew ? fewQueries(shape) : queryBlocks(shape)
        case .gpu: return tiles(shape)
        }
    }

    private func attentionGradient(_ attributes: Attention) throws -> Lowering {
        let shape = AttentionShape(
            attributes, operands[0].shape, operands[1].shape, profile, isGradient: true)
        if let lowering = matrixUnitsGradient(attributes, shape) { return lowering }
        if let reason = unsupportedType ?? unsupportedExtents ?? shape.unsupported { return .declined(reason) }
        switch profile.shape {
        case .cpu: return shape.isFew ? fewQueriesGradient(shape) : queryBlocksGradient(shape)
        case .gpu: return tilesGradient(shape)
        }
    }

    private static let inputs: [KernelArgument] = [.operand(0), .operand(1), .operand(2)]
    private static let gradientInputs: [KernelArgument] = (0..<6).map { .operand($0) }

    /// `attention/attention_vector.cl`.
    private func queryBlocks(_ shape: AttentionShape) -> Lowering {
        let kernel = KernelSpecification(
            "attention", files: AttentionShape.columnFiles + ["attention/attention_vector.cl"],
            defines: shape.columnDefines)
        let launch = KernelLaunch(
            kernel,
            Self.inputs + [.result(0), .result(1)] + .int32s(shape.queries, shape.keys) + [.float(shape.scale)],
            items: shape.heads * shape.queries.dividedRoundingUp(by: shape.lanes))
        return launches([launch], "attention, \(shape.lanes) queries × \(shape.keyBlock) keys")
    }

    /// `attention/attention_gradient_vector.cl`, and where there are few heads, a sum over parts.
    private func queryBlocksGradient(_ shape: AttentionShape) -> Lowering {
        let parts = shape.shares(most: shape.queries.dividedRoundingUp(by: shape.lanes))
        let kernel = KernelSpecification(
            "attentionGradient", files: AttentionShape.columnFiles + ["attention/attention_gradient_vector.cl"],
            defines: shape.columnDefines.merging(shape.outerDefines) { $1 })
        let targets: [KernelArgument] = parts == 1 ? [.result(1), .result(2)] : [.workspace(0), .workspace(1)]
        let gradient = KernelLaunch(
            kernel,
            Self.gradientInputs + [.result(0)] + targets + .int32s(shape.heads, shape.queries, shape.keys)
                + [.float(shape.scale), .int32(parts)],
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
        let (sq, sk) = (shape.queries, shape.keys)
        let attend = KernelLaunch(
            shape.fewKernel("attentionFew"),
            Self.inputs + [.workspace(0)] + .int32s(sq, sk) + [.float(shape.scale), .int32(splits)],
            items: shape.heads * splits)
        let join = KernelLaunch(
            shape.fewKernel("attentionJoin"),
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
            shape.fewKernel("attentionFewGradient"),
            Self.gradientInputs + [splits == 1 ? .result(0) : .workspace(0), .result(1), .result(2)]
                + .int32s(shape.heads, shape.queries, shape.keys) + [.float(shape.scale), .int32(splits)],
            items: shape.heads * splits)
        let summary = "attention gradient of \(shape.queries == 1 ? "one query" : "\(shape.queries) queries")"
        guard splits > 1 else { return launches([gradient], summary) }
        let elements = operands[0].shape.elementCount
        let sum = Reduction(.sum, outer: 1, reduced: splits, inner: elements)
            .launch(profile, from: .workspace(0), to: .result(0))
        return launches([gradient, sum], workspaces: [4 * splits * elements], "\(summary), keys in \(splits) parts")
    }

    /// `attention/attention_tiled.cl`.
    private func tiles(_ shape: AttentionShape) -> Lowering {
        let launch = shape.tileLaunch(
            "attentionTiles", blocksOf: shape.queries,
            Self.inputs + [.result(0), .result(1)] + .int32s(shape.queries, shape.keys) + [.float(shape.scale)])
        return launches([launch], "attention tiles in local memory")
    }

    private func tilesGradient(_ shape: AttentionShape) -> Lowering {
        let extents: [KernelArgument] = .int32s(shape.queries, shape.keys) + [.float(shape.scale)]
        // The row sums δ first; then dq and what divides the weights by blocks of queries, dk and dv by blocks of keys.
        let inputs: [KernelArgument] = Self.inputs + [.operand(4), .operand(5), .workspace(0), .workspace(1)]
        let rows = shape.heads * shape.queries
        let teams = RowTeams(profile, rows: rows, columns: shape.width)
        let delta = teams.launch(
            "attentionDelta", files: ["attention/attention_delta.cl"],
            [.operand(3), .operand(5), .workspace(0)] + .int32s(rows, shape.width), storage: .float32)
        return launches(
            [
                delta,
                shape.tileLaunch("attentionTilesQueries", blocksOf: shape.queries, inputs + [.result(0)] + extents),
                shape.tileLaunch(
                    "attentionTilesKeys", blocksOf: shape.keys, inputs + [.result(1), .result(2)] + extents),
            ],
            workspaces: [4 * rows, 4 * rows], "attention gradient tiles in local memory")
    }
}
