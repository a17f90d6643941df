import CVector
import TensorGraph

extension CPULowering {
    func unary(_ function: UnaryFunction) throws -> CPUKernel { try elementwise(single: .unary(function)) }
    func binary(_ function: BinaryFunction) throws -> CPUKernel { try elementwise(single: .binary(function)) }
    func select() throws -> CPUKernel { try elementwise(single: .select) }

    func cast(_ dtype: DType) throws -> CPUKernel {
        let (from, to) = (cv_type(node.operandTypes[0].dtype), type)
        let count = shape(0).elementCount
        return CPUKernel("converts") { places in convert(from, places.operands[0], to, places.results[0], count) }
    }

    func elementwise(_ program: ElementwiseProgram) throws -> CPUKernel {
        let result = node.resultTypes[0]
        let compiled = CompiledProgram(program, operands: node.operandTypes, result: result)
        let scratch = compiled.scratch.rounded(to: 64)
        let (count, sizes) = (result.shape.elementCount, node.resultTypes.map(\.dtype.byteCount))
        return CPUKernel(
            "\(program.instructions.count) instructions a block of \(CV_BLOCK)",
            workspaces: [scratch * Parallel.workers]
        ) { places in
            places.operands.map { UnsafeRawPointer?($0) }.withUnsafeBufferPointer { operands in
                let grain = max(Int(CV_BLOCK), memoryGrain / max(program.instructions.count / 2, 1))
                Parallel.run(count, grain: grain.rounded(to: Int(CV_BLOCK))) { worker, range in
                    let results = zip(places.results, sizes).map { $0 + range.lowerBound * $1 }
                    compiled.run(operands.baseAddress, results, range, places.workspaces[0] + worker * scratch)
                }
            }
        }
    }

    /// Members are shared out whole among the cores: each is small.
    func elementwiseGroup(_ group: ElementwiseGroup) throws -> CPUKernel {
        let members = (0..<group.members).map { member in
            let operands = group.operands(of: member), results = group.results(of: member)
            let result = node.resultTypes[results.lowerBound]
            return (
                compiled: CompiledProgram(
                    group.program, operands: operands.map { node.operandTypes[$0] }, result: result),
                operands: operands, results: results, count: result.shape.elementCount
            )
        }
        let scratch = (members.map(\.compiled.scratch).max() ?? 0).rounded(to: 64)
        let average = members.reduce(0) { $0 + $1.count } / max(members.count, 1)
        let elements = memoryGrain / max(group.program.instructions.count / 2, 1)
        return CPUKernel(
            "\(members.count) times \(group.program.instructions.count) instructions a block of \(CV_BLOCK)",
            workspaces: [scratch * Parallel.workers]
        ) { places in
            Parallel.run(members.count, grain: max(1, elements / max(average, 1))) { worker, range in
                for member in members[range] {
                    let operands = member.operands.map { UnsafeRawPointer?(places.operands[$0]) }
                    operands.withUnsafeBufferPointer { operands in
                        member.compiled.run(
                            operands.baseAddress, Array(places.results[member.results]), 0..<member.count,
                            places.workspaces[0] + worker * scratch)
                    }
                }
            }
        }
    }

    private func elementwise(single function: ElementwiseProgram.Function) throws -> CPUKernel {
        try elementwise(
            ElementwiseProgram(
                single: function, operandCount: node.operandTypes.count, dtype: node.resultTypes[0].dtype))
    }

    func dropout(_ attributes: DropoutMask) throws -> CPUKernel {
        let (type, count) = (type, shape(0).elementCount)
        return CPUKernel("Philox, four elements a counter") { places in
            let counter = UInt32(bitPattern: places.operands[1].load(as: Int32.self))
            Parallel.run(count.dividedRoundingUp(by: 4), grain: memoryGrain / 16) { groups in
                cv_dropout(
                    type, attributes.rate, attributes.seed, counter, places.operands[0], places.results[0],
                    Int64(groups.lowerBound), Int64(groups.upperBound), Int64(count))
            }
        }
    }
}

/// An elementwise program in the form that the interpreter of CVector runs.
final class CompiledProgram {
    private let operands: UnsafeMutablePointer<cv_operand>
    private let constants: UnsafeMutablePointer<UInt64>
    private let instructions: UnsafeMutablePointer<cv_instruction>
    private let layouts: UnsafeMutablePointer<Int64>
    private var program: cv_program

    /// The bytes that a core surely keeps in its own cache.
    private static let nearMemory = 1 << 20

    /// Bytes that one thread needs.
    var scratch: Int { Int(cv_program_scratch(&program)) }

    init(_ source: ElementwiseProgram, operands types: [TensorType], result: TensorType) {
        let axes = types.map { Broadcast($0.shape, to: result.shape) }
        operands = .allocate(capacity: max(types.count, 1))
        layouts = .allocate(capacity: max(2 * axes.reduce(0) { $0 + $1.extents.count }, 1))
        var place = layouts
        for (index, axis) in axes.enumerated() {
            let rank = axis.extents.count
            let (extents, strides) = (place, place + rank)
            for i in 0..<rank {
                extents[i] = Int64(axis.extents[i])
                strides[i] = Int64(axis.strides[i])
            }
            place += 2 * rank
            (operands + index).initialize(
                to: cv_operand(
                    type: cv_type(types[index].dtype), layout: axis.layout, rank: Int32(rank), extents: extents,
                    strides: strides))
        }
        var builder = Builder(source, types, isUniform: axes.map { $0.layout == CV_SCALAR })
        builder.build()
        constants = .allocate(capacity: max(builder.constants.count, 1))
        for (index, constant) in builder.constants.enumerated() { constants[index] = constant }
        instructions = .allocate(capacity: max(builder.instructions.count, 1))
        for (index, instruction) in builder.instructions.enumerated() {
            (instructions + index).initialize(to: instruction)
        }
        // One or two instructions a block are done before what is asked for has come.
        let byteCount =
            result.shape.elementCount * source.results.count * result.dtype.byteCount
            + types.reduce(0) { $0 + $1.byteCount }
        let isLarge = builder.instructions.count - builder.uniformCount > 2 && byteCount > Self.nearMemory
        program = cv_program(
            operand_count: Int32(types.count), constant_count: Int32(builder.constants.count),
            register_count: Int32(builder.registers), instruction_count: Int32(builder.instructions.count),
            uniform_count: Int32(builder.uniformCount), result_count: Int32(source.results.count),
            is_large: isLarge ? 1 : 0,
            operands: operands, constants: constants, instructions: instructions)
    }

    deinit {
        operands.deallocate()
        constants.deallocate()
        instructions.deallocate()
        layouts.deallocate()
    }

    /// Elements `range` of the results, the first of which goes where each of `results` points.
    func run(
        _ operands: UnsafePointer<UnsafeRawPointer?>?, _ results: [UnsafeMutableRawPointer], _ range: Range<Int>,
        _ scratch: UnsafeMutableRawPointer
    ) {
        let results = results.map { UnsafeMutableRawPointer?($0) }
        withUnsafePointer(to: program) {
            cv_run_program($0, operands, results, Int64(range.lowerBound), Int64(range.count), scratch)
        }
    }

    /// Reduces `rows` of the matrix of `inner` columns that begins with element `first` of the result to elements
    /// `columns` of `y`, through a panel of `CV_PANEL` elements.
    func reduceColumns(
        _ type: cv_type, _ function: cv_reduction, _ operands: UnsafePointer<UnsafeRawPointer?>?, _ first: Int,
        _ panel: UnsafeMutableRawPointer, _ scratch: UnsafeMutableRawPointer, rows: Range<Int>, columns: Range<Int>,
        of inner: Int, to y: UnsafeMutableRawPointer
    ) {
        withUnsafePointer(to: program) {
            var matrix = cv_program_matrix(
                program: $0, operands: operands, first: Int64(first), panel: panel, scratch: scratch)
            cv_reduce_program_columns(
                type, function, &matrix, y, Int64(rows.lowerBound), Int64(rows.upperBound), Int64(inner),
                Int64(columns.lowerBound), Int64(columns.upperBound))
        }
    }
}

/// How a tensor is read when it broadcasts: the result's extents with the operand's strides, neighbouring axes joined
/// where both allow it.
struct Broadcast {
    var extents: [Int] = []
    var strides: [Int] = []

    init(_ shape: Shape, to result: Shape) {
        let offset = result.rank - shape.rank
        let own = shape.strides
        for axis in 0..<result.rank where result[axis] != 1 {
            let stride = axis < offset || shape[axis - offset] == 1 ? 0 : own[axis - offset]
            if let last = extents.indices.last, strides[last] == stride * result[axis] {
                extents[last] *= result[axis]
                strides[last] = stride
            } else {
                extents.append(result[axis])
                strides.append(stride)
            }
        }
        if extents.isEmpty { (extents, strides) = ([1], [0]) }
    }

    var layout: cv_layout {
        if strides.allSatisfy({ $0 == 0 }) { return CV_SCALAR }
        return extents.count == 1 && strides == [1] ? CV_CONTIGUOUS : CV_BROADCAST
    }
}

/// Numbers the slots of a program and gives registers to its instructions, each free again after its last reader.
private struct Builder {
    let source: ElementwiseProgram
    let types: [TensorType]
    var constants: [UInt64] = []
    var instructions: [cv_instruction] = []
    var registers = 0
    /// How many instructions, the first ones, depend on numbers alone: they are computed once.
    let uniformCount: Int

    init(_ source: ElementwiseProgram, _ types: [TensorType], isUniform: [Bool]) {
        self.types = types
        let uniform = source.uniformInstructions { isUniform[$0] }
        uniformCount = uniform.count
        self.source = source.withFirst(uniform)
    }

    mutating func build() {
        let results = source.results
        let sums = sumsOfProducts()
        var lastReader = [Int](repeating: -1, count: source.instructions.count)
        var constantCount = 0
        for (index, instruction) in source.instructions.enumerated() {
            for argument in instruction.arguments {
                switch argument {
                case .instruction(let producer): lastReader[producer] = max(lastReader[producer], sums[index] ?? index)
                case .constant: constantCount += 1
                case .operand: break
                }
            }
        }
        let firstRegister = types.count + constantCount
        var places = [Int](repeating: 0, count: source.instructions.count)
        var free: [Int] = []
        for (index, instruction) in source.instructions.enumerated() where sums[index] == nil {
            func slot(_ argument: ElementwiseProgram.Argument, _ dtype: DType) -> Int32 {
                switch argument {
                case .operand(let operand): return Int32(operand)
                case .instruction(let producer): return Int32(firstRegister + places[producer])
                case .constant(let number):
                    constants.append(pattern(number, dtype))
                    return Int32(types.count + constants.count - 1)
                }
            }
            // What the arguments are computed in, and of a choice its mask.
            let computed = type(0, in: instruction)
            var (kind, function) = code(instruction.function)
            var (slots, read): ([Int32], [ElementwiseProgram.Argument]) = ([], [])
            if instruction.arguments.contains(where: { product($0, of: index, sums) != nil }) {
                kind = CV_MULTIPLY_ADD
                for argument in instruction.arguments {
                    let factors = product(argument, of: index, sums) ?? [argument]
                    read += factors
                    slots += factors.map { slot($0, computed) }
                    if factors.count == 1 { slots.append(-1) }
                }
            } else {
                read = instruction.arguments
                slots = read.indices.map { slot(read[$0], type($0, in: instruction)) }
            }
            while slots.count < 4 { slots.append(0) }
            // What lasts longer than a block, or lies in a result, shares no register.
            let isOwn = index < uniformCount || results.contains(index)
            places[index] = isOwn ? registers : free.popLast() ?? registers
            registers = max(registers, places[index] + 1)
            instructions.append(
                cv_instruction(
                    kind: kind, function: function, type: cv_type(computed), result_type: cv_type(instruction.dtype),
                    sources: (slots[0], slots[1], slots[2], slots[3]),
                    destination: Int32(firstRegister + places[index]),
                    result: Int32(results.firstIndex(of: index) ?? -1), is_read: lastReader[index] >= 0 ? 1 : 0))
            // Only now, so that no instruction writes where it reads.
            for case .instruction(let producer) in Set(read) where lastReader[producer] == index {
                guard producer >= uniformCount, !results.contains(producer) else { continue }
                free.append(places[producer])
            }
        }
    }

    private func type(_ position: Int, in instruction: ElementwiseProgram.Instruction) -> DType {
        source.type(of: position, in: instruction, operands: types.map(\.dtype))
    }

    /// Products that one sum or difference alone reads, each with that instruction, which forms them itself: it rounds them as
    /// they would be, and a loop less goes through the block.
    private func sumsOfProducts() -> [Int: Int] {
        var readers: [Int: [Int]] = [:]
        for (index, instruction) in source.instructions.enumerated() {
            for case .instruction(let producer) in instruction.arguments {
                readers[producer, default: []].append(index)
            }
        }
        var sums: [Int: Int] = [:]
        for (index, instruction) in source.instructions.enumerated().dropFirst(uniformCount) {
            guard instruction.function == .binary(.multiply), !source.results.contains(index),
                let reader = readers[index]?.first, readers[index]?.count == 1,
                [instruction.dtype, source.instructions[reader].dtype].allSatisfy({ $0 == .float32 || $0 == .float64 })
            else { continue }
            switch source.instructions[reader].function {
            case .binary(.add), .binary(.subtract): sums[index] = reader
            case .binary, .unary, .select, .cast: break
            }
        }
        return sums
    }

    /// The factors of an argument that instruction `index` multiplies itself.
    private func product(
        _ argument: ElementwiseProgram.Argument, of index: Int, _ sums: [Int: Int]
    ) -> [ElementwiseProgram.Argument]? {
        guard case .instruction(let producer) = argument, sums[producer] == index else { return nil }
        return source.instructions[producer].arguments
    }

    /// The bytes of a number in the type that a slot has.
    private func pattern(_ number: Double, _ dtype: DType) -> UInt64 {
        var (source, bits) = (number, UInt64(0))
        let arithmetic: DType = dtype == .float16 || dtype == .bfloat16 ? .float32 : dtype
        cv_convert(CV_FLOAT64, &source, cv_type(arithmetic), &bits, 1)
        return bits
    }

    private func code(_ function: ElementwiseProgram.Function) -> (cv_instruction_kind, Int32) {
        switch function {
        case .unary(let function): (CV_UNARY, Int32(cv_unary_function(function).rawValue))
        case .binary(let function): (CV_BINARY, Int32(cv_binary_function(function).rawValue))
        case .select: (CV_SELECT, 0)
        case .cast: (CV_CONVERT, 0)
        }
    }
}

extension cv_unary_function {
    init(_ function: UnaryFunction) {
        self =
            switch function {
            case .negate: CV_NEGATE
            case .absolute: CV_ABSOLUTE
            case .sign: CV_SIGN
            case .square: CV_SQUARE
            case .squareRoot: CV_SQUARE_ROOT
            case .reciprocalSquareRoot: CV_RECIPROCAL_SQUARE_ROOT
            case .reciprocal: CV_RECIPROCAL
            case .exponential: CV_EXPONENTIAL
            case .exponentialMinusOne: CV_EXPONENTIAL_MINUS_ONE
            case .logarithm: CV_LOGARITHM
            case .sine: CV_SINE
            case .cosine: CV_COSINE
            case .tangent: CV_TANGENT
            case .arcsine: CV_ARCSINE
            case .arccosine: CV_ARCCOSINE
            case .arctangent: CV_ARCTANGENT
            case .hyperbolicSine: CV_HYPERBOLIC_SINE
            case .hyperbolicCosine: CV_HYPERBOLIC_COSINE
            case .inverseHyperbolicSine: CV_INVERSE_HYPERBOLIC_SINE
            case .inverseHyperbolicCosine: CV_INVERSE_HYPERBOLIC_COSINE
            case .inverseHyperbolicTangent: CV_INVERSE_HYPERBOLIC_TANGENT
            case .floor: CV_FLOOR
            case .ceiling: CV_CEILING
            case .truncation: CV_TRUNCATION
            case .rounding: CV_ROUNDING
            case .errorFunction: CV_ERROR_FUNCTION
            case .sigmoid: CV_SIGMOID
            case .tanh: CV_TANH
            case .relu: CV_RELU
            case .gelu: CV_GELU
            case .silu: CV_SILU
            case .softplus: CV_SOFTPLUS
            case .gaussian: CV_GAUSSIAN
            case .sigmoidDerivative: CV_SIGMOID_DERIVATIVE
            case .geluDerivative: CV_GELU_DERIVATIVE
            case .siluDerivative: CV_SILU_DERIVATIVE
            case .isNaN: CV_IS_NAN
            case .isInfinite: CV_IS_INFINITE
            case .bitwiseNot: CV_BITWISE_NOT
            }
    }
}

extension cv_binary_function {
    init(_ function: BinaryFunction) {
        self =
            switch function {
            case .add: CV_ADD
            case .subtract: CV_SUBTRACT
            case .multiply: CV_MULTIPLY
            case .divide: CV_DIVIDE
            case .power: CV_POWER
            case .minimum: CV_MINIMUM
            case .maximum: CV_MAXIMUM
            case .remainder: CV_REMAINDER
            case .truncatedRemainder: CV_TRUNCATED_REMAINDER
            case .arctangent2: CV_ARCTANGENT2
            case .equal: CV_EQUAL
            case .less: CV_LESS
            case .lessOrEqual: CV_LESS_OR_EQUAL
            case .bitwiseAnd: CV_BITWISE_AND
            case .bitwiseOr: CV_BITWISE_OR
            case .bitwiseExclusiveOr: CV_BITWISE_EXCLUSIVE_OR
            case .shiftLeft: CV_SHIFT_LEFT
            case .shiftRight: CV_SHIFT_RIGHT
            }
    }
}
