import Foundation

/// Reading whole files of which it is known how large they may be, and who may have written them.
package enum RegularFile {
    /// Who may have written a file that is read.
    package enum Writers {
        case anyone
        /// This user, or the system's own: what is in the file is run.
        case owner
    }

    /// The bytes of a file; nil where there is none.
    ///
    /// - Parameter limit: the most bytes that it may have.
    /// - Throws: ``FileError`` where it is larger, no file, not readable, or somebody else may have written it.
    package static func read(_ path: String, limit: Int, writers: Writers = .anyone) throws -> [UInt8]? {
        // A pipe is not waited for. What may lead elsewhere has no owner to trust.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (writers == .owner ? O_NOFOLLOW : 0)
        let file = open(path, flags)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "cannot be read")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(path, "cannot be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path: path, reason: "is no file") }
        if writers == .owner, let stranger = Self.stranger(status) { throw FileError(path: path, reason: stranger) }
        guard status.st_size <= limit else {
            throw FileError(path: path, reason: "has \(status.st_size) bytes, more than \(limit)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Foundation.read(file, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            guard count != 0 else { throw FileError(path: path, reason: "was cut short while it was read") }
            guard count > 0 || errno == EINTR else { throw failure(path, "cannot be read") }
            done += max(count, 0)
        }
        return bytes
    }

    /// Finds out whether somebody else may put files into a folder. One that is not there is nobody's.
    ///
    /// - Throws: ``FileError`` that says what to do.
    package static func checkOwner(ofFolder path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, let stranger = Self.stranger(status) else { return }
        throw FileError(path: path, reason: "\(stranger); make it yours alone (chmod 700), or name another folder")
    }

    /// How somebody else may have written something; nil where that can't be.
    private static func stranger(_ status: stat) -> String? {
        // What the system's own user may do anyway is no danger.
        if ![0, geteuid()].contains(status.st_uid) { return "belongs to another user (number \(status.st_uid))" }
        return status.st_mode & 0o022 != 0 ? "may be written by other users" : nil
    }
}
