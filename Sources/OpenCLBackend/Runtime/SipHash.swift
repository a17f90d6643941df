/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), under a
/// fixed key: the same bytes give the same digest in every process, which Swift's `Hasher` does not.
package struct SipHash128 {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    /// The digest of `bytes` as two words, the first holding the digest's first eight bytes in little-endian order.
    package static func digest(
        of bytes: UnsafeRawBufferPointer, key: (UInt64, UInt64) = (0, 0)
    ) -> (UInt64, UInt64) {
        var hash = SipHash128(key: key)
        let wholeWords = bytes.count / 8
        for index in 0..<wholeWords {
            hash.compress(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        }
        // The rest, with the length's lowest byte on top.
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for index in wholeWords * 8..<bytes.count { last |= UInt64(bytes[index]) << UInt64(index % 8 * 8) }
        hash.compress(last)
        return hash.finish()
    }

    /// The digest of `bytes` as 32 hexadecimal digits.
    package static func hexadecimal(of bytes: [UInt8]) -> String {
        let (low, high) = bytes.withUnsafeBytes { digest(of: $0) }
        return [low, high].map { word in
            let digits = String(word.byteSwapped, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    private mutating func finish() -> (UInt64, UInt64) {
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let first = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return (first, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func round() {
        func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
        v0 &+= v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 &+= v3
        v3 = rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }
}
