import TensorGraph

/// The arenas of all schedules of an executor: one run at a time fills them, and nothing in them outlives it, so that plans
/// for many shapes take no more than the largest of them.
///
/// An arena that is too small for a schedule makes way for a larger one; the others take that at their next run.
final class ScratchPool {
    private struct Key: Hashable {
        var backend: ObjectIdentifier
        var index: Int
    }

    private struct SharedKey: Hashable {
        var backend: ObjectIdentifier
        var origin: KeptValue.Origin
    }

    private struct Shared {
        // Whoever holds it holds the variables too.
        weak var memory: KeptMemory?
    }

    private struct Borrower {
        weak var schedule: PreparedSchedule?
    }

    private var arenas: [Key: any Memory] = [:]
    private var staging: HostBytes?
    private var shared: [SharedKey: Shared] = [:]
    private var borrowers: [Borrower] = []

    /// Notes a schedule, which is told when it has to let go.
    func add(_ schedule: PreparedSchedule) {
        borrowers.removeAll { $0.schedule == nil }
        shared = shared.filter { $0.value.memory != nil }
        borrowers.append(Borrower(schedule: schedule))
    }

    /// Memory for what a prologue makes on a backend: the same for all schedules that make the same.
    func kept(_ value: KeptValue, on backend: any Backend) throws -> KeptMemory {
        let key = value.origin.map { SharedKey(backend: ObjectIdentifier(backend), origin: $0) }
        if let known = key.flatMap({ shared[$0]?.memory }) { return known }
        let memory = KeptMemory(try backend.allocate(byteCount: max(value.byteCount, 4)))
        if let key { shared[key] = Shared(memory: memory) }
        return memory
    }

    /// Makes sure that a backend's arena with this number has at least so many bytes.
    ///
    /// - Throws: what the backend reports where it has no more memory. The smaller arena is gone then.
    func reserve(_ byteCount: Int, _ index: Int, of backend: any Backend) throws {
        let key = Key(backend: ObjectIdentifier(backend), index: index)
        let known = arenas[key]?.byteCount ?? 0
        guard known < byteCount else { return }
        // A little more where it is to be had, so that lengths which rise one by one do not each need another arena.
        let generous = min(known + known / 8, backend.maximumAllocation)
        // The smaller goes first, so that the two are never there together.
        arenas[key] = nil
        letGo()
        arenas[key] =
            generous > byteCount
            ? try? backend.allocate(byteCount: generous) : try backend.allocate(byteCount: byteCount)
        if arenas[key] == nil { arenas[key] = try backend.allocate(byteCount: byteCount) }
    }

    /// The bytes of a backend's arenas, which make way where they are too small.
    func byteCount(of backend: any Backend) -> Int {
        arenas.reduce(0) { $1.key.backend == ObjectIdentifier(backend) ? $0 + $1.value.byteCount : $0 }
    }

    /// An arena that was reserved.
    func arena(_ index: Int, of backend: any Backend) -> (any Memory)? {
        arenas[Key(backend: ObjectIdentifier(backend), index: index)]
    }

    /// Memory of the host for inputs and outputs on their way.
    func staging(byteCount: Int) throws -> HostBytes {
        let known = staging?.bytes.count ?? 0
        if let staging, known >= byteCount { return staging }
        letGoOfStaging()
        let made = try HostBytes(byteCount: max(byteCount, known + known / 8))
        staging = made
        return made
    }

    /// Gives all memory back.
    func removeAll() {
        letGo()
        letGoOfStaging()
        arenas = [:]
    }

    /// After a failure: leaves all memory to the schedule that failed, since the device may still be at work on it.
    func abandon(to failed: PreparedSchedule?) {
        borrowers.removeAll { $0.schedule === failed }
        for borrower in borrowers { borrower.schedule?.forgetPrologue() }
        shared = [:]
        removeAll()
    }

    private func letGo() {
        for borrower in borrowers { borrower.schedule?.letGo() }
    }

    private func letGoOfStaging() {
        staging = nil
        for borrower in borrowers { borrower.schedule?.letGoOfStaging() }
    }
}

/// A result of a prologue, and of which versions of the variables that it depends on.
final class KeptMemory {
    let memory: any Memory
    /// In the order of the entry's variables; nil where the result is not there.
    var versions: [Variable.Version]?

    init(_ memory: any Memory) { self.memory = memory }

    func holds(_ wanted: [Variable.Version]) -> Bool {
        versions.map { $0.count == wanted.count && zip($0, wanted).allSatisfy { $0 === $1 } } ?? false
    }
}
