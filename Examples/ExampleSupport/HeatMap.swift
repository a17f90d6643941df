import Tessera

/// Rows of numbers from 0 to 1 as squares of a drawing, with a text for each row and column: how much the tokens of one
/// sequence take of those of another.
public struct HeatMap {
    public var rows: [String]
    public var columns: [String]
    public var values: [[Float]]

    public init(rows: [String], columns: [String], values: [[Float]]) {
        (self.rows, self.columns, self.values) = (rows, columns, values)
    }

    /// The drawing.
    public var svg: String {
        let (cell, margin, size) = (28, 120, 12)
        let (width, height) = (margin + columns.count * cell + 20, margin + rows.count * cell + 20)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "font-family=\"sans-serif\" font-size=\"\(size)\" fill=\"#333\">",
            "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#fff\"/>",
        ]
        for (column, text) in columns.enumerated() {
            let (x, y) = (margin + column * cell + cell / 2, margin - 6)
            lines.append(
                "<text x=\"\(x)\" y=\"\(y)\" transform=\"rotate(-60 \(x) \(y))\">\(HTMLPage.escaped(text))</text>")
        }
        for (row, (text, numbers)) in zip(rows, values).enumerated() {
            let y = margin + row * cell
            lines.append(
                "<text x=\"\(margin - 6)\" y=\"\(y + cell / 2 + 4)\" text-anchor=\"end\">\(HTMLPage.escaped(text))</text>"
            )
            for (column, number) in numbers.prefix(columns.count).enumerated() {
                let shade = 255 - Int((min(max(number, 0), 1) * 220).rounded())
                lines.append(
                    "<rect x=\"\(margin + column * cell)\" y=\"\(y)\" width=\"\(cell - 1)\" height=\"\(cell - 1)\" "
                        + "fill=\"rgb(\(shade),\(shade),255)\"/>")
            }
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }
}
