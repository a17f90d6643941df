import Foundation

/// A roofline plot (Williams, Waterman and Patterson, 2009) as SVG: operations a second over operations a byte, on
/// logarithmic axes.
struct Roofline {
    let rows: [BenchRow]
    let peak: DevicePeak?
    var style = ChartStyle.page

    private static let colours: [(family: String, colour: String)] = [
        ("matmul", "#2f6fb5"), ("conv2d", "#d1601a"), ("conv1d", "#e0a060"), ("conv3d", "#9c3f10"),
        ("attention", "#7a4fb0"), ("lstm", "#1f8a70"), ("gru", "#6a9a1f"),
        ("softmax", "#b83280"), ("layernorm", "#a8871a"), ("batchnorm2d", "#4a6572"), ("maxpool2d", "#d0453f"),
        ("pool", "#e07a70"), ("train", "#16a0b8"),
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
        let panel = LogLogPanel(
            left: 58, top: 62, width: 566, height: 322,
            xRange: LogLogPanel.decades(points.map(\.intensity) + (ridge.map { [$0 * 2] } ?? [])),
            yRange: LogLogPanel.decades(points.map(\.gflops) + (peak.map { [$0.gflops * 1.5] } ?? [])), style: style)
        var picture = SVGPicture(width: 640, height: 430, label: "roofline plot", style: style)
        picture.parts += legend(points, panel)
        picture.parts += panel.axes(xTitle: "floating-point operations a byte", yTitle: "GFLOPS")
        if let peak, let ridge { picture.parts += roof(peak, ridge, panel) }
        picture.parts += points.map { point in
            let colour = Self.colours.first { $0.family == point.family }?.colour ?? "#888"
            return panel.dot(
                (point.intensity, point.gflops), colour, isFilled: point.row.pass == "fwd",
                "\(point.row.benchCase) \(point.row.pass): \(Figure.number(point.gflops)) GFLOPS, \(Figure.number(point.row.ms)) ms"
            )
        }
        return picture.text
    }

    private func roof(_ peak: DevicePeak, _ ridge: Double, _ panel: LogLogPanel) -> [String] {
        let (lowest, highest) = (
            Foundation.pow(10, panel.xRange.lowerBound), Foundation.pow(10, panel.xRange.upperBound)
        )
        let start = max(lowest, Foundation.pow(10, panel.yRange.lowerBound) / peak.bandwidth)
        return [
            panel.curve(
                [(start, start * peak.bandwidth), (ridge, peak.gflops), (highest, peak.gflops)], style.ink, width: 1.6),
            panel.text(
                "\(Figure.number(peak.gflops)) GFLOPS, \(Figure.number(peak.bandwidth)) GB/s", panel.right - 6,
                panel.y(peak.gflops) - 7, anchor: "end", colour: style.ink),
        ]
    }

    /// Two rows, so that every family has room.
    private func legend(_ points: [Point], _ panel: LogLogPanel) -> [String] {
        let families = Set(points.map(\.family))
        let present = Self.colours.filter { families.contains($0.family) }
        return present.enumerated().flatMap { index, entry -> [String] in
            let x = 14 + Double(index % 6) * 103
            let y = index < 6 ? 14.0 : 33
            return [
                "<circle cx=\"\(LogLogPanel.number(x))\" cy=\"\(LogLogPanel.number(y))\" r=\"4.5\" fill=\"\(entry.colour)\"/>",
                panel.text(entry.family, x + 9, y + 4),
            ]
        }
    }
}
