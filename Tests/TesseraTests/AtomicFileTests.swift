import AtomicFiles
import Foundation
import Tessera
import Testing

/// What a file replaces, and what it must not.
@Suite struct AtomicFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(lstat(path, &status) == 0, "\(path)")
        return status
    }

    private func kind(_ path: String) throws -> mode_t { try status(path).st_mode & S_IFMT }
    private func mode(_ path: String) throws -> mode_t { try status(path).st_mode & 0o7777 }
    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    private func files(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    /// A name, what the link says, and where the file is then.
    @Test(
        arguments: [
            ("to a file", "real", "real"), ("to nothing yet", "new", "new"), ("by way of another", "link 2", "real"),
            ("into another folder", "sub/real", "sub/real"), ("to nothing in another folder", "sub/new", "sub/new"),
            ("back and forth", "sub/../real", "real"), ("from another folder", "sub/back", "real"),
        ])
    func aLinkIsFollowed(_ name: String, _ target: String, _ place: String) throws {
        mkdir(folder.path("sub"), 0o700)
        for file in ["real", "sub/real"] { _ = try folder.write([1], to: file) }
        symlink("real", folder.path("link 2"))
        symlink("../real", folder.path("sub/back"))
        let isAbsolute = name.contains("back and")
        symlink(isAbsolute ? folder.path(target) : target, folder.path("link"))
        try AtomicFile.write(Array(name.utf8), to: folder.path("link"))
        #expect(try kind(folder.path("link")) == S_IFLNK && kind(folder.path("link 2")) == S_IFLNK)
        #expect(try kind(folder.path(place)) == S_IFREG)
        #expect(try text(folder.path(place)) == name && text(folder.path("link")) == name)
        #expect(try files(folder.path("")).filter { $0.hasPrefix(".") }.isEmpty)
        #expect(try files(folder.path("sub")).filter { $0.hasPrefix(".") }.isEmpty)
    }

    @Test(arguments: [0o600, 0o640, 0o444, 0o755, 0o4711] as [mode_t]) func aModeIsKept(_ mode: mode_t) throws {
        // Where others than root may not write to it, they are refused.
        guard geteuid() == 0 || mode & 0o200 != 0 else { return }
        let path = try folder.write([1], to: "kept")
        #expect(chmod(path, mode) == 0)
        var before = try status(path)
        try SafetensorsFile.write(["a": HostTensor(Float(1))], to: path)
        #expect(try SafetensorsFile(path: path).tensor("a") == HostTensor(Float(1)))
        #expect(try self.mode(path) == mode)
        #expect(try status(path).st_uid == before.st_uid && status(path).st_gid == before.st_gid)
        guard geteuid() == 0 else { return }
        // Another's file stays theirs.
        #expect(chown(path, 12345, 54321) == 0 && chmod(path, mode) == 0)
        before = try status(path)
        try AtomicFile.write([2], to: path)
        #expect(try status(path).st_uid == 12345 && status(path).st_gid == 54321 && self.mode(path) == mode)
    }

    @Test func aNewFileHasTheModeOfAnyOther() throws {
        close(open(folder.path("any"), O_CREAT | O_WRONLY, 0o666))
        try AtomicFile.write([1], to: folder.path("new"))
        #expect(try mode(folder.path("new")) == mode(folder.path("any")))
    }

    @Test func aPrivateFileIsPrivateWhileItIsWritten() throws {
        let path = try folder.write([1], to: "private")
        chmod(path, 0o640)
        try AtomicFile.write(to: path) { write in
            try write([2])
            let temporary = try files(folder.path("")).filter { $0 != "private" }
            #expect(try temporary.count == 1 && mode(folder.path(temporary[0])) == 0o600)
        }
        #expect(try mode(path) == 0o640)
    }

    /// Every name as long as names may be, and one that is longer.
    @Test func longNames() throws {
        let longest = String(repeating: "é", count: 127) + "x"
        try AtomicFile.write([1], to: folder.path(longest))
        #expect(try files(folder.path("")) == [longest])
        #expect { try AtomicFile.write([1], to: folder.path(longest + "x")) } throws: { "\($0)".contains("too long") }
    }

    @Test func whatIsNoFileIsRefused() throws {
        let pipe = folder.path("pipe")
        mkfifo(pipe, 0o600)
        symlink("loop", folder.path("loop"))
        symlink("gone/file", folder.path("dangling"))
        symlink("gone/", folder.path("slash"))
        symlink([CChar(bitPattern: 0xff), 0], folder.path("bytes"))
        _ = try folder.write([1], to: "file")
        let refused: [(path: String, message: String)] = [
            (pipe, "a pipe"), ("/dev/null", "a device"), ("/dev/fd/99", "an open descriptor"), ("", "empty"),
            (folder.path(""), "a folder"), (folder.path("") + "/", "a folder"), ("/", "a folder"), (".", "a folder"),
            (folder.path("new") + "/", "ends in a slash"), (folder.path("slash"), "ends in a slash"),
            (folder.path("file") + "/", "Not a directory"), (folder.path("file/x"), "Not a directory"),
            (folder.path("loop"), "symbolic links"), (folder.path("bytes"), "not UTF-8"),
            (folder.path("dangling"), "there is no folder"),
            (folder.path("file") + "\0b", "a zero byte"), (folder.path("gone/file"), "make it first"),
        ]
        for (path, message) in refused {
            for attempt in [
                { try AtomicFile.checkWritable(path) }, { try AtomicFile.write([2], to: path) },
                { try SafetensorsFile.write(["a": HostTensor(Float(1))], to: path) },
            ] {
                let error = #expect(throws: FileError.self, "\(path)") { try attempt() }
                #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
            }
        }
        #expect(try kind(pipe) == S_IFIFO && kind("/dev/null") == S_IFCHR)
        #expect(try files(folder.path("")) == ["bytes", "dangling", "file", "loop", "pipe", "slash"])
        #expect { try SafetensorsFile(path: "/dev/zero") } throws: { "\($0)".contains("a device") }
    }

    @Test func whereStreamsAreAllowedTheyAreWrittenTo() throws {
        let pipe = folder.path("pipe")
        mkfifo(pipe, 0o600)
        // Both ends open: neither side waits for the other.
        let descriptor = open(pipe, O_RDWR | O_NONBLOCK)
        defer { close(descriptor) }
        symlink("/dev/fd/\(descriptor)", folder.path("link"))
        for path in [pipe, "/dev/fd/\(descriptor)", "/proc/self/fd/\(descriptor)", folder.path("link")] {
            try AtomicFile.checkWritable(path, allowsStreams: true)
            try AtomicFile.write(Array(path.utf8), to: path, allowsStreams: true)
            var bytes = [UInt8](repeating: 0, count: 1000)
            let count = read(descriptor, &bytes, bytes.count)
            #expect(String(decoding: bytes[..<max(count, 0)], as: UTF8.self) == path)
        }
        try AtomicFile.write([1], to: "/dev/null", allowsStreams: true)
        #expect { try AtomicFile.write([1], to: "/dev/full", allowsStreams: true) } throws: {
            "\($0)".contains("No space left")
        }
        // A file is a file all the same.
        try AtomicFile.write([1], to: folder.path("file"), allowsStreams: true)
        #expect(try kind(folder.path("file")) == S_IFREG && kind(pipe) == S_IFIFO)
    }

    /// A descriptor of a file, as a shell's `>` makes one: what is in the file already stays.
    @Test func aDescriptorOfAFileIsWrittenOn() throws {
        let path = folder.path("log")
        let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
        defer { close(descriptor) }
        #expect(write(descriptor, "before ", 7) == 7)
        try AtomicFile.write(Array("report ".utf8), to: "/dev/fd/\(descriptor)", allowsStreams: true)
        #expect(write(descriptor, "after", 5) == 5)
        #expect(try text(path) == "before report after")
        #expect(throws: FileError.self) { try AtomicFile.write([1], to: "/dev/fd/\(descriptor)") }
    }

    @Test func aPipeThatNobodyReadsIsAnError() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        // Would end the process otherwise.
        #expect { try AtomicFile.write([1], to: "/dev/fd/\(ends[1])", allowsStreams: true) } throws: {
            "\($0)".contains("Broken pipe")
        }
    }

    @Test func whatFailsHalfwayLeavesNothing() throws {
        struct Stopped: Error {}
        let path = try folder.write([1], to: "kept")
        #expect(throws: Stopped.self) {
            try AtomicFile.write(to: path) { write in
                try write([2, 3])
                throw Stopped()
            }
        }
        #expect(try files(folder.path("")) == ["kept"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1]))
    }

    /// What processes that were killed while they wrote have left, and nothing else: not what is being written, nor others'
    /// files.
    @Test func whatKilledWritersLeftGoesAtTheNextSave() throws {
        _ = try folder.write([1, 2], to: ".tessera-abandoned.tmp")
        _ = try folder.write([1], to: ".tessera-other")
        _ = try folder.write([1], to: "tessera-1.tmp")
        try FileManager.default.createDirectory(
            atPath: folder.path(".tessera-folder.tmp"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path(".tessera-link.tmp"), withDestinationPath: folder.path(".tessera-other"))
        var during: [String] = []
        try AtomicFile.write(to: folder.path("first")) { write in
            // Two at once: neither takes the other's for abandoned.
            try AtomicFile.write([3], to: folder.path("second"))
            try write([4])
            during = try files(folder.path(""))
        }
        #expect(during.filter { $0.hasPrefix(".tessera-") }.count == 4 && !during.contains(".tessera-abandoned.tmp"))
        let expected = [
            ".tessera-folder.tmp", ".tessera-link.tmp", ".tessera-other", "first", "second", "tessera-1.tmp",
        ]
        #expect(try files(folder.path("")) == expected)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("first"))) == Data([4]))
    }

    /// What is written to a path is read from it: links and `..` are the system's to follow, and a name is no address.
    @Test(arguments: ["a b", "a\nb", "a%41", "a?b#c", "~", "sub/link/../x", "sub//y", "./z", "file:a", "a\\b"])
    func aPathMeansTheSameToReaders(_ name: String) throws {
        for made in ["sub", "other", "other/deep"] { mkdir(folder.path(made), 0o700) }
        symlink("../other/deep", folder.path("sub/link"))
        let path = folder.url.path + "/" + name
        try SafetensorsFile.write(["a": HostTensor(Float(7))], to: path)
        #expect(try SafetensorsFile(path: path).tensor("a") == HostTensor(Float(7)))
    }

    /// An open file is the one that was opened; where it is cut short, that is an error.
    @Test func aFileMayChangeWhileItIsRead() throws {
        let path = folder.path("read")
        let tensor = try HostTensor([4096], (0..<4096).map { Float($0) })
        try SafetensorsFile.write(["a": tensor], to: path)
        let first = try SafetensorsFile(path: path)
        try SafetensorsFile.write(["a": HostTensor(Float(1))], to: path)
        #expect(try first.tensor("a") == tensor)
        try SafetensorsFile.write(["a": tensor], to: path)
        let second = try SafetensorsFile(path: path)
        #expect(truncate(path, 5000) == 0)
        #expect { try second.tensor("a") } throws: { "\($0)".contains("cut short while it was open") }
    }

    @Test func aPipeIsReadToItsEnd() throws {
        try SafetensorsFile.write(["a": HostTensor(Float(7))], to: folder.path("file"))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("file"))))
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        defer { close(ends[0]) }
        #expect(try SafetensorsFile(path: "/dev/fd/\(ends[0])").tensor("a") == HostTensor(Float(7)))
    }

    @Test func whatCannotBeReadIsSaid() throws {
        _ = try folder.write([1], to: "file")
        for (path, message) in [
            ("", "no file's name"), (folder.path("a") + "\0b", "no file's name"), (folder.path(""), "a folder"),
            (folder.path("gone"), "No such file"), (folder.path("file") + "/x", "Not a directory"),
            ("/dev/null", "a device"),
        ] {
            #expect { try SafetensorsFile(path: path) } throws: {
                ($0 as? FileError)?.reason.contains(message) ?? false
            }
        }
    }

    /// Of several names of a file only the one that is written changes.
    @Test func hardLinksPart() throws {
        let path = try folder.write([1], to: "one")
        #expect(link(path, folder.path("other")) == 0)
        try AtomicFile.write([2], to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("other"))) == Data([1]))
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere")) func whatIsProtectedIsRefused() throws {
        let path = try folder.write([1], to: "protected")
        chmod(path, 0o400)
        #expect { try AtomicFile.write([2], to: path) } throws: { "\($0)".contains("chmod u+w") }
        mkdir(folder.path("sub"), 0o500)
        #expect { try AtomicFile.write([2], to: folder.path("sub/new")) } throws: {
            "\($0)".contains("may not write in")
        }
    }
}
