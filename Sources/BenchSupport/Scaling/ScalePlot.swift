import Foundation

/// How cost grows in one sweep: time above, rate below, forward to the left, with the backward pass to the right; every
/// device with its roof.
package struct ScalePlot {
    let sweep: ScaleSweep
    let result: ScaleResult
    let style: ChartStyle

    package init(_ sweep: ScaleSweep, _ result: ScaleResult, style: ChartStyle) {
        self.sweep = sweep
        self.result = result
        self.style = style
    }

    private struct Curve {
        var device: ScaleResult.Device
        var colour: String
        var points: [ScalePoint]
    }

    private func curves(_ pass: BenchPass) -> [Curve] {
        result.devices.enumerated().map { index, device in
            Curve(
                device: device, colour: ChartStyle.series[index % ChartStyle.series.count],
                points: result.curve(sweep, pass, device))
        }.filter { !$0.points.isEmpty }
    }

    package var svg: String {
        let passes = BenchPass.allCases.map { (pass: $0, curves: curves($0)) }.filter { !$0.curves.isEmpty }
        let points = passes.flatMap { $0.curves.flatMap(\.points) }
        let legendRows = Double(result.devices.count)
        let top = 66 + 20 * legendRows
        var picture = SVGPicture(
            width: 960, height: top + 590, label: "\(sweep.title): time and rate over size", style: style)
        guard !points.isEmpty else { return picture.text }
        let frame = panel(0, 0, 0, 0, points.map { Double($0.size) }, [1, 10])
        picture.parts.append(frame.text(sweep.title, 20, 34, size: 19, isStrong: true))
        picture.parts += legend(frame)
        let sizes = points.map { Double($0.size) }
        for (column, entry) in passes.enumerated() {
            let left = 72 + Double(column) * 470
            let times = panel(left, top + 26, 400, 210, sizes, points.flatMap { [$0.ms, $0.roofMs] })
            let rates = panel(left, top + 306, 400, 210, sizes, points.flatMap { [$0.gflops, $0.roof] })
            picture.parts.append(
                times.text(sweep.title(of: entry.pass), left, top, size: 14, isStrong: true))
            picture.parts += times.axes(xTitle: sweep.axis, yTitle: "ms a run", xTicks: ticks)
            picture.parts += rates.axes(xTitle: sweep.axis, yTitle: "GFLOPS", xTicks: ticks)
            for curve in entry.curves {
                picture.parts += draw(curve, entry.pass, times, \.ms, \.roofMs)
                picture.parts += draw(curve, entry.pass, rates, \.gflops, \.roof)
            }
        }
        return picture.text
    }

    private var ticks: [Double] { sweep.sizes.map(Double.init) }

    private func panel(
        _ left: Double, _ top: Double, _ width: Double, _ height: Double, _ xs: [Double], _ ys: [Double]
    ) -> LogLogPanel {
        LogLogPanel(
            left: left, top: top, width: width, height: height, xRange: LogLogPanel.around(xs, room: 0.04),
            yRange: LogLogPanel.around(ys), style: style)
    }

    private func draw(
        _ curve: Curve, _ pass: BenchPass, _ panel: LogLogPanel, _ value: KeyPath<ScalePoint, Double>,
        _ roof: KeyPath<ScalePoint, Double>
    ) -> [String] {
        let measured = curve.points.map { (Double($0.size), $0[keyPath: value]) }
        let best = curve.points.map { (Double($0.size), $0[keyPath: roof]) }
        return [
            panel.curve(best, curve.colour, width: 1.5, dash: "5 4"), panel.curve(measured, curve.colour, width: 2.2),
        ]
            + curve.points.map { point in
                panel.dot(
                    (Double(point.size), point[keyPath: value]), curve.colour,
                    "\(point.row.benchCase) \(pass.rawValue) on \(curve.device.label): \(Figure.number(point.ms)) ms, "
                        + "\(Figure.number(point.gflops)) GFLOPS, \(Figure.percent(point.share)) of the roof")
            }
    }

    private func legend(_ panel: LogLogPanel) -> [String] {
        result.devices.enumerated().flatMap { index, device -> [String] in
            let y = 58 + 20 * Double(index)
            let colour = ChartStyle.series[index % ChartStyle.series.count]
            let peak = "\(Figure.number(device.peak.gflops)) GFLOPS, \(Figure.number(device.peak.bandwidth)) GB/s"
            return [
                panel.line((20, y), (50, y), colour, width: 2.2),
                "<circle cx=\"35\" cy=\"\(LogLogPanel.number(y))\" r=\"4\" fill=\"\(colour)\"/>",
                panel.text("\(device.label): \(device.name)", 58, y + 4, colour: style.ink),
                panel.line((540, y), (570, y), colour, width: 1.5, dash: "5 4"),
                panel.text("its roof: \(peak) measured", 578, y + 4, colour: style.ink),
            ]
        }
    }
}
