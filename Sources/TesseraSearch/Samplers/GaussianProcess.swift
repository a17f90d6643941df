import Foundation

/// A Gaussian process with mean 0 over points in a few dimensions: what noisy values at some points say about all others.
/// Rasmussen and Williams, “Gaussian Processes for Machine Learning”, 2006: the posterior is algorithm 2.1, the marginal
/// likelihood and its gradient (5.8) and (5.9).
///
/// The kernel is Matérn's with ν = 5/2 and a length for each group of dimensions (automatic relevance determination), (4.17):
/// k(x, x′) = a·(1 + √5·r + 5/3·r²)·exp(-√5·r) with r² = Σ ((x - x′) / length)².
struct GaussianProcess {
    /// What the kernel and the noise leave to choose.
    struct Parameters: Hashable {
        /// a above: the variance of the process at each point.
        var variance: Double
        /// Of the noise of each value.
        var noise: Double
        /// Of each group.
        var lengths: [Double]
    }

    let parameters: Parameters
    private let points: [[Double]]
    /// The group of each dimension.
    private let groups: [Int]
    private let factor: Cholesky
    /// K⁻¹·y.
    private let weights: [Double]
    /// log p(y | points, parameters).
    let logLikelihood: Double

    /// - Parameters:
    ///   - points: at least one.
    ///   - values: of each.
    ///   - groups: of each dimension, which of the lengths it is measured by.
    /// - Returns: `nil` where the numbers don't define one, as for equal points without noise.
    init?(_ points: [[Double]], _ values: [Double], groups: [Int], _ parameters: Parameters) {
        let count = points.count
        var covariance = [Double](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in 0...i {
                let r = Self.distance(points[i], points[j], groups, parameters.lengths)
                covariance[i * count + j] = parameters.variance * Self.matern(r)
            }
            covariance[i * count + i] += parameters.noise
        }
        guard count > 0, let factor = Cholesky(covariance, count: count) else { return nil }
        weights = factor.solve(values)
        let fit = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 }
        logLikelihood = -0.5 * (fit + factor.logDeterminant + Double(count) * Foundation.log(2 * Double.pi))
        guard logLikelihood.isFinite else { return nil }
        (self.points, self.groups, self.factor, self.parameters) = (points, groups, factor, parameters)
    }

    /// What is known of the process at a point, without the noise of a value there.
    func posterior(at point: [Double]) -> (mean: Double, variance: Double) {
        let covariances = points.map {
            parameters.variance * Self.matern(Self.distance(point, $0, groups, parameters.lengths))
        }
        var (mean, explained) = (0.0, 0.0)
        for (covariance, weight) in zip(covariances, weights) { mean += covariance * weight }
        for part in factor.forward(covariances) { explained += part * part }
        return (mean, max(parameters.variance - explained, 0))
    }

    /// The gradient of ``logLikelihood`` by the logarithms of variance, noise and lengths.
    var gradient: [Double] {
        let count = points.count
        let inverse = factor.inverse
        var gradient = [Double](repeating: 0, count: 2 + parameters.lengths.count)
        var squares = [Double](repeating: 0, count: parameters.lengths.count)
        for i in 0..<count {
            for j in 0...i {
                // tr((w·wᵀ - K⁻¹)·∂K) / 2; entries beside the diagonal count twice.
                let factor = (weights[i] * weights[j] - inverse[i * count + j]) * (i == j ? 0.5 : 1)
                for group in squares.indices { squares[group] = 0 }
                for (dimension, group) in groups.enumerated() {
                    let difference = (points[i][dimension] - points[j][dimension]) / parameters.lengths[group]
                    squares[group] += difference * difference
                }
                let r = squares.reduce(0, +).squareRoot()
                gradient[0] += factor * parameters.variance * Self.matern(r)
                if i == j { gradient[1] += factor * parameters.noise }
                let slope = parameters.variance * 5 / 3 * (1 + Self.root * r) * Foundation.exp(-Self.root * r)
                for (group, square) in squares.enumerated() { gradient[2 + group] += factor * slope * square }
            }
        }
        return gradient
    }

    private static let root = 5.0.squareRoot()

    private static func matern(_ r: Double) -> Double {
        (1 + root * r + 5 / 3 * r * r) * Foundation.exp(-root * r)
    }

    private static func distance(_ x: [Double], _ y: [Double], _ groups: [Int], _ lengths: [Double]) -> Double {
        var sum = 0.0
        for (dimension, group) in groups.enumerated() {
            let difference = (x[dimension] - y[dimension]) / lengths[group]
            sum += difference * difference
        }
        return sum.squareRoot()
    }
}

// MARK: Choosing the parameters

extension GaussianProcess {
    /// Where parameters are sought, for values with variance 1 at points in the unit cube.
    struct Bounds {
        var variance = 0.05...20.0
        var noise = 1e-6...1.0
        var lengths = 0.05...20.0

        /// Bounds of the logarithms, in the order of ``GaussianProcess/gradient``.
        fileprivate func logarithms(groups: Int) -> [ClosedRange<Double>] {
            ([variance, noise] + (0..<groups).map { _ in lengths }).map {
                Foundation.log($0.lowerBound)...Foundation.log($0.upperBound)
            }
        }
    }

    /// The process with the parameters that make the values most likely, of what an ascent from each of several starts finds.
    ///
    /// - Parameter starts: how many, the first with lengths of 1/2, the others drawn at random.
    /// - Returns: `nil` where no parameters define a process, as without points.
    static func fitted(
        _ points: [[Double]], _ values: [Double], groups: [Int], bounds: Bounds = Bounds(), starts: Int = 4,
        using random: inout some RandomNumberGenerator
    ) -> GaussianProcess? {
        let groupCount = (groups.max() ?? -1) + 1
        let ranges = bounds.logarithms(groups: groupCount)
        func process(_ logarithms: [Double]) -> GaussianProcess? {
            let numbers = logarithms.map { Foundation.exp($0) }
            return GaussianProcess(
                points, values, groups: groups,
                Parameters(variance: numbers[0], noise: numbers[1], lengths: Array(numbers[2...])))
        }
        var best: GaussianProcess?
        for start in 0..<starts {
            var logarithms = [0, Foundation.log(1e-3)] + (0..<groupCount).map { _ in Foundation.log(0.5) }
            if start > 0 {
                logarithms = [
                    Foundation.log(Double.random(in: 0.3...3, using: &random)),
                    Foundation.log(Double.random(in: 1e-4...0.1, using: &random)),
                ]
                for _ in 0..<groupCount {
                    logarithms.append(Double.random(in: Foundation.log(0.1)...Foundation.log(4), using: &random))
                }
            }
            logarithms = zip(logarithms, ranges).map { min(max($0, $1.lowerBound), $1.upperBound) }
            guard let found = ascend(from: logarithms, in: ranges, process) else { continue }
            if found.logLikelihood > best?.logLikelihood ?? -.infinity { best = found }
        }
        return best
    }

    /// Goes up the likelihood by the method of Broyden, Fletcher, Goldfarb and Shanno, within bounds: what lies at a bound and
    /// would go beyond it stays (Bertsekas, “Projected Newton methods”, 1982).
    private static func ascend(
        from start: [Double], in ranges: [ClosedRange<Double>], _ process: ([Double]) -> GaussianProcess?
    ) -> GaussianProcess? {
        let count = start.count
        guard var present = process(start) else { return nil }
        var (x, gradient) = (start, present.gradient)
        var inverse = identity(count)
        for _ in 0..<100 {
            let isFree = (0..<count).map { index in
                !(x[index] <= ranges[index].lowerBound && gradient[index] < 0)
                    && !(x[index] >= ranges[index].upperBound && gradient[index] > 0)
            }
            guard (0..<count).contains(where: { isFree[$0] && gradient[$0].magnitude > 1e-5 }) else { break }
            var direction = (0..<count).map { row in
                isFree[row]
                    ? (0..<count).reduce(0) { $0 + (isFree[$1] ? inverse[row * count + $1] * gradient[$1] : 0) } : 0
            }
            if zip(direction, gradient).reduce(0, { $0 + $1.0 * $1.1 }) <= 0 {
                inverse = identity(count)
                direction = (0..<count).map { isFree[$0] ? gradient[$0] : 0 }
            }
            // No step goes further than a factor of 20, so that one far away from the quadratic is none into the void.
            let longest = direction.map(\.magnitude).max() ?? 0
            var length = min(1, 3 / longest)
            var next: (x: [Double], process: GaussianProcess)?
            while length > 1e-8 {
                let tried = (0..<count).map {
                    min(max(x[$0] + length * direction[$0], ranges[$0].lowerBound), ranges[$0].upperBound)
                }
                let rise = (0..<count).reduce(0) { $0 + gradient[$1] * (tried[$1] - x[$1]) }
                if let found = process(tried), found.logLikelihood >= present.logLikelihood + 1e-4 * rise {
                    next = (tried, found)
                    break
                }
                length *= 0.4
            }
            guard let next, next.process.logLikelihood > present.logLikelihood else { break }
            let following = next.process.gradient
            update(&inverse, step: zip(next.x, x).map { $0 - $1 }, change: zip(gradient, following).map { $0 - $1 })
            (x, present, gradient) = (next.x, next.process, following)
        }
        return present
    }

    private static func identity(_ count: Int) -> [Double] {
        (0..<(count * count)).map { $0 % (count + 1) == 0 ? 1 : 0 }
    }

    /// The method's update of the inverse Hessian of what falls; left out where the slope's change says nothing of it.
    private static func update(_ inverse: inout [Double], step: [Double], change: [Double]) {
        let count = step.count
        let product = zip(step, change).reduce(0) { $0 + $1.0 * $1.1 }
        guard product > 1e-12 else { return }
        let moved = (0..<count).map { row in (0..<count).reduce(0) { $0 + inverse[row * count + $1] * change[$1] } }
        let scale = (1 + zip(change, moved).reduce(0) { $0 + $1.0 * $1.1 } / product) / product
        for i in 0..<count {
            for j in 0..<count {
                inverse[i * count + j] +=
                    scale * step[i] * step[j] - (moved[i] * step[j] + step[i] * moved[j]) / product
            }
        }
    }
}
