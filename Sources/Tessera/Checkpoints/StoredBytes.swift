import Foundation

/// The bytes of a file that stays open, each read when it is wanted (`pread`): where the file is cut short meanwhile, that is an
/// error, while reading memory that is mapped to it would end the process. What can be read only once, such as a pipe, is
/// read at once.
package final class StoredBytes: Sendable {
    package let path: String
    package let count: Int
    private let descriptor: Int32
    private let contents: [UInt8]?

    /// - Throws: ``FileError`` where it can't be opened or is neither a file nor a pipe.
    package init(path: String) throws {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileError(path: path, reason: "cannot be read: it is no file's name")
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.failure(path) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFIFO: break
        case S_IFDIR: throw FileError(path: path, reason: "is a folder, not a file")
        default: throw FileError(path: path, reason: "is a device or a socket, not a file")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let error = Self.failure(path)
            close(descriptor)
            throw error
        }
        do {
            contents = status.st_mode & S_IFMT == S_IFREG ? nil : try Self.readToEnd(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        count = contents?.count ?? Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills memory with the bytes from a place on.
    ///
    /// - Throws: ``FileError`` where there are not as many, or they can't be read.
    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
        guard offset >= 0, target.count <= count - offset else { throw Self.failure(path, EINVAL) }
        if let contents { return target.copyBytes(from: contents[offset..<(offset + target.count)]) }
        var done = 0
        while done < target.count {
            let read = pread(
                descriptor, target.baseAddress?.advanced(by: done), target.count - done, off_t(offset + done))
            guard read != 0 else { throw FileError(path: path, reason: "was cut short while it was open") }
            guard read > 0 || errno == EINTR else { throw Self.failure(path) }
            done += max(read, 0)
        }
    }

    private static func readToEnd(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Foundation.read(descriptor, &chunk, chunk.count)
            guard count >= 0 || errno == EINTR else { throw failure(path) }
            if count == 0 { return bytes }
            // The array is copied as it grows.
            if bytes.count + count > bytes.capacity { try HostMemory.require(3 * bytes.count, for: path) }
            bytes += chunk.prefix(max(count, 0))
        }
    }

    private static func failure(_ path: String, _ code: Int32 = errno) -> FileError {
        FileError(path: path, reason: "cannot be read: \(String(cString: strerror(code)))")
    }
}
