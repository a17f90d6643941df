import Execution
import TensorGraph

/// How a row-wise kernel is shared out: teams of work-items, each on a run of rows (`Kernels/common/team.cl`).
struct RowTeams {
    /// Work-items of a team; 1 on CPU-like devices.
    let size: Int
    /// Work-groups, one team each.
    let count: Int
    let vectorWidth: Int

    /// The rows that may be added one to another before rounding tells; SUM_BLOCK of `common/vector.cl`.
    private static let sumBlock = 32

    /// - Parameter partialSums: where each team adds up its rows, how many of them are enough, but for long sums.
    init(_ profile: DeviceProfile, rows: Int, columns: Int, partialSums: Int? = nil) {
        let least = partialSums == nil ? 0 : rows.dividedRoundingUp(by: Self.sumBlock)
        let most = max(partialSums ?? .max, least)
        let problem: TuningProblem = [.rows: rows, .columns: columns]
        switch profile.style {
        case .cpu:
            let values = profile.tuningValues(.rows, problem)
            size = 1
            vectorWidth = values[.vectorWidth]
            count = min(rows, most, max(least, values[.itemsPerUnit] * profile.computeUnits))
        case .gpu:
            size = profile.tuningValues(.rowTeams, problem)[.team]
            vectorWidth = 1
            count = min(rows, most)
        }
    }

    var defines: [String: String] { ["VECTOR_WIDTH": "\(vectorWidth)", "TEAM": "\(size)"] }

    /// - Parameters:
    ///   - storage: what the kernel's tensors are STORED as (`common/storage.cl`).
    ///   - source: what makes the operand that the kernel takes as a SOURCE_TENSOR (`common/source.cl`).
    func launch(
        _ name: String, files: [String], _ arguments: [KernelArgument], storage: DType,
        source: ProducedSource? = nil, defines: [String: String] = [:]
    ) -> KernelLaunch {
        var kernel = KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["common/team.cl"] + files,
            defines: self.defines.merging(defines) { $1 })
        kernel.defines["STORAGE"] = storage.rawValue
        source?.read(by: &kernel)
        return KernelLaunch(kernel, arguments, globalSize: [count * size], localSize: [size])
    }

    var summary: String { size == 1 ? "vectors of \(vectorWidth)" : "work-groups of \(size)" }
}

extension TuningSpace {
    /// Row-wise kernels of one work-item a run of rows. Several runs a core, so that cores that start late still get an
    /// even share.
    static let rows = TuningSpace(
        "rows", .cpu, of: [.rows, .columns], [.itemsPerUnit: [1, 2, 4, 8, 16, 32], .vectorWidth: [4, 8, 16]],
        standard: { _, profile in [.itemsPerUnit: 8, .vectorWidth: profile.vectorWidth] },
        constraint: { values, _, profile in values[.vectorWidth] <= profile.vectorWidth })

    /// Row-wise kernels of a team a row: the least power of two that covers it, or the largest up to a limit.
    static let rowTeams = TuningSpace(
        "row-teams", .gpu, of: [.rows, .columns],
        [.team: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]],
        standard: { problem, profile in
            var size = 1
            while size < problem[.columns], size * 2 <= min(256, profile.maximumWorkGroupSize) { size *= 2 }
            return [.team: size]
        }, constraint: { values, _, profile in values[.team] <= max(profile.maximumWorkGroupSize, 1) })
}

extension KernelSpecification {
    /// The float vectors that row-wise kernels are written on, and how they lie in memory.
    static let vectorFiles = ["common/math.cl", "common/vector.cl", "common/storage.cl"]

    /// What elementwise functions are made of.
    static let functionFiles = ["common/math.cl", "common/storage.cl", "elementwise/functions.cl"]

    /// Squares of floats turned over in registers.
    static let transposeFiles = ["common/shuffle.cl", "common/transpose.cl"]

    /// The float vectors that convolutions are written on.
    static let laneFiles = ["common/shuffle.cl", "common/lanes.cl"]
}

extension OpenCLLowering {
    /// The reason to decline what row-wise kernels don't do: other types, and tensors too large for their extents.
    var unsupportedRows: String? { unsupportedStorage ?? unsupportedExtents }

    var unsupportedExtents: String? {
        (operands + results).first { $0.shape.elementCount > Int(Int32.max) }.map {
            "\($0.shape) has more elements than 32-bit extents count"
        }
    }

    /// The rows and columns of an operand seen as a matrix of its last axis.
    func rowsAndColumns(_ shape: Shape) -> (rows: Int, columns: Int) {
        let columns = shape.dimensions.last ?? 1
        return (shape.elementCount / max(columns, 1), columns)
    }
}
