import Foundation

/// Files that are either written whole or not at all, even where the machine stops in between.
enum AtomicFile {
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
