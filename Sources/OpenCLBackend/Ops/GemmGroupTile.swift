/// The numbers of the kernels that stage tiles in local memory (`gemm/tile.cl`, `convolution/tile.cl`,
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
    let work: Int

    init(_ profile: DeviceProfile, rows m: Int, columns n: Int, batch: Int) {
        func groups(_ side: Int) -> Int { m.dividedRoundingUp(by: side) * n.dividedRoundingUp(by: side) * batch }
        let enough = 2 * max(profile.computeUnits, 1)
        let candidates: [(side: Int, work: Int, depth: Int)] = [(128, work: 8, depth: 16), (64, 4, 16), (32, 4, 16)]
        let fitting = candidates.filter { candidate in
            let side = candidate.side / candidate.work
            // Two staged tiles of floats, each row padded by four.
            let bytes = 8 * candidate.depth * (candidate.side + 4)
            return side * side <= profile.maximumWorkGroupSize && bytes <= profile.localMemory
        }
        let chosen = fitting.first { groups($0.side) >= enough } ?? fitting.last ?? (side: 8, work: 2, depth: 8)
        (rows, columns, work, depth) = (chosen.side, chosen.side, chosen.work, chosen.depth)
    }

    var localSize: [Int] { [columns / work, rows / work, 1] }

    func globalSize(rows m: Int, columns n: Int, batch: Int) -> [Int] {
        [n.dividedRoundingUp(by: columns) * localSize[0], m.dividedRoundingUp(by: rows) * localSize[1], batch]
    }

    var defines: [String: String] {
        ["TILE_M": "\(rows)", "TILE_N": "\(columns)", "TILE_K": "\(depth)", "WORK_M": "\(work)", "WORK_N": "\(work)"]
    }
}
