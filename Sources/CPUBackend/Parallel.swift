import Dispatch
import Foundation
import Synchronization

/// Sharing work out among the cores.
enum Parallel {
    /// The most threads that work at once: how many cores this process may use.
    static let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)

    /// Runs `body` over `0 ..< count` in pieces of at least `grain`, each on one of several threads.
    ///
    /// A piece is given with the number of the thread that runs it, below ``workers``: scratch memory may be shared out
    /// by it. Which thread gets which piece is not fixed, so that no result may depend on it. Work of no more than one
    /// grain runs on the calling thread, at no cost.
    static func run(_ count: Int, grain: Int, _ body: (_ worker: Int, _ range: Range<Int>) -> Void) {
        guard count > 0 else { return }
        let pieces = (count + max(grain, 1) - 1) / max(grain, 1)
        let threads = min(workers, pieces)
        guard threads > 1 else { return body(0, 0..<count) }
        // A few pieces a thread, so that one which starts late leaves its share to the others.
        let size = max(max(grain, 1), (count + 4 * threads - 1) / (4 * threads))
        let next = Atomic<Int>(0)
        func takePieces(_ worker: Int) {
            while true {
                let start = next.add(size, ordering: .relaxed).oldValue
                guard start < count else { return }
                body(worker, start..<min(start + size, count))
            }
        }
        // Where two executors meet, the second does without the pool.
        if WorkerPool.shared.run(wanted: threads - 1, takePieces) { return }
        withoutActuallyEscaping(takePieces) { takePieces in
            // What is shared is this call's own: it returns only when every thread has finished.
            nonisolated(unsafe) let takePieces = takePieces
            DispatchQueue.concurrentPerform(iterations: threads) { takePieces($0) }
        }
    }

    /// The same, for work that needs no scratch memory.
    static func run(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        run(count, grain: grain) { _, range in body(range) }
    }
}
