/// Files in the safetensors format, which PyTorch and others read and write: the header's length as 64 little-endian bits,
/// a header in JSON with each tensor's type, shape and place, and the tensors' bytes.
///
/// Everything in the header is checked before anything is read by it: see ``init(path:)``. Names are told apart by their
/// bytes. A tensor that goes by several names is stored under one of them, and the metadata leads from each other name to it,
/// as `safetensors.torch.save_model` writes tied weights.
public struct SafetensorsFile {
    /// The file's path, as it was given.
    public let path: String
    private let header: SafetensorsHeader
    private let data: StoredBytes
    private let start: Int

    /// Free texts by name, among them the name of the stored tensor for each other name of it.
    public var metadata: [String: String] {
        let texts = header.metadata.sorted { $0.key < $1.key }
        return Dictionary(texts.map { ($0.key.text, $0.value) }) { first, _ in first }
    }

    /// The names of the tensors that are stored, sorted by their bytes.
    public var names: [String] { storedNames.map(\.text) }
    var storedNames: [TensorName] { header.entries.map(\.name) }

    /// The largest header that readers accept, in bytes.
    static let headerLimit = 100_000_000

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
        var text = [UInt8](repeating: 0, count: Int(length))
        try text.withUnsafeMutableBytes { try data.read(at: 8, into: $0) }
        guard text.first == UInt8(ascii: "{") else { throw failure("its header does not begin with {") }
        do throws(HeaderParser.Failure) {
            header = try SafetensorsHeader(text[...])
            try header.check(byteCount: data.count - start)
        } catch {
            throw failure(error.reason)
        }
    }

    /// The stored tensor that goes by a name: its own, or one that the metadata leads from.
    func entry(_ name: TensorName) -> SafetensorsHeader.Entry? {
        var name = name
        // No way leads over more names than there are, unless it goes in a circle.
        for _ in 0...header.metadata.count {
            if let entry = header.entry(named: name) { return entry }
            // A text such as "format": "pt" leads nowhere.
            guard let next = header.metadata[name] else { return nil }
            name = TensorName(next)
        }
        return nil
    }

    /// Whether a tensor is stored under this very name.
    func stores(_ name: TensorName) -> Bool { header.entry(named: name) != nil }

    /// A tensor by its name, or by another that the metadata says to be the same one's.
    ///
    /// - Throws: ``FileError`` where there is none of that name, or its type is one that tensors here can't have.
    public func tensor(_ name: String) throws -> HostTensor {
        guard let entry = entry(TensorName(name)) else {
            let other = header.metadata[TensorName(name)].map { ", nor “\($0)”, which its metadata names in its place" }
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
