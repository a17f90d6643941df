import TensorGraph

/// A call of a device that has not come back.
package struct DeviceSilence: Error, CustomStringConvertible {
    package var device: String
    /// The time that it was given; nil for a device that has been silent before.
    package var patience: Duration?

    package var description: String {
        patience.map { "\(device) has not answered for \($0 / .seconds(1)) s, and is left to itself" }
            ?? "\(device) does not answer any more"
    }
}

/// A backend whose driver may never return from a call: every call is made on a thread of its own, and one that takes too
/// long is an error. From then on the driver is not called any more, and what it may still be at work on is never freed.
///
/// What only enqueues work is kept until ``finish()``, and handed over in one go: a step costs one change of threads.
package final class WatchedBackend: Backend {
    /// How long a call may take: so long, or ``generosity`` times as long as the same work ever took; and
    /// ``compilingFactor`` times as long where a compiler may run.
    package let patience: Duration
    private static let generosity = 20
    private static let compilingFactor = 10

    private let inner: any Backend
    private let thread: DeviceThread
    private var queued: [() throws -> Void] = []
    /// Of the work that is queued.
    private var queuedWork: [WorkHistory] = []
    fileprivate private(set) var isSilent = false

    package let name: String
    package let maximumAllocation: Int
    package let memorySize: Int
    package let usesHostMemory: Bool

    package init(_ inner: any Backend, patience: Duration) {
        self.inner = inner
        self.patience = patience
        thread = DeviceThread(name: "tessera device")
        (name, maximumAllocation, memorySize) = (inner.name, inner.maximumAllocation, inner.memorySize)
        usesHostMemory = inner.usesHostMemory
    }

    /// Runs something that calls a driver which is not open yet.
    ///
    /// - Throws: ``DeviceSilence`` where it does not come back; what `body` throws.
    package static func opening<Value>(_ name: String, patience: Duration, _ body: @escaping () throws -> Value) throws
        -> Value
    {
        let patience = patience * compilingFactor
        let thread = DeviceThread(name: "tessera opening")
        guard let value = try thread.call(within: patience, body) else {
            throw DeviceSilence(device: name, patience: patience)
        }
        return value
    }

    package var onCompilation: ((KernelCompilation) -> Void)? {
        get { inner.onCompilation }
        set { inner.onCompilation = newValue }
    }

    /// Makes a call once all that was queued before has been handed over.
    private func call<Value>(within patience: Duration, _ body: @escaping (any Backend) throws -> Value) throws -> Value {
        guard !isSilent else { throw DeviceSilence(device: name) }
        let before = queued
        queued = []
        let value = try thread.call(within: patience) { [inner] in
            for work in before { try work() }
            return try body(inner)
        }
        guard let value else {
            isSilent = true
            // The driver may be at work on what these hold for as long as the process lives.
            _ = Unmanaged.passRetained(inner as AnyObject)
            throw DeviceSilence(device: name, patience: patience)
        }
        return value
    }

    private func queue(_ work: @escaping () throws -> Void) throws {
        guard !isSilent else { throw DeviceSilence(device: name) }
        queued.append(work)
    }

    package func willLower(_ nodes: [(node: Node, steady: Set<Int>)]) {
        // What it compiles can only be missing: lowering tells.
        try? call(within: patience * Self.compilingFactor) { $0.willLower(nodes) }
    }

    package func lower(_ node: Node, steady: Set<Int>) throws -> Lowering {
        try call(within: patience * Self.compilingFactor) { try $0.lower(node, steady: steady) }
    }

    package func allocate(byteCount: Int) throws -> any Memory {
        WatchedMemory(try call(within: patience) { try $0.allocate(byteCount: byteCount) }, self)
    }

    package func record(_ nodes: [PlacedNode]) throws -> any Recording {
        WatchedRecording(try call(within: patience * Self.compilingFactor) { try $0.record(nodes) }, self)
    }

    package func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        let memory = memory.watched
        try queue { [inner] in try inner.write(source, to: memory, at: byteOffset) }
    }

    package func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
        let memory = memory.watched
        try queue { [inner] in try inner.read(memory, at: byteOffset, into: destination) }
    }

    package func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        let (source, destination) = (source.watched, destination.watched)
        try queue { [inner] in
            try inner.copy(
                source, at: sourceOffset, to: destination, at: destinationOffset, byteCount: byteCount)
        }
    }

    package func finish() throws {
        let work = queuedWork
        queuedWork = []
        let began = ContinuousClock.now
        try call(within: limit(for: work)) { try $0.finish() }
        let duration = began.duration(to: .now)
        for history in work { history.longest = max(history.longest ?? duration, duration) }
    }

    /// How long work that has run before, or never, may take.
    private func limit(for work: [WorkHistory]) -> Duration {
        let known = work.compactMap(\.longest)
        guard known.count == work.count else { return patience * Self.compilingFactor }
        return max(patience, (known.max() ?? .zero) * Self.generosity)
    }

    /// Has a recording run when everything before it has been handed over; at once, where it is to tell when.
    fileprivate func run(
        _ recording: any Recording, _ history: WorkHistory, _ bindings: [any Memory], _ trace: Trace?
    ) throws {
        let bindings = bindings.map(\.watched)
        queuedWork.append(history)
        try queue { try recording.run(bindings: bindings, trace: trace) }
        if trace != nil { try finish() }
    }
}

/// Memory of a device that is never freed once the device is silent.
private final class WatchedMemory: Memory {
    let inner: any Memory
    private let backend: WatchedBackend

    init(_ inner: any Memory, _ backend: WatchedBackend) {
        self.inner = inner
        self.backend = backend
    }

    deinit { if backend.isSilent { _ = Unmanaged.passRetained(inner as AnyObject) } }

    var byteCount: Int { inner.byteCount }
    var hostBytes: UnsafeMutableRawBufferPointer? { inner.hostBytes }
}

extension Memory {
    /// The memory as the driver's backend knows it.
    fileprivate var watched: any Memory { (self as? WatchedMemory)?.inner ?? self }
}

/// The longest that some work took, with whatever ran beside it; nil before its first run, which may compile.
private final class WorkHistory {
    var longest: Duration?
}

/// Work of a device that is never freed once the device is silent.
private final class WatchedRecording: Recording {
    private let inner: any Recording
    private let backend: WatchedBackend
    private let history = WorkHistory()

    init(_ inner: any Recording, _ backend: WatchedBackend) {
        self.inner = inner
        self.backend = backend
    }

    deinit { if backend.isSilent { _ = Unmanaged.passRetained(inner as AnyObject) } }

    func run(bindings: [any Memory], trace: Trace?) throws { try backend.run(inner, history, bindings, trace) }

    func letGo() { if !backend.isSilent { inner.letGo() } }
}
