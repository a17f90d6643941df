import Foundation
import TensorGraph

extension UnaryFunction {
    /// The function of one number.
    package func callAsFunction(_ x: Double) -> Double {
        switch self {
        case .negate: -x
        case .absolute: abs(x)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
        case .square: x * x
        case .squareRoot: x.squareRoot()
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        case .reciprocal: 1 / x
        case .exponential: Foundation.exp(x)
        case .exponentialMinusOne: Foundation.expm1(x)
        case .logarithm: Foundation.log(x)
        case .sine: Foundation.sin(x)
        case .cosine: Foundation.cos(x)
        case .tangent: Foundation.tan(x)
        case .arcsine: Foundation.asin(x)
        case .arccosine: Foundation.acos(x)
        case .arctangent: Foundation.atan(x)
        case .hyperbolicSine: Foundation.sinh(x)
        case .hyperbolicCosine: Foundation.cosh(x)
        case .inverseHyperbolicSine: Foundation.asinh(x)
        case .inverseHyperbolicCosine: Foundation.acosh(x)
        case .inverseHyperbolicTangent: Foundation.atanh(x)
        case .floor: Foundation.floor(x)
        case .ceiling: Foundation.ceil(x)
        case .truncation: Foundation.trunc(x)
        case .rounding: x.rounded(.toNearestOrEven)
        case .errorFunction: Foundation.erf(x)
        case .sigmoid: Foundation.exp(min(x, 0)) / (1 + Foundation.exp(-abs(x)))
        case .tanh: Foundation.tanh(x)
        case .relu: x.isNaN ? x : max(x, 0)
        // Φ(x) = erfc(-x/√2) / 2 keeps its precision where Φ is tiny.
        case .gelu: x * 0.5 * Foundation.erfc(-x * 0.5.squareRoot())
        case .silu: x / (1 + Foundation.exp(-x))
        case .softplus: max(x, 0) + Foundation.log1p(Foundation.exp(-abs(x))) + (x.isNaN ? x : 0)
        case .gaussian: Foundation.exp(-x * x / 2)
        case .sigmoidDerivative: UnaryFunction.sigmoid(x) * UnaryFunction.sigmoid(-x)
        case .geluDerivative:
            0.5 * Foundation.erfc(-x * 0.5.squareRoot()) + Self.vanishing(x, Self.normalDensity(x))
        case .siluDerivative:
            UnaryFunction.sigmoid(x) + Self.vanishing(x, UnaryFunction.sigmoidDerivative(x))
        case .isNaN: x.isNaN ? 1 : 0
        case .isInfinite: x.isInfinite ? 1 : 0
        case .bitwiseNot: -1 - x
        }
    }

    private static func normalDensity(_ x: Double) -> Double {
        Foundation.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }

    /// A product whose second factor vanishes faster than the first grows.
    private static func vanishing(_ x: Double, _ factor: Double) -> Double { factor == 0 ? 0 : x * factor }

    /// The slope by calculus, independent of the rule that the graph has for it, with the conventions of PyTorch at kinks,
    /// ends and NaN; `nil` where there is none.
    package func slope(_ x: Double) -> Double? {
        let y = self(x)
        return switch self {
        case .negate: -1
        case .absolute: x > 0 ? 1 : x < 0 ? -1 : 0
        case .sign, .floor, .ceiling, .truncation, .rounding, .isNaN, .isInfinite, .bitwiseNot: nil
        case .square: 2 * x
        case .squareRoot: 0.5 / y
        case .reciprocalSquareRoot: -0.5 * y * y * y
        case .reciprocal: -1 / (x * x)
        case .exponential: y
        case .exponentialMinusOne: Foundation.exp(x)
        case .logarithm: 1 / x
        case .sine: Foundation.cos(x)
        case .cosine: -Foundation.sin(x)
        case .tangent: 1 + y * y
        case .arcsine: 1 / ((1 - x) * (1 + x)).squareRoot()
        case .arccosine: -1 / ((1 - x) * (1 + x)).squareRoot()
        case .arctangent: 1 / (1 + x * x)
        case .hyperbolicSine: Foundation.cosh(x)
        case .hyperbolicCosine: Foundation.sinh(x)
        case .inverseHyperbolicSine: 1 / Foundation.hypot(x, 1)
        case .inverseHyperbolicCosine: x < 1 ? .nan : 1 / ((x - 1) * (x + 1)).squareRoot()
        case .inverseHyperbolicTangent: 1 / ((1 - x) * (1 + x))
        case .errorFunction: 2 / Double.pi.squareRoot() * Foundation.exp(-x * x)
        case .sigmoid: UnaryFunction.sigmoidDerivative(x)
        case .tanh: 4 * UnaryFunction.sigmoidDerivative(2 * x)
        case .relu: x <= 0 ? 0 : 1
        case .gelu: UnaryFunction.geluDerivative(x)
        case .silu: UnaryFunction.siluDerivative(x)
        case .softplus: UnaryFunction.sigmoid(x)
        case .gaussian: -Self.vanishing(x, y)
        case .sigmoidDerivative: -y * Foundation.tanh(x / 2)
        case .geluDerivative:
            Self.vanishing(2 - x * x, Self.normalDensity(x))
        case .siluDerivative:
            Self.vanishing(2 - x * Foundation.tanh(x / 2), UnaryFunction.sigmoidDerivative(x))
        }
    }
}

extension BinaryFunction {
    /// The function of two numbers; `isInteger` divides towards zero.
    package func callAsFunction(_ a: Double, _ b: Double, isInteger: Bool = false) -> Double {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: isInteger ? (b == 0 ? 0 : (a / b).rounded(.towardZero)) : a / b
        case .power: Foundation.pow(a, b)
        case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
        case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
        case .remainder:
            if isInteger && b == 0 { a } else { Self.floored(a.truncatingRemainder(dividingBy: b), b) }
        case .truncatedRemainder: isInteger && b == 0 ? a : a.truncatingRemainder(dividingBy: b)
        case .arctangent2: Foundation.atan2(a, b)
        case .equal: a == b ? 1 : 0
        case .less: a < b ? 1 : 0
        case .lessOrEqual: a <= b ? 1 : 0
        case .bitwiseAnd: Double(Int(a) & Int(b))
        case .bitwiseOr: Double(Int(a) | Int(b))
        case .bitwiseExclusiveOr: Double(Int(a) ^ Int(b))
        case .shiftLeft: Double(Int(a) << Int(b))
        case .shiftRight: Double(Int(a) >> Int(b))
        }
    }
}

extension BinaryFunction {
    /// A remainder with the sign of the divisor, of one with the sign of the dividend.
    private static func floored(_ remainder: Double, _ divisor: Double) -> Double {
        remainder != 0 && (remainder < 0) != (divisor < 0) ? remainder + divisor : remainder
    }
}

extension Reference {
    /// Operand `index` repeated to the shape of the first result.
    private func broadcastElements(_ index: Int) -> [Double] {
        let elements = elements(index)
        return shape(index).broadcastOffsets(to: resultTypes[0].shape).map { elements[$0] }
    }

    package func unary(_ function: UnaryFunction) throws -> [[Double]] {
        let dtype = operands[0].type.dtype
        return [elements(0).map { Self.unary(function, $0, dtype) }]
    }

    private static func unary(_ function: UnaryFunction, _ value: Double, _ dtype: DType) -> Double {
        // What is not true is false.
        function == .bitwiseNot && dtype == .bool ? 1 - value : function(value)
    }

    package func binary(_ function: BinaryFunction) throws -> [[Double]] {
        let isInteger = !operands[0].type.dtype.isFloatingPoint
        return [zip(broadcastElements(0), broadcastElements(1)).map { function($0, $1, isInteger: isInteger) }]
    }

    package func select() throws -> [[Double]] {
        let (mask, a, b) = (broadcastElements(0), broadcastElements(1), broadcastElements(2))
        return [mask.indices.map { mask[$0] != 0 ? a[$0] : b[$0] }]
    }

    package func cast(_ dtype: DType) throws -> [[Double]] { [elements(0).map { Self.cast($0, to: dtype) }] }

    /// Only the types that the reference does not stand in for are rounded to: float32 and float64 stay exact.
    private static func cast(_ value: Double, to dtype: DType) -> Double {
        switch dtype {
        case .float32, .float64: value
        case .float16: Double(Float16(value))
        case .bfloat16: Double(Rounding.bfloat16(Float(value)))
        case .bool: value != 0 ? 1 : 0
        case .int8: saturated(value, -128, 127)
        case .int16: saturated(value, -32768, 32767)
        case .int32: saturated(value, -2_147_483_648, 2_147_483_647)
        case .int64: saturated(value, -0x1p63, 0x1p63)
        case .uint8: saturated(value, 0, 255)
        case .uint16: saturated(value, 0, 65535)
        case .uint32: saturated(value, 0, 4_294_967_295)
        case .uint64: saturated(value, 0, 0x1p64)
        }
    }

    private static func saturated(_ value: Double, _ least: Double, _ greatest: Double) -> Double {
        value.isNaN ? 0 : min(max(value, least), greatest).rounded(.towardZero)
    }

    package func elementwise(_ program: ElementwiseProgram) throws -> [[Double]] {
        Self.elementwise(program, operands.indices.map(broadcastElements), resultTypes[0].shape.elementCount)
    }

    package func producedOperand(_ attributes: ProducedOperand) throws -> [[Double]] {
        let type = attributes.produced(operands.map(\.type))
        let program = Reference(
            operands: Array(operands[attributes.programOperands]), resultTypes: [type], inputs: [:], variables: [:])
        var inner = operands
        inner.replaceSubrange(
            attributes.programOperands, with: [ReferenceTensor(type, try program.elementwise(attributes.program)[0])])
        return try attributes.op.accept(
            Reference(operands: inner, resultTypes: resultTypes, inputs: inputs, variables: variables))
    }

    package func elementwiseGroup(_ group: ElementwiseGroup) throws -> [[Double]] {
        (0..<group.members).flatMap { member in
            let count = resultTypes[group.results(of: member).lowerBound].shape.elementCount
            let places = group.operands(of: member)
            let operandElements = zip(places, group.isShared).map { place, isShared in
                isShared ? [Double](repeating: elements(place)[0], count: count) : elements(place)
            }
            return Self.elementwise(group.program, operandElements, count)
        }
    }

    private static func elementwise(
        _ program: ElementwiseProgram, _ operandElements: [[Double]], _ count: Int
    ) -> [[Double]] {
        var results = program.results.map { _ in [Double]() }
        for element in 0..<count {
            var values: [Double] = []
            for instruction in program.instructions {
                let arguments = instruction.arguments.map { argument in
                    switch argument {
                    case .operand(let index): operandElements[index][element]
                    case .instruction(let index): values[index]
                    case .constant(let value): value
                    }
                }
                switch instruction.function {
                case .unary(let function): values.append(unary(function, arguments[0], instruction.dtype))
                case .binary(let function):
                    values.append(
                        function(arguments[0], arguments[1], isInteger: !instruction.dtype.isFloatingPoint))
                case .select: values.append(arguments[0] != 0 ? arguments[1] : arguments[2])
                case .cast(let dtype): values.append(Self.cast(arguments[0], to: dtype))
                }
            }
            for (result, instruction) in program.results.enumerated() { results[result].append(values[instruction]) }
        }
        return results
    }
}
