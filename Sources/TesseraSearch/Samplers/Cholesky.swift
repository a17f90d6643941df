import Foundation

/// The factor L of a symmetric positive definite matrix, A = L·Lᵀ, in plain loops: for the few hundred rows here, always in the
/// same order, so that a seed chooses the same on every machine.
struct Cholesky {
    let count: Int
    /// Row by row; what is above the diagonal is not read.
    private var factor: [Double]

    /// - Parameter matrix: row by row, of which the lower half is read.
    /// - Returns: `nil` where the matrix is not positive definite.
    init?(_ matrix: [Double], count: Int) {
        self.count = count
        factor = matrix
        let isDefinite = factor.withUnsafeMutableBufferPointer { rows in
            for i in 0..<count {
                for j in 0...i {
                    var sum = rows[i * count + j]
                    for k in 0..<j { sum -= rows[i * count + k] * rows[j * count + k] }
                    if i == j {
                        guard sum > 0, sum.isFinite else { return false }
                        rows[i * count + i] = sum.squareRoot()
                    } else {
                        rows[i * count + j] = sum / rows[j * count + j]
                    }
                }
            }
            return true
        }
        guard isDefinite else { return nil }
    }

    /// The logarithm of the matrix's determinant.
    var logDeterminant: Double {
        var sum = 0.0
        for i in 0..<count { sum += 2 * Foundation.log(factor[i * count + i]) }
        return sum
    }

    /// L⁻¹·b.
    func forward(_ b: [Double]) -> [Double] {
        var x = b
        factor.withUnsafeBufferPointer { rows in
            for i in 0..<count {
                var sum = x[i]
                for k in 0..<i { sum -= rows[i * count + k] * x[k] }
                x[i] = sum / rows[i * count + i]
            }
        }
        return x
    }

    /// A⁻¹·b.
    func solve(_ b: [Double]) -> [Double] {
        var x = forward(b)
        factor.withUnsafeBufferPointer { rows in
            for i in (0..<count).reversed() {
                let value = x[i] / rows[i * count + i]
                x[i] = value
                for k in 0..<i { x[k] -= rows[i * count + k] * value }
            }
        }
        return x
    }

    /// A⁻¹, row by row.
    var inverse: [Double] {
        // M = L⁻¹ is lower triangular; A⁻¹ = Mᵀ·M.
        var lower = [Double](repeating: 0, count: count * count)
        var result = lower
        factor.withUnsafeBufferPointer { rows in
            lower.withUnsafeMutableBufferPointer { lower in
                for i in 0..<count {
                    lower[i * count + i] = 1 / rows[i * count + i]
                    for j in 0..<i {
                        var sum = 0.0
                        for k in j..<i { sum -= rows[i * count + k] * lower[k * count + j] }
                        lower[i * count + j] = sum / rows[i * count + i]
                    }
                }
                result.withUnsafeMutableBufferPointer { result in
                    for k in 0..<count {
                        for i in 0...k {
                            let value = lower[k * count + i]
                            for j in 0...k { result[i * count + j] += value * lower[k * count + j] }
                        }
                    }
                }
            }
        }
        return result
    }
}
