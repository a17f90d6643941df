import Foundation

/// Numbers over steps, thinned out so that a long training takes no more memory than a short one: each point is the mean of as
/// many numbers as all others.
package struct Curve: Sendable {
    /// An even number.
    private static let limit = 600

    package private(set) var points: [(step: Double, value: Double)] = []
    private var width = 1
    private var (sum, count) = (0.0, 0)

    package init() {}

    package mutating func add(_ value: Double, step: Int) {
        sum += value
        count += 1
        guard count == width else { return }
        points.append((Double(step), sum / Double(count)))
        (sum, count) = (0, 0)
        guard points.count == Self.limit else { return }
        width *= 2
        points = stride(from: 0, to: points.count, by: 2).map {
            (points[$0 + 1].step, (points[$0].value + points[$0 + 1].value) / 2)
        }
    }
}

/// Curves in a frame, as SVG that follows the style of ``HTMLPage``.
package struct CurveChart {
    package struct Line {
        package var name: String
        package var colour: String
        package var points: [(step: Double, value: Double)]
        package var isFaint: Bool

        package init(name: String, colour: String, points: [(step: Double, value: Double)], isFaint: Bool = false) {
            (self.name, self.colour, self.points, self.isFaint) = (name, colour, points, isFaint)
        }
    }

    package var title: String
    package var lines: [Line]

    package init(title: String, lines: [Line]) {
        (self.title, self.lines) = (title, lines)
    }

    private static let (width, height) = (560.0, 300.0)
    private static let (left, right, top, bottom) = (58.0, 548.0, 34.0, 266.0)

    package var svg: String {
        let points = lines.flatMap(\.points).filter { $0.value.isFinite }
        let xs = Self.ticks(points.map(\.step))
        let ys = Self.ticks(points.map(\.value))
        func x(_ step: Double) -> Double { Self.left + Self.share(step, xs) * (Self.right - Self.left) }
        func y(_ value: Double) -> Double { Self.bottom - Self.share(value, ys) * (Self.bottom - Self.top) }
        var parts = [
            "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(HTMLPage.escaped(title))\""
                + " font-family=\"system-ui, sans-serif\" font-size=\"12\">",
            "<rect width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\" rx=\"8\" style=\"fill:var(--card)\"/>",
        ]
        for tick in ys {
            parts.append(Self.rule(Self.left, y(tick), Self.right, y(tick)))
            parts.append(Self.text(Self.label(tick), Self.left - 7, y(tick) + 4, anchor: "end"))
        }
        for tick in xs {
            parts.append(Self.rule(x(tick), Self.bottom, x(tick), Self.bottom + 4))
            parts.append(Self.text(Self.label(tick), x(tick), Self.bottom + 18, anchor: "middle"))
        }
        var place = Self.right
        for line in lines.reversed() where !line.points.isEmpty {
            parts.append(Self.text(line.name, place, Self.top - 14, anchor: "end", colour: line.colour))
            place -= Double(line.name.count) * 7 + 14
        }
        parts.append(Self.text(title, 14, Self.top - 14, colour: "var(--ink)"))
        for line in lines {
            // A number that is not finite parts the line.
            for run in line.points.split(whereSeparator: { !$0.value.isFinite }) {
                let places = run.map { "\(Self.number(x($0.step))),\(Self.number(y($0.value)))" }
                parts.append(
                    "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" style=\"stroke:\(line.colour)\""
                        + " stroke-width=\"\(line.isFaint ? 1 : 2)\" stroke-opacity=\"\(line.isFaint ? 0.45 : 1)\""
                        + " stroke-linejoin=\"round\"/>")
                guard !line.isFaint, run.count <= 60 else { continue }
                parts += run.map {
                    "<circle cx=\"\(Self.number(x($0.step)))\" cy=\"\(Self.number(y($0.value)))\" r=\"3\""
                        + " style=\"fill:\(line.colour)\"><title>step \(Self.label($0.step)): \(Self.label($0.value))</title>"
                        + "</circle>"
                }
            }
        }
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    // MARK: Pieces

    package static func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\""
            + " style=\"stroke:var(--line)\"/>"
    }

    package static func text(
        _ text: String, _ x: Double, _ y: Double, anchor: String = "start", colour: String = "var(--faint)"
    ) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" style=\"fill:\(colour)\">"
            + "\(HTMLPage.escaped(text))</text>"
    }

    package static func number(_ value: Double) -> String { decimal(value, 1) }

    package static func label(_ value: Double) -> String { String(format: "%.6g", value) }

    // MARK: Axes

    /// Where a value lies between the first and the last tick.
    private static func share(_ value: Double, _ ticks: [Double]) -> Double {
        guard let first = ticks.first, let last = ticks.last, last > first else { return 0 }
        return (value - first) / (last - first)
    }

    /// At most eight round numbers from below the least value to above the greatest.
    package static func ticks(_ values: [Double]) -> [Double] {
        let least = values.min() ?? 0
        var greatest = values.max() ?? 1
        // Of one value alone, and where the two are so near that no number is between them.
        if !(greatest - least > max(greatest.magnitude, least.magnitude) * 1e-9) {
            greatest = least + max(least.magnitude, 1) * 0.1
        }
        let rough = (greatest - least) / 6
        guard rough.isFinite, rough > 0 else { return [0, 1] }
        let power = Foundation.pow(10, Foundation.log10(rough).rounded(.down))
        let step = ([1, 2, 5, 10].first { $0 * power >= rough } ?? 10) * power
        let (first, last) = ((least / step).rounded(.down), (greatest / step).rounded(.up))
        guard step > 0, last - first <= 10, last > first else { return [least, greatest] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }
}
