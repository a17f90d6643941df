import CVector
import TensorGraph

extension CPULowering {
    func attention(_ attributes: Attention) throws -> CPUKernel {
        let geometry = AttentionGeometry(attributes, q: shape(0), k: shape(1), type: type)
        return switch attributes.pass {
        case .forward: geometry.forward()
        case .gradient: geometry.gradient()
        }
    }
}

/// Attention head by head in blocks of queries: the scores of one block against all keys are all that is ever in memory.
struct AttentionGeometry {
    let attributes: Attention
    let heads, sq, sk, d: Int
    let type: cv_type
    let size: Int

    init(_ attributes: Attention, q: Shape, k: Shape, type: cv_type) {
        self.attributes = attributes
        (heads, sq, sk, d) = (q[0] * q[1], q[2], k[2], q[3])
        self.type = type
        size = Int(cv_type_size(type))
    }

    private var width: Int { Int(cv_tile_columns(type)) }
    /// Queries a block: a multiple of the tile's rows, few enough for their scores to stay in the cache.
    private var block: Int { min(sq, max(Int(cv_tile_rows(type)), min(60, 65_536 / sk / 12 * 12))) }
    private var keyPanels: Int { (sk.rounded(to: width) * d * size).rounded(to: 64) }
    private var depthPanels: Int { (d.rounded(to: width) * sk * size).rounded(to: 64) }

    /// How many keys the queries up to `end` see.
    private func seen(_ end: Int) -> Int { attributes.isCausal ? min(sk, end) : sk }

    private func gemm(
        _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, m: Int, n: Int, k: Int, aRow: Int,
        bRow: Int, bColumn: Int, cRow: Int
    ) -> cv_gemm {
        cv_gemm(
            type: type, m: Int64(m), n: Int64(n), k: Int64(k), a: a, a_row: Int64(aRow), a_column: 1, b: b,
            b_row: Int64(bRow), b_column: Int64(bColumn), c: c, c_row: Int64(cRow), column_bias: nil, activation: -1,
            accumulate: 0)
    }

    func forward() -> CPUKernel {
        // A query or two read keys and values in place; more are worth packing them, for all blocks of the head.
        let isThin = sq <= 2
        // With fewer heads than threads a head's blocks are shared out too, and packed once a share.
        let blocks = sq.dividedUp(by: block)
        let shares = min(blocks, heads >= 2 * Parallel.workers ? 1 : (2 * Parallel.workers).dividedUp(by: heads))
        let scores = (block * sk * size).rounded(to: 64)
        let sumRow = (block * size).rounded(to: 64)
        let scratch = scores + sumRow + (isThin ? 0 : keyPanels + depthPanels)
        return CPUKernel("\(block) queries a block", workspaces: [scratch * Parallel.workers]) { places in
            Parallel.run(heads * shares, grain: max(1, 500_000 / (sq * sk * d / shares + 1))) { worker, range in
                let scoreBlock = places.workspaces[0] + worker * scratch
                let sums = scoreBlock + scores
                let keys = sums + sumRow
                let values = keys + keyPanels
                for index in range {
                    let (head, share) = (index / shares, index % shares)
                    let k = places.operands[1] + head * sk * d * size
                    let v = places.operands[2] + head * sk * d * size
                    if !isThin {
                        cv_pack(type, k, 1, Int64(d), Int64(d), Int64(sk), keys)
                        cv_pack(type, v, Int64(d), 1, Int64(sk), Int64(d), values)
                    }
                    for part in (blocks * share / shares)..<(blocks * (share + 1) / shares) {
                        let first = part * block
                        let rows = min(block, sq - first)
                        let columns = seen(first + rows)
                        let y = places.results[0] + (head * sq + first) * d * size
                        let q = places.operands[0] + (head * sq + first) * d * size
                        if isThin {
                            var product = gemm(
                                q, k, scoreBlock, m: rows, n: columns, k: d, aRow: d, bRow: 1, bColumn: d, cRow: sk
                            )
                            cv_gemv_part(&product, 0, Int64(columns))
                        } else {
                            cv_multiply_panels(
                                type, Int64(rows), Int64(columns), Int64(d), q, Int64(d), 1, keys,
                                Int64(d * width), scoreBlock, Int64(sk), 0)
                        }
                        cv_attention_rows(
                            type, scoreBlock, Int64(sk), Int64(rows), Int64(columns),
                            Int64(attributes.isCausal ? first + 1 : columns), attributes.isCausal ? 1 : 0,
                            attributes.scale, sums, places.results[1] + 2 * (head * sq + first) * size)
                        if isThin {
                            var product = gemm(
                                scoreBlock, v, y, m: rows, n: d, k: columns, aRow: sk, bRow: d, bColumn: 1, cRow: d)
                            cv_gemv_part(&product, 0, Int64(d))
                        } else {
                            multiplyDeep(scoreBlock, values, y, rows: rows, keys: columns)
                        }
                        cv_attention_divide(type, y, sums, Int64(rows), Int64(d))
                    }
                }
            }
        }
    }

    /// target [rows, d] = scores [rows, keys] · panels of [sk, d], a cached depth at a time.
    private func multiplyDeep(
        _ scores: UnsafeRawPointer, _ panels: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, rows: Int, keys: Int
    ) {
        let depth = Int(cv_tile_depth())
        for start in stride(from: 0, to: keys, by: depth) {
            cv_multiply_panels(
                type, Int64(rows), Int64(d), Int64(min(depth, keys - start)), scores + start * size, Int64(sk), 1,
                panels + start * width * size, Int64(sk * width), target, Int64(d), start == 0 ? 0 : 1)
        }
    }

    func gradient() -> CPUKernel {
        let blocks = sq.dividedUp(by: block)
        let scores = (block * sk * size).rounded(to: 64)
        let rowPanels = (block * d.rounded(to: width) * size).rounded(to: 64)
        let scratch = 2 * scores + 2 * rowPanels + 2 * keyPanels + depthPanels
        return CPUKernel("\(block) queries a block", workspaces: [scratch * Parallel.workers]) { places in
            Parallel.run(heads, grain: max(1, 200_000 / (sq * sk * d))) { worker, range in
                let p = places.workspaces[0] + worker * scratch
                let dp = p + scores
                let queryPanels = dp + scores
                let cotangentPanels = queryPanels + rowPanels
                let keyColumns = cotangentPanels + rowPanels
                let valueColumns = keyColumns + keyPanels
                let keyRows = valueColumns + keyPanels
                for head in range {
                    let (ofQueries, ofKeys) = (head * sq * d * size, head * sk * d * size)
                    let (k, v) = (places.operands[1] + ofKeys, places.operands[2] + ofKeys)
                    let (dk, dv) = (places.results[1] + ofKeys, places.results[2] + ofKeys)
                    cv_pack(type, k, 1, Int64(d), Int64(d), Int64(sk), keyColumns)
                    cv_pack(type, v, 1, Int64(d), Int64(d), Int64(sk), valueColumns)
                    cv_pack(type, k, Int64(d), 1, Int64(sk), Int64(d), keyRows)
                    dk.initializeMemory(as: UInt8.self, repeating: 0, count: sk * d * size)
                    dv.initializeMemory(as: UInt8.self, repeating: 0, count: sk * d * size)
                    for part in 0..<blocks {
                        let first = part * block
                        let rows = min(block, sq - first)
                        let columns = seen(first + rows)
                        let offset = ofQueries + first * d * size
                        let (q, dy) = (places.operands[0] + offset, places.operands[5] + offset)
                        func scores(_ a: UnsafeRawPointer, _ panels: UnsafeRawPointer, _ c: UnsafeMutableRawPointer) {
                            cv_multiply_panels(
                                type, Int64(rows), Int64(columns), Int64(d), a, Int64(d), 1, panels, Int64(d * width),
                                c,
                                Int64(sk), 0)
                        }
                        scores(q, keyColumns, p)
                        scores(dy, valueColumns, dp)
                        cv_attention_back(
                            type, p, dp, Int64(sk), Int64(rows), Int64(columns),
                            Int64(attributes.isCausal ? first + 1 : columns), attributes.isCausal ? 1 : 0,
                            attributes.scale)
                        multiplyDeep(dp, keyRows, places.results[0] + offset, rows: rows, keys: columns)
                        // dv += pᵀ · dy, dk += scale · dsᵀ · q.
                        cv_pack(type, dy, Int64(d), 1, Int64(rows), Int64(d), cotangentPanels)
                        cv_pack(type, q, Int64(d), 1, Int64(rows), Int64(d), queryPanels)
                        cv_multiply_panels(
                            type, Int64(columns), Int64(d), Int64(rows), p, 1, Int64(sk), cotangentPanels,
                            Int64(rows * width), dv, Int64(d), 1)
                        cv_multiply_panels(
                            type, Int64(columns), Int64(d), Int64(rows), dp, 1, Int64(sk), queryPanels,
                            Int64(rows * width), dk, Int64(d), 1)
                    }
                }
            }
        }
    }
}
