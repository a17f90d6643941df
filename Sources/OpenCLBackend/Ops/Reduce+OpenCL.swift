import Execution
import TensorGraph

// Rows by teams, columns by vectors; long reductions to few results in two launches.
extension OpenCLLowering {
    package func reduce(_ attributes: Reduce) throws -> Lowering {
        if !operands[0].dtype.isFloatingPoint { return reduceIntegers(attributes) }
        if let unsupportedRows { return .declined(unsupportedRows) }
        let extents = attributes.extents(operands[0].shape)
        var whole = Reduction(
            attributes.function, outer: extents.outer, reduced: extents.reduced, inner: extents.inner,
            source: source(at: 0))
        (whole.storage, whole.resultStorage) = (operands[0].dtype, results[0].dtype)
        let summary = whole.summary
        let splits = whole.splits(profile)
        guard splits > 1 else {
            return launches([whole.launch(profile, from: .operand(0), to: .result(0))], summary)
        }
        // What the parts come to is kept in float32.
        var second = Reduction(attributes.function, outer: extents.outer, reduced: splits, inner: extents.inner)
        (whole.resultStorage, second.resultStorage) = (.float32, results[0].dtype)
        return launches(
            [
                whole.launch(profile, from: .operand(0), to: .workspace(0), splits: splits),
                second.launch(profile, from: .workspace(0), to: .result(0), meanOf: extents.reduced),
            ],
            workspaces: [4 * extents.outer * splits * extents.inner], "\(summary), \(splits) splits")
    }

    package func argMax() throws -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns)
        let launch = teams.launch(
            "arg_max", files: ["reduction/arg_max.cl"], [.operand(0), .result(0)] + .int32s(rows, columns),
            storage: operands[0].dtype)
        return launches([launch], "arg max, \(teams.summary)")
    }
}

/// A launch of `reduction/reduce.cl` over `[outer, reduced, inner]`.
struct Reduction {
    let function: Reduce.Function
    let outer: Int
    let reduced: Int
    let inner: Int
    /// What makes the elements; nil for those of a tensor.
    let source: ProducedSource?
    /// The types of what is read and of what is written.
    var storage = DType.float32
    var resultStorage = DType.float32

    init(_ function: Reduce.Function, outer: Int, reduced: Int, inner: Int, source: ProducedSource? = nil) {
        self.function = function
        self.outer = outer
        self.reduced = reduced
        self.inner = inner
        self.source = source
    }

    var summary: String { inner == 1 ? "\(function.rawValue) of rows" : "\(function.rawValue) of columns" }

    /// Into how many parts to split the reduced axis, so that every compute unit has work.
    func splits(_ profile: DeviceProfile) -> Int {
        // Below this many elements a part is not worth a launch.
        let shortest = 4096
        let wanted: Int
        let tile: Int
        switch profile.style {
        case .cpu: (wanted, tile) = (4 * profile.computeUnits, Self.columnTile)
        case .gpu: (wanted, tile) = (16 * profile.computeUnits, Self.columnGroup)
        }
        let items = outer * inner.dividedRoundingUp(by: tile)
        guard items < wanted else { return 1 }
        let perItem = reduced * min(inner, tile)
        return max(1, min(wanted.dividedRoundingUp(by: items), perItem / shortest, reduced))
    }

    private static let columnGroup = 64
    /// The columns that a work-item of the CPU style walks down: so many that it reads long runs of each row.
    private static let columnTile = 4096

    /// - Parameters:
    ///   - operand: the tensor that is reduced.
    ///   - splits: the number of partial results that each result is left in.
    ///   - meanOf: how many elements a mean is over, where this launch has partial results for operands.
    func launch(
        _ profile: DeviceProfile, from operand: KernelArgument, to result: KernelArgument, splits: Int = 1,
        meanOf count: Int? = nil
    ) -> KernelLaunch {
        // Partial sums of a mean are divided once, at the end.
        let divisor = function == .mean && splits == 1 ? Double(count ?? reduced) : 1
        let number =
            switch function {
            case .sum, .mean: "0"
            case .minimum: "1"
            case .maximum: "2"
            case .product: "3"
            }
        let defines = ["FUNCTION": number, "RESULT": resultStorage.rawValue]
        if inner == 1 {
            let teams = RowTeams(profile, rows: outer * splits, columns: reduced / splits)
            return teams.launch(
                "reduce_rows", files: ["common/source.cl", "reduction/reduce.cl"],
                [operand, result] + .int32s(outer, reduced, splits) + [.float(divisor)], storage: storage,
                source: source, defines: defines)
        }
        let isCPU = profile.style == .cpu
        let width = isCPU ? profile.vectorWidth : 1
        let vectors = isCPU && inner >= 4 * width ? Self.columnTile / width : 1
        let group = isCPU ? 1 : min(Self.columnGroup, profile.maximumWorkGroupSize)
        let items = outer * splits * inner.dividedRoundingUp(by: vectors * width)
        var kernel = KernelSpecification(
            "reduce_columns",
            files: KernelSpecification.vectorFiles + ["common/team.cl", "common/source.cl", "reduction/reduce.cl"],
            defines: defines.merging([
                "VECTOR_WIDTH": "\(width)", "STORAGE": storage.rawValue, "COLUMN_VECTORS": "\(vectors)",
                "COLUMN_GROUP": "\(group)",
            ]) { $1 })
        source?.read(by: &kernel)
        return KernelLaunch(
            kernel, [operand, result] + .int32s(outer, reduced, inner, splits) + [.float(divisor)],
            globalSize: [items.dividedRoundingUp(by: group) * group], localSize: [group])
    }
}
