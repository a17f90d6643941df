import Foundation

/// Event files as TensorBoard reads them: TFRecords (a length and bytes, each with a masked CRC-32C), each an `Event` of
/// `tensorboard/compat/proto/event.proto`. Only what scalars and pictures need of
/// protobuf's wire format is here.
enum EventFile {
    /// The first record of a file, which says what the others are.
    static func version(at time: Double) -> [UInt8] { record(double(1, time) + bytes(3, Array("brain.Event:2".utf8))) }

    /// Numbers of one step by their tags.
    ///
    /// - Parameter time: in seconds since 1970.
    static func scalars(_ scalars: [(tag: String, value: Double)], step: Int, at time: Double) -> [UInt8] {
        let values = scalars.flatMap { scalar in
            bytes(1, bytes(1, Array(scalar.tag.utf8)) + float(2, Float(scalar.value)))
        }
        return record(double(1, time) + integer(2, step) + bytes(5, values))
    }

    /// A picture of one step by its tag.
    ///
    /// - Parameter time: in seconds since 1970.
    static func picture(_ picture: PNGFile, tag: String, step: Int, at time: Double) -> [UInt8] {
        let image =
            integer(1, picture.height) + integer(2, picture.width) + integer(3, picture.channels)
            + bytes(4, picture.bytes)
        let value = bytes(1, bytes(1, Array(tag.utf8)) + bytes(4, image))
        return record(double(1, time) + integer(2, step) + bytes(5, value))
    }

    // MARK: TFRecord

    static func record(_ data: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(data.count))
        return length + littleEndian(masked(crc32c(length))) + data + littleEndian(masked(crc32c(data)))
    }

    /// A checksum of what holds checksums itself would be weak.
    private static func masked(_ crc: UInt32) -> UInt32 { (crc >> 15 | crc << 17) &+ 0xa282_ead8 }

    /// Castagnoli's polynomial, bits reversed, for each byte.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }

    static func crc32c(_ data: [UInt8]) -> UInt32 {
        ~data.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    }

    // MARK: Protobuf's wire format

    private static func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var (rest, bytes) = (number, [UInt8]())
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func integer(_ field: UInt64, _ number: Int) -> [UInt8] {
        // What is 0 is left out, as protobuf does.
        number == 0 ? [] : varint(field << 3) + varint(UInt64(bitPattern: Int64(number)))
    }

    private static func double(_ field: UInt64, _ number: Double) -> [UInt8] {
        varint(field << 3 | 1) + littleEndian(number.bitPattern)
    }

    private static func float(_ field: UInt64, _ number: Float) -> [UInt8] {
        varint(field << 3 | 5) + littleEndian(number.bitPattern)
    }

    private static func bytes(_ field: UInt64, _ data: [UInt8]) -> [UInt8] {
        varint(field << 3 | 2) + varint(UInt64(data.count)) + data
    }
}
