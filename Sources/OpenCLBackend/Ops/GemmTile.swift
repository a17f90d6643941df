import TensorGraph

/// The tuning values of the panel kernels (`gemm/panel.cl`, `convolution/panel.cl`) on a device that is a CPU.
struct GemmTile {
    private let values: TuningValues
    /// Work-items to share a product out to.
    let items: Int

    init(_ values: TuningValues, _ profile: DeviceProfile) {
        self.values = values
        items = values[.itemsPerUnit] * max(profile.computeUnits, 1)
    }

    /// Floats in a vector.
    var vectorWidth: Int { values[.vectorWidth] }
    /// Rows of the register tile.
    var rows: Int { values[.rows] }
    /// Vectors in a row of the register tile.
    var vectors: Int { values[.vectors] }
    /// The most steps of the summed axis in a packed panel, where panels are packed by blocks of it.
    var depth: Int { values[.depth] }

    var defines: [String: String] { values.defines(.vectorWidth, .rows, .vectors, .depth) }

    /// The values where nothing was measured.
    ///
    /// - Parameter rows: how many rows the product has: few are better served by a low and wide tile.
    init(_ profile: DeviceProfile, rows: Int = .max) { self.init(Self.standard(profile, rows: rows), profile) }

    /// The register tile is chosen so that its sums, one row of the panel and a broadcast value fill the registers: 32 of
    /// 512 bits with AVX-512, 16 of 256 bits with AVX2. A panel of 48 KB at 16 lanes stays in the second-level cache, and
    /// what is read of it at once in the first. A few work-items for each core, so that one that is late does not hold up
    /// the rest.
    static func standard(_ profile: DeviceProfile, rows: Int) -> TuningValues {
        let isWide = profile.vectorWidth >= 16
        return [
            .vectorWidth: profile.vectorWidth, .rows: rows <= 4 ? 4 : isWide ? 8 : 6,
            .vectors: rows <= 4 ? (isWide ? 4 : 3) : 2, .depth: 384, .itemsPerUnit: 4,
        ]
    }

    /// What tiles of this kind may be, where `mostPanel` bytes of a packed panel are worth trying.
    static let dimensions: KeyValuePairs<TuningParameter, [Int]> = [
        .rows: [2, 4, 6, 8, 10, 12, 14], .vectors: [1, 2, 3, 4], .depth: [96, 192, 256, 384, 512, 768],
        .itemsPerUnit: [1, 2, 4, 8, 16], .vectorWidth: [4, 8, 16],
    ]

    static func isPossible(_ values: TuningValues, _ profile: DeviceProfile) -> Bool {
        values[.vectorWidth] <= profile.vectorWidth && profile.holdsTile(rows: values[.rows], vectors: values[.vectors])
            && 4 * values[.depth] * values[.vectorWidth] * values[.vectors] <= 192 << 10
    }

    /// Columns of the register tile.
    var columns: Int { vectorWidth * vectors }

    /// Steps of the summed axis to take at a time, so that the blocks are about equal.
    func block(_ steps: Int) -> Int {
        let blocks = max(steps.dividedRoundingUp(by: depth), 1)
        return max(steps.dividedRoundingUp(by: blocks), 1)
    }
}

/// A bias and an activation as macros and files of a kernel that has an epilogue.
struct Epilogue {
    let hasBias: Bool
    let activation: UnaryFunction?

    /// The files to put before the kernel's own.
    var files: [String] {
        activation == nil ? [] : KernelSpecification.functionFiles
    }

    var defines: [String: String] {
        var defines: [String: String] = [:]
        if hasBias { defines["HAS_BIAS"] = "1" }
        if let activation { defines["ACTIVATION"] = "float_\(activation.rawValue)" }
        return defines
    }

    /// For a summary: `" + bias, relu"`.
    var summary: String {
        (hasBias ? " + bias" : "") + (activation.map { ", \($0.rawValue)" } ?? "")
    }
}

extension OpenCLLowering {
    /// The reason to decline a product: a type other than float32, or an extent that kernels cannot count to.
    var unsupportedProduct: String? {
        for type in operands + results {
            if type.dtype != .float32 { return "\(type.dtype) is not done on OpenCL for \(node.op.name)" }
            if type.shape.elementCount > Int(Int32.max) { return "\(type.shape) has more than 2³¹ elements" }
        }
        return nil
    }
}

extension [KernelArgument] {
    static func int32s(_ values: Int...) -> [KernelArgument] { values.map { .int32($0) } }
}
