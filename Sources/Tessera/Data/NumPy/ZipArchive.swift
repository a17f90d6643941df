internal import CZlib

/// The files in a ZIP archive, by the directory at its end (PKWARE's APPNOTE.TXT 6.3.10; with ZIP64, without encryption or
/// parts on other disks).
struct ZipArchive {
    struct Member {
        var name: TensorName
        fileprivate var method: UInt16
        fileprivate var checksum: UInt32
        fileprivate var packedCount: Int
        fileprivate var count: Int
        fileprivate var offset: Int
    }

    let members: [Member]
    private let data: StoredBytes

    /// The longest directory that is read, in bytes.
    private static let directoryLimit = 100_000_000
    /// What stands for a number that is in a ZIP64 field instead.
    private static let elsewhere = 0xffff_ffff

    /// - Throws: ``FileError`` where it is no archive, or its directory is corrupt.
    init(_ data: StoredBytes) throws {
        func failure(_ reason: String) -> FileError { FileError(path: data.path, reason: reason) }
        let (count, directory) = try Self.directory(of: data)
        guard directory.count <= Self.directoryLimit else { throw failure("its directory is too large") }
        var fields = ZipFields(
            try StoredSource(data, at: directory.lowerBound, count: directory.count).bytes(directory.count),
            path: data.path)
        var members: [Member] = []
        var names: Set<TensorName> = []
        while fields.remaining > 0 {
            let member = try Self.member(&fields, failure)
            guard names.insert(member.name).inserted else { throw failure("has “\(member.name.text)” twice") }
            members.append(member)
        }
        guard members.count == count else {
            throw failure("its directory has \(members.count) files, but says that they are \(count)")
        }
        self.members = members
        self.data = data
    }

    /// How many files there are, and where the directory of them lies.
    private static func directory(of data: StoredBytes) throws -> (count: Int, range: Range<Int>) {
        func failure(_ reason: String) -> FileError { FileError(path: data.path, reason: reason) }
        func fields(at offset: Int, count: Int) throws -> ZipFields {
            ZipFields(try StoredSource(data, at: offset, count: count).bytes(count), path: data.path)
        }
        func begins(with signature: Int, at offset: Int) throws -> Bool {
            var fields = try fields(at: offset, count: 4)
            return try fields.number(4) == signature
        }
        // The last record has a comment of up to 65,535 bytes after its own 22.
        let tail = try fields(at: max(data.count - 65_557, 0), count: min(data.count, 65_557))
        guard let record = tail.lastIndex(of: 0x0605_4b50, before: 22) else {
            throw failure("is no ZIP archive, or cut short: it has no directory")
        }
        let end = data.count - tail.remaining + record
        var last = try fields(at: end + 4, count: 18)
        let disks = [try last.number(2), try last.number(2)]
        var (onDisk, count) = (try last.number(2), try last.number(2))
        var (size, offset) = (try last.number(4), try last.number(4))
        if end >= 20, try begins(with: 0x0706_4b50, at: end - 20) {
            var locator = try fields(at: end - 12, count: 8)
            let place = try locator.number(8)
            guard place <= end - 76, try begins(with: 0x0606_4b50, at: place) else {
                throw failure("its ZIP64 directory is not where it should be")
            }
            var large = try fields(at: place + 24, count: 32)
            (onDisk, count) = (try large.number(8), try large.number(8))
            (size, offset) = (try large.number(8), try large.number(8))
        }
        guard disks == [0, 0], onDisk == count else { throw failure("is a part of an archive of several") }
        guard offset <= end, size <= end - offset else { throw failure("its directory lies outside of the file") }
        return (count, offset..<(offset + size))
    }

    private static func member(_ fields: inout ZipFields, _ failure: (String) -> FileError) throws -> Member {
        guard try fields.number(4) == 0x0201_4b50 else { throw failure("its directory is corrupt") }
        _ = try fields.bytes(4)
        let flags = try fields.number(2)
        let method = UInt16(try fields.number(2))
        _ = try fields.bytes(4)
        let checksum = UInt32(try fields.number(4))
        var (packedCount, count) = (try fields.number(4), try fields.number(4))
        let nameCount = try fields.number(2)
        let (extraCount, commentCount) = (try fields.number(2), try fields.number(2))
        _ = try fields.bytes(8)
        var offset = try fields.number(4)
        let nameBytes = try fields.bytes(nameCount)
        var extra = ZipFields(try fields.bytes(extraCount), path: fields.path)
        _ = try fields.bytes(commentCount)
        guard let name = String(validating: nameBytes, as: UTF8.self) else { throw failure("a name is not UTF-8") }
        while extra.remaining >= 4 {
            let identifier = try extra.number(2)
            var field = ZipFields(try extra.bytes(try extra.number(2)), path: fields.path)
            guard identifier == 1 else { continue }
            if count == elsewhere { count = try field.number(8) }
            if packedCount == elsewhere { packedCount = try field.number(8) }
            if offset == elsewhere { offset = try field.number(8) }
        }
        guard flags & 1 == 0 else { throw failure("“\(name)” is encrypted") }
        return Member(
            name: TensorName(name), method: method, checksum: checksum, packedCount: packedCount, count: count,
            offset: offset)
    }

    /// The contents of a file in the archive, unpacked.
    ///
    /// - Throws: ``FileError`` where it lies outside of the archive, claims to be larger than it can, or is packed in another
    ///   way than by deflate.
    func contents(of member: Member) throws -> ZipMemberSource {
        func failure(_ reason: String) -> FileError {
            FileError(path: data.path, reason: "“\(member.name.text)” \(reason)")
        }
        let headerCount = 30
        guard member.offset <= data.count - headerCount else { throw failure("lies outside of the archive") }
        var header = ZipFields(
            try StoredSource(data, at: member.offset, count: headerCount).bytes(headerCount), path: data.path)
        guard try header.number(4) == 0x0403_4b50 else { throw failure("is not where the directory says") }
        _ = try header.bytes(22)
        let start = member.offset + headerCount + (try header.number(2)) + (try header.number(2))
        guard start <= data.count, member.packedCount <= data.count - start else {
            throw failure("lies outside of the archive")
        }
        let stored = StoredSource(data, at: start, count: member.packedCount)
        let source: any ByteSource
        switch member.method {
        case 0:
            guard member.count == member.packedCount else { throw failure("has two sizes though it is not packed") }
            source = stored
        case 8:
            // What claims to be larger would take memory for nothing.
            guard member.count / Deflate.largestRatio <= member.packedCount else {
                throw failure("cannot be of \(member.count) bytes, packed in \(member.packedCount)")
            }
            source = try InflatingSource(stored, count: member.count, path: data.path)
        default: throw failure("is packed by method \(member.method); deflate (8) is read")
        }
        return ZipMemberSource(source, checksum: member.checksum)
    }
}

/// A file in an archive, with the checksum of what has been read of it.
final class ZipMemberSource: ByteSource {
    private let source: any ByteSource
    private let checksum: UInt32
    private var found: UInt

    init(_ source: any ByteSource, checksum: UInt32) {
        self.source = source
        self.checksum = checksum
        found = crc32_z(0, nil, 0)
    }

    var remaining: Int { source.remaining }
    /// Whether all of it has been read and is what was packed.
    var isWhole: Bool { remaining == 0 && found == UInt(checksum) }

    func read(into target: UnsafeMutableRawBufferPointer) throws {
        try source.read(into: target)
        if let base = target.baseAddress {
            found = crc32_z(found, base.assumingMemoryBound(to: UInt8.self), target.count)
        }
    }
}

/// Little-endian numbers one after the other.
struct ZipFields {
    let path: String
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>, path: String) {
        rest = ArraySlice(bytes)
        self.path = path
    }

    var remaining: Int { rest.count }

    /// - Throws: ``FileError`` where there are not as many.
    mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw FileError(path: path, reason: "its directory is cut short") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// - Throws: ``FileError`` where it is not there, or larger than any file.
    mutating func number(_ width: Int) throws -> Int {
        let number = try bytes(width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: number) else {
            throw FileError(path: path, reason: "its directory has a number that is too large")
        }
        return number
    }

    /// Where a signature of four bytes comes last, at least `margin` bytes before the end.
    func lastIndex(of signature: UInt32, before margin: Int) -> Int? {
        let wanted = (0..<4).map { UInt8(truncatingIfNeeded: signature >> ($0 * 8)) }
        return stride(from: rest.count - margin, through: 0, by: -1).first { offset in
            rest[(rest.startIndex + offset)...].starts(with: wanted)
        }
    }
}
