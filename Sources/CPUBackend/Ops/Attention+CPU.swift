import CVector
import TensorGraph

extension CPULowering {
    func attention(_ attributes: Attention) throws -> CPUKernel {
        let bias = attributes.hasBias ? shape(attributes.biasOperand) : nil
        let geometry = AttentionGeometry(attributes, q: shape(0), k: shape(1), bias: bias, type: type)
        return switch attributes.pass {
        case .forward: geometry.forward()
        case .gradient: geometry.gradient()
        case .biasGradient: geometry.biasGradient(summed: shape(attributes.biasOperand))
        }
    }
}

/// Attention head by head in blocks of queries: the scores of one block against all keys are all that is ever in memory.
///
/// A head is one of keys; the queries of all heads that share it are its rows.
struct AttentionGeometry {
    let attributes: Attention
    let extents: AttentionExtents
    let heads, rows, sk, d: Int
    let biasStrides: [Int]
    let type: cv_type
    let size: Int

    init(_ attributes: Attention, q: Shape, k: Shape, bias: Shape?, type: cv_type) {
        self.attributes = attributes
        extents = AttentionExtents(q, k)
        (heads, rows, sk, d) = (extents.heads, extents.rows, extents.keys, extents.width)
        biasStrides = bias.map(AttentionExtents.biasStrides) ?? []
        self.type = type
        size = Int(cv_type_size(type))
    }

    private var width: Int { Int(cv_tile_columns(type)) }
    /// Queries a block: a multiple of the tile's rows, few enough for their scores to stay in the cache.
    private var block: Int { min(rows, max(Int(cv_tile_rows(type)), min(60, 65_536 / sk / 12 * 12))) }
    private var keyPanels: Int { (sk.rounded(to: width) * d * size).rounded(to: 64) }
    private var depthPanels: Int { (d.rounded(to: width) * sk * size).rounded(to: 64) }

    /// Whether a query may see less than all keys: then nothing that it does not see may come through.
    private var isMasked: Bool { attributes.isCausal || attributes.hasBias || attributes.hasKeyLengths }

    /// How many keys, from the first, row `row` of a head sees.
    private func seen(_ places: Places, _ head: Int, _ row: Int) -> Int {
        var seen = sk
        if attributes.hasKeyLengths {
            let lengths = places.operands[attributes.keyLengthsOperand].assumingMemoryBound(to: Int32.self)
            seen = min(max(Int(lengths[head / extents.keyHeads]), 0), sk)
        }
        return attributes.isCausal ? min(row % extents.queries + 1, seen) : seen
    }

    /// How many keys, from the first, any of these rows sees.
    private func seen(_ places: Places, _ head: Int, _ rows: Range<Int>) -> Int {
        attributes.isCausal
            ? rows.reduce(0) { max($0, seen(places, head, $1)) } : seen(places, head, rows.lowerBound)
    }

    /// A row of scores against the first `columns` keys.
    private func row(_ places: Places, _ head: Int, _ row: Int, columns: Int) -> cv_attention_row {
        var bias: UnsafeRawPointer?
        if attributes.hasBias {
            let (n, h) = (head / extents.keyHeads, head % extents.keyHeads * extents.group + row / extents.queries)
            let offset = n * biasStrides[0] + h * biasStrides[1] + row % extents.queries * biasStrides[2]
            bias = places.operands[attributes.biasOperand] + offset * size
        }
        return cv_attention_row(
            columns: Int64(columns), seen: Int64(seen(places, head, row)), bias: bias,
            bias_step: Int64(attributes.hasBias ? biasStrides[3] : 0), scale: attributes.scale)
    }

    private func gemm(
        _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, m: Int, n: Int, k: Int, aRow: Int,
        bRow: Int, bColumn: Int, cRow: Int
    ) -> cv_gemm {
        cv_gemm(
            type: type, m: Int64(m), n: Int64(n), k: Int64(k), a: a, a_row: Int64(aRow), a_column: 1, b: b,
            b_row: Int64(bRow), b_column: Int64(bColumn), c: c, c_row: Int64(cRow), column_bias: nil, activation: -1,
            accumulate: 0)
    }

    private func clear(_ target: UnsafeMutableRawPointer, _ elements: Int) {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: elements * size)
    }

    /// Whether a product whose unseen terms must not come through is as it should be.
    private func isClean(_ x: UnsafeRawPointer, _ elements: Int) -> Bool {
        !isMasked || cv_all_finite(type, x, Int64(elements)) != 0
    }

    func forward() -> CPUKernel {
        // A query or two read keys and values in place; more are worth packing them, for all blocks of the head.
        let isThin = rows <= 2
        // With fewer heads than threads a head's blocks are shared out too, and packed once a share.
        let blocks = rows.dividedRoundingUp(by: block)
        let shares = min(
            blocks, heads >= 2 * Parallel.workers ? 1 : (2 * Parallel.workers).dividedRoundingUp(by: heads))
        let scores = (block * sk * size).rounded(to: 64)
        let sumRow = (block * size).rounded(to: 64)
        let scratch = scores + sumRow + (isThin ? 0 : keyPanels + depthPanels)
        return CPUKernel("\(block) queries a block", workspaces: [scratch * Parallel.workers]) { places in
            Parallel.run(heads * shares, grain: max(1, 500_000 / (rows * sk * d / shares + 1))) { worker, range in
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
                        let count = min(block, rows - first)
                        let columns = seen(places, head, first..<(first + count))
                        let y = places.results[0] + (head * rows + first) * d * size
                        let statistics = places.results[1] + 2 * (head * rows + first) * size
                        let q = places.operands[0] + (head * rows + first) * d * size
                        if columns == 0 {
                            clear(y, count * d)
                            clear(statistics, 2 * count)
                            continue
                        }
                        if isThin {
                            var product = gemm(
                                q, k, scoreBlock, m: count, n: columns, k: d, aRow: d, bRow: 1, bColumn: d, cRow: sk
                            )
                            cv_gemv_part(&product, 0, Int64(columns))
                        } else {
                            cv_multiply_panels(
                                type, Int64(count), Int64(columns), Int64(d), q, Int64(d), 1, keys,
                                Int64(d * width), scoreBlock, Int64(sk), 0)
                        }
                        for i in 0..<count {
                            var row = row(places, head, first + i, columns: columns)
                            cv_attention_weights(
                                type, &row, scoreBlock + i * sk * size, sums + i * size, statistics + 2 * i * size)
                        }
                        if isThin {
                            var product = gemm(
                                scoreBlock, v, y, m: count, n: d, k: columns, aRow: sk, bRow: d, bColumn: 1, cRow: d)
                            cv_gemv_part(&product, 0, Int64(d))
                        } else {
                            multiplyDeep(scoreBlock, values, y, rows: count, keys: columns)
                        }
                        if !isClean(y, count * d) { multiplySeen(scoreBlock, v, y, rows: count, keys: columns) }
                        cv_attention_divide(type, y, sums, Int64(count), Int64(d))
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

    /// The same of [sk, d] as it lies there, without what has no weight.
    private func multiplySeen(
        _ scores: UnsafeRawPointer, _ x: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, rows: Int, keys: Int
    ) {
        clear(target, rows * d)
        cv_attention_add(type, scores, Int64(sk), 1, x, target, Int64(rows), Int64(keys), Int64(d))
    }

    /// target [keys, d] += scoresᵀ · x [rows, d].
    private func addTransposed(
        _ scores: UnsafeRawPointer, _ x: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, rows: Int, keys: Int,
        panels: UnsafeMutableRawPointer
    ) {
        guard isClean(x, rows * d) else {
            cv_attention_add(type, scores, 1, Int64(sk), x, target, Int64(keys), Int64(rows), Int64(d))
            return
        }
        cv_pack(type, x, Int64(d), 1, Int64(rows), Int64(d), panels)
        cv_multiply_panels(
            type, Int64(keys), Int64(d), Int64(rows), scores, 1, Int64(sk), panels, Int64(rows * width), target,
            Int64(d), 1)
    }

    /// Of the rows from `first` on: p and, times `factor`, ds.
    private func slopes(
        _ places: Places, head: Int, first: Int, count: Int, columns: Int, factor: Double, keyColumns: UnsafeRawPointer,
        valueColumns: UnsafeRawPointer, _ p: UnsafeMutableRawPointer, _ ds: UnsafeMutableRawPointer
    ) {
        let offset = (head * rows + first) * d * size
        let operands = [(0, keyColumns, p), (attributes.cotangentOperand, valueColumns, ds)]
        for (operand, panels, target) in operands {
            cv_multiply_panels(
                type, Int64(count), Int64(columns), Int64(d), places.operands[operand] + offset, Int64(d), 1, panels,
                Int64(d * width), target, Int64(sk), 0)
        }
        for i in 0..<count {
            var row = row(places, head, first + i, columns: columns)
            cv_attention_back(type, &row, factor, p + i * sk * size, ds + i * sk * size)
        }
    }

    func gradient() -> CPUKernel {
        let blocks = rows.dividedRoundingUp(by: block)
        let scores = (block * sk * size).rounded(to: 64)
        let rowPanels = (block * d.rounded(to: width) * size).rounded(to: 64)
        let scratch = 2 * scores + rowPanels + 2 * keyPanels + depthPanels
        return CPUKernel("\(block) queries a block", workspaces: [scratch * Parallel.workers]) { places in
            Parallel.run(heads, grain: max(1, 200_000 / (rows * sk * d))) { worker, range in
                let p = places.workspaces[0] + worker * scratch
                let ds = p + scores
                let panels = ds + scores
                let keyColumns = panels + rowPanels
                let valueColumns = keyColumns + keyPanels
                let keyRows = valueColumns + keyPanels
                for head in range {
                    let ofKeys = head * sk * d * size
                    let (k, v) = (places.operands[1] + ofKeys, places.operands[2] + ofKeys)
                    let (dk, dv) = (places.results[1] + ofKeys, places.results[2] + ofKeys)
                    cv_pack(type, k, 1, Int64(d), Int64(d), Int64(sk), keyColumns)
                    cv_pack(type, v, 1, Int64(d), Int64(d), Int64(sk), valueColumns)
                    cv_pack(type, k, Int64(d), 1, Int64(sk), Int64(d), keyRows)
                    clear(dk, sk * d)
                    clear(dv, sk * d)
                    for part in 0..<blocks {
                        let first = part * block
                        let count = min(block, rows - first)
                        let columns = seen(places, head, first..<(first + count))
                        let offset = (head * rows + first) * d * size
                        let dq = places.results[0] + offset
                        if columns == 0 {
                            clear(dq, count * d)
                            continue
                        }
                        slopes(
                            places, head: head, first: first, count: count, columns: columns, factor: attributes.scale,
                            keyColumns: keyColumns, valueColumns: valueColumns, p, ds)
                        multiplyDeep(ds, keyRows, dq, rows: count, keys: columns)
                        if !isClean(dq, count * d) { multiplySeen(ds, k, dq, rows: count, keys: columns) }
                        let (q, dy) = (
                            places.operands[0] + offset, places.operands[attributes.cotangentOperand] + offset
                        )
                        addTransposed(p, dy, dv, rows: count, keys: columns, panels: panels)
                        addTransposed(ds, q, dk, rows: count, keys: columns, panels: panels)
                    }
                }
            }
        }
    }

    /// ds of each query head, added up over those batch entries and heads that share a bias, in their order.
    func biasGradient(summed bias: Shape) -> CPUKernel {
        let (queries, queryHeads) = (extents.queries, extents.keyHeads * extents.group)
        let block = min(queries, block)
        let blocks = queries.dividedRoundingUp(by: block)
        let scores = (block * sk * size).rounded(to: 64)
        let scratch = 2 * scores + 2 * keyPanels
        // The entries and heads that one result is the sum of.
        let (summedEntries, summedHeads) = (extents.batch / bias[0], queryHeads / bias[1])
        let work = block * sk * d * summedEntries * summedHeads
        return CPUKernel("\(block) queries a block", workspaces: [scratch * Parallel.workers]) { places in
            Parallel.run(bias[0] * bias[1] * blocks, grain: max(1, 200_000 / work)) { worker, range in
                let p = places.workspaces[0] + worker * scratch
                let ds = p + scores
                let keyColumns = ds + scores
                let valueColumns = keyColumns + keyPanels
                for index in range {
                    let (result, first) = (index / blocks, index % blocks * block)
                    let count = min(block, queries - first)
                    let target = places.results[0] + (result * queries + first) * sk * size
                    clear(target, count * sk)
                    for summed in 0..<(summedEntries * summedHeads) {
                        let n = bias[0] == 1 ? summed / summedHeads : result / bias[1]
                        let h = bias[1] == 1 ? summed % summedHeads : result % bias[1]
                        let head = n * extents.keyHeads + h / extents.group
                        let row = h % extents.group * queries + first
                        let columns = seen(places, head, row..<(row + count))
                        if columns == 0 { continue }
                        let ofKeys = head * sk * d * size
                        cv_pack(type, places.operands[1] + ofKeys, 1, Int64(d), Int64(d), Int64(sk), keyColumns)
                        cv_pack(type, places.operands[2] + ofKeys, 1, Int64(d), Int64(d), Int64(sk), valueColumns)
                        slopes(
                            places, head: head, first: row, count: count, columns: columns, factor: 1,
                            keyColumns: keyColumns, valueColumns: valueColumns, p, ds)
                        for i in 0..<count {
                            let (sum, slope) = (target + i * sk * size, ds + i * sk * size)
                            cv_binary(type, CV_ADD, sum, 1, slope, 1, sum, Int64(columns))
                        }
                    }
                }
            }
        }
    }
}
