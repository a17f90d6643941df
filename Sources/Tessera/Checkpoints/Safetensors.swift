/// Files in the safetensors format, which PyTorch and others read and write: the header's length as 64 little-endian bits,
/// a header in JSON with each tensor's type, shape and place, and the tensors' bytes.
///
/// Everything in the header is checked before anything is read by it: see ``init(path:)``. Names are told apart by their
/// bytes. A tensor that goes by several names is stored under one of them, and the metadata leads from each other name to it,
/// as `safetensors.torch.save_model` writes tied weights.
public struct SafetensorsFile {
    struct Entry {
        var name: TensorName
        var format: String
        var shape: [Int]
        var range: Range<Int>
    }

    public let path: String
    /// Free texts by name, among them the name of the stored tensor for each other name of it.
    public let metadata: [String: String]
    let entries: [TensorName: Entry]
    private let aliases: [TensorName: TensorName]
    private let data: StoredBytes
    private let start: Int

    /// The names of the tensors that are stored, sorted by their bytes.
    public var names: [String] { entries.keys.sorted().map(\.text) }

    /// The largest header that readers accept, in bytes.
    static let headerLimit = 100_000_000

    /// The size of an element in bits, by the format's name of its type. Tensors of other types are passed over.
    private static let elementBits: [String: Int] = [
        "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32,
        "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    ]

    /// Opens a file and checks its header: its length, that no name comes twice, that the tensors lie one after the other
    /// without gaps from the header to the file's end, and that each takes as many bytes as its shape and type say. Whether
    /// its type can be read is only asked of a tensor that is.
    ///
    /// - Throws: ``FileError`` naming what is wrong.
    public init(path: String) throws {
        let data = try StoredBytes(path: path)
        self.path = path
        self.data = data
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
        guard data.count >= 8 else { throw failure("\(data.count) bytes are too few for a safetensors file") }
        var length: UInt64 = 0
        try withUnsafeMutableBytes(of: &length) { try data.read(at: 0, into: $0) }
        length = UInt64(littleEndian: length)
        guard length <= UInt64(Self.headerLimit) else {
            throw failure(
                "is no safetensors file: its header would take \(length) bytes, more than \(Self.headerLimit)")
        }
        guard length <= UInt64(data.count - 8) else {
            throw failure(
                "is cut short: its header takes \(length) bytes, the file has \(data.count - 8) after the first 8")
        }
        let start = 8 + Int(length)
        self.start = start
        var header = [UInt8](repeating: 0, count: Int(length))
        try header.withUnsafeMutableBytes { try data.read(at: 8, into: $0) }
        guard header.first == UInt8(ascii: "{") else { throw failure("its header does not begin with {") }
        do throws(HeaderParser.Failure) {
            let contents = try Self.contents(of: HeaderParser.parse(header[...]))
            try Self.check(contents.entries, byteCount: data.count - start)
            entries = contents.entries
            let texts = contents.metadata.sorted { $0.key < $1.key }
            metadata = Dictionary(texts.map { ($0.key.text, $0.value) }) { first, _ in first }
            // Such as "format": "pt", which leads nowhere.
            aliases = contents.metadata.mapValues { TensorName($0) }
        } catch {
            throw failure(error.reason)
        }
    }

    private static func contents(
        of header: HeaderParser.Value
    ) throws(HeaderParser.Failure) -> (entries: [TensorName: Entry], metadata: [TensorName: String]) {
        guard case .object(let members) = header else { throw .init(reason: "the header is no object") }
        var entries: [TensorName: Entry] = [:]
        var metadata: [TensorName: String] = [:]
        for (name, value) in members {
            switch (name, value) {
            case ("__metadata__", .null): break
            case ("__metadata__", .object(let fields)):
                for (key, value) in fields {
                    guard case .string(let text) = value else {
                        throw .init(reason: "__metadata__ “\(key)” is no text")
                    }
                    metadata[TensorName(key)] = text
                }
            case (_, .object(let fields)): entries[TensorName(name)] = try entry(name, fields)
            default: throw .init(reason: "“\(name)” is no object")
            }
        }
        return (entries, metadata)
    }

    private static func entry(
        _ name: String, _ fields: [(key: String, value: HeaderParser.Value)]
    ) throws(HeaderParser.Failure) -> Entry {
        func numbers(_ value: HeaderParser.Value) -> [Int]? {
            guard case .array(let elements) = value else { return nil }
            let numbers = elements.compactMap { if case .number(let number) = $0 { number } else { nil } }
            return numbers.count == elements.count ? numbers : nil
        }
        var format: String?
        var shape: [Int]?
        var offsets: [Int]?
        for (key, value) in fields {
            switch (key, value) {
            case ("dtype", .string(let text)): format = text
            case ("shape", _): shape = numbers(value)
            case ("data_offsets", _): offsets = numbers(value)
            default: break
            }
        }
        guard let format, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .init(reason: "tensor “\(name)” needs a dtype, a shape of whole numbers and two rising data_offsets")
        }
        return Entry(name: TensorName(name), format: format, shape: shape, range: offsets[0]..<offsets[1])
    }

    private static func check(_ entries: [TensorName: Entry], byteCount: Int) throws(HeaderParser.Failure) {
        var end = 0
        let inOrder = entries.values.sorted {
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        for entry in inOrder {
            try checkSize(of: entry)
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

    /// The stored tensor that goes by a name: its own, or one that the metadata leads from.
    func entry(_ name: TensorName) -> Entry? {
        var name = name
        // No way leads over more names than there are, unless it goes in a circle.
        for _ in 0...aliases.count {
            if let entry = entries[name] { return entry }
            guard let next = aliases[name] else { return nil }
            name = next
        }
        return nil
    }

    /// A tensor by its name, or by another that the metadata says to be the same one's.
    ///
    /// - Throws: ``FileError`` where there is none of that name, or its type is one that tensors here can't have.
    public func tensor(_ name: String) throws -> HostTensor {
        guard let entry = entry(TensorName(name)) else {
            let other = aliases[TensorName(name)].map { ", nor “\($0.text)”, which its metadata names in its place" }
            throw FileError(path: path, reason: "has no tensor “\(name)”\(other ?? "")")
        }
        guard let dtype = DType(safetensors: entry.format) else {
            let known = DType.allCases.map(\.safetensorsName).joined(separator: ", ")
            throw FileError(
                path: path,
                reason: "tensor “\(name)” is of type \(entry.format), which cannot be read; these can: \(known)")
        }
        return try HostTensor(TensorType(Shape(entry.shape), dtype)) {
            try data.read(at: start + entry.range.lowerBound, into: $0)
        }
    }

    /// Writes tensors to a file, all or nothing: to a temporary file in the same folder, which then takes the place of
    /// any file at `path`.
    ///
    /// A link is followed, and a file that was there keeps its mode, owner and extended attributes; other names of it (hard
    /// links) keep the old contents. What is no file (a pipe, a device) is refused.
    ///
    /// - Parameter tensors: by name, as a dictionary; or as `KeyValuePairs` where names differ in nothing but how Unicode
    ///   composes them, which dictionaries don't tell apart.
    /// - Throws: ``FileError`` where two have one name, or the file can't be written; what was at `path` is then still there.
    public static func write(
        _ tensors: some Sequence<(key: String, value: HostTensor)>, metadata: [String: String] = [:], to path: String
    ) throws {
        try write(
            tensors.map { (TensorName($0.key), $0.value) },
            metadata: Dictionary(uniqueKeysWithValues: metadata.map { (TensorName($0), $1) }), to: path)
    }

    static func write(
        _ tensors: [(name: TensorName, tensor: HostTensor)], metadata: [TensorName: String], to path: String
    ) throws {
        // Wide elements first: every tensor then lies at a multiple of its element's size.
        let inOrder = tensors.sorted {
            ($1.tensor.dtype.byteCount, $0.name) < ($0.tensor.dtype.byteCount, $1.name)
        }
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map {
                "\($0.key.text.quotedForJSON):\($0.value.quotedForJSON)"
            }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        var names: Set<TensorName> = []
        for (name, tensor) in inOrder {
            guard name != "__metadata__" else {
                throw FileError(path: path, reason: "no tensor can be named __metadata__")
            }
            guard names.insert(name).inserted else {
                throw FileError(path: path, reason: "two tensors cannot both be named “\(name.text)”")
            }
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            let end = offset + tensor.type.byteCount
            members.append(
                "\(name.text.quotedForJSON):{\"dtype\":\"\(tensor.dtype.safetensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        guard header.count <= headerLimit else {
            throw FileError(
                path: path, reason: "the names and shapes take \(header.count) bytes; readers accept \(headerLimit)")
        }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try AtomicFile.write(to: path) { write in
            try write(length)
            try write(header)
            for (_, tensor) in inOrder { try write(tensor.bytes) }
        }
    }
}

extension DType {
    /// The format's name of the type.
    var safetensorsName: String {
        switch self {
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        case .int32: "I32"
        case .int64: "I64"
        case .int8: "I8"
        case .int16: "I16"
        case .uint8: "U8"
        case .uint16: "U16"
        case .uint32: "U32"
        case .uint64: "U64"
        case .bool: "BOOL"
        }
    }

    init?(safetensors name: String) {
        guard let dtype = DType.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
        self = dtype
    }
}
