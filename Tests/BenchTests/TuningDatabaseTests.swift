import BenchSupport
import Foundation
import OpenCLBackend
import Testing

@Suite struct TuningDatabaseTests {
    private let profile = DeviceProfile(
        style: .cpu, vectorWidth: 16, computeUnits: 4, maximumWorkGroupSize: 1024, localMemory: 32 << 10)
    private let problem: TuningProblem = [.batch: 1, .m: 512, .n: 512, .k: 512, .transposeA: 0, .transposeB: 0]
    private let device = TunedDevice(platform: "P", name: "D", driver: "1", deviceClass: "C")
    private let sibling = TunedDevice(platform: "P", name: "E", driver: "1", deviceClass: "C")
    private let stranger = TunedDevice(platform: "P", name: "F", driver: "1", deviceClass: "other")

    private var space: TuningSpace {
        get throws { try #require(TuningSpace.named("gemm-panel")) }
    }

    /// An entry that is told from others by its depth.
    private func entry(_ depth: Int, for problem: TuningProblem? = nil) throws -> TuningEntry {
        let problem = problem ?? self.problem
        let values = try space.standardValues(for: problem, on: profile).with(.depth, depth)
        return TuningEntry(family: "gemm-panel", problem: problem, values: values)
    }

    private func depth(_ table: TuningTable, _ problem: TuningProblem? = nil) throws -> Int {
        table.values(try space, problem ?? self.problem, profile)[.depth]
    }

    @Test func theSurestLayerIsTakenFirst() throws {
        var (user, shipped) = (TuningDatabase(), TuningDatabase())
        shipped.set(try entry(768), for: stranger)
        #expect(try depth(TuningTable(device, user: user, shipped: shipped)) == 384)
        shipped.set(try entry(96), for: sibling)
        #expect(try depth(TuningTable(device, user: user, shipped: shipped)) == 96)
        user.set(try entry(192), for: sibling)
        #expect(try depth(TuningTable(device, user: user, shipped: shipped)) == 192)
        #expect(!TuningTable(device, user: user, shipped: shipped).isTuned)
        shipped.set(try entry(256), for: device)
        #expect(try depth(TuningTable(device, user: user, shipped: shipped)) == 256)
        #expect(TuningTable(device, user: user, shipped: shipped).isTuned)
        user.set(try entry(512), for: device)
        var table = TuningTable(device, user: user, shipped: shipped)
        #expect(try depth(table) == 512)
        // Another driver is another device of the class.
        let updated = TunedDevice(platform: "P", name: "D", driver: "2", deviceClass: "C")
        #expect(try depth(TuningTable(updated, user: user, shipped: shipped)) == 192)
        table.force(try entry(96).values, for: "gemm-panel")
        #expect(try depth(table) == 96)
    }

    @Test func theNearestProblemWithinReachServes() throws {
        let small: TuningProblem = [.batch: 1, .m: 128, .n: 128, .k: 128, .transposeA: 0, .transposeB: 0]
        let large: TuningProblem = [.batch: 1, .m: 2048, .n: 2048, .k: 2048, .transposeA: 0, .transposeB: 0]
        let table = TuningTable([[try entry(96, for: small), try entry(768, for: large)]])
        #expect(try depth(table, [.batch: 1, .m: 200, .n: 100, .k: 150, .transposeA: 0, .transposeB: 0]) == 96)
        #expect(try depth(table, [.batch: 1, .m: 1024, .n: 2000, .k: 1500, .transposeA: 1, .transposeB: 0]) == 768)
        // More than two octaves from both, and a problem of other extents.
        #expect(try depth(table, [.batch: 1, .m: 512, .n: 16, .k: 16, .transposeA: 0, .transposeB: 0]) == 384)
        #expect(try depth(table, [.m: 128, .n: 128, .k: 128]) == 384)
    }

    /// Parameters that the space does not have, that do not go together, or of which one is missing.
    @Test func valuesThatAreNotAllowedAreNotUsed() throws {
        let standard = try space.standardValues(for: problem, on: profile)
        var missing = standard.with(.depth, 96)
        missing.parameters[.rows] = nil
        for values in [
            standard.with(.depth, 100), standard.with(.depth, 96).with(.rows, 14).with(.vectors, 4), missing,
            standard.with(.depth, 96).with(.team, 4), standard.with(.depth, 96).with(.vectorWidth, 0),
        ] {
            let entry = TuningEntry(family: "gemm-panel", problem: problem, values: values)
            #expect(try !space.allows(values, for: problem, on: profile))
            #expect(try depth(TuningTable([[entry]])) == 384)
            // The next nearest serves in its place.
            let second = try self.entry(
                256, for: [.batch: 1, .m: 400, .n: 512, .k: 512, .transposeA: 0, .transposeB: 0])
            #expect(try depth(TuningTable([[entry, second]])) == 256)
        }
    }

    @Test func aFileGivesBackWhatWasWritten() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/deeper/tuning.json"
        #expect(try TuningDatabase.read(atPath: path) == TuningDatabase())
        var database = TuningDatabase()
        var unfinished = try entry(96)
        unfinished.tried = [try entry(192).values, try entry(256).values]
        (unfinished.ms, unfinished.standardMs) = (0.5, 0.75)
        database.set(unfinished, for: device)
        database.set(try entry(512), for: stranger)
        database.set(try entry(768), for: stranger)
        try database.write(toPath: path)
        #expect(try TuningDatabase.read(atPath: path) == database)
        #expect(database.entries(of: stranger).count == 1)
    }

    @Test(arguments: [
        "", "{", "[]", "\u{0}\u{1}\u{2}", #"{"devices": []}"#, #"{"format": 99, "devices": []}"#,
        #"{"format": 1, "devices": [{}]}"#, #"{"format": 1, "devices": {"a": 1}}"#,
        #"{"format": 1, "devices": [{"device": {"platform": 1}, "entries": []}]}"#,
    ])
    func aFileThatCannotBeReadIsAWarning(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/tuning.json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect { try TuningDatabase.read(atPath: path) } throws: { "\($0)".contains(path) }
        let (table, warning) = TuningTable.of(stranger, userPath: path)
        #expect(warning?.contains(path) == true)
        #expect(try depth(table) == 384)
    }

    /// What would end the process in decoding or in counting.
    @Test(arguments: [
        String(repeating: "[", count: 100_000), "{\"format\": " + String(repeating: "[", count: 600),
        "{\"\\\"[\": " + String(repeating: "{\"a\":", count: 600) + "1" + String(repeating: "}", count: 601),
        #"{"format": 1e999, "devices": []}"#, #"{"format": 9223372036854775808, "devices": []}"#,
    ])
    func aFileCanDoNoHarm(_ text: String) throws {
        #expect(throws: (any Error).self) { try TuningDatabase(json: Data(text.utf8)) }
    }

    @Test(arguments: [Int.max, Int.max - 1, Int.min, -1, 1 << 41]) func extentsThatNothingHasCostTheirEntry(
        _ extent: Int
    ) throws {
        let text = """
            {"format": 1, "devices": [{"device": {"platform": "P", "name": "D", "driver": "1", "class": "C"}, "entries": [
            {"family": "gemm-panel", "problem": {"batch": 1, "m": \(extent), "n": 512, "k": 512, "ta": 0, "tb": 0},
            "values": {"rows": \(extent), "depth": 96}}]}]}
            """
        let database = try TuningDatabase(json: Data(text.utf8))
        #expect(database.entries(of: device).isEmpty)
        // Entries made otherwise do no harm either.
        let odd: TuningProblem = [.batch: extent, .m: extent, .n: 1, .k: 1, .transposeA: 0, .transposeB: 0]
        #expect(try depth(TuningTable([[try entry(96, for: odd)]])) == 384)
        #expect(try depth(TuningTable([[try entry(96)]]), odd) > 0)
    }

    @Test func aPipeOrAnEndlessFileIsAWarning() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(TuningTable.of(stranger, userPath: pipe).warning?.contains("is no file") == true)
        #expect(TuningTable.of(stranger, userPath: "/dev/zero").warning?.contains("is no file") == true)
        let sparse = folder.path + "/sparse"
        #expect(FileManager.default.createFile(atPath: sparse, contents: nil))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: sparse))
        try file.truncate(atOffset: 1 << 40)
        try file.close()
        #expect(TuningTable.of(stranger, userPath: sparse).warning?.contains("more than") == true)
    }

    @Test func aFolderInPlaceOfTheFileIsAWarning() throws {
        let folder = try TemporaryFolder()
        #expect(TuningTable.of(stranger, userPath: folder.path).warning?.contains(folder.path) == true)
    }

    /// Entries of another version are passed over, and the others of the file used.
    @Test func unknownNamesCostTheirEntry() throws {
        let text = """
            {"format": 1, "devices": [{"device": {"platform": "P", "name": "D", "driver": "1", "class": "C"}, "entries": [
            {"family": "gemm-panel", "problem": {"m": 1}, "values": {"rows": 4, "wings": 2}},
            {"family": "gemm-panel", "problem": {"x": 1}, "values": {"rows": 4}},
            {"family": "of tomorrow", "problem": {"m": 1}, "values": {"rows": 4}}]}]}
            """
        let database = try TuningDatabase(json: Data(text.utf8))
        #expect(database.entries(of: device).map(\.family) == ["of tomorrow"])
        #expect(try depth(TuningTable(device, user: database, shipped: TuningDatabase())) == 384)
    }

    @Test func whatIsShippedCanBeRead() throws {
        let shipped = try TuningDatabase.shipped()
        for section in shipped.sections {
            for entry in section.entries {
                let space = try #require(TuningSpace.named(entry.family))
                #expect(Set(entry.problem.extents.keys) == Set(space.extents) && entry.tried == nil)
            }
        }
    }

    @Test func environmentSaysWhereTheFileIs() {
        #expect(TuningDatabase.userPath(environment: ["TESSERA_TUNING": "/a/b.json"]) == "/a/b.json")
        #expect(TuningDatabase.userPath(environment: ["TESSERA_TUNING": "", "HOME": "/h"]) == nil)
        #expect(TuningDatabase.userPath(environment: ["HOME": "/h"]) == "/h/.cache/tessera/tuning.json")
        #expect(TuningDatabase.userPath(environment: [:]) == nil)
    }

    /// On processors and devices of all kinds, the standard values of each family are allowed, and are looked up for the
    /// problem that its kernels have.
    @Test func standardValuesAreAllowed() throws {
        let nodes = try TuningTask.nodes(of: BenchSuite.tuning.cases)
        for style in DeviceProfile.KernelStyle.allCases {
            for lanes in [4, 8, 16] { try checkStandardValues(nodes, style, lanes) }
        }
    }

    private func checkStandardValues(
        _ nodes: [TuningTask.CaseNode], _ style: DeviceProfile.KernelStyle, _ lanes: Int
    ) throws {
        for (group, memory) in [(1, 1 << 10), (64, 16 << 10), (256, 32 << 10), (1024, 512 << 10)] {
            let profile = DeviceProfile(
                style: style, vectorWidth: lanes, computeUnits: 3, maximumWorkGroupSize: group, localMemory: memory)
            var families: Set<String> = []
            for task in try TuningTask.tasks(of: nodes, families: [], on: profile) {
                let space = try #require(TuningSpace.named(task.family))
                let standard = space.standardValues(for: task.problem, on: profile)
                // Where there is hardly any local memory, the smallest tile stands in that nothing was measured for.
                if memory > 1 << 10 || style == .cpu {
                    #expect(space.allows(standard, for: task.problem, on: profile), "\(task.family) \(task.problem)")
                    families.insert(task.family)
                }
                #expect(
                    standard.parameters.keys.allSatisfy { key in space.dimensions.contains { $0.parameter == key } })
            }
            if memory > 1 << 10 {
                #expect(families == Set(TuningSpace.all.filter { $0.style == style }.map(\.name)))
            }
        }
    }
}

/// A folder of its own for a test, gone afterwards.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tessera-tuning-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
