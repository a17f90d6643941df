/// Turns text into numbers for a model, and back.
public protocol Tokenizer: Sendable {
    /// Tokens are from 0 to less than this.
    var vocabularySize: Int { get }

    /// - Throws: ``GraphError`` where the text has what no token stands for.
    func encode(_ text: String) throws -> [Int32]

    /// The text that tokens stand for; `�` for what is none.
    func decode(_ tokens: [Int32]) -> String
}

/// The bytes of UTF-8, each a token: 256 of them.
public struct ByteTokenizer: Tokenizer {
    /// A tokenizer of the 256 bytes.
    public init() {}

    public var vocabularySize: Int { 256 }
    public func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }
    /// Numbers that are no byte are left out.
    public func decode(_ tokens: [Int32]) -> String {
        String(decoding: tokens.compactMap { UInt8(exactly: $0) }, as: UTF8.self)
    }
}

/// Characters (Unicode scalars), each a token of an open vocabulary.
public struct CharacterTokenizer: Tokenizer {
    /// The characters by their tokens.
    public let vocabulary: Vocabulary

    /// - Parameters:
    ///   - texts: whose characters are known, the most frequent ones first.
    ///   - limit: the most characters.
    public init(of texts: some Sequence<String>, limit: Int = .max) {
        vocabulary = Vocabulary(of: texts.lazy.flatMap { $0.unicodeScalars.lazy.map { String($0) } }, limit: limit)
    }

    /// A tokenizer whose characters have the numbers of a vocabulary.
    public init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    public var vocabularySize: Int { vocabulary.count }
    public func encode(_ text: String) throws -> [Int32] {
        try vocabulary.numbers(of: text.unicodeScalars.map { String($0) }, "CharacterTokenizer")
    }
    public func decode(_ tokens: [Int32]) -> String { vocabulary.words(of: tokens).joined() }
}

/// Words, each a token of an open vocabulary: runs of letters, marks and digits, with apostrophes inside; any other character
/// but spaces is a word by itself.
public struct WordTokenizer: Tokenizer {
    /// The words by their tokens.
    public let vocabulary: Vocabulary
    /// Whether words are made small before they are looked for.
    public let lowercases: Bool

    /// - Parameters:
    ///   - texts: whose words are known, the most frequent ones first.
    ///   - lowercases: whether case is told apart.
    ///   - minimumCount: how often a word must come to be known.
    ///   - limit: the most words.
    public init(of texts: some Sequence<String>, lowercases: Bool = true, minimumCount: Int = 1, limit: Int = .max) {
        let words = texts.lazy.flatMap { Self.words(of: $0, lowercases: lowercases) }
        self.init(Vocabulary(of: words, minimumCount: minimumCount, limit: limit), lowercases: lowercases)
    }

    /// A tokenizer whose words have the numbers of a vocabulary.
    public init(_ vocabulary: Vocabulary, lowercases: Bool = true) {
        self.vocabulary = vocabulary
        self.lowercases = lowercases
    }

    public var vocabularySize: Int { vocabulary.count }
    public func encode(_ text: String) throws -> [Int32] {
        try vocabulary.numbers(of: Self.words(of: text, lowercases: lowercases), "WordTokenizer")
    }
    /// The words with a space between each two.
    public func decode(_ tokens: [Int32]) -> String { vocabulary.words(of: tokens).joined(separator: " ") }

    /// The words of a text in their order.
    public static func words(of text: String, lowercases: Bool = true) -> [String] {
        let scalars = Array((lowercases ? text.lowercased() : text).unicodeScalars)
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func endWord() {
            if !word.isEmpty { words.append(String(word)) }
            word = String.UnicodeScalarView()
        }
        for (place, scalar) in scalars.enumerated() {
            let isInside =
                scalar == "'" && !word.isEmpty && place + 1 < scalars.count && scalars[place + 1].isPartOfWord
            if scalar.isPartOfWord || isInside {
                word.append(scalar)
            } else {
                endWord()
                if !scalar.properties.isWhitespace { words.append(String(scalar)) }
            }
        }
        endWord()
        return words
    }
}

extension Vocabulary {
    /// - Throws: ``GraphError`` for a text that a closed vocabulary has not.
    fileprivate func numbers(of texts: [String], _ operation: String) throws -> [Int32] {
        try texts.map { text in
            guard let number = number(of: text) else {
                throw GraphError(operation: operation, message: "“\(text)” is not in the vocabulary, which is closed")
            }
            return Int32(clamping: number)
        }
    }

    /// The texts of numbers, without what stands for a missing one.
    fileprivate func words(of numbers: [Int32]) -> [String] {
        numbers.filter { !isOpen || $0 != Vocabulary.missing }.map { word(Int($0)) ?? "\u{fffd}" }
    }
}

extension Unicode.Scalar {
    /// Whether it is a letter, a mark on one, or a digit.
    fileprivate var isPartOfWord: Bool { isLetter || isNumber || properties.generalCategory.isMark }

    /// Unicode's categories L.
    var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    /// Unicode's categories N.
    var isNumber: Bool {
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isMark: Bool { self == .nonspacingMark || self == .spacingMark || self == .enclosingMark }
}

/// Files of text, a line at a time, which may be packed with gzip.
public enum TextLines {
    /// Gives `body` one line after the other, without its end (`\n` or `\r\n`). Bytes that are no UTF-8 become `�`.
    ///
    /// - Throws: ``FileError`` for a file that can't be read, or a line that is longer than `limit` bytes; what `body` throws.
    public static func forEach(of path: String, limit: Int = 1 << 26, _ body: (String) throws -> Void) throws {
        var line: [UInt8] = []
        func end() throws {
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            try body(String(decoding: line, as: UTF8.self))
            line.removeAll(keepingCapacity: true)
        }
        try FileBytes.forEachChunk(of: path) { chunk in
            var rest = chunk
            while let place = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[..<place]
                try end()
                rest = rest[(place + 1)...]
            }
            line += rest
            guard line.count <= limit else {
                throw FileError(path: path, reason: "a line has more than \(limit) bytes")
            }
        }
        if !line.isEmpty { try end() }
    }

    /// All lines of a file.
    ///
    /// - Throws: as ``forEach(of:limit:_:)``; ``GraphError`` where they are more than there is memory for.
    public static func read(_ path: String) throws -> [String] {
        var lines: [String] = []
        var byteCount = 0
        try forEach(of: path) { line in
            byteCount += line.utf8.count + MemoryLayout<String>.stride
            if lines.count == lines.capacity { try HostMemory.require(byteCount, for: path) }
            lines.append(line)
        }
        return lines
    }
}
