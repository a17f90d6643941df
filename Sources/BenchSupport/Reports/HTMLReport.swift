import Tessera

/// One self-contained page of a run: a roofline for each device and the table.
package struct HTMLReport {
    package struct Device {
        package var label: String
        package var name: String
        package var peak: DevicePeak?

        package init(label: String, name: String, peak: DevicePeak?) {
            self.label = label
            self.name = name
            self.peak = peak
        }
    }

    package var rows: [BenchRow]
    package var devices: [Device]
    package var date: String

    package init(rows: [BenchRow], devices: [Device], date: String) {
        self.rows = rows
        self.devices = devices
        self.date = date
    }

    package var text: String {
        let failed = rows.count { $0.parity.hasFailed }
        let verdict = failed == 0 ? "every row ok" : "\(failed) of \(rows.count) rows failed"
        let charts = devices.map { device in
            let plot = Roofline(rows: rows.filter { $0.device == device.label }, peak: device.peak).svg
            return """
                <section>
                <h2>\(HTMLPage.escaped(device.label)) <small>\(HTMLPage.escaped(device.name))</small></h2>
                \(plot)
                </section>
                """
        }
        return HTMLPage.page(
            title: "Tessera benchmark",
            subtitle: "\(HTMLPage.escaped(date)) · \(rows.count) rows · "
                + "<strong class=\"\(failed == 0 ? "ok" : "fail")\">\(verdict)</strong>",
            """
            <div class="charts">
            \(charts.joined(separator: "\n"))
            </div>
            <p class="note">Each point is a case and pass: how many floating-point operations it does for each byte that must
            move (to the right, more), and how many a second. The line is the most that the device was measured to do: memory
            bandwidth on the slope, arithmetic on the flat. Points above the slope work from caches, which are faster than
            memory. Filled points are forward passes, rings forward and backward. Convolutions by Winograd's method do fewer
            operations than are counted.</p>
            \(table)
            """)
    }

    private var table: String {
        let slowest = rows.compactMap(\.speedup).max() ?? 1
        let body = rows.enumerated().map { index, row in
            let isFirst = index == 0 || rows[index - 1].benchCase != row.benchCase
            let speedup = row.speedup.map { value in
                let width = Figure.fixed(min(value / slowest, 1) * 100, 0)
                return "<span class=\"bar\" style=\"--share:\(width)%\">\(Figure.ratio(value))</span>"
            }
            let cells = [
                Figure.number(row.ms), Figure.number(row.minimumMs), Figure.number(row.gflops),
                Figure.percent(row.peakShare),
                speedup ?? "–", Figure.scientific(row.error),
            ].map { "<td class=\"n\">\($0)</td>" }.joined()
            let parity =
                "<td class=\"\(row.parity.hasFailed ? "fail" : "ok")\">\(HTMLPage.escaped(row.parity.text))</td>"
            return
                "<tr\(isFirst ? " class=\"first\"" : "")><td><code>\(HTMLPage.escaped(row.benchCase))</code></td><td>\(row.pass)</td>"
                + "<td>\(HTMLPage.escaped(row.device))</td>\(cells)\(parity)</tr>"
        }
        let titles = ["case", "pass", "device", "ms", "min ms", "GFLOPS", "of peak", "to cpu", "error", "parity"]
        let head = titles.enumerated().map { "<th\($0 > 2 && $0 < 9 ? " class=\"n\"" : "")>\($1)</th>" }.joined()
        return """
            <div class="scroll"><table>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody>
            </table></div>
            """
    }
}
