import Execution
import TensorGraph

// Panels of packed operands on CPUs, tiles in local memory on GPUs, and a kernel each for products with few rows; where
// there are matrix units for the operands' type, those.
extension OpenCLLowering {
    package func matMul(_ attributes: MatMul) throws -> Lowering {
        let extents = MatMulExtents(attributes, operands[0].shape, operands[1].shape)
        let product = MatrixProduct(
            extents: extents, transposeA: attributes.transposeA, transposeB: attributes.transposeB,
            epilogue: Epilogue(hasBias: operands.count == 3, activation: attributes.activation))
        if let lowering = matrixUnits(product) { return lowering }
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        switch profile.style {
        case .cpu: return fewRows(product) ?? panels(product)
        case .gpu: return tiles(product)
        }
    }

    /// `gemm/few_rows.cl`; nil where the product has too many rows for it.
    private func fewRows(_ product: MatrixProduct) -> Lowering? {
        let (m, n, k) = (product.extents.m, product.extents.n, product.extents.k)
        guard m <= TuningSpace.gemmFewRowsLimit else { return nil }
        let values = profile.tuningValues(.gemmFewRows, product.problem)
        guard m <= values[.mostRows], !(m > 2 && product.transposeB && keepsColumns(product)) else { return nil }
        let (lanes, mostColumns) = (values[.vectorWidth], values[.mostColumns])
        let defines = values.defines(.vectorWidth, .mostColumns, .unroll).merging(["ROWS": "\(m)"]) { $1 }
            .merging(product.epilogue.defines) { $1 }
        let kernel = KernelSpecification(
            product.transposeB ? "gemm_few_rows_transposed" : "gemm_few_rows",
            files: product.epilogue.files + ["gemm/batch.cl", "gemm/few_rows.cl"], defines: defines)
        let vectors = n.dividedRoundingUp(by: lanes)
        let items = values[.itemsPerUnit] * max(profile.computeUnits, 1)
        let wanted = max(
            n.dividedRoundingUp(by: mostColumns - lanes), items.dividedRoundingUp(by: product.extents.batch))
        let arguments =
            product.tensors(.operand(0))
            + .int32s(n, k, product.aStrides.row, product.aStrides.column) + product.batchArguments()
        let launch = KernelLaunch(
            kernel, arguments, globalSize: [min(wanted, vectors), product.extents.batch, 1], localSize: [1, 1, 1])
        return launches([launch], "gemm, \(m) rows streaming b\(product.epilogue.summary)")
    }

    /// Whether b is a weight to be packed once: where so few rows are multiplied by it that packing it is a large part of
    /// the time, two thirds with 8 rows and a tenth with 128.
    private func keepsColumns(_ product: MatrixProduct) -> Bool {
        let extents = product.extents
        return steady.contains(1) && (extents.sharesB || extents.batch == 1) && extents.batch * extents.m <= 128
    }

    /// `gemm/panel.cl`.
    private func panels(_ product: MatrixProduct) -> Lowering {
        let tile = GemmTile(profile.tuningValues(.gemmPanel, product.problem), profile)
        let (batch, m, n, k) = (product.extents.batch, product.extents.m, product.extents.n, product.extents.k)
        let rowPanels = m.dividedRoundingUp(by: tile.rows)
        let columnPanels = n.dividedRoundingUp(by: tile.columns)
        let layout = PanelLayout(product.transposeA, m: m, n: n, tile)
        var columnItems = min(columnPanels, max(tile.items / batch, 1))
        var rowItems = min(rowPanels, max(tile.items / (columnItems * batch), 1))
        if layout == .blocks {
            // Every work-item packs for itself: few of them, and no more rows each than fit the second-level cache.
            rowItems = m.dividedRoundingUp(by: PanelLayout.mostBlockRows)
            columnItems = min(columnPanels, max(tile.items / 2 / (rowItems * batch), 1))
        }
        var defines = tile.defines.merging(product.epilogue.defines) { $1 }
        if product.transposeB { defines["TRANSPOSE_B"] = "1" }
        let keepsColumns = keepsColumns(product)
        if keepsColumns { defines["B_PACKED"] = "1" }
        defines["LAYOUT_A"] = layout.rawValue
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name,
                files: product.epilogue.files + KernelSpecification.transposeFiles + [
                    "gemm/batch.cl", "gemm/panel.cl",
                ],
                defines: defines)
        }
        var (list, workspaces): ([KernelLaunch], [Int]) = ([], [])
        func workspace(floats: Int) -> KernelArgument {
            workspaces.append(4 * floats)
            return .workspace(workspaces.count - 1)
        }
        var (a, b, blocks): (KernelArgument, KernelArgument, [KernelArgument]) = (.operand(0), .operand(1), [])
        if keepsColumns {
            b = workspace(floats: columnPanels * tile.columns * k)
            list.append(
                KernelLaunch(
                    kernel("gemm_pack_columns"), [.operand(1), b] + .int32s(n, k), globalSize: [columnPanels, 1, 1],
                    localSize: [1, 1, 1]
                ).asPacking())
        }
        switch layout {
        case .rows, .columns: break
        case .blocks:
            let block = rowPanels.dividedRoundingUp(by: rowItems) * tile.rows * tile.block(k)
            blocks = [workspace(floats: columnItems * rowItems * batch * block)]
        case .packed:
            // The entries that there are, however often they are read.
            let entries = operands[0].shape.elementCount / (m * k)
            a = workspace(floats: entries * rowPanels * tile.rows * k)
            let pack = KernelLaunch(
                kernel("gemm_pack_rows"),
                [.operand(0), a] + .int32s(m, k, product.aStrides.row, product.aStrides.column),
                globalSize: [min(tile.items, k), entries, 1], localSize: [1, 1, 1])
            list.append(keepsColumns ? pack : pack.asPacking())
        }
        list.append(
            KernelLaunch(
                kernel("gemm_panels"),
                product.tensors(a, b) + blocks + .int32s(m, n, k, tile.block(k))
                    + product.batchArguments(sharesB: keepsColumns),
                globalSize: [columnItems, rowItems, batch], localSize: [1, 1, 1]))
        return launches(
            list, workspaces: workspaces,
            "gemm \(tile.rows)×\(tile.columns)\(layout.summary)\(product.epilogue.summary)")
    }

    /// How `gemm/panel.cl` reads a.
    private enum PanelLayout: String {
        case packed = "A_PACKED"
        case rows = "A_ROWS"
        case columns = "A_COLUMNS"
        case blocks = "A_BLOCKS"

        /// 256 rows by a block of k are 384 KB.
        static let mostBlockRows = 256

        init(_ transposeA: Bool, m: Int, n: Int, _ tile: GemmTile) {
            guard m >= tile.rows else {
                self = .packed
                return
            }
            guard transposeA else {
                self = .rows
                return
            }
            // Steps lie m apart: a block of few rows is near enough to read in place, and with few columns there is not
            // much to pack again for every block of rows.
            self = m <= 128 ? .columns : n <= 2 * Self.mostBlockRows ? .blocks : .packed
        }

        var summary: String {
            switch self {
            case .packed: ", packed"
            case .rows, .columns: ""
            case .blocks: ", packed in blocks"
            }
        }
    }

    /// `gemm/tile.cl`.
    private func tiles(_ product: MatrixProduct) -> Lowering {
        let (batch, m, n, k) = (product.extents.batch, product.extents.m, product.extents.n, product.extents.k)
        let tile = GroupTile(profile.tuningValues(.gemmTile, product.problem))
        var defines = tile.defines.merging(product.epilogue.defines) { $1 }
        if product.transposeA { defines["TRANSPOSE_A"] = "1" }
        if product.transposeB { defines["TRANSPOSE_B"] = "1" }
        if k > GroupTile.longSum { defines["LONG_SUMS"] = "1" }
        let kernel = KernelSpecification(
            "gemm_tiles", files: product.epilogue.files + ["gemm/batch.cl", "gemm/local_tile.cl", "gemm/tile.cl"],
            defines: defines)
        let launch = KernelLaunch(
            kernel,
            product.tensors(.operand(0)) + .int32s(m, n, k) + product.batchArguments(),
            globalSize: tile.globalSize(rows: m, columns: n, batch: batch), localSize: tile.localSize)
        return launches([launch], "gemm \(tile.rows)×\(tile.columns) in local memory\(product.epilogue.summary)")
    }
}

extension TuningSpace {
    /// The most rows that `gemm/few_rows.cl` does.
    static let gemmFewRowsLimit = 8

    /// `gemm/few_rows.cl`; with more rows than `mostRows`, the panels take over.
    static let gemmFewRows = TuningSpace(
        "gemm-few-rows", .cpu, of: MatrixProduct.problemExtents,
        [
            .mostRows: [1, 2, 4, 8], .itemsPerUnit: [1, 2, 4, 8, 16], .unroll: [2, 4, 8],
            .mostColumns: [256, 512, 1024, 2048],
            .vectorWidth: [4, 8, 16],
        ],
        standard: { _, profile in
            [.mostRows: 4, .itemsPerUnit: 4, .unroll: 4, .mostColumns: 1024, .vectorWidth: profile.vectorWidth]
        },
        constraint: { values, _, profile in values[.vectorWidth] <= profile.vectorWidth })

    /// `gemm/panel.cl`.
    static let gemmPanel = TuningSpace(
        "gemm-panel", .cpu, of: MatrixProduct.problemExtents, GemmTile.dimensions,
        standard: { _, profile in GemmTile.standard(profile, rows: .max) },
        constraint: { values, _, profile in GemmTile.isPossible(values, profile) })

    /// `gemm/tile.cl`.
    static let gemmTile = TuningSpace(
        "gemm-tile", .gpu, of: MatrixProduct.problemExtents, GroupTile.dimensions,
        standard: { problem, profile in
            GroupTile.standard(profile, rows: problem[.m], columns: problem[.n], batch: problem[.batch])
        }, constraint: { values, _, profile in GroupTile.isPossible(values, profile) })
}

/// A matrix product as its kernels see it.
struct MatrixProduct {
    let extents: MatMulExtents
    let transposeA: Bool
    let transposeB: Bool
    let epilogue: Epilogue

    var aStrides: (row: Int, column: Int) { transposeA ? (1, extents.m) : (extents.k, 1) }
    /// What the best tuning values depend on.
    static let problemExtents: [TuningProblem.Extent] = [.batch, .m, .n, .k, .transposeA, .transposeB]
    var problem: TuningProblem {
        [
            .batch: extents.batch, .m: extents.m, .n: extents.n, .k: extents.k, .transposeA: transposeA ? 1 : 0,
            .transposeB: transposeB ? 1 : 0,
        ]
    }
    /// The kernels' BATCH_PARAMETERS.
    func batchArguments(sharesB: Bool = false) -> [KernelArgument] {
        let (a, b) = (extents.aSteps, extents.bSteps)
        return .int32s(extents.inner, a.outer, a.inner) + (sharesB ? .int32s(0, 0) : .int32s(b.outer, b.inner))
    }
    /// Operands and result after a, in the kernels' order.
    func tensors(_ a: KernelArgument, _ b: KernelArgument = .operand(1)) -> [KernelArgument] {
        [a, b] + (epilogue.hasBias ? [.operand(2)] : []) + [.result(0)]
    }
}
