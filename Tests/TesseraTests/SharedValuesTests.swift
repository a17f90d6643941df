import Tessera
import Testing

/// A model is the same wherever it is read, and a variable is one tensor of a graph.
@Suite struct SharedValuesTests {
    /// The gradient of 1·w·w with respect to w has both uses, whichever read it is asked of.
    @Test(arguments: Place.available) func aVariableReadTwice(on place: Place) throws {
        let w = Variable("w", try HostTensor([2, 2], [1, 2, 3, 4] as [Float]))
        let graph = Graph()
        let passes = [ForwardPass(graph, .inference), ForwardPass(graph, .inference)]
        let first = try graph.read(w)
        let y = try graph.fill(1, [1, 2]).matMul(first).matMul(passes[0].read(w)).sum()
        let gradients = try graph.gradients(of: y, withRespectTo: [first, graph.read(w), passes[1].read(w)])
        let executor = try place.executor()
        for gradient in try executor.run(executor.compile(graph, outputs: gradients)) {
            #expect(try gradient.elements(Float.self) == [7, 11, 9, 13])
        }
    }

    @Test(arguments: Place.available, Place.available) func aModelTrainedElsewhere(trained: Place, read: Place) throws {
        let data = try TrainingTests.rings(48)
        let model = TrainingTests.network(seed: 1)
        func trainer(_ place: Place) throws -> Trainer {
            Trainer(
                model, loss: .crossEntropy, optimizer: Adam(learningRate: 0.03), metrics: [.accuracy],
                on: try place.executor())
        }
        let (a, b) = (try trainer(trained), try trainer(read))
        let before = try b.evaluate(data)
        try a.fit(data, batchSize: 16, epochs: 10, progress: nil)
        let (here, there) = (try a.evaluate(data), try b.evaluate(data))
        #expect(here.loss < 0.8 * before.loss)
        #expect((here.loss - there.loss).magnitude < 1e-5)
        // A file has what was trained, whoever writes it.
        let folder = try TemporaryFolder()
        try model.save(to: folder.path("a.safetensors"), on: a.executor)
        try model.save(to: folder.path("b.safetensors"), on: b.executor)
        let copies = ["a", "b"].map { _ in TrainingTests.network(seed: 2) }
        for (copy, name) in zip(copies, ["a", "b"]) {
            try copy.load(from: folder.path("\(name).safetensors"), on: b.executor)
            for (original, loaded) in zip(model.namedVariables, copy.namedVariables) {
                #expect(try a.executor.value(of: original.variable) == b.executor.value(of: loaded.variable))
            }
        }
        // And training goes on from there.
        _ = try b.train(data.batch(Array(0..<16)[...]))
        #expect(try a.evaluate(data).loss != here.loss)
        #expect(try (a.evaluate(data).loss - b.evaluate(data).loss).magnitude < 1e-5)
    }

    @Test(arguments: Place.available) func aModelTrainedInAFunction(on place: Place) throws {
        let data = try TrainingTests.rings(48)
        let model = TrainingTests.network(seed: 1)
        func train() throws -> Float {
            let trainer = Trainer(
                model, loss: .crossEntropy, optimizer: Adam(learningRate: 0.03), on: try place.executor())
            try trainer.fit(data, batchSize: 16, epochs: 4, progress: nil)
            return Float(try trainer.evaluate(data).loss)
        }
        let loss = try train()
        let later = Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: try place.executor())
        #expect(isClose([Float(try later.evaluate(data).loss)], [loss]))
    }

    /// Batches of all lengths take plans up to the limit, and the results are those of plans made anew.
    @Test(arguments: Place.available.filter { $0 != .reference }) func plansHaveALimit(on place: Place) throws {
        func run(limit: PlanLimit) throws -> ([Double], [HostTensor]) {
            let random = RandomSource(seed: 1)
            let model = Sequential(
                Embedding(12, 8, random), TransformerEncoderLayer(8, heads: 2, random), Dense(8, 12, random))
            let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: try place.executor())
            trainer.planLimit = limit
            var losses: [Double] = []
            for length in [3, 9, 5, 3, 7, 9, 4, 3] {
                let tokens = try HostTensor([2, length], (0..<(2 * length)).map { Int32($0 % 12) })
                losses.append(try trainer.train(Batch(input: tokens, target: tokens, count: 2)).loss)
                if length == 7 { trainer.removePlans() }
                if length == 5 { trainer.executor.releaseUnusedMemory() }
                losses.append(Double(try trainer.predict(tokens).elements(Float.self)[0]))
            }
            return (losses, try model.parameters.map { try trainer.executor.value(of: $0) })
        }
        let all = try run(limit: PlanLimit())
        for limit in [PlanLimit(count: 0), PlanLimit(count: 2), PlanLimit(byteCount: 0)] {
            let some = try run(limit: limit)
            #expect(some.0 == all.0 && some.1 == all.1)
        }
    }

    @Test func aModelMayAskItsTrainerWhileAPlanIsMade() throws {
        final class Asking: Layer {
            let dense = Dense(2, 2, RandomSource(seed: 1))
            var ask: () throws -> Void = {}
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try ask()
                return try dense(input, pass)
            }
        }
        let model = Asking()
        let trainer = Trainer(
            model, loss: .meanSquaredError, optimizer: SGD(learningRate: 0.1), on: try Place.cpu.executor())
        let x = try HostTensor(filledWith: 1, TensorType([1, 2]))
        model.ask = { [unowned trainer, unowned model] in
            model.ask = {}
            _ = try trainer.predict(x)
            trainer.removePlans()
        }
        #expect(try trainer.train(Batch(input: x, target: x, count: 1)).loss.isFinite)
    }
}
