import Tessera

/// A confusion matrix as a picture: a row for each label, whose cells are the darker the more of its examples were taken for the
/// column's class.
struct ConfusionPicture {
    let matrix: ConfusionMatrix
    /// The names of the classes.
    let names: [String]
    /// The classes to show, in this order.
    let shown: [Int]

    var svg: String {
        let (cell, margin) = (36, 110)
        let side = margin + cell * shown.count
        var parts: [String] = []
        for (row, label) in shown.enumerated() {
            let y = margin + row * cell
            parts.append(text(names[label], x: margin - 8, y: y + cell / 2 + 4, anchor: "end"))
            let total = (0..<names.count).reduce(0) { $0 + matrix[label: label, predicted: $1] }
            for (column, predicted) in shown.enumerated() {
                let share = total > 0 ? Double(matrix[label: label, predicted: predicted]) / Double(total) : 0
                let x = margin + column * cell
                parts.append(
                    "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(cell - 1)\" height=\"\(cell - 1)\" fill=\"#2f6fb5\" "
                        + "fill-opacity=\"\((0.04 + 0.96 * share).formatted(decimals: 3))\"/>")
                guard share >= 0.005 else { continue }
                parts.append(
                    text(
                        (100 * share).formatted(decimals: 0), x: x + cell / 2, y: y + cell / 2 + 4, anchor: "middle",
                        colour: share > 0.5 ? "#fff" : "#555"))
            }
        }
        for (column, predicted) in shown.enumerated() {
            let x = margin + column * cell + cell / 2 + 4
            parts.append(
                text(names[predicted], x: x, y: margin - 8, anchor: "start", turn: "rotate(-60 \(x) \(margin - 8))"))
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side + 40) \(side + 10)" width="\(side + 40)" \
            height="\(side + 10)" font-family="system-ui, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#fff"/>
            \(parts.joined(separator: "\n"))
            </svg>

            """
    }

    private func text(
        _ text: String, x: Int, y: Int, anchor: String, colour: String = "#333", turn: String? = nil
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        let transform = turn.map { " transform=\"\($0)\"" } ?? ""
        return "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\" fill=\"\(colour)\"\(transform)>\(escaped)</text>"
    }
}

extension ExampleResults {
    /// Adds a confusion matrix as a picture.
    ///
    /// - Parameters:
    ///   - names: of the classes.
    ///   - limit: the most classes to show, those with most examples.
    public func addConfusion(_ name: String, _ matrix: ConfusionMatrix, names: [String], limit: Int = 20) throws {
        let counts = names.indices.map { label in
            names.indices.reduce(0) { $0 + matrix[label: label, predicted: $1] }
        }
        let shown = names.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }.prefix(limit).sorted()
        try addPicture(name, svg: ConfusionPicture(matrix: matrix, names: names, shown: shown).svg)
    }
}
