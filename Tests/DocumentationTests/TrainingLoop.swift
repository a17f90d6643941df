import Tessera
import Testing

// The code of the article TrainingLoop.

/// A penalty on large logits, which no loss of the library has.
func trainerWithPenalty(_ model: Sequential, on executor: Executor) -> Trainer {
    let group = ParameterGroup("all", model, SGD(learningRate: 0.1, momentum: 0.9))
    return Trainer(model, groups: [group], on: executor) { pass, batch in
        let logits = try model(batch["input"], pass)
        let penalty = try logits.square().mean() * 0.001
        return try [
            .loss("cross-entropy", .crossEntropy, logits, batch["target"]),
            .loss("penalty", penalty),
            .metric(.accuracy, logits, batch["target"]),
        ]
    } predicting: { pass, inputs in
        ["output": try model(inputs["input"], pass)]
    }
}

@Suite struct TrainingLoopTests {
    @Test func aLoopOverBatches() throws {
        let random = RandomSource(seed: 1)
        let model = Sequential(Dense(2, 16, random), Tanh(), Dense(16, 2, random))
        let trainer = trainerWithPenalty(model, on: try Executor())
        let data = try twoMoons(400, seed: 2)

        let order = try BatchOrder(count: data.count, batchSize: 40, seed: 5)
        for epoch in 0..<20 {
            for indices in try data.batches(order, epoch: epoch) {
                let result = try trainer.train(data.batch(indices))
                guard result.loss.isFinite else { return }
            }
        }
        let result = try trainer.evaluate(data)
        print(result.losses["cross-entropy"] ?? .nan, result.metrics["accuracy"] ?? .nan)

        #expect(result.metrics["accuracy"] ?? 0 > 0.9 && trainer.step == 200)
    }

    @Test func withoutATrainer() throws {
        let weight = Variable("weight", try HostTensor([3, 1], [0, 0, 0] as [Float]))
        let executor = try Executor()

        let graph = Graph()
        let x = try graph.input("x", [8, 3])
        let y = try graph.input("y", [8, 1])
        let w = try graph.read(weight)
        let loss = try (x.matMul(w) - y).square().mean()
        let gradient = try graph.gradients(of: loss, withRespectTo: [w])[0]
        let plan = try executor.compile(
            graph, outputs: [loss], updates: [(weight, try w - gradient * 0.2)])

        let random = RandomSource(seed: 3)
        for _ in 0..<300 {
            let inputs = try random.normal([8, 3])
            let numbers = try inputs.elements(Float.self)
            var targets: [Float] = []
            for row in 0..<8 {
                targets.append(2 * numbers[3 * row] - numbers[3 * row + 1] + 0.5 * numbers[3 * row + 2])
            }
            let outputs = try executor.run(plan, inputs: ["x": inputs, "y": HostTensor([8, 1], targets)])
            if try outputs[0].elements(Float.self)[0] < 1e-8 { break }
        }
        print(try executor.value(of: weight))  // close to 2, -1, 0.5

        let found = try executor.value(of: weight).elements(Float.self)
        #expect(zip(found, [2, -1, 0.5]).allSatisfy { abs($0 - $1) < 0.01 })
    }
}
