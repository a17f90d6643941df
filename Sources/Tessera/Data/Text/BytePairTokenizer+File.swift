// Files of Hugging Face's `tokenizers`.
extension BytePairTokenizer {
    /// Reads a `tokenizer.json`: a BPE model with the byte-level pre-tokenizer, as GPT-2's.
    ///
    /// What a post-processor would add around a text is not added.
    ///
    /// - Throws: ``FileError`` for a file that can't be read, is not right, or has what would change tokens and is not known here: a
    ///   normalizer, another model or pre-tokenizer, added tokens that take spaces around them.
    public init(path: String) throws {
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
        let data = try StoredBytes(path: path)
        guard data.count <= 1 << 26 else { throw failure("is too large for a tokenizer") }
        let bytes = try StoredSource(data, count: data.count).bytes(data.count)
        let root: HeaderParser.Value
        do throws(HeaderParser.Failure) {
            root = try HeaderParser.parse(bytes[...], what: "the JSON")
        } catch {
            throw failure(error.reason)
        }
        guard let model = root["model"], model["type"]?.text == "BPE" else { throw failure("has no model of type BPE") }
        guard let splitting = root["pre_tokenizer"], splitting["type"]?.text == "ByteLevel",
            splitting["use_regex"]?.flag ?? true
        else { throw failure("has another pre-tokenizer than GPT-2's ByteLevel, which alone is known") }
        guard root["normalizer"]?.isNothing ?? true else { throw failure("has a normalizer, and none is known") }
        for name in ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"] {
            guard model[name]?.isNothing ?? true else { throw failure("its model's “\(name)” is not known") }
        }
        guard case .object(let entries)? = model["vocab"] else { throw failure("its model has no vocabulary") }
        let added = try Self.added(root["added_tokens"], failure)
        var tokens: [Int32: [UInt8]] = [:]
        var numbers: [TensorName: Int32] = [:]
        for (text, value) in entries {
            guard let number = value.token, tokens[number] == nil else {
                throw failure("“\(text)” has no number of its own")
            }
            // Added tokens are in the vocabulary too, as they are.
            guard let bytes = added[text] == number ? Array(text.utf8) : ByteCharacters.bytes(text) else {
                throw failure("“\(text)” stands for no bytes")
            }
            tokens[number] = bytes
            numbers[TensorName(text)] = number
        }
        guard case .array(let list)? = model["merges"] else { throw failure("its model has no merges") }
        let merges = try list.map { value in
            // A text with a space in it, or, in later files, two texts.
            let parts: [String]
            switch value {
            case .string(let text): parts = text.split(separator: " ").map(String.init)
            case .array(let texts): parts = texts.compactMap(\.text)
            default: parts = []
            }
            guard parts.count == 2, let first = numbers[TensorName(parts[0])],
                let second = numbers[TensorName(parts[1])]
            else { throw failure("the merge “\(parts.joined(separator: " "))” is not of two tokens") }
            return Pair(first: first, second: second)
        }
        try self.init(
            tokens: tokens, merges: merges, added: added, addsPrefixSpace: splitting["add_prefix_space"]?.flag ?? true,
            path: path)
    }

    private static func added(
        _ value: HeaderParser.Value?, _ failure: (String) -> FileError
    ) throws -> [String: Int32] {
        guard case .array(let list)? = value else { return [:] }
        var added: [String: Int32] = [:]
        for entry in list {
            guard let text = entry["content"]?.text, let number = entry["id"]?.token, !text.isEmpty else {
                throw failure("an added token has no content or no number")
            }
            for name in ["single_word", "lstrip", "rstrip"] where entry[name]?.flag ?? false {
                throw failure("the added token “\(text)” has \(name), which is not known")
            }
            guard added.updateValue(number, forKey: text) == nil else { throw failure("“\(text)” is added twice") }
        }
        return added
    }

    /// Writes a `tokenizer.json`, which `tokenizers.Tokenizer.from_file` reads too, all or nothing.
    ///
    /// - Throws: ``FileError`` where the file can't be written.
    public func write(to path: String) throws {
        let special = Dictionary(addedTokens.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func text(_ number: Int32) -> String { special[number] ?? ByteCharacters.text(tokens[number] ?? []) }
        let added = special.sorted { $0.key < $1.key }.map { number, text in
            "{\"id\":\(number),\"content\":\(text.quotedForJSON),\"single_word\":false,\"lstrip\":false,"
                + "\"rstrip\":false,\"normalized\":false,\"special\":true}"
        }
        let entries = tokens.keys.sorted().map { "\(text($0).quotedForJSON):\($0)" }
        let pairs = merges.map { "[\(text($0.first).quotedForJSON),\(text($0.second).quotedForJSON)]" }
        let level =
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":\(addsPrefixSpace),\"trim_offsets\":true,\"use_regex\":true}"
        let json = """
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":[\(added.joined(separator: ","))],
            "normalizer":null,"pre_tokenizer":\(level),"post_processor":null,"decoder":\(level),
            "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
            "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
            "vocab":{\(entries.joined(separator: ","))},
            "merges":[\(pairs.joined(separator: ","))]}}

            """
        try AtomicFile.write(Array(json.utf8), to: path)
    }
}

extension HeaderParser.Value {
    /// A member of an object; `nil` where this is none or has none of that name.
    fileprivate subscript(name: String) -> Self? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == name }?.value
    }

    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    fileprivate var token: Int32? { if case .number(let number) = self { Int32(exactly: number) } else { nil } }

    /// What says that an option is not used.
    fileprivate var isNothing: Bool {
        switch self {
        case .null, .bool(false), .string(""): true
        case .object, .array, .string, .number, .bool, .other: false
        }
    }
}
