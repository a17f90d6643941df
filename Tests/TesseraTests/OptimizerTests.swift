import Foundation
import Tessera
import TestSupport
import Testing

/// Optimizers beside torch.optim: `Tests/References/optimizers.py`.
@Suite struct OptimizerTests {
    private static let betas = (0.8, 0.95)

    /// Made anew for each place, as they keep variables.
    private static let cases: [(name: String, make: @Sendable () -> any Optimizer)] = [
        ("sgd", { SGD(learningRate: 0.1) }), ("sgd, decay", { SGD(learningRate: 0.1, weightDecay: 0.1) }),
        ("sgd, momentum", { SGD(learningRate: 0.1, momentum: 0.9) }),
        ("sgd, dampening", { SGD(learningRate: 0.1, momentum: 0.9, dampening: 0.3, weightDecay: 0.1) }),
        ("sgd, nesterov", { SGD(learningRate: 0.1, momentum: 0.8, isNesterov: true) }),
        ("adam", { Adam(learningRate: 0.01) }),
        ("adam, options", { Adam(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.1) }),
        ("adam, amsgrad", { Adam(learningRate: 0.01, beta1: 0.5, beta2: 0.3, isAMSGrad: true) }),
        ("adamw", { Adam(learningRate: 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1, isDecoupled: true) }),
        ("nadam", { NAdam() }),
        (
            "nadam, options",
            {
                NAdam(
                    learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.1, momentumDecay: 0.1)
            }
        ),
        ("nadam, decoupled", { NAdam(weightDecay: 0.1, isDecoupled: true) }), ("radam", { RAdam() }),
        ("radam, options", { RAdam(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.1) }),
        ("radam, decoupled", { RAdam(beta2: 0.6, weightDecay: 0.1, isDecoupled: true) }),
        ("adagrad", { AdaGrad() }),
        (
            "adagrad, options",
            {
                AdaGrad(
                    learningRate: 0.1, learningRateDecay: 0.5, weightDecay: 0.1, initialSum: 0.5, epsilon: 1e-2)
            }
        ),
        ("adadelta", { AdaDelta() }),
        ("adadelta, options", { AdaDelta(learningRate: 0.5, rho: 0.8, epsilon: 1e-3, weightDecay: 0.1) }),
        ("rmsprop", { RMSprop() }),
        (
            "rmsprop, options",
            { RMSprop(learningRate: 0.1, alpha: 0.9, epsilon: 1e-2, weightDecay: 0.1, momentum: 0.7) }
        ),
        ("rmsprop, centered", { RMSprop(alpha: 0.8, epsilon: 1e-3, isCentered: true) }), ("lion", { Lion() }),
        ("lion, options", { Lion(learningRate: 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1) }),
        ("lamb", { LAMB() }),
        ("lamb, options", { LAMB(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.1) }),
        ("lamb, of zeros", { LAMB() }), ("muon", { Muon() }),
        (
            "muon, options",
            {
                Muon(learningRate: 0.1, momentum: 0.8, isNesterov: false, weightDecay: 0.2, scale: .matchingAdamW)
            }
        ),
    ]

    /// A plan of one step of two parameters, whose gradients are inputs.
    private struct Steps {
        let parameters: [Variable]
        let executor: Executor
        let plan: Plan

        init(_ optimizer: any Optimizer, _ values: [HostTensor], on place: Place) throws {
            parameters = values.enumerated().map { index, value in Variable("p\(index)", value) }
            executor = try place.executor()
            let graph = Graph()
            let step = try graph.input("step", [], .int32), rate = try graph.fill(optimizer.learningRate)
            let updates = try parameters.enumerated().flatMap { index, parameter in
                try optimizer.update(
                    parameter, graph.read(parameter),
                    gradient: graph.input("g\(index)", parameter.type.shape, parameter.type.dtype), step: step,
                    learningRate: rate)
            }
            plan = try executor.compile(graph, outputs: [], updates: updates)
        }

        func run(_ step: Int, _ gradients: [HostTensor]) throws {
            var inputs = ["step": HostTensor(Int32(step))]
            for (index, gradient) in gradients.enumerated() { inputs["g\(index)"] = gradient }
            _ = try executor.run(plan, inputs: inputs)
        }
    }

    @Test(arguments: cases.indices) func stepsAreThoseOfPyTorch(_ index: Int) throws {
        let (name, make) = Self.cases[index]
        let reference = try PyTorchReference("optimizers")
        let (values, gradients) = try (reference.tensors("parameter", of: name), reference.tensors("input", of: name))
        let expected = try reference.tensors("output", of: name)
        let count = expected.count / values.count
        try #require(count >= 3 && values.count == 2)
        for place in Place.available where place != .reference {
            let steps = try Steps(make(), ["0", "1"].map { try #require(values[$0]) }, on: place)
            for step in 0..<count {
                try steps.run(step + 1, ["0", "1"].map { try #require(gradients["\(step).\($0)"]) })
                for (number, parameter) in steps.parameters.enumerated() {
                    let found = try steps.executor.value(of: parameter)
                    let wanted = try #require(expected["\(step).\(number)"])
                    let start = try #require(values["\(number)"]).doubles()
                    // The moves are compared, of which a small one would be lost beside the parameter, but for the last
                    // bit of that.
                    let moves = [found, wanted].map { zip($0.doubles(), start).map { $0 - $1 } }
                    let complaint = Tolerance.normwise(2e-4, floor: 1.5e-3).complaint(moves[0], moves[1])
                    #expect(complaint == nil, "\(name), step \(step) on \(place): \(complaint ?? "")")
                    let whole = Tolerance.normwise(1e-6, floor: 1).complaint(found.doubles(), wanted.doubles())
                    #expect(whole == nil, "\(name), step \(step) on \(place): \(whole ?? "")")
                }
            }
        }
    }

    @Test func everyCaseIsHeld() throws {
        #expect(try PyTorchReference("optimizers").names == Self.cases.map(\.name).sorted())
    }

    /// No step is lost in 16 bits or turned to NaN by zeros: a gradient of 0 moves nothing, and numbers stay numbers.
    @Test(arguments: cases.indices) func gradientsOfZeroAndOfSixteenBits(_ index: Int) throws {
        let (name, make) = Self.cases[index]
        for place in Place.available {
            for dtype in [DType.float32, .bfloat16] {
                let type = TensorType([2, 3], dtype)
                let values = try HostTensor(type, doubles: [1, -2, 0.5, 0, 3, -1])
                let optimizer = make()
                let steps = try Steps(optimizer, [values], on: place)
                for step in 1...2 { try steps.run(step, [HostTensor(zeros: type)]) }
                let still = try steps.executor.value(of: steps.parameters[0]).doubles()
                #expect(still.allSatisfy { $0.isFinite }, "\(name), \(dtype) on \(place)")
                if !name.contains(",") && name != "muon" && name != "adamw" {
                    #expect(still == values.doubles(), "\(name), \(dtype) on \(place): \(still)")
                }
                for step in 3...4 { try steps.run(step, [HostTensor(type, doubles: [1, 1, 1, 1, -1, 1e4])]) }
                let moved = try steps.executor.value(of: steps.parameters[0]).doubles()
                #expect(moved.allSatisfy { $0.isFinite }, "\(name), \(dtype) on \(place): \(moved)")
            }
        }
    }

    /// A checkpoint holds all that an optimizer keeps: training goes on from it to the same bits.
    @Test(arguments: cases.indices) func resumedFromACheckpoint(_ index: Int) throws {
        let (name, make) = Self.cases[index]
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("optimizer-\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let x = try HostTensor([2, 3], [1, 2, -1, 0.5, -2, 3] as [Float])
        let batch = Batch(input: x, target: try HostTensor([2, 2], [1, 0, -1, 2] as [Float]), count: 2)
        func trainer() throws -> (Trainer, Dense) {
            let layer = Dense(3, 2, hasBias: false, RandomSource(seed: 1))
            return (
                Trainer(layer, loss: .meanSquaredError, optimizer: make(), on: try Place.cpu.executor()), layer
            )
        }
        let (first, layer) = try trainer(), (second, other) = try trainer()
        for _ in 0..<2 { _ = try first.train(batch) }
        try first.save(to: path)
        try second.load(from: path)
        for trainer in [first, second] { _ = try trainer.train(batch) }
        let (found, expected) = try (
            second.executor.value(of: other.weight), first.executor.value(of: layer.weight)
        )
        #expect(found == expected && found != layer.weight.initialValue, "\(name)")
    }

    /// Every number that an optimizer is made with is named where it makes no sense.
    @Test func numbersThatMakeNoSense() throws {
        func refusal(_ optimizer: any Optimizer) -> String {
            let graph = Graph()
            let parameter = Variable("p", try HostTensor(zeros: TensorType([2, 2])))
            let error = #expect(throws: GraphError.self) {
                let value = try graph.read(parameter)
                return try optimizer.update(
                    parameter, value, gradient: value, step: graph.input("step", [], .int32),
                    learningRate: graph.fill(0.1))
            }
            return error?.message ?? ""
        }
        for wrong in [-0.1, 1, .nan, .infinity] as [Double] {
            for optimizer in [
                NAdam(beta1: wrong), RAdam(beta1: wrong), Lion(beta1: wrong), LAMB(beta1: wrong), Adam(beta1: wrong),
            ] as [any Optimizer] { #expect(refusal(optimizer).contains("beta1")) }
            for optimizer in [
                NAdam(beta2: wrong), RAdam(beta2: wrong), Lion(beta2: wrong), LAMB(beta2: wrong), Adam(beta2: wrong),
            ] as [any Optimizer] { #expect(refusal(optimizer).contains("beta2")) }
            #expect(refusal(AdaDelta(rho: wrong)).contains("rho"))
            #expect(refusal(RMSprop(alpha: wrong)).contains("alpha"))
            #expect(refusal(Muon(momentum: wrong)).contains("momentum"))
        }
        for wrong in [-1e-9, .nan, .infinity] as [Double] {
            for optimizer in [
                NAdam(epsilon: wrong), RAdam(epsilon: wrong), LAMB(epsilon: wrong), AdaGrad(epsilon: wrong),
                AdaDelta(epsilon: wrong), RMSprop(epsilon: wrong),
            ] as [any Optimizer] { #expect(refusal(optimizer).contains("epsilon")) }
            for optimizer in [
                NAdam(weightDecay: wrong), RAdam(weightDecay: wrong), LAMB(weightDecay: wrong),
                AdaGrad(weightDecay: wrong), AdaDelta(weightDecay: wrong), RMSprop(weightDecay: wrong),
                Lion(weightDecay: wrong), Muon(weightDecay: wrong),
            ] as [any Optimizer] { #expect(refusal(optimizer).contains("weight decay")) }
            #expect(refusal(NAdam(momentumDecay: wrong)).contains("momentum decay"))
            #expect(refusal(AdaGrad(learningRateDecay: wrong)).contains("learning rate's decay"))
            #expect(refusal(AdaGrad(initialSum: wrong)).contains("initial sum"))
            #expect(refusal(RMSprop(momentum: wrong)).contains("momentum"))
        }
        for wrong in [Double.nan, .infinity] {
            #expect(refusal(SGD(learningRate: 1, momentum: 0.9, dampening: wrong)).contains("dampening"))
        }
        #expect(refusal(SGD(learningRate: 1, momentum: 0.9, dampening: 0.5, isNesterov: true)).contains("no dampening"))
    }

    @Test func muonMovesMatricesAlone() throws {
        let graph = Graph()
        for shape in [Shape([3]), [], [2, 3, 4]] {
            let parameter = Variable("p", try HostTensor(zeros: TensorType(shape)))
            let line: UInt = #line + 1
            let value = try graph.read(parameter)
            let error = #expect(throws: GraphError.self) {
                try Muon().update(
                    parameter, value, gradient: value, step: graph.input("step", [], .int32),
                    learningRate: graph.fill(0.1))
            }
            #expect(error?.message.contains("matrices, not \(shape)") == true && error?.location?.line == line)
        }
    }

    /// An optimizer of a user's own: what it keeps has names, and others are refused.
    private final class SignDescent: Optimizer {
        let learningRate = 0.5
        let state = OptimizerState("sign", [.zeros("momentum"), .scalar("count", initially: 3)])
        var name = "momentum"

        func step(_ step: inout OptimizerStep) throws -> Tensor {
            let momentum = try step.kept(name) * 0.5 + step.gradient
            step.keep(name, momentum)
            step.keep("count", try step.kept("count") + 1)
            return try step.parameter - momentum.sign() * step.learningRate
        }
    }

    @Test(arguments: Place.available) func anOptimizerOfOnesOwn(_ place: Place) throws {
        let optimizer = SignDescent()
        let steps = try Steps(optimizer, [HostTensor([2], [1, 2] as [Float])], on: place)
        for step in 1...2 { try steps.run(step, [HostTensor([2], [1, -3] as [Float])]) }
        let (executor, parameter) = (steps.executor, steps.parameters[0])
        #expect(try executor.value(of: parameter).elements(Float.self) == [0, 3])
        let kept = optimizer.state(of: parameter)
        #expect(kept.map(\.name) == ["sign.momentum", "sign.count"])
        #expect(try executor.value(of: kept[0].variable).elements(Float.self) == [1.5, -4.5])
        #expect(try executor.value(of: kept[1].variable).elements(Float.self) == [5])
        optimizer.name = "velocity"
        let error = #expect(throws: GraphError.self) {
            try Steps(optimizer, [HostTensor([2], [1, 2] as [Float])], on: place)
        }
        #expect(error?.message.contains("“velocity”") == true)
    }
}
