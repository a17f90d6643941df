import TensorGraph

extension Reference {
    package func sort(_ attributes: Sort) throws -> [[Double]] {
        var (values, indices): ([Double], [Double]) = ([], [])
        for row in rows(0) {
            /// Whether one must come before another.
            func precedes(_ a: Double, _ b: Double) -> Bool {
                let (a, b) = attributes.isDescending ? (b, a) : (a, b)
                return !a.isNaN && (b.isNaN || a < b)
            }
            let order = row.indices.sorted { a, b in
                precedes(row[a], row[b]) || (!precedes(row[b], row[a]) && a < b)
            }
            values += order.prefix(attributes.count).map { row[$0] }
            indices += order.prefix(attributes.count).map(Double.init)
        }
        return [values, indices]
    }
}
