/// Rows of text in columns as wide as their widest cell, two spaces apart.
///
/// - Parameter isRight: of each column, whether its cells stand at the right.
package func aligned(_ rows: [[String]], isRight: [Bool]) -> [String] {
    let widths = isRight.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        var line = ""
        for (column, cell) in row.enumerated() {
            let space = String(repeating: " ", count: widths[column] - cell.count)
            line += (column == 0 ? "" : "  ") + (isRight[column] ? space + cell : cell + space)
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
