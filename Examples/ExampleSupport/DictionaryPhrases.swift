import Foundation
import Tessera

/// German phrases with their English translations, of the dictionary that Debian's `trans-de-en` has.
///
/// A line has parts of one meaning on both sides of ` :: `, separated by `|`, and in each part words for the same, separated by
/// `;`. Grammar and explanations stand in brackets.
public struct DictionaryPhrases {
    public struct Phrase: Equatable {
        public let german: String
        /// All that it may be in English; the first is the one to learn.
        public let english: [String]
    }

    public static let path = "/usr/share/trans/de-en"
    /// How many words a phrase may have.
    public static let words = 2...8

    public private(set) var train: [Phrase] = []
    /// The phrases of every fortieth line whose German is not among those to learn from.
    public private(set) var test: [Phrase] = []

    /// - Throws: ``FileError`` where the file cannot be read.
    public init(path: String = Self.path) throws {
        var (number, held) = (0, [Phrase]())
        var known: Set<Phrase.Key> = []
        try TextLines.forEach(of: path) { line in
            guard let phrases = Self.phrases(of: line) else { return }
            number += 1
            if number % 40 == 0 {
                held += phrases
            } else {
                train += phrases.filter { known.insert(Phrase.Key($0)).inserted }
            }
        }
        let learned = Set(train.map { Data($0.german.utf8) })
        test = held.filter { !learned.contains(Data($0.german.utf8)) && known.insert(Phrase.Key($0)).inserted }
    }

    /// The phrases of a line; `nil` where it is none of the dictionary.
    static func phrases(of line: String) -> [Phrase]? {
        let sides = line.components(separatedBy: " :: ")
        guard sides.count == 2, !line.hasPrefix("#") else { return nil }
        let (german, english) = (parts(sides[0]), parts(sides[1]))
        guard german.count == english.count else { return [] }
        return zip(german, english).compactMap { german, english in
            // Most parts are single words, and are not looked at further.
            guard
                let first = german.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first.map({
                    cleaned($0)
                }), isPhrase(first)
            else { return nil }
            let all = english.split(separator: ";", omittingEmptySubsequences: false).map { cleaned($0) }
            guard let second = all.first, isPhrase(second) else { return nil }
            return Phrase(german: first, english: [second] + all.dropFirst().filter(isPhrase))
        }
    }

    private static func parts(_ side: String) -> [Substring] {
        side.split(separator: "|", omittingEmptySubsequences: false)
    }

    /// A text without what stands in brackets, with single spaces.
    private static func cleaned(_ text: Substring) -> String {
        var result = String.UnicodeScalarView()
        var closing: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if let end = closing {
                if scalar == end { closing = nil }
            } else if let end = Self.brackets[scalar] {
                closing = end
            } else {
                result.append(scalar == "’" ? "'" : scalar)
            }
        }
        return String(result).split(separator: " ").joined(separator: " ")
    }

    private static let brackets: [Unicode.Scalar: Unicode.Scalar] = ["{": "}", "[": "]", "(": ")"]

    private static func isPhrase(_ text: String) -> Bool {
        words.contains(text.split(separator: " ").count)
            && !text.unicodeScalars.contains { "/<>…()[]{}".unicodeScalars.contains($0) }
    }
}

extension DictionaryPhrases.Phrase {
    /// Both languages, by their bytes.
    fileprivate struct Key: Hashable {
        let german: Data
        let english: Data?

        init(_ phrase: DictionaryPhrases.Phrase) {
            german = Data(phrase.german.utf8)
            english = phrase.english.first.map { Data($0.utf8) }
        }
    }
}
