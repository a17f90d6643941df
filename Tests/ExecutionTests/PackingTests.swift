import CPUBackend
import Logging
import Testing

@testable import Execution
@testable import TensorGraph

/// A network of each kind of weight that the CPU path packs: a 3×3 convolution, a product of four rows, a recurrence.
private struct Network {
    let filter: Variable
    let matrix: Variable
    let hidden: Variable
    let graph = Graph()
    let output: Tensor
    var weights: [Variable] { [filter, matrix, hidden] }

    init() throws {
        func number(_ index: Int) -> Float { Float(index * 37 % 19) / 19 - 0.5 }
        func variable(_ name: String, _ shape: Shape) throws -> Variable {
            Variable(name, try HostTensor(shape, (0..<shape.elementCount).map { number($0) }))
        }
        filter = try variable("filter", [16, 16, 3, 3])
        matrix = try variable("matrix", [8, 576])
        hidden = try variable("hidden", [16, 4])
        let x = try graph.input("x", [1, 16, 12, 12])
        let features = try x.conv2D(graph.read(filter), padding: 1).reshaped(to: [4, 576])
        let rows = try features.matMul(graph.read(matrix), transposeOther: true).reshaped(to: [1, 4, 8])
        // Gates that are neither shut nor wide open, so that every weight shows.
        let inputWeight = try graph.constant(HostTensor([16, 8], (0..<128).map { number($0 + 3) }))
        let bias = try graph.fill(0, [16])
        output = try (rows * 0.02).lstm(
            inputWeight: inputWeight, hiddenWeight: graph.read(hidden), inputBias: bias, hiddenBias: bias,
            hidden: graph.fill(1, [4, 4])
        ).outputs
    }

    static func inputs(_ seed: Int) throws -> [String: HostTensor] {
        ["x": try HostTensor([1, 16, 12, 12], (0..<2304).map { Float(($0 * 7 + seed * 5) % 11) / 11 - 0.5 })]
    }

    /// A value that no weight has yet.
    static func value(_ variable: Variable, _ seed: Int) throws -> HostTensor {
        let count = variable.type.shape.elementCount
        return try HostTensor(
            variable.type.shape, (0..<count).map { Float(($0 * 13 + seed * 29) % 23) / 23 - 0.5 })
    }

    /// A step that moves every weight.
    func trainingPlan(on executor: Executor) throws -> Plan {
        let tensors = try weights.map { try graph.read($0) }
        let gradients = try graph.gradients(of: output.square().mean(), withRespectTo: tensors)
        let updates = try zip(tensors, gradients).map { try $0 * 0.7 - $1 * 0.1 }
        return try executor.compile(graph, outputs: [output], updates: Array(zip(weights, updates)))
    }

    /// What a network of the same kind that has never run gives with these weights.
    func expected(_ values: [Variable: HostTensor], _ inputs: [String: HostTensor]) throws -> HostTensor {
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let other = try Network()
        for (variable, twin) in zip(weights, other.weights) {
            if let value = values[variable] { try executor.set([twin: value]) }
        }
        return try executor.run(executor.compile(other.graph, outputs: [other.output]), inputs: inputs)[0]
    }
}

/// The largest difference between elements.
private func distance(_ a: HostTensor, _ b: HostTensor) throws -> Float {
    try zip(a.elements(Float.self), b.elements(Float.self)).map { ($0 - $1).magnitude }.max() ?? .infinity
}

extension Executor {
    /// A run's only output, and how many packings it did.
    fileprivate func traced(_ plan: Plan, _ inputs: [String: HostTensor]) throws -> (output: HostTensor, packings: Int)
    {
        let trace = Trace()
        let output = try run(plan, inputs: inputs, trace: trace)[0]
        return (output, trace.events.count { $0.name.hasSuffix(": packing") })
    }
}

/// Weights are packed once, and again where they have changed.
@Suite struct PackingTests {
    @Test func packsOnceAndAgainWhereAWeightWasSet() throws {
        let network = try Network()
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(network.graph, outputs: [network.output])
        var values = Dictionary(uniqueKeysWithValues: network.weights.map { ($0, $0.initialValue) })
        // Four, as the recurrence's product with its inputs has a weight too: a constant.
        for (run, packings) in [4, 0, 0].enumerated() {
            let inputs = try Network.inputs(run)
            let result = try executor.traced(plan, inputs)
            #expect(result.packings == packings)
            #expect(try result.output == network.expected(values, inputs))
        }
        for (seed, variable) in network.weights.enumerated() {
            values[variable] = try Network.value(variable, seed)
            try executor.set([variable: Network.value(variable, seed)])
            let inputs = try Network.inputs(seed)
            let result = try executor.traced(plan, inputs)
            #expect(result.packings == 1)
            #expect(try result.output == network.expected(values, inputs))
            #expect(try executor.traced(plan, inputs).packings == 0)
        }
    }

    @Test(arguments: [false, true]) func trainingAndEvaluationAlternate(onDevice: Bool) throws {
        let network = try Network()
        let device = onDevice ? FailingBackend(failingCall: 0, .once) : nil
        let executor = Executor(cpu: CPUBackend(), device: device)
        let evaluation = try executor.compile(network.graph, outputs: [network.output])
        let training = try network.trainingPlan(on: executor)
        let inputs = try Network.inputs(1)
        var seen: [HostTensor] = []
        for step in 0..<4 {
            let before = try executor.traced(evaluation, inputs)
            #expect(before.packings == (step == 0 ? 4 : 3))
            #expect(try before.output == network.expected(executor.values(of: network.weights), inputs))
            #expect(try seen.allSatisfy { try distance($0, before.output) > 1e-3 })
            seen.append(before.output)
            #expect(try executor.traced(evaluation, inputs).packings == 0)
            _ = try executor.run(training, inputs: Network.inputs(step))
        }
    }

    /// What one executor has packed is out of date where another has changed the weight.
    @Test(arguments: [false, true]) func executorsThatShareWeights(onDevice: Bool) throws {
        let network = try Network()
        let executors = (0..<2).map { _ in
            Executor(cpu: CPUBackend(), device: onDevice ? FailingBackend(failingCall: 0, .once) : nil)
        }
        let plans = try executors.map { try $0.compile(network.graph, outputs: [network.output]) }
        let training = try network.trainingPlan(on: executors[1])
        let inputs = try Network.inputs(0)
        for _ in 0..<3 {
            let expected = try network.expected(executors[0].values(of: network.weights), inputs)
            for (executor, plan) in zip(executors, plans) {
                #expect(try executor.run(plan, inputs: inputs)[0] == expected)
                let again = try executor.traced(plan, inputs)
                #expect(again.output == expected)
                #expect(again.packings == 0)
            }
            _ = try executors[1].run(training, inputs: inputs)
        }
    }

    /// Evaluations before, between and after steps and a loaded weight, with a device whose N-th call fails.
    @Test(arguments: FailingBackend.Mode.allCases) func aFailureLeavesNothingStale(mode: FailingBackend.Mode) throws {
        func outputs(on device: FailingBackend?) throws -> [HostTensor] {
            let network = try Network()
            let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
            let evaluation = try executor.compile(network.graph, outputs: [network.output])
            let training = try network.trainingPlan(on: executor)
            var outputs: [HostTensor] = []
            func evaluate() throws {
                outputs += try executor.run(evaluation, inputs: Network.inputs(outputs.count))
            }
            for step in 0..<3 {
                try evaluate()
                try evaluate()
                outputs += try executor.run(training, inputs: Network.inputs(step))
            }
            try evaluate()
            try executor.set([network.filter: Network.value(network.filter, 5)])
            try evaluate()
            try evaluate()
            return outputs
        }
        let expected = try outputs(on: nil)
        let sound = FailingBackend(failingCall: 0, .once)
        #expect(try outputs(on: sound) == expected)
        // Where a node could not be lowered for the device, another kernel does it, which rounds in another way; a weight that
        // is out of date shows in the third digit.
        #expect(try zip(expected, expected.dropFirst()).allSatisfy { try distance($0, $1) > 1e-3 })
        for call in 1...sound.calls {
            let results = try outputs(on: FailingBackend(failingCall: call, mode))
            #expect(results.count == expected.count)
            for (index, (result, known)) in zip(results, expected).enumerated() {
                #expect(try distance(result, known) < 1e-5, "output \(index), call \(call), \(mode)")
            }
        }
    }

    /// Where failures are reported, the run that is tried again after one is right, whatever it had packed by then.
    @Test func aRunTriedAgainAfterAReportedFailure() throws {
        let network = try Network()
        let inputs = try Network.inputs(2)
        func evaluations(on device: FailingBackend) throws -> [HostTensor] {
            let executor = Executor(cpu: CPUBackend(), device: device, policy: .report)
            func again<Result>(_ body: () throws -> Result) throws -> Result {
                do { return try body() } catch { return try body() }
            }
            let plan = try again { try executor.compile(network.graph, outputs: [network.output]) }
            return try (0..<3).map { seed in
                try again { try executor.set([network.filter: Network.value(network.filter, seed)]) }
                return try again { try executor.run(plan, inputs: inputs)[0] }
            }
        }
        let sound = FailingBackend(failingCall: 0, .once)
        let expected = try evaluations(on: sound)
        #expect(
            try expected
                == (0..<3).map { try network.expected([network.filter: Network.value(network.filter, $0)], inputs) })
        for call in 1...sound.calls {
            #expect(try evaluations(on: FailingBackend(failingCall: call, .once)) == expected, "call \(call)")
        }
    }

    @Test func explainSaysWhatIsPackedOnceAndItsMemory() throws {
        let network = try Network()
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(network.graph, outputs: [network.output])
        let bytes = try #require(plan.cpuSchedule?.placement.keptByteCount)
        // Winograd's alone are at least 36 numbers for each 9.
        #expect(bytes >= 4 * (36 * 16 * 16 + 8 * 576 + 16 * 4 + 16 * 8))
        let text = plan.explain()
        #expect(text.split(separator: "\n").count { $0.contains("; weight packed once") } == 4)
        #expect(text.contains("cpu: \(bytes) bytes of packed weights and of results that stay the same, kept"))
    }

    /// A step that changes its weights packs them as ever, in the arenas; so does a plan that was asked to.
    @Test func nothingIsKeptOfWeightsThatAPlanChanges() throws {
        let network = try Network()
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let training = try network.trainingPlan(on: executor)
        let packed = try #require(training.cpuSchedule).prologue.map(\.variables)
        #expect(packed.allSatisfy { $0.isEmpty }, "only the constant is kept")
        let plan = try executor.compile(network.graph, outputs: [network.output], packsWeightsOnce: false)
        #expect(plan.cpuSchedule?.placement.keptByteCount == 0)
        #expect(!plan.explain().contains("packed once"))
        for _ in 0..<2 {
            let inputs = try Network.inputs(0)
            #expect(try executor.traced(plan, inputs).packings == 0)
            let values = try executor.values(of: network.weights)
            #expect(try distance(executor.run(plan, inputs: inputs)[0], network.expected(values, inputs)) < 1e-5)
            _ = try executor.run(training, inputs: inputs)
        }
    }

    @Test func whatIsKeptHasALimit() throws {
        let graph = Graph()
        var y = try graph.input("x", [1, 512, 16, 16])
        for index in 0..<9 {
            let weight = Variable("w\(index)", try HostTensor(zeros: TensorType([512, 512, 3, 3])))
            y = try y.conv2D(graph.read(weight), padding: 1)
        }
        let plan = try Executor(cpu: CPUBackend(), device: nil).compile(graph, outputs: [y])
        let schedule = try #require(plan.cpuSchedule)
        #expect(schedule.placement.keptByteCount <= Placement.keptLimit)
        // Each of them is 36 MiB.
        #expect(schedule.placement.keptByteCount > Placement.keptLimit * 3 / 4)
        #expect(schedule.prologue.count < 9)
    }

    /// What is packed of a filter serves images of every number and size.
    @Test func plansShareWhatTheyPackAlike() throws {
        let filter = Variable("w", try HostTensor([16, 16, 3, 3], (0..<2304).map { Float($0 % 7) - 3 }))
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let shapes: [Shape] = [[1, 16, 12, 12], [2, 16, 17, 9]]
        let plans = try shapes.map { shape in
            let graph = Graph()
            let weight = try graph.read(filter)
            let x = try graph.input("x", shape)
            return try executor.compile(graph, outputs: [x.conv2D(weight, padding: 1).conv2D(weight, padding: 1)])
        }
        #expect(plans.allSatisfy { $0.cpuSchedule?.prologue.count == 1 })
        #expect(Plan.keptByteCount(of: plans) == plans[0].keptByteCount)
        for seed in 0..<2 {
            for (index, shape) in shapes.enumerated() {
                let ones = try HostTensor(shape, [Float](repeating: 1, count: shape.elementCount))
                let result = try executor.traced(plans[index], ["x": ones])
                #expect(result.packings == (index == 0 ? 1 : 0))
                // A pixel away from the edges sees all taps of each channel, twice.
                let taps = try executor.value(of: filter).elements(Float.self)
                let sums = (0..<256).map { taps[($0 * 9)..<($0 * 9 + 9)].reduce(0, +) }
                let first = (0..<16).map { sums[($0 * 16)..<($0 * 16 + 16)].reduce(0, +) }
                let second = (0..<16).reduce(0) { $0 + sums[$1] * first[$1] }
                let pixel = try result.output.elements(Float.self)[3 * shape[3] + 3]
                #expect(abs(pixel - second) < 1e-3 * (1 + abs(second)))
            }
            try executor.set([filter: Network.value(filter, seed)])
        }
    }

    /// Two nodes that pack a weight in the same way share what comes of it, of a variable and of a constant.
    @Test(arguments: [false, true]) func nodesShareWhatTheyPackAlike(ofConstant: Bool) throws {
        let graph = Graph()
        let value = try HostTensor([8, 8], (0..<64).map { Float($0 % 7) - 3 })
        let variable = Variable("w", value)
        let weight = ofConstant ? try graph.constant(value) : try graph.read(variable)
        let x = try graph.input("x", [4, 8])
        let outputs = [try x.matMul(weight).matMul(weight), try x.matMul(weight, transposeOther: true)]
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(graph, outputs: outputs)
        let plain = try executor.compile(graph, outputs: outputs, packsWeightsOnce: false)
        let schedule = try #require(plan.cpuSchedule)
        #expect(schedule.prologue.count == 2, "two of three are packed alike")
        #expect(schedule.placement.keptByteCount == schedule.keptValues.reduce(0) { $0 + $1.byteCount })
        let inputs = ["x": try HostTensor([4, 8], (0..<32).map { Float($0 % 5) })]
        for seed in 0..<2 {
            let trace = Trace()
            #expect(try executor.run(plan, inputs: inputs, trace: trace) == executor.run(plain, inputs: inputs))
            #expect(trace.events.count { $0.name.hasSuffix(": packing") } == (seed > 0 && ofConstant ? 0 : 2))
            if !ofConstant {
                try executor.set([variable: HostTensor([8, 8], (0..<64).map { Float($0 % 5) })])
            }
        }
    }
}
