import Execution
import Tessera
import Testing

/// Weights that are packed once, seen by a user: training, evaluating and loading on the same executor.
@Suite struct PackedWeightTests {
    /// A convolution that every device packs a weight for, and products of a few rows.
    private static func trainer(on executor: Executor) -> Trainer {
        let random = RandomSource(seed: 3)
        let model = Sequential(
            Conv2D(3, 16, kernel: 3, padding: 1, random), ReLU(), Conv2D(16, 16, kernel: 3, padding: 1, random), ReLU(),
            Flatten(), Dense(16 * 12 * 12, 24, random), Tanh(), Dense(24, 4, random))
        return Trainer(
            model, loss: .crossEntropy, optimizer: Adam(learningRate: 0.01), metrics: [.accuracy], on: executor)
    }

    private static func pictures(_ count: Int) throws -> TensorDataset {
        let numbers = (0..<(count * 432)).map { (index: Int) -> Float in
            Float((index * 31 + index / 432) % 17) / 17 - 0.5
        }
        let labels = (0..<count).map { Int32($0 % 4) }
        return try TensorDataset(
            inputs: HostTensor([count, 3, 12, 12], numbers), targets: HostTensor([count], labels))
    }

    private static func values(_ trainer: Trainer) throws -> [HostTensor] {
        try trainer.model.namedVariables.map { try trainer.executor.value(of: $0.variable) }
    }

    /// What a trainer that has never evaluated anything says with the weights of this one.
    private static func fresh(_ trainer: Trainer, on place: Place) throws -> Trainer {
        let other = Self.trainer(on: try place.executor())
        try other.executor.set(
            Dictionary(uniqueKeysWithValues: zip(other.model.namedVariables.map(\.variable), values(trainer))))
        return other
    }

    @Test(arguments: Place.available) func everyEvaluationSeesTheLastStep(on place: Place) throws {
        let data = try Self.pictures(8)
        let trainer = Self.trainer(on: try place.executor())
        var losses: [Double] = []
        for _ in 0..<3 {
            losses.append(try trainer.evaluate(data).loss)
            #expect(try losses.last == Self.fresh(trainer, on: place).evaluate(data).loss)
            #expect(try losses.last == trainer.evaluate(data).loss)
            _ = try trainer.train(data.batch(ArraySlice(0..<8)))
        }
        #expect(Set(losses).count == 3)
    }

    @Test(arguments: Place.available) func aLoadedCheckpointIsSeen(on place: Place) throws {
        let folder = try TemporaryFolder()
        let data = try Self.pictures(8)
        let input = try data.batch([1, 2, 3, 4, 5]).input
        let trainer = Self.trainer(on: try place.executor())
        let before = try trainer.predict(input)
        try trainer.save(to: folder.path("before.safetensors"))
        for _ in 0..<2 { _ = try trainer.train(data.batch(ArraySlice(0..<8))) }
        let after = try trainer.predict(input)
        #expect(try after == Self.fresh(trainer, on: place).predict(input))
        #expect(after != before)
        try trainer.load(from: folder.path("before.safetensors"))
        #expect(try trainer.predict(input) == before)
    }

    /// Counted by the kernels, or the CPU path's operations, that a trace names.
    @Test(arguments: Place.available.filter { $0 != .reference }) func packsOnce(on place: Place) throws {
        let executor = try place.executor()
        let trainer = Self.trainer(on: executor)
        let graph = Graph()
        let model = try #require(trainer.model as? any Layer)
        let output = try model(graph.input("x", [5, 3, 12, 12]), ForwardPass(graph, .inference))
        let plan = try executor.compile(graph, outputs: [output])
        let input = try Self.pictures(5).batch(ArraySlice(0..<5)).input
        func packings() throws -> Int {
            let trace = Trace()
            _ = try executor.run(plan, inputs: ["x": input], trace: trace)
            return trace.events.count { event in
                [": packing", "pack_columns", "pack_weights", "winograd_weights", "winograd_tile_weights"]
                    .contains { event.name.contains($0) }
            }
        }
        let first = try packings()
        #expect(first >= 1)
        #expect(first == plan.explain().split(separator: "\n").count { $0.contains("; weight packed once") })
        #expect(try packings() == 0)
        _ = try trainer.train(Self.pictures(8).batch(ArraySlice(0..<8)))
        #expect(try packings() == first)
        #expect(try packings() == 0)
    }
}
