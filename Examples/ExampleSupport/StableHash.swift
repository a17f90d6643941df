/// A hash that is the same in every process, on every machine and in the programs in PyTorch: by it examples are chosen and set
/// apart for testing.
enum StableHash {
    /// FNV-1a of the text's UTF-8, 64 bits (Fowler, Noll and Vo).
    static func of(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// What an example is used for, by the hash of a text: a tenth to test on, a tenth to choose settings by, the rest to train on.
public enum DataPart: Sendable {
    case train, validation, test

    /// - Parameter text: what must not be in two parts at once.
    public init(of text: String) {
        self =
            switch StableHash.of(text) % 10 {
            case 0: .test
            case 1: .validation
            default: .train
            }
    }
}
