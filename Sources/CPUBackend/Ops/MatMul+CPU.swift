import COpenBLAS
import CVector
import Execution
import TensorGraph

extension CPULowering {
    func matMul(_ attributes: MatMul) throws -> CPUKernel {
        let extents = MatMulExtents(attributes, shape(0), shape(1))
        let (m, n, k) = (extents.m, extents.n, extents.k)
        let (type, size) = (type, size)
        let hasBias = node.operandTypes.count == 3
        let activation = attributes.activation.map { Int32(cv_unary_function($0).rawValue) } ?? -1
        let strides = (
            a: attributes.transposeA ? (1, m) : (k, 1), b: attributes.transposeB ? (1, k) : (n, 1)
        )
        func product(_ places: Places, _ batch: Int) -> cv_gemm {
            cv_gemm(
                type: type, m: Int64(m), n: Int64(n), k: Int64(k),
                a: places.operands[0] + extents.aEntry(batch) * m * k * size,
                a_row: Int64(strides.a.0), a_column: Int64(strides.a.1),
                b: places.operands[1] + extents.bEntry(batch) * k * n * size, b_row: Int64(strides.b.0),
                b_column: Int64(strides.b.1), c: places.results[0] + batch * m * n * size, c_row: Int64(n),
                column_bias: hasBias ? places.operands[2] : nil, activation: activation, accumulate: 0)
        }
        // A row or two of a: the time goes into reading b, which is read in place.
        if m <= 2, k > 1, !attributes.transposeA || m == 1 {
            let piece = attributes.transposeB ? 64 : 512
            let pieces = n.dividedRoundingUp(by: piece)
            return CPUKernel("gemv") { places in
                Parallel.run(extents.batch * pieces, grain: max(1, memoryGrain / (piece * k))) { range in
                    for index in range {
                        var gemm = product(places, index / pieces)
                        if m == 1 { gemm.a_column = attributes.transposeA ? 1 : gemm.a_column }
                        let first = index % pieces * piece
                        cv_gemv_part(&gemm, Int64(first), Int64(min(first + piece, n)))
                    }
                }
            }
        }
        // A weight that few rows are multiplied by: packing it anew would take most of the time.
        if steady.contains(1), extents.sharesB || extents.batch == 1, extents.batch * m <= 128 {
            let width = Int(cv_tile_columns(type))
            let panels = n.dividedRoundingUp(by: width)
            return CPUKernel(
                "gemm \(cv_tile_rows(type))×\(width), \(width) columns a part", workspaces: [panels * k * width * size],
                packing: 1, form: ["panels", "\(type)", "\(strides.b) \(k) \(n)"],
                pack: { places in
                    packPanels(type, places.operands[1], strides.b, k, n, places.workspaces[0])
                }
            ) { places in
                Parallel.run(extents.batch * panels, grain: max(1, 500_000 / (m * width * k))) { range in
                    for index in range {
                        let gemm = product(places, index / panels)
                        let first = index % panels * width
                        let (count, target) = (min(width, n - first), gemm.c + first * size)
                        // Long sums in blocks, or they would lose digits.
                        let block = 4096
                        for start in stride(from: 0, to: k, by: block) {
                            cv_multiply_panels(
                                type, Int64(m), Int64(count), Int64(min(block, k - start)),
                                gemm.a + start * Int(gemm.a_column) * size, gemm.a_row, gemm.a_column,
                                places.workspaces[0] + (first * k + start * width) * size, Int64(k * width), target,
                                Int64(n), start == 0 ? 0 : 1)
                        }
                        if hasBias || activation >= 0 {
                            cv_epilogue(
                                type, target, Int64(n), Int64(m), Int64(count), nil,
                                hasBias ? places.operands[2] + first * size : nil, activation)
                        }
                    }
                }
            }
        }
        if BLAS.isBetter, extents.batch == 1, k > 1, 2 * m * n * k >= 1 << 24, max(m, n, k) <= Int(Int32.max) {
            return CPUKernel("OpenBLAS") { places in BLAS.multiply(product(places, 0)) }
        }
        let parts = GemmParts(m: m, n: n, k: k, batch: extents.batch, type: type)
        return CPUKernel(
            "gemm \(cv_tile_rows(type))×\(cv_tile_columns(type)), \(parts.rows)×\(parts.columns) a part",
            workspaces: [parts.scratch * Parallel.workers]
        ) { places in
            parts.run { worker, batch, rows, columns in
                var gemm = product(places, batch)
                cv_gemm_part(
                    &gemm, Int64(rows.lowerBound), Int64(rows.upperBound), Int64(columns.lowerBound),
                    Int64(columns.upperBound), places.workspaces[0] + worker * parts.scratch)
            }
        }
    }
}

/// One large product by OpenBLAS, on all cores.
enum BLAS {
    /// Whether OpenBLAS is at least as fast as the tiles of CVector: not where those have AVX-512, of which releases of
    /// OpenBLAS older than a processor make no use (0.3.21 on a core of Zen 5: 110 GFLOPS, the tiles 230).
    static let isBetter = cv_tile_rows(CV_FLOAT32) < 12

    static func multiply(_ gemm: cv_gemm) {
        let transposeA = gemm.a_column != 1 ? CblasTrans : CblasNoTrans
        let transposeB = gemm.b_column != 1 ? CblasTrans : CblasNoTrans
        let (m, n, k) = (Int32(gemm.m), Int32(gemm.n), Int32(gemm.k))
        let strideA = Int32(max(gemm.a_row, gemm.a_column)), strideB = Int32(max(gemm.b_row, gemm.b_column))
        if gemm.type == CV_FLOAT64 {
            cblas_dgemm(
                CblasRowMajor, transposeA, transposeB, m, n, k, 1, gemm.a.assumingMemoryBound(to: Double.self), strideA,
                gemm.b.assumingMemoryBound(to: Double.self), strideB, 0, gemm.c.assumingMemoryBound(to: Double.self),
                Int32(gemm.c_row))
        } else {
            cblas_sgemm(
                CblasRowMajor, transposeA, transposeB, m, n, k, 1, gemm.a.assumingMemoryBound(to: Float.self), strideA,
                gemm.b.assumingMemoryBound(to: Float.self), strideB, 0, gemm.c.assumingMemoryBound(to: Float.self),
                Int32(gemm.c_row))
        }
        guard gemm.column_bias != nil || gemm.activation >= 0 else { return }
        Parallel.run(Int(gemm.m), grain: max(1, memoryGrain / Int(gemm.n))) { rows in
            cv_epilogue(
                gemm.type, gemm.c + rows.lowerBound * Int(gemm.c_row * cv_type_size(gemm.type)), gemm.c_row,
                Int64(rows.count), gemm.n, nil, gemm.column_bias, gemm.activation)
        }
    }
}

/// How the result of a matrix product is shared out: parts of so many rows and columns.
struct GemmParts {
    let m: Int
    let n: Int
    let batch: Int
    let rows: Int
    let columns: Int
    let scratch: Int
    private let grain: Int

    init(m: Int, n: Int, k: Int, batch: Int, type: cv_type) {
        let width = Int(cv_tile_columns(type))
        self.m = m
        self.n = n
        self.batch = batch
        // A packed block of b should leave room in the second-level cache; small products go whole to one thread.
        let flops = 2 * m * n * k
        var (rows, columns) = (m, min(n, 8 * width))
        let wanted = flops < 1_000_000 ? 1 : (4 * Parallel.workers).dividedRoundingUp(by: batch)
        while m.dividedRoundingUp(by: rows) * n.dividedRoundingUp(by: columns) < wanted {
            if rows >= 2 * columns, rows >= 192 {
                rows = rows.dividedRoundingUp(by: 2).rounded(to: Int(cv_tile_rows(type)))
            } else if columns > 2 * width {
                columns = columns.dividedRoundingUp(by: 2).rounded(to: width)
            } else if rows >= 96 {
                rows = rows.dividedRoundingUp(by: 2).rounded(to: Int(cv_tile_rows(type)))
            } else {
                break
            }
        }
        self.rows = rows
        self.columns = columns
        scratch = Int(cv_gemm_scratch(type, Int64(columns), Int64(k))).rounded(to: 64)
        grain = max(1, 1_000_000 / max(2 * rows * columns * k, 1))
    }

    func run(_ body: (_ worker: Int, _ batch: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
        let (down, across) = (m.dividedRoundingUp(by: rows), n.dividedRoundingUp(by: columns))
        Parallel.run(batch * down * across, grain: grain) { worker, range in
            for index in range {
                // Neighbouring parts share their columns of b.
                let (top, left) = (index % down * rows, index / down % across * columns)
                body(worker, index / (down * across), top..<min(top + rows, m), left..<min(left + columns, n))
            }
        }
    }
}
