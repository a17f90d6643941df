import Foundation

/// A roofline plot (Williams, Waterman and Patterson, 2009) as SVG: operations a second over operations a byte, on
/// logarithmic axes.
struct Roofline {
    let rows: [BenchRow]
    let peak: DevicePeak?

    private let width = 640.0
    private let height = 400.0
    private let left = 52.0
    private let right = 16.0
    private let top = 34.0
    private let bottom = 44.0

    private static let colours: [(family: String, colour: String)] = [
        ("matmul", "#2f6fb5"), ("conv2d", "#c2571a"), ("attention", "#7a4fb0"), ("lstm", "#1f8a70"), ("gru", "#6a9a1f"),
        ("softmax", "#b83280"), ("layernorm", "#a8871a"), ("batchnorm2d", "#4a6572"), ("maxpool2d", "#d0453f"),
    ]

    private struct Point {
        var row: BenchRow
        var family: String
        var intensity: Double
        var gflops: Double
    }

    private var points: [Point] {
        rows.compactMap { row in
            guard let intensity = row.intensity, let gflops = row.gflops, intensity > 0, gflops > 0 else { return nil }
            return Point(
                row: row, family: String(row.benchCase.prefix { $0 != ":" }), intensity: intensity, gflops: gflops)
        }
    }

    var svg: String {
        let points = points
        guard !points.isEmpty else { return "<p class=\"note\">No rows to plot.</p>" }
        // Whole powers of ten around what there is, the ridge of the roof included.
        let ridge = peak.map { $0.gflops / max($0.bandwidth, 1e-9) }
        let xs = points.map(\.intensity) + (ridge.map { [$0] } ?? [])
        let ys = points.map(\.gflops) + (peak.map { [$0.gflops] } ?? [])
        let xRange = Self.decades(xs)
        let yRange = Self.decades(ys)
        func x(_ value: Double) -> Double {
            left + (Foundation.log10(value) - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
                * (width - left - right)
        }
        func y(_ value: Double) -> Double {
            height - bottom - (Foundation.log10(value) - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
                * (height - top - bottom)
        }
        var parts = ["<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"roofline plot\">"]
        for power in Int(xRange.lowerBound)...Int(xRange.upperBound) {
            let place = Figure.fixed(x(Foundation.pow(10, Double(power))), 1)
            parts.append(
                "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"\(top)\" y2=\"\(height - bottom)\" stroke=\"currentColor\" opacity=\".12\"/>"
                    + "<text x=\"\(place)\" y=\"\(height - bottom + 16)\" text-anchor=\"middle\">\(Self.power(power))</text>"
            )
        }
        for power in Int(yRange.lowerBound)...Int(yRange.upperBound) {
            let place = y(Foundation.pow(10, Double(power)))
            parts.append(
                "<line x1=\"\(left)\" x2=\"\(width - right)\" y1=\"\(Figure.fixed(place, 1))\" y2=\"\(Figure.fixed(place, 1))\" stroke=\"currentColor\" opacity=\".12\"/>"
                    + "<text x=\"\(left - 6)\" y=\"\(Figure.fixed(place + 4, 1))\" text-anchor=\"end\">\(Self.power(power))</text>"
            )
        }
        parts.append("<text x=\"\(width - right)\" y=\"\(height - 8)\" text-anchor=\"end\">operations a byte</text>")
        parts.append("<text x=\"4\" y=\"\(height - 8)\">↑ GFLOPS</text>")
        if let peak, let ridge {
            let (lowest, highest) = (Foundation.pow(10, xRange.lowerBound), Foundation.pow(10, xRange.upperBound))
            let start = max(lowest, Foundation.pow(10, yRange.lowerBound) / peak.bandwidth)
            let corners = [(start, start * peak.bandwidth), (ridge, peak.gflops), (highest, peak.gflops)]
            let path = corners.map { "\(Figure.fixed(x($0.0), 1)),\(Figure.fixed(y($0.1), 1))" }.joined(separator: " ")
            parts.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\"/>")
            parts.append(
                "<text x=\"\(Figure.fixed(x(ridge), 1))\" y=\"\(Figure.fixed(y(peak.gflops) - 6, 1))\">"
                    + "\(Figure.number(peak.gflops)) GFLOPS, \(Figure.number(peak.bandwidth)) GB/s</text>")
        }
        parts += points.map { point in
            let colour = Self.colours.first { $0.family == point.family }?.colour ?? "#888"
            let fill = point.row.pass == "fwd" ? colour : "none"
            let title =
                "\(point.row.benchCase) \(point.row.pass): \(Figure.number(point.gflops)) GFLOPS, \(Figure.number(point.row.ms)) ms"
            return
                "<circle cx=\"\(Figure.fixed(x(point.intensity), 1))\" cy=\"\(Figure.fixed(y(point.gflops), 1))\" r=\"4.5\" "
                + "fill=\"\(fill)\" stroke=\"\(colour)\" stroke-width=\"1.8\"><title>\(HTMLReport.escaped(title))</title></circle>"
        }
        parts += legend(points)
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private func legend(_ points: [Point]) -> [String] {
        let families = Set(points.map(\.family))
        var place = 4.0
        return Self.colours.filter { families.contains($0.family) }.map { family, colour in
            defer { place += 22 + 6.4 * Double(family.count) }
            return "<circle cx=\"\(Figure.fixed(place + 4, 1))\" cy=\"12\" r=\"4\" fill=\"\(colour)\"/>"
                + "<text x=\"\(Figure.fixed(place + 12, 1))\" y=\"16\">\(family)</text>"
        }
    }

    private static func decades(_ values: [Double]) -> ClosedRange<Double> {
        let logarithms = values.map { Foundation.log10($0) }
        let lowest = (logarithms.min() ?? 0).rounded(.down)
        return lowest...max((logarithms.max() ?? 1).rounded(.up), lowest + 1)
    }

    private static func power(_ exponent: Int) -> String {
        switch exponent {
        case 0...5: String(Int(Foundation.pow(10, Double(exponent))))
        case -4...(-1): Figure.fixed(Foundation.pow(10, Double(exponent)), -exponent)
        default: "1e\(exponent)"
        }
    }
}
