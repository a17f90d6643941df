/// A name compared by its bytes.
///
/// Texts that differ only in how Unicode composes a character (`é` as one scalar and as two) are one `String` to Swift, but
/// two names to every program that reads or writes files.
struct TensorName: Hashable, Comparable, ExpressibleByStringLiteral {
    let text: String

    init(_ text: String) { self.text = text }
    init(stringLiteral text: String) { self.text = text }

    static func == (left: TensorName, right: TensorName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    static func < (left: TensorName, right: TensorName) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // No text is the beginning of another.
        hasher.combine(UInt8.max)
    }

    func hasPrefix(_ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }
    func hasSuffix(_ suffix: String) -> Bool { text.utf8.reversed().starts(with: suffix.utf8.reversed()) }
}
