import Foundation

/// Files that are either written whole or not at all, even where the machine stops in between.
package enum AtomicFile {
    /// Finds out before long work whether its result can be written to this path after it.
    ///
    /// - Throws: ``FileError`` that says what to do.
    package static func checkWritable(_ path: String) throws {
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: "cannot be written: \(reason)") }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw failure("there is no folder \(folder); make it first")
        }
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw failure("it is a folder; name a file in it")
        }
        guard access(folder, W_OK) == 0 else { throw failure("this user may not write in \(folder)") }
    }

    /// Writes a temporary file in the same folder, brings it to the disk, and gives it its name.
    static func write(to path: String, _ body: (_ write: ([UInt8]) throws -> Void) throws -> Void) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let place = folder.isEmpty ? "." : folder
        let name = (path as NSString).lastPathComponent
        let temporary = "\(place)/.\(name).\(UUID().uuidString).tmp"
        func failure(_ action: String) -> FileError {
            FileError(path: path, reason: "\(action): \(String(cString: strerror(errno)))")
        }
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("cannot be written") }
        var isOpen = true
        do {
            try body { bytes in
                var done = 0
                while done < bytes.count {
                    let count = bytes.withUnsafeBytes { rest in
                        Foundation.write(file, rest.baseAddress?.advanced(by: done), rest.count - done)
                    }
                    if count < 0 {
                        if errno == EINTR { continue }
                        throw failure("cannot be written")
                    }
                    done += count
                }
            }
            guard fsync(file) == 0 else { throw failure("cannot be brought to the disk") }
            isOpen = false
            guard close(file) == 0 else { throw failure("cannot be closed") }
            guard rename(temporary, path) == 0 else { throw failure("cannot take its name") }
        } catch {
            if isOpen { close(file) }
            unlink(temporary)
            throw error
        }
        // The name itself must reach the disk too; the file is whole either way.
        let handle = open(place, O_RDONLY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }
}
