import TensorGraph

/// Writes the kernel of an elementwise program, and says how to launch it.
///
/// The text depends on the program and on how the operands broadcast, but not on the extents, which are arguments: one
/// built program serves every size. A kernel of the CPU shape goes row by row with vectors; one of the GPU shape has
/// work-items that take every n-th element. What the text calls is in `Kernels/elementwise/functions.cl`.
package struct ElementwiseSource {
    private let program: ElementwiseProgram
    private let operands: [DType]
    private let result: DType
    private let loop: StridedLoop
    private let profile: DeviceProfile

    /// A program without instructions copies its one operand.
    package init(
        _ program: ElementwiseProgram, operands: [TensorType], result: TensorType, profile: DeviceProfile
    ) {
        self.program = program
        self.operands = operands.map(\.dtype)
        self.result = result.dtype
        self.profile = profile
        loop = StridedLoop(broadcasting: operands.map(\.shape), to: result.shape)
    }

    /// Why no kernel can be written, or `nil`.
    package var refusal: String? {
        let types = operands + program.instructions.map(\.dtype)
        if let type = types.first(where: { $0 == .float64 || $0 == .int64 }) { return "\(type) is not done on OpenCL" }
        for instruction in program.instructions where !argumentType(instruction).isFloatingPoint {
            switch instruction.function {
            case .unary(let function) where ![.negate, .absolute, .sign, .square].contains(function):
                return "\(function) of integers is not done on OpenCL"
            case .binary(.power): return "a power of integers is not done on OpenCL"
            default: break
            }
        }
        return nil
    }

    /// The launch over operands 0, 1, … and result 0.
    package func launch() -> KernelLaunch {
        let isCPU = profile.shape == .cpu
        let specification = KernelSpecification(
            "elementwise", files: ["common/math.cl", "elementwise/functions.cl"],
            defines: ["VECTOR_WIDTH": "\(isCPU ? profile.vectorWidth : 1)"], generated: isCPU ? cpuText : gpuText)
        var arguments = operands.indices.map(KernelArgument.operand) + [.result(0)] + sizes
        guard isCPU else {
            let local = min(256, profile.maximumWorkGroupSize)
            let groups = min((loop.count + local - 1) / local, profile.computeUnits * 64)
            return KernelLaunch(specification, arguments, globalSize: [groups * local], localSize: [local])
        }
        let partition = RowPartition(
            rows: loop.count / loop.length, length: loop.length, computeUnits: profile.computeUnits)
        arguments += [partition.segment, partition.segments, partition.share].map { .uint64(UInt64($0)) }
        return KernelLaunch(specification, arguments, items: partition.items)
    }

    // MARK: Operands

    private enum Layout {
        /// One element for all.
        case scalar
        /// The layout of the result.
        case linear
        /// Steps of its own; `isConstant` along the innermost loop.
        case strided(isConstant: Bool)
    }

    private func layout(_ operand: Int) -> Layout {
        let strides = loop.strides[operand + 1]
        if strides.allSatisfy({ $0 == 0 }) { return .scalar }
        if strides == loop.strides[0] { return .linear }
        return .strided(isConstant: strides.last == 0)
    }

    /// The extents and strides, in the order of ``sizeParameters``.
    private var sizes: [KernelArgument] {
        var sizes = [loop.count, loop.length] + loop.outer.dropFirst()
        for operand in operands.indices {
            guard case .strided = layout(operand) else { continue }
            sizes += loop.strides[operand + 1].dropLast()
        }
        return sizes.map { .uint64(UInt64($0)) }
    }

    private var sizeParameters: [String] {
        var names = ["count", "length"] + loop.outer.indices.dropFirst().map { "extent\($0)" }
        for operand in operands.indices {
            guard case .strided = layout(operand) else { continue }
            names += loop.outer.indices.map { "stride\(operand)_\($0)" }
        }
        return names.map { "const ulong \($0)" }
    }

    private static func memoryType(_ dtype: DType) -> String {
        switch dtype {
        case .float16: "half"
        case .bfloat16: "ushort"
        case .uint8: "uchar"
        case .int32: "int"
        default: "float"
        }
    }

    private static func valueType(_ dtype: DType) -> String { dtype.isFloatingPoint ? "vfloat" : "vint" }

    private func parameters(_ more: [String]) -> String {
        let tensors = operands.indices.map {
            "__global const \(Self.memoryType(operands[$0])) *x\($0), const ulong x\($0)Offset"
        }
        let y = "__global \(Self.memoryType(result)) *y, const ulong yOffset"
        return (tensors + [y] + sizeParameters + more).joined(separator: ",\n    ")
    }

    /// Lines that add the offsets, once, and read the operands of one element.
    private var prologue: [String] {
        var lines = ["y += yOffset;"]
        for operand in operands.indices {
            lines.append("x\(operand) += x\(operand)Offset;")
            if case .scalar = layout(operand) {
                let type = operands[operand]
                let value = Self.valueType(type)
                lines.append("const \(value) a\(operand) = (\(value))(LOAD1_\(type)(x\(operand)));")
            }
        }
        return lines
    }

    /// Lines that find `index0`, `index1`, … of the outer loops from `row`, where an operand needs them.
    private var rowIndices: [String] {
        let isNeeded = operands.indices.contains { if case .strided = layout($0) { true } else { false } }
        guard isNeeded, !loop.outer.isEmpty else { return [] }
        var lines = ["index_t rest = row;"]
        for axis in loop.outer.indices.dropFirst().reversed() {
            lines.append("const index_t index\(axis) = rest % (index_t)extent\(axis);")
            lines.append("rest /= (index_t)extent\(axis);")
        }
        return lines + ["const index_t index0 = rest;"]
    }

    /// Where an operand's row begins.
    private func rowStart(_ operand: Int) -> String {
        guard case .strided = layout(operand) else { return "(ulong)row * length" }
        let terms = loop.outer.indices.compactMap { axis in
            loop.strides[operand + 1][axis] == 0 ? nil : "index\(axis) * stride\(operand)_\(axis)"
        }
        return terms.isEmpty ? "0" : terms.joined(separator: " + ")
    }

    // MARK: The two shapes

    private var cpuText: String {
        let row = operands.indices.flatMap { operand -> [String] in
            let type = operands[operand]
            let value = Self.valueType(type)
            let pointer = "x\(operand) + \(rowStart(operand))"
            switch layout(operand) {
            case .scalar: return []
            case .strided(isConstant: true):
                return ["const \(value) a\(operand) = (\(value))(LOAD1_\(type)(\(pointer)));"]
            case .linear, .strided:
                return ["__global const \(Self.memoryType(type)) *row\(operand) = \(pointer);"]
            }
        }
        let vectors = operands.indices.filter { isRead($0) }
        let loads = vectors.map {
            "const \(Self.valueType(operands[$0])) a\($0) = LOADV_\(operands[$0])(row\($0) + i);"
        }
        let lanes = vectors.map { operand in
            let scalar = operands[operand].isFloatingPoint ? "float" : "int"
            return """
                \(scalar) lanes\(operand)[VECTOR_WIDTH] = {0};
                for (int lane = 0; lane < left; ++lane) lanes\(operand)[lane] = LOAD1_\(operands[operand])(row\(operand) + i + lane);
                const \(Self.valueType(operands[operand])) a\(operand) = LANES_LOAD(lanes\(operand));
                """
        }
        let scalar = result.isFloatingPoint ? "float" : "int"
        return """
            \(preamble)
            #if VECTOR_WIDTH == 1
            #define LANES_LOAD(lanes) (*(lanes))
            #define LANES_STORE(value, lanes) (*(lanes) = (value))
            #else
            #define LANES_LOAD(lanes) VLOAD(0, lanes)
            #define LANES_STORE(value, lanes) VSTORE(value, 0, lanes)
            #endif

            __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
            void elementwise(
                \(parameters(["const ulong segment", "const ulong segments", "const ulong share"])))
            {
                \(prologue.joined(separator: "\n    "))
                const index_t units = (index_t)(count / length * segments);
                const index_t first = (index_t)(get_global_id(0) * share);
                const index_t last = min(first + (index_t)share, units);
                for (index_t unit = first; unit < last; ++unit) {
                    const index_t row = unit / (index_t)segments;
                    ulong i = (unit - row * segments) * segment;
                    const ulong end = min(i + segment, length);
                    \((rowIndices + row).joined(separator: "\n        "))
                    __global \(Self.memoryType(result)) *rowY = y + (ulong)row * length;
                    for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) {
                        \(loads.joined(separator: "\n            "))
                        STOREV_\(result)(\(call), rowY + i);
                    }
                    const int left = (int)(end - i);
                    if (left > 0) {
                        \(lanes.joined(separator: "\n            ").replacing("\n", with: "\n            "))
                        \(scalar) lanesY[VECTOR_WIDTH];
                        LANES_STORE(\(call), lanesY);
                        for (int lane = 0; lane < left; ++lane) STORE1_\(result)(lanesY[lane], rowY + i + lane);
                    }
                }
            }
            """
    }

    private var gpuText: String {
        let loads = operands.indices.compactMap { operand -> String? in
            let type = operands[operand]
            let place: String
            switch layout(operand) {
            case .scalar: return nil
            case .linear: place = "element"
            case .strided(let isConstant): place = rowStart(operand) + (isConstant ? "" : " + column")
            }
            return "const \(Self.valueType(type)) a\(operand) = LOAD1_\(type)(x\(operand) + \(place));"
        }
        return """
            \(preamble)
            __kernel void elementwise(
                \(parameters([])))
            {
                \(prologue.joined(separator: "\n    "))
                for (index_t element = get_global_id(0); element < (index_t)count; element += get_global_size(0)) {
                    const index_t row = element / (index_t)length;
                    const index_t column = element - row * (index_t)length;
                    \((rowIndices + loads).joined(separator: "\n        "))
                    STORE1_\(result)(\(call), y + element);
                }
            }
            """
    }

    /// Whether an operand is read with each vector, not hoisted.
    private func isRead(_ operand: Int) -> Bool {
        switch layout(operand) {
        case .scalar, .strided(isConstant: true): false
        case .linear, .strided: true
        }
    }

    private var call: String { "evaluate(\(operands.indices.map { "a\($0)" }.joined(separator: ", ")))" }

    // MARK: The program

    /// The index type and the program as a function. 32 bits, where they suffice with a grid's stride to spare.
    private var preamble: String {
        let parameters = operands.indices.map { "\(Self.valueType(operands[$0])) a\($0)" }.joined(separator: ", ")
        let lines = program.instructions.indices.map { index in
            "    const \(Self.valueType(program.instructions[index].dtype)) v\(index) = \(expression(index));"
        }
        let value = program.instructions.isEmpty ? "a0" : "v\(program.instructions.count - 1)"
        return """
            typedef \(loop.count < 1 << 30 ? "uint" : "ulong") index_t;

            static inline \(Self.valueType(result)) evaluate(\(parameters)) {
            \(lines.joined(separator: "\n"))
                return \(value);
            }
            """
    }

    /// The type that an instruction computes in.
    private func argumentType(_ instruction: ElementwiseProgram.Instruction) -> DType {
        guard case .cast = instruction.function else { return instruction.dtype }
        return type(of: instruction.arguments.first ?? .constant(0), otherwise: .float32)
    }

    private func type(of argument: ElementwiseProgram.Argument, otherwise: DType) -> DType {
        switch argument {
        case .operand(let index): operands[index]
        case .instruction(let index): program.instructions[index].dtype
        case .constant: otherwise
        }
    }

    private func expression(_ index: Int) -> String {
        let instruction = program.instructions[index]
        func argument(_ position: Int, _ constant: DType) -> String {
            switch instruction.arguments[position] {
            case .operand(let operand): "a\(operand)"
            case .instruction(let earlier): "v\(earlier)"
            case .constant(let value): Self.literal(value, constant)
            }
        }
        let dtype = instruction.dtype
        let family = dtype.isFloatingPoint ? "float" : "int"
        let value: String
        switch instruction.function {
        case .unary(let function): value = "\(family)_\(function.rawValue)(\(argument(0, dtype)))"
        case .binary(let function):
            value = "\(family)_\(function.rawValue)(\(argument(0, dtype)), \(argument(1, dtype)))"
        case .select: value = "SELECT(\(argument(0, .float32)), \(argument(1, dtype)), \(argument(2, dtype)))"
        case .cast:
            let isFromFloat = argumentType(instruction).isFloatingPoint
            let x = argument(0, .float32)
            value = isFromFloat == dtype.isFloatingPoint ? x : isFromFloat ? "float_to_int(\(x))" : "int_to_float(\(x))"
        }
        switch dtype {
        case .float16, .bfloat16, .uint8: return "ROUND_\(dtype)(\(value))"
        default: return value
        }
    }

    private static func literal(_ value: Double, _ dtype: DType) -> String {
        guard dtype.isFloatingPoint else {
            // Beyond int32 the nearest of its numbers; its smallest has no literal of its own.
            let clamped = value.isNaN ? 0 : Int(min(max(value, -2_147_483_647), 2_147_483_647))
            return "(vint)(\(clamped))"
        }
        let number = Float(value)
        if number.isNaN { return "(vfloat)(NAN)" }
        if number.isInfinite { return number > 0 ? "(vfloat)(INFINITY)" : "(vfloat)(-INFINITY)" }
        return "(vfloat)(\(number)f)"
    }
}
