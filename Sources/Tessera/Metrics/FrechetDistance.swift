import TensorGraph

extension Metric {
    /// How far the distribution of generated examples is from that of real ones, by features that a network makes of both
    /// (Heusel et al., 2017): ``FrechetDistance``.
    ///
    /// Predictions are `[n, features]` of what was generated, targets `[m, features]` of what is real, both of one
    /// floating-point type; all rows of all batches count. ``GraphError`` for more than 16384 features.
    public static let frechetDistance = builtIn("Fréchet distance", into: FrechetDistance()) { generated, real in
        let name = "Fréchet distance"
        guard generated.shape.rank == 2, real.shape.rank == 2, generated.shape[1] == real.shape[1],
            generated.dtype == real.dtype, generated.dtype.isFloatingPoint
        else {
            throw GraphError(
                operation: name, message: "needs features [n, features] of both, of one floating-point type",
                operands: [generated.type, real.type])
        }
        try requireOption(
            generated.shape[1] <= SymmetricMatrix.mostRows,
            "covariances of \(generated.shape[1]) features are too large: \(SymmetricMatrix.mostRows) are the most",
            of: name)
        return [try generated.widened(), try real.widened()]
    }
}

/// The Fréchet distance between two sets of vectors, each taken as normally distributed (Dowson and Landau, 1982):
/// `‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2·(Σ₁ Σ₂)^½)`. 0 for two sets of the same means and covariances, which are those of samples:
/// divided by n - 1, as numpy.cov's. pytorch-fid's `calculate_frechet_distance`.
///
/// Sums, products and eigenvalues are float64. The trace of the root is that of `(Σ₁^½ Σ₂ Σ₁^½)^½`, whose matrix is symmetric, so
/// that singular covariances, as of fewer examples than features, or of a generator that always gives the same, have one too.
public struct FrechetDistance: MetricState {
    /// Means and covariances over what was added.
    private struct Moments {
        var count = 0
        var means: [Double] = []
        /// The sum of the products of deviations from the means.
        var scatter = SymmetricMatrix(rows: 0)

        init() {}

        init(_ rows: [Double], features: Int) {
            count = rows.count / features
            means = Array(repeating: 0, count: features)
            for start in stride(from: 0, to: rows.count, by: features) {
                for feature in 0..<features { means[feature] += rows[start + feature] }
            }
            for feature in 0..<features { means[feature] /= Double(count) }
            var deviations = rows
            for start in stride(from: 0, to: rows.count, by: features) {
                for feature in 0..<features { deviations[start + feature] -= means[feature] }
            }
            scatter = SymmetricMatrix(rows: features)
            scatter.add(1, timesGramOf: deviations)
        }

        /// The moments of both together (Chan, Golub and LeVeque, 1979).
        mutating func merge(_ other: Moments) {
            guard other.count > 0 else { return }
            guard count > 0 else { return self = other }
            let (a, b) = (Double(count), Double(other.count))
            let between = zip(means, other.means).map { $1 - $0 }
            for index in scatter.elements.indices { scatter.elements[index] += other.scatter.elements[index] }
            scatter.add(a * b / (a + b), timesGramOf: between)
            for index in means.indices { means[index] += between[index] * (b / (a + b)) }
            count += other.count
        }

        var covariance: SymmetricMatrix {
            SymmetricMatrix(rows: scatter.rows, scatter.elements.map { $0 / Double(count - 1) })
        }
    }

    private var generated = Moments()
    private var real = Moments()

    public init() {}

    /// Takes features of generated and of real examples, `[n, features]` and `[m, features]`; either may have no rows.
    ///
    /// - Throws: ``GraphError`` where they have not as many features as each other and as those before them, or are too many
    ///   to have covariances in the memory that is free.
    public mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2 else { return }
        let shapes = tensors.map(\.shape)
        let features = shapes[0].dimensions.last ?? 0
        let known = [generated, real].filter { $0.count > 0 }.map(\.means.count)
        guard shapes.allSatisfy({ $0.rank == 2 && $0[1] == features }), known.allSatisfy({ $0 == features }),
            features <= SymmetricMatrix.mostRows
        else {
            throw GraphError(
                operation: "FrechetDistance",
                message: "needs [n, features] of generated and of real examples, as many features as before (\(known)),"
                    + " at most \(SymmetricMatrix.mostRows)", operands: tensors.map(\.type))
        }
        // Two sums, those of a batch, and what the eigenvalues take.
        try HostMemory.require(features * features * 8 * 6, for: "covariances of \(features) features")
        for (place, tensor) in zip([\FrechetDistance.generated, \.real], tensors) where tensor.shape.elementCount > 0 {
            self[keyPath: place].merge(Moments(try tensor.doubles(), features: features))
        }
    }

    public mutating func merge(_ later: FrechetDistance) {
        generated.merge(later.generated)
        real.merge(later.real)
    }

    /// The trace of the real examples' covariance: what the distance is at least of a generator that always gives the same, and
    /// so what it may be measured by. NaN where there are fewer than two.
    public var realVariance: Double { real.count > 1 ? real.covariance.trace : .nan }

    /// NaN where either set has fewer than two examples, or a feature is no finite number.
    public var value: Double {
        guard generated.count > 1, real.count > 1, generated.means.count == real.means.count else { return .nan }
        let (first, second) = (generated.covariance, real.covariance)
        guard first.isFinite, second.isFinite, (generated.means + real.means).allSatisfy(\.isFinite),
            let root = first.squareRoot(), let values = second.multiplied(onBothSidesBy: root).eigenvalues()
        else { return .nan }
        let between = zip(generated.means, real.means).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let shared = values.reduce(0.0) { $0 + max($1, 0).squareRoot() }
        // Of equal sets, rounding may leave less than 0.
        return max(between + first.trace + second.trace - 2 * shared, 0)
    }
}
