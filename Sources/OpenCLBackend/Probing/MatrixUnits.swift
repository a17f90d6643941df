import OpenCL
import TensorGraph

/// Matrix units that kernels can use, by the types of operands that gave the right results when tried.
package struct MatrixUnits: Hashable, Sendable, Codable {
    package enum Format: String, Hashable, Sendable, Codable, CaseIterable {
        case float16, bfloat16
        /// float32 with 10 bits of fraction.
        case tf32

        /// `FORMAT` of `common/matrix_nvidia.cl`.
        var macro: String {
            switch self {
            case .float16: "1"
            case .bfloat16: "2"
            case .tf32: "3"
            }
        }

        var dtype: DType {
            switch self {
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .tf32: .float32
            }
        }

        var elementSize: Int { dtype.byteCount }
    }

    package var formats: Set<Format>
    /// Macros for every kernel on them: `EMULATED`, where plain OpenCL C stands in for the instructions.
    package var defines: [String: String]

    package init(formats: Set<Format>, defines: [String: String] = [:]) {
        self.formats = formats
        self.defines = defines
    }

    /// Stand-ins for the instructions that run on any device with work-groups, slowly: for tests of the kernels.
    ///
    /// - Parameter copiesLate: whether background copies happen as late as they may rather than at once.
    package static func emulated(copiesLate: Bool = true) -> MatrixUnits {
        MatrixUnits(formats: Set(Format.allCases), defines: ["EMULATED": copiesLate ? "2" : "1"])
    }

    /// The format for operands of `dtype`, if there is one.
    func format(for dtype: DType, allowsTF32: Bool) -> Format? {
        Format.allCases.first {
            $0.dtype == dtype && formats.contains($0) && ($0 != .tf32 || allowsTF32)
        }
    }

    /// Macros of a kernel on operands of `format`.
    func defines(_ format: Format, threads: Int) -> [String: String] {
        ["FORMAT": format.macro, "MATRIX_THREADS": "\(threads)"].merging(defines) { $1 }
    }

    static let file = "common/matrix_nvidia.cl"

    /// The largest of 16, 8, 4 and 2 bytes that rows of so many elements are all aligned to.
    static func alignment(of elements: Int, size: Int) -> Int {
        [16, 8, 4].first { elements * size % $0 == 0 } ?? 2
    }
}

// MARK: - Trying them

extension MatrixUnits {
    /// What works on a device, found by running each instruction (`Kernels/probe/matrix_nvidia.cl`); nil where nothing
    /// does. Takes milliseconds a format, or what it takes to build a small kernel.
    static func found(_ queue: Queue, _ programs: ProgramCache) -> MatrixUnits? {
        guard queue.context.device.capabilities.has("cl_nv_device_attribute_query") else { return nil }
        return tried(MatrixUnits(formats: Set(Format.allCases)), queue, programs)
    }

    /// Those of `units` whose instructions give the right results.
    package static func tried(_ units: MatrixUnits, _ queue: Queue, _ programs: ProgramCache) -> MatrixUnits? {
        let working = units.formats.filter { (try? works($0, units, queue, programs)) == true }
        return working.isEmpty ? nil : MatrixUnits(formats: working, defines: units.defines)
    }

    private static func works(
        _ format: Format, _ units: MatrixUnits, _ queue: Queue, _ programs: ProgramCache
    ) throws -> Bool {
        let text = try [file, "probe/matrix_nvidia.cl"].map { try KernelSource.text(of: $0) }.joined(separator: "\n")
        let options = OpenCLBackend.options(units.defines(format, threads: 32))
        let program = try programs.program(
            ProgramText(source: text, options: options, name: "probe/matrix_nvidia.cl"))
        let depth = format == .tf32 ? 8 : 16
        // Whole numbers, of which every sum is exact.
        var generator = SplitMix64(name: "matrix units")
        func numbers() -> [Float] { (0..<16 * depth).map { _ in Float(generator.next() % 9) - 4 } }
        let (a, b) = (numbers(), numbers())
        let context = queue.context
        func buffer(_ numbers: [Float]) throws -> Buffer {
            let bytes = format.bytes(of: numbers)
            let buffer = try Buffer(context, byteCount: bytes.count)
            try queue.write(bytes, to: buffer)
            return buffer
        }
        let out = try Buffer(context, byteCount: 384 * 4)
        try queue.fill(out, with: Float.nan, byteCount: out.byteCount)
        try queue.launch(
            try program.kernel("matrix_nvidia"),
            arguments: [.buffer(try buffer(a)), .buffer(try buffer(b)), .buffer(out)], global: NDRange(32),
            local: NDRange(32))
        return try queue.read(out, count: 384, of: Float.self) == expected(a, b, depth: depth)
    }

    private static func expected(_ a: [Float], _ b: [Float], depth: Int) -> [Float] {
        func product(_ element: (_ k: Int, _ column: Int) -> Float) -> [Float] {
            (0..<128).map { place in
                // The last row of a is copied as if it did not exist.
                place / 8 == 15
                    ? 0 : (0..<depth).reduce(0) { $0 + a[place / 8 * depth + $1] * element($1, place % 8) }
            }
        }
        let lanes = (0..<32).map { $0 }
        return product { b[$1 * depth + $0] }
            + (depth == 16 ? product { b[$0 * depth + $1] } : [Float](repeating: 0, count: 128))
            + lanes.map { Float($0 ^ 1) } + lanes.map { Float($0 ^ 2) } + lanes.map { Float($0) }
            + lanes.map { Float($0 + 1) }
    }
}

extension MatrixUnits.Format {
    /// Numbers that the format holds exactly, as it stores them.
    func bytes(of numbers: [Float]) -> [UInt8] {
        switch self {
        case .float16: numbers.flatMap { value in withUnsafeBytes(of: value.float16Bits) { Array($0) } }
        case .bfloat16: numbers.flatMap { value in withUnsafeBytes(of: value.bfloat16Bits) { Array($0) } }
        case .tf32: numbers.withUnsafeBytes { Array($0) }
        }
    }
}
