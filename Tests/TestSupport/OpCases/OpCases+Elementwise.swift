import TensorGraph

extension UnaryFunction {
    /// Those that floating-point types have.
    package static let ofFloats = allCases.filter { $0.refusal(.float32) == nil }

    /// Numbers where the function is smooth and well conditioned.
    var testData: TestData {
        switch self {
        case .squareRoot, .reciprocalSquareRoot, .logarithm: .uniform(0.1...4)
        case .arcsine, .arccosine, .inverseHyperbolicTangent: .uniform(-0.9...0.9)
        case .inverseHyperbolicCosine: .uniform(1.1...4)
        case .tangent: .uniform(-1.2...1.2)
        case .reciprocal: .uniform(0.3...3)
        case .exponential, .exponentialMinusOne, .sine, .cosine, .sigmoid, .tanh, .gelu, .silu, .softplus,
            .errorFunction, .gaussian, .arctangent, .hyperbolicSine, .hyperbolicCosine, .inverseHyperbolicSine,
            .sigmoidDerivative, .geluDerivative, .siluDerivative:
            .scaled(2)
        case .negate, .absolute, .sign, .square, .floor, .ceiling, .truncation, .rounding, .relu, .isNaN, .isInfinite,
            .bitwiseNot:
            .normal
        }
    }

    /// NaN, infinities, zeros of both signs, the very large and the very small.
    var specialValues: [Double] {
        let values: [Double] = [0, -0.0, 1, -1, 0.5, -2.5, 30, -30, .nan]
        let denormal = Double(Float.leastNormalMagnitude / 8)
        return switch self {
        case .negate, .absolute, .square, .relu, .exponential, .exponentialMinusOne, .sigmoid, .tanh, .errorFunction,
            .gaussian,
            .sigmoidDerivative, .geluDerivative, .siluDerivative:
            values + [.infinity, -.infinity, 1e20, -1e20, denormal, 88, -104]
        case .arcsine, .arccosine, .arctangent, .hyperbolicSine, .hyperbolicCosine, .inverseHyperbolicSine,
            .inverseHyperbolicCosine, .inverseHyperbolicTangent:
            values + [.infinity, -.infinity, 1e20, -1e20, denormal, 1.5, 1e-20]
        case .ceiling, .truncation, .rounding:
            values + [.infinity, -.infinity, 1e20, -1e20, 1.5, 2.5, -0.5, -1.5, 8_388_607.5, -0.25]
        case .floor, .sign, .softplus, .isNaN, .isInfinite: values + [.infinity, -.infinity, 1e20, -1e20]
        // No denormals: PoCL's vector of sines is wrong for them beside a large number.
        case .sine, .cosine, .tangent: values + [.infinity, -.infinity, 100, -100]
        case .squareRoot, .reciprocalSquareRoot, .logarithm, .reciprocal: values + [.infinity, -.infinity, 1e20, 1e-20]
        // -∞ · 0 is a matter of how the formula is written.
        case .gelu: values + [1e20]
        case .bitwiseNot: []
        case .silu: values + [.infinity, 1e20]
        }
    }

    var tolerance: Tolerance {
        switch self {
        case .negate, .absolute, .sign, .floor, .ceiling, .truncation, .rounding, .relu, .isNaN, .isInfinite,
            .bitwiseNot:
            .exact
        case .square, .squareRoot, .reciprocal, .reciprocalSquareRoot, .exponential, .gaussian: .arithmetic
        case .sine, .cosine, .tangent, .arcsine, .arccosine, .arctangent, .hyperbolicSine, .hyperbolicCosine,
            .inverseHyperbolicSine, .inverseHyperbolicCosine, .inverseHyperbolicTangent, .errorFunction, .sigmoid,
            .sigmoidDerivative, .geluDerivative, .siluDerivative:
            .transcendental
        case .logarithm, .tanh, .gelu, .silu, .softplus: .looseTranscendental
        case .exponentialMinusOne: .elementwise(4e-6, floor: 1e-30)
        }
    }
}

extension BinaryFunction {
    /// Those that floating-point types have.
    package static let ofFloats = allCases.filter { $0.refusal(.float32) == nil }

    /// Numbers for the two operands where the function is smooth and well conditioned.
    var testData: (TestData, TestData) {
        switch self {
        case .divide, .remainder, .truncatedRemainder: (.normal, .uniform(0.5...3))
        case .power: (.uniform(0.2...3), .normal)
        default: (.normal, .normal)
        }
    }

    var tolerance: Tolerance {
        switch self {
        case .minimum, .maximum, .truncatedRemainder, .equal, .less, .lessOrEqual, .bitwiseAnd, .bitwiseOr,
            .bitwiseExclusiveOr, .shiftLeft, .shiftRight:
            .exact
        case .add, .subtract, .multiply, .divide, .remainder: .arithmetic
        case .arctangent2: .transcendental
        case .power: .elementwise(4e-5, floor: 1e-5)
        }
    }
}

extension OpCase {
    static let elementwise: [OpCase] = {
        var cases: [OpCase] = []
        for function in UnaryFunction.ofFloats {
            let isTest = function.result(.float32) == .bool
            let op = Op.unary(function)
            let gradient =
                isTest
                ? GradientCheck.none : .full(function.tolerance.isExact ? .elementwiseGradient : .normwise(4e-5))
            for shape in [Shape([1]), [7], [17, 31], [0, 5], []] {
                cases.append(
                    OpCase(
                        "\(function.rawValue) \(shape)", op, [.tensor(shape, function.testData)], function.tolerance,
                        gradient: gradient))
            }
            let values = function.specialValues
            cases.append(
                OpCase(
                    "\(function.rawValue) of special values", op, [.tensor([values.count], .values(values))],
                    function.tolerance))
            cases.append(
                OpCase(
                    "\(function.rawValue) [4099, 33]", op, [.tensor([4099, 33], function.testData)], function.tolerance,
                    gradient: isTest ? .none : .parity(.normwise(4e-5))
                ).large)
        }
        let specials: [Double] = [0, -0.0, 1, -1, 2, -2, 0.5, 3, .infinity, -.infinity, .nan]
        for function in BinaryFunction.ofFloats {
            let isTest = function.result(.float32) == .bool
            let op = Op.binary(function)
            let (a, b) = function.testData
            let gradient = isTest ? GradientCheck.none : .full(.normwise(function == .power ? 4e-5 : 4e-6))
            for (left, right): (Shape, Shape) in [([17, 31], [17, 31]), ([5, 7], [7])] {
                cases.append(
                    OpCase(
                        "\(function.rawValue) \(left) with \(right)", op, [.tensor(left, a), .tensor(right, b)],
                        function.tolerance, gradient: gradient))
            }
            cases.append(
                OpCase(
                    "\(function.rawValue) of special values", op,
                    [
                        .tensor([specials.count, 1], .values(specials)), .tensor([specials.count], .values(specials)),
                    ], function.tolerance))
            // Operands that are often equal.
            cases.append(
                OpCase(
                    "\(function.rawValue) with ties", op,
                    [.tensor([3, 5, 7], .integers(1...3)), .tensor([5, 1], .integers(1...3))], function.tolerance,
                    gradient: isTest ? .none : .parity(.normwise(4e-5))))
            if ![.power, .arctangent2].contains(function) {
                cases.append(
                    OpCase(
                        "\(function.rawValue) of int32", op,
                        [.int32([3, 17], .integers(-100...100)), .int32([17], .integers(1...9))], .exact))
            }
        }
        for (left, right) in broadcastPatterns {
            for function in [BinaryFunction.multiply, .subtract] {
                cases.append(
                    OpCase(
                        "\(function.rawValue) \(left) with \(right)", .binary(function),
                        [.tensor(left), .tensor(right)],
                        .arithmetic, gradient: .full(.elementwiseGradient)))
            }
        }
        let largePatterns: [(Shape, Shape)] = [([513, 257], [257]), ([64, 96, 31], [96, 1]), ([1031, 1], [1, 67])]
        for (left, right) in largePatterns {
            cases.append(
                OpCase(
                    "add \(left) with \(right)", .binary(.add), [.tensor(left), .tensor(right)], .arithmetic,
                    gradient: .parity(.elementwiseGradient)
                ).large)
        }
        cases += selections + casts
        return cases
    }()

    private static let broadcastPatterns: [(Shape, Shape)] = [
        ([5, 1], [1, 7]), ([3, 1, 5], [4, 1]), ([], [3, 4]), ([2, 3, 4, 5], [3, 1, 5]), ([2, 3, 4, 5], [3, 1, 1]),
        ([17, 33], [17, 1]), ([1], [0, 3]), ([1, 1, 1], [2]), ([2, 1, 3, 1, 2], [5, 1, 4, 1]), ([129], [1]), ([0], [0]),
    ]

    private static let selections: [OpCase] = {
        let masks: [(Shape, Shape, Shape)] = [
            ([17, 31], [17, 31], [17, 31]), ([17, 1], [31], []), ([5], [3, 1], [3, 5]), ([], [7], [7]), ([0], [1], [0]),
        ]
        var cases = masks.map { mask, a, b in
            OpCase(
                "select \(mask) of \(a) or \(b)", .select,
                [.tensor(mask, .integers(0...1), isDifferentiable: false), .tensor(a), .tensor(b)], .exact,
                gradient: .full(.elementwiseGradient))
        }
        cases.append(
            OpCase(
                "select by an int32 mask", .select,
                [.int32([3, 7], .integers(-1...1)), .tensor([7]), .tensor([3, 1])], .exact,
                gradient: .full(.elementwiseGradient)))
        cases.append(
            OpCase(
                "select by special values, not taking NaN along", .select,
                [
                    .tensor([7], .values([0, -0.0, 1, .nan, .infinity, -.infinity, 0]), isDifferentiable: false),
                    .tensor([7], .values([.nan, 1, 2, 3, 4, 5, .infinity])),
                    .tensor([7], .values([1, 2, .nan, 4, 5, 6, 7])),
                ], .exact))
        cases.append(
            OpCase(
                "select of int32", .select,
                [
                    .int32([5, 7], .integers(0...1)), .int32([7], .integers(-9...9)),
                    .int32([5, 1], .integers(-9...9)),
                ], .exact))
        cases.append(
            OpCase(
                "select [300, 257]", .select,
                [.tensor([300, 257], .integers(0...1), isDifferentiable: false), .tensor([257]), .tensor([300, 1])],
                .exact,
                gradient: .parity(.elementwiseGradient)
            ).large)
        return cases
    }()

    private static let casts: [OpCase] = {
        func cast(
            _ from: DType, _ to: DType, _ data: TestData, _ shape: Shape = [3, 17], of what: String = ""
        ) -> OpCase {
            OpCase("cast \(from) to \(to) \(shape)\(what)", .cast(to), [.fixed(from, shape, data)], .exact).float32Only
        }
        let fractions = TestData.values([2.7, -2.7, 0.5, -0.5, 0, -0.0, 1e6, -12345.75])
        var cases = [
            cast(.float32, .int32, fractions), cast(.int32, .float32, .integers(-100_000...100_000)),
            cast(.float32, .int64, fractions), cast(.int64, .int32, .integers(-9...9)),
            cast(.int32, .int64, .integers(-9...9)),
            cast(.uint8, .float32, .integers(0...255)), cast(.uint8, .int32, .integers(0...255), [1031]),
            cast(.float32, .uint8, .values([0, 1.9, 254.5, 255])), cast(.float32, .float16, .scaled(100)),
            cast(.float16, .float32, .integers(-2048...2048)), cast(.float32, .bfloat16, .scaled(100)),
            cast(.bfloat16, .float32, .integers(-256...256)), cast(.float32, .float64, .normal),
            cast(
                .float32, .float16, .values([65504, 65536, 1e-8, 6e-8, -0.0, .infinity, -.infinity, .nan, 0.1]),
                of: " special"),
            cast(
                .float32, .bfloat16, .values([1.00390625, 1.01171875, -0.0, .infinity, -.infinity, .nan, 0.1]),
                of: " special"),
            cast(.float32, .int32, fractions, [0]), cast(.float32, .int32, fractions, []),
        ]
        cases.append(
            OpCase("cast there and back", [.tensor([5, 7])], .exact, gradient: .parity(.exact)) { _, x in
                [try x[0].cast(to: x[0].dtype == .float64 ? .float32 : .float64).cast(to: x[0].dtype)]
            })
        return cases
    }()
}

extension Tolerance {
    var isExact: Bool { if case .exact = self { true } else { false } }
}
