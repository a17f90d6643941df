import Tessera
import TestSupport
import Testing

/// What holds gradients and weights in bounds, beside PyTorch's numbers worked out by hand.
@Suite struct ConstraintTests {
    @Test(arguments: Place.available) func gradientsAreCutToAValue(_ place: Place) throws {
        let executor = try place.executor()
        for dtype in [DType.float32, .float16, .bfloat16] {
            let graph = Graph()
            let x = try graph.input("x", [5], dtype)
            let value = try HostTensor(x.type, doubles: [-3, -0.25, 0, 0.5, .infinity])
            for (limit, expected) in [
                (0.5, [-0.5, -0.25, 0, 0.5, 0.5]), (0, [0, 0, 0, 0, 0]), (.infinity, [-3, -0.25, 0, 0.5, .infinity]),
                (1e5, [-3, -0.25, 0, 0.5, dtype == .float16 ? .infinity : 1e5]),
            ] as [(Double, [Double])] {
                let clipped = try graph.clipped([x], toValue: limit)
                let found = try executor.run(executor.compile(graph, outputs: clipped), inputs: ["x": value])[0]
                #expect(found.type == x.type)
                let complaint = Tolerance.elementwise(dtype == .bfloat16 ? 4e-3 : 1e-6, floor: 1)
                    .complaint(found.doubles(), expected)
                #expect(complaint == nil, "\(dtype), \(limit): \(complaint ?? "")")
            }
            let nan = try executor.run(
                executor.compile(graph, outputs: graph.clipped([x], toValue: 1)),
                inputs: ["x": HostTensor(x.type, doubles: [.nan, 1, 2, 3, 4])])[0].doubles()
            #expect(nan[0].isNaN && nan[2] == 1)
        }
        let graph = Graph()
        for wrong in [-1, Double.nan] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try graph.clipped([graph.fill(1, [2])], toValue: wrong) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line))
        }
    }

    @Test(arguments: Place.available) func slicesAreScaledToANorm(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [4, 2])
        let outputs = try [
            x.renormed(toNorm: 2), x.reshaped(to: [4, 1, 2]).renormed(toNorm: 0), x.renormed(toNorm: .infinity),
        ]
        let value = try HostTensor([4, 2], [3, 4, 0.5, 1, 0, 0, 3e25, -4e25] as [Float])
        let found = try executor.run(executor.compile(graph, outputs: outputs), inputs: ["x": value])
        #expect(isClose(try found[0].elements(), [1.2, 1.6, 0.5, 1, 0, 0, 1.2, -1.6]))
        #expect(found[1].doubles().allSatisfy { $0 == 0 })
        #expect(found[2].doubles() == value.doubles())
        for wrong in [-1, Double.nan] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try x.renormed(toNorm: wrong) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line))
        }
    }

    private static let one: [Float] = [1, 2, 3, 4, -1, 0.5]

    /// The matrix is held to its norm after each step, the bias is not; a cut gradient moves each number by the limit.
    @Test(arguments: Place.available) func trainersKeepTheBounds(_ place: Place) throws {
        let executor = try place.executor()
        let layer = Dense(3, 2, RandomSource(seed: 4))
        var group = ParameterGroup("all", layer, SGD(learningRate: 1))
        group.maximumNorm = 0.5
        let trainer = Trainer(layer, groups: [group], gradientLimit: 0.25, on: executor) { pass, batch in
            [.loss("loss", try (layer(batch["input"], pass) * 100).sum())]
        }
        let bias = try executor.value(of: layer.bias ?? layer.weight).elements(Float.self)
        let x = try HostTensor([2, 3], Self.one)
        for _ in 0..<3 { _ = try trainer.train(Batch(input: x, target: x, count: 2)) }
        let moved = try executor.value(of: layer.bias ?? layer.weight).elements(Float.self)
        #expect(isClose(moved, bias.map { $0 - 0.75 }))
        let weight = try executor.value(of: layer.weight).elements(Float.self)
        for row in 0..<2 {
            let norm = weight[(3 * row)..<(3 * row + 3)].reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(norm - 0.5) < 1e-5)
        }
    }

    /// Weights go by their sign (L1) or by themselves (L2), biases do not.
    @Test(arguments: Place.available) func penaltiesMoveWeights(_ place: Place) throws {
        let executor = try place.executor()
        for regularizer in [Regularizer.l1(0.1), .l2(0.1)] {
            let layer = Dense(3, 2, RandomSource(seed: 4))
            let loss = Loss("nothing") { prediction, _ in try prediction.sum() * 0 }
            let trainer = Trainer(
                layer, loss: loss, optimizer: SGD(learningRate: 0.5), regularizers: [regularizer], on: executor)
            let weight = try executor.value(of: layer.weight).elements(Float.self)
            let x = try HostTensor([2, 3], Self.one)
            _ = try trainer.train(Batch(input: x, target: x, count: 2))
            let expected = weight.map { w in
                regularizer == .l1(0.1) ? w - 0.05 * (w > 0 ? 1 : -1) : w - 0.1 * w
            }
            #expect(isClose(try executor.value(of: layer.weight).elements(), expected))
        }
    }

    @Test func boundsThatMakeNoSense() throws {
        let x = try HostTensor([2, 3], Self.one)
        for wrong in [-1, Double.nan] {
            let layer = Dense(3, 2, RandomSource(seed: 4))
            var group = ParameterGroup("all", layer, SGD(learningRate: 1))
            let line: UInt = #line + 1
            let limited = Trainer(layer, groups: [group], gradientLimit: wrong, on: try Place.cpu.executor()) {
                pass, batch in
                [.loss("loss", try layer(batch["input"], pass).sum())]
            }
            group.maximumNorm = wrong
            let normed = Trainer(layer, groups: [group], on: try Place.cpu.executor()) { pass, batch in
                [.loss("loss", try layer(batch["input"], pass).sum())]
            }
            let batch = Batch(input: x, target: x, count: 2)
            let first = #expect(throws: GraphError.self) { try limited.train(batch) }
            #expect(
                first?.location == SourceLocation(file: #fileID, line: line)
                    && first?.message.contains("\(wrong)") == true)
            let second = #expect(throws: GraphError.self) { try normed.train(batch) }
            #expect(
                second?.location?.file.hasPrefix("TesseraTests/") == true && second?.message.contains("norm") == true)
        }
    }
}
