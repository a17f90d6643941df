/// Byte-pair encoding over bytes (Sennrich, Haddow and Birch, 2016; Radford et al., 2019): text is cut into words as GPT-2
/// cuts it, and the bytes of each are joined two by two, by a list of pairs in their order. Every text can be encoded, and comes
/// back as it was.
public struct BytePairTokenizer: Tokenizer {
    struct Pair: Hashable {
        var first: Int32
        var second: Int32
    }

    /// What each token is as bytes; added ones as UTF-8.
    let tokens: [Int32: [UInt8]]
    /// The pairs in the order in which they were found.
    let merges: [Pair]
    /// Texts that are a token of their own wherever they stand, such as `<|endoftext|>`.
    public let addedTokens: [String: Int32]
    /// Whether text that begins with no space is encoded as if it did.
    public let addsPrefixSpace: Bool
    public let vocabularySize: Int
    private let ranks: [Pair: (rank: Int, result: Int32)]
    private let byteTokens: [Int32?]

    /// - Throws: ``FileError`` where a pair's parts, or what it makes, are no tokens.
    init(
        tokens: [Int32: [UInt8]], merges: [Pair], added: [String: Int32], addsPrefixSpace: Bool, path: String
    ) throws {
        var numbers: [[UInt8]: Int32] = [:]
        let addedNumbers = Set(added.values)
        for (number, bytes) in tokens where !addedNumbers.contains(number) { numbers[bytes] = number }
        var ranks: [Pair: (rank: Int, result: Int32)] = [:]
        for (rank, pair) in merges.enumerated() {
            guard let first = tokens[pair.first], let second = tokens[pair.second],
                let result = numbers[first + second]
            else { throw FileError(path: path, reason: "merge \(rank) joins to no token of the vocabulary") }
            if ranks[pair] == nil { ranks[pair] = (rank, result) }
        }
        var all = tokens
        for (text, number) in added { all[number] = Array(text.utf8) }
        self.tokens = all
        self.merges = merges
        self.ranks = ranks
        self.addsPrefixSpace = addsPrefixSpace
        addedTokens = added
        byteTokens = (UInt8.min...UInt8.max).map { numbers[[$0]] }
        vocabularySize = (all.keys.max().map(Int.init) ?? -1) + 1
    }

    /// - Throws: ``GraphError`` for a byte that is no token, in a vocabulary from a file that has not all of them.
    public func encode(_ text: String) throws -> [Int32] {
        var result: [Int32] = []
        for (part, added) in parts(of: text) {
            if let added {
                result.append(added)
                continue
            }
            let isPrefixed = addsPrefixSpace && !part.isEmpty && part.utf8.first != UInt8(ascii: " ")
            for piece in PreTokens.pieces(of: isPrefixed ? " " + part : String(part)) {
                let bytes = try piece.map { byte in
                    guard let token = byteTokens[Int(byte)] else {
                        throw GraphError(
                            operation: "BytePairTokenizer", message: "no token of the vocabulary is the byte \(byte)")
                    }
                    return token
                }
                result += merged(bytes)
            }
        }
        return result
    }

    public func decode(_ tokens: [Int32]) -> String {
        String(decoding: tokens.flatMap { self.tokens[$0] ?? Array("\u{fffd}".utf8) }, as: UTF8.self)
    }

    /// The text cut at added tokens, of those that begin at one place the longest.
    private func parts(of text: String) -> [(text: Substring, added: Int32?)] {
        guard !addedTokens.isEmpty else { return [(text[...], nil)] }
        let byLength = addedTokens.map { (bytes: Array($0.key.utf8), number: $0.value) }.filter { !$0.bytes.isEmpty }
            .sorted { ($1.bytes.count, $0.number) < ($0.bytes.count, $1.number) }
        let beginnings = Set(byLength.map { $0.bytes[0] })
        var parts: [(text: Substring, added: Int32?)] = []
        let bytes = text.utf8
        var (start, place) = (bytes.startIndex, bytes.startIndex)
        while place < bytes.endIndex {
            guard beginnings.contains(bytes[place]),
                let found = byLength.first(where: { bytes[place...].starts(with: $0.bytes) })
            else {
                bytes.formIndex(after: &place)
                continue
            }
            if start < place { parts.append((text[start..<place], nil)) }
            let end = bytes.index(place, offsetBy: found.bytes.count)
            parts.append((text[place..<end], found.number))
            (start, place) = (end, end)
        }
        if start < place { parts.append((text[start...], nil)) }
        return parts
    }

    /// Joins the pair that comes first in the list, wherever it is, until no pair is in the list.
    private func merged(_ bytes: [Int32]) -> [Int32] {
        var word = bytes
        while word.count > 1 {
            var best: (pair: Pair, rank: Int, result: Int32)?
            for place in 1..<word.count {
                let pair = Pair(first: word[place - 1], second: word[place])
                if let merge = ranks[pair], merge.rank < best?.rank ?? .max { best = (pair, merge.rank, merge.result) }
            }
            guard let best else { break }
            word = Self.joining(best.pair, as: best.result, in: word)
        }
        return word
    }

    static func joining(_ pair: Pair, as result: Int32, in word: [Int32]) -> [Int32] {
        var joined: [Int32] = []
        var place = 0
        while place < word.count {
            let isPair = place + 1 < word.count && word[place] == pair.first && word[place + 1] == pair.second
            joined.append(isPair ? result : word[place])
            place += isPair ? 2 : 1
        }
        return joined
    }
}

// MARK: Training

extension BytePairTokenizer {
    /// A vocabulary of what comes most often in texts: added tokens, the 256 bytes, and pairs, one after the other the most
    /// frequent of those that are left. Vocabulary and pairs are those of the `tokenizers` package's `BpeTrainer` with
    /// `ByteLevel.alphabet()`.
    ///
    /// Takes time for each pair by the number of distinct ones in the texts.
    ///
    /// - Parameters:
    ///   - size: of the vocabulary, at most: the texts may have too few pairs.
    ///   - minimumCount: how often a pair must come to be joined.
    ///   - added: texts that are tokens of their own wherever they stand.
    /// - Throws: ``GraphError`` where the size is less than the bytes and the added tokens take, or an added one is empty or comes
    ///   twice.
    public init(
        trainedOn texts: some Sequence<String>, vocabularySize size: Int, minimumCount: Int = 2, added: [String] = [],
        file: StaticString = #fileID, line: UInt = #line
    ) throws {
        func failure(_ message: String) -> GraphError {
            GraphError(
                operation: "BytePairTokenizer", message: message, location: SourceLocation(file: file, line: line))
        }
        guard size >= 256 + added.count, size <= Int(Int32.max) else {
            throw failure("the vocabulary must have from \(256 + added.count) to \(Int32.max) tokens, not \(size)")
        }
        guard Set(added).count == added.count, !added.contains("") else {
            throw failure("added tokens must not be empty or come twice")
        }
        var tokens: [[UInt8]] = added.map { Array($0.utf8) }
        let alphabet = (UInt8.min...UInt8.max).sorted {
            ByteCharacters.scalars[Int($0)] < ByteCharacters.scalars[Int($1)]
        }
        var numbers: [[UInt8]: Int32] = [:]
        for byte in alphabet {
            numbers[[byte]] = Int32(tokens.count)
            tokens.append([byte])
        }
        var counts: [[UInt8]: Int] = [:]
        for text in texts { for piece in PreTokens.pieces(of: text) { counts[piece, default: 0] += 1 } }
        var words = counts.map { (tokens: $0.key.compactMap { numbers[[$0]] }, count: $0.value) }
        var pairs: [Pair: (count: Int, words: Set<Int>)] = [:]
        func count(_ word: Int, _ sign: Int) {
            let (tokens, count) = words[word]
            for (first, second) in zip(tokens, tokens.dropFirst()) {
                pairs[Pair(first: first, second: second), default: (0, [])].count += sign * count
                if sign > 0 { pairs[Pair(first: first, second: second)]?.words.insert(word) }
            }
        }
        for word in words.indices { count(word, 1) }
        var merges: [Pair] = []
        while tokens.count < size {
            let best = pairs.max {
                ($0.value.count, $1.key.first, $1.key.second) < ($1.value.count, $0.key.first, $0.key.second)
            }
            guard let (pair, found) = best, found.count >= max(minimumCount, 1) else { break }
            let bytes = tokens[Int(pair.first)] + tokens[Int(pair.second)]
            // Two pairs may make the same text.
            let result = numbers[bytes] ?? Int32(tokens.count)
            if numbers.updateValue(result, forKey: bytes) == nil { tokens.append(bytes) }
            merges.append(pair)
            for word in found.words {
                count(word, -1)
                words[word].tokens = Self.joining(pair, as: result, in: words[word].tokens)
                count(word, 1)
            }
            pairs[pair] = nil
        }
        let numbered = Dictionary(
            tokens.enumerated().map { (Int32($0), $1) }, uniquingKeysWith: { first, _ in first })
        let addedNumbers = Dictionary(
            added.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
        try self.init(tokens: numbered, merges: merges, added: addedNumbers, addsPrefixSpace: false, path: "")
    }
}
