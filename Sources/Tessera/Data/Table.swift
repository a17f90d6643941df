/// Columns of a table as tensors: what a model of tabular data reads.
///
///     let train = try Table(csv: "train.csv", tensors: [
///         "numbers": .numbers(["age", "income"]), "categories": .categories(["city"]), "target": .label("bought"),
///     ])
///     let test = try Table(csv: "test.csv", tensors: …, vocabularies: train.vocabularies)
///     try trainer.fit(train.dataset, batchSize: 64, epochs: 3)
public struct Table: Sendable {
    /// What a tensor is made of, by the names of columns.
    public enum Content: Hashable, Sendable {
        /// float32 `[rows, columns]`. A missing number is `missing`, and an error where that is `nil`.
        case numbers([String], missing: Float? = nil)
        /// int32 `[rows, columns]`: the numbers of texts in an open ``Vocabulary`` for each column, in which missing and
        /// unknown ones have numbers too. A column that has no vocabulary yet gets one of the texts that come
        /// `minimumCount` times at least.
        case categories([String], minimumCount: Int = 1)
        /// int32 `[rows]`: the number of a text in a closed ``Vocabulary``, in which a text that is missing or unknown is an
        /// error.
        case label(String)

        var columns: [String] {
            switch self {
            case .numbers(let columns, _), .categories(let columns, _): columns
            case .label(let column): [column]
            }
        }
    }

    /// The rows by the names of the tensors.
    public let dataset: TensorDataset
    /// The vocabularies of categories and labels by the names of their columns: those that were given, and those that
    /// come of this table.
    public let vocabularies: [String: Vocabulary]

    /// The texts that stand for a value that is missing.
    public static let missingTexts: Set<String> = ["", "NA", "N/A", "NaN", "nan", "null"]

    /// Reads a file of comma-separated values whose first record names the columns. Spaces around a value are left out.
    ///
    /// Memory is taken for the tensors and the distinct texts alone, not for the file.
    ///
    /// - Parameters:
    ///   - names: of the columns, where the file has no record of them.
    ///   - vocabularies: of columns, from the table that a model was trained on.
    ///   - missing: the texts that stand for a missing value.
    /// - Throws: ``FileError`` with the line and the column, for a record of more or fewer fields than there are columns, a
    ///   column that is not there, a number that is none or that float32 does not hold, or a label that is missing or unknown;
    ///   ``GraphError`` for tensors of no column, and where there is no memory; and as ``CSV/forEachRecord(of:separator:file:line:_:)``.
    public init(
        csv path: String, tensors: [String: Content], separator: Unicode.Scalar = ",", names: [String]? = nil,
        vocabularies: [String: Vocabulary] = [:], missing: Set<String> = missingTexts, file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        let location = SourceLocation(file: file, line: line)
        for (name, content) in tensors where content.columns.isEmpty {
            throw GraphError(operation: "Table", message: "“\(name)” is made of no column", location: location)
        }
        var reader: TableReader?
        if let names { reader = try TableReader(path, names, tensors, vocabularies, missing, location) }
        try CSV.forEachRecord(of: path, separator: separator, file: file, line: line) { fields, line in
            if reader == nil {
                reader = try TableReader(path, fields, tensors, vocabularies, missing, location)
            } else {
                try reader?.add(fields, line: line)
            }
        }
        guard let reader else { throw FileError(path: path, reason: "has no record that names the columns") }
        (dataset, self.vocabularies) = try reader.finish()
    }
}

/// Puts a table's records into columns, those of texts by numbers in the order in which the texts come.
private struct TableReader {
    private struct Part {
        var name: String
        var content: Table.Content
        var places: [Int]
        var numbers: [Float] = []
        var texts: [Int32] = []
    }

    private struct Distinct {
        var places: [TensorName: Int32] = [:]
        var texts: [TensorName] = []
        var counts: [Int] = []
        /// The line that each came on first.
        var lines: [Int] = []
    }

    private let path: String
    private let names: [String]
    private let location: SourceLocation
    private let missing: Set<String>
    private var vocabularies: [String: Vocabulary]
    private var parts: [Part] = []
    private var distinct: [String: Distinct] = [:]
    private var rows = 0

    init(
        _ path: String, _ names: [String], _ tensors: [String: Table.Content], _ vocabularies: [String: Vocabulary],
        _ missing: Set<String>, _ location: SourceLocation
    ) throws {
        let names = names.map(\.trimmed)
        self.path = path
        self.names = names
        self.location = location
        self.missing = missing
        self.vocabularies = vocabularies
        for (name, content) in tensors.sorted(by: { $0.key < $1.key }) {
            let places = try content.columns.map { column in
                let found = names.indices.filter { names[$0] == column }
                guard found.count == 1 else {
                    let known = names.map { "“\($0)”" }.joined(separator: ", ")
                    throw FileError(
                        path: path,
                        reason:
                            "has \(found.isEmpty ? "no column" : "\(found.count) columns") “\(column)”; it has \(known)"
                    )
                }
                return found[0]
            }
            parts.append(Part(name: name, content: content, places: places))
        }
    }

    private func failure(_ line: Int, _ place: Int, _ reason: String) -> FileError {
        FileError(path: path, reason: "line \(line), column “\(names[place])”: \(reason)")
    }

    mutating func add(_ fields: [String], line: Int) throws {
        guard fields.count == names.count else {
            throw FileError(
                path: path, reason: "line \(line): \(fields.count) fields are not the \(names.count) of the columns")
        }
        for index in parts.indices {
            // Arrays are copied as they grow.
            let bytes = 4 * max(parts[index].numbers.capacity, parts[index].texts.capacity)
            if rows * parts[index].places.count * 4 >= bytes {
                try HostMemory.require(3 * bytes, for: "“\(parts[index].name)” of \(path)", at: location)
            }
            for place in parts[index].places {
                let text = fields[place].trimmed
                switch parts[index].content {
                case .numbers(_, let value):
                    parts[index].numbers.append(try number(text, missing: value, line, place))
                case .categories:
                    parts[index].texts.append(missing.contains(text) ? -1 : intern(text, of: names[place], line))
                case .label:
                    guard !missing.contains(text) else { throw failure(line, place, "the label is missing") }
                    parts[index].texts.append(intern(text, of: names[place], line))
                }
            }
        }
        rows += 1
    }

    private func number(_ text: String, missing value: Float?, _ line: Int, _ place: Int) throws -> Float {
        if missing.contains(text) {
            guard let value else { throw failure(line, place, "the number is missing") }
            return value
        }
        guard let number = Double(text) else { throw failure(line, place, "“\(text)” is no number") }
        guard !number.isFinite || Float(number).isFinite else {
            throw failure(line, place, "float32 cannot hold \(text)")
        }
        return Float(number)
    }

    private mutating func intern(_ text: String, of column: String, _ line: Int) -> Int32 {
        let name = TensorName(text)
        if let place = distinct[column]?.places[name] {
            distinct[column]?.counts[Int(place)] += 1
            return place
        }
        let place = Int32(distinct[column]?.texts.count ?? 0)
        distinct[column, default: Distinct()].places[name] = place
        distinct[column]?.texts.append(name)
        distinct[column]?.counts.append(1)
        distinct[column]?.lines.append(line)
        return place
    }

    consuming func finish() throws -> (dataset: TensorDataset, vocabularies: [String: Vocabulary]) {
        var tensors: [String: HostTensor] = [:]
        for part in parts {
            switch part.content {
            case .numbers: tensors[part.name] = try HostTensor([rows, part.places.count], part.numbers)
            case .categories(_, let minimumCount):
                let numbers = try part.places.map { place in
                    try self.numbers(ofColumn: place) { counts, _ in
                        Vocabulary(counts, minimumCount: minimumCount, limit: .max)
                    }
                }
                var elements = part.texts
                for index in elements.indices {
                    let text = Int(elements[index])
                    elements[index] =
                        text < 0 ? Int32(Vocabulary.missing) : numbers[index % part.places.count][text]
                }
                tensors[part.name] = try HostTensor([rows, part.places.count], elements)
            case .label:
                let numbers = try self.numbers(ofColumn: part.places[0]) { _, texts in Vocabulary(labels: texts) }
                tensors[part.name] = try HostTensor([rows], part.texts.map { numbers[Int($0)] })
            }
        }
        return (try TensorDataset(tensors), vocabularies)
    }

    /// The number of each distinct text of a column in its vocabulary, which is made here where there is none.
    private mutating func numbers(
        ofColumn place: Int, _ make: ([TensorName: Int], [String]) -> Vocabulary
    ) throws -> [Int32] {
        let column = names[place]
        let distinct = distinct[column] ?? Distinct()
        let texts = distinct.texts.map(\.text)
        let counts = Dictionary(zip(distinct.texts, distinct.counts), uniquingKeysWith: { first, _ in first })
        let vocabulary = vocabularies[column] ?? make(counts, texts)
        vocabularies[column] = vocabulary
        return try zip(texts, distinct.lines).map { text, line in
            guard let number = vocabulary.number(of: text) else {
                let known = vocabulary.words.prefix(10).map { "“\($0)”" }.joined(separator: ", ")
                throw failure(line, place, "“\(text)” is none of \(vocabulary.words.count) labels: \(known)")
            }
            return Int32(clamping: number)
        }
    }
}

extension String {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }
        guard utf8.first.map(isSpace) == true || utf8.last.map(isSpace) == true else { return self }
        let rest = utf8.drop(while: isSpace)
        let count = rest.reversed().drop(while: isSpace).count
        return String(Substring(rest.prefix(count)))
    }
}
