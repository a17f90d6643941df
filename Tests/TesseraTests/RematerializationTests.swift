import Execution
import Tessera
import TestSupport
import Testing

/// Blocks that the backward pass computes again.
@Suite struct RematerializationTests {
    private static func block(_ width: Int, _ random: RandomSource) -> Sequential {
        Sequential(
            Dense(width, 4 * width, random), GELU(), Dropout(0.3, random), Dense(4 * width, width, random), Tanh())
    }

    private static func marked(_ layer: some Layer, _ isMarked: Bool) -> any Layer {
        isMarked ? Rematerialized(layer) : layer
    }

    private static let models: [(name: String, make: @Sendable (_ isMarked: Bool) -> any Layer, input: Shape)] = [
        (
            "dense with dropout",
            { isMarked in
                let random = RandomSource(seed: 1)
                return Sequential(
                    (0..<4).map { _ in marked(block(8, random), isMarked) } + [Dense(8, 1, random)] as [any Layer])
            }, [16, 8]
        ),
        (
            "a block in a block",
            { isMarked in
                let random = RandomSource(seed: 2)
                let inner = (0..<2).map { _ in
                    Sequential((0..<2).map { _ in marked(block(8, random), isMarked) })
                }
                return Sequential(inner.map { marked($0, isMarked) } + [Dense(8, 1, random)] as [any Layer])
            }, [16, 8]
        ),
        (
            "convolutions with batch norm",
            { isMarked in
                let random = RandomSource(seed: 3)
                let blocks = (0..<3).map { _ in
                    marked(
                        Sequential(Conv2D(3, 3, kernel: 3, padding: 1, random), BatchNorm2D(3), ReLU()), isMarked)
                }
                return Sequential(blocks + [Flatten(), Dense(75, 1, random)] as [any Layer])
            }, [4, 3, 5, 5]
        ),
        (
            "transformer",
            { isMarked in
                let random = RandomSource(seed: 4)
                let layers = (0..<3).map { _ in
                    marked(TransformerEncoderLayer(8, heads: 2, dropout: 0.2, isCausal: true, random), isMarked)
                }
                return Sequential(layers + [Dense(8, 1, random)] as [any Layer])
            }, [3, 7, 8]
        ),
        (
            "lstm",
            { isMarked in
                let random = RandomSource(seed: 5)
                return Sequential(marked(LSTM(4, 6, random), isMarked), Dense(6, 1, random))
            }, [5, 3, 4]
        ),
    ]

    @Test(arguments: Place.available.filter { $0 != .reference }, models.indices)
    func trainingIsTheSameToTheBit(_ place: Place, _ index: Int) throws {
        let (name, make, shape) = Self.models[index]
        let x = try RandomSource(seed: 9).normal(shape)
        let batch = Batch(["x": x], count: shape[0])
        for precision in [Precision.float32, .bfloat16] {
            var values: [[HostTensor]] = []
            for isMarked in [false, true] {
                let model = make(isMarked)
                let trainer = Trainer(
                    model, groups: [ParameterGroup("all", model, Adam(learningRate: 0.01))], precision: precision,
                    on: try place.executor()
                ) { pass, batch in [.loss("loss", try model(batch["x"], pass).square().mean())] }
                for _ in 0..<3 { _ = try trainer.train(batch) }
                let all = model.namedVariables
                let found = try trainer.executor.values(of: all.map(\.variable))
                values.append(all.compactMap { found[$0.variable] })
            }
            #expect(values[0] == values[1], "\(name) in \(precision.dtype)")
        }
    }

    /// Arenas hold one block's values in place of all.
    @Test(arguments: Place.available.filter { $0 != .reference }) func arenasAreSmaller(_ place: Place) throws {
        func plan(isMarked: Bool, blocks: Int) throws -> Plan {
            let random = RandomSource(seed: 1)
            let layers = (0..<blocks).map { _ -> any Layer in
                isMarked ? Rematerialized(Self.block(16, random)) : Self.block(16, random)
            }
            let model = Sequential(layers)
            let trainer = Trainer(
                model, groups: [ParameterGroup("all", model, SGD(learningRate: 0.1))], on: try place.executor()
            ) { pass, batch in [.loss("loss", try model(batch["x"], pass).square().mean())] }
            return try trainer.trainingPlan(
                for: Batch(["x": try HostTensor(filledWith: 1, TensorType([512, 16]))], count: 512))
        }
        let (kept, again) = (try plan(isMarked: false, blocks: 8).memory, try plan(isMarked: true, blocks: 8).memory)
        #expect(again.places[0].arenas < kept.places[0].arenas / 2, "\(again), not \(kept)")
        // Twice as many blocks take little more: what goes from one to the next.
        let twice = try plan(isMarked: true, blocks: 16).memory
        #expect(twice.places[0].arenas < again.places[0].arenas * 3 / 2, "\(twice), not \(again)")
    }

    /// In code of one's own, what a block gives and takes may be anything; gradients of gradients go through it.
    @Test(arguments: Place.available) func codeOfOnesOwnMayBeMarked(_ place: Place) throws {
        var results: [[HostTensor]] = []
        for isMarked in [false, true] {
            let graph = Graph()
            let (x, w) = (try graph.input("x", [3]), try graph.input("w", [3]))
            func body() throws -> (Tensor, Tensor) {
                let product = try (x * w).sin()
                return (product, try (product * x).exp())
            }
            let (a, b) = try isMarked ? graph.rematerializing(body) : body()
            let loss = try (a * b * a).sum()
            let first = try graph.gradients(of: loss, withRespectTo: [x, w])
            let second = try graph.gradients(of: first[0].square().sum(), withRespectTo: [w])
            let executor = try place.executor()
            let plan = try executor.compile(graph, outputs: [loss] + first + second)
            results.append(
                try executor.run(
                    plan,
                    inputs: [
                        "x": HostTensor([3], [0.5, -1, 2] as [Float]),
                        "w": HostTensor([3], [1, 0.25, -0.5] as [Float]),
                    ]))
        }
        for (again, kept) in zip(results[1], results[0]) {
            #expect(isClose(try again.elements(), try kept.elements(), 1e-6))
        }
        let graph = Graph()
        // A block of nothing is none.
        #expect(graph.rematerializing { 3 } == 3)
    }

    @Test func variablesKeepTheirNames() {
        let random = RandomSource(seed: 1)
        let model = Sequential(Rematerialized(Dense(2, 3, random)), Rematerialized(Sequential(Dense(3, 1, random))))
        #expect(model.namedVariables.map(\.name) == ["0.weight", "0.bias", "1.0.weight", "1.0.bias"])
    }
}
