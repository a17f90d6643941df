import CPUBackend
import Foundation
import Logging
import Testing

@testable import Execution
@testable import TensorGraph

/// A variable has one value, whichever executor reads it.
@Suite struct HomeTests {
    private func executor(onDevice: Bool) -> Executor {
        Executor(cpu: CPUBackend(), device: onDevice ? FailingBackend(failingCall: 0, .once) : nil)
    }

    /// Steps by turns on several executors, as many as on one.
    @Test(arguments: [false, true], [false, true]) func stepsGoOnElsewhere(first: Bool, second: Bool) throws {
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: 8)
        let training = try Training()
        let executors = [executor(onDevice: first), executor(onDevice: second)]
        let plans = try executors.map {
            try $0.compile(training.graph, outputs: [training.loss], updates: training.updates)
        }
        var losses: [Float] = []
        for step in 0..<8 {
            let turn = [0, 1, 1, 0, 1, 0, 0, 1][step]
            losses += try executors[turn].run(plans[turn], inputs: Training.inputs(step))[0].elements()
            let values = try executors.map { try $0.values(of: [training.weight, training.count]) }
            #expect(values[0] == values[1])
        }
        #expect(losses == expected.0)
        #expect(try executors[0].value(of: training.weight).elements() == expected.1)
        #expect(try executors[1].value(of: training.count).elements() == [expected.2])
    }

    @Test(arguments: [false, true]) func anExecutorThatGoesHandsItsValuesOver(onDevice: Bool) throws {
        let training = try Training()
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: 3)
        func train() throws { _ = try training.run(on: executor(onDevice: onDevice), steps: 3) }
        try train()
        let other = executor(onDevice: false)
        #expect(try other.value(of: training.weight).elements() == expected.1)
        #expect(try other.value(of: training.count).elements() == [expected.2])
        let more = try training.run(on: other, steps: 2)
        #expect(more.2 == 5)
    }

    @Test(arguments: [false, true]) func aValueThatIsSetIsSetEverywhere(onDevice: Bool) throws {
        let training = try Training()
        let executors = [executor(onDevice: onDevice), executor(onDevice: true), executor(onDevice: false)]
        let plans = try executors.map {
            try $0.compile(training.graph, outputs: [training.loss, training.graph.read(training.weight)])
        }
        for round in 0..<6 {
            let value = try HostTensor([3, 2], (0..<6).map { Float($0 * round) })
            try executors[round % 3].set([training.weight: value])
            for (executor, plan) in zip(executors, plans) {
                #expect(try executor.run(plan, inputs: Training.inputs(0))[1] == value)
                #expect(try executor.value(of: training.weight) == value)
            }
        }
        try executors[0].set([training.weight: training.weight.initialValue])
        #expect(try executors[1].value(of: training.weight) == training.weight.initialValue)
    }

    /// Two executors by turns, the first on a device whose N-th call fails: whole steps only, none lost.
    @Test(arguments: FailingBackend.Mode.allCases) func aFailureAnywhereCostsNoStep(mode: FailingBackend.Mode) throws {
        func run(_ device: FailingBackend?) throws -> ([HostTensor], [HostTensor]) {
            let training = try Training()
            let other = executor(onDevice: false)
            var values: [HostTensor] = []
            var set = try HostTensor([3, 2], [1, 2, 3, 4, 5, 6] as [Float])
            do {
                let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
                let (plan, otherPlan) = try (
                    executor.compile(training.graph, outputs: [training.loss], updates: training.updates),
                    other.compile(training.graph, outputs: [training.loss], updates: training.updates)
                )
                for step in 0..<9 {
                    let turn = step % 3 == 1
                    values += try (turn ? other : executor).run(turn ? otherPlan : plan, inputs: Training.inputs(step))
                    if step == 4 { try other.set([training.weight: set]) }
                    if step % 4 == 0 { values.append(try other.value(of: training.weight)) }
                }
                set = try executor.value(of: training.weight)
            }
            values.append(set)
            // After the first executor has gone.
            return (values, try [other.value(of: training.weight), other.value(of: training.count)])
        }
        let expected = try run(nil)
        let sound = FailingBackend(failingCall: 0, .once)
        #expect(try run(sound) == expected)
        for call in 1...sound.calls {
            #expect(try run(FailingBackend(failingCall: call, mode)) == expected, "call \(call), \(mode)")
        }
    }

    @Test func aValueThatWasLostIsAnError() throws {
        let sound = FailingBackend(failingCall: 0, .once)
        _ = try Training().run(on: Executor(cpu: CPUBackend(), device: sound, policy: .report), steps: 0)
        let training = try Training()
        let device = FailingBackend(failingCall: 40, .forever)
        do {
            let executor = Executor(cpu: CPUBackend(), device: device, policy: .report)
            let plan = try executor.compile(training.graph, outputs: [training.loss], updates: training.updates)
            #expect(throws: DeviceFailure.self) {
                for step in 0..<100 { _ = try executor.run(plan, inputs: Training.inputs(step)) }
            }
        }
        let other = executor(onDevice: false)
        let error = #expect(throws: (any Error).self) { try other.value(of: training.weight) }
        #expect("\(error as Any)".contains("was lost"))
        let plan = try other.compile(training.graph, outputs: [training.loss])
        #expect(throws: (any Error).self) { try other.run(plan, inputs: Training.inputs(0)) }
        try other.set([training.weight: training.weight.initialValue])
        #expect(try other.value(of: training.weight) == training.weight.initialValue)
        #expect(try other.run(plan, inputs: Training.inputs(0)).count == 1)
    }

    @Test func aPlanRunsOnItsExecutorAlone() throws {
        let training = try Training()
        for onDevice in [false, true] {
            let plan = try executor(onDevice: onDevice).compile(training.graph, outputs: [training.loss])
            let error = #expect(throws: GraphError.self) {
                try executor(onDevice: !onDevice).run(plan, inputs: Training.inputs(0))
            }
            #expect(error?.description.contains("compiled by another executor") == true)
        }
    }

    /// One thread trains, another reads: what it sees is always one moment.
    @Test(arguments: [false, true]) func readersSeeWholeSteps(onDevice: Bool) async throws {
        let training = try Training()
        let steps = 60
        var states: [[HostTensor]] = [[training.weight.initialValue, training.count.initialValue]]
        let twin = try Training()
        let alone = executor(onDevice: false)
        let twinPlan = try alone.compile(twin.graph, outputs: [], updates: twin.updates)
        for step in 0..<steps {
            _ = try alone.run(twinPlan, inputs: Training.inputs(step))
            states.append(try [alone.value(of: twin.weight), alone.value(of: twin.count)])
        }
        let known = states
        let variables = [training.weight, training.count]
        // Executors and plans stay on the thread that made them.
        let graph = Unshared((training.graph, training.updates))
        async let seen = Task.detached {
            let reader = Executor(cpu: CPUBackend(), device: nil)
            return try (0..<200).map { _ in
                let values = try reader.values(of: variables)
                return variables.compactMap { values[$0] }
            }
        }.value
        try await Task.detached {
            let trainer = Executor(
                cpu: CPUBackend(), device: onDevice ? FailingBackend(failingCall: 0, .once) : nil)
            let plan = try trainer.compile(graph.value.0, outputs: [], updates: graph.value.1)
            for step in 0..<steps { _ = try trainer.run(plan, inputs: Training.inputs(step)) }
        }.value
        for state in try await seen {
            let count = Int(try state[1].elements(Int32.self)[0])
            #expect(state == known[count])
        }
        let after = executor(onDevice: false)
        #expect(try after.value(of: training.weight) == known[steps][0])
    }
}

/// Something that only one thread uses at a time.
private struct Unshared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
