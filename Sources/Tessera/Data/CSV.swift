/// Files of comma-separated values (RFC 4180), which may be packed with gzip, read a part at a time.
///
/// Fields may be quoted, with `""` for a quote and with separators and ends of lines inside. Lines end in `\n`, `\r\n` or `\r`;
/// empty ones are passed over. Text is UTF-8, with or without a byte order mark.
public enum CSV {
    /// Gives `body` one record after the other, with the number of the line that it begins on.
    ///
    /// - Parameter separator: what stands between fields: a comma, a semicolon, a tab.
    /// - Throws: ``FileError`` with the line, for a file that can't be read, a quoted field that has no end or that something
    ///   follows, and text that is not UTF-8; ``GraphError`` for a separator that is none; what `body` throws.
    public static func forEachRecord(
        of path: String, separator: Unicode.Scalar = ",", file: StaticString = #fileID, line: UInt = #line,
        _ body: (_ fields: [String], _ line: Int) throws -> Void
    ) throws {
        guard separator.isASCII, !["\"", "\n", "\r"].contains(separator) else {
            throw GraphError(
                operation: "CSV", message: "“\(separator)” cannot separate fields",
                location: SourceLocation(file: file, line: line))
        }
        try withoutActuallyEscaping(body) { body in
            var parser = CSVParser(path: path, separator: UInt8(ascii: separator), body)
            try FileBytes.forEachChunk(of: path) { try parser.add($0) }
            try parser.finish()
        }
    }
}

/// Takes the bytes of a file a part after the other.
private struct CSVParser {
    private enum State {
        case fieldStart, unquoted, quoted
        /// After a quote inside quotes, which ends the field or is the first of two.
        case quote
    }

    private let path: String
    private let separator: UInt8
    private let body: ([String], Int) throws -> Void
    private var state = State.fieldStart
    private var field: [UInt8] = []
    private var fields: [String] = []
    private var line = 1
    private var recordLine = 1
    private var followsReturn = false
    private var isEmpty = true
    private var isAtStart = true

    /// What a missing quote makes one field of would take all memory.
    private static let fieldLimit = 1 << 24
    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    init(path: String, separator: UInt8, _ body: @escaping ([String], Int) throws -> Void) {
        self.path = path
        self.separator = separator
        self.body = body
    }

    private func failure(_ reason: String) -> FileError { FileError(path: path, reason: "line \(line): \(reason)") }

    mutating func add(_ chunk: ArraySlice<UInt8>) throws {
        // Parts are only short where they are the last.
        let skipped = isAtStart && chunk.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
        isAtStart = false
        for byte in chunk.dropFirst(skipped) { try add(byte) }
    }

    private mutating func add(_ byte: UInt8) throws {
        let isSecondOfEnd = followsReturn && byte == UInt8(ascii: "\n")
        followsReturn = byte == UInt8(ascii: "\r")
        let isEnd = byte == UInt8(ascii: "\n") || followsReturn
        if isEnd, !isSecondOfEnd { line += 1 }
        switch state {
        case .fieldStart, .unquoted:
            if isEnd {
                if !isSecondOfEnd { try endRecord() }
            } else if byte == separator {
                isEmpty = false
                try endField()
            } else if byte == UInt8(ascii: "\""), state == .fieldStart {
                isEmpty = false
                state = .quoted
            } else {
                isEmpty = false
                state = .unquoted
                try append(byte)
            }
        case .quoted:
            if byte == UInt8(ascii: "\"") { state = .quote } else { try append(byte) }
        case .quote:
            if byte == UInt8(ascii: "\"") {
                state = .quoted
                try append(byte)
            } else if byte == separator {
                try endField()
            } else if isEnd {
                try endRecord()
            } else {
                throw failure("something follows the end of a quoted field")
            }
        }
    }

    private mutating func append(_ byte: UInt8) throws {
        guard field.count < Self.fieldLimit else {
            throw failure("a field of more than \(HostMemory.text(of: Self.fieldLimit)); does a quote have no end?")
        }
        field.append(byte)
    }

    private mutating func endField() throws {
        guard let text = String(validating: field, as: UTF8.self) else { throw failure("a field is not UTF-8") }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }

    private mutating func endRecord() throws {
        if !isEmpty {
            try endField()
            try body(fields, recordLine)
            fields.removeAll(keepingCapacity: true)
        }
        isEmpty = true
        recordLine = line
    }

    mutating func finish() throws {
        if state == .quoted {
            line = recordLine
            throw failure("a quoted field has no end")
        }
        try endRecord()
    }
}
