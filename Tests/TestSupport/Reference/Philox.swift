/// Philox4x32-10: ten rounds of multiplication and exclusive or that turn a counter and a key into four random words.
///
/// Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 4.3 and table 2.
package enum Philox {
    package static func words(counter: [UInt32], key: [UInt32]) -> [UInt32] {
        var (c, k) = (counter, key)
        for round in 0..<10 {
            if round > 0 {
                // The Weyl sequence of the key: the golden ratio and the square root of three minus one.
                k[0] &+= 0x9E37_79B9
                k[1] &+= 0xBB67_AE85
            }
            let first = UInt64(0xD251_1F53) * UInt64(c[0])
            let second = UInt64(0xCD9E_8D57) * UInt64(c[2])
            c = [
                UInt32(second >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: first),
            ]
        }
        return c
    }

    /// The words behind element `index` of a tensor: four elements share a block.
    package static func block(index: Int, seed: UInt64, counter: UInt32) -> [UInt32] {
        words(
            counter: [UInt32(truncatingIfNeeded: index / 4), 0, counter, 0],
            key: [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)])
    }

    /// A number in [0, 1) of 24 bits, which float32 holds exactly.
    package static func uniform(_ word: UInt32) -> Double { Double(word >> 8) * 0x1p-24 }
}
