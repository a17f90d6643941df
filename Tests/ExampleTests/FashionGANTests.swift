import ExampleNetworks
import Tessera
import Testing

/// What the generator of clothing is judged by.
@Suite struct FashionGANTests {
    /// A classifier that has seen a part of the pictures once: the features need not be good ones.
    private func judge() throws -> Sequential {
        let model = Sequential.fashionCNN(RandomSource(seed: 7))
        let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: try Executor(on: .cpu))
        try trainer.fit(ImageDataset.fashionMNIST().train, batchSize: 128, epochs: 1, steps: 100, progress: nil)
        return model
    }

    /// The distance by the variance of the real pictures' features.
    private func distance(_ made: HostTensor, _ real: HostTensor, by judge: Sequential) throws -> Double {
        let trainer = Trainer(Sequential(), groups: [], on: try Executor(on: .cpu)) { pass, batch in
            [
                try .metric(
                    .frechetDistance, FashionGAN.features(batch["made"], judge, pass),
                    FashionGAN.features(batch["real"], judge, pass))
            ]
        }
        let result = try trainer.evaluate(TensorDataset(["made": made, "real": real]))
        let state = try #require(result.state(FrechetDistance.self, of: "Fréchet distance"))
        return state.value / state.realVariance
    }

    /// Held-out pictures pass; one good picture again and again does not. One of each class is worse than held-out ones.
    @Test func aCollapsedGeneratorFailsTheCheck() throws {
        let test = try ImageDataset.fashionMNIST().test
        func pictures(_ places: [Int]) throws -> HostTensor { try test.batch(places[...]).input }
        let (judge, real) = (try judge(), try pictures(Array(1000..<2000)))
        let honest = try distance(pictures(Array(0..<1000)), real, by: judge)
        #expect(honest < FashionGAN.greatestDistance / 2)
        let one = try distance(pictures(Array(repeating: 5, count: 1000)), real, by: judge)
        #expect(one >= 1 && one > FashionGAN.greatestDistance)
        let ofEachClass = (0..<10).compactMap { test.labels.firstIndex(of: $0) }
        let ten = try distance(pictures((0..<1000).map { ofEachClass[$0 % 10] }), real, by: judge)
        #expect(ten > 2 * honest)
    }

    /// A step moves both networks, each by its own loss, and follows the singular vectors and the running statistics.
    @Test(arguments: [DeviceChoice.cpu, .automatic]) func aStepMovesBothNetworks(_ device: DeviceChoice) throws {
        let gan = FashionGAN(width: 4, RandomSource(seed: 1))
        let executor = try Executor(on: device)
        let trainer = gan.trainer(classifier: nil, on: executor)
        let before = try gan.namedVariables.map { try executor.value(of: $0.variable) }
        let result = try trainer.train(
            Batch(["input": RandomSource(seed: 2).uniform([8, 1, 28, 28], bound: 1)], count: 8))
        #expect(result.losses.keys.sorted() == ["discriminator", "generator"] && result.loss.isFinite)
        for (value, (name, variable)) in zip(before, gan.namedVariables) {
            // The first layers' biases are taken away again by batch norm's mean.
            guard name != "generator.0.bias" else { continue }
            #expect(try executor.value(of: variable) != value, "\(name)")
        }
        let made = try #require(
            try trainer.predict(["noise": RandomSource(seed: 3).normal([3, FashionGAN.noise])])["output"])
        #expect(made.shape == [3, 1, 28, 28])
        #expect(try made.elements(Float.self).allSatisfy { (0...1).contains($0) })
    }
}
