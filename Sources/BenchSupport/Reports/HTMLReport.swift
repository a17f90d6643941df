import Foundation

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
                <h2>\(Self.escaped(device.label)) <small>\(Self.escaped(device.name))</small></h2>
                \(plot)
                </section>
                """
        }
        return Self.page(
            title: "Tessera benchmark",
            subtitle: "\(Self.escaped(date)) · \(rows.count) rows · "
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

    /// A page that needs no other file.
    static func page(title: String, subtitle: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title)</title>
        <style>\(style)</style>
        </head>
        <body>
        <header>
        <h1>\(title)</h1>
        <p>\(subtitle)</p>
        </header>
        \(body)
        </body>
        </html>

        """
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
            let parity = "<td class=\"\(row.parity.hasFailed ? "fail" : "ok")\">\(Self.escaped(row.parity.text))</td>"
            return
                "<tr\(isFirst ? " class=\"first\"" : "")><td><code>\(Self.escaped(row.benchCase))</code></td><td>\(row.pass)</td>"
                + "<td>\(Self.escaped(row.device))</td>\(cells)\(parity)</tr>"
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

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }

    private static let style = """
        :root { color-scheme: light dark; --ink: light-dark(#1d2530, #e6e9ee); --faint: light-dark(#6b7684, #98a2b0);
          --paper: light-dark(#fbfaf7, #15181d); --line: light-dark(#dcd8cf, #323943); --good: light-dark(#1f7a4d, #6fcf97);
          --bad: light-dark(#b3261e, #ff8a80); --bar: light-dark(#d7e6dc, #24402f);
          --card: light-dark(#ffffff, #1c2128); }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2.5rem auto;
          max-width: 76rem; padding: 0 1.25rem; }
        h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.01em; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
        header p { color: var(--faint); margin: .2rem 0 1.6rem; } small { color: var(--faint); font-weight: 400; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(28rem, 1fr)); gap: 1.5rem; }
        .note { color: var(--faint); font-size: .9rem; max-width: 60rem; margin: 1rem 0 2rem; }
        svg { width: 100%; height: auto; display: block; border: 1px solid var(--line); border-radius: 8px; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th { text-align: left; color: var(--faint); font-weight: 500; position: sticky; top: 0; background: var(--paper); }
        th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; } .n { text-align: right; }
        tr:not(.first) code { opacity: .35; } tr.first td { border-top: 1px solid var(--faint); }
        code { font: .85em ui-monospace, monospace; } .ok { color: var(--good); } .fail { color: var(--bad); white-space: normal; }
        .bar { display: inline-block; min-width: 5.5rem; padding: 0 .35rem; border-radius: 3px;
          background: linear-gradient(to left, var(--bar) var(--share), transparent var(--share)); }
        @media (max-width: 34rem) { .charts { grid-template-columns: 1fr; } }
        """
}
