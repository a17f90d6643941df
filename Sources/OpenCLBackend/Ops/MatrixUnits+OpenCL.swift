import Execution
import TensorGraph

// Products on matrix units. nil where the device has none for the operands' type, or the generic kernels do better.

/// The tile of `gemm/matrix_nvidia.cl`.
struct MatrixTile: Hashable {
    let side: Int
    let warpRows: Int
    let warpColumns: Int
    let stages: Int

    /// 128 × 128 with 64 × 64 a warp is where published ladders end up; with transposed TF32, whose operands are read a
    /// float at a time, so many sums leave too few registers. Smaller tiles keep more of the device at work.
    init?(_ profile: DeviceProfile, _ format: MatrixUnits.Format, transposesA: Bool, groups: (Int) -> Int) {
        let narrow = format == .tf32 && transposesA
        let large = MatrixTile(side: 128, warpRows: 64, warpColumns: narrow ? 32 : 64, stages: 3)
        let small = MatrixTile(side: 64, warpRows: 32, warpColumns: 32, stages: 3)
        let fitting = [large, small].filter {
            $0.localMemory(format) <= profile.localMemory && $0.threads <= profile.maximumWorkGroupSize
        }
        guard let chosen = fitting.first(where: { groups($0.side) >= profile.computeUnits }) ?? fitting.last else {
            return nil
        }
        self = chosen
    }

    private init(side: Int, warpRows: Int, warpColumns: Int, stages: Int) {
        (self.side, self.warpRows, self.warpColumns, self.stages) = (side, warpRows, warpColumns, stages)
    }

    var threads: Int { 32 * (side / warpRows) * (side / warpColumns) }
    /// Bytes; a stage is 64 bytes of each row of both operands.
    func localMemory(_ format: MatrixUnits.Format) -> Int { stages * 2 * side * 64 }

    var defines: [String: String] {
        [
            "TILE_M": "\(side)", "TILE_N": "\(side)", "WARP_M": "\(warpRows)", "WARP_N": "\(warpColumns)",
            "STAGES": "\(stages)",
        ]
    }
}

extension OpenCLLowering {
    /// The matrix units' format for this node's operands.
    private var matrixFormat: MatrixUnits.Format? {
        guard profile.style == .gpu else { return nil }
        return profile.matrixUnits?.format(for: operands[0].dtype, allowsTF32: profile.allowsTF32)
    }

    /// `gemm/matrix_nvidia.cl`.
    func matrixUnits(_ product: MatrixProduct) -> Lowering? {
        guard let units = profile.matrixUnits, let format = matrixFormat else { return nil }
        let (m, n, k, batch) = (product.extents.m, product.extents.n, product.extents.k, product.extents.batch)
        // Less is no work for them, and in float32 more precise without.
        if format == .tf32 && min(m, n, k) < 16 { return nil }
        let isCountable = (operands + results).allSatisfy { $0.shape.elementCount <= Int(Int32.max) }
        guard isCountable,
            let tile = MatrixTile(
                profile, format, transposesA: product.transposeA,
                groups: { m.dividedRoundingUp(by: $0) * n.dividedRoundingUp(by: $0) * batch })
        else { return nil }
        let kernel = MatrixUnitGemm(
            tile: tile, format: format, transposeA: product.transposeA, transposeB: product.transposeB,
            alignmentA: MatrixUnits.alignment(of: product.transposeA ? m : k, size: format.elementSize),
            alignmentB: MatrixUnits.alignment(of: product.transposeB ? k : n, size: format.elementSize),
            resultType: results[0].dtype, epilogue: product.epilogue)
        var lowered = OpenCLNode(
            [kernel.launch(units, product)],
            summary: "gemm \(tile.side)×\(tile.side) on matrix units, \(format.rawValue)\(product.epilogue.summary)",
            accuracy: format == .tf32 ? .reducedOperands : .direct)
        lowered.trial = kernel.trial(units)
        return .accepted(lowered)
    }

    /// `attention/matrix_nvidia.cl` and `attention/matrix_gradient_nvidia.cl`.
    func matrixUnits(_ shape: AttentionShape) -> Lowering? {
        switch shape.attributes.pass {
        case .forward: matrixUnitAttention(shape, widest: 128, rows: 192)?.forward()
        case .gradient: matrixUnitAttention(shape, widest: 80, rows: 128)?.gradient()
        case .biasGradient: nil
        }
    }

    /// - Parameter rows: how many rows lie in local memory.
    private func matrixUnitAttention(
        _ shape: AttentionShape, widest: Int, rows: Int
    ) -> MatrixUnitAttention? {
        guard let units = profile.matrixUnits, let format = matrixFormat, format != .tf32, shape.width <= widest,
            shape.isPlain,
            profile.maximumWorkGroupSize >= 128,
            (operands + results).allSatisfy({
                $0.shape.elementCount <= Int(Int32.max)
            })
        else { return nil }
        let chunks = shape.width <= 32 ? 4 : shape.width <= 64 ? 8 : 16
        guard rows * 16 * chunks <= profile.localMemory else { return nil }
        return MatrixUnitAttention(shape: shape, format: format, units: units)
    }
}

/// Builds of `attention/matrix_nvidia.cl` and `attention/matrix_gradient_nvidia.cl`.
private struct MatrixUnitAttention {
    let shape: AttentionShape
    let format: MatrixUnits.Format
    let units: MatrixUnits

    private static let inputs: [KernelArgument] = [.operand(0), .operand(1), .operand(2)]

    private func kernel(_ name: String, _ file: String) -> KernelSpecification {
        KernelSpecification(
            name, files: [MatrixUnits.file, "attention/masks.cl", "attention/matrix_rows.cl", file],
            defines: units.defines(format, threads: 128).merging([
                "HEAD_WIDTH": "\(shape.width)", "CAUSAL": shape.attributes.isCausal ? "1" : "0",
                "COPY_ROW": "\(MatrixUnits.alignment(of: shape.width, size: 2))",
                "LONG_SUMS": shape.hasLongSumsOnMatrixUnits ? "1" : "0",
            ]) { $1 })
    }

    private func forwardLaunch(heads: Int, queries: Int, keys: Int) -> KernelLaunch {
        KernelLaunch(
            kernel("attention_matrix_nvidia", "attention/matrix_nvidia.cl"),
            Self.inputs + [.result(0), .result(1)] + .int32s(queries, keys) + [.float(shape.scale)],
            globalSize: [queries.dividedRoundingUp(by: 64) * 128, heads], localSize: [128, 1])
    }

    /// δ, then dq and what divides the weights by blocks of queries, then dk and dv by blocks of keys.
    private func gradientLaunches(heads: Int, queries: Int, keys: Int) -> [KernelLaunch] {
        let file = "attention/matrix_gradient_nvidia.cl"
        let inputs: [KernelArgument] = Self.inputs + [.operand(4), .operand(5), .workspace(0), .workspace(1)]
        let extents: [KernelArgument] = .int32s(queries, keys) + [.float(shape.scale)]
        let delta = KernelLaunch(
            kernel("attention_matrix_delta", file),
            [.operand(3), .operand(5), .workspace(0)] + .int32s(heads * queries),
            globalSize: [(heads * queries).dividedRoundingUp(by: 32) * 128], localSize: [128])
        return [
            delta,
            KernelLaunch(
                kernel("attention_matrix_queries", file), inputs + [.result(0)] + extents,
                globalSize: [queries.dividedRoundingUp(by: 64) * 128, heads], localSize: [128, 1]),
            KernelLaunch(
                kernel("attention_matrix_keys", file), inputs + [.result(1), .result(2)] + extents,
                globalSize: [keys.dividedRoundingUp(by: 64) * 128, heads], localSize: [128, 1]),
        ]
    }

    // The extents of trials: more than a block of each, and not whole ones.
    private static let trialQueries = 70
    private static let trialKeys = 149

    private func trialNode(_ op: Op, _ operands: (TensorType, TensorType, TensorType) -> [TensorType]) -> Node {
        func tensor(_ rows: Int) -> TensorType { TensorType([1, 2, rows, shape.width], format.dtype) }
        let (q, k) = (tensor(Self.trialQueries), tensor(Self.trialKeys))
        let statistics = TensorType([1, 2, Self.trialQueries, 2], .float32)
        let types = operands(q, k, statistics)
        return Node(
            op: op, operands: [], operandTypes: types, resultTypes: types.count == 3 ? [q, statistics] : [q, k, k],
            location: nil)
    }

    func forward() -> Lowering {
        var lowered = OpenCLNode(
            [forwardLaunch(heads: shape.heads, queries: shape.rows, keys: shape.keys)],
            summary: "attention on matrix units, \(format.rawValue)")
        lowered.trial = KernelTrial(
            node: trialNode(.attention(shape.attributes)) { q, k, _ in [q, k, k] },
            launches: [forwardLaunch(heads: 2, queries: Self.trialQueries, keys: Self.trialKeys)], tolerance: 0x1p-5)
        return .accepted(lowered)
    }

    func gradient() -> Lowering {
        let rows = shape.heads * shape.rows
        var lowered = OpenCLNode(
            gradientLaunches(heads: shape.heads, queries: shape.rows, keys: shape.keys),
            workspaces: [4 * rows, 4 * rows],
            summary: "attention gradient on matrix units, \(format.rawValue)")
        // Products around the greatest that it is given, or weights would be out of all proportion.
        var mild = shape.attributes
        mild.scale = min(mild.scale, 0.01)
        let trial = MatrixUnitAttention(
            shape: AttentionShape(mild, shape: shape), format: format, units: units)
        lowered.trial = KernelTrial(
            node: trial.trialNode(.attention(mild)) { q, k, statistics in [q, k, k, q, statistics, q] },
            launches: trial.gradientLaunches(heads: 2, queries: Self.trialQueries, keys: Self.trialKeys),
            workspaces: [4 * 2 * Self.trialQueries, 4 * 2 * Self.trialQueries], tolerance: 0x1p-4)
        return .accepted(lowered)
    }
}

/// A build of `gemm/matrix_nvidia.cl`.
private struct MatrixUnitGemm {
    let tile: MatrixTile
    let format: MatrixUnits.Format
    let transposeA: Bool
    let transposeB: Bool
    /// Bytes that rows are aligned to.
    let alignmentA: Int
    let alignmentB: Int
    let resultType: DType
    let epilogue: Epilogue

    func launch(_ units: MatrixUnits, _ product: MatrixProduct) -> KernelLaunch {
        let (m, n, k, batch) = (product.extents.m, product.extents.n, product.extents.k, product.extents.batch)
        let flags = [
            "TRANSPOSE_A": transposeA ? "1" : "0", "TRANSPOSE_B": transposeB ? "1" : "0", "COPY_A": "\(alignmentA)",
            "COPY_B": "\(alignmentB)", "FLOAT_RESULT": resultType == .float32 ? "1" : "0",
        ]
        let defines = tile.defines.merging(flags) { $1 }.merging(epilogue.defines) { $1 }
            .merging(units.defines(format, threads: tile.threads)) { $1 }
        let kernel = KernelSpecification(
            "gemm_matrix_nvidia", files: epilogue.files + ["gemm/batch.cl", MatrixUnits.file, "gemm/matrix_nvidia.cl"],
            defines: defines)
        return KernelLaunch(
            kernel, product.tensors(.operand(0)) + .int32s(m, n, k) + product.batchArguments(),
            globalSize: [
                n.dividedRoundingUp(by: tile.side) * tile.threads, m.dividedRoundingUp(by: tile.side), batch,
            ], localSize: [tile.threads, 1, 1])
    }

    /// Two products that fill neither the last tile nor the last stage, with rows aligned as this build's are.
    func trial(_ units: MatrixUnits) -> KernelTrial {
        func extent(over least: Int, alignment: Int?) -> Int {
            guard let alignment else { return least }
            return (least...).first { MatrixUnits.alignment(of: $0, size: format.elementSize) == alignment } ?? least
        }
        let m = extent(over: tile.side + 13, alignment: transposeA ? alignmentA : nil)
        let n = extent(over: tile.side + 11, alignment: transposeB ? nil : alignmentB)
        let depth = (tile.stages + 2) * 64 / format.elementSize + 3
        let k = extent(over: depth, alignment: !transposeA ? alignmentA : transposeB ? alignmentB : nil)
        let attributes = MatMul(
            transposeA: transposeA, transposeB: transposeB, resultType: resultType, activation: epilogue.activation)
        let a = Shape(transposeA ? [2, k, m] : [2, m, k]), b = Shape(transposeB ? [2, n, k] : [2, k, n])
        let operands = [TensorType(a, format.dtype), TensorType(b, format.dtype)]
        let node = Node(
            op: .matMul(attributes), operands: [],
            operandTypes: operands + (epilogue.hasBias ? [TensorType([n], resultType)] : []),
            resultTypes: [TensorType([2, m, n], resultType)], location: nil)
        let product = MatrixProduct(
            extents: MatMulExtents(attributes, a, b), transposeA: transposeA, transposeB: transposeB,
            epilogue: epilogue)
        return KernelTrial(node: node, launches: [launch(units, product)], tolerance: 0x1p-7)
    }
}
