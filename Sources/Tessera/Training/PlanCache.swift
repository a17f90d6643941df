/// How many plans a ``Trainer`` keeps for batches of other shapes than the last.
public struct PlanLimit: Hashable, Sendable {
    /// The most plans, of all kinds together. Each takes a few hundred kilobytes, or what its kernels take in the driver.
    public var count: Int
    /// The most bytes that they may keep between runs, in constants and packed weights. Arenas do not count: plans share
    /// them.
    public var byteCount: Int

    public init(count: Int = 64, byteCount: Int = 512 << 20) {
        self.count = count
        self.byteCount = byteCount
    }
}

/// Plans by what they are for and the shapes they take. Beyond a limit those go first that were not used for longest.
final class PlanCache {
    enum Purpose: Hashable { case training, evaluation, prediction }

    struct Key: Hashable {
        var purpose: Purpose
        var input: TensorType
        var target: TensorType?
    }

    private struct Entry {
        var plan: Plan
        var lastUse: Int
    }

    private var entries: [Key: Entry] = [:]
    private var uses = 0

    var limit = PlanLimit() {
        didSet { trim() }
    }

    /// The plan of this kind, made where there is none. What makes it may ask for others meanwhile.
    func plan(_ key: Key, make: () throws -> Plan) rethrows -> Plan {
        uses += 1
        if let known = entries[key]?.plan {
            entries[key]?.lastUse = uses
            return known
        }
        let plan = try make()
        entries[key] = Entry(plan: plan, lastUse: uses)
        trim()
        return plan
    }

    func removeAll() { entries = [:] }

    var count: Int { entries.count }

    private func trim() {
        // The last stays, whatever the limit: it is the one in use.
        while entries.count > 1,
            entries.count > limit.count || Plan.keptByteCount(of: entries.values.map(\.plan)) > limit.byteCount
        {
            guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
            entries[oldest.key] = nil
        }
    }
}
