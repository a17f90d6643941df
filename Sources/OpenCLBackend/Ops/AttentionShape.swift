import Execution
import TensorGraph

/// The extents of an attention and the tuning values its kernels are built with.
struct AttentionShape {
    /// Heads of keys, of the whole batch.
    let heads: Int
    /// The rows of queries of a head: those of all heads that share its keys.
    let rows: Int
    let keys: Int
    let width: Int
    let extents: AttentionExtents
    private(set) var attributes: Attention
    private let biasStrides: [Int]
    private let profile: DeviceProfile
    private let values: TuningValues

    /// - Parameter operands: of the node, whose pass is that of the attributes.
    init(_ attributes: Attention, _ operands: [TensorType], _ profile: DeviceProfile) {
        extents = AttentionExtents(operands[0].shape, operands[1].shape)
        (heads, rows, keys, width) = (extents.heads, extents.rows, extents.keys, extents.width)
        self.attributes = attributes
        biasStrides =
            attributes.hasBias ? AttentionExtents.biasStrides(operands[attributes.biasOperand].shape) : []
        self.profile = profile
        let problem: TuningProblem = [
            .heads: heads, .queries: rows, .keys: keys, .width: width, .causal: attributes.isCausal ? 1 : 0,
        ]
        switch (profile.style, attributes.pass) {
        case (.gpu, _): values = [:]
        case (.cpu, .biasGradient): values = profile.tuningValues(.attention, problem)
        case (.cpu, .forward) where rows <= Self.fewQueries, (.cpu, .gradient) where rows <= Self.fewQueries:
            values = profile.tuningValues(.attentionFew, problem)
        case (.cpu, .forward): values = profile.tuningValues(.attention, problem)
        case (.cpu, .gradient): values = profile.tuningValues(.attentionGradient, problem)
        }
    }

    /// The same extents with other attributes.
    init(_ attributes: Attention, shape: AttentionShape) {
        self = shape
        self.attributes = attributes
    }

    var scale: Double { attributes.scale }

    // MARK: Masks (masks.cl)

    /// Whether rows have to be told which query of which head they are.
    private var isGroupedCausal: Bool { attributes.isCausal && extents.group > 1 }

    /// Whether nothing but a causal mask of one head's queries is asked for, which is all that kernels for matrix units do.
    var isPlain: Bool { !attributes.hasBias && !attributes.hasKeyLengths && !isGroupedCausal }

    /// Whether there are so many keys, or of a gradient queries, that their sums go by blocks.
    private var hasLongSums: Bool { longestSum > 4096 }

    /// The same on matrix units, whose results are rounded to 16 bits, and whose registers are all in use without blocks: of
    /// wide heads some are spilled.
    var hasLongSumsOnMatrixUnits: Bool { longestSum > 1 << 15 }

    private var longestSum: Int { max(keys, attributes.pass == .forward ? 0 : rows) }

    private var maskDefines: [String: String] {
        var defines = ["CAUSAL": attributes.isCausal ? "1" : "0"]
        if attributes.hasBias { defines["BIAS"] = "1" }
        if attributes.hasKeyLengths { defines["KEY_LENGTHS"] = "1" }
        if isGroupedCausal { defines["GROUPED"] = "1" }
        return defines
    }

    /// Of kernels in which one work-item or group goes through all keys.
    private var rowDefines: [String: String] {
        maskDefines.merging(["HEAD_WIDTH": "\(width)"].merging(hasLongSums ? ["LONG_SUMS": "1"] : [:]) { $1 }) { $1 }
    }

    /// What kernels take last.
    var maskArguments: [KernelArgument] {
        if isPlain { return [] }
        var arguments: [KernelArgument] = .int32s(extents.queries, extents.keyHeads)
        if attributes.hasBias {
            arguments.append(.operand(attributes.biasOperand))
            arguments += biasStrides[..<3].map { .uint64(UInt64($0)) } + [.int32(biasStrides[3])]
        }
        if attributes.hasKeyLengths { arguments.append(.operand(attributes.keyLengthsOperand)) }
        return arguments
    }

    /// q, k and v, and what the gradients read after them, without the masks.
    static let inputs: [KernelArgument] = [.operand(0), .operand(1), .operand(2)]
    var y: KernelArgument { .operand(attributes.yOperand) }
    var statistics: KernelArgument { .operand(attributes.statisticsOperand) }
    var cotangent: KernelArgument { .operand(attributes.cotangentOperand) }

    var unsupported: String? {
        let widest = profile.style == .cpu ? 1024 : 256
        if width > widest { return "heads wider than \(widest) are not done here" }
        if profile.style == .gpu && profile.maximumWorkGroupSize < Self.tileItems {
            return "work-groups of \(Self.tileItems) are needed"
        }
        return nil
    }

    /// How many work-items share a head, so that every compute unit has work.
    func shares(most: Int) -> Int {
        let wanted = values[.itemsPerUnit] * profile.computeUnits
        return heads >= wanted ? 1 : min(most, wanted.dividedRoundingUp(by: heads))
    }

    // MARK: Blocks of queries (columns.cl)

    static let columnFiles = KernelSpecification.vectorFiles + ["attention/masks.cl", "attention/columns.cl"]

    /// The keys of a block.
    var keyBlock: Int { values[.keys] }

    /// The queries of a block.
    var lanes: Int { values[.vectors] * values[.vectorWidth] }

    var columnDefines: [String: String] {
        values.defines(.vectorWidth, .vectors, .keys, .rows).merging(rowDefines) { $1 }
    }

    var outerDefines: [String: String] { values.defines(.outerRows, .outerVectors) }

    // MARK: Few queries (attention_few.cl)

    private static let fewQueries = 4

    var isFew: Bool { rows <= Self.fewQueries }

    /// Into how many parts the keys go: no more than a thousand or so to a part, whose sums go one by one.
    var splits: Int {
        max(shares(most: keys.dividedRoundingUp(by: values[.keys])), keys.dividedRoundingUp(by: 1024))
    }

    func fewKernel(_ name: String) -> KernelSpecification {
        KernelSpecification(
            name, files: KernelSpecification.vectorFiles + ["attention/masks.cl", "attention/attention_few.cl"],
            defines: values.defines(.vectorWidth)
                .merging(["HEAD_WIDTH": "\(width)", "MAX_QUERIES": "\(rows)"]) { $1 }.merging(maskDefines) { $1 })
    }

    // MARK: Tiles in local memory (attention_tiled.cl)

    /// The work-items of a group, and the queries or keys of its block.
    private static let tileItems = 128
    private static let tileRows = 32

    private static let tileColumns = 64

    /// Blocks of so many rows of every head.
    func tileLaunch(_ name: String, blocksOf count: Int, _ arguments: [KernelArgument]) -> KernelLaunch {
        KernelLaunch(
            tileKernel(name), arguments + .int32s(rows, keys) + [.float(scale)] + maskArguments,
            globalSize: [count.dividedRoundingUp(by: Self.tileRows) * Self.tileItems, heads],
            localSize: [Self.tileItems, 1])
    }

    /// Blocks of queries and keys of every result of the bias' gradient.
    func biasTileLaunch(_ sums: BiasSums, _ arguments: [KernelArgument]) -> KernelLaunch {
        KernelLaunch(
            tileKernel("attention_tiles_bias"),
            arguments + .int32s(rows, keys) + [.float(scale)] + sums.arguments + maskArguments,
            globalSize: [
                keys.dividedRoundingUp(by: Self.tileColumns) * Self.tileItems,
                extents.queries.dividedRoundingUp(by: Self.tileRows), sums.results,
            ], localSize: [Self.tileItems, 1, 1])
    }

    private func tileKernel(_ name: String) -> KernelSpecification {
        KernelSpecification(
            name, files: ["attention/masks.cl", "attention/attention_tiled.cl"],
            defines: rowDefines)
    }

    /// What the gradient of a bias `[entries, heads, …]` adds up.
    struct BiasSums {
        let results: Int
        let arguments: [KernelArgument]

        init(_ bias: Shape, _ extents: AttentionExtents) {
            results = bias[0] * bias[1]
            arguments = .int32s(
                bias[1], extents.batch / bias[0], extents.keyHeads * extents.group / bias[1])
        }
    }
}

extension TuningSpace {
    /// `attention/attention_vector.cl`: `rows` and `vectors` are the register tile of both products.
    static let attention = TuningSpace(
        "attention", .cpu, of: attentionExtents, columns,
        standard: { problem, profile in standardColumns(problem, profile) },
        constraint: { values, problem, profile in areColumns(values, problem, profile) })

    /// `attention/attention_gradient_vector.cl`: `outerRows` and `outerVectors` are the register tile of dk and dv.
    static let attentionGradient = TuningSpace(
        "attention-gradient", .cpu, of: attentionExtents,
        [
            .vectors: [1, 2, 3], .rows: [2, 4, 6, 8, 12], .keys: [24, 32, 48, 60, 64, 96, 120, 128],
            .outerRows: [2, 4, 6, 8], .outerVectors: [1, 2, 3, 4], .itemsPerUnit: [1, 2, 4, 8],
            .vectorWidth: [4, 8, 16],
        ],
        standard: { problem, profile in
            let vectors = problem[.width].dividedRoundingUp(by: profile.vectorWidth)
            let most = profile.vectorWidth == 16 ? 4 : 2
            return standardColumns(problem, profile).with(.outerRows, 4)
                .with(.outerVectors, (1...most).last { vectors % $0 == 0 } ?? 1)
        },
        constraint: { values, problem, profile in
            areColumns(values, problem, profile) && values[.keys] % values[.outerRows] == 0
                && problem[.width].dividedRoundingUp(by: values[.vectorWidth]) % values[.outerVectors] == 0
                && profile.holdsTile(rows: values[.outerRows], vectors: values[.outerVectors])
        })

    private static let attentionExtents: [TuningProblem.Extent] = [.heads, .queries, .keys, .width, .causal]

    private static let columns: KeyValuePairs<TuningParameter, [Int]> = [
        .vectors: [1, 2, 3], .rows: [2, 4, 6, 8, 12], .keys: [24, 32, 48, 60, 64, 96, 120, 128],
        .itemsPerUnit: [1, 2, 4, 8], .vectorWidth: [4, 8, 16],
    ]

    /// 16 of the 32 registers of AVX-512 hold sums, 12 of the 16 of AVX2. Wide heads take half the queries, to keep the
    /// columns of a block in the first-level cache.
    private static func standardColumns(_ problem: TuningProblem, _ profile: DeviceProfile) -> TuningValues {
        let (lanes, isWide) = (profile.vectorWidth, profile.vectorWidth == 16)
        return [
            .vectors: problem[.queries] <= lanes || problem[.width] > 128 ? 1 : 2, .rows: isWide ? 8 : 6,
            .keys: isWide ? 64 : 60, .itemsPerUnit: 2, .vectorWidth: lanes,
        ]
    }

    private static func areColumns(
        _ values: TuningValues, _ problem: TuningProblem, _ profile: DeviceProfile
    ) -> Bool {
        // The columns of q and y, the weights, and in the gradient the rows of both operands.
        let floats = values[.vectorWidth] * values[.vectors] * (2 * values[.keys] + 4 * problem[.width])
        return values[.vectorWidth] <= profile.vectorWidth && values[.keys] % values[.rows] == 0
            && profile.holdsTile(rows: values[.rows], vectors: values[.vectors]) && 4 * floats <= 512 << 10
    }

    /// `attention/attention_few.cl`: `keys` is the fewest keys of a split.
    static let attentionFew = TuningSpace(
        "attention-few", .cpu, of: attentionExtents,
        [.itemsPerUnit: [1, 2, 4, 8], .keys: [16, 32, 64, 128, 256], .vectorWidth: [1, 2, 4, 8, 16]],
        standard: { problem, profile in
            [
                .itemsPerUnit: 2, .keys: 64,
                .vectorWidth: [16, 8, 4, 2].first { $0 <= profile.vectorWidth && problem[.width] % $0 == 0 } ?? 1,
            ]
        },
        constraint: { values, problem, profile in
            values[.vectorWidth] <= profile.vectorWidth && problem[.width] % values[.vectorWidth] == 0
        })
}
