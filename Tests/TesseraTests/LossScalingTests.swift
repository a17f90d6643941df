import Execution
import Foundation
import Tessera
import TestSupport
import Testing

/// Steps whose gradients overflow, beside torch.amp.GradScaler: `Tests/References/scaling.py`.
@Suite struct LossScalingTests {
    /// Two parameters whose gradients are given.
    private struct Given: Module {
        let p0: Variable
        let p1: Variable
        var members: [LayerMember] { [.variable("p0", p0), .variable("p1", p1)] }
    }

    private struct Setting {
        var name: String
        var scaling = LossScaling(growthInterval: 2)
        var batches = 1
        var norm: Double?
        var optimizer: @Sendable () -> any Optimizer = { Adam(learningRate: 0.01) }

        func trainer(_ values: [String: HostTensor], on place: Place) throws -> Trainer {
            let model = Given(
                p0: Variable("p0", try #require(values["p0"])), p1: Variable("p1", try #require(values["p1"])))
            let trainer = Trainer(
                model, groups: [ParameterGroup("all", model, optimizer())], gradientNorm: norm,
                accumulatedBatches: batches, precision: .float16(scaling), on: try place.executor()
            ) { pass, batch in
                let sum = try (pass.read(model.p0) * batch["g0"]).sum() + (pass.read(model.p1) * batch["g1"]).sum()
                return [.loss("loss", sum)]
            }
            // Parameters as large as the gradients that a small scale lets through have a loss beyond all numbers.
            trainer.onNonFiniteLoss = .proceed
            return trainer
        }
    }

    private static let settings: [Setting] = [
        Setting(name: "adam"),
        Setting(
            name: "sgd",
            scaling: LossScaling(initialScale: 1024, growthFactor: 3, backoffFactor: 0.25, growthInterval: 3),
            optimizer: { SGD(learningRate: 0.1, momentum: 0.9) }), Setting(name: "clipped", norm: 0.5),
        Setting(name: "accumulated", batches: 2),
        Setting(
            name: "at the end of the range", scaling: LossScaling(initialScale: 0x1p127, growthInterval: 1)),
    ]

    // Not on the reference, which has room for what float32 has not.
    @Test(arguments: Place.available.filter { $0 != .reference }, settings.indices)
    func stepsAreThoseOfPyTorch(_ place: Place, _ index: Int) throws {
        let setting = Self.settings[index]
        let reference = try PyTorchReference("scaling")
        let (inputs, expected) = try (
            reference.tensors("input", of: setting.name), reference.tensors("output", of: setting.name)
        )
        let values = try reference.tensors("parameter", of: setting.name)
        var trainer = try setting.trainer(values, on: place)
        let steps = inputs.count / 2
        try #require(steps > 2)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        for step in 0..<steps {
            let gradients = ["g0": inputs["\(step).g0"], "g1": inputs["\(step).g1"]].compactMapValues { $0 }
            let before = try parameters(of: trainer)
            let result = try trainer.train(Batch(gradients, count: 1))
            let after = try parameters(of: trainer)
            if result.isSkipped { #expect(after == before) }
            for (name, value) in zip(["p0", "p1"], after) {
                let complaint = Tolerance.normwise(1e-6, floor: 1).complaint(
                    value.doubles(), try #require(expected["\(step).\(name)"]).doubles())
                #expect(complaint == nil, "\(setting.name), \(name) after step \(step): \(complaint ?? "")")
            }
            let scale = try #require(expected["\(step).scale"]).doubles()[0]
            #expect(try trainer.lossScale == scale, "\(setting.name), step \(step)")
            // Another trainer goes on from a file as if nothing had been, in the midst of it all.
            if step % 3 == 1 {
                try trainer.save(to: file)
                trainer = try setting.trainer(values, on: place)
                try trainer.load(from: file)
                #expect(try parameters(of: trainer) == after && trainer.step == step + 1)
            }
        }
    }

    @Test func everyCaseIsHeld() throws {
        #expect(try PyTorchReference("scaling").names == Self.settings.map(\.name).sorted())
    }

    private func parameters(of trainer: Trainer) throws -> [HostTensor] {
        let values = try trainer.executor.values(of: trainer.model.parameters)
        return trainer.model.parameters.compactMap { values[$0] }
    }

    /// What follows the batch stays too, and what is random goes on.
    @Test(arguments: Place.available.filter { $0 != .reference })
    func aSkippedStepLeavesStatisticsToo(_ place: Place) throws {
        let random = RandomSource(seed: 1)
        let (dense, norm) = (Dense(2, 3, random), BatchNorm1D(3))
        let model = Sequential(dense, norm, Dropout(0.5, random))
        let trainer = Trainer(
            model, groups: [ParameterGroup("all", model, Adam())], precision: .float16, on: try place.executor()
        ) { pass, batch in [.loss("loss", try (model(batch["x"], pass) * batch["factor"]).mean())] }
        func batch(_ factor: Float) throws -> Batch {
            Batch(["x": try random.normal([8, 2]), "factor": HostTensor(factor)], count: 8)
        }
        #expect(try !trainer.train(batch(1)).isSkipped)
        let all = model.namedVariables.map(\.variable)
        let before = try trainer.executor.values(of: all)
        let result = try trainer.train(batch(1e37))
        #expect(result.isSkipped && result.loss.isFinite)
        #expect(try trainer.executor.values(of: all) == before)
        #expect(try trainer.lossScale == 32768 && trainer.step == 2)
        #expect(try !trainer.train(batch(1)).isSkipped)
        #expect(try trainer.executor.values(of: all) != before)
    }

    @Test func aLoopOfOnesOwnIsTheTrainers() throws {
        let values = try PyTorchReference("scaling").tensors("parameter", of: "adam")
        let inputs = try PyTorchReference("scaling").tensors("input", of: "adam")
        let expected = try PyTorchReference("scaling").tensors("output", of: "adam")
        let parameters = try ["p0", "p1"].map { Variable($0, try #require(values[$0])) }
        let (executor, graph, scaler) = (try Place.cpu.executor(), Graph(), LossScaler(LossScaling(growthInterval: 2)))
        let adam = Adam(learningRate: 0.01)
        let count = Variable("count", HostTensor(Int32(0)), isTrainable: false)
        let move = try graph.read(count) + 1
        let loss = try graph.autocast(to: .float16) {
            let products = try parameters.enumerated().map { index, parameter in
                try (graph.read(parameter) * graph.input("g\(index)", parameter.type.shape)).sum()
            }
            return try products[0] + products[1]
        }
        let gradients = try scaler.unscaled(
            graph.gradients(of: scaler.scaled(loss), withRespectTo: parameters.map { try graph.read($0) }))
        let moved = try zip(parameters, gradients).flatMap { parameter, gradient in
            try adam.update(
                parameter, graph.read(parameter), gradient: gradient, step: move, learningRate: graph.fill(0.01))
        }
        let step = try scaler.step(moved + [(count, move)], ifFinite: gradients)
        let plan = try executor.compile(graph, outputs: [loss], updates: step.updates)
        for number in 0..<10 {
            _ = try executor.run(
                plan, inputs: ["g0": try #require(inputs["\(number).g0"]), "g1": try #require(inputs["\(number).g1"])])
        }
        #expect(try executor.value(of: scaler.scale) == expected["9.scale"])
        let found = try executor.value(of: parameters[0]).doubles()
        #expect(Tolerance.normwise(1e-6).complaint(found, try #require(expected["9.p0"]).doubles()) == nil)
    }

    @Test func mistakesAreSaid() throws {
        let wrong = [
            LossScaling(initialScale: 0), LossScaling(initialScale: .nan), LossScaling(initialScale: 1e39),
            LossScaling(growthFactor: 1), LossScaling(growthFactor: .infinity), LossScaling(backoffFactor: 1),
            LossScaling(backoffFactor: -0.5), LossScaling(growthInterval: 0), LossScaling(growthInterval: .max),
        ]
        for scaling in wrong {
            let trainer = Trainer(
                Dense(2, 2, RandomSource(seed: 1)), loss: .meanSquaredError, optimizer: Adam(),
                precision: .float16(scaling), on: try Place.cpu.executor())
            let batch = Batch(
                input: try HostTensor([1, 2], [1, 2] as [Float]),
                target: try HostTensor(filledWith: 0, TensorType([1, 2])), count: 1)
            #expect(throws: GraphError.self) { try trainer.train(batch) }
        }
        let graph = Graph()
        let scaler = LossScaler()
        let half = try graph.input("x", [2], .float16)
        #expect(throws: GraphError.self) { try scaler.unscaled([half]) }
        #expect(throws: GraphError.self) { try scaler.step([], ifFinite: []) }
        #expect(throws: GraphError.self) { try graph.autocast(to: .int32) { half } }
        #expect(throws: GraphError.self) { try graph.autocast(to: .float64) { half } }
    }

    /// Gradients that no scale makes finite end a training instead of skipping for ever.
    @Test func aScaleWithoutEndIsAnError() throws {
        let model = Dense(2, 1, RandomSource(seed: 1))
        let trainer = Trainer(
            model, groups: [ParameterGroup("all", model, SGD(learningRate: 0.1))],
            precision: .float16(LossScaling(initialScale: 1, backoffFactor: 1e-10)), on: try Place.cpu.executor()
        ) { pass, batch in [.loss("loss", try (model(batch["x"], pass).cast(to: .float32) * 0).sqrt().sum())] }
        let batch = Batch(["x": try HostTensor(filledWith: 1, TensorType([3, 2]))], count: 3)
        let before = try trainer.executor.values(of: model.parameters)
        for _ in 0..<3 { #expect(try trainer.train(batch).isSkipped) }
        #expect(throws: GraphError.self) { try trainer.train(batch) }
        #expect(try trainer.executor.values(of: model.parameters) == before)
    }
}
