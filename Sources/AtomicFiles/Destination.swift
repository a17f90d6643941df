import Foundation

/// What a path to be written to stands for.
enum Destination {
    case file(ReplacedFile)
    case stream(OutputStream)

    /// Follows links, and finds out what is at their end.
    ///
    /// - Throws: ``FileError`` for what can be neither a file nor written to as it is.
    init(_ path: String) throws {
        func refusal(_ reason: String) -> FileError {
            FileError(path: path, reason: "cannot be written: \(reason)")
        }
        guard !path.isEmpty else { throw refusal("the path is empty; name a file") }
        guard !path.utf8.contains(0) else { throw refusal("the path holds a zero byte") }
        var status = stat()
        let isThere = stat(path, &status) == 0
        guard isThere || errno == ENOENT else { throw failure(path, "cannot be written") }
        let end = try Self.end(of: path)
        switch isThere ? status.st_mode & S_IFMT : S_IFREG {
        case S_IFREG where end.descriptor == nil: break
        case S_IFREG, S_IFIFO, S_IFCHR, S_IFSOCK:
            self = .stream(OutputStream(path: path, mode: status.st_mode, descriptor: end.descriptor))
            return
        case S_IFDIR: throw refusal("it is a folder; name a file in it")
        default: throw refusal("it is a block device; name a file")
        }
        let (folder, name) = Self.parts(of: end.path)
        guard !name.isEmpty else { throw refusal("it ends in a slash, so it is no file's name; name a file") }
        var folderStatus = stat()
        guard stat(folder, &folderStatus) == 0, folderStatus.st_mode & S_IFMT == S_IFDIR else {
            throw refusal("there is no folder \(folder); make it first")
        }
        guard faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else {
            throw refusal(
                errno == EACCES
                    ? "this user may not write in \(folder)" : "\(folder): \(String(cString: strerror(errno)))")
        }
        guard !isThere || faccessat(AT_FDCWD, end.path, W_OK, AT_EACCESS) == 0 else {
            throw refusal(
                errno == EACCES
                    ? "this user may not write to it; name another file, or allow it with chmod u+w"
                    : String(cString: strerror(errno)))
        }
        if isThere, let reason = Self.hindrance(to: end.path, status, in: folderStatus) { throw refusal(reason) }
        self = .file(ReplacedFile(named: path, path: end.path, folder: folder, former: isThere ? status : nil))
    }

    /// Why no other file can take this one's place, although it may be written to.
    private static func hindrance(to path: String, _ status: stat, in folder: stat) -> String? {
        if isMounted(path) {
            return "it is mounted by itself, so that nothing can take its place; mount its folder, or name another file"
        }
        // Whoever replaces a file removes it, which `/tmp` lets nobody but owners do.
        guard folder.st_mode & S_ISVTX != 0, ![0, status.st_uid, folder.st_uid].contains(geteuid()) else { return nil }
        return "it is another user's, and in its folder only owners replace files; name another file"
    }

    /// Whether a path is one where something is mounted (`/proc/self/mountinfo`), as containers do with single files.
    private static func isMounted(_ path: String) -> Bool {
        guard let resolved = realpath(path, nil) else { return false }
        defer { free(resolved) }
        var place = String(cString: resolved)
        for (character, escape) in [("\\", "\\134"), (" ", "\\040"), ("\t", "\\011"), ("\n", "\\012")] {
            place = place.replacingOccurrences(of: character, with: escape)
        }
        let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        return mounts?.split(separator: "\n").contains { $0.split(separator: " ").dropFirst(4).first == place[...] }
            ?? false
    }

    /// A path's folder and its last part, which is empty after a slash.
    private static func parts(of path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.utf8.index(after: slash)...]))
    }

    /// Where links lead to (`readlink`), also where nothing is there yet; or the open descriptor that they stand for, as
    /// `/dev/stdout` does.
    private static func end(of path: String) throws -> (path: String, descriptor: Descriptor?) {
        var place = path
        // As many as the system itself follows.
        for _ in 0..<40 {
            let (folder, name) = parts(of: place)
            if let number = Int32(name), let descriptor = Descriptor(number, in: folder) { return (place, descriptor) }
            var target = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(place, &target, target.count)
            guard length >= 0 else { return (place, nil) }
            guard let link = String(validating: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
                throw FileError(path: path, reason: "cannot be written: it leads to a name that is not UTF-8")
            }
            place = link.utf8.first == UInt8(ascii: "/") ? link : folder + "/" + link
        }
        throw failure(path, "cannot be written", ELOOP)
    }
}

/// An open descriptor that a path stands for: `/dev/fd/N`, `/proc/self/fd/N`, and `/dev/stdout` and `/dev/stderr`, which are
/// links to those.
enum Descriptor: Hashable {
    /// One of this process, by its number.
    case own(Int32)
    /// One of another, to be opened by its path.
    case others

    init?(_ number: Int32, in folder: String) {
        guard let resolved = realpath(folder, nil) else { return nil }
        defer { free(resolved) }
        let parts = String(cString: resolved).split(separator: "/")
        guard parts.first == "proc", parts.last == "fd" else { return nil }
        self = parts.dropFirst().first == "\(getpid())" ? .own(number) : .others
    }
}

/// What is written to as it is: a pipe, a terminal, `/dev/null`, or an open descriptor.
struct OutputStream {
    var path: String
    var mode: mode_t
    var descriptor: Descriptor?

    /// The error for what must be a file.
    var refusal: FileError {
        let kind =
            switch mode & S_IFMT {
            case S_IFIFO: "a pipe"
            case S_IFSOCK: "a socket"
            case S_IFCHR: "a device"
            default: "an open descriptor"
            }
        return FileError(
            path: path, reason: "cannot be written: it is \(kind), and this is written whole or not at all; name a file"
        )
    }

    func write(_ body: (AtomicFile.Writer) throws -> Void) throws {
        // What was printed before comes before.
        fflush(nil)
        if case .own(let number) = descriptor { return try body { try writeAll($0, to: number, path) } }
        let file = open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path, "cannot be written") }
        defer { close(file) }
        try body { try writeAll($0, to: file, path) }
    }
}
