import Foundation
import Tessera
import Testing

/// Tokenizers; byte-pair encoding beside Hugging Face's `tokenizers` (`Tests/References/tokenizers.py`).
@Suite struct TokenizerTests {
    private struct Cases: Decodable {
        var training: [String]
        var texts: [String]
        var plain: [[Int32]]
        var prefixed: [[Int32]]
    }

    private static func reference(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("References/tokenizers/\(name)")
    }

    private static func cases() throws -> Cases {
        try JSONDecoder().decode(Cases.self, from: Data(contentsOf: reference("cases.json")))
    }

    @Test func filesOfOthersGiveTheirTokens() throws {
        let cases = try Self.cases()
        let plain = try BytePairTokenizer(path: Self.reference("trained.json").path)
        let prefixed = try BytePairTokenizer(path: Self.reference("prefixed.json").path)
        #expect(plain.vocabularySize == 329 && cases.texts.count > 20)
        for (number, text) in cases.texts.enumerated() {
            #expect(try plain.encode(text) == cases.plain[number], "\(text.debugDescription)")
            #expect(try prefixed.encode(text) == cases.prefixed[number], "\(text.debugDescription)")
            #expect(Array(plain.decode(try plain.encode(text)).utf8) == Array(text.utf8))
        }
    }

    /// Where TESSERA_KEPT_TOKENIZER names a file, it stays there for `tokenizers.py` to check it.
    @Test func trainingFindsTheSamePairs() throws {
        let cases = try Self.cases()
        let trained = try BytePairTokenizer(
            trainedOn: cases.training, vocabularySize: 340, added: ["<|end|>", "<|endless|>"])
        for (number, text) in cases.texts.enumerated() {
            #expect(try trained.encode(text) == cases.plain[number], "\(text.debugDescription)")
        }
        let folder = try TemporaryFolder()
        let path = ProcessInfo.processInfo.environment["TESSERA_KEPT_TOKENIZER"] ?? folder.path("tokenizer.json")
        try trained.write(to: path)
        let read = try BytePairTokenizer(path: path)
        #expect(read.addedTokens == trained.addedTokens && read.vocabularySize == 329)
        for (number, text) in cases.texts.enumerated() {
            #expect(try read.encode(text) == cases.plain[number], "\(text.debugDescription)")
        }
    }

    @Test func trainingEndsWhereNothingIsLeftToJoin() throws {
        let trained = try BytePairTokenizer(trainedOn: ["ab ab", "ab"], vocabularySize: 10_000)
        #expect(trained.vocabularySize == 257)
        #expect(try trained.encode("ab abc").count == 4)
        let rare = try BytePairTokenizer(trainedOn: ["ab ab", "ab"], vocabularySize: 10_000, minimumCount: .min)
        #expect(rare.vocabularySize == 258)
        #expect(try rare.encode("ab abc").count == 3)
        #expect(try BytePairTokenizer(trainedOn: [], vocabularySize: 256).encode("é") == [127, 102])
        for size in [255, -1, .min, .max] {
            let error = #expect(throws: GraphError.self) {
                try BytePairTokenizer(trainedOn: ["a"], vocabularySize: size)
            }
            #expect(error?.location?.file.contains("TokenizerTests") ?? false)
        }
        for added in [["x", "x"], [""]] {
            #expect(throws: GraphError.self) { try BytePairTokenizer(trainedOn: [], vocabularySize: 300, added: added) }
        }
    }

    private static func file(
        model: String = #""type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]"#,
        splitting: String = #"{"type":"ByteLevel","add_prefix_space":false}"#, rest: String = ""
    ) -> String {
        "{\"model\":{\(model)},\"pre_tokenizer\":\(splitting)\(rest)}"
    }

    static let mistakes: [(json: String, message: String)] = [
        ("{", "the JSON is not right at byte 1: a text is missing"), ("[]", "no model of type BPE"),
        (file(model: #""type":"WordPiece""#), "no model of type BPE"),
        (file(splitting: #"{"type":"Whitespace"}"#), "another pre-tokenizer"), (file(splitting: "null"), "another"),
        (file(splitting: #"{"type":"ByteLevel","use_regex":false}"#), "another pre-tokenizer"),
        (file(rest: #","normalizer":{"type":"NFC"}"#), "has a normalizer"),
        (file(model: #""type":"BPE","merges":[]"#), "no vocabulary"),
        (file(model: #""type":"BPE","vocab":{}"#), "no merges"),
        (file(model: #""type":"BPE","vocab":{},"merges":[],"byte_fallback":true"#), "“byte_fallback” is not known"),
        (file(model: #""type":"BPE","vocab":{"a":0,"b":0},"merges":[]"#), "“b” has no number of its own"),
        (file(model: #""type":"BPE","vocab":{"a":-1},"merges":[]"#), "“a” has no number"),
        (file(model: #""type":"BPE","vocab":{"a":4294967296},"merges":[]"#), "“a” has no number"),
        (file(model: #""type":"BPE","vocab":{"日":0},"merges":[]"#), "“日” stands for no bytes"),
        (file(model: #""type":"BPE","vocab":{"a":0},"merges":["a b"]"#), "“a b” is not of two tokens"),
        (file(model: #""type":"BPE","vocab":{"a":0},"merges":[["a"]]"#), "is not of two tokens"),
        (file(model: #""type":"BPE","vocab":{"a":0},"merges":["a a"]"#), "joins to no token"),
        (file(rest: #","added_tokens":[{"content":"x"}]"#), "no number"),
        (file(rest: #","added_tokens":[{"content":"x","id":9,"lstrip":true}]"#), "“x” has lstrip"),
    ]

    @Test(arguments: mistakes.indices) func whatWouldChangeTokensIsRefused(_ index: Int) throws {
        let (json, message) = Self.mistakes[index]
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(json.utf8), to: "tokenizer.json")
        let error = #expect(throws: FileError.self) { try BytePairTokenizer(path: path) }
        #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
    }

    @Test func bytesThatAreNoTokenAreAnError() throws {
        let folder = try TemporaryFolder()
        let tokenizer = try BytePairTokenizer(path: folder.write(Array(Self.file().utf8), to: "small.json"))
        #expect(try tokenizer.encode("abba") == [2, 1, 0])
        #expect(throws: GraphError.self) { try tokenizer.encode("abc") }
        #expect(tokenizer.decode([2, 7, -1]) == "ab\u{fffd}\u{fffd}")
    }

    /// Any bytes are a tokenizer or an error.
    @Test func changedFilesAreReadOrRefused() throws {
        let folder = try TemporaryFolder()
        let original = [UInt8](try Data(contentsOf: Self.reference("trained.json")))
        var random = RandomSource(seed: 3)
        var refused = 0
        for _ in 0..<60 {
            var bytes = original
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let tokenizer = try BytePairTokenizer(path: folder.write(bytes, to: "changed"))
                _ = try tokenizer.encode("the beginning of text")
            } catch is FileError {
                refused += 1
            } catch is GraphError {}
        }
        #expect(refused > 10)
    }

    @Test func bytesAndCharacters() throws {
        #expect(ByteTokenizer().encode("aé") == [97, 195, 169])
        #expect(ByteTokenizer().decode([97, 195, 169, 256, -1]) == "aé")
        let characters = CharacterTokenizer(of: ["abca", "ab"])
        #expect(characters.vocabularySize == 5)
        #expect(try characters.encode("cabx") == [4, 2, 3, 1])
        #expect(characters.decode([4, 2, 3, 1, 0, 99, -7]) == "cab\u{fffd}\u{fffd}\u{fffd}")
        #expect(try CharacterTokenizer(Vocabulary(labels: ["a", "b"])).encode("ba") == [1, 0])
        #expect(throws: GraphError.self) { try CharacterTokenizer(Vocabulary(labels: ["a", "b"])).encode("bac") }
    }

    @Test func words() throws {
        let text = "Don't stop: 3.5 naïve cafe\u{301}s, 'quoted' x'"
        #expect(
            WordTokenizer.words(of: text) == [
                "don't", "stop", ":", "3", ".", "5", "naïve", "cafe\u{301}s", ",", "'", "quoted", "'", "x", "'",
            ])
        #expect(WordTokenizer.words(of: "A b", lowercases: false) == ["A", "b"])
        #expect(WordTokenizer.words(of: " \n ") == [])
        let tokenizer = WordTokenizer(of: ["the cat", "The dog"], minimumCount: 2)
        #expect(tokenizer.vocabularySize == 3)
        #expect(try tokenizer.encode("THE mouse") == [2, 1])
        #expect(tokenizer.decode([2, 1, 0]) == "the \u{fffd}")
    }

    @Test func linesOfFiles() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("a\r\n\nü\n".utf8) + [0xff], to: "x.txt")
        #expect(try TextLines.read(path) == ["a", "", "ü", "\u{fffd}"])
        let empty = try folder.write([], to: "empty.txt")
        #expect(try TextLines.read(empty) == [])
        let error = #expect(throws: FileError.self) { try TextLines.forEach(of: path, limit: 0) { _ in } }
        #expect(error?.reason == "a line has more than 0 bytes")
        // More than is read at once.
        let long = try folder.write(Array(String(repeating: "abcdefg\n", count: 300_000).utf8), to: "long.txt")
        #expect(try TextLines.read(long) == [String](repeating: "abcdefg", count: 300_000))
        #expect(throws: FileError.self) { try TextLines.read(folder.path("missing")) }
    }
}
