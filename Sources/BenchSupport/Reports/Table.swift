import Foundation

/// Rows of text in columns that line up, printed one by one as they come.
package struct Table {
    package struct Column {
        package var title: String
        package var width: Int
        package var isRight: Bool

        package init(_ title: String, width: Int, isRight: Bool = true) {
            self.title = title
            self.width = max(width, title.count)
            self.isRight = isRight
        }
    }

    package enum Colour: String {
        case good = "32"
        case bad = "31"
        case strong = "1"
        case faint = "2"
    }

    package let columns: [Column]
    package let isColoured: Bool

    package init(_ columns: [Column], isColoured: Bool) {
        self.columns = columns
        self.isColoured = isColoured
    }

    package func paint(_ text: String, _ colour: Colour) -> String {
        isColoured ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    package var header: String { line(columns.map(\.title), colours: columns.map { _ in .strong }) }

    /// - Parameter colours: of the cells, `nil` for the terminal's own.
    package func line(_ cells: [String], colours: [Colour?] = []) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            let column = columns[index]
            let space = String(repeating: " ", count: max(0, column.width - cell.count))
            let colour = index < colours.count ? colours[index] : nil
            let painted = colour.map { paint(cell, $0) } ?? cell
            text += (index == 0 ? "" : "  ") + (column.isRight ? space + painted : painted + space)
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}

extension Table {
    /// The table of a run.
    package static func results(_ cases: [BenchCase], _ devices: [String], isColoured: Bool) -> Table {
        Table(
            [
                Column("case", width: cases.map(\.text.count).max() ?? 0, isRight: false),
                Column("pass", width: 6, isRight: false),
                Column("device", width: devices.map(\.count).max() ?? 0, isRight: false),
                Column("ms", width: 8), Column("min ms", width: 8), Column("GFLOPS", width: 7),
                Column("of peak", width: 7),
                Column("to cpu", width: 7), Column("error", width: 8), Column("parity", width: 6, isRight: false),
            ], isColoured: isColoured)
    }

    package func line(_ row: BenchRow) -> String {
        line(
            [
                row.benchCase, row.pass, row.device, Figure.number(row.ms), Figure.number(row.minimumMs),
                Figure.number(row.gflops), Figure.percent(row.peakShare), Figure.ratio(row.speedup),
                Figure.scientific(row.error), row.parity.cell,
            ],
            colours: [
                nil, .faint, nil, .strong, nil, nil, nil, row.speedup.map { $0 >= 1 ? .good : nil } ?? nil, nil,
                row.parity.hasFailed ? .bad : row.parity == .ok ? .good : .faint,
            ])
    }
}
