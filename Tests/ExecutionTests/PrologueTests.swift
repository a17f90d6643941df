import CPUBackend
import Logging
import Testing

@testable import Execution
@testable import TensorGraph

/// A table that is made of constants, a scale and a shift that are made of variables, and a step that reads all of them.
private struct Network {
    let graph = Graph()
    let weight: Variable
    let variance: Variable
    /// Of constants alone.
    let table: Tensor
    /// Of variables and what is made of constants.
    let scale: Tensor
    let output: Tensor

    init() throws {
        weight = Variable("weight", try HostTensor([4], [1, 2, 3, 4] as [Float]))
        variance = Variable("variance", try HostTensor([4], [4, 9, 16, 25] as [Float]))
        let positions = try graph.constant(HostTensor([4, 4], (0..<16).map { Float($0) / 16 }))
        table = try positions.matMul(positions, transposeOther: true)
        scale = try (graph.read(weight) * graph.read(variance).rsqrt()).reshaped(to: [1, 4]).matMul(table)
        output = try graph.input("x", [3, 4]).matMul(table) * scale
    }

    static func inputs() throws -> [String: HostTensor] {
        ["x": try HostTensor([3, 4], (0..<12).map { Float($0) / 4 - 1 })]
    }

    /// What a network that has never run gives with the values that this one has.
    func expected(_ executor: Executor) throws -> HostTensor {
        let other = try Network()
        let fresh = Executor(cpu: CPUBackend(), device: nil)
        try fresh.set([other.weight: executor.value(of: weight), other.variance: executor.value(of: variance)])
        let plan = try fresh.compile(other.graph, outputs: [other.output], packsWeightsOnce: false)
        return try fresh.run(plan, inputs: Self.inputs())[0]
    }

    func trainingPlan(on executor: Executor) throws -> Plan {
        try executor.compile(graph, outputs: [], updates: [(weight, graph.read(weight) + output.mean())])
    }
}

extension Executor {
    /// The names of what a run does, packings left out.
    fileprivate func traced(_ plan: Plan) throws -> (output: HostTensor, operations: Int) {
        let trace = Trace()
        let output = try run(plan, inputs: Network.inputs(), trace: trace)[0]
        return (output, trace.events.count { !$0.name.hasSuffix(": packing") })
    }
}

/// What stays the same from run to run is computed once, and again where a variable that it depends on has changed.
@Suite struct PrologueTests {
    private static func executor(onDevice: Bool) -> Executor {
        Executor(cpu: CPUBackend(), device: onDevice ? FailingBackend(failingCall: 0, .once) : nil)
    }

    @Test(arguments: [false, true]) func runsAgainWhereAVariableWasSet(onDevice: Bool) throws {
        let network = try Network()
        let executor = Self.executor(onDevice: onDevice)
        let plan = try executor.compile(network.graph, outputs: [network.output])
        let first = try executor.traced(plan)
        let second = try executor.traced(plan)
        #expect(try first.output == network.expected(executor))
        #expect(second.output == first.output)
        // The table, the weight by its deviation, and the product of the two.
        #expect(first.operations - second.operations == 3)
        for variable in [network.variance, network.weight] {
            try executor.set([variable: HostTensor([4], [7, 5, 3, 2] as [Float])])
            let after = try executor.traced(plan)
            #expect(try after.output == network.expected(executor))
            #expect(after.output != first.output)
            #expect(after.operations - second.operations == 2, "the table stays")
            #expect(try executor.traced(plan).operations == second.operations)
        }
    }

    /// One plan changes what another has made a scale of, on the same executor and on another.
    @Test(arguments: [false, true]) func runsAgainAfterAnUpdate(onDevice: Bool) throws {
        let network = try Network()
        let executors = (0..<2).map { _ in Self.executor(onDevice: onDevice) }
        let plans = try executors.map { try $0.compile(network.graph, outputs: [network.output]) }
        for trainer in [0, 1, 1, 0] {
            for (executor, plan) in zip(executors, plans) {
                let expected = try network.expected(executor)
                #expect(try executor.traced(plan).output == expected)
                #expect(try executor.traced(plan).output == expected)
            }
            _ = try executors[trainer].run(
                network.trainingPlan(on: executors[trainer]), inputs: Network.inputs())
        }
    }

    @Test func resultsMayBeHandedOut() throws {
        let network = try Network()
        let executor = Self.executor(onDevice: false)
        let plan = try executor.compile(
            network.graph, outputs: [network.table, network.output, network.scale], updates: [])
        let results = try (0..<2).map { _ in try executor.run(plan, inputs: Network.inputs()) }
        #expect(results[0] == results[1])
        #expect(try results[0][1] == network.expected(executor))
        let plain = try executor.compile(
            network.graph, outputs: [network.table, network.output, network.scale], packsWeightsOnce: false)
        #expect(plain.cpuSchedule?.prologue.isEmpty == true)
        #expect(try executor.run(plain, inputs: Network.inputs()) == results[0])
    }

    /// Neither what is drawn at random, nor what a variable becomes, nor what depends on a variable that changes.
    @Test func whatIsNotKept() throws {
        let graph = Graph()
        let executor = Self.executor(onDevice: false)
        let counter = try graph.constant(HostTensor(Int32(3)))
        let weight = Variable("weight", try HostTensor([4], [1, 2, 3, 4] as [Float]))
        let target = Variable("target", try HostTensor([4], [0, 0, 0, 0] as [Float]))
        let outputs = [try graph.random([4], normal: false, seed: 1, counter: counter), try graph.read(weight).exp()]
        let random = try executor.compile(graph, outputs: [outputs[0]], updates: [(target, graph.read(weight).tanh())])
        #expect(random.cpuSchedule?.prologue.isEmpty == true)
        let changing = try executor.compile(graph, outputs: [outputs[1]], changing: [weight])
        #expect(changing.cpuSchedule?.prologue.isEmpty == true)
        #expect(try executor.compile(graph, outputs: [outputs[1]]).cpuSchedule?.prologue.count == 1)
    }

    /// A device whose N-th call fails, within the prologue or elsewhere.
    @Test(arguments: FailingBackend.Mode.allCases) func aFailureLeavesNothingStale(mode: FailingBackend.Mode) throws {
        func outputs(on device: FailingBackend?) throws -> [HostTensor] {
            let network = try Network()
            let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
            let plan = try executor.compile(network.graph, outputs: [network.output])
            let training = try network.trainingPlan(on: executor)
            return try (0..<3).flatMap { step in
                if step == 2 { try executor.set([network.variance: HostTensor([4], [7, 5, 3, 2] as [Float])]) }
                let seen = try (0..<2).flatMap { _ in try executor.run(plan, inputs: Network.inputs()) }
                _ = try executor.run(training, inputs: Network.inputs())
                return seen
            }
        }
        let expected = try outputs(on: nil)
        let sound = FailingBackend(failingCall: 0, .once)
        #expect(try outputs(on: sound) == expected)
        for call in 1...sound.calls {
            let results = try outputs(on: FailingBackend(failingCall: call, mode))
            for (result, known) in zip(results, expected) {
                let distance =
                    try zip(result.elements(Float.self), known.elements(Float.self))
                    .map { ($0 - $1).magnitude }.max() ?? .infinity
                #expect(distance < 1e-5, "call \(call), \(mode)")
            }
        }
    }
}
