/// The JSON of a safetensors header or another file (RFC 8259), read strictly: keys may not repeat, by their bytes.
struct HeaderParser {
    indirect enum Value {
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

    private init(_ bytes: ArraySlice<UInt8>, _ what: String) {
        self.bytes = bytes
        self.what = what
        place = bytes.startIndex
    }

    private func failure(_ reason: String) -> Failure {
        Failure(reason: "\(what) is not right at byte \(place - bytes.startIndex): \(reason)")
    }

    private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, [9, 10, 13, 32].contains(byte) { place += 1 }
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

    private mutating func value(depth: Int) throws(Failure) -> Value {
        guard depth <= 100 else { throw failure("it is nested too deeply") }
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
        try expect("{")
        var members: [(key: String, value: Value)] = []
        var keys: Set<TensorName> = []
        if take("}") { return members }
        repeat {
            skipSpace()
            let key = try string()
            guard keys.insert(TensorName(key)).inserted else { throw failure("“\(key)” comes twice") }
            try expect(":")
            members.append((key, try value(depth: depth + 1)))
        } while take(",")
        try expect("}")
        return members
    }

    private mutating func array(_ depth: Int) throws(Failure) -> [Value] {
        try expect("[")
        var elements: [Value] = []
        if take("]") { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        try expect("]")
        return elements
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

    private mutating func string() throws(Failure) -> String {
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
