internal import CZlib
import Foundation

/// Reading files, whole or in parts, unpacked where they are gzip.
enum FileBytes {
    /// The bytes of a file; those of a gzip file unpacked.
    ///
    /// - Throws: ``FileError`` where the file can't be read, or its packed data is corrupt or cut short; ``GraphError`` where
    ///   they are more than there is memory for.
    static func read(_ path: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachChunk(of: path) { chunk in
            // What is packed may be any size; the array is copied as it grows.
            if bytes.count + chunk.count > bytes.capacity { try HostMemory.require(3 * bytes.count, for: path) }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }

    /// Gives `body` the bytes of a file, a part after the other; those of a gzip file unpacked (`gzread`, which passes other
    /// files through).
    ///
    /// - Throws: ``FileError`` where the file can't be read, or its packed data is corrupt or cut short, which is only known
    ///   after the last part; what `body` throws.
    static func forEachChunk(of path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        guard let file = gzopen(path, "rb") else {
            throw FileError(path: path, reason: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        var isOpen = true
        defer { if isOpen { gzclose(file) } }
        gzbuffer(file, 1 << 17)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = chunk.withUnsafeMutableBytes { gzread(file, $0.baseAddress, UInt32($0.count)) }
            if count < 0 { throw FileError(path: path, reason: "packed data: \(message(file))") }
            if count == 0 { break }
            try body(chunk.prefix(Int(count)))
        }
        var status: Int32 = Z_OK
        gzerror(file, &status)
        let reason = message(file)
        isOpen = false
        // Closed whatever the status is; a stream cut short is only found out here.
        let closing = gzclose(file)
        guard status == Z_OK || status == Z_STREAM_END, closing == Z_OK else {
            throw FileError(path: path, reason: "packed data: \(reason.isEmpty ? "cut short" : reason)")
        }
    }

    private static func message(_ file: gzFile) -> String {
        var status: Int32 = Z_OK
        guard let text = gzerror(file, &status) else { return "error \(status)" }
        return status == Z_ERRNO ? String(cString: strerror(errno)) : String(cString: text)
    }
}
