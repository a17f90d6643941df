import TensorGraph

extension Reference {
    package func embedding() throws -> [[Double]] {
        let (table, rows, width) = (elements(0), shape(0)[0], shape(0)[1])
        return [
            elements(1).flatMap { index in
                (0..<rows).contains(Int(index))
                    ? Array(table[(Int(index) * width)..<((Int(index) + 1) * width)])
                    : [Double](repeating: .nan, count: width)
            }
        ]
    }

    package func embeddingGradient(_ attributes: EmbeddingGradient) throws -> [[Double]] {
        let (dy, width) = (elements(1), resultTypes[0].shape[1])
        var dtable = [Double](repeating: 0, count: attributes.rows * width)
        for (place, index) in elements(0).enumerated() where (0..<attributes.rows).contains(Int(index)) {
            for column in 0..<width { dtable[Int(index) * width + column] += dy[place * width + column] }
        }
        return [dtable]
    }
}
