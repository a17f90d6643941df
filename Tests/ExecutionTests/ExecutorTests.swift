import CPUBackend
import Logging
import Testing

@testable import Execution
@testable import TensorGraph

/// A step with state: `weight -= 0.1 · ∂/∂weight mean((x · weight)²)`, and a count of the steps.
struct Training {
    let weight: Variable
    let count: Variable
    let graph = Graph()
    let loss: Tensor
    let updates: [(Variable, Tensor)]

    init() throws {
        weight = Variable("weight", try HostTensor([3, 2], (0..<6).map { Float($0) * 0.25 - 0.5 }))
        count = Variable("count", HostTensor(Int32(0)), isTrainable: false)
        let x = try graph.input("x", [4, 3])
        let w = try graph.read(weight)
        loss = try x.matMul(w).square().mean()
        let gradient = try graph.gradients(of: loss, withRespectTo: [w])[0]
        let steps = try graph.read(count)
        updates = try [(weight, w - gradient * 0.1), (count, steps + 1)]
    }

    static func inputs(_ step: Int) throws -> [String: HostTensor] {
        ["x": try HostTensor([4, 3], (0..<12).map { Float(($0 * 7 + step) % 5) - 2 })]
    }

    /// The losses of some steps, and what the variables are then.
    func run(on executor: Executor, steps: Int) throws -> ([Float], [Float], Int32) {
        let plan = try executor.compile(graph, outputs: [loss], updates: updates)
        let losses = try (0..<steps).map { step in
            try executor.run(plan, inputs: Self.inputs(step))[0].elements(Float.self)[0]
        }
        let weights = try executor.value(of: weight).elements(Float.self)
        return (losses, weights, try executor.value(of: count).elements(Int32.self)[0])
    }
}

/// Failures are expected here: nobody needs to read of each.
let quiet = Logger(label: "tessera") { _ in SwiftLogNoOpLogHandler() }

@Suite struct ExecutorTests {
    @Test func aFailureAtAnyCallCostsARepeatAndNothingElse() throws {
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: 4)
        #expect(expected.2 == 4)
        let sound = FailingBackend(failingCall: 0, .once)
        // As below, where it is still there when the failures are counted.
        let soundExecutor = Executor(cpu: CPUBackend(), device: sound)
        _ = try Training().run(on: soundExecutor, steps: 4)
        #expect(sound.calls > 30)
        for mode in FailingBackend.Mode.allCases {
            for call in 1...sound.calls {
                let device = FailingBackend(failingCall: call, mode)
                let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
                let result = try Training().run(on: executor, steps: 4)
                #expect(result == expected, "call \(call), \(mode)")
                #expect(!executor.failures.isEmpty || call == sound.calls, "call \(call), \(mode): nobody was told")
            }
        }
    }

    /// Work that a device does not do and says so only at a later wait: what the variables are in the end does not show it,
    /// although steps after it had been done.
    @Test(arguments: 1...4) func aFailureThatIsHeardOfLateLeavesNoTrace(_ lateness: Int) throws {
        let steps = 70
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: steps)
        let sound = FailingBackend(failingCall: 0, .once, lateness: lateness)
        _ = try Training().run(on: Executor(cpu: CPUBackend(), device: sound), steps: steps)
        for mode in FailingBackend.Mode.allCases {
            for call in stride(from: 1, through: sound.calls, by: 3) {
                let device = FailingBackend(failingCall: call, mode, lateness: lateness)
                let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
                let result = try Training().run(on: executor, steps: steps)
                #expect(result.1 == expected.1 && result.2 == expected.2, "call \(call), \(mode)")
                // Told by the wait of the step itself, not even the losses show it.
                if lateness == 1 { #expect(result.0 == expected.0, "call \(call), \(mode)") }
            }
        }
    }

    /// A device that fails again and again, never twice in a row: what failed runs used does not add up.
    @Test func aThousandFailuresLeaveNothing() throws {
        let steps = 3000
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: steps)
        let device = FailingBackend(failingCall: 0, .once)
        device.period = 29
        let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
        let training = try Training()
        let plan = try executor.compile(training.graph, outputs: [training.loss], updates: training.updates)
        var (early, late) = (0, 0)
        for step in 0..<steps {
            _ = try executor.run(plan, inputs: Training.inputs(step))
            if step < 500 { early = max(early, device.liveBytes) } else { late = max(late, device.liveBytes) }
        }
        #expect(device.failures > 500 && !executor.hasAbandonedDevice)
        #expect(late <= early)
        #expect(try executor.value(of: training.weight).elements(Float.self) == expected.1)
        #expect(try executor.value(of: training.count).elements(Int32.self)[0] == expected.2)
    }

    /// A device that never comes back from a call, whichever: the step is repeated, and the device is not asked again.
    @Test func aCallThatNeverReturnsCostsARepeatAndNothingElse() throws {
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: 4)
        let sound = FailingBackend(failingCall: 0, .once)
        _ = try Training().run(on: Executor(cpu: CPUBackend(), device: sound, patience: .seconds(60)), steps: 4)
        for call in 1...sound.calls {
            let device = FailingBackend(failingCall: call, .once)
            let end = DispatchSemaphore(value: 0)
            device.hangsUntil = end
            // What may compile has ten times as long.
            let executor = Executor(
                cpu: CPUBackend(), device: device, patience: .milliseconds(20), logger: quiet)
            let result = try Training().run(on: executor, steps: 4)
            #expect(result == expected, "call \(call)")
            #expect(executor.hasAbandonedDevice || call >= sound.calls - 8, "call \(call)")
            #expect(executor.failures.contains { $0.contains("has not answered") } || call >= sound.calls - 8, "call \(call)")
            // It comes back after all, while nobody waits.
            end.signal()
        }
    }

    /// A watched device does all that another does, in the same order.
    @Test func aWatchedDeviceComputesTheSame() throws {
        let (plain, watched) = (FailingBackend(failingCall: 0, .once), FailingBackend(failingCall: 0, .once))
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: plain), steps: 40)
        let executor = Executor(cpu: CPUBackend(), device: watched, patience: .seconds(60))
        #expect(try Training().run(on: executor, steps: 40) == expected)
        #expect(executor.failures.isEmpty && watched.calls >= plain.calls)
    }

    @Test func manyStepsAreRepeatedWhereTheDeviceIsLost() throws {
        let expected = try Training().run(on: Executor(cpu: CPUBackend(), device: nil), steps: 100)
        let sound = FailingBackend(failingCall: 0, .once)
        _ = try Training().run(on: Executor(cpu: CPUBackend(), device: sound), steps: 100)
        for call in stride(from: 30, to: sound.calls - 8, by: 29) {
            let device = FailingBackend(failingCall: call, .forever)
            let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
            #expect(try Training().run(on: executor, steps: 100) == expected, "call \(call)")
            #expect(executor.hasAbandonedDevice)
        }
    }

    /// Steps that are turned down after they were computed, on a device that is lost at some moment.
    @Test func aStepThatIsNotAcceptedDidNotHappen() throws {
        struct Refused: Error {}
        func weights(on executor: Executor, steps: [Int]) throws -> [Float] {
            let training = try Training()
            let plan = try executor.compile(training.graph, outputs: [training.loss], updates: training.updates)
            for step in 0..<8 {
                let x = try HostTensor([4, 3], (0..<12).map { Float(($0 * 7 + step) % 5) - 2 })
                do {
                    _ = try executor.run(plan, inputs: ["x": x]) { outputs in
                        #expect(outputs.count == 1)
                        if !steps.contains(step), step % 3 == 0 { throw Refused() }
                        return steps.contains(step)
                    }
                } catch is Refused {
                    #expect(step % 3 == 0)
                }
            }
            #expect(try executor.value(of: training.count).elements(Int32.self) == [Int32(steps.count)])
            return try executor.value(of: training.weight).elements()
        }
        let expected = try weights(on: Executor(cpu: CPUBackend(), device: nil), steps: [1, 2, 5, 7])
        let sound = FailingBackend(failingCall: 0, .once)
        let device = Executor(cpu: CPUBackend(), device: sound, logger: quiet)
        #expect(try weights(on: device, steps: [1, 2, 5, 7]) == expected && device.failures.isEmpty)
        for call in stride(from: 10, to: sound.calls, by: 7) {
            let lost = Executor(cpu: CPUBackend(), device: FailingBackend(failingCall: call, .forever), logger: quiet)
            #expect(try weights(on: lost, steps: [1, 2, 5, 7]) == expected, "call \(call)")
        }
    }

    @Test func underReportAFailureIsThrownAndVariablesStay() throws {
        let sound = FailingBackend(failingCall: 0, .once)
        let soundExecutor = Executor(cpu: CPUBackend(), device: sound, policy: .report)
        _ = try Training().run(on: soundExecutor, steps: 1)
        for call in 1...sound.calls {
            let training = try Training()
            let device = FailingBackend(failingCall: call, .once)
            let executor = Executor(cpu: CPUBackend(), device: device, policy: .report)
            do {
                _ = try training.run(on: executor, steps: 1)
                Issue.record("call \(call) failed and nobody was told")
            } catch {
                let count = try executor.value(of: training.count).elements(Int32.self)[0]
                let weight = try executor.value(of: training.weight)
                #expect(count == 1 || weight == training.weight.initialValue, "call \(call): half a step")
            }
        }
    }

    @Test func inputsAreChecked() throws {
        let graph = Graph()
        let x = try graph.input("x", [2, 3])
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(graph, outputs: [try x.square()])
        let missing = #expect(throws: GraphError.self) { try executor.run(plan) }
        #expect(missing?.description.contains("no value is given for x") == true)
        #expect(missing?.location?.description.contains("ExecutorTests.swift") == true)
        let wrong = #expect(throws: GraphError.self) {
            try executor.run(plan, inputs: ["x": HostTensor(zeros: TensorType([3, 2]))])
        }
        #expect(wrong?.description.contains("x takes float32[2, 3], not float32[3, 2]") == true)
    }

    @Test func leavesCanBeOutputsAndUpdates() throws {
        let graph = Graph()
        let x = try graph.input("x", [2])
        let variable = Variable("v", try HostTensor([2], [1, 2] as [Float]))
        let old = try graph.read(variable)
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(
            graph, outputs: [x, old, try x.reshaped(to: [1, 2]), try graph.fill(3, [2])], updates: [(variable, x)])
        let outputs = try executor.run(plan, inputs: ["x": try HostTensor([2], [5, 6] as [Float])])
        #expect(try outputs.map { try $0.elements(Float.self) } == [[5, 6], [1, 2], [5, 6], [3, 3]])
        #expect(try executor.value(of: variable).elements(Float.self) == [5, 6])
    }

    @Test func emptyTensorsRunNowhere() throws {
        let graph = Graph()
        let x = try graph.input("x", [0, 3])
        let w = try graph.input("w", [3, 2])
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let y = try x.matMul(w)
        let plan = try executor.compile(
            graph, outputs: [y, try y.sum(axes: [0]), try x.matMul(x, transposeSelf: true)])
        let outputs = try executor.run(
            plan,
            inputs: ["x": HostTensor(zeros: TensorType([0, 3])), "w": HostTensor(zeros: TensorType([3, 2]))])
        #expect(outputs[0].shape == [0, 2])
        #expect(try outputs[1].elements(Float.self) == [0, 0])
        #expect(try outputs[2].elements(Float.self) == [Float](repeating: 0, count: 9))
    }

    @Test func explainSaysWhereAndHowMuch() throws {
        let training = try Training()
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plan = try executor.compile(training.graph, outputs: [training.loss], updates: training.updates)
        let text = plan.explain()
        #expect(text.contains("matMul") && text.contains("cpu") && text.contains("of the largest live set"))
        #expect(text.contains("ExecutorTests.swift"))
    }

    @Test func settingAVariableChecksItsType() throws {
        let training = try Training()
        let executor = Executor(cpu: CPUBackend(), device: nil)
        #expect(throws: GraphError.self) { try executor.set([training.weight: HostTensor(Int32(1))]) }
        let value = try HostTensor(zeros: training.weight.type)
        try executor.set([training.weight: value])
        #expect(try executor.value(of: training.weight) == value)
    }
}
