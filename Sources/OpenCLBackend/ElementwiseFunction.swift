import TensorGraph

/// An elementwise program as an OpenCL C function of one element, or one vector of them, of each operand.
///
/// What the text calls is in `Kernels/elementwise/functions.cl`.
struct ElementwiseFunction {
    let program: ElementwiseProgram
    let operands: [DType]
    let result: DType

    /// Why no kernel can be written, or `nil`.
    var refusal: String? {
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

    /// `evaluate(a0, a1, …)`. Without instructions it is its one operand.
    var text: String {
        let parameters = operands.indices.map { "\(operands[$0].valueType) a\($0)" }.joined(separator: ", ")
        let lines = program.instructions.indices.map { index in
            "    const \(program.instructions[index].dtype.valueType) v\(index) = \(expression(index));"
        }
        let value = program.instructions.isEmpty ? "a0" : "v\(program.instructions.count - 1)"
        return """
            static inline \(result.valueType) evaluate(\(parameters)) {
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
            switch (isFromFloat, dtype) {
            case (true, .uint8): value = "float_to_uint8(\(x))"
            case (true, _) where !dtype.isFloatingPoint: value = "float_to_int(\(x))"
            case (false, _) where dtype.isFloatingPoint: value = "int_to_float(\(x))"
            default: value = x
            }
        }
        switch dtype {
        case .float16, .bfloat16, .uint8: return "ROUND_\(dtype)(\(value))"
        default: return value
        }
    }

    private static func literal(_ value: Double, _ dtype: DType) -> String {
        guard dtype.isFloatingPoint else {
            // The smallest has no literal of its own.
            let held = Int(DType.int32.converted(value))
            return held == Int(Int32.min) ? "(vint)(\(held + 1) - 1)" : "(vint)(\(held))"
        }
        let number = Float(value)
        if number.isNaN { return "(vfloat)(NAN)" }
        if number.isInfinite { return number > 0 ? "(vfloat)(INFINITY)" : "(vfloat)(-INFINITY)" }
        return "(vfloat)(\(number)f)"
    }
}

extension DType {
    /// What an element is in memory.
    var memoryType: String {
        switch self {
        case .float16: "half"
        case .bfloat16: "ushort"
        case .uint8: "uchar"
        case .int32: "int"
        default: "float"
        }
    }

    /// What it is computed as.
    var valueType: String { isFloatingPoint ? "vfloat" : "vint" }
}
