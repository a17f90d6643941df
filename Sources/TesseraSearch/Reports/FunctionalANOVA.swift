import TensorGraph

/// How much of an objective's variance over the whole space each parameter explains alone: functional analysis of variance of a
/// forest of regression trees. Hutter, Hoos and Leyton-Brown, “An Efficient Approach for Assessing Hyperparameter Importance”,
/// 2014; the forest is Breiman's, 2001.
///
/// A tree is a partition of the unit cube into boxes, each with a value, so means over all other parameters are sums over boxes.
struct FunctionalANOVA {
    /// A part of the cube in which a tree has one value.
    struct Box {
        var ranges: [Range<Double>]
        var value: Double
    }

    private static let trees = 64
    private static let leastPerLeaf = 2

    /// - Parameters:
    ///   - points: positions of parameters in 0...1.
    ///   - values: of each.
    /// - Returns: for each parameter its share of the variance; what is missing to 1 is due to several together. All 0 where
    ///   the values are all the same.
    static func shares(_ points: [[Double]], _ values: [Double], seed: UInt64) -> [Double] {
        guard let dimensions = points.first?.count, points.count == values.count else { return [] }
        var random = SplitMix64(seed: seed)
        var totals = [Double](repeating: 0, count: dimensions)
        var count = 0.0
        for _ in 0..<trees {
            let sample = points.indices.map { _ in Int.random(in: 0..<points.count, using: &random) }
            var boxes: [Box] = []
            let cube = (0..<dimensions).map { _ in 0.0..<1.0 }
            grow(sample, points, values, cube, &boxes, &random)
            let variances = Self.variances(of: boxes, dimensions)
            guard variances.total > 0 else { continue }
            for dimension in 0..<dimensions { totals[dimension] += variances.main[dimension] / variances.total }
            count += 1
        }
        return count > 0 ? totals.map { $0 / count } : totals
    }

    /// Splits a box where that leaves the least squared error, among a random half of the parameters, or makes a leaf of it.
    private static func grow(
        _ sample: [Int], _ points: [[Double]], _ values: [Double], _ ranges: [Range<Double>], _ boxes: inout [Box],
        _ random: inout SplitMix64
    ) {
        let mean = sample.reduce(0) { $0 + values[$1] } / Double(sample.count)
        let error = sample.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) }
        var best: (dimension: Int, place: Double, error: Double)?
        if error > 0, sample.count >= 2 * leastPerLeaf {
            let all = Array(ranges.indices).shuffled(using: &random)
            for dimension in all.prefix((all.count + 1) / 2) {
                let sorted = sample.sorted { points[$0][dimension] < points[$1][dimension] }
                var (left, right) = ((sum: 0.0, square: 0.0), (sum: 0.0, square: 0.0))
                for index in sorted {
                    right.sum += values[index] - mean
                    right.square += (values[index] - mean) * (values[index] - mean)
                }
                for place in 1..<sorted.count {
                    let deviation = values[sorted[place - 1]] - mean
                    left = (left.sum + deviation, left.square + deviation * deviation)
                    right = (right.sum - deviation, right.square - deviation * deviation)
                    let (below, above) = (points[sorted[place - 1]][dimension], points[sorted[place]][dimension])
                    guard below < above, place >= leastPerLeaf, sorted.count - place >= leastPerLeaf else { continue }
                    let leftError = left.square - left.sum * left.sum / Double(place)
                    let rightError = right.square - right.sum * right.sum / Double(sorted.count - place)
                    if leftError + rightError < best?.error ?? error {
                        best = (dimension, (below + above) / 2, leftError + rightError)
                    }
                }
            }
        }
        guard let best else { return boxes.append(Box(ranges: ranges, value: mean)) }
        var (left, right) = (ranges, ranges)
        left[best.dimension] = ranges[best.dimension].lowerBound..<best.place
        right[best.dimension] = best.place..<ranges[best.dimension].upperBound
        grow(sample.filter { points[$0][best.dimension] < best.place }, points, values, left, &boxes, &random)
        grow(sample.filter { points[$0][best.dimension] >= best.place }, points, values, right, &boxes, &random)
    }

    /// The variance of a tree over the cube, and of its means over all parameters but one.
    static func variances(of boxes: [Box], _ dimensions: Int) -> (total: Double, main: [Double]) {
        func width(_ range: Range<Double>) -> Double { range.upperBound - range.lowerBound }
        let volumes = boxes.map { $0.ranges.reduce(1) { $0 * width($1) } }
        let mean = zip(boxes, volumes).reduce(0) { $0 + $1.0.value * $1.1 }
        let total = zip(boxes, volumes).reduce(0) { $0 + ($1.0.value - mean) * ($1.0.value - mean) * $1.1 }
        let main = (0..<dimensions).map { dimension in
            let ends = Set(boxes.flatMap { [$0.ranges[dimension].lowerBound, $0.ranges[dimension].upperBound] })
                .sorted()
            return zip(ends, ends.dropFirst()).reduce(0) { variance, piece in
                var value = 0.0
                for (box, volume) in zip(boxes, volumes) where box.ranges[dimension].contains(piece.0) {
                    value += box.value * volume / width(box.ranges[dimension])
                }
                return variance + (value - mean) * (value - mean) * (piece.1 - piece.0)
            }
        }
        return (total, main)
    }
}

extension Study {
    /// The share of the objective's variance over the space that each parameter explains alone, the greatest first; what is
    /// missing to 1 is due to several together. Complete and pruned trials count.
    ///
    /// - Throws: ``FileError`` where the file cannot be read or is damaged.
    public func importances() throws -> [(name: String, share: Double)] { importances(of: try trials()) }

    func importances(of trials: [TrialRecord]) -> [(name: String, share: Double)] {
        let seen: [(positions: [Double], objective: Double)] = trials.compactMap { trial in
            guard trial.state.isFinished, let values = trial.values, let objective = trial.objective else { return nil }
            return (space.positions(of: values), objective)
        }
        let shares = FunctionalANOVA.shares(seen.map(\.positions), seen.map(\.objective), seed: seed)
        return zip(space.parameters, shares).map { ($0.name, $1) }.sorted { $0.1 > $1.1 }
    }
}
