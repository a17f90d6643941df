import Foundation
import Synchronization

/// A thread on which a driver is called, so that a call that never returns costs this thread and not the caller's.
///
/// One call runs at a time. Once one has not come back in time, the thread is left to the driver for good.
final class DeviceThread: Sendable {
    /// One call, which outlives a caller that no longer waits.
    private final class Call: @unchecked Sendable {
        // Unchecked: the caller touches the outcome only after `done`, the thread only before.
        let work: () -> Void
        let done = DispatchSemaphore(value: 0)
        init(_ work: @escaping () -> Void) { self.work = work }
    }

    /// What the thread and its callers share: the thread keeps nothing else alive.
    private final class Inbox: Sendable {
        let calls = Mutex<[Call]>([])
        let isClosed = Atomic<Bool>(false)
        let arrived = DispatchSemaphore(value: 0)

        func serve() {
            while true {
                arrived.wait()
                guard let call = calls.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                    if isClosed.load(ordering: .acquiring) { return }
                    continue
                }
                call.work()
                call.done.signal()
            }
        }
    }

    private final class Outcome<Value>: @unchecked Sendable {
        var result: Result<Value, any Error>?
    }

    private let inbox = Inbox()

    /// Compilers run on it.
    private static let stackSize = 64 << 20
    /// Parts in which a caller waits: a process that was stopped meanwhile has missed one, not all of them.
    private static let slices = 20

    init(name: String) {
        let thread = Thread { [inbox] in inbox.serve() }
        thread.name = name
        thread.stackSize = Self.stackSize
        thread.start()
    }

    deinit {
        inbox.isClosed.store(true, ordering: .releasing)
        inbox.arrived.signal()
    }

    /// Runs `work` on the thread and waits for it, but no longer than `patience`.
    ///
    /// - Parameter work: must keep alive whatever it touches, as it may go on after this has returned.
    /// - Returns: nil where it has not come back.
    /// - Throws: what `work` throws.
    func call<Value>(within patience: Duration, _ work: @escaping () throws -> Value) throws -> Value? {
        let outcome = Outcome<Value>()
        let call = Call { outcome.result = Result(catching: work) }
        inbox.calls.withLock { $0.append(call) }
        inbox.arrived.signal()
        let slice = patience / Self.slices / .nanoseconds(1)
        for _ in 0..<Self.slices where call.done.wait(timeout: .now() + .nanoseconds(Int(slice))) == .success {
            return try outcome.result?.get()
        }
        return nil
    }
}
