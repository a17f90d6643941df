import Foundation

/// A dataset whose batches are made ahead on other threads, in the order in which they will be asked for: the same
/// batches, bit by bit, as without. What making one throws reaches the caller where that batch is asked for.
///
/// Threads begin at the first batch of an epoch and end with the last one, with the next epoch's first, or with the dataset.
/// Any other batch than the next of the epoch is made where it is asked for.
public final class PrefetchedDataset: Dataset {
    /// The dataset whose batches are made ahead.
    public let base: any Dataset & Sendable
    private let ahead: Int
    private let threads: Int
    private let memory: Int
    /// The batches of the epoch, and the work on those from a place on.
    private var plan: [ArraySlice<Int>] = []
    private var next = 0
    private var work: PrefetchWork?

    public var count: Int { base.count }

    fileprivate init(_ base: any Dataset & Sendable, ahead: Int, threads: Int, memory: Int) {
        (self.base, self.ahead, self.threads, self.memory) = (base, ahead, threads, memory)
    }

    deinit { work?.end() }

    public func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
        work?.end()
        work = nil
        plan = try base.batches(order, epoch: epoch)
        next = 0
        return plan
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        guard let place = plan[next...].firstIndex(where: { $0 == indices }) else { return try base.batch(indices) }
        if place != next || work == nil {
            // The first one, or one after some that nobody wants: an epoch that is taken up again.
            work?.end()
            work = PrefetchWork(base, plan[place...], ahead: ahead, threads: threads, memory: memory)
        }
        next = place + 1
        let batch = work?.take(place)
        if next == plan.count {
            work?.end()
            work = nil
        }
        return try batch?.get() ?? base.batch(indices)
    }
}

extension Dataset where Self: Sendable {
    /// The dataset with batches made ahead on other threads, while a step runs on the ones before.
    ///
    /// - Parameters:
    ///   - ahead: how many batches may wait to be asked for, at most.
    ///   - threads: how many are made at the same time.
    ///   - memory: the bytes that waiting batches may take, at most, though one is always made. What one will take is
    ///     reckoned by the largest before it.
    /// - Throws: ``GraphError`` where one of the numbers is not at least 1.
    public func prefetched(
        ahead: Int = 4, threads: Int = 1, memory: Int = 1 << 30, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> PrefetchedDataset {
        guard ahead >= 1, threads >= 1, memory >= 1 else {
            throw GraphError(
                operation: "prefetched",
                message:
                    "the numbers of batches, threads and bytes must be at least 1, not \(ahead), \(threads), \(memory)",
                location: SourceLocation(file: file, line: line))
        }
        return PrefetchedDataset(self, ahead: ahead, threads: min(threads, ahead, 256), memory: memory)
    }
}

/// Batches of an epoch being made. Threads hold this, not the dataset.
///
/// `@unchecked Sendable`: everything that changes is only touched under `lock`.
private final class PrefetchWork: @unchecked Sendable {
    private let base: any Dataset & Sendable
    private let plan: ArraySlice<ArraySlice<Int>>
    private let ahead: Int
    private let memory: Int
    private let lock = NSCondition()
    private var made: [Int: Result<Batch, any Error>] = [:]
    /// The place of the next batch that somebody makes, and of the next one that is asked for.
    private var begun: Int
    private var taken: Int
    private var waitingBytes = 0
    private var inHand = 0
    private var largest = 0
    private var isEnded = false
    private var running: Int

    init(
        _ base: any Dataset & Sendable, _ plan: ArraySlice<ArraySlice<Int>>, ahead: Int, threads: Int, memory: Int
    ) {
        (self.base, self.plan, self.ahead, self.memory) = (base, plan, ahead, memory)
        (begun, taken) = (plan.startIndex, plan.startIndex)
        running = threads
        for _ in 0..<threads {
            let thread = Thread { [self] in makeBatches() }
            thread.name = "batches"
            thread.start()
        }
    }

    private var mayBegin: Bool {
        let waiting = begun - taken
        if waiting == 0 { return true }
        return waiting < ahead && waitingBytes.plus((inHand + 1).times(largest)) <= memory
    }

    private func makeBatches() {
        lock.lock()
        while true {
            while !isEnded, begun < plan.endIndex, !mayBegin { lock.wait() }
            guard !isEnded, begun < plan.endIndex else { break }
            let place = begun
            begun += 1
            inHand += 1
            lock.unlock()
            let result = Result { try base.batch(plan[place]) }
            lock.lock()
            inHand -= 1
            let bytes = result.byteCount
            largest = max(largest, bytes)
            waitingBytes += bytes
            made[place] = result
            lock.broadcast()
        }
        running -= 1
        lock.broadcast()
        lock.unlock()
    }

    /// Waits for a batch, the next one.
    func take(_ place: Int) -> Result<Batch, any Error>? {
        lock.lock()
        defer { lock.unlock() }
        taken = max(taken, place)
        lock.broadcast()
        while made[place] == nil, running > 0 { lock.wait() }
        let result = made.removeValue(forKey: place)
        taken = place + 1
        waitingBytes -= result?.byteCount ?? 0
        lock.broadcast()
        return result
    }

    /// Returns when no thread makes a batch any more.
    func end() {
        lock.lock()
        defer { lock.unlock() }
        isEnded = true
        lock.broadcast()
        while running > 0 { lock.wait() }
    }
}

extension Result where Success == Batch {
    fileprivate var byteCount: Int {
        guard case .success(let batch) = self else { return 0 }
        return batch.tensors.values.reduce(0) { $0 + $1.type.byteCount }
    }
}
