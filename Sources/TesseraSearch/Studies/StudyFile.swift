import AtomicFiles
import Foundation
import GRDB
import TensorGraph

#if !Search
    #error("TesseraSearch needs the package's trait “Search”, which is on unless `traits:` leaves it out")
#endif

/// The SQLite file of studies: opening it, its tables, and what an error of SQLite means.
struct StudyFile: Sendable {
    /// “Tssr”: by this number a file says whose it is (`PRAGMA application_id`).
    private static let application: Int32 = 0x5473_7372
    /// Of the tables, to be counted up when they change.
    private static let version: Int32 = 1

    let path: String
    let queue: DatabaseQueue
    let locks: WorkerLocks

    /// Opens a file, or makes it.
    ///
    /// - Throws: ``FileError`` where it cannot be opened, is damaged, or is somebody else's; nothing is changed then.
    init(path given: String, makesFile: Bool) throws {
        try AtomicFile.checkWritable(given)
        guard makesFile || FileManager.default.fileExists(atPath: given) else {
            throw FileError(path: given, reason: "there is no such study")
        }
        var configuration = Configuration()
        // Whoever writes does so in milliseconds; this long only where a machine stands still.
        configuration.busyMode = .timeout(60)
        configuration.label = "tessera.study"
        (path, queue) = try Self.translating(given) {
            let queue = try DatabaseQueue(path: given, configuration: configuration)
            try queue.inTransaction(.immediate) { db in
                try Self.prepare(db, given)
                return .commit
            }
            // The same file has the same locks, by whatever link it is reached.
            return (URL(fileURLWithPath: given).resolvingSymlinksInPath().path, queue)
        }
        locks = try WorkerLocks(path: path + "-workers")
    }

    private static func prepare(_ db: Database, _ path: String) throws {
        let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
        if tables == 0, application == 0 {
            try db.execute(sql: Self.schema)
            try db.execute(sql: "PRAGMA application_id = \(Self.application); PRAGMA user_version = \(Self.version)")
            return
        }
        guard application == Self.application else {
            throw FileError(path: path, reason: "is an SQLite file of another program, not of studies")
        }
        let version = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version == Self.version else {
            throw FileError(
                path: path, reason: "has version \(version) of the format; this program knows \(Self.version)")
        }
        let check = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? ""
        guard check == "ok" else { throw Self.damage(path, check) }
    }

    private static let schema = """
        CREATE TABLE study (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, direction TEXT NOT NULL, seed INTEGER NOT NULL,
            space TEXT NOT NULL
        ) STRICT;
        CREATE TABLE worker (id INTEGER PRIMARY KEY AUTOINCREMENT, began REAL NOT NULL) STRICT;
        CREATE TABLE trial (
            study INTEGER NOT NULL REFERENCES study, number INTEGER NOT NULL, state TEXT NOT NULL,
            worker INTEGER REFERENCES worker, attempts INTEGER NOT NULL, "values" TEXT, objective REAL,
            began REAL, ended REAL, reason TEXT, PRIMARY KEY (study, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE report (
            study INTEGER NOT NULL, trial INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL,
            PRIMARY KEY (study, trial, step), FOREIGN KEY (study, trial) REFERENCES trial (study, number)
        ) STRICT, WITHOUT ROWID;
        """

    /// Reads what one moment has.
    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try Self.translating(path) { try queue.read(body) }
    }

    /// Changes the file, while nobody else does, or leaves it as it was where `body` throws.
    func write<T>(_ body: (Database) throws -> T) throws -> T {
        try Self.translating(path) {
            var result: T?
            try queue.inTransaction(.immediate) { db in
                result = try body(db)
                return .commit
            }
            guard let result else { throw FileError(path: path, reason: "was not written") }
            return result
        }
    }

    /// Turns errors of SQLite into ones that say what to do.
    private static func translating<T>(_ path: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_NOTADB: throw FileError(path: path, reason: "is no study, or its beginning is damaged")
            case .SQLITE_CORRUPT, .SQLITE_FORMAT: throw damage(path, error.message ?? "")
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                throw FileError(path: path, reason: "has been locked by another process for a minute: is one stopped?")
            default: throw FileError(path: path, reason: "SQLite: \(error.message ?? "\(error.resultCode)")")
            }
        }
    }

    /// - Parameter what: in SQLite's words or ours.
    static func damage(_ path: String, _ what: String) -> FileError {
        FileError(path: path, reason: "is damaged (\(what)): take a copy of it, or begin another study")
    }
}
