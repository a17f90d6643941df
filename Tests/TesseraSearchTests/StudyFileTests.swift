import Foundation
import TensorGraph
import Tessera
import Testing

@testable import TesseraSearch

/// Files that are no studies, and processes that share one or are killed.
@Suite struct StudyFileTests {
    private func space() throws -> SearchSpace { try SearchSpace([.real("x", -1...1), .real("y", -1...1)]) }

    private func study(_ path: String) throws -> Study {
        try Study(path, space: space(), direction: .minimize, seed: 5, sampler: .random)
    }

    private static let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()

    /// Starts the program of `Tests/SearchWorker`, whose output goes to a file.
    private func worker(_ arguments: [String], output: String) throws -> Process {
        let process = Process()
        process.executableURL = Self.folder.appendingPathComponent("tessera-search-worker")
        process.arguments = arguments
        try Data().write(to: URL(fileURLWithPath: output))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        try process.run()
        return process
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test func twoProcessesShareAStudy() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let outputs = [folder.path("first"), folder.path("second")]
        // Long enough for both to have a part, however they are started.
        let processes = try outputs.map { try worker([path, "30", "60"], output: $0) }
        for process in processes {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        let parts = try outputs.map { try lines($0) }
        // Each trial was one process's.
        #expect(Set(parts.joined()).count == 30 && parts[0].count + parts[1].count == 30)
        let trials = try study(path).trials()
        #expect(trials.count == 30 && trials.allSatisfy { $0.state == .complete && $0.attempts == 1 })
        // Values depend on the seed and the number alone, whoever ran them.
        let alone = try study(folder.path("alone"))
        try alone.run(trials: 30) { _ in 0 }
        #expect(try trials.map(\.values) == alone.trials().map(\.values))
    }

    /// A process that is killed while a trial runs: the next one takes it up, with the same values, from its beginning.
    @Test func aKilledProcessIsTakenOverFrom() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let process = try worker([path, "1000", "30000"], output: folder.path("output"))
        while try !FileManager.default.fileExists(atPath: path) || lines(folder.path("output")).isEmpty {
            usleep(10_000)
        }
        let mine = try study(path)
        // As long as it lives, its trial is its own.
        let next = try #require(try mine.begin())
        #expect(next.number == 1)
        try next.complete(1)
        while try mine.trials()[0].reports.isEmpty { usleep(10_000) }
        let running = try mine.trials()[0]
        #expect(running.state == .running)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let again = try #require(try mine.begin(limit: 2))
        #expect(again.number == 0 && again.values == running.values)
        let trial = try mine.trials()[0]
        #expect(trial.state == .running && trial.attempts == 2 && trial.reports.isEmpty)
        try again.complete(2)
        #expect(try mine.begin(limit: 2) == nil)
    }

    /// A study that goes away with its trials puts them back; one that was begun too often has failed.
    @Test func whatTakesItsProcessAlongIsNotTriedForEver() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        for _ in 1...Study.attemptLimit {
            let trial = try #require(try study(path).begin())
            #expect(trial.number == 0)
        }
        let trial = try #require(try study(path).begin())
        #expect(trial.number == 1)
        let first = try study(path).trials()[0]
        #expect(first.state == .failed && first.reason?.contains("\(Study.attemptLimit) times") == true)
    }

    /// Where somebody removed the file of locks, a trial is taken over from a process that lives; it is told so.
    @Test func aTrialThatWasTakenOverIsNotTold() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let first = try study(path)
        let trial = try #require(try first.begin())
        try FileManager.default.removeItem(atPath: path + "-workers")
        let second = try study(path)
        let same = try #require(try second.begin())
        #expect(same.number == trial.number)
        let error = #expect(throws: GraphError.self) { try trial.complete(1) }
        #expect(error?.message.contains("took it over") == true)
        try same.complete(2)
        #expect(try first.trials()[0].objective == 2)
    }

    @Test func aLinkLeadsToTheSameStudy() throws {
        let folder = try TemporaryFolder()
        let (path, link) = (folder.path("search.sqlite"), folder.path("link"))
        let first = try study(path)
        let trial = try #require(try first.begin())
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let second = try study(link)
        #expect(try second.begin()?.number == 1)
        try trial.complete(0)
    }

    @Test func foreignAndDamagedFilesAreErrorsAndStayAsTheyAre() throws {
        let folder = try TemporaryFolder()
        let good = folder.path("good")
        try study(good).run(trials: 40) { _ in 1 }
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: good)))
        var header = bytes
        header.replaceSubrange(0..<16, with: Array("no database here".utf8))
        var page = bytes
        for index in 4096..<min(8192, page.count) { page[index] = UInt8(truncatingIfNeeded: index &* 31) }
        var foreign = bytes
        foreign.replaceSubrange(68..<72, with: [1, 2, 3, 4])
        var newer = bytes
        newer.replaceSubrange(60..<64, with: [0, 0, 0, 9])
        let files: [(String, [UInt8])] = [
            ("text", Array("name,value\n1,2\n".utf8) + [UInt8](repeating: 65, count: 600)), ("header", header),
            ("page", page), ("cut", Array(bytes.prefix(bytes.count / 2))), ("foreign", foreign), ("newer", newer),
        ]
        for (name, contents) in files {
            let path = try folder.write(contents, to: name)
            let error = #expect(throws: FileError.self, "\(name)") { try study(path).trials() }
            #expect(error?.path == path && error?.reason.isEmpty == false, "\(name)")
            #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == contents, "\(name)")
            if let error { print(error) }
        }
        // An empty file is a study that nobody has begun.
        #expect(try study(folder.write([], to: "empty")).trials().isEmpty)
        #expect(throws: FileError.self) { try study(folder.path("no/search.sqlite")) }
        #expect(throws: FileError.self) { try study(folder.url.path) }
        #expect(throws: FileError.self) { try Study(existing: folder.path("none")) }
        #expect(!FileManager.default.fileExists(atPath: folder.path("none")))
    }

    /// Rows that say what no study writes.
    @Test(
        arguments: [
            "UPDATE trial SET state = 'asleep'", "UPDATE trial SET \"values\" = '{'",
            "UPDATE trial SET \"values\" = '{\"values\":{}}'", "UPDATE study SET space = '[]'",
            "UPDATE study SET direction = 'up'",
        ])
    func rowsThatMakeNoSenseAreErrors(_ sql: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        try study(path).run(trials: 2) { _ in 1 }
        _ = try study(path).file.write { db in try db.execute(sql: sql) }
        let error = #expect(throws: FileError.self) { try Study(existing: path).trials() }
        #expect(error?.reason.contains("damaged") == true)
    }
}

/// A folder that goes away with this object.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-search-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}
