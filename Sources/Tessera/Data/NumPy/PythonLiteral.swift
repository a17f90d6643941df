/// A Python literal, as it describes an array in a `.npy` file: texts, whole numbers, `True`, `False`, `None`, tuples, lists
/// and dictionaries of them.
indirect enum PythonLiteral {
    case dictionary([(key: String, value: PythonLiteral)])
    case sequence([PythonLiteral])
    case string(String)
    case number(Int)
    case bool(Bool)
    case none

    struct Failure: Error {
        var reason: String
    }

    init(_ bytes: [UInt8]) throws(Failure) {
        var parser = Parser(bytes: bytes)
        self = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.place == bytes.count else { throw parser.failure("something follows the dictionary") }
    }

    private struct Parser {
        let bytes: [UInt8]
        var place = 0

        func failure(_ reason: String) -> Failure {
            Failure(reason: "the header is not right at byte \(place): \(reason)")
        }

        private var next: Unicode.Scalar? { place < bytes.count ? Unicode.Scalar(bytes[place]) : nil }

        mutating func skipSpace() {
            while let next, [" ", "\t", "\n", "\r"].contains(next) { place += 1 }
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard next == character else { return false }
            place += 1
            return true
        }

        mutating func value(depth: Int) throws(Failure) -> PythonLiteral {
            guard depth <= 20 else { throw failure("it is nested too deeply") }
            skipSpace()
            switch next {
            case "{"?: return .dictionary(try dictionary(depth))
            case "("?: return try tuple(depth)
            case "["?: return .sequence(try elements("]", depth).values)
            case "'"?, "\""?: return .string(try string())
            case let letter? where letter.properties.isAlphabetic: return try word()
            default: return .number(try number())
            }
        }

        private mutating func dictionary(_ depth: Int) throws(Failure) -> [(key: String, value: PythonLiteral)] {
            place += 1
            var members: [(key: String, value: PythonLiteral)] = []
            while !take("}") {
                skipSpace()
                let key = try string()
                guard !members.contains(where: { $0.key == key }) else { throw failure("“\(key)” comes twice") }
                guard members.count < 100 else { throw failure("it has too many keys") }
                guard take(":") else { throw failure("“:” is missing") }
                members.append((key, try value(depth: depth + 1)))
                if take("}") { break }
                guard take(",") else { throw failure("“,” is missing") }
            }
            return members
        }

        /// `(2)` is 2; `(2,)` a tuple of it.
        private mutating func tuple(_ depth: Int) throws(Failure) -> PythonLiteral {
            let (values, endsInComma) = try elements(")", depth)
            return values.count == 1 && !endsInComma ? values[0] : .sequence(values)
        }

        private mutating func elements(
            _ end: Unicode.Scalar, _ depth: Int
        ) throws(Failure) -> (values: [PythonLiteral], endsInComma: Bool) {
            place += 1
            var values: [PythonLiteral] = []
            var endsInComma = false
            while !take(end) {
                values.append(try value(depth: depth + 1))
                endsInComma = take(",")
                guard endsInComma || next == end else { throw failure("“,” is missing") }
            }
            return (values, endsInComma)
        }

        private mutating func string() throws(Failure) -> String {
            guard let quote = next, quote == "'" || quote == "\"" else { throw failure("a text is missing") }
            let start = place + 1
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: quote)) else {
                throw failure("a text has no end")
            }
            guard !bytes[start..<end].contains(UInt8(ascii: "\\")) else { throw failure("a text has an escape") }
            guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
                throw failure("a text is not UTF-8")
            }
            place = end + 1
            return text
        }

        private mutating func word() throws(Failure) -> PythonLiteral {
            for (word, value) in [("True", PythonLiteral.bool(true)), ("False", .bool(false)), ("None", .none)] {
                if bytes[place...].starts(with: word.utf8) {
                    place += word.utf8.count
                    return value
                }
            }
            throw failure("a word is unknown")
        }

        /// Digits, with the `L` that Python 2 wrote after some.
        private mutating func number() throws(Failure) -> Int {
            let start = place
            if next == "-" { place += 1 }
            while let digit = next, ("0"..."9").contains(digit) { place += 1 }
            guard let number = Int(String(decoding: bytes[start..<place], as: UTF8.self)) else {
                throw failure("a value is missing, or a number too large")
            }
            if next == "L" { place += 1 }
            return number
        }
    }
}
