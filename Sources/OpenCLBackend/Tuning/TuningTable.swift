import Synchronization

/// What was found for one problem of one family on one device.
package struct TuningEntry: Hashable, Sendable {
    package var family: String
    package var problem: TuningProblem
    package var values: TuningValues
    /// Milliseconds with these values and with the standard ones, measured by turns.
    package var ms: Double?
    package var standardMs: Double?
    /// While a search is under way: what was tried already, so that it can go on where it stopped. Nil where it is done.
    package var tried: [TuningValues]?

    package init(
        family: String, problem: TuningProblem, values: TuningValues, ms: Double? = nil, standardMs: Double? = nil,
        tried: [TuningValues]? = nil
    ) {
        self.family = family
        self.problem = problem
        self.values = values
        self.ms = ms
        self.standardMs = standardMs
        self.tried = tried
    }
}

/// The tuning values that a device's kernels are built with: what is known of it, in layers from the most to the least
/// certain, over each family's standard.
///
/// A layer serves a problem by the entry of the nearest problem within ``reach``, if that entry's values are allowed
/// for this one: an entry that is foreign, damaged or of an older version of the space is passed over.
package struct TuningTable: Sendable {
    /// Octaves by which each extent of a problem may differ from an entry's.
    package static let reach = 2.0

    private var layers: [[String: [TuningEntry]]]
    /// Values to use for every problem of a family, whatever is known: what a tuner tries.
    private var forced: [String: TuningValues] = [:]
    /// Whether there are results of this very device and driver.
    package internal(set) var isTuned = false
    /// Is told of each look-up, where somebody wants to know.
    package var lookUps: TuningLookUps?

    /// - Parameter layers: the most certain first.
    package init(_ layers: [[TuningEntry]] = []) {
        self.layers = layers.map { Dictionary(grouping: $0, by: \.family) }
    }

    package mutating func force(_ values: TuningValues?, for family: String) { forced[family] = values }

    /// The values for a problem.
    package func values(
        _ space: TuningSpace, _ problem: TuningProblem, _ profile: DeviceProfile
    ) -> TuningValues {
        let values = known(space, problem, profile) ?? space.standardValues(for: problem, on: profile)
        lookUps?.add(TuningLookUps.LookUp(family: space.name, problem: problem, values: values))
        return values
    }

    /// What the layers say of a problem; nil where only the standard is left.
    package func known(_ space: TuningSpace, _ problem: TuningProblem, _ profile: DeviceProfile) -> TuningValues? {
        if let values = forced[space.name], space.allows(values, for: problem, on: profile) { return values }
        for layer in layers {
            let near = (layer[space.name] ?? []).compactMap { entry -> (entry: TuningEntry, distance: Double)? in
                guard let octaves = problem.octaves(to: entry.problem), octaves.largest <= Self.reach else {
                    return nil
                }
                return (entry, octaves.sum)
            }
            let nearest = near.sorted { $0.distance < $1.distance }
                .first { space.allows($0.entry.values, for: problem, on: profile) }
            if let nearest { return nearest.entry.values }
        }
        return nil
    }
}

/// The look-ups made while nodes were lowered: which families, for which problems.
package final class TuningLookUps: Sendable {
    package struct LookUp: Hashable, Sendable {
        package var family: String
        package var problem: TuningProblem
        package var values: TuningValues
    }

    private let found = Mutex<[LookUp]>([])

    package init() {}

    package var list: [LookUp] { found.withLock { $0 } }

    func add(_ lookUp: LookUp) { found.withLock { if !$0.contains(lookUp) { $0.append(lookUp) } } }
}

extension DeviceProfile {
    /// The values of a family's tuning parameters for a problem on this device.
    func tuningValues(_ space: TuningSpace, _ problem: TuningProblem) -> TuningValues {
        precondition(
            Set(problem.extents.keys) == Set(space.extents), "\(space.name) has no problems of the extents \(problem)")
        return tuning.values(space, problem, self)
    }

    /// Vector registers, as wide as the widest vector worth using: AVX-512 has 32, AVX2 and NEON's predecessors 16.
    var vectorRegisters: Int { vectorWidth >= 16 ? 32 : 16 }

    /// Whether a register tile of so many rows and vectors leaves room for a row of the other operand and a broadcast
    /// value.
    func holdsTile(rows: Int, vectors: Int) -> Bool { rows * vectors + vectors + 1 <= vectorRegisters }
}
