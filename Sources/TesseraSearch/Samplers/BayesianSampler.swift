import Foundation
import TensorGraph

/// Values where the objective is expected to improve the most, by a ``GaussianProcess`` of all trials so far: Snoek, Larochelle
/// and Adams, “Practical Bayesian Optimization of Machine Learning Algorithms”, 2012.
///
/// The process sees each parameter by its scale, categories as one number each (1 for the one that is chosen), and whole
/// numbers as what they are, not what they were rounded from (Garrido-Merchán and Hernández-Lobato, 2020). Its own parameters are
/// those of the greatest marginal likelihood. A pruned trial counts with its last report, one that failed as the worst of all; one
/// that still runs as if it came to what the process expects, so that no two processes try the same (Ginsbourger, Le Riche and
/// Carraro, 2010). The bad end of the objectives is cut, as a few diverged trainings would hide what tells the good ones
/// apart. The first trials are spread evenly over the space, as what is not known at all cannot be expected.
public struct BayesianSampler: Sampler {
    private let startupTrials: Int?
    private let candidates: Int
    private let location: SourceLocation

    /// - Parameters:
    ///   - startupTrials: how many trials are spread evenly over the space before the first is chosen; by default two more than
    ///     there are parameters, and at least 5.
    ///   - candidates: at how many points the improvement is looked at before the best are refined, at least 10.
    public init(
        startupTrials: Int? = nil, candidates: Int = 1000, file: StaticString = #fileID, line: UInt = #line
    ) {
        (self.startupTrials, self.candidates) = (startupTrials, candidates)
        location = SourceLocation(file: file, line: line)
    }

    public func values(_ context: SamplerContext) throws -> ParameterValues? {
        guard startupTrials ?? 1 >= 1, candidates >= 10 else {
            throw GraphError(
                operation: "BayesianSampler",
                message: "startupTrials must be at least 1 and candidates at least 10, not"
                    + " \(startupTrials ?? 1) and \(candidates)", location: location)
        }
        let space = context.space
        let observed = Self.observations(context)
        let startup = startupTrials ?? max(5, space.parameters.count + 2)
        guard observed.count >= startup, let surrogate = Surrogate(context, observed) else {
            return space.values(at: Self.spread(context.number, over: space.parameters.count, seed: context.seed))
        }
        var random = context.random()
        return maximum(of: surrogate, in: space, observed, context, using: &random)
    }

    /// The values and objectives of trials that say something.
    private static func observations(_ context: SamplerContext) -> [(values: ParameterValues, score: Double)] {
        let scores = context.history.compactMap { trial in
            trial.state.isFinished ? trial.objective.map { context.direction.score($0) } : nil
        }
        guard let worst = scores.min() else { return [] }
        return context.history.compactMap { trial in
            guard trial.state.isFinished, let values = trial.values else { return nil }
            return (values, trial.objective.map { context.direction.score($0) } ?? worst)
        }
    }

    /// A point of an infinite sequence that fills the cube evenly: multiples of the generalized golden ratio's powers, moved by
    /// the seed (Kronecker's sequence, with the numbers of Roberts, 2018).
    static func spread(_ number: Int, over dimensions: Int, seed: UInt64) -> [Double] {
        var ratio = 2.0
        for _ in 0..<60 { ratio = Foundation.pow(1 + ratio, 1 / Double(dimensions + 1)) }
        var random = SplitMix64(seed: seed)
        return (1...max(dimensions, 1)).map { dimension in
            let start = Double.random(in: 0..<1, using: &random)
            let place = start + Double(number) * Foundation.pow(ratio, -Double(dimension))
            return place - place.rounded(.down)
        }
    }

    // MARK: Where the improvement is greatest

    private func maximum(
        of surrogate: Surrogate, in space: SearchSpace, _ observed: [(values: ParameterValues, score: Double)],
        _ context: SamplerContext, using random: inout some RandomNumberGenerator
    ) -> ParameterValues {
        let tried = Set(context.history.compactMap(\.values))
        let best = observed.sorted { $0.score > $1.score }.prefix(5).map { space.positions(of: $0.values) }
        var points: [[Double]] = []
        for index in 0..<candidates {
            // Half of them anywhere, half around the best.
            if index % 2 == 0 || best.isEmpty {
                points.append(space.parameters.map { _ in Double.random(in: 0..<1, using: &random) })
            } else {
                let radius = Foundation.exp(
                    Double.random(in: Foundation.log(0.01)...Foundation.log(0.5), using: &random))
                points.append(Self.neighbour(of: best[index / 2 % best.count], radius, space, using: &random))
            }
        }
        let ranked = points.map { (point: $0, gain: surrogate.gain(space.values(at: $0))) }
            .sorted { $0.gain > $1.gain }
        var found: (values: ParameterValues, gain: Double)?
        for candidate in ranked.prefix(5) {
            var (point, gain, radius) = (candidate.point, candidate.gain, 0.1)
            for _ in 0..<60 {
                let next = Self.neighbour(of: point, radius, space, using: &random)
                let nextGain = surrogate.gain(space.values(at: next))
                if nextGain > gain { (point, gain) = (next, nextGain) } else { radius = max(radius * 0.9, 1e-3) }
            }
            let values = space.values(at: point)
            if !tried.contains(values), gain > found?.gain ?? -.infinity { found = (values, gain) }
        }
        if let found { return found.values }
        // Around what is best everything has been tried; or, in a small space, everywhere.
        let fresh = ranked.lazy.map { space.values(at: $0.point) }.first { !tried.contains($0) }
        return fresh ?? space.values(at: ranked[0].point)
    }

    /// A point near another: some of its numbers are moved, and categories are drawn anew now and then.
    private static func neighbour(
        of point: [Double], _ radius: Double, _ space: SearchSpace, using random: inout some RandomNumberGenerator
    ) -> [Double] {
        let always = Int.random(in: 0..<point.count, using: &random)
        return zip(point, space.parameters).enumerated().map { index, pair in
            let (position, parameter) = pair
            guard index == always || Bool.random(using: &random) else { return position }
            if case .categories = parameter.domain {
                return index == always || Double.random(in: 0..<1, using: &random) < radius
                    ? Double.random(in: 0..<1, using: &random) : position
            }
            // A whole number's neighbours are in reach, however near the others must be.
            let reach = max(radius, parameter.count.map { 1.5 / Double($0) } ?? 0)
            let moved = position + reach * Double.random(in: -1...1, using: &random)
            return min(max(moved, 0), 1)
        }
    }
}

extension Sampler where Self == BayesianSampler {
    /// Values where the objective is expected to improve the most; see ``BayesianSampler``.
    public static func bayesian(
        startupTrials: Int? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> BayesianSampler {
        BayesianSampler(startupTrials: startupTrials, file: file, line: line)
    }
}

/// What the trials so far say about all values.
private struct Surrogate {
    private let space: SearchSpace
    private let process: GaussianProcess
    /// The best that the process expects where a trial has been.
    private let best: Double

    /// - Returns: `nil` where objectives are all the same, or so large that they have no variance.
    init?(_ context: SamplerContext, _ observed: [(values: ParameterValues, score: Double)]) {
        space = context.space
        let groups = Self.groups(space)
        let points = observed.map { [space] in Self.features($0.values, space) }
        let sorted = observed.map(\.score).sorted()
        let median = sorted[sorted.count / 2]
        let floor = median - 3 * (sorted[sorted.count - 1] - median)
        // Where half of them are the best, there is no telling what is far from it.
        let scores = observed.map { floor < median ? max($0.score, floor) : $0.score }
        let mean = scores.reduce(0) { $0 + $1 / Double(scores.count) }
        let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count)).squareRoot()
        guard deviation.isFinite, deviation > 0 else { return nil }
        let values = scores.map { ($0 - mean) / deviation }
        var random = context.random()
        guard let fitted = GaussianProcess.fitted(points, values, groups: groups, using: &random) else { return nil }
        best = points.map { fitted.posterior(at: $0).mean }.max() ?? 0
        let running = context.history.filter { !$0.state.isFinished }.compactMap { [space] in
            $0.values.map { Self.features($0, space) }
        }
        guard !running.isEmpty else {
            process = fitted
            return
        }
        let expected = running.map { fitted.posterior(at: $0).mean }
        process =
            GaussianProcess(points + running, values + expected, groups: groups, fitted.parameters) ?? fitted
    }

    /// The logarithm of the expected improvement.
    func gain(_ values: ParameterValues) -> Double {
        let (mean, variance) = process.posterior(at: Self.features(values, space))
        return ExpectedImprovement.logarithm(mean: mean, variance: variance, best: best)
    }

    /// A number for each parameter, several for one of categories.
    private static func features(_ values: ParameterValues, _ space: SearchSpace) -> [Double] {
        space.parameters.flatMap { parameter -> [Double] in
            let value = values[parameter.name]
            if case .categories(let categories) = parameter.domain {
                // Without a value it is none of them.
                return categories.map { .category($0) == value ? 1 : 0 }
            }
            return [value.flatMap { parameter.position(of: $0) } ?? 0.5]
        }
    }

    /// Which parameter each of the features belongs to: the categories of one have one length.
    private static func groups(_ space: SearchSpace) -> [Int] {
        space.parameters.enumerated().flatMap { index, parameter -> [Int] in
            if case .categories(let categories) = parameter.domain { return categories.map { _ in index } }
            return [index]
        }
    }
}
