/// The JSON of a safetensors header, read strictly: keys may not repeat, numbers are whole and at least 0, and nothing
/// but what such a header holds is accepted.
struct HeaderParser {
    indirect enum Value {
        case object([(key: String, value: Value)])
        case array([Value])
        case string(String)
        case number(Int)
    }

    struct Failure: Error {
        var reason: String
    }

    private let bytes: ArraySlice<UInt8>
    private var place: Int

    static func parse(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Value {
        var parser = HeaderParser(bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.place == bytes.endIndex else { throw parser.failure("something follows the object") }
        return value
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    private func failure(_ reason: String) -> Failure {
        Failure(reason: "the header is not right at byte \(place - bytes.startIndex): \(reason)")
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
        guard depth <= 4 else { throw failure("it is nested too deeply") }
        skipSpace()
        switch next.map({ Unicode.Scalar($0) }) {
        case "{"?: return .object(try object(depth))
        case "["?: return .array(try array(depth))
        case "\""?: return .string(try string())
        case let digit? where ("0"..."9").contains(digit): return .number(try number())
        default: throw failure("an object, a list, a text or a number is missing")
        }
    }

    private mutating func object(_ depth: Int) throws(Failure) -> [(key: String, value: Value)] {
        try expect("{")
        var members: [(key: String, value: Value)] = []
        var keys: Set<String> = []
        if take("}") { return members }
        repeat {
            skipSpace()
            let key = try string()
            guard keys.insert(key).inserted else { throw failure("“\(key)” comes twice") }
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

    private mutating func number() throws(Failure) -> Int {
        var number = 0
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (product, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { throw failure("a number is too large") }
            number = sum
            place += 1
        }
        return number
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
        guard high < 0xdc00, take("\\"), take("u") else { throw failure("half a character") }
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
