import Foundation
import Synchronization
import Tessera
import Testing

@Suite struct PrefetchingTests {
    /// Counts what is made, and fails at one example.
    private final class Counting: Dataset, Sendable {
        let count: Int
        let failing: Int?
        let delay: TimeInterval
        let made = Atomic<Int>(0)
        let inHand = Atomic<Int>(0)
        let mostInHand = Atomic<Int>(0)

        init(_ count: Int, failing: Int? = nil, delay: TimeInterval = 0) {
            (self.count, self.failing, self.delay) = (count, failing, delay)
        }

        func batch(_ indices: ArraySlice<Int>) throws -> Batch {
            let now = inHand.add(1, ordering: .relaxed).newValue
            mostInHand.max(now, ordering: .relaxed)
            defer { inHand.subtract(1, ordering: .relaxed) }
            if delay > 0 { Thread.sleep(forTimeInterval: delay) }
            if let failing, indices.contains(failing) { throw FileError(path: "example", reason: "\(failing)") }
            made.add(1, ordering: .relaxed)
            let numbers = try HostTensor([indices.count], indices.map { Float($0) })
            return Batch(input: numbers, target: numbers, count: indices.count)
        }
    }

    @Test(arguments: [(1, 1), (4, 1), (4, 3), (100, 8)]) func batchesAreTheSameAsWithout(
        _ ahead: Int, _ threads: Int
    ) throws {
        let base = Counting(50, delay: 0.0003)
        let data = try base.prefetched(ahead: ahead, threads: threads)
        let order = try BatchOrder(count: 50, batchSize: 4, seed: 3)
        for epoch in 0..<3 {
            let batches = try data.batches(order, epoch: epoch)
            #expect(try batches == base.batches(order, epoch: epoch))
            for indices in batches {
                #expect(try data.batch(indices).tensors == base.batch(indices).tensors)
            }
        }
        // Nothing was made for nobody, and as many at once as there are threads, and the caller.
        #expect(base.made.load(ordering: .relaxed) == 2 * 3 * 13)
        #expect(base.mostInHand.load(ordering: .relaxed) <= threads + 1)
    }

    /// Waits until as much is made as may be, and no more comes.
    private static func settled(_ base: Counting) -> Int {
        var last = -1
        while base.made.load(ordering: .relaxed) != last {
            last = base.made.load(ordering: .relaxed)
            Thread.sleep(forTimeInterval: 0.05)
        }
        return last
    }

    @Test func noMoreBatchesWaitThanMay() throws {
        let order = try BatchOrder(count: 40, batchSize: 2, shuffles: false)
        for (ahead, memory, waiting) in [(3, 1 << 30, 3), (10, 40, 2), (10, 1, 1), (1, 1 << 30, 1)] {
            let base = Counting(40)
            let data = try base.prefetched(ahead: ahead, memory: memory)
            let batches = try data.batches(order, epoch: 0)
            for taken in 1...3 {
                // A batch has 16 bytes.
                _ = try data.batch(batches[taken - 1])
                #expect(Self.settled(base) == taken + waiting)
            }
        }
    }

    @Test func errorsReachWhoAsksForTheBatch() throws {
        let base = Counting(20, failing: 9)
        let data = try base.prefetched(ahead: 4, threads: 2)
        let order = try BatchOrder(count: 20, batchSize: 2, shuffles: false)
        let batches = try data.batches(order, epoch: 0)
        for (number, indices) in batches.enumerated() {
            if number == 4 {
                let error = #expect(throws: FileError.self) { try data.batch(indices) }
                #expect(error?.reason == "9")
            } else {
                #expect(try data.batch(indices).input.elements() == indices.map { Float($0) })
            }
        }
    }

    /// From the middle of an epoch, one of it left out, one again, and what is none of its batches.
    @Test func anyOtherOrderIsServedToo() throws {
        let base = Counting(20)
        let data = try base.prefetched(ahead: 2)
        let order = try BatchOrder(count: 20, batchSize: 2, shuffles: false)
        let batches = try data.batches(order, epoch: 0)
        for indices in [batches[3], batches[4], batches[7], batches[3], [5][...], batches[8], batches[9], batches[0]] {
            #expect(try data.batch(indices).input.elements() == indices.map { Float($0) })
        }
        #expect(throws: GraphError.self) { try TensorDataset(["x": HostTensor([1], [1] as [Float])]).batch([1]) }
    }

    /// A dataset that is dropped waits for its threads, and lets go of what they had.
    @Test func threadsEndWithTheDataset() throws {
        weak var dropped: Counting?
        do {
            let base = Counting(100, delay: 0.001)
            dropped = base
            let data = try base.prefetched(ahead: 50, threads: 3)
            let batches = try data.batches(BatchOrder(count: 100, batchSize: 1), epoch: 0)
            _ = try data.batch(batches[0])
        }
        // The last thread may still be on its way out.
        for _ in 0..<200 where dropped != nil { Thread.sleep(forTimeInterval: 0.01) }
        #expect(dropped == nil)
    }

    @Test(arguments: [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1), (.min, .min, .min)]) func numbersBelowOneAreRefused(
        _ ahead: Int, _ threads: Int, _ memory: Int
    ) throws {
        let error = #expect(throws: GraphError.self) {
            try Counting(1).prefetched(ahead: ahead, threads: threads, memory: memory)
        }
        #expect(error?.location?.file.contains("PrefetchingTests") ?? false)
    }

    @Test func trainingGoesToTheSameBits() throws {
        let x = try RandomSource(seed: 1).normal([40, 3])
        let data = try TensorDataset(inputs: x, targets: x)
        func weights(_ data: any Dataset) throws -> HostTensor {
            let executor = try Executor(on: .cpu)
            let layer = Dense(3, 3, RandomSource(seed: 1))
            let trainer = Trainer(layer, loss: .meanSquaredError, optimizer: Adam(learningRate: 0.01), on: executor)
            try trainer.fit(data, batchSize: 7, epochs: 3, steps: 15, progress: nil)
            return try executor.value(of: layer.weight)
        }
        #expect(try weights(data) == weights(data.prefetched(ahead: 3, threads: 2, memory: .max)))
    }
}
