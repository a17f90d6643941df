import AtomicFiles
import Foundation

/// A page that shows how a training goes, in one file that needs no other: curves of losses and metrics, confusion matrices,
/// pictures, examples a second and memory. While it trains, a browser reads it again every few seconds.
public final class TrainingReport: TrainingCallback {
    private let path: String
    private let title: String
    private let refreshSeconds: Int
    private let clock = ContinuousClock()
    private var written: ContinuousClock.Instant?
    private var begin: ContinuousClock.Instant

    /// The curves of one loss or metric.
    private struct Curves {
        var (steps, training, test) = (Curve(), Curve(), Curve())
    }
    /// In the order in which the step gives them.
    private var names: [String] = []
    private var curves: [String: Curves] = [:]
    private var rates = Curve()
    private var matrices: [(name: String, matrix: ConfusionMatrix)] = []
    private var pictures: [(name: String, shown: [(step: Int, file: PNGFile)])] = []
    private var step = 0
    private var examples = 0
    /// Examples and time since the last rate.
    private var recent: (examples: Int, since: ContinuousClock.Instant)
    private var epochs = 0
    private var isRunning = true

    /// - Parameter refreshSeconds: how often the page is written, and read again by a browser.
    /// - Throws: ``FileError`` where it cannot be written there; ``GraphError`` for no seconds.
    public init(
        _ path: String, title: String = "Training", refreshSeconds: Int = 10, file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        guard (1...86_400).contains(refreshSeconds) else {
            throw GraphError(
                operation: "TrainingReport", message: "refreshSeconds must be in 1...86400, not \(refreshSeconds)",
                location: SourceLocation(file: file, line: line))
        }
        try AtomicFile.checkWritable(path)
        (self.path, self.title, self.refreshSeconds) = (path, title, refreshSeconds)
        begin = clock.now
        recent = (0, begin)
    }

    public func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {
        isRunning = true
        step = trainer.step
        examples = examples.plus(result.count)
        recent.examples = recent.examples.plus(result.count)
        let now = clock.now
        let seconds = recent.since.duration(to: now) / .seconds(1)
        if seconds >= 0.5 {
            rates.add(Double(recent.examples) / seconds, step: step)
            recent = (0, now)
        }
        for figure in result.figures { add(figure.name, figure.value, to: \.steps) }
        if written.map({ $0.duration(to: now) >= .seconds(refreshSeconds) }) ?? true { try write() }
    }

    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        epochs += 1
        for figure in epoch.training.figures { add(figure.name, figure.value, to: \.training) }
        for figure in epoch.test?.figures ?? [] { add(figure.name, figure.value, to: \.test) }
        matrices = (epoch.test ?? epoch.training).figures.compactMap { figure in
            (figure.state as? ConfusionMatrix).map { (figure.name, $0) }
        }
        try write()
        // What was tested is no training.
        recent = (0, clock.now)
    }

    public func fitDidEnd(of trainer: Trainer) throws {
        isRunning = false
        try write()
    }

    /// Shows a picture on the page, below the curves: samples of what is generated, boxes that were found.
    ///
    /// - Parameters:
    ///   - name: its title; a later picture of the same name takes its place, or stands beside it.
    ///   - count: how many of the last pictures of the name are shown, each with its step; at least 1.
    /// - Throws: ``FileError`` where the page can't be written.
    public func show(_ picture: PNGFile, as name: String, keeping count: Int = 1) throws {
        let place = pictures.firstIndex { $0.name == name } ?? pictures.count
        if place == pictures.count { pictures.append((name, [])) }
        pictures[place].shown.append((step, picture))
        pictures[place].shown = pictures[place].shown.suffix(max(count, 1))
        if written.map({ $0.duration(to: clock.now) >= .seconds(refreshSeconds) }) ?? true || !isRunning { try write() }
    }

    private func add(_ name: String, _ value: Double, to curve: WritableKeyPath<Curves, Curve>) {
        if curves[name] == nil { names.append(name) }
        curves[name, default: Curves()][keyPath: curve].add(value, step: step)
    }

    private func write() throws {
        written = clock.now
        try AtomicFile.write(Array(page.utf8), to: path, isDurable: false)
    }

    // MARK: Page

    private var page: String {
        let seconds = begin.duration(to: clock.now) / .seconds(1)
        var figures = [("step", "\(step)"), ("epochs", "\(epochs)"), ("seconds", decimal(seconds, 0))]
        if let rate = rates.points.last?.value { figures.append(("examples a second", decimal(rate, 0))) }
        if let memory = Self.peakMemory { figures.append(("peak memory, MiB", decimal(memory / 1_048_576, 0))) }
        var charts = names.compactMap { name in curves[name].map { chart(name, $0).svg } }
        if !rates.points.isEmpty {
            let line = CurveChart.Line(name: "", colour: "#7a4fb0", points: rates.points)
            charts.append(CurveChart(title: "examples a second", lines: [line]).svg)
        }
        let title = HTMLPage.escaped(title)
        return HTMLPage.page(
            title: title, subtitle: isRunning ? "training" : "ended",
            refreshSeconds: isRunning ? refreshSeconds : nil,
            """
            <dl class="figures">
            \(figures.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined(separator: "\n"))
            </dl>
            <div class="charts">
            \(charts.joined(separator: "\n"))
            </div>
            \(matrices.map { table($0.name, $0.matrix) }.joined(separator: "\n"))
            \(pictures.map { Self.gallery($0.name, $0.shown) }.joined(separator: "\n"))
            """)
    }

    private func chart(_ name: String, _ curves: Curves) -> CurveChart {
        CurveChart(
            title: name,
            lines: [
                .init(name: "steps", colour: "#2f6fb5", points: curves.steps.points, isFaint: true),
                .init(name: "training", colour: "#2f6fb5", points: curves.training.points),
                .init(name: "test", colour: "#d1601a", points: curves.test.points),
            ])
    }

    /// A small picture is enlarged to squares that are seen.
    private static func gallery(_ name: String, _ shown: [(step: Int, file: PNGFile)]) -> String {
        let figures = shown.map { step, file in
            """
            <figure><img width="\(max(file.width, min(file.width * 8, 320)))" alt="\(HTMLPage.escaped(name)), step \(step)" \
            src="data:image/png;base64,\(Data(file.bytes).base64EncodedString())"><figcaption>step \(step)</figcaption></figure>
            """
        }
        return """
            <section>
            <h2>\(HTMLPage.escaped(name))</h2>
            <div class="pictures">
            \(figures.joined(separator: "\n"))
            </div>
            </section>
            """
    }

    /// Rows are labels. Of more classes than fit on a page there is no table.
    private func table(_ name: String, _ matrix: ConfusionMatrix) -> String {
        guard (1...50).contains(matrix.classes) else { return "" }
        let classes = 0..<matrix.classes
        let rows = classes.map { label in
            let total = Double(classes.reduce(0) { $0 + matrix[label: label, predicted: $1] })
            let cells = classes.map { predicted in
                let count = matrix[label: label, predicted: predicted]
                let share = total > 0 ? Double(count) / total : 0
                return "<td style=\"--share:\(decimal(share * 0.8, 3))\">\(count)</td>"
            }
            return "<tr><th>\(label)</th>\(cells.joined())</tr>"
        }
        return """
            <section>
            <h2>\(HTMLPage.escaped(name)) <small>rows: what is so, columns: what is predicted</small></h2>
            <div class="scroll"><table class="matrix">
            <tr><th></th>\(classes.map { "<th class=\"n\">\($0)</th>" }.joined())</tr>
            \(rows.joined(separator: "\n"))
            </table></div>
            </section>
            """
    }

    /// The most memory that the process has had, in bytes (`VmHWM` of /proc/self/status).
    package static var peakMemory: Double? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").compactMap({ Double($0) }).first
        else { return nil }
        return kibibytes * 1024
    }
}
