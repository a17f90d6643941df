import Foundation
import Tessera

/// The colours of a picture: those of the page around it, or of its own where it is a file.
package struct ChartStyle: Hashable, Sendable {
    var ink: String
    var faint: String
    var grid: String
    var paper: String

    /// Follows the style sheet of ``HTMLPage``, light or dark.
    package static let page = ChartStyle(
        ink: "var(--ink)", faint: "var(--faint)", grid: "var(--line)", paper: "var(--card)")
    package static let file = ChartStyle(ink: "#1d2530", faint: "#5b6673", grid: "#e3e0d8", paper: "#ffffff")

    static let series = ["#2f6fb5", "#d1601a", "#1f8a70", "#7a4fb0", "#b83280", "#a8871a"]
}

/// A rectangle with two logarithmic axes, as pieces of SVG.
struct LogLogPanel {
    var left: Double
    var top: Double
    var width: Double
    var height: Double
    /// In powers of ten.
    var xRange: ClosedRange<Double>
    var yRange: ClosedRange<Double>
    var style: ChartStyle

    var right: Double { left + width }
    var bottom: Double { top + height }

    func x(_ value: Double) -> Double { left + Self.share(value, xRange) * width }
    func y(_ value: Double) -> Double { bottom - Self.share(value, yRange) * height }

    private static func share(_ value: Double, _ range: ClosedRange<Double>) -> Double {
        (Foundation.log10(value) - range.lowerBound) / (range.upperBound - range.lowerBound)
    }

    /// Whole powers of ten around the values.
    static func decades(_ values: [Double]) -> ClosedRange<Double> {
        let logarithms = values.filter { $0 > 0 && $0.isFinite }.map { Foundation.log10($0) }
        let lowest = (logarithms.min() ?? 0).rounded(.down)
        return lowest...max((logarithms.max() ?? 1).rounded(.up), lowest + 1)
    }

    /// The values' own range with a little room at both ends, in powers of ten.
    static func around(_ values: [Double], room: Double = 0.06) -> ClosedRange<Double> {
        let logarithms = values.filter { $0 > 0 && $0.isFinite }.map { Foundation.log10($0) }
        let (lowest, highest) = (logarithms.min() ?? 0, logarithms.max() ?? 1)
        let margin = max((highest - lowest) * room, 0.05)
        return (lowest - margin)...(highest + margin)
    }

    // MARK: Pieces

    /// The frame's lines and numbers, and what the axes are.
    ///
    /// - Parameter xTicks: where to put numbers below; whole powers of ten where left out.
    func axes(xTitle: String?, yTitle: String, xTicks: [Double]? = nil) -> [String] {
        var parts: [String] = []
        let verticals = xTicks ?? Self.powers(xRange)
        for tick in verticals where Self.isInside(tick, xRange) {
            parts.append(line((x(tick), top), (x(tick), bottom), style.grid, width: 1))
            if xTitle != nil { parts.append(text(Self.label(tick), x(tick), bottom + 17, anchor: "middle")) }
        }
        for tick in Self.yTicks(yRange) where Self.isInside(tick, yRange) {
            parts.append(line((left, y(tick)), (right, y(tick)), style.grid, width: 1))
            parts.append(text(Self.label(tick), left - 7, y(tick) + 4, anchor: "end"))
        }
        parts.append(
            "<rect x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(width))\" "
                + "height=\"\(Self.number(height))\" fill=\"none\" style=\"stroke:\(style.faint)\" stroke-opacity=\".6\"/>"
        )
        parts.append(text(yTitle, left, top - 8))
        if let xTitle { parts.append(text(xTitle, right, bottom + 35, anchor: "end")) }
        return parts
    }

    func text(
        _ text: String, _ x: Double, _ y: Double, anchor: String = "start", size: Double = 12, isStrong: Bool = false,
        colour: String? = nil
    ) -> String {
        "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(Self.number(size))\""
            + (isStrong ? " font-weight=\"600\"" : "")
            + " style=\"fill:\(colour ?? (isStrong ? style.ink : style.faint))\">\(HTMLPage.escaped(text))</text>"
    }

    func line(
        _ start: (Double, Double), _ end: (Double, Double), _ colour: String, width: Double, dash: String? = nil
    ) -> String {
        "<line x1=\"\(Self.number(start.0))\" y1=\"\(Self.number(start.1))\" x2=\"\(Self.number(end.0))\" "
            + "y2=\"\(Self.number(end.1))\" style=\"stroke:\(colour)\" stroke-width=\"\(Self.number(width))\""
            + (dash.map { " stroke-dasharray=\"\($0)\"" } ?? "") + "/>"
    }

    /// A line through points given as values, cut off at the frame.
    func curve(_ points: [(Double, Double)], _ colour: String, width: Double, dash: String? = nil) -> String {
        let places = points.map { "\(Self.number(x($0.0))),\(Self.number(min(max(y($0.1), top), bottom)))" }
        return "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" style=\"stroke:\(colour)\" "
            + "stroke-width=\"\(Self.number(width))\" stroke-linejoin=\"round\""
            + (dash.map { " stroke-dasharray=\"\($0)\"" } ?? "") + "/>"
    }

    /// A point with a text that a browser shows over it.
    func dot(_ place: (Double, Double), _ colour: String, isFilled: Bool = true, _ title: String) -> String {
        "<circle cx=\"\(Self.number(x(place.0)))\" cy=\"\(Self.number(y(place.1)))\" r=\"4\" "
            + "style=\"fill:\(isFilled ? colour : style.paper);stroke:\(colour)\" stroke-width=\"1.8\">"
            + "<title>\(HTMLPage.escaped(title))</title></circle>"
    }

    // MARK: Ticks

    private static func isInside(_ value: Double, _ range: ClosedRange<Double>) -> Bool {
        let logarithm = Foundation.log10(value)
        return logarithm >= range.lowerBound - 1e-9 && logarithm <= range.upperBound + 1e-9
    }

    private static func powers(_ range: ClosedRange<Double>) -> [Double] {
        (Int(range.lowerBound.rounded(.up))...Int(max(range.upperBound, range.lowerBound + 1).rounded(.down))).map {
            Foundation.pow(10, Double($0))
        }
    }

    /// Powers of ten, with more between them where there are few.
    private static func yTicks(_ range: ClosedRange<Double>) -> [Double] {
        let span = range.upperBound - range.lowerBound
        let steps: [Double] = span > 2.6 ? [1] : span > 0.8 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 8]
        let first = Int(range.lowerBound.rounded(.down))
        return (first...Int(range.upperBound.rounded(.up))).flatMap { power in
            steps.map { $0 * Foundation.pow(10, Double(power)) }
        }
    }

    private static func label(_ value: Double) -> String {
        switch value {
        case 1e6...: String(format: "%g", value)
        case 1...: Figure.fixed(value, 0)
        default: String(format: "%g", value)
        }
    }

    static func number(_ value: Double) -> String {
        let text = Figure.fixed(value, 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// A whole picture.
struct SVGPicture {
    var width: Double
    var height: Double
    var label: String
    var style: ChartStyle
    var parts: [String] = []

    var text: String {
        let size = "viewBox=\"0 0 \(Int(width)) \(Int(height))\""
        let head =
            style == .file
            ? "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(width))\" height=\"\(Int(height))\" \(size) "
            : "<svg \(size) "
        return
            ([
                head
                    + "role=\"img\" aria-label=\"\(HTMLPage.escaped(label))\" font-family=\"system-ui, sans-serif\">",
                "<rect width=\"\(Int(width))\" height=\"\(Int(height))\" rx=\"8\" style=\"fill:\(style.paper)\"/>",
            ] + parts + ["</svg>"]).joined(separator: "\n")
    }
}
