import Execution
import TensorGraph

/// The extents of an attention and the numbers its kernels are built with.
struct AttentionShape {
    let heads: Int
    let queries: Int
    let keys: Int
    let width: Int
    private(set) var isCausal: Bool
    private(set) var scale: Double
    private let profile: DeviceProfile
    private let numbers: TuningValues

    /// - Parameter isGradient: whether these are the numbers of the backward pass.
    init(_ attributes: Attention, _ q: Shape, _ k: Shape, _ profile: DeviceProfile, isGradient: Bool = false) {
        heads = q[0] * q[1]
        queries = q[2]
        keys = k[2]
        width = q[3]
        isCausal = attributes.isCausal
        scale = attributes.scale
        self.profile = profile
        let problem: TuningProblem = [
            "heads": heads, "queries": queries, "keys": keys, "width": width, "causal": isCausal ? 1 : 0,
        ]
        switch profile.shape {
        case .cpu where queries <= Self.fewQueries: numbers = profile.numbers(.attentionFew, problem)
        case .cpu: numbers = profile.numbers(isGradient ? .attentionGradient : .attention, problem)
        case .gpu: numbers = [:]
        }
    }

    /// The same extents with other attributes.
    init(_ attributes: Attention, shape: AttentionShape) {
        self = shape
        isCausal = attributes.isCausal
        scale = attributes.scale
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
        let wanted = numbers[.itemsPerUnit] * profile.computeUnits
        return heads >= wanted ? 1 : min(most, wanted.dividedRoundingUp(by: heads))
    }

    // MARK: Blocks of queries (columns.cl)

    static let columnFiles = KernelSpecification.vectorFiles + ["attention/columns.cl"]

    var keyBlock: Int { numbers[.keys] }

    /// The queries of a block.
    var lanes: Int { numbers[.vectors] * numbers[.lanes] }

    var columnDefines: [String: String] {
        [
            "VECTOR_WIDTH": "\(numbers[.lanes])", "HEAD_WIDTH": "\(width)", "QUERY_VECTORS": "\(numbers[.vectors])",
            "KEY_BLOCK": "\(keyBlock)", "ROWS": "\(numbers[.rows])", "CAUSAL": isCausal ? "1" : "0",
        ]
    }

    var outerDefines: [String: String] {
        ["OUTER_ROWS": "\(numbers[.outerRows])", "OUTER_VECTORS": "\(numbers[.outerVectors])"]
    }

    // MARK: Few queries (attention_few.cl)

    private static let fewQueries = 4

    var isFew: Bool { queries <= Self.fewQueries }

    /// Into how many parts the keys go.
    var splits: Int { shares(most: keys.dividedRoundingUp(by: numbers[.keys])) }

    func fewKernel(_ name: String) -> KernelSpecification {
        KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["attention/attention_few.cl"],
            defines: [
                "VECTOR_WIDTH": "\(numbers[.lanes])", "HEAD_WIDTH": "\(width)", "MAX_QUERIES": "\(queries)",
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

extension TuningSpace {
    /// `attention/attention_vector.cl`: `rows` and `vectors` are the register tile of both products.
    static let attention = TuningSpace(
        "attention", .cpu, columns, standard: { problem, profile in standardColumns(problem, profile) },
        constraint: { values, problem, profile in areColumns(values, problem, profile) })

    /// `attention/attention_gradient_vector.cl`: `outerRows` and `outerVectors` are the register tile of dk and dv.
    static let attentionGradient = TuningSpace(
        "attention-gradient", .cpu,
        [
            .vectors: [1, 2, 3], .rows: [2, 4, 6, 8, 12], .keys: [24, 32, 48, 60, 64, 96, 120, 128],
            .outerRows: [2, 4, 6, 8], .outerVectors: [1, 2, 3, 4], .itemsPerUnit: [1, 2, 4, 8], .lanes: [4, 8, 16],
        ],
        standard: { problem, profile in
            let vectors = problem["width"].dividedRoundingUp(by: profile.vectorWidth)
            let most = profile.vectorWidth == 16 ? 4 : 2
            return standardColumns(problem, profile).with(.outerRows, 4)
                .with(.outerVectors, (1...most).last { vectors % $0 == 0 } ?? 1)
        },
        constraint: { values, problem, profile in
            areColumns(values, problem, profile) && values[.keys] % values[.outerRows] == 0
                && problem["width"].dividedRoundingUp(by: values[.lanes]) % values[.outerVectors] == 0
                && profile.holdsTile(rows: values[.outerRows], vectors: values[.outerVectors])
        })

    private static let columns: KeyValuePairs<TuningParameter, [Int]> = [
        .vectors: [1, 2, 3], .rows: [2, 4, 6, 8, 12], .keys: [24, 32, 48, 60, 64, 96, 120, 128],
        .itemsPerUnit: [1, 2, 4, 8], .lanes: [4, 8, 16],
    ]

    /// 16 of the 32 registers of AVX-512 hold sums, 12 of the 16 of AVX2. Wide heads take half the queries, to keep the
    /// columns of a block in the first-level cache.
    private static func standardColumns(_ problem: TuningProblem, _ profile: DeviceProfile) -> TuningValues {
        let (lanes, isWide) = (profile.vectorWidth, profile.vectorWidth == 16)
        return [
            .vectors: problem["queries"] <= lanes || problem["width"] > 128 ? 1 : 2, .rows: isWide ? 8 : 6,
            .keys: isWide ? 64 : 60, .itemsPerUnit: 2, .lanes: lanes,
        ]
    }

    private static func areColumns(
        _ values: TuningValues, _ problem: TuningProblem, _ profile: DeviceProfile
    ) -> Bool {
        // The columns of q and y, the weights, and in the gradient the rows of both operands.
        let floats = values[.lanes] * values[.vectors] * (2 * values[.keys] + 4 * problem["width"])
        return values[.lanes] <= profile.vectorWidth && values[.keys] % values[.rows] == 0
            && profile.holdsTile(rows: values[.rows], vectors: values[.vectors]) && 4 * floats <= 512 << 10
    }

    /// `attention/attention_few.cl`: `keys` is the fewest keys of a split.
    static let attentionFew = TuningSpace(
        "attention-few", .cpu,
        [.itemsPerUnit: [1, 2, 4, 8], .keys: [16, 32, 64, 128, 256], .lanes: [1, 2, 4, 8, 16]],
        standard: { problem, profile in
            [
                .itemsPerUnit: 2, .keys: 64,
                .lanes: [16, 8, 4, 2].first { $0 <= profile.vectorWidth && problem["width"] % $0 == 0 } ?? 1,
            ]
        },
        constraint: { values, problem, profile in
            values[.lanes] <= profile.vectorWidth && problem["width"] % values[.lanes] == 0
        })
}
