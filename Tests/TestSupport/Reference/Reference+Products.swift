import TensorGraph

extension Reference {
    package func matMul(_ attributes: MatMul) throws -> [[Double]] {
        let (aShape, bShape) = (shape(0), shape(1))
        let (rank, bRank) = (aShape.rank, bShape.rank)
        let batches = Shape(Array(resultTypes[0].shape.dimensions.dropLast(2))).indices
        /// The number of the entry of a shape that an index of the result's batch axes reads.
        func entry(_ index: [Int], _ shape: Shape) -> Int {
            let extents = shape.dimensions.dropLast(2)
            return zip(index.suffix(extents.count), extents).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
        }
        let m = attributes.transposeA ? aShape[rank - 1] : aShape[rank - 2]
        let k = attributes.transposeA ? aShape[rank - 2] : aShape[rank - 1]
        let n = attributes.transposeB ? bShape[bRank - 2] : bShape[bRank - 1]
        let (a, b) = (elements(0), elements(1))
        var y = [Double](repeating: 0, count: batches.count * m * n)
        for (number, index) in batches.enumerated() {
            let (aStart, bStart) = (entry(index, aShape) * m * k, entry(index, bShape) * k * n)
            for i in 0..<m {
                for j in 0..<n {
                    var sum = 0.0
                    for l in 0..<k {
                        sum +=
                            a[aStart + (attributes.transposeA ? l * m + i : i * k + l)]
                            * b[bStart + (attributes.transposeB ? j * k + l : l * n + j)]
                    }
                    if operands.count == 3 { sum += elements(2)[j] }
                    y[(number * m + i) * n + j] = attributes.activation?(sum) ?? sum
                }
            }
        }
        return [y]
    }
}
