/// How many plans a ``PlanCache`` keeps.
public struct PlanLimit: Hashable, Sendable {
    /// The most plans, of all kinds together. Each takes a few hundred kilobytes, or what its kernels take in the driver.
    public var count: Int
    /// The most bytes that they may keep between runs, in constants and packed weights. Arenas do not count: plans share
    /// them.
    public var byteCount: Int

    /// A limit of the number of plans, and of the bytes that they keep between runs.
    public init(count: Int = 64, byteCount: Int = 512 << 20) {
        self.count = count
        self.byteCount = byteCount
    }
}

/// A plan, or something that has one and says more of it: what its outputs are called, say.
public protocol PlanHolder {
    /// The plan.
    var plan: Plan { get }
}

extension Plan: PlanHolder {
    public var plan: Plan { self }
}

/// Plans by what they are for, the types of their inputs, say, as a plan is for one shape alone. Beyond a limit those go first
/// that were not used for longest; they are made again when they are needed.
///
/// ```swift
/// let plans = PlanCache<[String: TensorType], Plan>()
/// let plan = try plans.plan(inputs.mapValues(\.type)) { try executor.compile(…) }
/// ```
///
/// Plans share the memory they run in, which is as large as the largest of them needs, and kernels, whose text does not depend
/// on the size of a batch: another size costs the time to lay it out. Of one executor each, as plans are. Not for use from
/// two threads at a time.
public final class PlanCache<Key: Hashable, Value: PlanHolder> {
    private struct Entry {
        var value: Value
        var lastUse: Int
    }

    private var entries: [Key: Entry] = [:]
    private var uses = 0

    /// How many plans are kept; those beyond a lower limit go at once.
    public var limit: PlanLimit {
        didSet { trim() }
    }

    /// An empty cache.
    public init(limit: PlanLimit = PlanLimit()) { self.limit = limit }

    /// The plan of this key, made where there is none. What makes it may ask for others meanwhile.
    public func plan(_ key: Key, make: () throws -> Value) rethrows -> Value {
        uses += 1
        if let known = entries[key]?.value {
            entries[key]?.lastUse = uses
            return known
        }
        let value = try make()
        entries[key] = Entry(value: value, lastUse: uses)
        trim()
        return value
    }

    /// Drops all plans. ``Executor/releaseUnusedMemory()`` then gives back the memory they ran in.
    public func removeAll() { entries = [:] }

    /// The number of plans.
    public var count: Int { entries.count }

    private func trim() {
        // The last stays, whatever the limit: it is the one in use.
        while entries.count > 1,
            entries.count > limit.count || Plan.keptByteCount(of: entries.values.map(\.value.plan)) > limit.byteCount
        {
            guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
            entries[oldest.key] = nil
        }
    }
}
