import Foundation

/// Files in the safetensors format, which PyTorch and others read and write: the header's length as 64 little-endian bits,
/// a header in JSON with each tensor's type, shape and place, and the tensors' bytes.
///
/// Everything in the header is checked before anything is read by it: see ``init(path:)``.
public struct SafetensorsFile {
    struct Entry {
        var name: String
        var format: String
        var shape: [Int]
        var range: Range<Int>
    }

    public let path: String
    /// Free texts by name.
    public let metadata: [String: String]
    let entries: [String: Entry]
    private let data: Data
    private let start: Int

    /// The names of the tensors, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// The largest header that readers accept, in bytes.
    static let headerLimit = 100_000_000

    /// The size of an element in bytes, by the format's name of its type.
    static let elementSizes: [String: Int] = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4,
        "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
    ]

    /// Opens a file and checks its header: its length, that no name comes twice, that the tensors lie one after the other
    /// without gaps from the header to the file's end, and that each takes as many bytes as its shape and type say.
    ///
    /// - Throws: ``FileError`` naming what is wrong.
    public init(path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            let reason = (error as NSError).localizedDescription
            throw FileError(path: path, reason: "cannot be read: \(reason)")
        }
        self.path = path
        self.data = data
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
        guard data.count >= 8 else { throw failure("\(data.count) bytes are too few for a safetensors file") }
        let length = (0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(data[data.startIndex + $1]) }
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
        let header = [UInt8](data.prefix(start).dropFirst(8))
        guard header.first == UInt8(ascii: "{") else { throw failure("its header does not begin with {") }
        do throws(HeaderParser.Failure) {
            let contents = try Self.contents(of: HeaderParser.parse(header[...]))
            try Self.check(contents.0, byteCount: data.count - start)
            (entries, metadata) = contents
        } catch {
            throw failure(error.reason)
        }
    }

    private static func contents(
        of header: HeaderParser.Value
    ) throws(HeaderParser.Failure) -> ([String: Entry], [String: String]) {
        guard case .object(let members) = header else { throw .init(reason: "the header is no object") }
        var entries: [String: Entry] = [:]
        var metadata: [String: String] = [:]
        for (name, value) in members {
            guard case .object(let fields) = value else { throw .init(reason: "“\(name)” is no object") }
            guard name != "__metadata__" else {
                for (key, value) in fields {
                    guard case .string(let text) = value else {
                        throw .init(reason: "__metadata__ “\(key)” is no text")
                    }
                    metadata[key] = text
                }
                continue
            }
            entries[name] = try entry(name, fields)
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
            default: throw .init(reason: "tensor “\(name)” has an unknown field “\(key)”")
            }
        }
        guard let format, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .init(reason: "tensor “\(name)” needs a dtype, a shape and two rising data_offsets")
        }
        return Entry(name: name, format: format, shape: shape, range: offsets[0]..<offsets[1])
    }

    private static func check(_ entries: [String: Entry], byteCount: Int) throws(HeaderParser.Failure) {
        var end = 0
        let inOrder = entries.values.sorted {
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
        }
        for entry in inOrder {
            guard let size = elementSizes[entry.format] else {
                throw .init(reason: "tensor “\(entry.name)” is of the unknown type \(entry.format)")
            }
            var bytes = size
            for extent in entry.shape {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
                guard !overflow else { throw .init(reason: "tensor “\(entry.name)” is too large") }
                bytes = product
            }
            guard bytes == entry.range.count else {
                throw .init(
                    reason: "tensor “\(entry.name)” \(entry.format)\(Shape(entry.shape)) takes \(bytes) bytes, "
                        + "but its offsets hold \(entry.range.count)")
            }
            guard entry.range.lowerBound == end else {
                throw .init(
                    reason:
                        "tensor “\(entry.name)” begins at \(entry.range.lowerBound), not at \(end) where the one before ends"
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

    /// A tensor by name.
    ///
    /// - Throws: ``FileError`` where there is none of that name, or its type is one that tensors here can't have.
    public func tensor(_ name: String) throws -> HostTensor {
        guard let entry = entries[name] else { throw FileError(path: path, reason: "has no tensor “\(name)”") }
        guard let dtype = DType(safetensors: entry.format) else {
            throw FileError(path: path, reason: "tensor “\(name)” is of type \(entry.format), which is not read here")
        }
        let first = data.startIndex + start
        let bytes = [UInt8](data[(first + entry.range.lowerBound)..<(first + entry.range.upperBound)])
        return try HostTensor(TensorType(Shape(entry.shape), dtype), bytes: bytes)
    }

    /// Writes tensors to a file, all or nothing: to a temporary file in the same folder, which then takes the place of
    /// any file at `path`.
    ///
    /// - Throws: ``FileError`` where the file can't be written; what was at `path` is then still there.
    public static func write(
        _ tensors: [String: HostTensor], metadata: [String: String] = [:], to path: String
    ) throws {
        // Wide elements first: every tensor then lies at a multiple of its element's size.
        let inOrder = tensors.sorted {
            ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key)
        }
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for (name, tensor) in inOrder {
            guard name != "__metadata__" else {
                throw FileError(path: path, reason: "no tensor can be named __metadata__")
            }
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            let end = offset + tensor.type.byteCount
            members.append(
                "\(quoted(name)):{\"dtype\":\"\(tensor.dtype.safetensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try AtomicFile.write(to: path) { write in
            try write(length)
            try write(header)
            for (_, tensor) in inOrder { try write(tensor.bytes) }
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case let control where control.value < 32:
                let digits = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
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
        case .uint8: "U8"
        }
    }

    init?(safetensors name: String) {
        guard let dtype = DType.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
        self = dtype
    }
}
