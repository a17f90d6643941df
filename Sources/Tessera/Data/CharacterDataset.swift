/// Text as characters to be predicted from those before: each example is `context` characters, and the same moved on by
/// one.
///
/// The vocabulary has 96 entries: the printable characters of ASCII and the end of a line. Tabs count as spaces; other
/// characters are left out.
public struct CharacterDataset: Dataset, Sendable {
    /// Which axis of a batch is time.
    public enum Layout: Sendable {
        /// `[context, batch]`, as recurrent layers take it.
        case timeFirst
        /// `[batch, context]`, as transformers take it.
        case batchFirst
    }

    /// How many tokens there are: they are from 0 to less than this.
    public static let vocabularySize = 96

    /// The whole text.
    public let tokens: [Int32]
    /// How many characters an example has.
    public let context: Int
    /// Which axis of a batch is time.
    public let layout: Layout
    /// Every example begins `stride` characters after the one before.
    public let stride: Int

    public var count: Int { tokens.count <= context ? 0 : (tokens.count - 1 - context) / stride + 1 }

    /// - Throws: ``GraphError`` where the context or the stride is not at least 1.
    public init(
        tokens: [Int32], context: Int, stride: Int? = nil, layout: Layout, file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        let stride = stride ?? context
        guard context >= 1, stride >= 1 else {
            throw GraphError(
                operation: "CharacterDataset",
                message: "the context and the stride must be at least 1, not \(context) and \(stride)",
                location: SourceLocation(file: file, line: line))
        }
        self.tokens = tokens
        self.context = context
        self.stride = stride
        self.layout = layout
    }

    /// The numbers of a text's characters: 0 for the end of a line, 1 for a space, 2 for `!` and so on.
    public static func tokens(of text: some Sequence<UInt8>) -> [Int32] {
        text.compactMap { byte in
            switch byte {
            case 10: 0
            case 9: 1
            case 32...126: Int32(byte) - 31
            default: nil
            }
        }
    }

    /// The text that tokens stand for.
    public static func text(of tokens: some Sequence<Int32>) -> String {
        String(decoding: tokens.map { $0 == 0 ? 10 : UInt8(clamping: Int($0) + 31) }, as: UTF8.self)
    }

    /// The texts of files one after the other, the last tenth kept apart to test on.
    ///
    /// - Throws: ``FileError`` where one can't be read or all of them hold too little; ``GraphError`` where the context or
    ///   the stride is not at least 1.
    public static func split(
        files: [String], context: Int, stride: Int? = nil, layout: Layout, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> (train: CharacterDataset, test: CharacterDataset) {
        try split(
            tokens: files.flatMap { Self.tokens(of: try FileBytes.read($0)) },
            from: files.joined(separator: ", "), context: context, stride: stride, layout: layout, file: file,
            line: line)
    }

    /// The characters of a text, the last tenth kept apart to test on.
    ///
    /// - Parameters:
    ///   - tokens: as ``tokens(of:)`` has them.
    ///   - source: where they come from, in words, for errors.
    /// - Throws: ``FileError`` where they are too few; ``GraphError`` where the context or the stride is not at least 1.
    public static func split(
        tokens: [Int32], from source: String, context: Int, stride: Int? = nil, layout: Layout,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> (train: CharacterDataset, test: CharacterDataset) {
        let border = tokens.count - tokens.count / 10
        guard tokens.count / 10 > context else {
            throw FileError(
                path: source, reason: "\(tokens.count) characters are too few for a context of \(context)")
        }
        func dataset(_ tokens: ArraySlice<Int32>, stride: Int?) throws -> CharacterDataset {
            try CharacterDataset(
                tokens: Array(tokens), context: context, stride: stride, layout: layout, file: file, line: line)
        }
        return (try dataset(tokens[..<border], stride: stride), try dataset(tokens[border...], stride: nil))
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        func tensor(shift: Int) throws -> HostTensor {
            var elements = [Int32](repeating: 0, count: indices.count * context)
            for (row, index) in indices.enumerated() {
                for time in 0..<context {
                    let place = layout == .timeFirst ? time * indices.count + row : row * context + time
                    elements[place] = tokens[index * stride + time + shift]
                }
            }
            let shape: Shape = layout == .timeFirst ? [context, indices.count] : [indices.count, context]
            return try HostTensor(shape, elements)
        }
        return Batch(input: try tensor(shift: 0), target: try tensor(shift: 1), count: indices.count)
    }
}
