internal import CZlib

/// Writes a ZIP archive, a file in it after the other. All sizes and offsets are ZIP64's, so that any will do.
struct ZipWriter {
    private let write: AtomicFile.Writer
    private let path: String
    private var directory: [UInt8] = []
    private var count = 0
    private var offset = 0

    /// What each archive has for a time, so that equal files make equal archives: the first of January 1980.
    private static let time: [UInt8] = [0, 0, 0x21, 0]
    /// ZIP64 came with version 4.5.
    private static let version: [UInt8] = [45, 0]

    init(path: String, _ write: @escaping AtomicFile.Writer) {
        self.path = path
        self.write = write
    }

    /// Adds a file.
    ///
    /// - Parameter parts: its contents, one after the other.
    /// - Throws: ``FileError`` where its name is too long or it can't be written.
    mutating func add(_ name: String, _ parts: [[UInt8]], isCompressed: Bool) throws {
        let nameBytes = Array(name.utf8)
        guard nameBytes.count < 1 << 16 else {
            throw FileError(path: path, reason: "a name of \(nameBytes.count) bytes is too long for a ZIP archive")
        }
        let checksum = parts.reduce(crc32_z(0, nil, 0)) { crc32_z($0, $1, $1.count) }
        let size = parts.reduce(0) { $0 + $1.count }
        let contents = isCompressed ? [try Deflate.pack(parts, for: path)] : parts
        let packedSize = contents.reduce(0) { $0 + $1.count }
        // Flag 11: the name is UTF-8.
        let common =
            Self.version + [0, 8, isCompressed ? 8 : 0, 0] + Self.time + bytes(Int(checksum), 4)
            + [UInt8](repeating: 255, count: 8) + bytes(nameBytes.count, 2)
        let sizes = bytes(size, 8) + bytes(packedSize, 8)
        let header = bytes(0x0403_4b50, 4) + common + bytes(20, 2) + nameBytes + [1, 0, 16, 0] + sizes
        directory += bytes(0x0201_4b50, 4) + Self.version + common + bytes(28, 2) + [UInt8](repeating: 0, count: 10)
        directory += [255, 255, 255, 255] + nameBytes + [1, 0, 24, 0] + sizes + bytes(offset, 8)
        try write(header)
        for part in contents { try write(part) }
        offset += header.count + packedSize
        count += 1
    }

    /// Writes the directory.
    func finish() throws {
        let range = bytes(count, 8) + bytes(count, 8) + bytes(directory.count, 8) + bytes(offset, 8)
        let large = bytes(0x0606_4b50, 4) + bytes(44, 8) + Self.version + Self.version + bytes(0, 8) + range
        let locator = bytes(0x0706_4b50, 4) + bytes(0, 4) + bytes(offset + directory.count, 8) + bytes(1, 4)
        let end = bytes(0x0605_4b50, 4) + bytes(0, 4) + [UInt8](repeating: 255, count: 12) + bytes(0, 2)
        try write(directory + large + locator + end)
    }

    /// A number in little-endian order.
    private func bytes(_ number: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
