import Dispatch
import Synchronization
import TensorGraph
import Testing

@testable import CPUBackend

@Suite struct ParallelTests {
    /// Of every piece of work, how often it was done.
    private final class Tally: Sendable {
        private let counts: Mutex<[Int]>

        init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

        func add(_ range: Range<Int>) { counts.withLock { for index in range { $0[index] += 1 } } }
        var isOnceEach: Bool { counts.withLock { $0.allSatisfy { $0 == 1 } } }
    }

    @Test(arguments: [0, 1, 2, 7, 64, 1000], [0, 1, 3, 100, 5000])
    func everyPieceIsDoneOnce(count: Int, grain: Int) {
        let tally = Tally(count)
        Parallel.run(count, grain: grain) { worker, range in
            #expect((0..<Parallel.workers).contains(worker))
            tally.add(range)
        }
        #expect(tally.isOnceEach)
    }

    /// Where the pool is taken, work is shared out without it: callers on several threads, and one within another's piece.
    @Test func callersMayMeet() {
        let tallies = (0..<8).map { _ in Tally(500) }
        DispatchQueue.concurrentPerform(iterations: 8) { caller in
            Parallel.run(50, grain: 1) { outer in
                for ten in outer {
                    Parallel.run(10, grain: 1) { inner in
                        tallies[caller].add((10 * ten + inner.lowerBound)..<(10 * ten + inner.upperBound))
                    }
                }
            }
        }
        #expect(tallies.allSatisfy { $0.isOnceEach })
    }

    @Test func noMoreThreadsThanPieces() {
        let most = Mutex(0)
        Parallel.run(1, grain: 1) { worker, _ in most.withLock { $0 = max($0, worker) } }
        #expect(most.withLock { $0 } == 0)
    }
}

@Suite struct BroadcastTests {
    @Test func neighbouringAxesAreJoined() {
        let whole = Broadcast([2, 3, 4], to: [2, 3, 4])
        #expect(whole.extents == [24] && whole.strides == [1])
        let bias = Broadcast([4], to: [2, 3, 4])
        #expect(bias.extents == [6, 4] && bias.strides == [0, 1])
        let channels = Broadcast([3, 1], to: [2, 3, 4])
        #expect(channels.extents == [2, 3, 4] && channels.strides == [0, 1, 0])
        let number = Broadcast([], to: [2, 3, 4])
        #expect(number.extents == [24] && number.strides == [0])
        let one = Broadcast([1, 1], to: [1, 1])
        #expect(one.extents == [1] && one.strides == [0])
    }
}
