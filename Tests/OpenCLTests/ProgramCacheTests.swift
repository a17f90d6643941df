import Foundation
import OpenCL
import Synchronization
import Testing

@testable import OpenCLBackend

/// A folder of its own for a test, gone afterwards.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tessera-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { path + "/" + $0 }
    }
}

@Suite(.needsDevice) struct ProgramCacheTests {
    /// A source that no other test has, so that drivers' own caches don't matter.
    let source = "__kernel void put(__global int *x) { x[get_global_id(0)] = VALUE; }\n// \(UUID())\n"

    private func text(_ options: String) -> ProgramText { ProgramText(source: source, options: options) }

    private func run(_ program: Program) throws -> Int32 {
        let context = program.context
        let queue = try Queue(context)
        let buffer = try Buffer(context, byteCount: 4)
        try queue.launch(try program.kernel("put"), arguments: [.buffer(buffer)], global: NDRange(1), local: NDRange(1))
        return try queue.read(buffer, count: 1, of: Int32.self)[0]
    }

    @Test(arguments: devices) func findsProgramsInMemoryThenInFiles(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let context = try Context(device)
        let cache = ProgramCache(context, directory: folder.path)
        let seven = try cache.program(text("-DVALUE=7"))
        #expect(try run(seven) == 7)
        #expect(try cache.program(text("-DVALUE=7")) === seven)
        // Other options are another program.
        #expect(try run(try cache.program(text("-DVALUE=8"))) == 8)
        #expect(cache.statistics == .init(foundInMemory: 1, built: 2, stored: 2))
        #expect(try folder.files().count == 2)

        let second = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try second.program(text("-DVALUE=7"))) == 7)
        #expect(try run(try second.program(text("-DVALUE=8"))) == 8)
        #expect(second.statistics == .init(foundInFile: 2))
    }

    /// Every way in which a file can be wrong leads to a build from source and a good file in its place.
    @Test(
        arguments: devices,
        ["empty", "truncated", "flipped bit in the key", "flipped bit in the binary", "other program", "not ours"])
    func replacesDamagedFiles(on device: Device, damage: String) throws {
        let folder = try TemporaryDirectory()
        let first = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try first.program(text("-DVALUE=7"))) == 7)
        let path = try #require(try folder.files().first)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var bad = good
        switch damage {
        case "empty": bad = []
        case "truncated": bad.removeLast()
        case "flipped bit in the key": bad[60] ^= 1
        case "flipped bit in the binary": bad[bad.count - 5] ^= 64
        case "other program":
            // A whole file of another key under this one's name, as a hash collision would give.
            bad = ProgramFile(key: Array("another".utf8), binary: [1, 2, 3]).bytes
        default: bad = Array("hello".utf8)
        }
        try Data(bad).write(to: URL(fileURLWithPath: path))

        let second = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try second.program(text("-DVALUE=7"))) == 7)
        #expect(second.statistics == .init(built: 1, stored: 1, rejected: 1))
        let third = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try third.program(text("-DVALUE=7"))) == 7)
        #expect(third.statistics == .init(foundInFile: 1))
    }

    /// A well-formed file whose binary the driver refuses.
    @Test(arguments: devices) func survivesABinaryThatTheDriverRefuses(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let first = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try first.program(text("-DVALUE=7"))) == 7)
        let path = try #require(try folder.files().first)
        var file = try #require(ProgramFile(bytes: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))))
        file.binary = Array("no binary of any driver".utf8)
        try Data(file.bytes).write(to: URL(fileURLWithPath: path))
        let second = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try second.program(text("-DVALUE=7"))) == 7)
        #expect(second.statistics == .init(built: 1, stored: 1, rejected: 1))
    }

    /// Nothing else has to happen after a program is built: no launch, and nothing when its cache or its process ends.
    @Test(arguments: devices) func aFileIsThereOnceTheProgramIsBuilt(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let cache = ProgramCache(try Context(device), directory: folder.path + "/deeper/still")
        _ = try cache.build(text("-DVALUE=7"))
        let other = ProgramCache(try Context(device), directory: folder.path + "/deeper/still")
        let program = try #require(other.found(text("-DVALUE=7")))
        #expect(try run(program) == 7)
        // Nothing but whole files, for the user only.
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/deeper/still")
        #expect(files.count == 1 && files[0].hasSuffix(".clbin"))
    }

    /// A program is run: what somebody else can have put there is not, and that is said, once.
    @Test(arguments: devices) func whatOthersMayHaveWrittenIsNotLoaded(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let first = ProgramCache(try Context(device), directory: folder.path)
        for value in 7...8 { _ = try first.program(text("-DVALUE=\(value)")) }
        for path in try folder.files() {
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(chmod(path, 0o602) == 0)
        }
        let warnings = Mutex<[String]>([])
        let second = ProgramCache(try Context(device), directory: folder.path)
        for value in 7...8 { #expect(try run(try second.program(text("-DVALUE=\(value)"))) == Int32(value)) }
        second.warn { warning in warnings.withLock { $0.append(warning) } }
        #expect(second.statistics == .init(built: 2, stored: 2, rejected: 2))
        #expect(warnings.withLock { $0.count == 1 && $0[0].contains("may be written by other users") })
        // What took their place is the user's own.
        let third = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try third.program(text("-DVALUE=7"))) == 7)
        #expect(third.statistics == .init(foundInFile: 1))
        // A link may lead to anybody's.
        for path in try folder.files() {
            try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".moved")
        }
        let fourth = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try fourth.program(text("-DVALUE=7"))) == 7)
        #expect(fourth.statistics.foundInFile == 0 && fourth.statistics.rejected == 1)
    }

    @Test(arguments: devices) func aFolderThatOthersMayWriteToIsNotUsed(on device: Device) throws {
        let folder = try TemporaryDirectory()
        #expect(chmod(folder.path, 0o777) == 0)
        let warnings = Mutex<[String]>([])
        let cache = ProgramCache(try Context(device), directory: folder.path)
        cache.warn { warning in warnings.withLock { $0.append(warning) } }
        for value in 7...8 { #expect(try run(try cache.program(text("-DVALUE=\(value)"))) == Int32(value)) }
        #expect(cache.statistics == .init(built: 2))
        #expect(try folder.files().isEmpty)
        #expect(warnings.withLock { $0.count == 1 && $0[0].contains(folder.path) && $0[0].contains("chmod 700") })
    }

    /// What was not used for longest goes first, and what killed processes left goes too.
    @Test(arguments: devices) func theFolderGrowsNoFurtherThanItsLimit(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let first = ProgramCache(try Context(device), directory: folder.path)
        let small = "__kernel void put(__global int *x) { x[get_global_id(0)] = VALUE; }\n"
        // Of the driver's own code as little as of these texts decides the size.
        func large(_ value: Int) -> ProgramText {
            ProgramText(source: small + "// \(String(repeating: "x", count: 100_000))\n", options: "-DVALUE=\(value)")
        }
        for value in 0..<6 { _ = try first.program(large(value)) }
        let sizes = try folder.files().map {
            Int(try FileManager.default.attributesOfItem(atPath: $0)[.size] as? UInt64 ?? 0)
        }
        let total = sizes.reduce(0, +)
        // All but the first two are of long ago; the first two were used since.
        for path in try folder.files() {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
        }
        let second = ProgramCache(try Context(device), directory: folder.path)
        for value in 0..<2 { _ = try second.program(large(value)) }
        try Data([1]).write(to: URL(fileURLWithPath: folder.path + "/.tessera-abandoned.tmp"))
        let third = ProgramCache(try Context(device), directory: folder.path, folderLimit: total / 6 * 4)
        _ = try third.program(large(7))
        #expect(try folder.files().count == 3)
        let fourth = ProgramCache(try Context(device), directory: folder.path)
        for value in [0, 1, 7] { #expect(fourth.found(large(value)) != nil, "\(value)") }
    }

    /// A folder that is full, or that files cannot be made in any more: what is built is used all the same.
    @Test(arguments: devices) func worksWhereAFileCannotBeWritten(on device: Device) throws {
        let folder = try TemporaryDirectory()
        let cache = ProgramCache(try Context(device), directory: folder.path)
        _ = try cache.program(text("-DVALUE=7"))
        // A folder of the file's own name is in its place.
        let path = try #require(try folder.files().first)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path + "/in the way", withIntermediateDirectories: true)
        let second = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try second.program(text("-DVALUE=7"))) == 7)
        #expect(second.statistics.built == 1 && second.statistics.stored == 0)
        #expect(try folder.files() == [path])
    }

    @Test(arguments: devices) func worksWithoutAWritableFolder(on device: Device) throws {
        for directory in [nil, "/proc/nowhere/tessera", "/dev/null"] {
            let cache = ProgramCache(try Context(device), directory: directory)
            #expect(try run(try cache.program(text("-DVALUE=7"))) == 7)
            #expect(cache.statistics == .init(built: 1))
        }
    }

    /// Several caches, each as in a process of its own, write and read the same files at once.
    @Test(arguments: devices) func sharesAFolder(on device: Device) async throws {
        let folder = try TemporaryDirectory()
        let path = folder.path
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let cache = ProgramCache(try Context(device), directory: path)
                    let program = try cache.program(text("-DVALUE=7"))
                    let value = try run(program)
                    return value
                }
            }
            for try await value in group { #expect(value == 7) }
        }
        #expect(try folder.files().count == 1)
        let cache = ProgramCache(try Context(device), directory: folder.path)
        #expect(try run(try cache.program(text("-DVALUE=7"))) == 7)
        #expect(cache.statistics == .init(foundInFile: 1))
    }

    /// What is not declared in `driver/pocl.cl` needs the driver's header, and is built all the same.
    @Test(arguments: devices) func buildsWhatIsNotDeclared(on device: Device) throws {
        let cache = ProgramCache(try Context(device), directory: nil)
        _ = try cache.program(text("-DVALUE=fabs(-7.0f)"))
        #expect(cache.statistics.builtWithDriversHeader == 0)
        #expect(try run(try cache.program(text("-DVALUE=popcount(15)"))) == 4)
        #expect(cache.statistics.builtWithDriversHeader == (device.compilesAtLaunch ? 1 : 0))
        #expect(cache.statistics.built == 2)
    }

    @Test(arguments: devices) func passesOnBuildErrors(on device: Device) throws {
        let cache = ProgramCache(try Context(device), directory: nil)
        let error = #expect(throws: OpenCLError.self) {
            try cache.program(ProgramText(source: "__kernel void f() { undeclared = 1; }", name: "f.cl"))
        }
        #expect(error?.program == "f.cl")
        #expect(error?.buildLog?.contains("undeclared") == true)
    }
}

@Suite struct ProgramCacheFolderTests {
    @Test func followsTheEnvironment() {
        func directory(_ environment: [String: String]) -> String? {
            ProgramCache.defaultDirectory(environment: environment)
        }
        #expect(directory(["TESSERA_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/a")
        #expect(directory(["XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/b/tessera")
        #expect(directory(["XDG_CACHE_HOME": "relative", "HOME": "/c"]) == "/c/.cache/tessera")
        #expect(directory(["HOME": "/c"]) == "/c/.cache/tessera")
        #expect(directory([:]) == nil)
        #expect(directory(["TESSERA_CACHE_DIR": "", "HOME": "/c"]) == nil)
    }

    @Test func givesPoCLAFolderThatItCanMake() {
        func folder(_ environment: [String: String], usable: [String]) -> String? {
            DriverFiles.poclFolder(environment) { path in usable.contains { path.hasPrefix($0) } }
        }
        let temporary = "/t/tessera-\(geteuid())/pocl"
        // The user's word, then ours, then PoCL's own choice.
        #expect(folder(["POCL_CACHE_DIR": "/a", "TESSERA_CACHE_DIR": "/b", "HOME": "/h"], usable: ["/"]) == nil)
        #expect(folder(["TESSERA_CACHE_DIR": "/b", "HOME": "/h"], usable: ["/"]) == "/b/pocl")
        #expect(folder(["TESSERA_CACHE_DIR": "", "HOME": "/h"], usable: ["/"]) == nil)
        #expect(folder(["HOME": "/h"], usable: ["/"]) == nil)
        #expect(folder([:], usable: ["/"]) == nil)
        // What can't be made is passed over.
        #expect(folder(["TESSERA_CACHE_DIR": "/b", "HOME": "/h", "TMPDIR": "/t"], usable: ["/h", "/t"]) == nil)
        #expect(folder(["TESSERA_CACHE_DIR": "/b", "HOME": "/h", "TMPDIR": "/t"], usable: ["/t"]) == temporary)
        #expect(folder(["XDG_CACHE_HOME": "/x", "HOME": "/h", "TMPDIR": "/t"], usable: ["/h", "/t"]) == temporary)
        #expect(folder(["HOME": "/h", "TMPDIR": "/t"], usable: []) == nil)
    }

    @Test func aFolderCanBeMadeWhereNothingElseIs() throws {
        let folder = try TemporaryDirectory()
        chmod(folder.path, 0o700)
        try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
        chmod(folder.path + "/file", 0o777)
        symlink("nowhere", folder.path + "/link")
        for name in ["", "/a", "/a/b"] { #expect(DriverFiles.canMake(folder.path + name, freeBytes: 0)) }
        for name in ["/file", "/file/a", "/link", "/link/a"] {
            #expect(!DriverFiles.canMake(folder.path + name, freeBytes: 0))
        }
        #expect(!DriverFiles.canMake(folder.path, freeBytes: .max) && !DriverFiles.canMake("/proc/a", freeBytes: 0))
        #expect(try folder.files() == [folder.path + "/file", folder.path + "/link"])
    }

    /// The vectors of the reference implementation: key 00 01 … 0f, input 00 01 … (n - 1).
    @Test func sipHashGivesTheReferenceVectors() {
        let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        func digest(_ count: Int) -> [UInt8] {
            let (low, high) = (0..<count).map { UInt8($0) }.withUnsafeBytes { SipHash128.digest(of: $0, key: key) }
            return [low, high].flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
        }
        #expect(
            digest(0) == [
                0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93,
            ])
        #expect(
            digest(1) == [
                0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45,
            ])
    }
}
