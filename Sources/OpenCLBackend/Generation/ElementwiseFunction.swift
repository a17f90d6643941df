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
        case long(Int)

        var argument: KernelArgument {
            switch self {
            case .float(let value): .float(value)
            case .int(let value): .int32(value)
            case .long(let value): .uint64(UInt64(bitPattern: Int64(value)))
            }
        }

        /// What a kernel takes it as, and what it is computed with.
        var types: (scalar: String, vector: String) {
            switch self {
            case .float: ("float", "vfloat")
            case .int: ("int", "vint")
            case .long: ("long", "vlong")
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
                numbers.append(
                    Self.number(value, program.type(of: position, in: instruction, operands: operands)))
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

    private static func number(_ value: Double, _ dtype: DType) -> Number {
        switch dtype.family {
        case .float: .float(value)
        case .int: .int(Int(DType.int32.converted(value)))
        case .long: .long(Int(exactly: DType.int64.converted(value)) ?? .max)
        }
    }

    /// Why no kernel can be written, or `nil`.
    var refusal: String? {
        let types = operands + program.instructions.map(\.dtype)
        if let type = types.first(where: { $0 == .float64 || $0 == .uint64 }) { return "\(type) is not done on OpenCL" }
        for instruction in program.instructions {
            let dtype = type(of: 0, in: instruction)
            switch instruction.function {
            case .unary(let function): if let refusal = function.refusal(dtype) { return refusal }
            case .binary(.power) where !dtype.isFloatingPoint: return "a power of integers is not done on OpenCL"
            case .binary(let function): if let refusal = function.refusal(dtype) { return refusal }
            case .select, .cast: break
            }
        }
        return nil
    }

    /// The files of OpenCL C that the text calls.
    var files: [String] {
        let types = operands + program.instructions.map(\.dtype)
        let isLong = types.contains { $0.family == .long }
        return KernelSpecification.functionFiles + (isLong ? ["elementwise/long_functions.cl"] : [])
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

    private func type(of position: Int, in instruction: ElementwiseProgram.Instruction) -> DType {
        program.type(of: position, in: instruction, operands: operands)
    }

    private func expression(_ index: Int) -> String {
        let instruction = program.instructions[index]
        func argument(_ position: Int) -> String {
            switch instruction.arguments[position] {
            case .operand(let operand): return "a\(operand)"
            case .instruction(let earlier): return "v\(earlier)"
            case .constant(let value):
                if let place = places[Place(instruction: index, argument: position)] { return "n\(place)" }
                return Self.literal(Self.number(value, type(of: position, in: instruction)))
            }
        }
        let dtype = instruction.dtype
        let from = type(of: 0, in: instruction)
        let value: String
        switch instruction.function {
        case .unary(let function): value = "\(from.family)_\(function.rawValue)(\(argument(0)))"
        case .binary(let function):
            value = "\(from.family)_\(function.rawValue)(\(argument(0)), \(argument(1)))"
        case .select:
            let mask = from == .bool ? argument(0) : "\(from.family)_isSet(\(argument(0)))"
            value = "SELECT_\(dtype.family)(\(mask), \(argument(1)), \(argument(2)))"
        case .cast: value = cast(argument(0), from, to: dtype)
        }
        switch dtype {
        case .float32, .float64, .int32, .int64, .uint64: return value
        case .bool:
            if case .unary = instruction.function { return "ROUND_bool(\(value))" }
            return value
        case .float16, .bfloat16, .int8, .int16, .uint8, .uint16, .uint32: return "ROUND_\(dtype)(\(value))"
        }
    }

    /// A value in the family of another type; what is rounded to that type afterwards may have more bits.
    private func cast(_ x: String, _ from: DType, to dtype: DType) -> String {
        switch (from.family, dtype) {
        case (let family, .bool): return from == .bool ? x : "\(family)_isSet(\(x))"
        case (.float, .int8): return "FLOAT_TO_INT(\(x), -128, 127)"
        case (.float, .int16): return "FLOAT_TO_INT(\(x), -32768, 32767)"
        case (.float, .uint8): return "FLOAT_TO_INT(\(x), 0, 255)"
        case (.float, .uint16): return "FLOAT_TO_INT(\(x), 0, 65535)"
        case (.float, .uint32): return "FLOAT_TO_LONG(\(x), 0, 0xFFFFFFFFL)"
        case (let family, _): return family == dtype.family ? x : "\(family)_to_\(dtype.family)(\(x))"
        }
    }

    private static func literal(_ number: Number) -> String {
        switch number {
        case .int(let value):
            // The smallest has no literal of its own.
            return value == Int(Int32.min) ? "(vint)(\(value + 1) - 1)" : "(vint)(\(value))"
        case .long(let value): return value == .min ? "(vlong)(LONG_MIN)" : "(vlong)(\(value)L)"
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
        case .bfloat16, .uint16: "ushort"
        case .float32: "float"
        case .float64: "double"
        case .int8: "char"
        case .int16: "short"
        case .int32: "int"
        case .int64: "long"
        case .bool, .uint8: "uchar"
        case .uint32: "uint"
        case .uint64: "ulong"
        }
    }

    /// The types that elements are computed in; the raw value is that of one in OpenCL C.
    enum Family: String, CustomStringConvertible {
        case float, int, long

        var description: String { rawValue }
    }

    var family: Family {
        switch self {
        case .float16, .bfloat16, .float32, .float64: .float
        case .bool, .int8, .int16, .int32, .uint8, .uint16: .int
        // What uint32 holds, long holds.
        case .uint32, .int64, .uint64: .long
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
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: "0"
        }
    }

    /// What it is computed as.
    var valueType: String { "v\(family)" }
}
