import CPUBackend
import Logging
import Testing

@testable import Execution
@testable import TensorGraph

/// A product, its square's sum, and an update, over so many rows: what a batch of another length gives.
private func lengthPlan(_ length: Int, _ weight: Variable, on executor: Executor, updates: Bool = false) throws -> Plan
{
    let graph = Graph()
    let x = try graph.input("x", [length, 32])
    let w = try graph.read(weight)
    let hidden = try x.matMul(w).softmax(axis: 1).matMul(w)
    let loss = try hidden.square().mean()
    let gradient = try graph.gradients(of: loss, withRespectTo: [w])[0]
    return try executor.compile(
        graph, outputs: [loss, hidden], updates: updates ? [(weight, w - gradient)] : [])
}

private func input(_ length: Int) throws -> [String: HostTensor] {
    ["x": try HostTensor([length, 32], (0..<(length * 32)).map { Float(($0 * 7 + length) % 13) / 13 - 0.5 })]
}

private func weight() throws -> Variable {
    Variable("w", try HostTensor([32, 32], (0..<1024).map { Float($0 * 37 % 19) / 19 - 0.5 }))
}

/// What executors hold, counted by the backend.
@Suite struct MemoryTests {
    @Test(arguments: [false, true]) func lengthsThatVaryTakeNoMoreThanTheLargest(isRising: Bool) throws {
        let variable = try weight()
        let alone = FailingBackend(failingCall: 0, .once)
        let one = Executor(cpu: CPUBackend(), device: alone)
        _ = try one.run(lengthPlan(140, variable, on: one), inputs: input(140))
        let device = FailingBackend(failingCall: 0, .once)
        let executor = Executor(cpu: CPUBackend(), device: device)
        let lengths = isRising ? Array(70...140) : (70...140).sorted { $0 * 31 % 71 < $1 * 31 % 71 }
        let plans = try lengths.map { ($0, try lengthPlan($0, variable, on: executor)) }
        var outputs: [Int: [HostTensor]] = [:]
        for (length, plan) in plans { outputs[length] = try executor.run(plan, inputs: input(length)) }
        // Constants of a few bytes each; an arena that has grown is up to an eighth larger.
        withExtendedLifetime(one) { #expect(device.mostBytes <= alone.liveBytes * 9 / 8 + 71 * 256) }
        let allocations = device.allocations
        for (length, plan) in plans.reversed() {
            #expect(try executor.run(plan, inputs: input(length)) == outputs[length])
        }
        #expect(device.allocations == allocations)
        let last = try #require(outputs[140])
        #expect(try one.run(lengthPlan(140, variable, on: one), inputs: input(140)) == last)
    }

    /// A variable that the device cannot hold says nothing of whether the device works.
    @Test(arguments: [(1 << 20, Int.max), (Int.max, 3 << 20)])
    func variablesThatDoNotFitLeaveTheDeviceInUse(largest: Int, whole: Int) throws {
        for (reads, updates) in [(true, false), (false, true), (true, true)] {
            func plan(on executor: Executor, _ variable: Variable) throws -> Plan {
                let graph = Graph()
                let x = try graph.input("x", [])
                let sum = reads ? try graph.read(variable).sum() + x : x
                return try executor.compile(
                    graph, outputs: [sum], updates: updates ? [(variable, x.broadcast(to: variable.type.shape))] : [])
            }
            let device = FailingBackend(failingCall: 0, .once)
            (device.maximumAllocation, device.memorySize) = (largest, whole)
            let x = ["x": HostTensor(Float(2))]
            let large = Variable("large", try HostTensor(zeros: TensorType([1 << 20])))
            let executor = Executor(cpu: CPUBackend(), device: device)
            let (first, small) = (
                try plan(on: executor, large), Variable("small", try HostTensor(zeros: TensorType([3])))
            )
            for _ in 0..<4 { _ = try executor.run(first, inputs: x) }
            #expect(!executor.hasAbandonedDevice)
            #expect(executor.failures.allSatisfy { $0.contains("4.0 MiB") || $0.contains("8.0 MiB") })
            let before = device.calls
            _ = try executor.run(plan(on: executor, small), inputs: x)
            #expect(device.calls > before)
            #expect(try executor.value(of: large).elements(Float.self)[7] == (updates ? 2 : 0))
            let strict = Executor(cpu: CPUBackend(), device: device, policy: .report)
            let error = #expect(throws: DeviceFailure.self) { try strict.run(plan(on: strict, large), inputs: x) }
            #expect(error?.description.contains("MemoryTests.swift") == true)
        }
    }

    @Test func memoryIsGivenBackAndTakenAgain() throws {
        let variable = try weight()
        let device = FailingBackend(failingCall: 0, .once)
        let executor = Executor(cpu: CPUBackend(), device: device)
        let plan = try lengthPlan(90, variable, on: executor, updates: true)
        let twin = try weight()
        let other = Executor(cpu: CPUBackend(), device: nil)
        let same = try lengthPlan(90, twin, on: other, updates: true)
        for _ in 0..<3 {
            #expect(try executor.run(plan, inputs: input(90)) == other.run(same, inputs: input(90)))
            executor.releaseUnusedMemory()
            #expect(device.liveBytes < variable.type.byteCount + 1024)
        }
        #expect(try executor.value(of: variable) == other.value(of: twin))
    }

    /// Cross-validation: a model after the other, each trained for some steps and dropped.
    @Test(arguments: [1, 5, 40]) func variablesGoWithTheirPlans(steps: Int) throws {
        let device = FailingBackend(failingCall: 0, .once)
        let executor = Executor(cpu: CPUBackend(), device: device)
        var held: [Int] = []
        weak var first: Variable?
        for round in 0..<12 {
            let graph = Graph()
            let variable = Variable("v", try HostTensor(zeros: TensorType([1 << 12])))
            if round == 0 { first = variable }
            let value = try graph.read(variable)
            let plan = try executor.compile(graph, outputs: [value.sum()], updates: [(variable, value + 1)])
            for step in 0..<steps {
                #expect(try executor.run(plan)[0].elements(Float.self) == [Float(step << 12)])
            }
            held.append(device.liveBytes)
        }
        #expect(held.max() == held[0])
        #expect(first == nil)
        executor.releaseUnusedMemory()
        #expect(device.liveBytes == 0)
    }

    @Test(arguments: [false, true]) func readOnlyVariablesGoToo(onDevice: Bool) throws {
        let device = onDevice ? FailingBackend(failingCall: 0, .once) : nil
        let executor = Executor(cpu: CPUBackend(), device: device)
        weak var last: Variable?
        for _ in 0..<20 {
            let graph = Graph()
            let variable = Variable("v", try HostTensor(zeros: TensorType([1 << 12])))
            #expect(last == nil)
            last = variable
            _ = try executor.run(executor.compile(graph, outputs: [graph.read(variable).sum()]))
            if let device { #expect(device.liveBytes <= 1 << 15) }
        }
    }

    @Test func whatAFailedRunUsedGoesOnceTheDeviceAnswers() throws {
        let sound = FailingBackend(failingCall: 0, .once)
        /// - Returns: the bytes that are held, and those that the plan needs: its arenas and both values of the variable.
        func run(_ device: FailingBackend) throws -> (held: Int, needed: Int) {
            let variable = try weight()
            let executor = Executor(cpu: CPUBackend(), device: device, logger: quiet)
            let plan = try lengthPlan(90, variable, on: executor, updates: true)
            for _ in 0..<4 { _ = try executor.run(plan, inputs: input(90)) }
            let arenas = try #require(plan.deviceSchedule).memory[0].arenas
            return withExtendedLifetime((executor, plan, variable)) {
                (device.liveBytes, arenas + 2 * variable.type.byteCount)
            }
        }
        let (bytes, needed) = try run(sound)
        #expect(bytes == needed)
        for call in stride(from: 1, to: sound.calls, by: 3) {
            let device = FailingBackend(failingCall: call, .once)
            // Where lowering a node failed, that runs on the CPU, and what is left on the device takes other arenas.
            let (held, needed) = try run(device)
            #expect(held <= needed, "call \(call)")
            #expect(device.mostBytes <= 2 * bytes + 1024, "call \(call)")
        }
    }

    /// Under report a user may try again for ever.
    @Test func aDeviceThatFailsForEverDoesNotFillMemory() throws {
        let sound = FailingBackend(failingCall: 0, .once)
        let soundExecutor = Executor(cpu: CPUBackend(), device: sound)
        let plan = try lengthPlan(90, weight(), on: soundExecutor)
        _ = try soundExecutor.run(plan, inputs: input(90))
        let (calls, bytes) = withExtendedLifetime((soundExecutor, plan)) { (sound.calls, sound.liveBytes) }
        for call in calls - 12...calls {
            let device = FailingBackend(failingCall: call, .forever)
            let executor = Executor(cpu: CPUBackend(), device: device, policy: .report)
            do {
                let plan = try lengthPlan(90, weight(), on: executor)
                for _ in 0..<10 {
                    #expect(throws: DeviceFailure.self) { try executor.run(plan, inputs: input(90)) }
                }
            } catch {}
            withExtendedLifetime(executor) { #expect(device.liveBytes <= 2 * bytes, "call \(call)") }
        }
    }
}
