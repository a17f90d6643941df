/// The pieces of a text that byte-pair encoding does not merge across: GPT-2's, by its pattern
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
enum PreTokens {
    private enum Kind { case letter, number, space, other }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if scalar.properties.isWhitespace { return .space }
        return scalar.isLetter ? .letter : scalar.isNumber ? .number : .other
    }

    private static let contractions: [[Unicode.Scalar]] = [
        ["s"], ["t"], ["r", "e"], ["v", "e"], ["m"], ["l", "l"], ["d"],
    ]

    /// The UTF-8 of each piece, in order.
    static func pieces(of text: some StringProtocol) -> [[UInt8]] {
        let scalars = Array(text.unicodeScalars)
        let kinds = scalars.map(kind)
        var pieces: [[UInt8]] = []
        var start = 0
        while start < scalars.count {
            let end = end(from: start, scalars, kinds)
            pieces.append(scalars[start..<end].flatMap { Array(String($0).utf8) })
            start = end
        }
        return pieces
    }

    private static func end(from start: Int, _ scalars: [Unicode.Scalar], _ kinds: [Kind]) -> Int {
        if scalars[start] == "'",
            let found = contractions.first(where: { scalars[(start + 1)...].starts(with: $0) })
        {
            return start + 1 + found.count
        }
        let word = scalars[start] == " " ? start + 1 : start
        func endOfRun(_ place: Int) -> Int { kinds[place...].firstIndex { $0 != kinds[place] } ?? kinds.count }
        if word < kinds.count, kinds[word] != .space { return endOfRun(word) }
        // Of spaces before a word, the last is that word's.
        let end = endOfRun(start)
        return end == kinds.count || end == start + 1 ? end : end - 1
    }
}

/// The characters by which GPT-2's files write bytes: those that can be seen are themselves, and the others come after U+0100
/// in order.
enum ByteCharacters {
    static let scalars: [Unicode.Scalar] = {
        var next = UInt32(256)
        return (UInt8.min...UInt8.max).map { byte in
            if (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 { return Unicode.Scalar(byte) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "\u{fffd}"
        }
    }()

    private static let bytes = Dictionary(
        zip(scalars, UInt8.min...UInt8.max), uniquingKeysWith: { first, _ in first })

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(scalars[Int(byte)]) }
        return String(text)
    }

    /// The bytes that a text stands for; `nil` where one of its characters stands for none.
    static func bytes(_ text: String) -> [UInt8]? {
        let found = text.unicodeScalars.map { bytes[$0] }
        return found.contains(nil) ? nil : found.compactMap { $0 }
    }
}
