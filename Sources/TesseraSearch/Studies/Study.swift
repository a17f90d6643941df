import AtomicFiles
import Foundation
import GRDB
import TensorGraph
import Tessera

/// A search for hyper-parameters, kept in an SQLite file.
///
/// ```swift
/// let study = try Study(
///     "search.sqlite",
///     space: SearchSpace([.real("learning rate", 1e-4...1e-1, .logarithmic), .integer("width", 8...64)]),
///     direction: .maximize, pruner: .successiveHalving(minimumSteps: 1))
/// try study.run(trials: 20) { trial in
///     let trainer = try makeTrainer(width: trial.integer("width"), learningRate: trial.real("learning rate"))
///     let pruning = PruningCallback(trial, on: "accuracy")
///     try trainer.fit(train, batchSize: 64, epochs: 9, test: validation, callbacks: [pruning])
///     return try trainer.evaluate(validation).metric ?? 0
/// }
/// print(try study.table())
/// ```
///
/// Any number of processes of one machine may do that with the same file at the same time: each takes the next trial. Where a
/// process is killed, the next one that takes a trial finds it gone and takes up what it was at. Beside the file is one more,
/// with `-workers` after its name, by whose locks processes know who lives; it holds nothing, and may go when none runs.
public final class Study: Sendable {
    public let name: String
    public let space: SearchSpace
    /// Whether greater or smaller objectives are better.
    public let direction: Direction
    public let seed: UInt64
    let sampler: any Sampler
    let pruner: (any Pruner)?
    let file: StudyFile
    /// Of the study and of this worker, in the file.
    let (id, worker): (Int64, Int64)

    /// How often a trial may be begun whose process goes away in the middle.
    static let attemptLimit = 3

    /// Goes on with the study of that name in a file, or begins it.
    ///
    /// - Parameters:
    ///   - path: of the file, which may hold several studies.
    ///   - direction: whether greater or smaller objectives are better.
    ///   - seed: of all choices. One process after another chooses the same values again from the same seed; of several at a
    ///     time, which trial has ended before another begins depends on the machine.
    ///   - sampler: what chooses values. It and the pruner are not kept in the file: another process may have others.
    ///   - pruner: what ends trials early; none does by default.
    /// - Throws: ``FileError`` where the file cannot be opened, is damaged or somebody else's; ``GraphError`` where it has a
    ///   study of that name with another space, direction or seed.
    public convenience init(
        _ path: String, name: String = "study", space: SearchSpace, direction: Direction, seed: UInt64 = 0,
        sampler: any Sampler = .bayesian(), pruner: (any Pruner)? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        try self.init(path, name, (space, direction, seed), sampler, pruner, SourceLocation(file: file, line: line))
    }

    /// Goes on with a study that is there, whatever its space, or looks at it.
    ///
    /// - Throws: ``FileError`` where there is none of that name, or the file cannot be opened, is damaged or somebody else's.
    public convenience init(
        existing path: String, name: String = "study", sampler: any Sampler = .bayesian(),
        pruner: (any Pruner)? = nil
    ) throws {
        try self.init(path, name, nil, sampler, pruner, nil)
    }

    private init(
        _ path: String, _ name: String, _ wanted: (space: SearchSpace, direction: Direction, seed: UInt64)?,
        _ sampler: any Sampler, _ pruner: (any Pruner)?, _ location: SourceLocation?
    ) throws {
        let file = try StudyFile(path: path, makesFile: wanted != nil)
        let found = try file.write { db in
            if let row = try Row.fetchOne(db, sql: "SELECT * FROM study WHERE name = ?", arguments: [name]) {
                return try StudyRow(row, path)
            }
            guard let wanted else {
                let names = try String.fetchAll(db, sql: "SELECT name FROM study ORDER BY id")
                let others = names.map { "“\($0)”" }.joined(separator: ", ")
                throw FileError(
                    path: path,
                    reason: "there is no study “\(name)” in it, but " + (others.isEmpty ? "none at all" : others))
            }
            try db.execute(
                sql: "INSERT INTO study (name, direction, seed, space) VALUES (?, ?, ?, ?)",
                arguments: [
                    name, wanted.direction.rawValue, Int64(bitPattern: wanted.seed), try text(of: wanted.space),
                ])
            return StudyRow(
                id: db.lastInsertedRowID, space: wanted.space, direction: wanted.direction, seed: wanted.seed)
        }
        if let wanted, let complaint = found.difference(from: wanted) {
            throw GraphError(
                operation: "Study",
                message: "“\(name)” in \(path) has another \(complaint): go on with that, or give the new study a name"
                    + " of its own", location: location)
        }
        self.file = file
        self.name = name
        (self.sampler, self.pruner) = (sampler, pruner)
        (id, space, direction, seed) = (found.id, found.space, found.direction, found.seed)
        worker = try file.write { db in
            try db.execute(sql: "INSERT INTO worker (began) VALUES (?)", arguments: [Date().timeIntervalSince1970])
            return db.lastInsertedRowID
        }
        try file.locks.hold(worker)
    }

    // MARK: Results

    /// All trials that have begun, in order of their numbers.
    ///
    /// - Throws: ``FileError`` where the file cannot be read or is damaged.
    public func trials() throws -> [TrialRecord] { try file.read { try records($0) } }

    /// The complete trial with the best objective, the first of several; `nil` where none is complete.
    ///
    /// - Throws: ``FileError`` where the file cannot be read or is damaged.
    public func best() throws -> TrialRecord? { best(of: try trials()) }

    func best(of trials: [TrialRecord]) -> TrialRecord? {
        var best: TrialRecord?
        for trial in trials where trial.state == .complete {
            guard let objective = trial.objective else { continue }
            if let least = best?.objective, direction.score(objective) <= direction.score(least) { continue }
            best = trial
        }
        return best
    }

    // MARK: Running

    /// Takes trials, one after another, until the study has so many.
    ///
    /// A trial whose pruner ends it, as `objective` learns from ``Trial/report(_:step:)`` or ``PruningCallback``, is pruned,
    /// whatever `objective` returns. One whose objective is NaN or infinite, or that throws ``NonFiniteLoss``, has failed, and
    /// the next one begins.
    ///
    /// - Parameters:
    ///   - total: of all trials, those of other processes and from before included.
    ///   - objective: runs one trial and gives what is to be great or small.
    /// - Throws: what `objective` throws, after the trial is noted as failed; ``FileError`` where the file cannot be written.
    public func run(trials total: Int, _ objective: (Trial) throws -> Double) throws {
        while let trial = try begin(limit: total) {
            do {
                let value = try objective(trial)
                if trial.isHopeless {
                    try trial.prune()
                } else if value.isFinite {
                    try trial.complete(value)
                } else {
                    try trial.fail("the objective is \(value)")
                }
            } catch let loss as NonFiniteLoss {
                try trial.fail("\(loss)")
            } catch {
                if !trial.isTold { try? trial.fail("\(error)") }
                throw error
            }
        }
    }

    /// Takes the next trial: one that was put back, or a new one.
    ///
    /// - Parameter limit: how many trials the study is to have; without one, trials that were put back count too.
    /// - Returns: `nil` where it has as many, or the sampler has nothing left to try.
    /// - Throws: ``FileError`` where the file cannot be written; what the sampler throws.
    public func begin(limit: Int? = nil) throws -> Trial? {
        let reserved: (number: Int, values: ParameterValues?, others: [TrialRecord])? = try file.write { db in
            try putBack(db)
            let trials = try records(db)
            let waiting = trials.first { $0.state == .waiting }
            let number = waiting?.number ?? trials.count
            if waiting == nil {
                guard trials.count < limit ?? .max else { return nil }
                try db.execute(
                    sql: "INSERT INTO trial (study, number, state, attempts) VALUES (?, ?, 'waiting', 0)",
                    arguments: [id, number])
            }
            try db.execute(
                sql: """
                    UPDATE trial SET state = 'running', worker = ?, attempts = attempts + 1, began = ?
                    WHERE study = ? AND number = ?
                    """, arguments: [worker, Date().timeIntervalSince1970, id, number])
            return (number, waiting?.values, trials.filter { $0.number != number })
        }
        guard let reserved else { return nil }
        let number = reserved.number
        if let values = reserved.values { return Trial(self, number, values) }
        // Choosing may take a while, in which others need not wait.
        let context = SamplerContext(
            space: space, direction: direction, number: number, seed: seed, history: reserved.others)
        guard let values = try choosing(number, { try sampler.values(context) }) else { return nil }
        if let complaint = space.complaint(about: values) {
            throw GraphError(operation: "Study", message: "the sampler's values are none of the space: \(complaint)")
        }
        try file.write { db in
            try db.execute(
                sql: "UPDATE trial SET \"values\" = ? WHERE study = ? AND number = ?",
                arguments: [try text(of: values), id, number])
        }
        return Trial(self, number, values)
    }

    /// Chooses values, and takes the trial away again where there are none.
    private func choosing(_ number: Int, _ choose: () throws -> ParameterValues?) throws -> ParameterValues? {
        let values = Result { try choose() }
        if case .success(.some) = values { return try values.get() }
        try file.write { db in
            let last = try Int.fetchOne(db, sql: "SELECT MAX(number) FROM trial WHERE study = ?", arguments: [id])
            // Numbers have no gaps: one in between is left for the next to try.
            let sql =
                last == number
                ? "DELETE FROM trial WHERE study = ? AND number = ?"
                : "UPDATE trial SET state = 'waiting', worker = NULL WHERE study = ? AND number = ?"
            try db.execute(sql: sql, arguments: [id, number])
        }
        return try values.get()
    }

    /// Puts back the trials of workers that are gone. One that was begun too often has failed.
    private func putBack(_ db: Database) throws {
        let workers = try Int64.fetchAll(
            db, sql: "SELECT DISTINCT worker FROM trial WHERE study = ? AND state = 'running'", arguments: [id])
        for other in workers where other != worker {
            guard try !file.locks.isHeld(other) else { continue }
            try db.execute(
                sql: """
                    DELETE FROM report WHERE study = ? AND trial IN
                        (SELECT number FROM trial WHERE study = ? AND state = 'running' AND worker = ?)
                    """, arguments: [id, id, other])
            try db.execute(
                sql: """
                    UPDATE trial SET worker = NULL,
                        state = CASE WHEN attempts < ? THEN 'waiting' ELSE 'failed' END,
                        reason = CASE WHEN attempts < ? THEN NULL ELSE 'its process went away ' || attempts || ' times' END
                    WHERE study = ? AND state = 'running' AND worker = ?
                    """, arguments: [Self.attemptLimit, Self.attemptLimit, id, other])
        }
    }
}

// MARK: Rows

/// A study as its row has it.
struct StudyRow {
    var id: Int64
    var space: SearchSpace
    var direction: Direction
    var seed: UInt64

    init(id: Int64, space: SearchSpace, direction: Direction, seed: UInt64) {
        (self.id, self.space, self.direction, self.seed) = (id, space, direction, seed)
    }

    init(_ row: Row, _ path: String) throws {
        id = row["id"]
        guard let direction = Direction(rawValue: row["direction"]) else {
            throw StudyFile.damage(path, "a study's direction is “\(row["direction"] as String)”")
        }
        self.direction = direction
        seed = UInt64(bitPattern: row["seed"])
        space = try decoded(SearchSpace.self, row["space"], path)
    }

    /// What is another than wanted, in words.
    func difference(from wanted: (space: SearchSpace, direction: Direction, seed: UInt64)) -> String? {
        if space != wanted.space { return "space" }
        if direction != wanted.direction { return "direction, \(direction)" }
        return seed == wanted.seed ? nil : "seed, \(seed)"
    }
}

extension Study {
    func records(_ db: Database) throws -> [TrialRecord] {
        var reports: [Int: [TrialRecord.Report]] = [:]
        let sql = "SELECT trial, step, value FROM report WHERE study = ? ORDER BY trial, step"
        for row in try Row.fetchAll(db, sql: sql, arguments: [id]) {
            reports[row["trial"], default: []].append(.init(step: row["step"], value: row["value"]))
        }
        let trials = try Row.fetchAll(
            db, sql: "SELECT * FROM trial WHERE study = ? ORDER BY number", arguments: [id])
        return try trials.map { row in
            guard let state = TrialRecord.State(rawValue: row["state"]) else {
                throw StudyFile.damage(file.path, "a trial's state is “\(row["state"] as String)”")
            }
            let values: ParameterValues? = try (row["values"] as String?).map { text in
                let values = try decoded(ParameterValues.self, text, file.path)
                if let complaint = space.complaint(about: values) { throw StudyFile.damage(file.path, complaint) }
                return values
            }
            return TrialRecord(
                number: row["number"], state: state, values: values, objective: row["objective"],
                reports: reports[row["number"]] ?? [],
                began: (row["began"] as Double?).map { Date(timeIntervalSince1970: $0) },
                ended: (row["ended"] as Double?).map { Date(timeIntervalSince1970: $0) }, attempts: row["attempts"],
                reason: row["reason"])
        }
    }
}

private func text(of value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

private func decoded<Value: Decodable>(_: Value.Type, _ text: String, _ path: String) throws -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch {
        throw StudyFile.damage(path, "it says “\(text.prefix(60))”")
    }
}
