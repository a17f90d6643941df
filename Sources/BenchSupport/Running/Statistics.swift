import Foundation

/// Times of repeated runs, in milliseconds.
package struct Timing: Hashable, Sendable {
    package var median: Double
    package var minimum: Double
    /// The first and the third quartile: half of the runs lie between them.
    package var quartiles: ClosedRange<Double>

    /// - Parameter times: at least one.
    package init(_ times: [Double]) {
        let sorted = times.sorted()
        /// The time that this share of the runs is below, between two runs in proportion.
        func quantile(_ share: Double) -> Double {
            let place = share * Double(sorted.count - 1)
            let (below, above) = (sorted[Int(place)], sorted[min(Int(place) + 1, sorted.count - 1)])
            return below + (above - below) * (place - place.rounded(.down))
        }
        minimum = sorted.first ?? .nan
        median = sorted.isEmpty ? .nan : quantile(0.5)
        quartiles = sorted.isEmpty ? 0...0 : quantile(0.25)...max(quantile(0.25), quantile(0.75))
    }
}

/// The geometric mean: the mean to take of ratios. NaN of nothing.
package func geometricMean(_ ratios: [Double]) -> Double {
    ratios.isEmpty ? .nan : Foundation.exp(ratios.reduce(0) { $0 + Foundation.log($1) } / Double(ratios.count))
}

/// How far a result is from the reference.
package struct ResultError: Hashable, Sendable {
    /// ‖result - reference‖ / ‖reference‖, Euclidean.
    package var normwise: Double
    /// The greatest difference over the greatest element.
    package var peak: Double

    package static let exact = ResultError(normwise: 0, peak: 0)
    /// What a result may be off by: the limits that `check_dump.py` of the peers sets.
    package static let limit = ResultError(normwise: 1e-5, peak: 4e-5)

    /// What a loss may be off by after some training steps, as a share of the first one: Adam takes full steps along
    /// gradients that are nothing but rounding errors, so that two ways of rounding drift apart.
    package static let trainingLimit = ResultError(normwise: 1e-3, peak: 1e-3)

    package var isSmall: Bool { isWithin(.limit) }

    package func isWithin(_ limit: ResultError) -> Bool { normwise <= limit.normwise && peak <= limit.peak }

    package init(normwise: Double, peak: Double) {
        self.normwise = normwise
        self.peak = peak
    }

    /// Compares element by element; anything that is not finite, on either side, is an infinite error.
    package init(_ result: [Float], _ reference: [Double]) {
        guard result.count == reference.count else {
            self.init(normwise: .infinity, peak: .infinity)
            return
        }
        var (differences, squares, difference, greatest) = (0.0, 0.0, 0.0, 0.0)
        for (value, expected) in zip(result, reference) {
            let distance = abs(Double(value) - expected)
            differences += distance * distance
            squares += expected * expected
            difference = max(difference, distance)
            greatest = max(greatest, abs(expected))
        }
        guard differences.isFinite, squares.isFinite else {
            self.init(normwise: .infinity, peak: .infinity)
            return
        }
        self.init(normwise: (differences / max(squares, 1e-60)).squareRoot(), peak: difference / max(greatest, 1e-30))
    }

    package static func worst(_ errors: [ResultError]) -> ResultError {
        errors.reduce(.exact) { ResultError(normwise: max($0.normwise, $1.normwise), peak: max($0.peak, $1.peak)) }
    }
}
