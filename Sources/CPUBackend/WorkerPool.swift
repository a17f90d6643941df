import Dispatch
import Foundation
import Synchronization

/// Threads that stand ready to help with one job at a time, one for each core but the caller's.
///
/// A thread that has finished looks for more work for some microseconds before it sleeps, since a step is hundreds of
/// short jobs, and to wake a sleeper takes as long as a small job: with `DispatchQueue.concurrentPerform` in its place, 32
/// products of 128 × 128 × 64 took twice the time.
final class WorkerPool: Sendable {
    /// The pool of this process.
    static let shared = WorkerPool(helpers: Parallel.workers - 1)

    /// Starts the threads of this process, so that they are there before the first job.
    static func prepare() { _ = shared }

    private let helpers: [Helper]
    /// Held by the caller whose job it is.
    private let isTaken = Atomic<Bool>(false)
    /// Whether the job may be joined, and how many helpers have: the count, plus `closed` while there is none.
    private let joined = Atomic<Int>(closed)
    /// Counts the jobs, so that a helper sees that there is a new one.
    private let generation = Atomic<Int>(0)
    /// Written only while the job is closed and no helper in it, read only by helpers who have joined.
    nonisolated(unsafe) private var job: (_ worker: Int) -> Void = { _ in }

    private static let closed = 1 << 32
    /// How often a thread looks before it sleeps: some 20 µs.
    private static let patience = 20_000

    private final class Helper: Sendable {
        let isAsleep = Atomic<Bool>(false)
        let alarm = DispatchSemaphore(value: 0)
    }

    private init(helpers count: Int) {
        helpers = (0..<count).map { _ in Helper() }
        for (index, helper) in helpers.enumerated() {
            let thread = Thread { self.help(as: helper, worker: index + 1) }
            thread.stackSize = 4 << 20
            thread.name = "tessera-\(index + 1)"
            thread.start()
        }
    }

    /// Calls `job` with 0 on this thread and with other numbers on up to `wanted` helpers, and returns when all have
    /// returned. The job shares its work out by itself: a helper that comes late may find none left, and is not waited for.
    ///
    /// - Returns: false, without a call, where another thread has the pool.
    func run(wanted: Int, _ job: (_ worker: Int) -> Void) -> Bool {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return false
        }
        withoutActuallyEscaping(job) { job in
            self.job = job
            joined.store(0, ordering: .releasing)
            generation.add(1, ordering: .sequentiallyConsistent)
            for helper in helpers.prefix(wanted) { wake(helper) }
            job(0)
            // From here nobody joins; those who have are at their last pieces.
            var state = joined.add(Self.closed, ordering: .acquiringAndReleasing).newValue
            var looks = 0
            while state != Self.closed {
                looks += 1
                if looks > Self.patience { sched_yield() }
                state = joined.load(ordering: .acquiring)
            }
            self.job = { _ in }
        }
        isTaken.store(false, ordering: .releasing)
        return true
    }

    private func wake(_ helper: Helper) {
        if helper.isAsleep.compareExchange(expected: true, desired: false, ordering: .sequentiallyConsistent).exchanged
        {
            helper.alarm.signal()
        }
    }

    private func help(as helper: Helper, worker: Int) {
        var seen = 0
        while true {
            seen = waitForJob(after: seen, helper)
            var state = joined.load(ordering: .acquiring)
            while state < Self.closed {
                let (exchanged, found) = joined.compareExchange(
                    expected: state, desired: state + 1, ordering: .acquiringAndReleasing)
                if exchanged {
                    job(worker)
                    joined.subtract(1, ordering: .releasing)
                    break
                }
                state = found
            }
        }
    }

    /// Returns the number of a job after the `seen`-th, once there is one.
    private func waitForJob(after seen: Int, _ helper: Helper) -> Int {
        while true {
            for _ in 0..<Self.patience {
                let now = generation.load(ordering: .acquiring)
                if now != seen { return now }
            }
            helper.isAsleep.store(true, ordering: .sequentiallyConsistent)
            let now = generation.load(ordering: .sequentiallyConsistent)
            // A job that came meanwhile may or may not have rung the alarm, depending on who cleared the flag.
            if now != seen, helper.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { return now }
            helper.alarm.wait()
        }
    }
}
