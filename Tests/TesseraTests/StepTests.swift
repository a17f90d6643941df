import Foundation
import Tessera
import Testing

/// Two networks with two losses: one makes points out of noise, the other tells them from true ones.
private struct Adversaries: Module {
    let artist: Sequential
    let critic: Sequential

    init(seed: UInt64 = 1, dropout: Double = 0) {
        let random = RandomSource(seed: seed)
        artist = Sequential(Dense(3, 8, random), Tanh(), Dense(8, 2, random))
        critic = Sequential(Dense(2, 8, random), Tanh(), Dropout(dropout, random), Dense(8, 1, random))
    }

    /// - Returns: the losses of the critic and the artist, and the points.
    func losses(
        _ point: Tensor, _ noise: Tensor, _ pass: ForwardPass
    ) throws -> (critic: Tensor, artist: Tensor, points: Tensor) {
        let points = try artist(noise, pass)
        let (real, fake) = (try critic(point, pass), try critic(points, pass))
        return (
            try (fake.softplus() + (-real).softplus()).mean(), try (-fake).softplus().mean(), points
        )
    }

    static func data(_ count: Int) throws -> TensorDataset {
        let random = RandomSource(seed: 5)
        return try TensorDataset([
            "point": random.uniform([count, 2], bound: 2), "noise": random.normal([count, 3]),
        ])
    }

    func trainer(
        on executor: Executor, rates: (artist: Double, critic: Double) = (0.02, 0.05), gradientNorm: Double? = nil
    ) -> Trainer {
        Trainer(
            self,
            groups: [
                ParameterGroup("artist", artist, Adam(learningRate: rates.artist, beta1: 0.5)),
                ParameterGroup("critic", critic, SGD(learningRate: rates.critic, momentum: 0.9)),
            ], gradientNorm: gradientNorm, on: executor
        ) { pass, batch in
            let found = try losses(batch["point"], batch["noise"], pass)
            return [
                .loss("critic", found.critic, trains: "critic"), .loss("artist", found.artist, trains: "artist"),
                .metric("spread", try found.points.square().mean()), .tensor("points", found.points),
            ]
        } predicting: { pass, inputs in
            let points = try artist(inputs["noise"], pass)
            return ["points": points, "judgement": try critic(points, pass).sigmoid()]
        }
    }
}

private func values(_ model: any Module, _ executor: Executor) throws -> [HostTensor] {
    let values = try executor.values(of: model.namedVariables.map(\.variable))
    return model.namedVariables.compactMap { values[$0.variable] }
}

/// Steps that are closures: several losses, groups of parameters and optimizers, with tensors by name.
@Suite struct StepTests {
    /// The same by hand: a graph and a plan for each network, both from the values before the step.
    /// The reference rounds once where nodes are fused.
    @Test("Two optimizers are two graphs, bit for bit", arguments: Place.available.filter { $0 != .reference })
    func adversaries(on place: Place) throws {
        let (model, twin, data) = (Adversaries(), Adversaries(), try Adversaries.data(6))
        let trainer = model.trainer(on: try place.executor())
        let executor = try place.executor()
        let optimizers: [any Optimizer] = [
            Adam(learningRate: 0.02, beta1: 0.5), SGD(learningRate: 0.05, momentum: 0.9),
        ]
        var updated: [[Variable]] = []
        let plans = try [twin.artist, twin.critic].enumerated().map { index, network in
            let graph = Graph()
            let step = try graph.input("step", [], .int32), rate = try graph.input("rate", [])
            let pass = ForwardPass(graph, .training(step: step))
            let losses = try twin.losses(graph.input("point", [6, 2]), graph.input("noise", [6, 3]), pass)
            let loss = index == 0 ? losses.artist : losses.critic
            let tensors = try network.parameters.map { try pass.read($0) }
            let gradients = try graph.gradients(of: loss, withRespectTo: tensors)
            let updates = try network.parameters.indices.flatMap {
                try optimizers[index].update(
                    network.parameters[$0], tensors[$0], gradient: gradients[$0], step: step, learningRate: rate)
            }
            updated.append(updates.map(\.0))
            return try executor.compile(graph, outputs: [loss] + updates.map(\.1), packsWeightsOnce: false)
        }
        let batch = try data.batch(ArraySlice(0..<6))
        for step in 1...4 {
            let result = try trainer.train(batch)
            var next: [Variable: HostTensor] = [:]
            for (index, name) in ["artist", "critic"].enumerated() {
                var inputs = batch.tensors
                inputs["step"] = HostTensor(Int32(step))
                inputs["rate"] = HostTensor(Float(optimizers[index].learningRate))
                let outputs = try executor.run(plans[index], inputs: inputs)
                #expect(try result.losses[name] == Double(outputs[0].elements(Float.self)[0]))
                for (variable, value) in zip(updated[index], outputs.dropFirst()) { next[variable] = value }
            }
            try executor.set(next)
            #expect(try values(model, trainer.executor) == values(twin, executor), "step \(step)")
            #expect(result.tensors["points"]?.shape == [6, 2] && result.tensors.count == 1)
        }
        #expect(try values(model, trainer.executor) != values(Adversaries(), executor))
    }

    /// A rate of zero for one group leaves it, and it alone, as it was.
    @Test(arguments: Place.available, [false, true]) func eachLossMovesItsOwn(on place: Place, moves: Bool) throws {
        let model = Adversaries()
        let trainer = model.trainer(on: try place.executor(), rates: moves ? (0.1, 0) : (0, 0.1), gradientNorm: 0.01)
        try trainer.fit(Adversaries.data(8), batchSize: 4, epochs: 1, progress: nil)
        for (network, isMoved) in [(model.artist, moves), (model.critic, !moves)] {
            for parameter in network.parameters {
                let value = try trainer.executor.value(of: parameter)
                #expect((value != parameter.initialValue) == isMoved, "\(parameter)")
            }
        }
    }

    @Test(arguments: Place.available) func outputsComeBackByName(on place: Place) throws {
        let (model, data) = (Adversaries(dropout: 0.5), try Adversaries.data(10))
        let trainer = model.trainer(on: try place.executor())
        // The last batch is smaller, and counts for less.
        let total = try trainer.evaluate(data, batchSize: 4)
        let whole = try trainer.evaluate(data, batchSize: 10)
        #expect(Set(total.losses.keys) == ["critic", "artist"] && Set(total.metrics.keys) == ["spread"])
        for (name, loss) in whole.losses { #expect(isClose([Float(total.losses[name] ?? 0)], [Float(loss)])) }
        #expect(total.tensors.isEmpty && total.count == 10 && trainer.step == 0)
        #expect(isClose([Float(total.loss)], [Float(whole.losses.values.reduce(0, +))]))
        #expect(trainer.describe(whole).hasPrefix("critic ") && trainer.describe(whole).contains(", artist "))
        let noise = try data.batch([0, 1, 2])["noise"]
        let made = try trainer.predict(["noise": noise])
        #expect(made["points"]?.shape == [3, 2] && made["judgement"]?.shape == [3, 1] && made.count == 2)
        // Tensors that the prediction does not ask for may be there.
        #expect(try trainer.predict(data.batch([0, 1, 2]).tensors) == made)
    }

    @Test(arguments: Place.available) func everyGroupIsResumedBitForBit(on place: Place) throws {
        let data = try Adversaries.data(20)
        let whole = Adversaries(dropout: 0.2).trainer(on: try place.executor())
        try whole.fit(data, batchSize: 8, epochs: 3, seed: 7, progress: nil)
        let folder = try TemporaryFolder()
        let first = Adversaries(dropout: 0.2).trainer(on: try place.executor())
        try first.fit(data, batchSize: 8, epochs: 3, steps: 4, seed: 7, progress: nil)
        try first.save(to: folder.path("half.safetensors"))
        let names = try SafetensorsFile(path: folder.path("half.safetensors")).names
        #expect(names.contains("tessera.adam.first.artist.0.weight"))
        #expect(
            names.contains("tessera.sgd.velocity.critic.3.bias") && !names.contains { $0.contains("velocity.artist") })
        let second = Adversaries(dropout: 0.2).trainer(on: try place.executor())
        try second.load(from: folder.path("half.safetensors"))
        try second.fit(data, batchSize: 8, epochs: 3, seed: 7, resuming: true, progress: nil)
        #expect(second.step == 9)
        #expect(try values(second.model, second.executor) == values(whole.model, whole.executor))
        for (a, b) in zip(whole.groups, second.groups) {
            for (x, y) in zip(a.parameters, b.parameters) {
                let (kept, resumed) = (a.optimizer?.state(of: x) ?? [], b.optimizer?.state(of: y) ?? [])
                #expect(!kept.isEmpty)
                for (left, right) in zip(kept, resumed) {
                    #expect(try whole.executor.value(of: left.variable) == second.executor.value(of: right.variable))
                }
            }
        }
    }

    @Test("A loss that is not finite stops every group", arguments: Place.available)
    func wholeOrNotAtAll(on place: Place) throws {
        let model = Adversaries()
        let trainer = model.trainer(on: try place.executor())
        let good = try Adversaries.data(2).batch([0, 1])
        _ = try trainer.train(good)
        let before = try values(model, trainer.executor)
        var bad = good
        // The artist does not see it.
        bad.tensors["point"] = try HostTensor([2, 2], [1, .nan, 2, 3] as [Float])
        let error = #expect(throws: NonFiniteLoss.self) { try trainer.train(bad) }
        #expect("\(error as Any)".contains("the loss “critic” at step 1") && error?.name == "critic")
        #expect("\(error as Any)".contains("1 of 4 numbers of the batch's point"))
        #expect(try trainer.step == 1 && values(model, trainer.executor) == before)
        trainer.onNonFiniteLoss = .skip
        #expect(try trainer.train(bad).losses["critic"]?.isNaN == true)
        #expect(try trainer.step == 2 && values(model, trainer.executor) == before)
    }
}
