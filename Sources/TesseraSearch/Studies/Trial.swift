import Foundation
import GRDB
import Synchronization
import TensorGraph

/// A trial that this process runs: its values, and how to tell the study what came of it.
///
/// A trial is told once: complete, pruned or failed.
public final class Trial: Sendable {
    /// From 0, in the order in which trials of the study began.
    public let number: Int
    public let values: ParameterValues
    private let study: Study

    private struct Told {
        var isHopeless = false
        var isTold = false
    }
    private let told = Mutex(Told())

    init(_ study: Study, _ number: Int, _ values: ParameterValues) {
        (self.study, self.number, self.values) = (study, number, values)
    }

    /// Whether the study's pruner has found, at some report, that going on has no hope.
    public var isHopeless: Bool { told.withLock { $0.isHopeless } }
    /// Whether its end has been told.
    var isTold: Bool { told.withLock { $0.isTold } }

    /// The value of a real or integer parameter; see ``ParameterValues/real(_:file:line:)``.
    public func real(_ name: String, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Double {
        try values.real(name, file: file, line: line)
    }

    /// The value of an integer parameter; see ``ParameterValues/integer(_:file:line:)``.
    public func integer(_ name: String, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Int {
        try values.integer(name, file: file, line: line)
    }

    /// The value of a parameter of categories; see ``ParameterValues/category(_:file:line:)``.
    public func category(
        _ name: String, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> String {
        try values.category(name, file: file, line: line)
    }

    /// Notes an intermediate objective, and asks the study's pruner about it.
    ///
    /// - Parameter step: greater than that of the report before, from 0.
    /// - Returns: whether to end here, as there is no hope: then call ``prune()``, or return from ``Study/run(trials:_:)``'s
    ///   closure.
    /// - Throws: ``GraphError`` for a value that is not finite, a step that is not later, or a trial that has ended;
    ///   ``FileError`` where the file cannot be written.
    @discardableResult
    public func report(
        _ value: Double, step: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Bool {
        let location = SourceLocation(file: file, line: line)
        guard value.isFinite else { throw failure("\(value) is no objective to report: call fail(_:)", location) }
        let trials = try study.file.write { db in
            try holdRunning(db, location)
            let last = try Int.fetchOne(
                db, sql: "SELECT MAX(step) FROM report WHERE study = ? AND trial = ?", arguments: [study.id, number])
            guard step > last ?? -1 else {
                let before = last.map { "the last report's, \($0)" } ?? "at least 0"
                throw failure("the step \(step) must be \(last == nil ? "" : "greater than ")\(before)", location)
            }
            try db.execute(
                sql: "INSERT INTO report (study, trial, step, value) VALUES (?, ?, ?, ?)",
                arguments: [study.id, number, step, value])
            return study.pruner == nil ? [] : try study.records(db)
        }
        guard let pruner = study.pruner, let record = trials.first(where: { $0.number == number }) else { return false }
        let others = trials.filter { $0.number != number }
        guard pruner.isHopeless(record, among: others, direction: study.direction) else { return false }
        told.withLock { $0.isHopeless = true }
        return true
    }

    /// Ends it with its objective.
    ///
    /// - Throws: ``GraphError`` for an objective that is not finite, or a trial that has ended; ``FileError`` where the file
    ///   cannot be written.
    public func complete(_ objective: Double, file: StaticString = #fileID, line: UInt = #line) throws {
        let location = SourceLocation(file: file, line: line)
        guard objective.isFinite else { throw failure("\(objective) is no objective: call fail(_:)", location) }
        try end(.complete, objective, nil, location)
    }

    /// Ends it early, with the last report as its objective.
    ///
    /// - Throws: ``GraphError`` for a trial that has ended; ``FileError`` where the file cannot be written.
    public func prune(file: StaticString = #fileID, line: UInt = #line) throws {
        try end(.pruned, nil, nil, SourceLocation(file: file, line: line))
    }

    /// Ends it without an objective.
    ///
    /// - Throws: ``GraphError`` for a trial that has ended; ``FileError`` where the file cannot be written.
    public func fail(_ reason: String, file: StaticString = #fileID, line: UInt = #line) throws {
        try end(.failed, nil, reason, SourceLocation(file: file, line: line))
    }

    private func end(
        _ state: TrialRecord.State, _ objective: Double?, _ reason: String?, _ location: SourceLocation
    ) throws {
        try study.file.write { db in
            try holdRunning(db, location)
            let last = "(SELECT value FROM report WHERE study = ? AND trial = ? ORDER BY step DESC LIMIT 1)"
            try db.execute(
                sql: """
                    UPDATE trial SET state = ?, ended = ?, reason = ?,
                        objective = CASE WHEN ? THEN \(last) ELSE ? END
                    WHERE study = ? AND number = ?
                    """,
                arguments: [
                    state.rawValue, Date().timeIntervalSince1970, reason, state == .pruned, study.id, number,
                    objective, study.id, number,
                ])
        }
        told.withLock { $0.isTold = true }
    }

    /// - Throws: ``GraphError`` where the trial is no longer this worker's to tell about.
    private func holdRunning(_ db: Database, _ location: SourceLocation) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT state, worker FROM trial WHERE study = ? AND number = ?", arguments: [study.id, number])
        let state: String? = row?["state"]
        guard state == "running", row?["worker"] == study.worker else {
            throw failure(
                state == "running" || state == "waiting"
                    ? "another process took it over, as the file of locks had been removed"
                    : "it has ended already: it is \(state ?? "gone"), and a trial is told once", location)
        }
    }

    private func failure(_ message: String, _ location: SourceLocation) -> GraphError {
        GraphError(operation: "trial \(number)", message: message, location: location)
    }
}
