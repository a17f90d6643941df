import OpenCLBackend

/// The search for the best tuning values of one problem: from a start, along one parameter after another, as long as that gains.
///
/// What is measured and how is the caller's: a search knows no device.
package struct TuningSearch {
    /// What a candidate came to.
    package enum Outcome: Sendable, Equatable {
        /// The candidate's time over the incumbent's.
        case ratio(Double)
        /// Not to be taken, whatever its time: wrong, not buildable, crashed, never returned.
        case unusable
        /// Nobody has time any more.
        case stopped
    }

    /// The share of the incumbent's time that a candidate must be below: less is noise.
    package static let margin = 0.97

    private let space: TuningSpace
    private let problem: TuningProblem
    private let profile: DeviceProfile
    /// The best so far; nil where nothing usable is known yet.
    package private(set) var best: TuningValues?
    package private(set) var tried: Set<TuningValues>

    /// - Parameters:
    ///   - best: values known to be usable.
    ///   - tried: candidates that need not be tried again.
    package init(
        _ space: TuningSpace, _ problem: TuningProblem, _ profile: DeviceProfile, best: TuningValues?,
        tried: Set<TuningValues> = []
    ) {
        self.space = space
        self.problem = problem
        self.profile = profile
        self.best = best
        self.tried = tried
    }

    /// Goes on until nothing gains or `measure` says to stop.
    ///
    /// - Parameters:
    ///   - seeds: candidates to begin with: what is best for problems and devices nearby.
    ///   - measure: a candidate against the best so far.
    /// - Returns: whether the search came to its end.
    package mutating func run(
        seeds: [TuningValues], measure: (_ candidate: TuningValues, _ best: TuningValues?) throws -> Outcome
    ) rethrows -> Bool {
        guard try go(through: seeds, measure) else { return false }
        while true {
            let start = best
            for dimension in space.dimensions {
                guard try go(through: line(along: dimension.parameter), measure) else { return false }
            }
            if best != start { continue }
            // The first two parameters are a tile's sides, which go together.
            guard try go(through: pairs, measure) else { return false }
            if best == start { return true }
        }
    }

    private var center: TuningValues { best ?? space.standardValues(for: problem, on: profile) }

    /// The best with another value for one parameter, the nearest first.
    private func line(along parameter: TuningParameter) -> [TuningValues] {
        space.neighbours(of: center, for: problem, on: profile).filter {
            $0 == center.with(parameter, $0[parameter])
        }
    }

    /// Every combination of the first two parameters' values with the others as they are.
    private var pairs: [TuningValues] {
        guard space.dimensions.count > 2 else { return [] }
        let (first, second) = (space.dimensions[0], space.dimensions[1])
        return first.values.flatMap { one in
            second.values.map { center.with(first.parameter, one).with(second.parameter, $0) }
        }.filter { space.allows($0, for: problem, on: profile) }
    }

    private mutating func go(
        through candidates: [TuningValues], _ measure: (TuningValues, TuningValues?) throws -> Outcome
    ) rethrows -> Bool {
        for candidate in candidates
        where candidate != best && !tried.contains(candidate) && space.allows(candidate, for: problem, on: profile) {
            tried.insert(candidate)
            switch try measure(candidate, best) {
            case .ratio(let ratio): if best == nil || ratio < Self.margin { best = candidate }
            case .unusable: break
            case .stopped:
                // It was not measured: the next search may.
                tried.remove(candidate)
                return false
            }
        }
        return true
    }
}
