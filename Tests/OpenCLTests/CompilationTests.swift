import Execution
import Foundation
import OpenCL
import TensorGraph
import Testing

@testable import OpenCLBackend

/// What is compiled for a plan, when, and what is told of it.
@Suite(.needsDevice, .serialized) struct CompilationTests {
    private func plan(_ executor: Executor, constant: Double) throws -> Plan {
        let graph = Graph()
        let x = try graph.input("x", [3, 5])
        // An exponent is in the text and makes it a program that no driver has in a cache of its own.
        return try executor.compile(graph, outputs: [x.power(constant).exp(), x.softmax(), x.softmax()])
    }

    @Test(arguments: devices) func tellsHowFarItIs(on device: Device) throws {
        var told: [KernelCompilation] = []
        let backend = try OpenCLBackend(device, keepsPrograms: false)
        let executor = Executor(cpu: RefusingBackend(), device: backend, policy: .report)
        executor.onCompilation = { told.append($0) }
        let plan = try plan(executor, constant: 1 + Double.random(in: 0..<1))
        #expect(told.first == KernelCompilation(device: backend.name, done: 0, count: 2))
        let inputs = ["x": try HostTensor(zeros: TensorType([3, 5]))]
        _ = try executor.run(plan, inputs: inputs)
        #expect(told.last == KernelCompilation(device: backend.name, done: 2, count: 2))
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.done <= $1.done })
        // Once.
        let count = told.count
        _ = try executor.run(plan, inputs: inputs)
        #expect(told.count == count)
        #expect(
            backend.programs.statistics == .init(foundInMemory: backend.programs.statistics.foundInMemory, built: 2))
    }

    /// A program that cannot be built is one node's failure, and the others' programs are there.
    @Test(arguments: devices) func whatCannotBeBuiltIsFoundAgain(on device: Device) throws {
        let backend = try OpenCLBackend(device, keepsPrograms: false)
        let bad = KernelSpecification("f", files: [], generated: "__kernel void f() { undeclared = 1; } // \(UUID())")
        #expect(throws: OpenCLError.self) { try backend.program(for: bad) }
        #expect(backend.failed[bad] != nil)
        #expect(throws: OpenCLError.self) { try backend.program(for: bad) }
    }

    @Test func countsKernels() {
        var count = CompilationCount(stepsEach: 2)
        count.begin(3)
        #expect(count.kernels == 3 && count.done == 0)
        count.advance(by: 3)
        #expect(count.done == 1)
        // Another plan, while the first has not run.
        count.begin(2)
        #expect(count.kernels == 5 && count.done == 1)
        count.advance(by: 100)
        #expect(count.done == 5)
        count.begin(1)
        #expect(count.kernels == 1 && count.done == 0)
    }
}

/// Stands behind the device and takes nothing.
final class RefusingBackend: Backend {
    let name = "nothing"
    let maximumAllocation = 1 << 20

    struct Refusal: Error {}

    func lower(_ node: Node, steady: Set<Int>) throws -> Lowering { .declined("nothing is done here") }
    func allocate(byteCount: Int) throws -> any Memory { throw Refusal() }
    func record(_ nodes: [PlacedNode]) throws -> any Recording { throw Refusal() }
    func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws { throw Refusal() }
    func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
        throw Refusal()
    }
    func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws { throw Refusal() }
    func finish() throws {}
}
