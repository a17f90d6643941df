import Foundation
import Tessera

/// Words of several languages out of the lists of Debian and Ubuntu, as many of each.
///
/// Words are in lower case, so that German nouns are not told by their capitals, and of letters alone, at least three. What is in
/// more than one list is no language's and left out.
public struct WordLists: Sendable {
    public struct Language: Hashable, Sendable {
        public var name: String
        /// The list's name in its folder.
        public var file: String
        /// The package that it is in.
        public var package: String

        public init(name: String, file: String, package: String) {
            (self.name, self.file, self.package) = (name, file, package)
        }
    }

    public struct Word: Hashable, Sendable {
        public var text: String
        /// Its place in ``languages``.
        public var language: Int
        public var part: DataPart { DataPart(of: text) }
    }

    public static let languages: [Language] = [
        .init(name: "Dutch", file: "dutch", package: "wdutch"),
        .init(name: "English", file: "american-english", package: "wamerican"),
        .init(name: "French", file: "french", package: "wfrench"),
        .init(name: "German", file: "ngerman", package: "wngerman"),
        .init(name: "Italian", file: "italian", package: "witalian"),
        .init(name: "Spanish", file: "spanish", package: "wspanish"),
        .init(name: "Swedish", file: "swedish", package: "wswedish"),
    ]

    /// Those of all languages in the order of their hashes.
    public let words: [Word]

    /// - Parameters:
    ///   - limit: the most words of a language: those of the least hashes.
    /// - Throws: ``ExampleFailure`` where a list is not there or is too short; it names the packages.
    public init(
        folder: String = "/usr/share/dict", languages: [Language] = languages, limit: Int, leastCount: Int = 1000
    ) throws {
        let packages = languages.map(\.package).joined(separator: " ")
        let lists = try languages.map { language in
            let path = "\(folder)/\(language.file)"
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw ExampleFailure(
                    "there is no word list \(path): on Debian and Ubuntu `apt-get install \(packages)` brings it")
            }
            return Self.words(in: bytes)
        }
        var counts: [String: Int] = [:]
        for list in lists { for word in list { counts[word, default: 0] += 1 } }
        let distinct = lists.map { list in list.filter { counts[$0] == 1 } }
        let count = min(distinct.map(\.count).min() ?? 0, limit)
        guard count >= min(leastCount, limit) else {
            throw ExampleFailure(
                "one of the word lists in \(folder) has only \(count) words of its own: `apt-get install --reinstall"
                    + " \(packages)` brings them anew")
        }
        let chosen = distinct.enumerated().flatMap { language, list in
            list.map { (hash: StableHash.of($0), word: Word(text: $0, language: language)) }
                .sorted { ($0.hash, $0.word.text) < ($1.hash, $1.word.text) }.prefix(count)
        }
        words = chosen.sorted { ($0.hash, $0.word.text) < ($1.hash, $1.word.text) }.map(\.word)
    }

    /// The words of a list, which is in UTF-8 or else in Latin-1, as the Swedish one is.
    static func words(in bytes: Data) -> Set<String> {
        let text = String(data: bytes, encoding: .utf8) ?? String(data: bytes, encoding: .isoLatin1) ?? ""
        var words: Set<String> = []
        for line in text.lowercased().split(whereSeparator: \.isNewline) {
            let scalars = line.unicodeScalars
            if scalars.count >= 3, scalars.allSatisfy(\.properties.isAlphabetic) { words.insert(String(line)) }
        }
        return words
    }
}
