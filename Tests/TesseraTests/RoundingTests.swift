import Execution
import Tessera
import TestSupport
import Testing

/// Arithmetic in 16 bits rounds after each operation, whatever is fused with what.
@Suite struct RoundingTests {
    static let devices = Place.available.filter { $0 != .reference }

    /// Each step of a chain, run alone on what the step before gave: the definition of what a chain should give.
    private func stepByStep(
        _ x: HostTensor, _ steps: [(Tensor) throws -> Tensor], on executor: Executor
    ) throws -> [HostTensor] {
        var values = [x]
        for step in steps {
            let graph = Graph()
            let last = values[values.count - 1]
            let result = try step(graph.input("x", last.shape, last.dtype))
            values.append(try executor.run(executor.compile(graph, outputs: [result]), inputs: ["x": last])[0])
        }
        return Array(values.dropFirst())
    }

    private static let numbers = TestData.scaled(3).elements(count: 517, seed: "rounding")

    @Test(arguments: devices, [DType.float16, .bfloat16])
    func aChainGivesTheBitsOfItsSteps(_ place: Place, _ dtype: DType) throws {
        let executor = try place.executor()
        let x = try HostTensor(TensorType([Self.numbers.count], dtype), doubles: Self.numbers)
        for function in UnaryFunction.ofFloats where function.result(dtype) == dtype {
            // Rounded before and after the function; then in float32, where bits that were not rounded away would show.
            let steps: [(Tensor) throws -> Tensor] = [
                { try $0 * 1.7 }, { try $0 + 3.3 }, { try $0.graph.add(.unary(function), [$0])[0] }, { try 0.3 - $0 },
                { try $0.cast(to: .float32) }, { try $0 / 3 }, { try $0.cast(to: dtype) }, { try $0.square() },
            ]
            let graph = Graph()
            var tensors = [try graph.input("x", x.shape, dtype)]
            for step in steps { tensors.append(try step(tensors[tensors.count - 1])) }
            let expected = try stepByStep(x, steps, on: executor)
            for outputs in [[8], [5], [2, 8], [3, 4, 6, 8]] {
                let plan = try executor.compile(graph, outputs: outputs.map { tensors[$0] })
                for (index, found) in zip(outputs, try executor.run(plan, inputs: ["x": x])) {
                    #expect(sameBits(found, expected[index - 1]), "\(function), step \(index) of \(outputs)")
                }
            }
        }
    }

    @Test(arguments: devices, [DType.float16, .bfloat16])
    func functionsOfTwoRoundAsAlone(_ place: Place, _ dtype: DType) throws {
        let executor = try place.executor()
        let type = TensorType([Self.numbers.count], dtype)
        let x = try HostTensor(type, doubles: Self.numbers)
        for function in BinaryFunction.ofFloats {
            let graph = Graph()
            let a = try graph.input("x", x.shape, dtype)
            let scaled = try a * 0.7
            let result = try scaled.combine(function, a)
            let chosen = try Tensor.select(result, scaled, a) * 1.1
            let lone = try executor.run(
                executor.compile(graph, outputs: [chosen, result, scaled]), inputs: ["x": x])
            let fused = try executor.run(executor.compile(graph, outputs: [chosen]), inputs: ["x": x])
            #expect(sameBits(fused[0], lone[0]), "\(function)")
            let wide = try executor.run(
                executor.compile(graph, outputs: [result.cast(to: .float32), result]), inputs: ["x": x])
            #expect(zip(wide[0].doubles(), wide[1].doubles()).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
        }
    }

    /// A sum after a chain, a product with bias and activation, and gradients: what else is handed out changes nothing.
    @Test(arguments: devices, [DType.float16, .bfloat16])
    func whatElseIsHandedOutChangesNothing(_ place: Place, _ dtype: DType) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [11, 47], dtype)
        let w = try graph.input("w", [47, 13], dtype), bias = try graph.input("bias", [13], dtype)
        for activate in [{ try $0.gelu() }, { try $0.relu() }, { try $0.tanh() }] as [(Tensor) throws -> Tensor] {
            let product = try x.matMul(w)
            let shifted = try product + bias
            let y = try activate(shifted)
            let total = try (y * 1.7 + 0.3).sum(axes: [1])
            let gradient = try graph.gradients(of: y.mean(), withRespectTo: [w])[0]
            let inputs = [
                "x": try HostTensor(x.type, doubles: Array(Self.numbers[0..<517])),
                "w": try HostTensor(w.type, doubles: (0..<611).map { Self.numbers[$0 % 517] / 9 }),
                "bias": try HostTensor(bias.type, doubles: Array(Self.numbers[100..<113])),
            ]
            func run(_ outputs: [Tensor]) throws -> [HostTensor] {
                try executor.run(executor.compile(graph, outputs: outputs), inputs: inputs)
            }
            let alone = try [y, total, gradient].map { try run([$0])[0] }
            let together = try run([y, total, gradient, shifted, product])
            for index in alone.indices { #expect(sameBits(alone[index], together[index]), "output \(index)") }
        }
    }

    /// Numbers that PyTorch gives, by its own rounding.
    @Test(arguments: devices) func chainsGiveTheNumbersOfPyTorch(_ place: Place) throws {
        let executor = try place.executor()
        for handsOutTheSum in [false, true] {
            let graph = Graph()
            let sum = try graph.input("x", [2]).cast(to: .bfloat16) * 1.7 + 3.3
            let outputs = try [sum.cast(to: .float32)] + (handsOutTheSum ? [sum] : [])
            let values = try executor.run(
                executor.compile(graph, outputs: outputs), inputs: ["x": HostTensor([2], [-4.75, 9.6875] as [Float])])
            #expect(try values[0].elements(Float.self) == [-4.75, 19.75])
        }
    }

    /// Equal, any NaN being as good as another.
    private func sameBits(_ a: HostTensor, _ b: HostTensor) -> Bool {
        a.type == b.type
            && zip(a.doubles(), b.doubles()).allSatisfy { x, y in
                x.isNaN ? y.isNaN : x == y && (x.sign == y.sign)
            }
    }
}
