import Foundation
import TensorGraph

/// Programs like those that optimizers' steps become: several results, and operands that are one number for all elements.
enum StepProgram {
    private typealias Instruction = ElementwiseProgram.Instruction

    /// Adam's step of p, g, m, v, an int32 step and a learning rate → p', m', v'. With a type of 16 bits it is computed in
    /// float32 and rounded once.
    static func adam(
        _ dtype: DType, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0
    ) -> ElementwiseProgram {
        var instructions: [ElementwiseProgram.Instruction] = []
        let wide: DType = dtype == .float64 ? .float64 : .float32
        func add(
            _ function: ElementwiseProgram.Function, _ arguments: ElementwiseProgram.Argument..., as type: DType? = nil
        ) -> ElementwiseProgram.Argument {
            instructions.append(Instruction(function, arguments, type ?? wide))
            return .instruction(instructions.count - 1)
        }
        func read(_ operand: Int) -> ElementwiseProgram.Argument {
            dtype.isHalf ? add(.cast(.float32), .operand(operand)) : .operand(operand)
        }
        let (p, m, v) = (read(0), read(2), read(3))
        let g = add(.binary(.add), read(1), add(.binary(.multiply), p, .constant(decay)))
        let t = add(.cast(wide), .operand(4))
        func correction(_ beta: Double) -> ElementwiseProgram.Argument {
            let power = add(.binary(.multiply), t, .constant(log(beta)))
            return add(.unary(.negate), add(.unary(.exponentialMinusOne), power))
        }
        let rate = add(.binary(.divide), .operand(5), correction(beta1))
        let root = add(.unary(.reciprocalSquareRoot), correction(beta2))
        let first = add(
            .binary(.add), add(.binary(.multiply), m, .constant(beta1)),
            add(.binary(.multiply), g, .constant(1 - beta1)))
        let square = add(.binary(.multiply), add(.binary(.multiply), g, .constant(1 - beta2)), g)
        let second = add(.binary(.add), add(.binary(.multiply), v, .constant(beta2)), square)
        let scale = add(
            .binary(.add), add(.binary(.multiply), add(.unary(.squareRoot), second), root), .constant(epsilon))
        let move = add(.binary(.divide), add(.binary(.multiply), first, rate), scale)
        let results = [add(.binary(.subtract), p, move), first, second].map { argument in
            let result = dtype.isHalf ? add(.cast(dtype), argument, as: dtype) : argument
            guard case .instruction(let index) = result else { return 0 }
            return index
        }
        return ElementwiseProgram(instructions, results: results)
    }

    /// p, g, velocity and a learning rate → p', velocity'.
    static func descent(_ dtype: DType) -> ElementwiseProgram {
        ElementwiseProgram(
            [
                Instruction(.binary(.multiply), [.operand(2), .constant(0.9)], dtype),
                Instruction(.binary(.add), [.instruction(0), .operand(1)], dtype),
                Instruction(.binary(.multiply), [.instruction(1), .operand(3)], dtype),
                Instruction(.binary(.subtract), [.operand(0), .instruction(2)], dtype),
            ], results: [3, 1])
    }

    /// p, g and a learning rate → p'.
    static func plainDescent(_ dtype: DType) -> ElementwiseProgram {
        ElementwiseProgram([
            Instruction(.binary(.multiply), [.operand(1), .operand(2)], dtype),
            Instruction(.binary(.subtract), [.operand(0), .instruction(0)], dtype),
        ])
    }
}

extension OpCase {
    private static let variance = TestData.uniform(0...2)

    private static func rate(_ value: Double) -> Input { .tensor([], .values([value]), isDifferentiable: false) }

    /// What a parameter's step reads of its own.
    private static func parameter(_ shape: Shape) -> [Input] {
        [.tensor(shape), .tensor(shape), .tensor(shape), .tensor(shape, variance)]
    }

    private static func dtype(_ operands: [Tensor]) -> DType { operands[0].dtype }

    /// A step whose learning rate is float32 where the parameter is of 16 bits.
    private static func step(
        _ name: String, _ inputs: [Input], _ tolerance: Tolerance,
        _ program: @escaping @Sendable (DType) -> ElementwiseProgram
    ) -> OpCase {
        OpCase("elementwise step \(name)", inputs, tolerance) { graph, x in
            var x = x
            if dtype(x).isHalf { x[x.count - 1] = try x[x.count - 1].cast(to: .float32) }
            return try graph.add(.elementwise(program(dtype(x))), x)
        }
    }

    static let steps: [OpCase] = {
        var cases: [OpCase] = []
        let adams: [(Shape, Double)] = [
            ([1], 1), ([17, 31], 1), ([7], 10), ([33], 1000), ([], 3), ([0], 1), ([3, 5, 7], 2), ([513, 257], 5),
        ]
        for (shape, count) in adams {
            cases.append(
                step(
                    "like Adam's \(shape) step \(Int(count))",
                    parameter(shape) + [.int32([], .values([count])), rate(0.125)], .normwise(4e-6)
                ) { StepProgram.adam($0, decay: shape == [7] ? 0.01 : 0) }.inHalf(roundings: 1, backward: 0).with {
                    $0.isLarge = shape.elementCount > 10_000
                })
        }
        // Gradients whose squares are too large or too small for float32, and a step near 2²².
        let gradients = Sweep.values.filter { $0 == 0 || (0x1p-96..<0x1p68).contains($0.magnitude) }
        for count in [1.0, 4e6] {
            cases.append(
                OpCase(
                    "elementwise step over all exponents \(Int(count))", .elementwise(StepProgram.adam(.float32)),
                    [.fixed(.float32, [gradients.count], .values([0]))]
                        + [.fixed(.float32, [gradients.count], .values(gradients))]
                        + [Input](repeating: .fixed(.float32, [gradients.count], .values([0])), count: 2)
                        + [.int32([], .values([count])), .fixed(.float32, [], .values([0.125]))],
                    .elementwise(4e-6, floor: 1e-35)
                ).float32Only.large)
        }
        for shape in [Shape([1]), [17, 31], [0], [], [513, 257]] {
            cases.append(
                OpCase(
                    "elementwise step with velocity \(shape)",
                    [.tensor(shape), .tensor(shape), .tensor(shape), rate(0.25)], .normwise(1e-6)
                ) { graph, x in try graph.add(.elementwise(StepProgram.descent(dtype(x))), x) }
                .inHalf(roundings: 4, backward: 0).with {
                    $0.isLarge = shape.elementCount > 10_000
                })
        }
        return cases + results
    }()

    /// Results of several types, of operands that broadcast, at numbers without end, and results that are read.
    private static let results: [OpCase] = {
        typealias Instruction = ElementwiseProgram.Instruction
        let ends: [Double] = [0, -0.0, 1, -1, 1e30, -1e30, 1e-30, 1e-42, .infinity, -.infinity, .nan]
        var cases = [Shape([1]), [13], [4, 3, 5], [2, 1031]].map { shape in
            program(
                "three results, of which two are read \(shape)", [.tensor(shape), .tensor([shape[shape.rank - 1]])],
                .elementwise(4e-6, floor: 1), results: [2, 0, 1]
            ) {
                [
                    Instruction(.binary(.add), [.operand(0), .operand(1)], $0),
                    Instruction(.binary(.multiply), [.instruction(0), .constant(0.5)], $0),
                    Instruction(.binary(.subtract), [.instruction(1), .instruction(0)], $0),
                ]
            }
        }
        cases += [
            program(
                "results at ends", [.tensor([ends.count, 1], .values(ends)), .tensor([ends.count], .values(ends))],
                .exact, results: [0, 1, 2]
            ) {
                [
                    Instruction(.binary(.maximum), [.operand(0), .operand(1)], $0),
                    Instruction(.binary(.lessOrEqual), [.instruction(0), .operand(1)], .bool),
                    Instruction(.unary(.negate), [.operand(0)], $0),
                ]
            },
            program(
                "results of several types", [.tensor([5, 7], .uniform(0...40)), .int32([7], .integers(0...9))], .exact,
                results: [0, 1, 2, 3]
            ) { dtype in
                [
                    Instruction(.cast(.int32), [.operand(0)], .int32),
                    Instruction(.binary(.add), [.instruction(0), .operand(1)], .int32),
                    Instruction(.cast(.uint8), [.instruction(1)], .uint8),
                    Instruction(.unary(.relu), [.operand(0)], dtype),
                ]
            },
            // What depends on numbers alone is computed once, but not where it is a result.
            program(
                "a result of numbers alone",
                [.tensor([3, 7]), .tensor([], .values([0.5])), .tensor([1], .values([3]))],
                .elementwise(4e-6, floor: 1), results: [1, 3]
            ) {
                [
                    Instruction(.binary(.multiply), [.operand(1), .operand(2)], $0),
                    Instruction(.unary(.square), [.instruction(0)], $0),
                    Instruction(.binary(.add), [.instruction(0), .constant(1)], $0),
                    Instruction(.binary(.multiply), [.operand(0), .instruction(2)], $0),
                ]
            },
            program(
                "numbers alone", [.tensor([]), .tensor([1, 1], .values([2])), .int32([1], .values([5]))],
                .elementwise(4e-6, floor: 1)
            ) {
                [
                    Instruction(.cast($0), [.operand(2)], $0),
                    Instruction(.binary(.multiply), [.operand(0), .operand(1)], $0),
                    Instruction(.binary(.multiply), [.instruction(0), .instruction(1)], $0),
                    Instruction(.unary(.tanh), [.instruction(2)], $0),
                ]
            },
        ]
        return cases
    }()

    // MARK: Groups

    private static func group(
        _ name: String, _ inputs: [Input], _ tolerance: Tolerance, members: Int, isShared: [Bool],
        _ program: @escaping @Sendable (DType) -> ElementwiseProgram
    ) -> OpCase {
        OpCase("elementwiseGroup \(name)", inputs, tolerance) { graph, x in
            let group = ElementwiseGroup(program(dtype(x)), members: members, isShared: isShared)
            return try graph.add(.elementwiseGroup(group), x)
        }
    }

    static let groups: [OpCase] = {
        let shapes: [Shape] = [
            [1], [17, 31], [64], [5000], [], [33], [3, 5, 7], [2, 2], [129], [1, 1], [6], [31], [8],
        ]
        var cases: [OpCase] = []
        for count in 1...7 {
            let inputs = shapes.prefix(count).flatMap(parameter)
            cases.append(
                group(
                    "\(count) like Adam's", inputs + [.int32([], .values([3])), rate(0.125)], .normwise(4e-6),
                    members: count, isShared: [false, false, false, false, true, true]
                ) { StepProgram.adam($0, decay: 0.01) })
        }
        for count in [2, 5, 12] {
            let inputs = shapes.prefix(count).flatMap { [Input](repeating: .tensor($0), count: 3) }
            cases.append(
                group(
                    "\(count) with velocity", inputs + [rate(0.25)], .normwise(1e-6), members: count,
                    isShared: [false, false, false, true], StepProgram.descent
                ).with { if count == 5 { $0.halfRoundings = (4, 0) } })
        }
        for count in [2, 13] {
            let inputs = shapes.prefix(count).flatMap { [Input](repeating: .tensor($0), count: 2) }
            cases.append(
                group(
                    "\(count) plain", inputs + [rate(0.25)], .normwise(1e-6), members: count,
                    isShared: [false, false, true], StepProgram.plainDescent))
        }
        cases.append(
            group(
                "with empty members",
                [[0], [3], [0, 5], [17, 31]].flatMap(parameter)
                    + [.int32([], .values([3])), rate(0.125)], .normwise(4e-6), members: 4,
                isShared: [false, false, false, false, true, true]
            ) { StepProgram.adam($0) })
        let ends = TestData.values([0, -0.0, 1, -1e30, 1e-30, 1e-42, .infinity, -.infinity, .nan])
        cases.append(
            group(
                "of nothing shared, at ends", [.tensor([9], ends), .tensor([3, 3], ends), .tensor([2], ends)], .exact,
                members: 3, isShared: [false]
            ) {
                ElementwiseProgram(
                    [
                        ElementwiseProgram.Instruction(.unary(.relu), [.operand(0)], $0),
                        ElementwiseProgram.Instruction(.unary(.negate), [.operand(0)], $0),
                    ], results: [0, 1])
            })
        cases.append(
            OpCase(
                "elementwiseGroup of int32 to uint8",
                .elementwiseGroup(
                    ElementwiseGroup(
                        ElementwiseProgram([
                            ElementwiseProgram.Instruction(.binary(.add), [.operand(0), .operand(1)], .int32),
                            ElementwiseProgram.Instruction(.cast(.uint8), [.instruction(0)], .uint8),
                        ]), members: 2, isShared: [false, true])),
                [
                    .int32([17], .integers(-9...9)), .int32([5, 7], .integers(-9...9)), .int32([], .values([100])),
                ], .exact))
        return cases
    }()
}
