import CPUBackend
import Testing

@testable import Execution
@testable import TensorGraph

/// Plans that are kept by what they are for, as many as a limit says.
@Suite struct PlanCacheTests {
    /// A step of training over so many rows: the loss, and an update of the weight.
    private static func step(_ batch: Int, _ weight: Variable, on executor: Executor) throws -> Plan {
        let graph = Graph()
        let w = try graph.read(weight)
        let loss = try graph.input("x", [batch, 48]).matMul(w).softmax().square().mean()
        let gradient = try graph.gradients(of: loss, withRespectTo: [w])[0]
        return try executor.compile(graph, outputs: [loss], updates: [(weight, w - gradient)])
    }

    private static func rows(_ batch: Int) throws -> [String: HostTensor] {
        ["x": try HostTensor([batch, 48], (0..<(batch * 48)).map { Float(($0 * 7 + batch) % 13) / 13 - 0.5 })]
    }

    private static func weight() throws -> Variable {
        Variable("w", try HostTensor([48, 48], (0..<2304).map { Float($0 * 37 % 19) / 19 - 0.5 }))
    }

    private static func constant(_ bytes: Int, on executor: Executor) throws -> Plan {
        let graph = Graph()
        let numbers = try graph.constant(HostTensor([bytes / 4], (0..<(bytes / 4)).map { Float($0) }))
        return try executor.compile(graph, outputs: [graph.input("x", []) * numbers.cumsum(axis: 0)])
    }

    @Test func thoseNotUsedForLongestGoFirst() throws {
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plans = PlanCache<String, Plan>(limit: PlanLimit(count: 3))
        var made: [String] = []
        func use(_ key: String) throws -> Plan {
            try plans.plan(key) {
                made.append(key)
                return try Self.constant(4, on: executor)
            }
        }
        let first = try use("a")
        for key in ["b", "c", "a", "d", "a", "c", "b"] { _ = try use(key) }
        // Where d came, b went; where b came, d.
        #expect(made == ["a", "b", "c", "d", "b"])
        #expect(try use("a") === first && plans.count == 3)
        plans.limit.count = 1
        #expect(try plans.count == 1 && use("a") === first)
        plans.limit.count = 0
        #expect(try use("e") !== first && plans.count == 1)
        plans.removeAll()
        #expect(plans.count == 0)
        // What cannot be made is not kept.
        #expect(throws: GraphError.self) { try plans.plan("f") { throw GraphError(operation: "f", message: "") } }
        #expect(plans.count == 0)
    }

    @Test func whatPlansKeepIsCounted() throws {
        let executor = Executor(cpu: CPUBackend(), device: nil)
        let plans = PlanCache<Int, Plan>(limit: PlanLimit(byteCount: 10_000))
        weak var first: Plan?
        for key in 0..<5 {
            let plan = try plans.plan(key) { try Self.constant(4000, on: executor) }
            #expect(plan.keptByteCount >= 4000)
            if key == 0 { first = plan }
        }
        #expect(plans.count <= 2 && first == nil)
    }

    /// Every size once, then again in another order: the memory is that of the largest, and the numbers those of plans that are
    /// made anew.
    @Test func batchesOfAllSizesTakeTheMemoryOfTheLargest() throws {
        let sizes = Array(1...200) + (1...200).sorted { $0 * 31 % 201 < $1 * 31 % 201 }
        let alone = FailingBackend(failingCall: 0, .once)
        let one = Executor(cpu: CPUBackend(), device: alone)
        let largest = try Self.step(200, Self.weight(), on: one)
        _ = try one.run(largest, inputs: Self.rows(200))
        let device = FailingBackend(failingCall: 0, .once)
        let (executor, fresh) = (Executor(cpu: CPUBackend(), device: device), Executor(cpu: CPUBackend(), device: nil))
        let (weight, twin) = (try Self.weight(), try Self.weight())
        let plans = PlanCache<[String: TensorType], Plan>(limit: PlanLimit(count: 8))
        for size in sizes {
            let inputs = try Self.rows(size)
            let plan = try plans.plan(inputs.mapValues(\.type)) { try Self.step(size, weight, on: executor) }
            let loss = try executor.run(plan, inputs: inputs)
            #expect(try loss == fresh.run(Self.step(size, twin, on: fresh), inputs: inputs), "\(size)")
        }
        #expect(try executor.value(of: weight) == fresh.value(of: twin))
        #expect(plans.count == 8)
        // An arena that has grown is up to an eighth larger, and each plan has a few constants.
        withExtendedLifetime(largest) { #expect(device.mostBytes <= alone.mostBytes * 9 / 8 + 8 * 1024) }
        plans.removeAll()
        executor.releaseUnusedMemory()
        #expect(device.liveBytes <= 2 * weight.type.byteCount + 1024)
    }
}
