import CPUBackend
import Testing

@testable import Execution
@testable import TensorGraph

/// What a plan says it takes, beside what the backend has been asked for.
@Suite struct PlanMemoryTests {
    /// A step of a network of two layers with momentum, a table that stays the same, a result that is kept, and a variable that
    /// is only written.
    private func step(_ width: Int, on executor: Executor, _ variables: [Variable]) throws -> Plan {
        let graph = Graph()
        let x = try graph.input("x", [24, width])
        let (w, v, m, table, last) = (variables[0], variables[1], variables[2], variables[3], variables[4])
        let parameters = try [w, v].map { try graph.read($0) }
        let positions = try graph.read(table).exp().softmax()
        let hidden = try (x + positions).matMul(parameters[0]).tanh()
        let loss = try hidden.matMul(parameters[1]).square().mean()
        let gradients = try graph.gradients(of: loss, withRespectTo: parameters)
        let momentum = try graph.read(m) * 0.9 + gradients[0]
        return try executor.compile(
            graph, outputs: [loss],
            updates: [
                (w, parameters[0] - momentum * 0.1), (m, momentum), (v, parameters[1] - gradients[1] * 0.1),
                (last, loss),
            ])
    }

    private func variables(_ width: Int) throws -> [Variable] {
        func numbers(_ shape: Shape) throws -> HostTensor {
            try HostTensor(shape, (0..<shape.elementCount).map { Float($0 * 37 % 19) / 19 - 0.5 })
        }
        return [
            Variable("w", try numbers([width, width])), Variable("v", try numbers([width, 3])),
            Variable("m", try numbers([width, width])), Variable("table", try numbers([24, width])),
            Variable("last", HostTensor(Float(0))),
        ]
    }

    @Test(arguments: [1, 7, 64]) func isWhatTheDeviceIsAskedFor(width: Int) throws {
        let device = FailingBackend(failingCall: 0, .once)
        let executor = Executor(cpu: CPUBackend(), device: device)
        let variables = try variables(width)
        let plan = try step(width, on: executor, variables)
        #expect(device.mostBytes == 0)
        let memory = plan.memory
        let x = try HostTensor([24, width], (0..<(24 * width)).map { Float($0 % 5) })
        for _ in 0..<40 { _ = try executor.run(plan, inputs: ["x": x]) }
        #expect(memory.places.count == 1 && memory.places[0].name == device.name)
        #expect(device.mostBytes == memory.places[0].byteCount, "\(memory)")
        #expect(executor.scratch.byteCount(of: device) == memory.places[0].arenas)
        // Two memories of what changes, one of what does not.
        let changing = 2 * width * width + 3 * width + 1
        #expect(memory.places[0].variables == 4 * (2 * changing + 24 * width))
        #expect(memory.places[0].largestLiveSet <= memory.places[0].arenas)
        #expect(memory.host >= 2 * 4 * changing + 32 * 4 * 24 * width)
        #expect("\(memory)".contains(" on failing device (") && "\(memory)".contains(" on the host"), "\(memory)")
    }

    /// Where there is no device, it is the CPU path that takes it.
    @Test func isThatOfTheCPUWhereThereIsNoDevice() throws {
        let cpu = FailingBackend(failingCall: 0, .once)
        let executor = Executor(cpu: cpu, device: nil)
        let plan = try step(16, on: executor, variables(16))
        for _ in 0..<3 {
            _ = try executor.run(plan, inputs: ["x": HostTensor([24, 16], [Float](repeating: 1, count: 24 * 16))])
        }
        #expect(cpu.mostBytes == plan.memory.places[0].byteCount)
    }

    @Test func isNothingOfNothing() throws {
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let graph = Graph()
        let plan = try executor.compile(graph, outputs: [graph.input("x", [0, 3]) + 1])
        #expect(plan.memory.places.isEmpty && plan.memory.byteCount == 0)
    }
}
