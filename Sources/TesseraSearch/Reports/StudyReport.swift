import AtomicFiles
import Foundation
import Tessera

extension Study {
    /// Writes a page that shows the study, in one file that needs no other: objectives over trials with the best so far, what
    /// trials reported, how important parameters are, objectives over each parameter, parameters side by side, and all trials
    /// as a table.
    ///
    /// - Throws: ``FileError`` where it cannot be written, or the study cannot be read.
    public func writeReport(to path: String, title: String? = nil) throws {
        let page = StudyReport(self, try trials(), title: title ?? name).page
        try AtomicFile.write(Array(page.utf8), to: path, isDurable: false)
    }
}

/// The page of ``Study/writeReport(to:title:)``.
struct StudyReport {
    private let study: Study
    private let trials: [TrialRecord]
    private let title: String
    /// Those with values and an objective.
    private let seen: [TrialRecord]

    init(_ study: Study, _ trials: [TrialRecord], title: String) {
        (self.study, self.trials, self.title) = (study, trials, title)
        seen = trials.filter { $0.values != nil && $0.objective != nil }
    }

    private static let limit = 1000

    var page: String {
        let best = study.best(of: trials)
        var figures = [("trials", "\(trials.count)")]
        for state in TrialRecord.State.allCases {
            let count = trials.count { $0.state == state }
            if count > 0 { figures.append((state.rawValue, "\(count)")) }
        }
        if let best, let objective = best.objective {
            figures.append(("best, trial \(best.number)", Study.number(objective)))
        }
        var charts = [history]
        if trials.contains(where: { !$0.reports.isEmpty }) { charts.append(reports) }
        charts.append(importance)
        charts += study.space.parameters.indices.map { slice($0) }
        let escaped = HTMLPage.escaped(title)
        return HTMLPage.page(
            title: escaped, subtitle: "\(study.direction.rawValue), seed \(study.seed)",
            """
            <dl class="figures">
            \(figures.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined(separator: "\n"))
            </dl>
            <p class="note">\(best?.values.map { "Best: \(HTMLPage.escaped($0.description))" } ?? "No trial is complete.")</p>
            <div class="charts">
            \(charts.joined(separator: "\n"))
            </div>
            <section>
            <h2>Parameters side by side <small>a line is a trial; the better, the stronger</small></h2>
            \(parallelCoordinates)
            </section>
            \(table)
            """)
    }

    // MARK: Charts

    private func summary(_ trial: TrialRecord) -> String {
        "trial \(trial.number), \(trial.state): \(trial.objective.map { Study.number($0) } ?? "–"); "
            + (trial.values?.description ?? "")
    }

    private var history: String {
        var chart = SearchChart(
            title: "objective", x: .numbers(trials.map { Double($0.number) }),
            y: .numbers(seen.compactMap(\.objective)), xTitle: "trial")
        var (bests, best): ([(Double, Double)], Double?) = ([], nil)
        for trial in seen where trial.state == .complete {
            guard let objective = trial.objective else { continue }
            if let least = best, study.direction.score(objective) <= study.direction.score(least) {
                bests.append((Double(trial.number), least))
            } else {
                if let best { bests.append((Double(trial.number), best)) }
                bests.append((Double(trial.number), objective))
                best = objective
            }
        }
        chart.line(bests, .best, width: 2)
        for trial in seen {
            chart.dot(Double(trial.number), trial.objective ?? 0, isFilled: trial.state == .complete, summary(trial))
        }
        chart.legend = [("best so far", .best), ("complete", .complete), ("○ pruned", .complete)]
        return chart.svg
    }

    private var reports: String {
        let all = trials.flatMap(\.reports)
        var chart = SearchChart(
            title: "reports", x: .numbers(all.map { Double($0.step) }), y: .numbers(all.map(\.value)), xTitle: "step")
        for trial in trials where !trial.reports.isEmpty {
            let points = trial.reports.map { (Double($0.step), $0.value) }
            chart.line(points, trial.state == .pruned ? .pruned : .complete, width: 1.2, opacity: 0.6)
            if trial.state == .pruned, let last = trial.reports.last {
                chart.dot(Double(last.step), last.value, isFilled: false, summary(trial), .pruned)
            }
        }
        chart.legend = [("complete", .complete), ("pruned", .pruned)]
        return chart.svg
    }

    private var importance: String {
        let shares = study.importances(of: trials)
        return SearchChart.bars(
            title: "share of the variance that each parameter explains alone", shares.map { ($0.name, $0.share) })
    }

    private func slice(_ index: Int) -> String {
        let parameter = study.space.parameters[index]
        let shown = seen.filter { $0.values?[parameter.name] != nil }
        var chart = SearchChart(
            title: parameter.name, x: .parameter(parameter), y: .numbers(shown.compactMap(\.objective)), xTitle: "")
        for trial in shown {
            let position = trial.values?[parameter.name].flatMap { parameter.position(of: $0) } ?? 0.5
            // Later trials are darker.
            let age = Double(trial.number + 1) / Double(max(trials.count, 1))
            chart.dot(
                position, trial.objective ?? 0, isFilled: trial.state == .complete, summary(trial),
                opacity: 0.25 + 0.75 * age)
        }
        return chart.svg
    }

    private var parallelCoordinates: String {
        let objectives = seen.compactMap(\.objective)
        let axes: [SearchChart.Axis] = study.space.parameters.map { .parameter($0) } + [.numbers(objectives)]
        let scores = objectives.map { study.direction.score($0) }.sorted()
        let lines = seen.map { trial -> (places: [Double?], strength: Double, title: String) in
            let places: [Double?] = study.space.parameters.map { parameter in
                trial.values?[parameter.name].flatMap { parameter.position(of: $0) }
            }
            let score = study.direction.score(trial.objective ?? 0)
            let rank = Double(scores.firstIndex { $0 >= score } ?? 0) / Double(max(scores.count - 1, 1))
            return (places + [trial.objective], rank, summary(trial))
        }
        return SearchChart.parallel(study.space.parameters.map(\.name) + ["objective"], axes, lines)
    }

    private var table: String {
        let names = study.space.parameters.map(\.name)
        let head = (["trial", "state", "objective"] + names + ["seconds", ""]).map {
            "<th>\(HTMLPage.escaped($0))</th>"
        }
        let rows = trials.prefix(Self.limit).map { trial in
            var cells = ["\(trial.number)", trial.state.rawValue, trial.objective.map { Study.number($0) } ?? "–"]
            for name in names { cells.append(trial.values?[name]?.description ?? "–") }
            cells.append(trial.seconds.map { String(format: "%.1f", $0) } ?? "–")
            cells.append(trial.reason ?? "")
            return "<tr>" + cells.map { "<td>\(HTMLPage.escaped($0))</td>" }.joined() + "</tr>"
        }
        let rest = trials.count > Self.limit ? "<p class=\"note\">and \(trials.count - Self.limit) more</p>" : ""
        return """
            <section>
            <h2>Trials</h2>
            <div class="scroll"><table>
            <tr>\(head.joined())</tr>
            \(rows.joined(separator: "\n"))
            </table></div>
            \(rest)
            </section>
            """
    }
}
