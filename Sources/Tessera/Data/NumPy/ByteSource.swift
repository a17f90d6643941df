internal import CZlib

/// Bytes that come one after the other, and are as many as is known beforehand.
protocol ByteSource: AnyObject {
    var remaining: Int { get }

    /// Fills memory with the next bytes.
    ///
    /// - Throws: ``FileError`` where there are not as many, or they can't be read.
    func read(into target: UnsafeMutableRawBufferPointer) throws
}

extension ByteSource {
    /// - Parameter count: few enough that nobody asks whether there is memory for them.
    func bytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try read(into: $0) }
        return bytes
    }
}

/// A part of a file.
final class StoredSource: ByteSource {
    private let data: StoredBytes
    private var offset: Int
    private(set) var remaining: Int

    init(_ data: StoredBytes, at offset: Int = 0, count: Int) {
        self.data = data
        self.offset = offset
        remaining = count
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws {
        guard target.count <= remaining else { throw FileError(path: data.path, reason: "is cut short") }
        try data.read(at: offset, into: target)
        offset += target.count
        remaining -= target.count
    }
}

/// Bytes unpacked from those of another source (RFC 1951, by zlib).
final class InflatingSource: ByteSource {
    private let packed: any ByteSource
    private let path: String
    private var chunk: [UInt8] = []
    private var used = 0
    private var stream = z_stream()
    private(set) var remaining: Int

    /// - Parameter count: how many bytes there are to be, once unpacked.
    init(_ packed: any ByteSource, count: Int, path: String) throws {
        self.packed = packed
        self.path = path
        remaining = count
        let status = inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw FileError(path: path, reason: "cannot be unpacked: zlib's error \(status)") }
    }

    deinit { inflateEnd(&stream) }

    func read(into target: UnsafeMutableRawBufferPointer) throws {
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: "packed data: \(reason)") }
        guard target.count <= remaining else { throw failure("cut short") }
        var done = 0
        while done < target.count {
            if used == chunk.count {
                guard packed.remaining > 0 else { throw failure("cut short") }
                chunk = try packed.bytes(min(packed.remaining, 1 << 16))
                used = 0
            }
            let room = UInt32(clamping: target.count - done)
            let status = chunk.withUnsafeMutableBytes { source in
                stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: used)
                stream.avail_in = UInt32(source.count - used)
                stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: done)
                stream.avail_out = room
                return inflate(&stream, Z_NO_FLUSH)
            }
            used = chunk.count - Int(stream.avail_in)
            done += Int(room - stream.avail_out)
            switch status {
            case Z_OK: break
            case Z_STREAM_END where done == target.count: break
            case Z_STREAM_END, Z_BUF_ERROR: throw failure("fewer bytes than its directory says")
            default: throw failure(stream.msg.map { String(cString: $0) } ?? "zlib's error \(status)")
            }
        }
        remaining -= target.count
    }
}

/// Packs bytes (RFC 1951, by zlib).
enum Deflate {
    /// No byte of packed data stands for more than this many.
    static let largestRatio = 1032

    /// - Throws: ``GraphError`` where there is no memory for the result.
    static func pack(_ parts: [[UInt8]], for path: String) throws -> [UInt8] {
        var stream = z_stream()
        let status = deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw FileError(path: path, reason: "cannot be packed: zlib's error \(status)") }
        defer { deflateEnd(&stream) }
        var packed: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        /// Hands over bytes, no more of them at once than zlib counts, and takes what comes of them.
        func add(_ part: UnsafeMutableRawBufferPointer, _ flush: Int32) throws {
            stream.next_in = part.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_in = UInt32(part.count)
            repeat {
                let count = chunk.withUnsafeMutableBytes { target in
                    stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.avail_out = UInt32(target.count)
                    deflate(&stream, flush)
                    return target.count - Int(stream.avail_out)
                }
                // The array is copied as it grows.
                if packed.count + count > packed.capacity { try HostMemory.require(3 * packed.count, for: path) }
                packed += chunk.prefix(count)
            } while stream.avail_out == 0
        }
        for var part in parts {
            try part.withUnsafeMutableBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: 1 << 30) {
                    try add(.init(rebasing: bytes[start..<min(start + 1 << 30, bytes.count)]), Z_NO_FLUSH)
                }
            }
        }
        try add(UnsafeMutableRawBufferPointer(start: nil, count: 0), Z_FINISH)
        return packed
    }
}
