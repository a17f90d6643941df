import AtomicFiles
import Foundation
import Tessera

/// The results of examples, side by side with those of the same programs in PyTorch where there are some.
public struct ExamplePage {
    /// One example: what came out here, and in PyTorch.
    public struct Pair {
        public var ours: ExampleResult
        public var torch: ExampleResult?
    }

    public var pairs: [Pair]
    private let folder: String

    /// Reads `NAME.json` of a folder, with the `NAME.torch.json` beside it.
    ///
    /// - Throws: ``ExampleFailure`` where there is none, or one can't be read.
    public init(folder: String) throws {
        self.folder = folder
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        let suffix = ".torch.json"
        pairs = try files.filter { $0.hasSuffix(".json") && !$0.hasSuffix(suffix) }.map { file in
            let torch = String(file.dropLast(5)) + suffix
            return Pair(
                ours: try ExampleResult(path: "\(folder)/\(file)"),
                torch: files.contains(torch) ? try ExampleResult(path: "\(folder)/\(torch)") : nil)
        }
        guard !pairs.isEmpty else {
            throw ExampleFailure("there is no result of an example in \(folder): Examples/run.sh writes some")
        }
    }

    /// One figure of an example, as a row of a table.
    private struct Row {
        var title: String
        /// The name, and how good it must be.
        var (figure, bound): (String, String)
        var (ours, torch): (String, String)
        /// `nil` where nothing must be reached, or it was a quick run.
        var isReached: Bool?
        /// What is the same for all figures of an example: only its first row has it.
        var (time, memory): (String, String)
    }

    private var rows: [Row] {
        pairs.flatMap { pair in
            pair.ours.figures.enumerated().map { place, figure in
                let torch = pair.torch?.figures.first { $0.name == figure.name }
                let isFirst = place == 0
                return Row(
                    title: isFirst ? pair.ours.title : "", figure: figure.name,
                    bound: figure.mustReach.map {
                        (figure.better == .higher ? "≥ " : "≤ ") + ExampleResult.Figure.text($0, figure.unit)
                    } ?? "",
                    ours: figure.text, torch: torch?.text ?? "",
                    isReached: figure.mustReach == nil || pair.ours.quick ? nil : figure.isReached,
                    time: isFirst ? Self.both(pair) { Self.duration($0.seconds) } : "",
                    memory: isFirst
                        ? Self.both(pair) { $0.peakMiB.map { $0.formatted(decimals: 0) } ?? "?" } : "")
            }
        }
    }

    private static func both(_ pair: Pair, _ text: (ExampleResult) -> String) -> String {
        text(pair.ours) + (pair.torch.map { " / \(text($0))" } ?? "")
    }

    /// Seconds, or minutes where it takes longer.
    static func duration(_ seconds: Double) -> String {
        seconds < 100 ? "\(seconds.formatted(decimals: 0)) s" : "\((seconds / 60).formatted(decimals: 1)) min"
    }

    private static let heads = [
        "example", "figure", "must reach", "reached", "PyTorch", "time, ours / PyTorch", "peak MiB, ours / PyTorch",
    ]

    /// A whole number with its thousands apart: `421,642`.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        let groups = stride(from: digits.count % 3 == 0 ? 3 : digits.count % 3, through: digits.count, by: 3).map {
            String(digits[max($0 - 3, 0)..<$0])
        }
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    // MARK: Markdown

    /// The table of what was reached.
    public var markdown: String {
        let lines = rows.map { row in
            [
                row.title, row.figure, row.bound, row.isReached == false ? "\(row.ours) (missed)" : row.ours, row.torch,
                row.time, row.memory,
            ]
        }
        return ([Self.heads, Self.heads.map { _ in "---" }] + lines).map { cells in
            "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ") + " |"
        }.joined(separator: "\n") + "\n"
    }

    // MARK: HTML

    /// One page that needs no other file: the table, and of each example its curves, pictures and samples.
    ///
    /// - Throws: ``ExampleFailure`` where a picture is missing.
    public var html: String {
        get throws {
            let devices = Set(pairs.map(\.ours.device)).sorted().joined(separator: ", ")
            let isQuick = pairs.contains(where: \.ours.quick)
            return HTMLPage.page(
                title: "What the examples reach",
                subtitle: "on \(HTMLPage.escaped(devices))"
                    + (isQuick ? "; quick runs, of a few steps, which have nothing to reach" : ""), style: Self.style,
                """
                \(table)
                \(try pairs.map(section).joined(separator: "\n"))
                """)
        }
    }

    /// Writes the page.
    ///
    /// - Throws: ``ExampleFailure`` where a picture is missing; ``FileError`` where it can't be written.
    public func write(to path: String) throws {
        try AtomicFile.write(Array(html.utf8), to: path, allowsStreams: true, isDurable: false)
    }

    private static let style = """
        .example { border-top: 1px solid var(--line); padding-top: 1.4rem; margin-top: 2.2rem; }
        .example > p { color: var(--faint); margin: .1rem 0 1rem; max-width: 60rem; }
        .example .charts { grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); }
        .summary th, .summary td { white-space: normal; vertical-align: baseline; }
        .example h2 { font-size: 1.25rem; margin: 0; }
        .pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; margin: 1.5rem 0; align-items: flex-start; }
        .pictures img { max-width: 100%; border: 1px solid var(--line); border-radius: 8px; background: #fff; }
        pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem;
          white-space: pre-wrap; font: 13px/1.45 ui-monospace, monospace; max-width: 60rem; }
        td.n, th.n { text-align: right; }
        """

    private var table: String {
        let cells = rows.map { row in
            let number = HTMLPage.escaped(row.ours)
            let reached =
                switch row.isReached {
                case nil: number
                case true?: "<span class=\"ok\">\(number) ✓</span>"
                case false?: "<span class=\"fail\">\(number) ✗</span>"
                }
            return "<tr><td>\(HTMLPage.escaped(row.title))</td><td>\(HTMLPage.escaped(row.figure))</td>"
                + "<td class=\"n\">\(HTMLPage.escaped(row.bound))</td><td class=\"n\">\(reached)</td>"
                + "<td class=\"n\">\(HTMLPage.escaped(row.torch))</td><td class=\"n\">\(row.time)</td>"
                + "<td class=\"n\">\(row.memory)</td></tr>"
        }
        return """
            <div class="scroll"><table class="summary">
            <tr>\(Self.heads.enumerated().map { "<th\($0 > 1 ? " class=\"n\"" : "")>\($1)</th>" }.joined())</tr>
            \(cells.joined(separator: "\n"))
            </table></div>
            """
    }

    private func section(_ pair: Pair) throws -> String {
        let ours = pair.ours
        let figures =
            ours.figures.map { ($0.name, $0.text) } + [
                ("parameters", Self.grouped(ours.parameters)), ("steps", Self.grouped(ours.steps)),
                ("time", Self.duration(ours.seconds)),
            ]
        let charts = Self.charts(ours.curves, pair.torch?.curves ?? [])
        let pictures = try ours.pictures.map { try picture($0, of: ours) }
        var parts = [
            "<section class=\"example\" id=\"\(HTMLPage.escaped(ours.example))\">",
            "<h2>\(HTMLPage.escaped(ours.title)) <small>\(HTMLPage.escaped(ours.example))</small></h2>",
            "<p>To \(HTMLPage.escaped(ours.task)). Data: \(HTMLPage.escaped(ours.data)).</p>",
            "<dl class=\"figures\">",
        ]
        parts += figures.map {
            "<div><dt>\(HTMLPage.escaped($0.0))</dt><dd>\(HTMLPage.escaped($0.1))</dd></div>"
        }
        parts.append("</dl>")
        if !charts.isEmpty { parts.append("<div class=\"charts\">\(charts.joined(separator: "\n"))</div>") }
        if !pictures.isEmpty { parts.append("<div class=\"pictures\">\(pictures.joined(separator: "\n"))</div>") }
        parts += ours.samples.map { "<pre>\(HTMLPage.escaped($0))</pre>" }
        return (parts + ["</section>"]).joined(separator: "\n")
    }

    /// A chart for each loss or metric: training faint and test strong, ours beside PyTorch's.
    private static func charts(_ ours: [ExampleResult.Curve], _ torch: [ExampleResult.Curve]) -> [String] {
        func title(_ name: String) -> String {
            for kind in ["training ", "test "] where name.hasPrefix(kind) { return String(name.dropFirst(kind.count)) }
            return name
        }
        var titles: [String] = []
        for curve in ours + torch where !titles.contains(title(curve.name)) { titles.append(title(curve.name)) }
        return titles.map { name in
            func lines(_ curves: [ExampleResult.Curve], _ whose: String, _ colour: String) -> [CurveChart.Line] {
                curves.filter { title($0.name) == name }.map { curve in
                    let isTraining = curve.name.hasPrefix("training ")
                    let kind = curve.name == name ? "" : isTraining ? "training, " : "test, "
                    return CurveChart.Line(
                        name: kind + whose, colour: colour,
                        points: curve.points.filter { $0.count == 2 }.map { (step: $0[0], value: $0[1]) },
                        isFaint: isTraining)
                }
            }
            return CurveChart(
                title: name, lines: lines(torch, "PyTorch", "#d1601a") + lines(ours, "Tessera", "#2f6fb5")
            ).svg
        }
    }

    /// A picture within the page.
    private func picture(_ name: String, of result: ExampleResult) throws -> String {
        let path = "\(folder)/\(name)"
        // What a result names lies beside it.
        guard !name.contains("/"), let data = FileManager.default.contents(atPath: path) else {
            throw ExampleFailure("\(result.example): there is no picture \(path)")
        }
        let type = name.hasSuffix(".svg") ? "image/svg+xml" : "image/png"
        return "<img alt=\"\(HTMLPage.escaped(name))\" src=\"data:\(type);base64,\(data.base64EncodedString())\">"
    }
}
