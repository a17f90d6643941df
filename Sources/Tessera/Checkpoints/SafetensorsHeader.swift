/// The header of a safetensors file: `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__":
/// {"name": "text", …}}`.
///
/// Read in memory that is at most about four times the text's: nothing of it is kept but the tensors, sorted by their names,
/// and the metadata, of which there may be ``mostTexts``.
struct SafetensorsHeader {
    struct Entry {
        var name: TensorName
        var format: String
        var shape: [Int]
        var range: Range<Int>
    }

    /// The tensors, sorted by the bytes of their names.
    private(set) var entries: [Entry] = []
    /// Free texts by name, among them the name of the stored tensor for each other name of it.
    private(set) var metadata: [TensorName: String] = [:]

    /// Of a tensor's axes, of a tensor's fields, and of the metadata's texts: more than anything that means something has.
    private static let mostAxes = 64
    private static let mostFields = 64
    private static let mostTexts = 65_536

    /// - Throws: a failure that says what is wrong, and where: no JSON, or not what a header is.
    init(_ text: ArraySlice<UInt8>) throws(HeaderParser.Failure) {
        var hasMetadata = false
        try HeaderParser.parseMembers(of: text) { name, parser throws(HeaderParser.Failure) in
            if name == "__metadata__" {
                guard !hasMetadata else { throw parser.failure("“__metadata__” comes twice") }
                hasMetadata = true
                metadata = try Self.metadata(&parser)
            } else {
                entries.append(try Self.entry(name, &parser))
            }
        }
        entries.sort { $0.name < $1.name }
        for (first, second) in zip(entries, entries.dropFirst()) where first.name == second.name {
            throw .init(reason: "the header is not right: “\(first.name.text)” comes twice")
        }
    }

    func entry(named name: TensorName) -> Entry? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].name == name ? entries[low] : nil
    }

    private static func metadata(
        _ parser: inout HeaderParser
    ) throws(HeaderParser.Failure) -> [TensorName: String] {
        var texts: [TensorName: String] = [:]
        guard parser.startsObject else {
            guard case .null = try parser.value() else { throw parser.failure("“__metadata__” is no object") }
            return texts
        }
        try parser.members { key, parser throws(HeaderParser.Failure) in
            guard parser.startsText else { throw parser.failure("__metadata__ “\(key)” is no text") }
            guard texts.updateValue(try parser.string(), forKey: TensorName(key)) == nil else {
                throw parser.failure("“\(key)” comes twice")
            }
            guard texts.count <= mostTexts else {
                throw parser.failure("__metadata__ has more than \(mostTexts) texts")
            }
        }
        return texts
    }

    private static func entry(_ name: String, _ parser: inout HeaderParser) throws(HeaderParser.Failure) -> Entry {
        guard parser.startsObject else { throw parser.failure("“\(name)” is no object") }
        var fields: Set<TensorName> = []
        var format: String?
        var shape: [Int]?
        var offsets: [Int]?
        try parser.members { key, parser throws(HeaderParser.Failure) in
            guard fields.insert(TensorName(key)).inserted else { throw parser.failure("“\(key)” comes twice") }
            guard fields.count <= mostFields else {
                throw parser.failure("“\(name)” has more than \(mostFields) fields")
            }
            switch key {
            case "dtype" where parser.startsText: format = try parser.string()
            case "shape" where parser.startsList: shape = try numbers(&parser)
            case "data_offsets" where parser.startsList: offsets = try numbers(&parser)
            default: try parser.skipValue()
            }
        }
        guard let format, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .init(reason: "tensor “\(name)” needs a dtype, a shape of whole numbers and two rising data_offsets")
        }
        return Entry(name: TensorName(name), format: format, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// Whole numbers of at least 0; nil where something else is among them.
    private static func numbers(_ parser: inout HeaderParser) throws(HeaderParser.Failure) -> [Int]? {
        var numbers: [Int] = []
        var areWhole = true
        try parser.elements { parser throws(HeaderParser.Failure) in
            guard numbers.count < mostAxes else { throw parser.failure("a list has more than \(mostAxes) numbers") }
            if !parser.startsObject, !parser.startsList, case .number(let number) = try parser.value() {
                numbers.append(number)
            } else {
                areWhole = false
                if parser.startsObject || parser.startsList { try parser.skipValue() }
            }
        }
        return areWhole ? numbers : nil
    }

    /// Checks that the tensors lie one after the other without gaps in so many bytes, and that each takes as many as its shape
    /// and type say.
    func check(byteCount: Int) throws(HeaderParser.Failure) {
        var end = 0
        let inOrder = entries.indices.sorted { first, second in
            let (first, second) = (entries[first], entries[second])
            return (first.range.lowerBound, first.range.upperBound, first.name)
                < (second.range.lowerBound, second.range.upperBound, second.name)
        }
        for place in inOrder {
            let entry = entries[place]
            try Self.checkSize(of: entry)
            guard entry.range.lowerBound == end else {
                throw .init(
                    reason: "tensor “\(entry.name.text)” begins at \(entry.range.lowerBound), "
                        + "not at \(end) where the one before ends"
                )
            }
            end = entry.range.upperBound
        }
        guard end == byteCount else {
            throw .init(
                reason: "the tensors take \(end) bytes, but \(byteCount) follow the header: it is cut short or has more"
            )
        }
    }

    /// The size of an element in bits, by the format's name of its type. Tensors of other types are passed over.
    private static let elementBits: [String: Int] = [
        "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32,
        "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    ]

    /// That a tensor takes as many bytes as its shape and type say, where the type is known.
    private static func checkSize(of entry: Entry) throws(HeaderParser.Failure) {
        guard var bits = elementBits[entry.format] else { return }
        for extent in entry.shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw .init(reason: "tensor “\(entry.name.text)” is too large") }
            bits = product
        }
        guard bits % 8 == 0, bits / 8 == entry.range.count else {
            let size = bits % 8 == 0 ? "\(bits / 8) bytes" : "\(bits) bits"
            throw .init(
                reason: "tensor “\(entry.name.text)” \(entry.format)\(Shape(entry.shape)) takes \(size), "
                    + "but its offsets hold \(entry.range.count)")
        }
    }
}
