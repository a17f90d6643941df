import Execution
import TensorGraph

// Panels of packed operands on CPUs, tiles in local memory on GPUs, and a kernel each for products with few rows.
extension OpenCLLowering {
    package func matMul(_ attributes: MatMul) throws -> Lowering {
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        let extents = MatMulExtents(attributes, operands[0].shape, operands[1].shape)
        let product = MatrixProduct(
            extents: extents, transposeA: attributes.transposeA, transposeB: attributes.transposeB,
            epilogue: Epilogue(hasBias: operands.count == 3, activation: attributes.activation))
        switch profile.shape {
        case .cpu: return extents.m <= 4 ? fewRows(product) : panels(product)
        case .gpu: return tiles(product)
        }
    }

    private struct MatrixProduct {
        let extents: MatMulExtents
        let transposeA: Bool
        let transposeB: Bool
        let epilogue: Epilogue

        var aStrides: (row: Int, column: Int) { transposeA ? (1, extents.m) : (extents.k, 1) }
        var bBatchStride: UInt64 { extents.sharesB ? 0 : UInt64(extents.n * extents.k) }
        /// Operands and result after a, in the kernels' order.
        func tensors(_ a: KernelArgument) -> [KernelArgument] {
            [a, .operand(1)] + (epilogue.hasBias ? [.operand(2)] : []) + [.result(0)]
        }
    }

    /// `gemm/few_rows.cl`.
    private func fewRows(_ product: MatrixProduct) -> Lowering {
        let (m, n, k) = (product.extents.m, product.extents.n, product.extents.k)
        let defines = ["VECTOR_WIDTH": "\(profile.vectorWidth)", "ROWS": "\(m)"]
            .merging(product.epilogue.defines) { $1 }
        let kernel = KernelSpecification(
            product.transposeB ? "gemm_few_rows_transposed" : "gemm_few_rows",
            files: product.epilogue.files + ["gemm/few_rows.cl"], defines: defines)
        let mostColumns = 1024
        let vectors = n.dividedRoundingUp(by: profile.vectorWidth)
        let wanted = max(
            n.dividedRoundingUp(by: mostColumns - profile.vectorWidth),
            GemmTile(profile).items.dividedRoundingUp(by: product.extents.batch))
        let arguments =
            product.tensors(.operand(0))
            + .int32s(n, k, product.aStrides.row, product.aStrides.column) + [.uint64(product.bBatchStride)]
        let launch = KernelLaunch(
            kernel, arguments, globalSize: [min(wanted, vectors), product.extents.batch, 1], localSize: [1, 1, 1])
        return launches([launch], "gemm, \(m) rows streaming b\(product.epilogue.summary)")
    }

    /// `gemm/panel.cl`.
    private func panels(_ product: MatrixProduct) -> Lowering {
        let tile = GemmTile(profile)
        let (batch, m, n, k) = (product.extents.batch, product.extents.m, product.extents.n, product.extents.k)
        let rowPanels = m.dividedRoundingUp(by: tile.rows)
        let columnPanels = n.dividedRoundingUp(by: tile.columns)
        let columnItems = min(columnPanels, tile.items)
        let rowItems = min(rowPanels, max(tile.items / (columnItems * batch), 1))
        var defines = tile.defines.merging(product.epilogue.defines) { $1 }
        if product.transposeB { defines["TRANSPOSE_B"] = "1" }
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(name, files: product.epilogue.files + ["gemm/panel.cl"], defines: defines)
        }
        let pack = KernelLaunch(
            kernel("gemm_pack_rows"),
            [.operand(0), .workspace(0)] + .int32s(m, k, product.aStrides.row, product.aStrides.column),
            globalSize: [rowPanels, batch, 1], localSize: [1, 1, 1])
        let multiply = KernelLaunch(
            kernel("gemm_panels"),
            product.tensors(.workspace(0)) + .int32s(m, n, k, tile.block(k)) + [.uint64(product.bBatchStride)],
            globalSize: [columnItems, rowItems, batch], localSize: [1, 1, 1])
        return launches(
            [pack, multiply], workspaces: [4 * batch * rowPanels * tile.rows * k],
            "gemm \(tile.rows)×\(tile.columns), packed\(product.epilogue.summary)")
    }

    /// `gemm/tile.cl`.
    private func tiles(_ product: MatrixProduct) -> Lowering {
        let (batch, m, n, k) = (product.extents.batch, product.extents.m, product.extents.n, product.extents.k)
        let tile = GroupTile(profile, rows: m, columns: n, batch: batch)
        var defines = tile.defines.merging(product.epilogue.defines) { $1 }
        if product.transposeA { defines["TRANSPOSE_A"] = "1" }
        if product.transposeB { defines["TRANSPOSE_B"] = "1" }
        let kernel = KernelSpecification(
            "gemm_tiles", files: product.epilogue.files + ["gemm/local_tile.cl", "gemm/tile.cl"], defines: defines)
        let launch = KernelLaunch(
            kernel,
            product.tensors(.operand(0)) + .int32s(m, n, k) + [.uint64(product.bBatchStride)],
            globalSize: tile.globalSize(rows: m, columns: n, batch: batch), localSize: tile.localSize)
        return launches([launch], "gemm \(tile.rows)×\(tile.columns) in local memory\(product.epilogue.summary)")
    }
}
