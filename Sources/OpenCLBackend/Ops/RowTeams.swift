import Execution
import TensorGraph

/// How a row-wise kernel is shared out: teams of work-items, each on a run of rows (`Kernels/common/team.cl`).
struct RowTeams {
    /// Work-items of a team; 1 on CPU-like devices.
    let size: Int
    /// Work-groups, one team each.
    let count: Int
    let vectorWidth: Int

    /// - Parameter most: the most teams, where each has its own partial sums.
    init(_ profile: DeviceProfile, rows: Int, columns: Int, most: Int = .max) {
        switch profile.shape {
        case .cpu:
            size = 1
            vectorWidth = profile.vectorWidth
            // Several runs a core, so that cores that start late still get an even share.
            count = min(rows, most, 8 * profile.computeUnits)
        case .gpu:
            size = Self.powerOfTwo(upTo: min(256, profile.maximumWorkGroupSize), covering: columns)
            vectorWidth = 1
            count = min(rows, most)
        }
    }

    var defines: [String: String] { ["VECTOR_WIDTH": "\(vectorWidth)", "TEAM": "\(size)"] }

    func launch(
        _ name: String, files: [String], _ arguments: [KernelArgument], defines: [String: String] = [:]
    ) -> KernelLaunch {
        let kernel = KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["common/team.cl"] + files,
            defines: self.defines.merging(defines) { $1 })
        return KernelLaunch(kernel, arguments, globalSize: [count * size], localSize: [size])
    }

    var summary: String { size == 1 ? "vectors of \(vectorWidth)" : "work-groups of \(size)" }

    /// The least power of two that is at least `extent`, or the largest up to `limit`.
    private static func powerOfTwo(upTo limit: Int, covering extent: Int) -> Int {
        var size = 1
        while size < extent, size * 2 <= limit { size *= 2 }
        return size
    }
}

extension KernelSpecification {
    /// The float vectors that row-wise kernels are written on.
    static let vectorFiles = ["common/math.cl", "common/vector.cl"]
}

extension OpenCLLowering {
    /// The reason to decline what row-wise kernels don't do: other types, and tensors too large for their extents.
    var unsupportedRows: String? {
        if let unsupportedType { return unsupportedType }
        return (operands + results).first { $0.shape.elementCount > Int(Int32.max) }.map {
            "\($0.shape) has more elements than 32-bit extents count"
        }
    }

    /// The rows and columns of an operand seen as a matrix of its last axis.
    func rowsAndColumns(_ shape: Shape) -> (rows: Int, columns: Int) {
        let columns = shape.dimensions.last ?? 1
        return (shape.elementCount / max(columns, 1), columns)
    }
}
