// Slopes of the elementwise functions: right to a few units in the last place wherever the function is, and at ties and
// NaN those of PyTorch.

extension GradientRule {
    package func unary(_ function: UnaryFunction) throws -> [Tensor?] {
        guard operands[0].dtype.isFloatingPoint, results[0].dtype.isFloatingPoint else { return [nil] }
        let (x, y, dy) = (operands[0], results[0], try cotangent())
        func apply(_ function: UnaryFunction, _ x: Tensor) throws -> Tensor { try graph.add(.unary(function), [x])[0] }
        let gradient: Tensor?
        switch function {
        case .negate: gradient = try -dy
        case .absolute: gradient = try dy * x.sign()
        // Zero where there is a slope at all, as PyTorch has it.
        case .sign, .floor, .ceiling, .truncation, .rounding, .isNaN, .isInfinite, .bitwiseNot:
            gradient = try graph.fill(0, x.shape, x.dtype)
        case .square: gradient = try dy * x * 2
        case .squareRoot: gradient = try dy * 0.5 / y
        case .reciprocalSquareRoot: gradient = try dy * -0.5 * y * y * y
        case .reciprocal: gradient = try -(dy * y * y)
        case .exponential: gradient = try dy * y
        case .exponentialMinusOne: gradient = try dy * x.exp()
        case .logarithm: gradient = try dy / x
        case .sine: gradient = try dy * x.cos()
        case .cosine: gradient = try -(dy * x.sin())
        case .tangent: gradient = try dy * (y.square() + 1)
        // Near ±1 differences are exact, and so is 1 - x² as a product of two.
        case .arcsine: gradient = try dy * ((1 - x) * (1 + x)).rsqrt()
        case .arccosine: gradient = try -(dy * ((1 - x) * (1 + x)).rsqrt())
        case .arctangent:
            let (isLarge, u) = try withinOne(x)
            let slope = try (u.square() + 1).reciprocal()
            gradient = try dy * Tensor.select(isLarge, u.square() * slope, slope)
        case .hyperbolicSine: gradient = try dy * x.cosh()
        case .hyperbolicCosine: gradient = try dy * x.sinh()
        case .inverseHyperbolicSine:
            let (isLarge, u) = try withinOne(x)
            let slope = try (u.square() + 1).rsqrt()
            gradient = try dy * Tensor.select(isLarge, u.absolute() * slope, slope)
        case .inverseHyperbolicCosine: gradient = try dy * ((x - 1).rsqrt() * (x + 1).rsqrt())
        case .inverseHyperbolicTangent: gradient = try dy * ((1 - x).reciprocal() * (1 + x).reciprocal())
        case .errorFunction: gradient = try dy * (apply(.gaussian, x).square() * 1.128_379_167_095_512_6)
        case .sigmoid: gradient = try dy * apply(.sigmoidDerivative, x)
        // 1 / cosh²
        case .tanh: gradient = try dy * (apply(.sigmoidDerivative, x * 2) * 4)
        // Where x is not at most 0, and so at NaN too.
        case .relu: gradient = try Tensor.select(y.combine(.lessOrEqual, 0), dy.scalar(0), dy)
        case .gelu: gradient = try dy * apply(.geluDerivative, x)
        case .silu: gradient = try dy * apply(.siluDerivative, x)
        case .softplus: gradient = try dy * x.sigmoid()
        case .gaussian: gradient = try -(dy * (x * y))
        case .sigmoidDerivative: gradient = try -(dy * (y * (x * 0.5).tanh()))
        case .geluDerivative:
            // (2 - x²)·φ(x), with x multiplied into what vanishes first.
            let density = try apply(.gaussian, x) * 0.398_942_280_401_432_7
            gradient = try dy * (density * 2 - x * (x * density))
        case .siluDerivative:
            let slope = try apply(.sigmoidDerivative, x)
            gradient = try dy * (slope * 2 - x * slope * (x * 0.5).tanh())
        }
        return [gradient]
    }

    /// Where x is beyond ±1, and 1/x there and x elsewhere: numbers whose squares don't overflow.
    private func withinOne(_ x: Tensor) throws -> (isLarge: Tensor, u: Tensor) {
        let isLarge = try x.absolute().greater(than: 1)
        return (isLarge, try Tensor.select(isLarge, x.reciprocal(), x))
    }

    package func binary(_ function: BinaryFunction) throws -> [Tensor?] {
        guard operands[0].dtype.isFloatingPoint, results[0].dtype.isFloatingPoint else { return [nil, nil] }
        let (a, b, y, dy) = (operands[0], operands[1], results[0], try cotangent())
        /// Summing undoes broadcasting.
        func pair(_ da: Tensor, _ db: Tensor) throws -> [Tensor?] {
            [try da.summed(to: a.shape), try db.summed(to: b.shape)]
        }
        switch function {
        case .add: return try pair(dy, dy)
        case .subtract: return try pair(dy, -dy)
        case .multiply: return try pair(dy * b, dy * a)
        // The slope first: dy · y may overflow where y / b does not.
        case .divide: return try pair(dy / b, -(dy * (y / b)))
        case .power:
            // At b = 0 the power is constant, at a = 0 too.
            let slope = try Tensor.select(b.equal(to: b.scalar(0)), b.scalar(0), b * a.power(b - 1))
            // At a = 0 it is constant for all b that are not negative, so that x² has a finite gradient for its exponent.
            let isFlat = try a.equal(to: a.scalar(0)).bitwiseAnd(b.scalar(0).combine(.lessOrEqual, b))
            return try pair(dy * slope, dy * Tensor.select(isFlat, a.scalar(0), y * a.log()))
        case .minimum, .maximum:
            // Equal operands share the cotangent, and beside NaN each operand has all of it.
            let half = try dy * 0.5, zero = try dy.scalar(0), isEqual = try a.equal(to: b)
            let (loses, wins) = try (a.less(than: b), b.less(than: a))
            let shared = try Tensor.select(isEqual, half, dy)
            return try pair(
                .select(function == .maximum ? loses : wins, zero, shared),
                .select(function == .maximum ? wins : loses, zero, shared))
        // Less the quotient's whole number: from the remainder, as a / b is rounded.
        case .remainder:
            let truncated = try a.truncatedRemainder(b)
            let less = try Tensor.select(y.equal(to: truncated), dy.scalar(0), dy.scalar(1))
            return try pair(dy, dy * (less - ((a - truncated) / b).round()))
        case .truncatedRemainder: return try pair(dy, -(dy * ((a - y) / b).round()))
        case .arctangent2:
            // b / (a² + b²) and -a / (a² + b²) by the quotient that is at most 1, so that no square overflows.
            let isSteep = try b.absolute().less(than: a.absolute()), one = try dy.scalar(1)
            let larger = try Tensor.select(isSteep, a, b), quotient = try Tensor.select(isSteep, b / a, a / b)
            let slope = try dy / larger / (quotient.square() + 1)
            return try pair(
                slope * Tensor.select(isSteep, quotient, one), -(slope * Tensor.select(isSteep, one, quotient)))
        case .equal, .less, .lessOrEqual, .bitwiseAnd, .bitwiseOr, .bitwiseExclusiveOr, .shiftLeft, .shiftRight:
            return [nil, nil]
        }
    }

    package func select() throws -> [Tensor?] {
        let (mask, a, b, dy) = (operands[0], operands[1], operands[2], try cotangent())
        let zero = try dy.scalar(0)
        return [
            nil, try Tensor.select(mask, dy, zero).summed(to: a.shape),
            try Tensor.select(mask, zero, dy).summed(to: b.shape),
        ]
    }

    package func cast(_ dtype: DType) throws -> [Tensor?] {
        guard operands[0].dtype.isFloatingPoint, dtype.isFloatingPoint else { return [nil] }
        return [try cotangent().cast(to: operands[0].dtype)]
    }

    package func elementwise(_ program: ElementwiseProgram) throws -> [Tensor?] {
        throw ShapeError("take gradients before fusing")
    }
}
