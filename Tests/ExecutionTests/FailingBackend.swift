import CPUBackend
import Dispatch
import Execution
import TensorGraph

/// The CPU path posing as a device whose N-th call fails, once or from then on; at once, or so that the work of that call is
/// simply not done and a later wait tells.
final class FailingBackend: Backend {
    enum Mode: CaseIterable, Sendable { case once, forever }

    /// Where set, a call that fails waits for this instead, so that it never comes back while a test runs.
    var hangsUntil: DispatchSemaphore?

    struct Failure: Error, CustomStringConvertible {
        var call: Int
        var description: String { "call \(call) failed on purpose" }
    }

    private let inner = CPUBackend()
    private let failingCall: Int
    private let mode: Mode
    /// Waits after which is told that the work of a call was not done; 0 for the call itself.
    private let lateness: Int
    private var waitsUntilTold: Int?
    /// Where set, each call of which this divides the number fails too.
    var period: Int?
    private(set) var failures = 0
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

    init(failingCall: Int, _ mode: Mode, lateness: Int = 0) {
        self.failingCall = failingCall
        self.mode = mode
        self.lateness = lateness
    }

    func count() throws {
        calls += 1
        guard fails else { return }
        if let hangsUntil {
            hangsUntil.wait()
            hangsUntil.signal()
        }
        throw Failure(call: calls)
    }

    /// Counts what a device does after the call has returned.
    ///
    /// - Returns: whether it does it.
    func countQueued() throws -> Bool {
        guard lateness > 0 else {
            try count()
            return true
        }
        calls += 1
        guard fails else { return true }
        waitsUntilTold = waitsUntilTold ?? lateness
        return false
    }

    var isLate: Bool { lateness > 0 }
    private var fails: Bool {
        let fails =
            calls == failingCall || mode == .forever && calls > failingCall || period.map { calls % $0 == 0 } ?? false
        if fails { failures += 1 }
        return fails
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
        guard try countQueued() else { return }
        try inner.write(source, to: memory.inner, at: byteOffset)
    }

    func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
        guard try countQueued() else { return }
        try inner.read(memory.inner, at: byteOffset, into: destination)
    }

    func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        guard try countQueued() else { return }
        try inner.copy(
            source.inner, at: sourceOffset, to: destination.inner, at: destinationOffset, byteCount: byteCount)
    }

    func finish() throws {
        if let waits = waitsUntilTold {
            waitsUntilTold = waits > 1 ? waits - 1 : nil
            if waits == 1 { throw Failure(call: failingCall) }
        }
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
        guard backend.isLate else {
            try recording.run(bindings: bindings.map(\.inner), trace: trace)
            // Afterwards, so that a failing run has already overwritten what it may.
            try backend.count()
            return
        }
        if try backend.countQueued() { try recording.run(bindings: bindings.map(\.inner), trace: trace) }
    }
}
