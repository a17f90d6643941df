import OpenCLBackend

/// Which of the values that a tuner may choose are to be checked.
package enum TuningCoverage: String, Sendable, CaseIterable {
    /// Each value of each number at least once.
    case values
    /// Each two values of two parameters together at least once.
    case pairs
    /// Every combination that is allowed: minutes to hours a family.
    case all
}

/// A choice of candidates of a space, each with one of several subjects to check it on, taken by turns.
struct TuningVariants {
    struct Variant: Sendable {
        var subject: Int
        var values: TuningValues
    }

    private(set) var list: [Variant] = []

    /// - Parameter problems: the look-ups of each subject.
    init(
        _ space: TuningSpace, _ problems: [[TuningProblem]], on profile: DeviceProfile, coverage: TuningCoverage
    ) {
        var candidates: [TuningValues] = []
        var known: Set<TuningValues> = []
        for problem in Set(problems.joined()).sorted(by: { $0.description < $1.description }) {
            for candidate in space.candidates(for: problem, on: profile) where known.insert(candidate).inserted {
                candidates.append(candidate)
            }
        }
        // In an order that has nothing to do with the values' own, and is the same each time.
        candidates = candidates.indices
            .sorted { Self.scrambled($0) < Self.scrambled($1) }
            .map { candidates[$0] }

        var turn = 0
        func add(_ candidate: TuningValues) {
            for _ in problems.indices {
                let subject = turn % problems.count
                turn += 1
                guard problems[subject].allSatisfy({ space.allows(candidate, for: $0, on: profile) }) else { continue }
                list.append(Variant(subject: subject, values: candidate))
                return
            }
        }
        guard coverage != .all else {
            for candidate in candidates { add(candidate) }
            return
        }
        // Those first that cover the most that is new; at the end, whatever covers anything.
        var covered: Set<[Int]> = []
        let features = candidates.map { Self.features($0, space, coverage) }
        for wanted in (1...(features.map(\.count).max() ?? 1)).reversed() {
            for (candidate, features) in zip(candidates, features)
            where features.count(where: { !covered.contains($0) }) >= wanted {
                covered.formUnion(features)
                add(candidate)
            }
        }
    }

    /// What a candidate covers: its values, or its pairs of values.
    private static func features(
        _ values: TuningValues, _ space: TuningSpace, _ coverage: TuningCoverage
    ) -> [[Int]] {
        let chosen = space.dimensions.map { values[$0.parameter] }
        guard coverage == .pairs, chosen.count > 1 else { return chosen.indices.map { [$0, chosen[$0]] } }
        return chosen.indices.flatMap { first in
            (first + 1..<chosen.count).map { [first, chosen[first], $0, chosen[$0]] }
        }
    }

    private static func scrambled(_ index: Int) -> UInt64 {
        (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
    }
}
