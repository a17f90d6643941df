import Foundation
import Tessera

extension Study {
    /// The trials as a table for a terminal, with the best at the top or in the order in which they began; below it the best
    /// one and how important the parameters are.
    ///
    /// - Parameters:
    ///   - limit: the most rows.
    ///   - sortsByObjective: whether the best come first.
    /// - Throws: ``FileError`` where the file cannot be read or is damaged.
    public func table(limit: Int = 20, sortsByObjective: Bool = true) throws -> String {
        var trials = try trials()
        let (all, best, importances) = (trials, best(of: trials), importances(of: trials))
        if sortsByObjective {
            // What has no objective comes last; ties stay in order.
            let scores = trials.map { $0.objective.map { direction.score($0) } ?? -.infinity }
            trials = trials.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.map { trials[$0] }
        }
        let isNumber = space.parameters.map { if case .categories = $0.domain { false } else { true } }
        let header = ["trial", "state", "objective"] + space.parameters.map(\.name) + ["steps", "seconds", ""]
        let rows = trials.prefix(max(limit, 0)).map { cells(of: $0) }
        var lines = aligned([header] + rows, isRight: [true, false, true] + isNumber + [true, true, false])
        if rows.count < all.count { lines.append("and \(all.count - rows.count) more") }
        lines.append("")
        lines.append(Self.counts(all))
        if let best, let objective = best.objective, let values = best.values {
            lines.append("best: trial \(best.number) with \(Self.number(objective)), \(values)")
        }
        if importances.contains(where: { $0.share > 0 }) {
            let shares = importances.map { "\($0.name) \(Int(($0.share * 100).rounded())) %" }
            lines.append("importance: " + shares.joined(separator: ", "))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func cells(of trial: TrialRecord) -> [String] {
        var cells = ["\(trial.number)", trial.state.rawValue, trial.objective.map { Self.number($0) } ?? "–"]
        for parameter in space.parameters { cells.append(trial.values?[parameter.name]?.description ?? "–") }
        cells.append(trial.reports.last.map { "\($0.step)" } ?? "–")
        cells.append(trial.seconds.map { String(format: "%.1f", $0) } ?? "–")
        return cells + [trial.reason ?? ""]
    }

    /// An objective for people, with five digits.
    static func number(_ value: Double) -> String { String(format: "%.5g", value) }

    /// How many trials there are of each state, in words.
    static func counts(_ trials: [TrialRecord]) -> String {
        let states = TrialRecord.State.allCases.compactMap { state in
            let count = trials.count { $0.state == state }
            return count > 0 ? "\(count) \(state.rawValue)" : nil
        }
        return "\(trials.count) trials" + (states.isEmpty ? "" : ": " + states.joined(separator: ", "))
    }
}
