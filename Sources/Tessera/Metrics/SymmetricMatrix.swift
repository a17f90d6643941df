internal import COpenBLAS

/// A square symmetric matrix of float64, row-major, for what metrics compute on the host.
struct SymmetricMatrix {
    /// The most rows it may have, so that LAPACK's 32-bit indices reach every element.
    static let mostRows = 16384

    let rows: Int
    var elements: [Double]

    init(rows: Int) {
        self.rows = rows
        elements = Array(repeating: 0, count: rows * rows)
    }

    init(rows: Int, _ elements: [Double]) { (self.rows, self.elements) = (rows, elements) }

    var isFinite: Bool { elements.allSatisfy(\.isFinite) }

    var trace: Double { (0..<rows).reduce(0.0) { $0 + elements[$1 * (rows + 1)] } }

    /// Adds `share` times the products of all pairs of columns of a matrix `[count, rows]`: `share · xᵀ x`.
    mutating func add(_ share: Double, timesGramOf x: [Double]) {
        guard rows > 0, !x.isEmpty else { return }
        cblas_dgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(rows), Int32(rows), Int32(x.count / rows), share, x,
            Int32(rows), x, Int32(rows), 1, &elements, Int32(rows))
    }

    /// The product with two matrices of the same size, `left · self · left`, which is symmetric where `left` is.
    func multiplied(onBothSidesBy left: SymmetricMatrix) -> SymmetricMatrix {
        let half = Self.product(left.elements, elements, rows)
        return SymmetricMatrix(rows: rows, Self.product(half, left.elements, rows))
    }

    /// The square root of a matrix without negative eigenvalues; those below 0, which are so by rounding, count as 0.
    ///
    /// - Returns: `nil` where LAPACK finds no eigenvalues.
    func squareRoot() -> SymmetricMatrix? {
        guard let (values, vectors) = eigen(wantsVectors: true) else { return nil }
        // The rows of `vectors` are the eigenvectors: √A = Vᵀ √Λ V.
        var scaled = vectors
        for row in 0..<rows {
            let root = max(values[row], 0).squareRoot().squareRoot()
            for column in 0..<rows { scaled[row * rows + column] *= root }
        }
        var result = SymmetricMatrix(rows: rows)
        result.add(1, timesGramOf: scaled)
        return result
    }

    /// The eigenvalues from the least to the greatest.
    ///
    /// - Returns: `nil` where LAPACK finds none.
    func eigenvalues() -> [Double]? { eigen(wantsVectors: false)?.values }

    private func eigen(wantsVectors: Bool) -> (values: [Double], vectors: [Double])? {
        guard rows > 0 else { return ([], []) }
        var (matrix, values) = (elements, [Double](repeating: 0, count: rows))
        // How much room it wants is asked for first.
        var (work, integers) = ([0.0], [Int32(0)])
        var information = Int32(0)
        func solve(_ room: Int32, _ integerRoom: Int32) {
            var (count, room, integerRoom) = (Int32(rows), room, integerRoom)
            dsyevd_(
                wantsVectors ? "V" : "N", "U", &count, &matrix, &count, &values, &work, &room, &integers, &integerRoom,
                &information)
        }
        solve(-1, -1)
        guard information == 0, let room = Int32(exactly: work[0].rounded(.up)) else { return nil }
        let integerRoom = integers[0]
        work = Array(repeating: 0, count: Int(room))
        integers = Array(repeating: 0, count: Int(integerRoom))
        solve(room, integerRoom)
        guard information == 0 else { return nil }
        return (values, matrix)
    }

    private static func product(_ a: [Double], _ b: [Double], _ rows: Int) -> [Double] {
        var result = [Double](repeating: 0, count: a.count)
        guard rows > 0 else { return result }
        let n = Int32(rows)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, &result, n)
        return result
    }
}
