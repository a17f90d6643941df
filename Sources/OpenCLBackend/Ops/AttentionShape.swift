import Execution
import TensorGraph

/// The extents of an attention and the numbers its kernels are built with.
struct AttentionShape {
    let heads: Int
    let queries: Int
    let keys: Int
    let width: Int
    let isCausal: Bool
    let scale: Double
    private let profile: DeviceProfile

    init(_ attributes: Attention, _ q: Shape, _ k: Shape, _ profile: DeviceProfile) {
        heads = q[0] * q[1]
        queries = q[2]
        keys = k[2]
        width = q[3]
        isCausal = attributes.isCausal
        scale = attributes.scale
        self.profile = profile
    }

    var unsupported: String? {
        let widest = profile.shape == .cpu ? 1024 : 256
        if width > widest { return "heads wider than \(widest) are not done here" }
        if profile.shape == .gpu && profile.maximumWorkGroupSize < Self.tileItems {
            return "work-groups of \(Self.tileItems) are needed"
        }
        return nil
    }

    /// How many work-items share a head, so that every compute unit has work.
    func shares(most: Int) -> Int {
        heads >= 2 * profile.computeUnits ? 1 : min(most, (2 * profile.computeUnits).dividedRoundingUp(by: heads))
    }

    // MARK: Blocks of queries (columns.cl)

    static let columnFiles = KernelSpecification.vectorFiles + ["attention/columns.cl"]

    /// A multiple of the rows of the register tiles.
    static func keyBlock(_ profile: DeviceProfile) -> Int { profile.vectorWidth == 16 ? 64 : 60 }

    /// Wide heads take half the queries, to keep the columns of a block in the first-level cache.
    private var queryVectors: Int { queries <= profile.vectorWidth || width > 128 ? 1 : 2 }

    /// The queries of a block.
    var lanes: Int { queryVectors * profile.vectorWidth }

    /// 16 of the 32 registers of AVX-512 hold sums, 12 of the 16 of AVX2.
    var columnDefines: [String: String] {
        [
            "VECTOR_WIDTH": "\(profile.vectorWidth)", "HEAD_WIDTH": "\(width)", "QUERY_VECTORS": "\(queryVectors)",
            "KEY_BLOCK": "\(Self.keyBlock(profile))", "ROWS": profile.vectorWidth == 16 ? "8" : "6",
            "CAUSAL": isCausal ? "1" : "0",
        ]
    }

    var outerDefines: [String: String] {
        let vectors = width.dividedRoundingUp(by: profile.vectorWidth)
        let most = profile.vectorWidth == 16 ? 4 : 2
        let columns = (1...most).last { vectors % $0 == 0 } ?? 1
        return ["OUTER_ROWS": "4", "OUTER_VECTORS": "\(columns)"]
    }

    // MARK: Few queries (attention_few.cl)

    var isFew: Bool { queries <= 4 }

    func fewKernel(_ name: String) -> KernelSpecification {
        var vectorWidth = profile.vectorWidth
        while width % vectorWidth != 0 { vectorWidth /= 2 }
        return KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["attention/attention_few.cl"],
            defines: [
                "VECTOR_WIDTH": "\(vectorWidth)", "HEAD_WIDTH": "\(width)", "MAX_QUERIES": "\(queries)",
                "CAUSAL": isCausal ? "1" : "0",
            ])
    }

    // MARK: Tiles in local memory (attention_tiled.cl)

    /// The work-items of a group, and the queries or keys of its block.
    private static let tileItems = 128
    private static let tileRows = 32

    func tileLaunch(_ name: String, blocksOf count: Int, _ arguments: [KernelArgument]) -> KernelLaunch {
        let kernel = KernelSpecification(
            name, files: ["attention/attention_tiled.cl"],
            defines: ["HEAD_WIDTH": "\(width)", "CAUSAL": isCausal ? "1" : "0"])
        return KernelLaunch(
            kernel, arguments, globalSize: [count.dividedRoundingUp(by: Self.tileRows) * Self.tileItems, heads],
            localSize: [Self.tileItems, 1])
    }
}
