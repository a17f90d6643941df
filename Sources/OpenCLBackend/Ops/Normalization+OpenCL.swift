import Execution
import TensorGraph

// Layer normalisation by rows, batch normalisation by channels, a team of work-items each.
extension OpenCLLowering {
    package func normalization(_ attributes: Normalization) throws -> Lowering {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): layerNorm(attributes)
        case (.layer, .gradient): layerNormGradient(attributes)
        case (.batch, .forward): batchNorm(attributes)
        case (.batch, .gradient): batchNormGradient(attributes)
        }
    }

    private func layerNorm(_ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns)
        let launch = teams.launch(
            "layerNorm", files: ["normalization/layer_norm.cl"],
            [.operand(0), .operand(1), .operand(2), .result(0), .result(1), .result(2)]
                + .int32s(rows, columns) + [.float(attributes.epsilon)])
        return launches([launch], "layer norm, \(teams.summary)")
    }

    private func layerNormGradient(_ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        // Each team has partial sums of dscale and dbias, of few rows, which are then added up.
        let teams = RowTeams(profile, rows: rows, columns: columns, partialSums: 8 * profile.computeUnits)
        let gradient = teams.launch(
            "layerNormGradient", files: ["normalization/layer_norm.cl"],
            (0..<5).map { .operand($0) } + [.result(0), .workspace(0), .workspace(1)] + .int32s(rows, columns))
        let sums = (0..<2).map {
            Reduction(.sum, outer: 1, reduced: teams.count, inner: columns)
                .launch(profile, from: .workspace($0), to: .result($0 + 1))
        }
        return launches(
            [gradient] + sums, workspaces: [4 * teams.count * columns, 4 * teams.count * columns],
            "layer norm gradient, \(teams.summary), \(teams.count) partial sums")
    }

    private func batchNorm(_ attributes: Normalization) -> Lowering {
        batch("batchNorm", (0..<3).map { .operand($0) } + (0..<3).map { .result($0) }, attributes)
    }

    private func batchNormGradient(_ attributes: Normalization) -> Lowering {
        batch("batchNormGradient", (0..<5).map { .operand($0) } + (0..<3).map { .result($0) }, attributes)
    }

    private func batch(_ name: String, _ tensors: [KernelArgument], _ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let shape = operands[0].shape
        let (images, channels, pixels) = (shape[0], shape[1], shape[2] * shape[3])
        let teams = RowTeams(profile, rows: channels, columns: images * pixels)
        let launch = teams.launch(
            name, files: ["normalization/batch_norm.cl"],
            tensors + .int32s(images, channels, pixels) + [.float(attributes.epsilon)])
        return launches([launch], "batch norm, \(teams.summary)")
    }
}
