/// The tuning values of the kernels that stage tiles in local memory (`gemm/tile.cl`, `convolution/tile.cl`,
/// `convolution/weight_gradient_tile.cl`): a work-group makes a tile of `rows` × `columns`.
///
/// 128 × 128 with 8 × 8 a work-item is where the published ladders of GEMM on a GPU end up; smaller tiles keep more
/// work-groups in flight where the product is small.
struct GroupTile {
    let rows: Int
    let columns: Int
    /// Steps of k staged at a time.
    let depth: Int
    /// Rows and columns of a work-item.
    let workRows: Int
    let workColumns: Int
    let defines: [String: String]

    /// The most products that are added to one another, without LONG_SUMS: of equal ones, the sum is 3e-4 off.
    static let longSum = 1 << 14

    init(_ values: TuningValues) {
        (rows, columns, depth) = (values[.rows], values[.columns], values[.depth])
        (workRows, workColumns) = (values[.workRows], values[.workColumns])
        defines = values.defines(.rows, .columns, .depth, .workRows, .workColumns)
    }

    /// The values where nothing was measured: the largest tile that still gives every compute unit two work-groups.
    static func standard(_ profile: DeviceProfile, rows m: Int, columns n: Int, batch: Int) -> TuningValues {
        func groups(_ side: Int) -> Int { m.dividedRoundingUp(by: side) * n.dividedRoundingUp(by: side) * batch }
        let enough = 2 * max(profile.computeUnits, 1)
        let candidates = [(side: 128, work: 8, depth: 16), (64, 4, 16), (32, 4, 16), (8, 2, 8)]
            .map { (side: $0.side, values: square($0.side, work: $0.work, depth: $0.depth)) }
        let fitting = candidates.dropLast().filter { isPossible($0.values, profile) }
        return (fitting.first { groups($0.side) >= enough } ?? fitting.last ?? candidates[3]).values
    }

    private static func square(_ side: Int, work: Int, depth: Int) -> TuningValues {
        [.rows: side, .columns: side, .depth: depth, .workRows: work, .workColumns: work]
    }

    static let dimensions: KeyValuePairs<TuningParameter, [Int]> = [
        .rows: [8, 16, 32, 64, 128, 256], .columns: [8, 16, 32, 64, 128, 256], .workRows: [2, 4, 8],
        .workColumns: [2, 4, 8], .depth: [8, 16, 32],
    ]

    /// Whether the work-group and its staged tiles exist there, and the staged tiles can be dealt out evenly.
    static func isPossible(_ values: TuningValues, _ profile: DeviceProfile) -> Bool {
        let tile = GroupTile(values)
        guard tile.rows >= tile.workRows, tile.columns >= tile.workColumns else { return false }
        let items = tile.localSize[0] * tile.localSize[1]
        // Two staged tiles of floats, each row padded by four.
        let bytes = 4 * tile.depth * (tile.rows + tile.columns + 8)
        // What a work-item holds in registers while the tiles before are multiplied. With more, the registers of GPUs
        // spill, and PoCL 3.1 was seen to give wrong results.
        let reads = tile.depth * (tile.rows + tile.columns) / items
        return items <= profile.maximumWorkGroupSize && bytes <= profile.localMemory && reads <= 16
            && tile.rows * tile.depth % items == 0 && tile.columns * tile.depth % items == 0
    }

    var localSize: [Int] { [columns / workColumns, rows / workRows, 1] }

    func globalSize(rows m: Int, columns n: Int, batch: Int) -> [Int] {
        [n.dividedRoundingUp(by: columns) * localSize[0], m.dividedRoundingUp(by: rows) * localSize[1], batch]
    }
}
