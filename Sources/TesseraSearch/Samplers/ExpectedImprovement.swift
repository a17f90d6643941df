import Foundation

/// By how much a value that is normally distributed is above the best so far, in the mean, where what is below counts nothing:
/// E[max(f - best, 0)] = σ·h(z) with z = (mean - best) / σ and h(z) = φ(z) + z·Φ(z). Jones, Schonlau and Welch, “Efficient Global
/// Optimization of Expensive Black-Box Functions”, 1998, (15).
enum ExpectedImprovement {
    /// Its logarithm, which tells points apart where the improvement itself is too small for a number: Ament et al.,
    /// “Unexpected Improvements to Expected Improvement”, 2023.
    ///
    /// - Returns: -∞ where no improvement is possible.
    static func logarithm(mean: Double, variance: Double, best: Double) -> Double {
        let deviation = variance.squareRoot()
        guard deviation > 0 else { return Foundation.log(max(mean - best, 0)) }
        let z = (mean - best) / deviation
        return Foundation.log(deviation) + logarithmOfH(z)
    }

    private static func logarithmOfH(_ z: Double) -> Double {
        let logDensity = -0.5 * z * z - 0.5 * Foundation.log(2 * Double.pi)
        if z > -1 {
            return Foundation.log(Foundation.exp(logDensity) + z * 0.5 * Foundation.erfc(-z / 2.0.squareRoot()))
        }
        // h(z) = φ(z)·(1 + z·Φ(z)/φ(z)); far out Φ and φ are no numbers any more, but the series of their quotient is.
        guard z > -10 else {
            let square = z * z
            return logDensity - Foundation.log(square)
                + Foundation.log1p((-3 + (15 + (-105 + 945 / square) / square) / square) / square)
        }
        let quotient = 0.5 * Foundation.erfc(-z / 2.0.squareRoot()) / Foundation.exp(logDensity)
        return logDensity + Foundation.log1p(z * quotient)
    }
}
