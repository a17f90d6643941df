import TensorGraph

extension Reference {
    package func reduce(_ attributes: Reduce) throws -> [[Double]] {
        let (outer, reduced, inner) = attributes.extents(shape(0))
        let elements = elements(0)
        var result: [Double] = []
        for o in 0..<outer {
            for i in 0..<inner {
                let values = (0..<reduced).map { elements[(o * reduced + $0) * inner + i] }
                switch attributes.function {
                case .sum: result.append(values.reduce(0, +))
                case .mean: result.append(values.reduce(0, +) / Double(reduced))
                case .product: result.append(values.reduce(1, *))
                case .minimum: result.append(values.dropFirst().reduce(values[0]) { BinaryFunction.minimum($0, $1) })
                case .maximum: result.append(values.dropFirst().reduce(values[0]) { BinaryFunction.maximum($0, $1) })
                }
            }
        }
        return [result]
    }

    package func argMax() throws -> [[Double]] {
        [
            rows(0).map { row in
                var best = 0
                for (index, value) in row.enumerated() where value > row[best] || (value.isNaN && !row[best].isNaN) {
                    best = index
                }
                return Double(best)
            }
        ]
    }

    /// The rows of operand `index`: its last axis.
    func rows(_ index: Int) -> [[Double]] {
        let (elements, width) = (elements(index), shape(index)[shape(index).rank - 1])
        return stride(from: 0, to: elements.count, by: max(width, 1)).map { Array(elements[$0..<($0 + width)]) }
    }
}
