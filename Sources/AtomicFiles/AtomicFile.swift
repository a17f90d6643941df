import Foundation

/// Files that are either written whole or not at all, even where the machine stops in between.
///
/// A link is followed: the file that it leads to, there or not yet, is the one that is written. A file that was there keeps
/// its mode, its access list and other extended attributes, and its owner and group where the system allows that; a new one
/// gets the mode that the user's mask leaves. While a private file is written, nobody else can read it either. Of a file with
/// several names (hard links) only this name gets the new contents: the others keep the old file.
package enum AtomicFile {
    /// Takes bytes to be written after those before.
    package typealias Writer = ([UInt8]) throws -> Void

    /// Finds out before long work whether its result can be written to this path after it.
    ///
    /// - Parameter allowsStreams: whether it may be a pipe or a terminal, or `/dev/null`, `/dev/stdout` and the like.
    /// - Throws: ``FileError`` that says what to do.
    package static func checkWritable(_ path: String, allowsStreams: Bool = false) throws {
        if case .stream(let stream) = try Destination(path) {
            guard allowsStreams else { throw stream.refusal }
        }
    }

    /// Whether what is written to this path comes out of the program's standard output.
    package static func isStandardOutput(_ path: String) -> Bool {
        guard case .stream(let stream)? = try? Destination(path) else { return false }
        return stream.descriptor == .own(STDOUT_FILENO)
    }

    /// Makes a folder and those that it is to lie in (`mkdir`), where they are not there yet.
    ///
    /// - Parameter mode: of the folders that are made, less what the user's mask takes away.
    /// - Throws: ``FileError`` where that is not possible, or no file can be written in it.
    package static func makeFolder(_ path: String, mode: mode_t = 0o777) throws {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileError(path: path, reason: "is no folder's name")
        }
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += part + "/"
            guard mkdir(made, mode) == 0 || errno == EEXIST else { throw failure(path, "cannot be made a folder") }
        }
        guard faccessat(AT_FDCWD, made + ".", W_OK | X_OK, AT_EACCESS) == 0 else {
            throw failure(path, "no file can be written in it")
        }
    }

    /// Writes a temporary file in the same folder, brings it to the disk, and gives it its name.
    ///
    /// - Parameter allowsStreams: whether the path may be a pipe or a terminal, or `/dev/null`, `/dev/stdout` and the like,
    ///   which are written to as they are. Only for what is of use in part, such as a report.
    /// - Parameter isDurable: whether to wait for the disk, so that the file is whole even after a power cut.
    /// - Parameter isPrivate: whether nobody else may read or write it, whatever the mask says and a file there allowed.
    /// - Throws: ``FileError`` where that is not possible; what was at `path` is then still there.
    package static func write(
        to path: String, allowsStreams: Bool = false, isDurable: Bool = true, isPrivate: Bool = false,
        _ body: (_ write: Writer) throws -> Void
    ) throws {
        let destination = try Destination(path)
        try Signals.withoutTermination {
            switch destination {
            case .file(let file): try file.replace(isDurable: isDurable, isPrivate: isPrivate, body)
            case .stream(let stream):
                guard allowsStreams else { throw stream.refusal }
                try stream.write(body)
            }
        }
    }

    /// Removes the temporary files that killed processes of this user left in a folder. Writing a file that is durable does so
    /// in its folder.
    package static func removeAbandoned(in folder: String) { TemporaryFile.removeAbandoned(in: folder) }

    /// Writes bytes in the same way.
    package static func write(
        _ bytes: [UInt8], to path: String, allowsStreams: Bool = false, isDurable: Bool = true, isPrivate: Bool = false
    ) throws {
        try write(to: path, allowsStreams: allowsStreams, isDurable: isDurable, isPrivate: isPrivate) { write in
            try write(bytes)
        }
    }
}

/// An error of a system call on a path, in words.
func failure(_ path: String, _ action: String, _ code: Int32 = errno) -> FileError {
    FileError(path: path, reason: "\(action): \(String(cString: strerror(code)))")
}

/// Writes all bytes to a descriptor (`write`), however many calls that takes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { rest in
            write(descriptor, rest.baseAddress?.advanced(by: done), rest.count - done)
        }
        if count >= 0 {
            done += count
        } else if errno == EAGAIN {
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&ready, 1, -1)
        } else if errno != EINTR {
            throw failure(path, "cannot be written")
        }
    }
}
