import Execution
import TensorGraph

// Layer and root mean square normalisation by rows, group normalisation by groups, batch normalisation by channels, a team of
// work-items each.
extension OpenCLLowering {
    package func normalization(_ attributes: Normalization) throws -> Lowering {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): layerNorm(attributes)
        case (.layer, .gradient): layerNormGradient(attributes)
        case (.rootMeanSquare, .forward): rmsNorm(attributes)
        case (.rootMeanSquare, .gradient): rmsNormGradient()
        case (.group(let count), .forward): groupNorm(attributes, groups: count)
        case (.group(let count), .gradient): groupNormGradient(groups: count)
        case (.batch, .forward): batchNorm(attributes)
        case (.batch, .gradient): batchNormGradient(attributes)
        }
    }

    private static func files(_ name: String) -> [String] {
        ["common/source.cl", "normalization/moments.cl", "normalization/\(name).cl"]
    }

    private func layerNorm(_ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns)
        let launch = teams.launch(
            "layer_norm", files: Self.files("layer_norm"),
            [.operand(0), .operand(1), .operand(2), .result(0), .result(1), .result(2)]
                + .int32s(rows, columns) + [.float(attributes.epsilon)], storage: operands[0].dtype,
            source: source(at: 0))
        return launches([launch], "layer norm, \(teams.summary)")
    }

    private func layerNormGradient(_ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        // Each team has partial sums of dscale and dbias, of few rows, which are then added up.
        let teams = RowTeams(profile, rows: rows, columns: columns, partialSums: 8 * profile.computeUnits)
        let gradient = teams.launch(
            "layer_norm_gradient", files: Self.files("layer_norm"),
            (0..<5).map { .operand($0) } + [.result(0), .workspace(0), .workspace(1)] + .int32s(rows, columns),
            storage: operands[0].dtype,
            source: source(at: 4))
        return launches(
            [gradient] + sums(of: teams.count, features: columns, tensors: 2),
            workspaces: [4 * teams.count * columns, 4 * teams.count * columns],
            "layer norm gradient, \(teams.summary), \(teams.count) partial sums")
    }

    /// Workspaces 0, 1, … [`parts`, `features`], added up, are results 1, 2, ….
    private func sums(of parts: Int, features: Int, tensors: Int) -> [KernelLaunch] {
        var sum = Reduction(.sum, outer: 1, reduced: parts, inner: features)
        sum.resultStorage = results[1].dtype
        return (0..<tensors).map { sum.launch(profile, from: .workspace($0), to: .result($0 + 1)) }
    }

    private func rmsNorm(_ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns)
        let launch = teams.launch(
            "rms_norm", files: Self.files("rms_norm"),
            [.operand(0), .operand(1), .result(0), .result(1)] + .int32s(rows, columns) + [.float(attributes.epsilon)],
            storage: operands[0].dtype,
            source: source(at: 0))
        return launches([launch], "rms norm, \(teams.summary)")
    }

    private func rmsNormGradient() -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns, partialSums: 8 * profile.computeUnits)
        let gradient = teams.launch(
            "rms_norm_gradient", files: Self.files("rms_norm"),
            (0..<4).map { .operand($0) } + [.result(0), .workspace(0)] + .int32s(rows, columns),
            storage: operands[0].dtype,
            source: source(at: 3))
        return launches(
            [gradient] + sums(of: teams.count, features: columns, tensors: 1),
            workspaces: [4 * teams.count * columns],
            "rms norm gradient, \(teams.summary), \(teams.count) partial sums")
    }

    /// The extents of a group's row: how many rows, and channels and pixels in each.
    private func groupExtents(_ groups: Int) -> (rows: Int, channels: Int, plane: Int) {
        let shape = operands[0].shape
        return (shape[0] * groups, shape[1] / groups, shape.dimensions.dropFirst(2).reduce(1, *))
    }

    private func groupNorm(_ attributes: Normalization, groups: Int) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, channels, plane) = groupExtents(groups)
        let teams = RowTeams(profile, rows: rows, columns: channels * plane)
        let launch = teams.launch(
            "group_norm", files: Self.files("group_norm"),
            (0..<3).map { .operand($0) } + (0..<3).map { .result($0) }
                + .int32s(rows, groups, channels, plane) + [.float(attributes.epsilon)],
            storage: operands[0].dtype,
            source: source(at: 0))
        return launches([launch], "group norm, \(teams.summary)")
    }

    private func groupNormGradient(groups: Int) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, channels, plane) = groupExtents(groups)
        let teams = RowTeams(profile, rows: rows, columns: channels * plane)
        let gradient = teams.launch(
            "group_norm_gradient", files: Self.files("group_norm"),
            (0..<5).map { .operand($0) } + [.result(0), .workspace(0), .workspace(1)]
                + .int32s(rows, groups, channels, plane), storage: operands[0].dtype,
            source: source(at: 4))
        let features = groups * channels
        return launches(
            [gradient] + sums(of: operands[0].shape[0], features: features, tensors: 2),
            workspaces: [4 * rows * channels, 4 * rows * channels], "group norm gradient, \(teams.summary)")
    }

    private func batchNorm(_ attributes: Normalization) -> Lowering {
        batch("batch_norm", (0..<3).map { .operand($0) } + (0..<3).map { .result($0) }, attributes)
    }

    private func batchNormGradient(_ attributes: Normalization) -> Lowering {
        batch("batch_norm_gradient", (0..<5).map { .operand($0) } + (0..<3).map { .result($0) }, attributes)
    }

    private func batch(_ name: String, _ tensors: [KernelArgument], _ attributes: Normalization) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let shape = operands[0].shape
        let (images, channels, pixels) = (shape[0], shape[1], shape[2] * shape[3])
        let teams = RowTeams(profile, rows: channels, columns: images * pixels)
        let (storage, parameters) = (operands[0].dtype, operands[1].dtype)
        let launch = teams.launch(
            name, files: ["normalization/batch_norm.cl"],
            tensors + .int32s(images, channels, pixels) + [.float(attributes.epsilon)], storage: storage,
            defines: parameters == storage ? [:] : ["PARAMETERS": parameters.rawValue])
        return launches([launch], "batch norm, \(teams.summary)")
    }
}
