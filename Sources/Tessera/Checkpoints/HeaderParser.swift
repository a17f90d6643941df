/// The JSON of a safetensors header or another file (RFC 8259), read strictly: keys may not repeat, by their bytes.
///
/// What is read may be kept as a ``Value``, which takes many times the bytes of the text, or be taken up as it comes.
struct HeaderParser {
    enum Value {
        case object([(key: String, value: Value)])
        case array([Value])
        case string(String)
        /// A whole number of at least 0, as all are that mean anything in a header.
        case number(Int)
        case bool(Bool)
        /// Any other number: below 0, or too large for a shape.
        case other
        case null
    }

    struct Failure: Error {
        var reason: String
    }

    private let bytes: ArraySlice<UInt8>
    private let what: String
    private var place: Int

    /// - Parameter what: is parsed, for messages.
    static func parse(_ bytes: ArraySlice<UInt8>, what: String = "the header") throws(Failure) -> Value {
        var parser = HeaderParser(bytes, what)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.place == bytes.endIndex else { throw parser.failure("something follows the object") }
        return value
    }

    /// Reads an object whose members `body` takes up as they come: it must read each member's value.
    ///
    /// - Parameter body: is given a member's key. That keys do not repeat is left to it.
    static func parseMembers(
        of bytes: ArraySlice<UInt8>, what: String = "the header",
        _ body: (String, inout HeaderParser) throws(Failure) -> Void
    ) throws(Failure) {
        var parser = HeaderParser(bytes, what)
        try parser.members(body)
        parser.skipSpace()
        guard parser.place == bytes.endIndex else { throw parser.failure("something follows the object") }
    }

    private init(_ bytes: ArraySlice<UInt8>, _ what: String) {
        self.bytes = bytes
        self.what = what
        place = bytes.startIndex
    }

    func failure(_ reason: String) -> Failure {
        Failure(reason: "\(what) is not right at byte \(place - bytes.startIndex): \(reason)")
    }

    private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { place += 1 }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        skipSpace()
        guard next == UInt8(ascii: character) else { throw failure("“\(character)” is missing") }
        place += 1
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    // MARK: - As it comes

    /// The members of the object that is next.
    mutating func members(_ body: (String, inout HeaderParser) throws(Failure) -> Void) throws(Failure) {
        try expect("{")
        if take("}") { return }
        repeat {
            skipSpace()
            let key = try string()
            try expect(":")
            skipSpace()
            try body(key, &self)
        } while take(",")
        try expect("}")
    }

    /// The elements of the list that is next.
    mutating func elements(_ body: (inout HeaderParser) throws(Failure) -> Void) throws(Failure) {
        try expect("[")
        if take("]") { return }
        repeat {
            skipSpace()
            try body(&self)
        } while take(",")
        try expect("]")
    }

    /// What is next, as far as one byte tells.
    var startsObject: Bool { next == UInt8(ascii: "{") }
    var startsList: Bool { next == UInt8(ascii: "[") }
    var startsText: Bool { next == UInt8(ascii: "\"") }

    /// Passes over a value of any kind.
    mutating func skipValue(depth: Int = 0) throws(Failure) {
        guard depth <= Self.deepest else { throw failure("it is nested too deeply") }
        if startsObject {
            try members { _, parser throws(Failure) in try parser.skipValue(depth: depth + 1) }
        } else if startsList {
            try elements { parser throws(Failure) in try parser.skipValue(depth: depth + 1) }
        } else {
            _ = try value(depth: depth)
        }
    }

    private static let deepest = 100

    // MARK: - Kept

    mutating func value(depth: Int = 0) throws(Failure) -> Value {
        guard depth <= Self.deepest else { throw failure("it is nested too deeply") }
        skipSpace()
        switch next.map({ Unicode.Scalar($0) }) {
        case "{"?: return .object(try object(depth))
        case "["?: return .array(try array(depth))
        case "\""?: return .string(try string())
        case "t"?: return try word("true", .bool(true))
        case "f"?: return try word("false", .bool(false))
        case "n"?: return try word("null", .null)
        case let digit? where digit == "-" || ("0"..."9").contains(digit): return try number()
        default: throw failure("an object, a list, a text or a number is missing")
        }
    }

    private mutating func word(_ word: String, _ meaning: Value) throws(Failure) -> Value {
        guard bytes[place...].starts(with: word.utf8) else { throw failure("“\(word)” is missing") }
        place += word.utf8.count
        return meaning
    }

    private mutating func object(_ depth: Int) throws(Failure) -> [(key: String, value: Value)] {
        var read: [(key: String, value: Value)] = []
        var keys: Set<TensorName> = []
        try members { key, parser throws(Failure) in
            guard keys.insert(TensorName(key)).inserted else { throw parser.failure("“\(key)” comes twice") }
            read.append((key, try parser.value(depth: depth + 1)))
        }
        return read
    }

    private mutating func array(_ depth: Int) throws(Failure) -> [Value] {
        var read: [Value] = []
        try elements { parser throws(Failure) in read.append(try parser.value(depth: depth + 1)) }
        return read
    }

    /// `-`, a whole part without zeros before it, a fraction and an exponent; only the whole part must be there.
    private mutating func number() throws(Failure) -> Value {
        let start = place
        let isNegative = skip("-")
        let whole = try digits()
        guard whole.first != UInt8(ascii: "0") || whole.count == 1 else { throw failure("a number begins with 0") }
        let hasFraction = skip(".")
        if hasFraction { _ = try digits() }
        let hasExponent = skip("e") || skip("E")
        if hasExponent {
            _ = skip("+") || skip("-")
            _ = try digits()
        }
        guard !isNegative, !hasFraction, !hasExponent else { return .other }
        return Int(String(decoding: bytes[start..<place], as: UTF8.self)).map { .number($0) } ?? .other
    }

    private mutating func digits() throws(Failure) -> ArraySlice<UInt8> {
        let digits = bytes[place...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw failure("a digit is missing") }
        place = digits.endIndex
        return digits
    }

    /// Whether this was next, with no space before it.
    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    mutating func string() throws(Failure) -> String {
        guard next == UInt8(ascii: "\"") else { throw failure("a text is missing") }
        place += 1
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            place += 1
            guard byte >= 32 else { throw failure("a text holds a control character") }
            if byte == UInt8(ascii: "\\") { text += try escape() } else { text.append(byte) }
        }
        guard next != nil else { throw failure("a text has no end") }
        place += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("a text is not UTF-8") }
        return string
    }

    private mutating func escape() throws(Failure) -> [UInt8] {
        guard let byte = next else { throw failure("a text has no end") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "u"): return Array(String(Character(try unicodeEscape())).utf8)
        default: throw failure("an escape is unknown")
        }
    }

    /// `XXXX`, or `XXXX\uXXXX` for what takes two UTF-16 units.
    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let high = try hexadecimal()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xdc00, skip("\\"), skip("u") else { throw failure("half a character") }
        let low = try hexadecimal()
        guard (0xdc00...0xdfff).contains(low),
            let scalar = Unicode.Scalar((high - 0xd800) << 10 + (low - 0xdc00) + 0x10000)
        else { throw failure("half a character") }
        return scalar
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        guard bytes.endIndex - place >= 4 else { throw failure("a text has no end") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue else {
                throw failure("an escape is not hexadecimal")
            }
            value = value << 4 | UInt32(digit)
            place += 1
        }
        return value
    }
}

extension String {
    /// The text as JSON has it, in quotes.
    var quotedForJSON: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case let control where control.value < 32:
                let digits = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
