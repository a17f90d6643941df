import Foundation
import Tessera

/// Points and lines in a frame whose axes are numbers or a parameter's values, as SVG that follows the style of ``HTMLPage``.
struct SearchChart {
    /// What runs along a side of the frame.
    enum Axis {
        /// From below the least to above the greatest, at round numbers.
        case numbers([Double])
        /// Positions of a parameter's values.
        case parameter(SearchParameter)
    }

    enum Colour: String {
        case complete = "#2f6fb5"
        case best = "#1f8a70"
        case pruned = "#d1601a"
    }

    /// Where an axis has text.
    private struct Ticks {
        var places: [(place: Double, text: String)]
        var ends: ClosedRange<Double>

        init(_ axis: Axis) {
            switch axis {
            case .numbers(let numbers):
                let ticks = CurveChart.ticks(numbers.filter(\.isFinite))
                places = ticks.map { ($0, CurveChart.label($0)) }
                ends = (ticks.first ?? 0)...max(ticks.last ?? 1, ticks.first ?? 0)
            case .parameter(let parameter):
                ends = 0...1
                let count = parameter.count ?? .max
                if case .categories(let categories) = parameter.domain, count > 12 {
                    places = [(0, categories[0]), (1, categories[count - 1])]
                } else if count <= 12, parameter.count != nil {
                    // The middle of each value's part; where the parts are unequal, several fall on one.
                    var values: [ParameterValue] = []
                    for step in 0..<200 {
                        let value = parameter.value(at: (Double(step) + 0.5) / 200)
                        if values.last != value { values.append(value) }
                    }
                    places = values.map { (parameter.position(of: $0) ?? 0.5, $0.description) }
                } else {
                    places = stride(from: 0, through: 1, by: 0.25).map { ($0, parameter.value(at: $0).description) }
                }
            }
        }

        /// Where a number lies between the ends.
        func share(_ number: Double) -> Double {
            let width = ends.upperBound - ends.lowerBound
            return width > 0 ? (number - ends.lowerBound) / width : 0.5
        }
    }

    private static let (width, height) = (560.0, 300.0)
    private static let (left, right, top, bottom) = (62.0, 544.0, 34.0, 262.0)

    let title: String
    private let xTitle: String
    private let (x, y): (Ticks, Ticks)
    private var parts: [String] = []
    var legend: [(String, Colour)] = []

    init(title: String, x: Axis, y: Axis, xTitle: String) {
        (self.title, self.xTitle) = (title, xTitle)
        (self.x, self.y) = (Ticks(x), Ticks(y))
    }

    private func place(_ point: (Double, Double)) -> (x: Double, y: Double) {
        (
            Self.left + x.share(point.0) * (Self.right - Self.left),
            Self.bottom - y.share(point.1) * (Self.bottom - Self.top)
        )
    }

    mutating func line(_ points: [(Double, Double)], _ colour: Colour, width: Double, opacity: Double = 1) {
        let places = points.map { place($0) }.map { "\(CurveChart.number($0.x)),\(CurveChart.number($0.y))" }
        parts.append(
            "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" style=\"stroke:\(colour.rawValue)\""
                + " stroke-width=\"\(width)\" stroke-opacity=\"\(opacity)\" stroke-linejoin=\"round\"/>")
    }

    /// - Parameter summary: what a browser shows over it.
    mutating func dot(
        _ x: Double, _ y: Double, isFilled: Bool, _ summary: String, _ colour: Colour = .complete, opacity: Double = 1
    ) {
        let place = place((x, y))
        parts.append(
            "<circle cx=\"\(CurveChart.number(place.x))\" cy=\"\(CurveChart.number(place.y))\" r=\"4\" style=\"fill:"
                + "\(isFilled ? colour.rawValue : "var(--card)");stroke:\(colour.rawValue)\" opacity=\""
                + "\(String(format: "%.2f", opacity))\"><title>\(HTMLPage.escaped(summary))</title></circle>")
    }

    var svg: String {
        var frame: [String] = []
        for tick in y.places {
            let y = place((0, tick.place)).y
            frame.append(CurveChart.rule(Self.left, y, Self.right, y))
            frame.append(CurveChart.text(tick.text, Self.left - 7, y + 4, anchor: "end"))
        }
        for tick in x.places {
            let x = place((tick.place, 0)).x
            frame.append(CurveChart.rule(x, Self.bottom, x, Self.bottom + 4))
            frame.append(CurveChart.text(tick.text, x, Self.bottom + 18, anchor: "middle"))
        }
        frame.append(CurveChart.text(xTitle, Self.right, Self.bottom + 33, anchor: "end"))
        frame.append(CurveChart.text(title, 14, Self.top - 14, colour: "var(--ink)"))
        var end = Self.right
        for (name, colour) in legend.reversed() {
            frame.append(CurveChart.text(name, end, Self.top - 14, anchor: "end", colour: colour.rawValue))
            end -= Double(name.count) * 7 + 14
        }
        return Self.picture(title, Self.width, Self.height, frame + parts)
    }

    private static func picture(_ title: String, _ width: Double, _ height: Double, _ parts: [String]) -> String {
        ([
            "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(HTMLPage.escaped(title))\""
                + " font-family=\"system-ui, sans-serif\" font-size=\"12\">",
            "<rect width=\"\(Int(width))\" height=\"\(Int(height))\" rx=\"8\" style=\"fill:var(--card)\"/>",
        ] + parts + ["</svg>"]).joined(separator: "\n")
    }

    // MARK: Other charts

    /// Shares as bars, one below the other.
    static func bars(title: String, _ shares: [(name: String, share: Double)]) -> String {
        let step = min(34, (bottom - top) / Double(max(shares.count, 1)))
        var parts = [CurveChart.text(title, 14, top - 14, colour: "var(--ink)")]
        for (index, (name, share)) in shares.enumerated() {
            let y = top + step * Double(index)
            let length = max(0, min(share, 1)) * 300
            parts.append(CurveChart.text(name, 178, y + step / 2 + 4, anchor: "end"))
            parts.append(
                "<rect x=\"186\" y=\"\(CurveChart.number(y + step * 0.15))\" width=\"\(CurveChart.number(length))\""
                    + " height=\"\(CurveChart.number(step * 0.7))\" rx=\"3\" style=\"fill:\(Colour.complete.rawValue)\"/>"
            )
            let percent = String(format: "%.0f %%", share * 100)
            parts.append(CurveChart.text(percent, 194 + length, y + step / 2 + 4))
        }
        return picture(title, width, height, parts)
    }

    /// An axis for each name, from the bottom up, and lines through all of them; a line is left out beside an axis on which it
    /// has no place.
    static func parallel(
        _ names: [String], _ axes: [Axis], _ lines: [(places: [Double?], strength: Double, title: String)]
    ) -> String {
        let (width, height, top, bottom) = (1180.0, 360.0, 44.0, 330.0)
        let ticks = axes.map { Ticks($0) }
        let step = (width - 160) / Double(max(axes.count - 1, 1))
        func place(_ axis: Int, _ value: Double) -> String {
            let y = bottom - ticks[axis].share(value) * (bottom - top)
            return "\(CurveChart.number(80 + step * Double(axis))),\(CurveChart.number(y))"
        }
        var parts: [String] = []
        // The best on top.
        for line in lines.sorted(by: { $0.strength < $1.strength }) {
            var runs: [[String]] = [[]]
            for (axis, value) in line.places.enumerated() {
                if let value { runs[runs.count - 1].append(place(axis, value)) } else { runs.append([]) }
            }
            let (colour, opacity) = line.strength > 0.8 ? (Colour.best, 0.9) : (.complete, 0.12 + 0.4 * line.strength)
            for run in runs where run.count > 1 {
                parts.append(
                    "<polyline points=\"\(run.joined(separator: " "))\" fill=\"none\" style=\"stroke:\(colour.rawValue)\""
                        + " stroke-width=\"1.6\" stroke-opacity=\"\(String(format: "%.2f", opacity))\"><title>"
                        + "\(HTMLPage.escaped(line.title))</title></polyline>")
            }
        }
        for (axis, name) in names.enumerated() {
            let x = 80 + step * Double(axis)
            parts.append(CurveChart.rule(x, top, x, bottom))
            parts.append(CurveChart.text(name, x, top - 18, anchor: "middle", colour: "var(--ink)"))
            for tick in ticks[axis].places {
                let y = bottom - ticks[axis].share(tick.place) * (bottom - top)
                parts.append(CurveChart.text(tick.text, x + 5, y + 4))
            }
        }
        return picture("parameters side by side", width, height, parts)
    }
}
