/// Texts with a number for each: the words of a language, the values of a column.
///
/// An open vocabulary keeps 0 for what is missing (or fills a sequence up) and 1 for what it does not know. A closed one
/// numbers its texts from 0, as labels are, and knows no others. Texts are told apart by their bytes.
public struct Vocabulary: Hashable, Sendable {
    /// The texts, in the order of their numbers.
    public let words: [String]
    /// Whether there is a token for words that are not known.
    public let isOpen: Bool
    private let numbers: [TensorName: Int]

    /// What stands for a missing text in an open vocabulary, and for the places after a sequence's end.
    public static let missing = 0
    /// What stands for an unknown text in an open vocabulary.
    public static let unknown = 1

    /// How many numbers there are: the rows of an embedding, or the classes.
    public var count: Int { first + words.count }
    private var first: Int { isOpen ? 2 : 0 }

    /// - Throws: ``GraphError`` where a text comes twice.
    public init(
        _ words: [String], isOpen: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        let first = isOpen ? 2 : 0
        var numbers: [TensorName: Int] = [:]
        for (index, word) in words.enumerated() {
            guard numbers.updateValue(first + index, forKey: TensorName(word)) == nil else {
                throw GraphError(
                    operation: "Vocabulary", message: "“\(word)” comes twice",
                    location: SourceLocation(file: file, line: line))
            }
        }
        self.words = words
        self.isOpen = isOpen
        self.numbers = numbers
    }

    /// An open vocabulary of the texts that come most often, equally frequent ones in the order of their bytes.
    ///
    /// - Parameters:
    ///   - minimumCount: how often a text must come; what is rarer stays unknown.
    ///   - limit: the most texts.
    public init(of texts: some Sequence<String>, minimumCount: Int = 1, limit: Int = .max) {
        var counts: [TensorName: Int] = [:]
        for text in texts { counts[TensorName(text), default: 0] += 1 }
        self.init(counts, minimumCount: minimumCount, limit: limit)
    }

    init(_ counts: [TensorName: Int], minimumCount: Int, limit: Int) {
        let inOrder = counts.filter { $0.value >= minimumCount }.sorted {
            ($1.value, $0.key) < ($0.value, $1.key)
        }
        self.init(distinct: inOrder.prefix(max(limit, 0)).map(\.key), isOpen: true)
    }

    /// A closed vocabulary: whole numbers by size, where all texts are such, and else texts in the order of their bytes.
    public init(labels: some Sequence<String>) {
        let distinct = Set(labels.map { TensorName($0) })
        let numbers = distinct.compactMap { name in Int(name.text).map { (number: $0, name: name) } }
        let inOrder =
            numbers.count == distinct.count
            ? numbers.sorted { ($0.number, $0.name) < ($1.number, $1.name) }.map(\.name) : distinct.sorted()
        self.init(distinct: inOrder, isOpen: false)
    }

    private init(distinct words: [TensorName], isOpen: Bool) {
        let first = isOpen ? 2 : 0
        self.words = words.map(\.text)
        self.isOpen = isOpen
        numbers = Dictionary(
            words.enumerated().map { ($1, first + $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The number of a text: ``unknown`` for any other where the vocabulary is open, and `nil` where it is closed.
    public func number(of text: String) -> Int? {
        numbers[TensorName(text)] ?? (isOpen ? Self.unknown : nil)
    }

    /// The text of a number; `nil` for one that stands for none.
    public func word(_ number: Int) -> String? {
        guard number >= first, number < count else { return nil }
        return words[number - first]
    }
}
