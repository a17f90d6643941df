import TensorGraph

/// An elementwise program as an OpenCL C function of one element, or one vector of them, of each operand.
///
/// What the text calls is in `Kernels/elementwise/functions.cl`. The program's numbers are arguments, so that programs that
/// differ in nothing else are one text, built once: learning rates, scales and factors that a batch's size goes into.
struct ElementwiseFunction {
    let program: ElementwiseProgram
    let operands: [DType]
    let results: [DType]
    /// The instructions that the kernel computes once, before its loop.
    let hoisted: [Int]
    /// The numbers that are arguments of the kernel, in the order in which instructions read them. Two that are equal are
    /// two: that they are is nothing that the text may depend on.
    let numbers: [Number]
    /// Which of ``numbers`` an instruction's argument is; none where it is written into the text.
    private let places: [Place: Int]

    /// A number as instructions compute with it.
    enum Number: Hashable {
        case float(Double)
        case int(Int)

        var argument: KernelArgument {
            switch self {
            case .float(let value): .float(value)
            case .int(let value): .int32(value)
            }
        }

        /// What a kernel takes it as, and what it is computed with.
        var types: (scalar: String, vector: String) {
            switch self {
            case .float: ("float", "vfloat")
            case .int: ("int", "vint")
            }
        }
    }

    private struct Place: Hashable {
        var instruction: Int
        var argument: Int
    }

    /// The most numbers that are arguments, so that the kernel's arguments stay within the 1024 bytes that every device
    /// takes; those after them are text.
    private static let numberLimit = 32

    /// - Parameter uniform: the operands that are the same for all elements.
    init(program: ElementwiseProgram, operands: [DType], results: [DType], uniform: Set<Int> = []) {
        (self.program, self.operands, self.results) = (program, operands, results)
        hoisted = uniform.isEmpty ? [] : program.uniformInstructions { uniform.contains($0) }
        var numbers: [Number] = []
        var places: [Place: Int] = [:]
        for (index, instruction) in program.instructions.enumerated() {
            for (position, argument) in instruction.arguments.enumerated() {
                guard case .constant(let value) = argument, numbers.count < Self.numberLimit,
                    !Self.isText(instruction, position)
                else { continue }
                places[Place(instruction: index, argument: position)] = numbers.count
                numbers.append(Self.number(value, Self.constantType(instruction, position)))
            }
        }
        (self.numbers, self.places) = (numbers, places)
    }

    /// Whether a number is worth a text of its own: a power becomes another function, a division of integers a
    /// multiplication.
    private static func isText(_ instruction: ElementwiseProgram.Instruction, _ position: Int) -> Bool {
        switch instruction.function {
        case .binary(.power): true
        case .binary(.divide), .binary(.remainder), .binary(.truncatedRemainder):
            !instruction.dtype.isFloatingPoint && position == 1
        default: false
        }
    }

    /// The type in which an instruction takes a number: masks, and what is converted, are floats.
    private static func constantType(_ instruction: ElementwiseProgram.Instruction, _ position: Int) -> DType {
        switch instruction.function {
        case .cast: .float32
        case .select where position == 0: .float32
        default: instruction.dtype
        }
    }

    private static func number(_ value: Double, _ dtype: DType) -> Number {
        dtype.isFloatingPoint ? .float(value) : .int(Int(DType.int32.converted(value)))
    }

    /// Why no kernel can be written, or `nil`.
    var refusal: String? {
        let types = operands + program.instructions.map(\.dtype)
        if let type = types.first(where: { $0 == .float64 || $0 == .int64 }) { return "\(type) is not done on OpenCL" }
        for instruction in program.instructions where !argumentType(instruction).isFloatingPoint {
            switch instruction.function {
            case .unary(let function) where !UnaryFunction.ofIntegers.contains(function):
                return "\(function) of integers is not done on OpenCL"
            case .binary(.power): return "a power of integers is not done on OpenCL"
            default: break
            }
        }
        return nil
    }

    /// Declarations of the numbers as a kernel's parameters, `number0`, ….
    var numberParameters: [String] { numbers.indices.map { "const \(numbers[$0].types.scalar) number\($0)" } }

    /// Lines before a kernel's loop: what is computed once, of operands `a0`, … that are the same for all elements.
    var hoistedLines: [String] {
        let read = Set(
            hoisted.flatMap { index in
                program.instructions[index].arguments.indices.compactMap {
                    places[Place(instruction: index, argument: $0)]
                }
            })
        return read.sorted().map { "const \(numbers[$0].types.vector) n\($0) = number\($0);" }
            + hoisted.map { declaration($0) }
    }

    /// What is computed once and read for each element.
    var hoistedArguments: [Int] {
        hoisted.filter { index in
            program.instructions.indices.contains { later in
                !hoisted.contains(later) && program.instructions[later].arguments.contains(.instruction(index))
            }
        }
    }

    private func declaration(_ index: Int) -> String {
        "const \(program.instructions[index].dtype.valueType) v\(index) = \(expression(index));"
    }

    /// What a kernel calls ``text`` with: expressions for the operands, then its parameters of ``numberParameters``.
    func call(_ operands: [String]) -> String {
        let values = numbers.indices.map { "(\(numbers[$0].types.vector))(number\($0))" }
        let pointers = results.count > 1 ? results.indices.map { "&value\($0)" } : []
        let all = operands + values + hoistedArguments.map { "v\($0)" } + pointers
        return "evaluate(\(all.joined(separator: ", ")))"
    }

    /// Lines that make of `a0`, … the results `value0`, ….
    var evaluation: [String] {
        let call = call(operands.indices.map { "a\($0)" })
        guard results.count > 1 else { return ["const \(results[0].valueType) value0 = \(call);"] }
        return results.indices.map { "\(results[$0].valueType) value\($0);" } + ["\(call);"]
    }

    /// `evaluate(a0, a1, …, n0, n1, …)`, of operands, ``numbers`` and what is hoisted. Of several results each is written
    /// through a pointer, and one is returned. Without instructions it is its one operand.
    var text: String {
        let values =
            operands.indices.map { "\(operands[$0].valueType) a\($0)" }
            + numbers.indices.map { "\(numbers[$0].types.vector) n\($0)" }
            + hoistedArguments.map { "\(program.instructions[$0].dtype.valueType) v\($0)" }
        let pointers = results.count > 1 ? results.indices.map { "\(results[$0].valueType) *y\($0)" } : []
        let lines = program.instructions.indices.filter { !hoisted.contains($0) }.map { "    " + declaration($0) }
        let ends =
            results.count > 1
            ? program.results.enumerated().map { "    *y\($0) = v\($1);" }
            : ["    return \(program.results.first.map { "v\($0)" } ?? "a0");"]
        return """
            static inline \(results.count > 1 ? "void" : results[0].valueType) evaluate(\((values + pointers).joined(separator: ", "))) {
            \((lines + ends).joined(separator: "\n"))
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
        func argument(_ position: Int) -> String {
            switch instruction.arguments[position] {
            case .operand(let operand): return "a\(operand)"
            case .instruction(let earlier): return "v\(earlier)"
            case .constant(let value):
                if let place = places[Place(instruction: index, argument: position)] { return "n\(place)" }
                return Self.literal(Self.number(value, Self.constantType(instruction, position)))
            }
        }
        let dtype = instruction.dtype
        let family = dtype.isFloatingPoint ? "float" : "int"
        let value: String
        switch instruction.function {
        case .unary(let function): value = "\(family)_\(function.rawValue)(\(argument(0)))"
        case .binary(let function):
            value = "\(family)_\(function.rawValue)(\(argument(0)), \(argument(1)))"
        case .select: value = "SELECT(\(argument(0)), \(argument(1)), \(argument(2)))"
        case .cast:
            let isFromFloat = argumentType(instruction).isFloatingPoint
            let x = argument(0)
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

    private static func literal(_ number: Number) -> String {
        switch number {
        case .int(let value):
            // The smallest has no literal of its own.
            return value == Int(Int32.min) ? "(vint)(\(value + 1) - 1)" : "(vint)(\(value))"
        case .float(let value):
            let value = Float(value)
            if value.isNaN { return "(vfloat)(NAN)" }
            if value.isInfinite { return value > 0 ? "(vfloat)(INFINITY)" : "(vfloat)(-INFINITY)" }
            return "(vfloat)(\(value)f)"
        }
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

    /// The unsigned integer of an element's size, as which kernels move it.
    var word: String {
        switch byteCount {
        case 1: "uchar"
        case 2: "ushort"
        case 4: "uint"
        default: "ulong"
        }
    }

    /// The bits of a NaN; 0 of an integer.
    var fill: String {
        switch self {
        case .float16: "0x7e00"
        case .bfloat16: "0x7fc0"
        case .float32: "0x7fc00000u"
        case .float64: "0x7ff8000000000000ul"
        case .int32, .int64, .uint8: "0"
        }
    }

    /// What it is computed as.
    var valueType: String { isFloatingPoint ? "vfloat" : "vint" }
}
