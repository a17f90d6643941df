import TensorGraph

extension OpCase {
    private typealias Instruction = ElementwiseProgram.Instruction

    /// A case whose program is made for the type it is run in.
    static func program(
        _ name: String, _ inputs: [Input], _ tolerance: Tolerance = .arithmetic, results: [Int]? = nil,
        _ instructions: @escaping @Sendable (DType) -> [ElementwiseProgram.Instruction]
    ) -> OpCase {
        OpCase("elementwise \(name)", inputs, tolerance) { graph, x in
            let dtype = x.first { $0.dtype.isFloatingPoint }?.dtype ?? x[0].dtype
            return try graph.add(.elementwise(ElementwiseProgram(instructions(dtype), results: results)), x)
        }
    }

    /// What the fusion pass makes.
    static let programs: [OpCase] = {
        var cases = [Shape([1]), [7], [17, 31], [0, 3], []].map { shape in
            program("x·y + z, then relu \(shape)", [.tensor(shape), .tensor(shape), .tensor(shape)], multiplyAddRelu)
        }
        cases += [
            program("one instruction", [.tensor([33])], .exact) { [Instruction(.unary(.negate), [.operand(0)], $0)] },
            program("one operand many times", [.tensor([5, 13])]) {
                [
                    Instruction(.binary(.multiply), [.operand(0), .operand(0)], $0),
                    Instruction(.binary(.multiply), [.instruction(0), .operand(0)], $0),
                    Instruction(.binary(.multiply), [.instruction(1), .instruction(1)], $0),
                ]
            },
            program(
                "broadcasting five operands",
                [.tensor([4, 3, 5]), .tensor([5]), .tensor([3, 1]), .tensor([]), .tensor([4, 1, 1])],
                .elementwise(4e-6, floor: 1)
            ) {
                [
                    Instruction(.binary(.add), [.operand(0), .operand(1)], $0),
                    Instruction(.binary(.multiply), [.instruction(0), .operand(2)], $0),
                    Instruction(.binary(.subtract), [.instruction(1), .operand(3)], $0),
                    Instruction(.unary(.sigmoid), [.instruction(2)], $0),
                    Instruction(.binary(.multiply), [.instruction(3), .operand(4)], $0),
                ]
            },
            program("no operand of the result's shape", [.tensor([7, 1]), .tensor([1, 9])]) {
                [Instruction(.binary(.multiply), [.operand(0), .operand(1)], $0)]
            },
            program("constants and select", [.tensor([3, 31])], .exact) {
                [
                    Instruction(.binary(.less), [.operand(0), .constant(0.25)], .bool),
                    Instruction(.select, [.instruction(0), .constant(-1.5), .operand(0)], $0),
                    Instruction(.binary(.maximum), [.instruction(1), .constant(-0.75)], $0),
                ]
            },
            program("what is not so", [.tensor([3, 31])], .exact) {
                [
                    Instruction(.binary(.less), [.operand(0), .constant(0.25)], .bool),
                    Instruction(.unary(.bitwiseNot), [.instruction(0)], .bool),
                    Instruction(.select, [.instruction(1), .constant(-1.5), .operand(0)], $0),
                ]
            },
            // As many as are arguments of a kernel, and some more; the last ones are read by whatever computes with them.
            program("forty numbers", [.tensor([5, 13])], .elementwise(4e-6, floor: 4)) { dtype in
                var instructions = [Instruction(.binary(.multiply), [.operand(0), .constant(0.5)], dtype)]
                for index in 1..<40 {
                    let number = (index.isMultiple(of: 2) ? -1.0 : 1.0) * Double(index) / 8
                    instructions.append(
                        Instruction(.binary(.add), [.instruction(index - 1), .constant(number)], dtype))
                }
                return instructions
            },
            // Numbers that no literal of C is: they reach the kernel with all their bits.
            program(
                "numbers without end and next to nothing",
                [.tensor([7], .values([0, 1, -1, 2, -3, .infinity, -.infinity])), .tensor([3, 1])], .exact
            ) {
                [
                    Instruction(.binary(.minimum), [.operand(0), .constant(.infinity)], $0),
                    Instruction(.binary(.maximum), [.instruction(0), .constant(-.infinity)], $0),
                    Instruction(.binary(.less), [.constant(.nan), .instruction(1)], .bool),
                    Instruction(.binary(.multiply), [.constant(-0.0), .operand(1)], $0),
                    Instruction(.binary(.less), [.constant(-1e-30), .instruction(3)], .bool),
                    Instruction(.select, [.instruction(2), .constant(7), .instruction(1)], $0),
                    Instruction(.select, [.instruction(4), .instruction(5), .constant(.nan)], $0),
                ]
            },
            program("select that leaves NaN behind", [.tensor([6], .values([1, -1, 0, 4, .nan, -4]))]) {
                [
                    Instruction(.unary(.squareRoot), [.operand(0)], $0),
                    Instruction(.binary(.lessOrEqual), [.constant(0), .operand(0)], .bool),
                    Instruction(.select, [.instruction(1), .instruction(0), .constant(0)], $0),
                ]
            },
            program("from int32 by way of cast", [.int32([2, 9], .integers(-50...50)), .tensor([9])]) {
                [
                    Instruction(.cast($0), [.operand(0)], $0),
                    Instruction(.binary(.multiply), [.instruction(0), .operand(1)], $0),
                ]
            },
            program("in int32", [.int32([3, 7], .integers(-50...50)), .int32([7], .integers(1...9))], .exact) { _ in
                [
                    Instruction(.binary(.multiply), [.operand(0), .constant(3)], .int32),
                    Instruction(.binary(.subtract), [.instruction(0), .operand(1)], .int32),
                    Instruction(.unary(.absolute), [.instruction(1)], .int32),
                ]
            },
            program(
                "numbers of int32", [.int32([3, 7], .integers(0...50))], .exact
            ) { _ in
                [
                    Instruction(.binary(.add), [.operand(0), .constant(-2_147_483_648)], .int32),
                    Instruction(.binary(.divide), [.instruction(0), .constant(-7)], .int32),
                    Instruction(.binary(.divide), [.constant(2_147_483_647), .instruction(1)], .int32),
                    Instruction(.binary(.lessOrEqual), [.instruction(2), .constant(7)], .bool),
                    Instruction(.select, [.instruction(3), .constant(16_777_217), .operand(0)], .int32),
                ]
            },
            program("an unused instruction", [.tensor([11])], .exact) {
                [
                    Instruction(.unary(.exponential), [.operand(0)], $0),
                    Instruction(.unary(.absolute), [.operand(0)], $0),
                ]
            },
            program("twelve instructions", [.tensor([17, 3])], .elementwise(4e-5, floor: 1)) { dtype in
                var instructions = [Instruction(.unary(.tanh), [.operand(0)], dtype)]
                let functions: [UnaryFunction] = [
                    .square, .exponential, .logarithm, .sine, .silu, .softplus, .squareRoot, .reciprocal, .gelu,
                    .cosine,
                ]
                for (index, function) in functions.enumerated() {
                    instructions.append(Instruction(.unary(function), [.instruction(index)], dtype))
                }
                instructions.append(Instruction(.binary(.power), [.instruction(10), .constant(2)], dtype))
                return instructions
            },
            program(
                "x·y + z, then relu [513, 257]", [.tensor([513, 257]), .tensor([257]), .tensor([513, 1])],
                multiplyAddRelu
            ).large,
        ]
        for function in UnaryFunction.ofFloats {
            cases.append(
                program("\(function.rawValue) inside a program", [.tensor([37], function.testData)], function.tolerance)
                {
                    negated(.unary(function), [.operand(0)], function.result($0), $0)
                })
        }
        for function in BinaryFunction.ofFloats {
            let (a, b) = function.testData
            cases.append(
                program(
                    "\(function.rawValue) inside a program", [.tensor([5, 7], a), .tensor([7], b)], function.tolerance
                ) {
                    negated(.binary(function), [.operand(0), .operand(1)], function.result($0), $0)
                })
        }
        return cases
    }()

    /// A function's result as a number, negated.
    @Sendable private static func negated(
        _ function: ElementwiseProgram.Function, _ arguments: [ElementwiseProgram.Argument], _ result: DType,
        _ dtype: DType
    ) -> [ElementwiseProgram.Instruction] {
        let first = Instruction(function, arguments, result)
        let numbers = result == dtype ? [first] : [first, Instruction(.cast(dtype), [.instruction(0)], dtype)]
        return numbers + [Instruction(.unary(.negate), [.instruction(numbers.count - 1)], dtype)]
    }

    private static func program(
        _ name: String, _ inputs: [Input],
        _ instructions: @escaping @Sendable (DType) -> [ElementwiseProgram.Instruction]
    ) -> OpCase {
        program(name, inputs, .elementwise(4e-6, floor: 1), instructions)
    }

    @Sendable private static func multiplyAddRelu(_ dtype: DType) -> [ElementwiseProgram.Instruction] {
        [
            Instruction(.binary(.multiply), [.operand(0), .operand(1)], dtype),
            Instruction(.binary(.add), [.instruction(0), .operand(2)], dtype),
            Instruction(.unary(.relu), [.instruction(1)], dtype),
        ]
    }
}
