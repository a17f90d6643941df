import OpenCLBackend

/// What came of one problem.
package struct TuningRow: Sendable {
    package enum State: String, Sendable {
        /// Searched to its end.
        case tuned
        /// Known from before.
        case known
        /// Stopped before its end; the next run goes on.
        case unfinished
        /// No values work there.
        case failed
    }

    /// Why candidates were turned down.
    package enum Fault: String, Hashable, Sendable, CaseIterable {
        case wrong, failed, crashed
        case timedOut = "timed out"
    }

    package var task: TuningTask
    package var standard: TuningValues
    package var values: TuningValues
    package var ms: Double?
    package var standardMs: Double?
    package var candidates = 0
    package var state = State.unfinished
    package private(set) var faults: [Fault: Int] = [:]
    /// What the first fault of each kind said.
    package private(set) var reasons: [Fault: String] = [:]

    package init(task: TuningTask, standard: TuningValues, values: TuningValues) {
        self.task = task
        self.standard = standard
        self.values = values
    }

    mutating func note(_ fault: Fault, _ reason: String) {
        faults[fault, default: 0] += 1
        if reasons[fault] == nil { reasons[fault] = reason }
    }

    /// The standard values' time over the best ones'.
    package var gain: Double? {
        guard let ms, let standardMs, ms > 0 else { return nil }
        return standardMs / ms
    }

    /// The values that differ from the standard: `rows 8→14, depth 384→192`.
    package var changes: String {
        guard let space = TuningSpace.named(task.family) else { return "" }
        let changed = space.dimensions.map(\.parameter).filter { values[$0] != standard[$0] }
        return changed.isEmpty
            ? "as they were" : changed.map { "\($0.rawValue) \(standard[$0])→\(values[$0])" }.joined(separator: ", ")
    }

    /// `1 wrong, 2 crashed`; empty where every candidate was usable.
    package var faultSummary: String {
        Fault.allCases.compactMap { fault in faults[fault].map { "\($0) \(fault.rawValue)" } }.joined(separator: ", ")
    }
}

extension Table {
    /// The table of what tuning gained.
    package static func tuning(_ tasks: [TuningTask], isColoured: Bool) -> Table {
        Table(
            [
                Column("family", width: tasks.map(\.family.count).max() ?? 0, isRight: false),
                Column("problem", width: tasks.map(\.problem.description.count).max() ?? 0, isRight: false),
                Column("standard ms", width: 11), Column("tuned ms", width: 8), Column("gain", width: 6),
                Column("tried", width: 5), Column("values", width: 20, isRight: false),
            ], isColoured: isColoured)
    }

    package func line(_ row: TuningRow) -> String {
        let remark = [row.faultSummary, row.state == .tuned ? "" : row.state.rawValue].filter { !$0.isEmpty }
        let values = row.changes + (remark.isEmpty ? "" : " (\(remark.joined(separator: "; ")))")
        return line(
            [
                row.task.family, row.task.problem.description, Figure.number(row.standardMs), Figure.number(row.ms),
                Figure.ratio(row.gain), row.candidates == 0 ? "" : "\(row.candidates)", values,
            ], colours: [nil, nil, nil, .strong, (row.gain ?? 1) > 1.005 ? .good : nil, .faint, nil])
    }
}
