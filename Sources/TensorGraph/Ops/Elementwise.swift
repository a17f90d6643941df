/// A function of one number, elementwise.
package enum UnaryFunction: String, Hashable, Sendable, CaseIterable {
    case negate, absolute
    /// -1, 0 or 1; 0 for NaN, as in PyTorch and OpenCL.
    case sign
    case square, squareRoot, reciprocalSquareRoot, reciprocal
    case exponential
    /// `eˣ - 1`, which keeps its digits where x is small.
    case exponentialMinusOne
    case logarithm, errorFunction
    case sine, cosine, tangent, arcsine, arccosine, arctangent
    case hyperbolicSine, hyperbolicCosine, inverseHyperbolicSine, inverseHyperbolicCosine, inverseHyperbolicTangent
    /// To whole numbers: down, up, towards zero, and to the nearest, of two the even one.
    case floor, ceiling, truncation, rounding
    /// `1 / (1 + e⁻ˣ)`
    case sigmoid
    case tanh
    /// `max(x, 0)`; NaN stays NaN.
    case relu
    /// `x · Φ(x)` with the normal distribution function Φ (Hendrycks and Gimpel, 2016; PyTorch's default).
    case gelu
    /// `x · sigmoid(x)`
    case silu
    /// `ln(1 + eˣ)`, without overflow.
    case softplus
    /// `e^(-x²/2)`, of which the derivatives of the error function and of GELU's are made.
    case gaussian
    /// The derivatives of ``sigmoid``, ``gelu`` and ``silu``: functions of their own, as each formula made of the function
    /// itself cancels somewhere, `y·(1 - y)` where y nears 1.
    case sigmoidDerivative, geluDerivative, siluDerivative
    /// Whether a floating-point number is one: `bool`.
    case isNaN, isInfinite
    /// Every bit of an integer the other way round; of `bool`, what it is not.
    case bitwiseNot

    /// PyTorch's list for float32, of the functions that there are: what leaves float16's range, or nears it, soon.
    var autocast: OpTraits.Autocast {
        switch self {
        case .exponential, .exponentialMinusOne, .logarithm, .reciprocal, .reciprocalSquareRoot, .square, .softplus,
            .arccosine, .arcsine, .hyperbolicCosine, .hyperbolicSine, .tangent:
            .float32
        case .negate, .absolute, .sign, .squareRoot, .errorFunction, .sine, .cosine, .arctangent,
            .inverseHyperbolicSine, .inverseHyperbolicCosine, .inverseHyperbolicTangent, .floor, .ceiling,
            .truncation, .rounding, .sigmoid, .tanh, .relu, .gelu, .silu, .gaussian, .sigmoidDerivative,
            .geluDerivative, .siluDerivative, .isNaN, .isInfinite, .bitwiseNot:
            .asGiven
        }
    }

    /// Those that products apply in their epilogues.
    static let epilogues: Set<UnaryFunction> = [.relu, .sigmoid, .tanh, .gelu, .silu]
    /// Those that integers have too.
    package static let ofIntegers: Set<UnaryFunction> = [.negate, .absolute, .sign, .square, .bitwiseNot]

    /// Why there is none of a type, or nil.
    package func refusal(_ dtype: DType) -> String? {
        switch self {
        case .bitwiseNot: dtype.isFloatingPoint ? "\(dtype) has no bits to turn; cast to an integer type first" : nil
        case .negate, .absolute, .sign, .square:
            dtype == .bool ? "bool is no number; cast to a type of numbers first" : nil
        default:
            dtype.isFloatingPoint
                ? nil : "the operand must be of a floating-point type, not \(dtype); cast it first"
        }
    }

    /// The type of the result.
    package func result(_ dtype: DType) -> DType { self == .isNaN || self == .isInfinite ? .bool : dtype }
}

/// A function of two numbers, elementwise. Comparisons give `bool`.
///
/// Integers wrap around. Their quotient is rounded towards zero, and is 0 where the divisor is 0.
package enum BinaryFunction: String, Hashable, Sendable, CaseIterable {
    case add, subtract, multiply, divide, power, minimum, maximum
    /// `a - b · floor(a / b)`, exact, with the sign of b (Python's `%`, torch.remainder); of integers a where b is 0.
    case remainder
    /// `a - b · trunc(a / b)`, exact, with the sign of a (C's fmod, torch.fmod); of integers a where b is 0.
    case truncatedRemainder
    /// The angle of the point (b, a), from -π to π (C's atan2).
    case arctangent2
    case equal, less, lessOrEqual
    /// Of the bits of integers, and of `bool`.
    case bitwiseAnd, bitwiseOr, bitwiseExclusiveOr
    /// Of integers. Bits that leave the type are lost, to the right the sign is repeated; by as many as the type has, or by a
    /// negative number, all are.
    case shiftLeft, shiftRight

    package static let comparisons: Set<BinaryFunction> = [.equal, .less, .lessOrEqual]
    package static let ofBits: Set<BinaryFunction> = [
        .bitwiseAnd, .bitwiseOr, .bitwiseExclusiveOr, .shiftLeft, .shiftRight,
    ]

    /// Why there is none of a type, or nil.
    package func refusal(_ dtype: DType) -> String? {
        switch self {
        case .equal, .less, .lessOrEqual, .minimum, .maximum: nil
        case .bitwiseAnd, .bitwiseOr, .bitwiseExclusiveOr:
            dtype.isFloatingPoint ? "operands of \(dtype) have no bits to combine; cast to an integer type first" : nil
        case .shiftLeft, .shiftRight:
            dtype.isInteger ? nil : "operands of \(dtype) have no bits to shift; cast to an integer type first"
        case .arctangent2: dtype.isFloatingPoint ? nil : "operands of \(dtype) are no coordinates; cast them first"
        case .add, .subtract, .multiply, .divide, .power, .remainder, .truncatedRemainder:
            dtype == .bool
                ? "bool is no number: combine by bitwiseAnd, bitwiseOr or bitwiseExclusiveOr, or cast first" : nil
        }
    }

    /// The type of the result.
    package func result(_ dtype: DType) -> DType { Self.comparisons.contains(self) ? .bool : dtype }
}

/// A chain of elementwise functions as one operation: what the fusion pass makes.
///
/// The operands broadcast to a common shape, which each result has; for each element the instructions run in order, and
/// the values of those in `results` are what becomes of it. Arithmetic is in `dtype` of the instruction's operands; in float16 and bfloat16 it is
/// float32 arithmetic with every instruction's result rounded, so that a chain gives the bits that its parts alone give.
/// Numbers beside such operands are float32.
package struct ElementwiseProgram: Hashable, Sendable {
    /// Where an instruction takes an argument from.
    package enum Argument: Hashable, Sendable {
        case operand(Int)
        case instruction(Int)
        case constant(Double)

        /// Numbers by their bits, as ``Fill`` has it.
        package static func == (left: Argument, right: Argument) -> Bool { left.key == right.key }
        package func hash(into hasher: inout Hasher) { hasher.combine(key) }

        private var key: Key {
            switch self {
            case .operand(let index): Key(kind: 0, bits: UInt64(bitPattern: Int64(index)))
            case .instruction(let index): Key(kind: 1, bits: UInt64(bitPattern: Int64(index)))
            case .constant(let number): Key(kind: 2, bits: number.bitPattern)
            }
        }

        private struct Key: Hashable {
            var kind: Int
            var bits: UInt64
        }
    }

    package enum Function: Hashable, Sendable {
        case unary(UnaryFunction)
        case binary(BinaryFunction)
        /// The second argument where the first is not zero, else the third.
        case select
        case cast(DType)
    }

    package struct Instruction: Hashable, Sendable {
        package var function: Function
        package var arguments: [Argument]
        /// The type of the result.
        package var dtype: DType

        package init(_ function: Function, _ arguments: [Argument], _ dtype: DType) {
            self.function = function
            self.arguments = arguments
            self.dtype = dtype
        }
    }

    package var instructions: [Instruction]
    /// The instructions whose values are the results, each once.
    package var results: [Int]

    /// - Parameter results: the last instruction alone, if not given.
    package init(_ instructions: [Instruction], results: [Int]? = nil) {
        self.instructions = instructions
        self.results = results ?? (instructions.isEmpty ? [] : [instructions.count - 1])
    }

    /// The program of a single function of `count` operands.
    package init(single function: Function, operandCount count: Int, dtype: DType) {
        self.init([Instruction(function, (0..<count).map { .operand($0) }, dtype)])
    }
}

extension ElementwiseProgram {
    /// The type that an instruction reads an argument in; the operands have these types. A number has that of what it is
    /// compared with, and is a float32 where nothing says so.
    package func type(of position: Int, in instruction: Instruction, operands: [DType]) -> DType {
        func known(_ argument: Argument) -> DType? {
            switch argument {
            case .operand(let index): operands[index]
            case .instruction(let index): instructions[index].dtype
            case .constant: nil
            }
        }
        if let dtype = known(instruction.arguments[position]) { return dtype }
        switch instruction.function {
        case .cast: return .float32
        case .select: return position == 0 ? .bool : instruction.dtype
        case .unary(let function) where function.result(.float32) == .bool: return .float32
        case .binary(let function) where BinaryFunction.comparisons.contains(function):
            return instruction.arguments.lazy.compactMap(known).first ?? .float32
        case .unary, .binary: return instruction.dtype
        }
    }

    /// The instructions that compute the same for all elements, in order: those of constants and of operands that are. Those
    /// that are results are not among them.
    package func uniformInstructions(isUniform: (_ operand: Int) -> Bool) -> [Int] {
        var uniform: [Int] = []
        for (index, instruction) in instructions.enumerated() where !results.contains(index) {
            let dependsOnNumbers = instruction.arguments.allSatisfy { argument in
                switch argument {
                case .operand(let operand): isUniform(operand)
                case .instruction(let earlier): uniform.contains(earlier)
                case .constant: true
                }
            }
            if dependsOnNumbers { uniform.append(index) }
        }
        return uniform
    }

    /// The same program with some instructions, which read one another alone, before the others.
    package func withFirst(_ first: [Int]) -> ElementwiseProgram {
        let order = first + instructions.indices.filter { !first.contains($0) }
        var places = [Int](repeating: 0, count: order.count)
        for (place, index) in order.enumerated() { places[index] = place }
        let moved = order.map { index in
            var instruction = instructions[index]
            instruction.arguments = instruction.arguments.map { argument in
                if case .instruction(let earlier) = argument { .instruction(places[earlier]) } else { argument }
            }
            return instruction
        }
        return ElementwiseProgram(moved, results: results.map { places[$0] })
    }
}

extension ShapeRule {
    /// The broadcast shape of all operands.
    private func broadcastShape() throws -> Shape {
        try operands.dropFirst().reduce(operands[0].shape) { shape, operand in
            guard let common = shape.broadcast(with: operand.shape) else {
                throw ShapeError("shapes \(shape) and \(operand.shape) do not broadcast")
            }
            return common
        }
    }

    private func sameType(_ first: Int, _ second: Int) throws {
        try require(
            operands[first].dtype == operands[second].dtype,
            "operands are of types \(operands[first].dtype) and \(operands[second].dtype); cast one of them")
    }

    package func unary(_ function: UnaryFunction) throws -> [TensorType] {
        try count(1)
        if let refusal = function.refusal(operands[0].dtype) { throw ShapeError(refusal) }
        return [TensorType(operands[0].shape, function.result(operands[0].dtype))]
    }

    package func binary(_ function: BinaryFunction) throws -> [TensorType] {
        try count(2)
        try sameType(0, 1)
        if let refusal = function.refusal(operands[0].dtype) { throw ShapeError(refusal) }
        return [TensorType(try broadcastShape(), function.result(operands[0].dtype))]
    }

    package func select() throws -> [TensorType] {
        try count(3)
        try sameType(1, 2)
        return [TensorType(try broadcastShape(), operands[1].dtype)]
    }

    package func cast(_ dtype: DType) throws -> [TensorType] {
        try count(1)
        return [TensorType(operands[0].shape, dtype)]
    }

    /// An instruction has the arguments that its function takes, and they are there when it runs.
    private func check(_ instruction: ElementwiseProgram.Instruction, at index: Int) throws {
        let expected =
            switch instruction.function {
            case .unary, .cast: 1
            case .binary: 2
            case .select: 3
            }
        let given = instruction.arguments.count
        try require(given == expected, "instruction \(index) takes \(expected) arguments, not \(given)")
        for argument in instruction.arguments {
            switch argument {
            case .operand(let operand):
                try require(
                    operands.indices.contains(operand), "instruction \(index) reads a missing operand \(operand)")
            case .instruction(let earlier):
                try require((0..<index).contains(earlier), "instruction \(index) reads a later one, \(earlier)")
            case .constant: break
            }
        }
    }

    package func elementwise(_ program: ElementwiseProgram) throws -> [TensorType] {
        try require(!operands.isEmpty && !program.instructions.isEmpty, "a program needs operands and instructions")
        for (index, instruction) in program.instructions.enumerated() {
            try check(instruction, at: index)
        }
        try require(!program.results.isEmpty, "a program needs results")
        for (index, result) in program.results.enumerated() {
            try require(
                program.instructions.indices.contains(result), "result \(index) is a missing instruction \(result)")
            try require(!program.results[..<index].contains(result), "instruction \(result) is a result twice")
        }
        let shape = try broadcastShape()
        return program.results.map { TensorType(shape, program.instructions[$0].dtype) }
    }
}

extension TraitsRule {
    package func unary(_ function: UnaryFunction) -> OpTraits {
        elementwise(.unary, name: function.name, .elementwise(.unary(function)), function.autocast)
    }

    package func binary(_ function: BinaryFunction) -> OpTraits {
        elementwise(
            .binary, name: function.name, .elementwise(.binary(function)), function == .power ? .float32 : .widest)
    }

    package func select() -> OpTraits { elementwise(.select, .elementwise(.select), .widest) }
    package func cast(_ dtype: DType) -> OpTraits { elementwise(.cast, .elementwise(.cast(dtype)), .asGiven) }

    package func elementwise(_ program: ElementwiseProgram) -> OpTraits {
        elementwise(.elementwise, .elementwiseProgram(program), .asGiven)
    }

    private func elementwise(
        _ kind: OpKind, name: String? = nil, _ role: OpTraits.Role, _ autocast: OpTraits.Autocast
    ) -> OpTraits {
        OpTraits(
            kind, name: name, role, overEmptyOperands: .fill(0), halfTypes: .elementwise, autocast: autocast,
            flops: OpTraits.flopPerElement)
    }
}

extension Tensor {
    private func unary(_ function: UnaryFunction, _ file: StaticString, _ line: UInt) throws(GraphError) -> Tensor {
        try apply(.unary(function), file: file, line: line)
    }

    /// `|x|` of each element. The slope at 0 is 0. torch.abs.
    public func absolute(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.absolute, file, line)
    }
    /// -1, 0 or 1 of each element, with the slope 0. torch.sign.
    public func sign(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.sign, file, line)
    }
    /// `x²` of each element. torch.square.
    public func square(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.square, file, line)
    }
    /// `√x` of each element, NaN below 0. torch.sqrt.
    public func sqrt(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.squareRoot, file, line)
    }
    /// `1 / √x` of each element. torch.rsqrt.
    public func rsqrt(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.reciprocalSquareRoot, file, line)
    }
    /// `1 / x` of each element. torch.reciprocal.
    public func reciprocal(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.reciprocal, file, line)
    }
    /// `eˣ` of each element. torch.exp.
    public func exp(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.exponential, file, line)
    }
    /// `eˣ - 1`, right where x is small, too. torch.expm1.
    public func expm1(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.exponentialMinusOne, file, line)
    }
    /// The natural logarithm of each element, NaN below 0. torch.log.
    public func log(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.logarithm, file, line)
    }
    /// The sine of each element, in radians. torch.sin.
    public func sin(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.sine, file, line)
    }
    /// The cosine of each element, in radians. torch.cos.
    public func cos(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.cosine, file, line)
    }
    /// The tangent of each element, in radians. torch.tan.
    public func tan(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.tangent, file, line)
    }
    /// The angle from -π/2 to π/2 of each sine. torch.asin.
    public func asin(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.arcsine, file, line)
    }
    /// The angle from 0 to π of each cosine. torch.acos.
    public func acos(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.arccosine, file, line)
    }
    /// The angle from -π/2 to π/2 of each tangent. torch.atan.
    public func atan(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.arctangent, file, line)
    }
    /// The hyperbolic sine of each element. torch.sinh.
    public func sinh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.hyperbolicSine, file, line)
    }
    /// The hyperbolic cosine of each element. torch.cosh.
    public func cosh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.hyperbolicCosine, file, line)
    }
    /// The inverse of ``sinh(file:line:)``. torch.asinh.
    public func asinh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.inverseHyperbolicSine, file, line)
    }
    /// The inverse of ``cosh(file:line:)``, NaN below 1. torch.acosh.
    public func acosh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.inverseHyperbolicCosine, file, line)
    }
    /// The inverse of ``tanh(file:line:)``, NaN beyond -1 and 1. torch.atanh.
    public func atanh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.inverseHyperbolicTangent, file, line)
    }
    /// The least whole number that is not below each element. torch.ceil.
    public func ceil(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.ceiling, file, line)
    }
    /// Towards zero. torch.trunc.
    public func trunc(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.truncation, file, line)
    }
    /// To the nearest whole number, of two the even one. torch.round, Round of ONNX.
    public func round(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.rounding, file, line)
    }
    /// The greatest whole number that is not above each element. torch.floor.
    public func floor(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.floor, file, line)
    }
    /// The error function, `2/√π · ∫₀ˣ e^(-t²) dt`, of each element. torch.erf.
    public func erf(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.errorFunction, file, line)
    }
    /// `1 / (1 + e⁻ˣ)` of each element. torch.sigmoid.
    public func sigmoid(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.sigmoid, file, line)
    }
    /// The hyperbolic tangent of each element. torch.tanh.
    public func tanh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.tanh, file, line)
    }
    /// `max(x, 0)` of each element, with the slope 0 at 0. torch.relu.
    public func relu(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.relu, file, line)
    }
    /// `x · Φ(x)` with the normal distribution Φ, of each element (Hendrycks and Gimpel, 2016).
    /// torch.nn.functional.gelu.
    public func gelu(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.gelu, file, line)
    }
    /// `x · sigmoid(x)` of each element (Elfwing, Uchibe and Doya, 2017). torch.nn.functional.silu.
    public func silu(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.silu, file, line)
    }
    /// `log(1 + eˣ)` of each element. torch.nn.functional.softplus.
    public func softplus(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.softplus, file, line)
    }

    /// A binary function of two tensors that broadcast; the operators below call it without a line of their own.
    package func combine(
        _ function: BinaryFunction, _ other: Tensor, at location: SourceLocation? = nil, as name: String? = nil
    ) throws(GraphError) -> Tensor {
        try graph.add(.binary(function), [self, other], at: location ?? node.location, as: name)[0]
    }

    /// A binary function with a number on the right.
    ///
    /// - Throws: ``GraphError`` for a number that this tensor's type cannot hold.
    package func combine(
        _ function: BinaryFunction, _ number: Double, at location: SourceLocation? = nil
    ) throws(GraphError) -> Tensor {
        // Who lets a pass cast by itself has not chosen the type.
        let operand = dtype.refusal(of: number) == nil ? self : try autocastToFloat32()
        return try operand.combine(function, operand.scalar(number, for: function, at: location), at: location)
    }

    /// A number as a scalar of this tensor's type; in a 16-bit type it stays a float32.
    func scalar(
        _ number: Double, for function: BinaryFunction? = nil, at location: SourceLocation? = nil,
        as name: String? = nil
    ) throws(GraphError) -> Tensor {
        if let function, let refusal = dtype.refusal(of: number) {
            throw GraphError(
                operation: name ?? Op.binary(function).name, message: refusal, operands: [type],
                location: graph.locationOverride ?? location ?? node.location)
        }
        return try graph.add(
            .fill(Fill(value: number, type: TensorType([], dtype))), at: location ?? node.location)[0]
    }

    /// The sum, element by element; shapes broadcast. torch.add.
    public static func + (left: Tensor, right: Tensor) throws(GraphError) -> Tensor { try left.combine(.add, right) }
    /// The difference, element by element; shapes broadcast. torch.sub.
    public static func - (left: Tensor, right: Tensor) throws(GraphError) -> Tensor {
        try left.combine(.subtract, right)
    }
    /// The product, element by element; shapes broadcast. torch.mul.
    public static func * (left: Tensor, right: Tensor) throws(GraphError) -> Tensor {
        try left.combine(.multiply, right)
    }
    /// The quotient, element by element; shapes broadcast. torch.div, of integers cut towards zero.
    public static func / (left: Tensor, right: Tensor) throws(GraphError) -> Tensor { try left.combine(.divide, right) }
    /// The sum, element by element; shapes broadcast. torch.add.
    public static func + (left: Tensor, right: Double) throws(GraphError) -> Tensor { try left.combine(.add, right) }
    /// The difference, element by element; shapes broadcast. torch.sub.
    public static func - (left: Tensor, right: Double) throws(GraphError) -> Tensor {
        try left.combine(.subtract, right)
    }
    /// The product, element by element; shapes broadcast. torch.mul.
    public static func * (left: Tensor, right: Double) throws(GraphError) -> Tensor {
        try left.combine(.multiply, right)
    }
    /// The quotient, element by element; shapes broadcast. torch.div, of integers cut towards zero.
    public static func / (left: Tensor, right: Double) throws(GraphError) -> Tensor { try left.combine(.divide, right) }
    /// The sum, element by element; shapes broadcast. torch.add.
    public static func + (left: Double, right: Tensor) throws(GraphError) -> Tensor { try right.combine(.add, left) }
    /// The product, element by element; shapes broadcast. torch.mul.
    public static func * (left: Double, right: Tensor) throws(GraphError) -> Tensor {
        try right.combine(.multiply, left)
    }
    /// The difference, element by element; shapes broadcast. torch.sub.
    public static func - (left: Double, right: Tensor) throws(GraphError) -> Tensor {
        try right.scalar(left, for: .subtract).combine(.subtract, right)
    }
    /// The quotient, element by element; shapes broadcast. torch.div, of integers cut towards zero.
    public static func / (left: Double, right: Tensor) throws(GraphError) -> Tensor {
        let right = try right.autocastToFloat32()
        return try right.scalar(left, for: .divide).combine(.divide, right)
    }
    /// Each element with the other sign. torch.neg.
    public static prefix func - (operand: Tensor) throws(GraphError) -> Tensor {
        try operand.graph.add(.unary(.negate), [operand], at: operand.node.location)[0]
    }

    /// Each element to a power; shapes broadcast. torch.pow.
    public func power(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try combine(.power, other, at: SourceLocation(file: file, line: line))
    }

    /// Each element to a power; shapes broadcast. torch.pow.
    public func power(_ exponent: Double, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor
    {
        try combine(.power, exponent, at: SourceLocation(file: file, line: line))
    }

    /// `self - other · floor(self / other)`, which has the sign of `other`. torch.remainder.
    public func remainder(
        _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.remainder, other, at: SourceLocation(file: file, line: line))
    }

    /// `self - other · trunc(self / other)`, which has the sign of `self`. torch.fmod.
    public func truncatedRemainder(
        _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.truncatedRemainder, other, at: SourceLocation(file: file, line: line))
    }

    /// The angle from -π to π of the point whose second coordinate is `self` and whose first is `x`. torch.atan2.
    public func atan2(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try combine(.arctangent2, x, at: SourceLocation(file: file, line: line))
    }

    /// The lesser of two elements, NaN where either is; shapes broadcast. Of equal ones both have half of the slope.
    /// torch.minimum.
    public func minimum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor
    {
        try combine(.minimum, other, at: SourceLocation(file: file, line: line))
    }

    /// The greater of two elements, NaN where either is; shapes broadcast. Of equal ones both have half of the slope.
    /// torch.maximum.
    public func maximum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor
    {
        try combine(.maximum, other, at: SourceLocation(file: file, line: line))
    }

    /// This tensor with every element held between two numbers; NaN stays NaN. The slope is 1 within the range, its ends
    /// included, else 0, as in PyTorch.
    public func clamped(
        to range: ClosedRange<Double>, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let (lower, upper) = try (
            scalar(range.lowerBound, for: .maximum, at: location), scalar(range.upperBound, for: .minimum, at: location)
        )
        let isWithin = try lower.combine(.lessOrEqual, self, at: location)
            .combine(.bitwiseAnd, combine(.lessOrEqual, upper, at: location), at: location)
        let nearest = try stoppingGradient(file: file, line: line).combine(.maximum, lower, at: location)
            .combine(.minimum, upper, at: location)
        return try .select(isWithin, self, nearest, file: file, line: line)
    }

    /// Whether this is less than `other`: `bool`, as all comparisons give.
    public func less(than other: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor
    {
        try combine(.less, other, at: SourceLocation(file: file, line: line))
    }

    /// Whether this equals `other`: `bool`.
    public func equal(to other: Tensor, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try combine(.equal, other, at: SourceLocation(file: file, line: line))
    }

    /// Whether this is greater than the number: `bool`.
    public func greater(
        than number: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        return try scalar(number, for: .less, at: location, as: "greater(than:)")
            .combine(.less, self, at: location, as: "greater(than:)")
    }

    /// Whether elements are NaN: `bool`. torch.isnan.
    public func isNaN(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.isNaN, file, line)
    }

    /// Whether elements are infinite, of either sign: `bool`. torch.isinf.
    public func isInfinite(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.isInfinite, file, line)
    }

    /// The bits of an integer the other way round; true for false and false for true.
    public func bitwiseNot(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try unary(.bitwiseNot, file, line)
    }

    /// The bits that both have; of `bool`, whether both are true.
    public func bitwiseAnd(
        _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.bitwiseAnd, other, at: SourceLocation(file: file, line: line))
    }

    /// The bits that either has; of `bool`, whether one is true.
    public func bitwiseOr(
        _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.bitwiseOr, other, at: SourceLocation(file: file, line: line))
    }

    /// The bits that one of them has; of `bool`, whether they differ.
    public func bitwiseExclusiveOr(
        _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.bitwiseExclusiveOr, other, at: SourceLocation(file: file, line: line))
    }

    /// Integers with their bits moved to the left by as many as `count` says; 0 where that is as many as the type has, or
    /// negative.
    public func shiftedLeft(
        by count: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.shiftLeft, count, at: SourceLocation(file: file, line: line))
    }

    /// Integers with their bits moved to the right by as many as `count` says, the sign repeated.
    public func shiftedRight(
        by count: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try combine(.shiftRight, count, at: SourceLocation(file: file, line: line))
    }

    /// `a` where `mask` is true, or a number that is not zero, else `b`; the three broadcast.
    public static func select(
        _ mask: Tensor, _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try mask.apply(.select, [a, b], file: file, line: line)
    }

    /// The same numbers in another type. Floating-point numbers are rounded to nearest even, and to integers towards zero;
    /// what is beyond an integer type's range becomes the nearest end of it, and NaN 0. From one integer type to another the
    /// low bits are kept; `bool` is whether a number is not zero, and 1 or 0 as a number.
    public func cast(to dtype: DType, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        dtype == self.dtype ? self : try apply(.cast(dtype), file: file, line: line)
    }
}
