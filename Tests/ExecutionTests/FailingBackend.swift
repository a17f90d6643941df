import CPUBackend
import Execution
import TensorGraph

/// The CPU path posing as a device whose N-th call fails, once or from then on.
final class FailingBackend: Backend {
    enum Mode: CaseIterable, Sendable { case once, forever }

    struct Failure: Error, CustomStringConvertible {
        var call: Int
        var description: String { "call \(call) failed on purpose" }
    }

    private let inner = CPUBackend()
    private let failingCall: Int
    private let mode: Mode
    /// How many calls have been made.
    private(set) var calls = 0
    /// The bytes that are allocated now, the most there ever were, and how many allocations there have been.
    fileprivate(set) var liveBytes = 0
    private(set) var mostBytes = 0
    private(set) var allocations = 0

    let name = "failing device"
    /// What allocating more than that fails with, without being counted as a failing call.
    var maximumAllocation = Int.max
    var memorySize = Int.max

    init(failingCall: Int, _ mode: Mode) {
        self.failingCall = failingCall
        self.mode = mode
    }

    func count() throws {
        calls += 1
        if calls == failingCall || (mode == .forever && calls > failingCall) { throw Failure(call: calls) }
    }

    func lower(_ node: Node, steady: Set<Int>) throws -> Lowering {
        try count()
        return try inner.lower(node, steady: steady)
    }

    func allocate(byteCount: Int) throws -> any Memory {
        try count()
        guard byteCount <= maximumAllocation else { throw Failure(call: calls) }
        let memory = DeviceMemory(try inner.allocate(byteCount: byteCount), self)
        liveBytes += byteCount
        mostBytes = max(mostBytes, liveBytes)
        allocations += 1
        return memory
    }

    func record(_ nodes: [PlacedNode]) throws -> any Recording {
        try count()
        return FailingRecording(try inner.record(nodes), self)
    }

    func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        try count()
        try inner.write(source, to: memory.inner, at: byteOffset)
    }

    func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
        try count()
        try inner.read(memory.inner, at: byteOffset, into: destination)
    }

    func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        try count()
        try inner.copy(
            source.inner, at: sourceOffset, to: destination.inner, at: destinationOffset, byteCount: byteCount)
    }

    func finish() throws {
        try count()
        try inner.finish()
    }
}

/// The host's memory, kept from the host.
private final class DeviceMemory: Memory {
    let memory: any Memory
    private let backend: FailingBackend

    init(_ memory: any Memory, _ backend: FailingBackend) {
        self.memory = memory
        self.backend = backend
    }

    deinit { backend.liveBytes -= byteCount }

    var byteCount: Int { memory.byteCount }
    var hostBytes: UnsafeMutableRawBufferPointer? { nil }
}

extension Memory {
    fileprivate var inner: any Memory { (self as? DeviceMemory)?.memory ?? self }
}

private final class FailingRecording: Recording {
    private let recording: any Recording
    private let backend: FailingBackend

    init(_ recording: any Recording, _ backend: FailingBackend) {
        self.recording = recording
        self.backend = backend
    }

    func run(bindings: [any Memory], trace: Trace?) throws {
        try recording.run(bindings: bindings.map(\.inner), trace: trace)
        // Afterwards, so that a failing run has already overwritten what it may.
        try backend.count()
    }
}
