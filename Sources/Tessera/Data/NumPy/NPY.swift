/// Files of one array in NumPy's format `.npy`, of versions 1 to 3: `\x93NUMPY`, the version, the length of a header, the
/// header, which is a Python dictionary, and the elements (NumPy Enhancement Proposal 1; `numpy.lib.format`).
public enum NPY {
    /// The array in a file, in row-major order and the machine's byte order, whatever the file's are.
    ///
    /// - Throws: ``FileError`` for a file that can't be read, is corrupt, cut short or longer than its array, or whose elements
    ///   are no numbers or truth values; ``GraphError`` where there is no memory for them.
    public static func read(_ path: String) throws -> HostTensor {
        let data = try StoredBytes(path: path)
        return try read(StoredSource(data, count: data.count)) { FileError(path: path, reason: $0) }
    }

    /// Writes a tensor to a file, all or nothing, as `numpy.save` does, byte for byte.
    ///
    /// - Throws: ``FileError`` where the tensor is of bfloat16, which NumPy has not, or the file can't be written; what was
    ///   at `path` is then still there.
    public static func write(_ tensor: HostTensor, to path: String) throws {
        let header = try header(of: tensor) { FileError(path: path, reason: $0) }
        try AtomicFile.write(to: path) { write in
            try write(header)
            try write(tensor.bytes)
        }
    }

    // MARK: Reading

    /// The longest header that is read, in bytes; NumPy itself reads no more than 10,000 unless it is told to.
    private static let headerLimit = 1 << 16
    /// The most axes that NumPy's arrays have.
    private static let rankLimit = 64

    static func read(_ source: some ByteSource, failure: (String) -> FileError) throws -> HostTensor {
        guard source.remaining >= 10 else { throw failure("\(source.remaining) bytes are too few for a .npy file") }
        let start = try source.bytes(8)
        guard start.prefix(6).elementsEqual(magic) else {
            throw failure("is no .npy file: it does not begin with \\x93NUMPY")
        }
        guard (1...3).contains(start[6]) else {
            throw failure("has version \(start[6]).\(start[7]) of the format; 1 to 3 are read")
        }
        let width = start[6] == 1 ? 2 : 4
        guard source.remaining >= width else { throw failure("ends in the header") }
        let length = try source.bytes(width).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= min(headerLimit, source.remaining) else {
            throw failure("its header would take \(length) bytes, more than there are or than \(headerLimit)")
        }
        let text = try source.bytes(length)
        let header: Header
        do throws(PythonLiteral.Failure) {
            header = try Header(PythonLiteral(text))
        } catch {
            throw failure(error.reason)
        }
        return try header.tensor(of: source, failure: failure)
    }

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    private struct Header {
        var descriptor: String
        var isColumnMajor: Bool
        var shape: Shape

        init(_ literal: PythonLiteral) throws(PythonLiteral.Failure) {
            guard case .dictionary(let members) = literal else { throw .init(reason: "the header is no dictionary") }
            var descriptor: String?
            var isColumnMajor: Bool?
            var shape: [Int]?
            for (key, value) in members {
                switch (key, value) {
                case ("descr", .string(let text)): descriptor = text
                case ("descr", .sequence): throw .init(reason: "holds records of several fields, which cannot be read")
                case ("fortran_order", .bool(let flag)): isColumnMajor = flag
                case ("shape", .sequence(let extents)):
                    let numbers = extents.compactMap { if case .number(let number) = $0 { number } else { nil } }
                    shape = numbers.count == extents.count ? numbers : nil
                default: break
                }
            }
            guard let descriptor, let isColumnMajor, let shape else {
                throw .init(reason: "the header needs a descr, a fortran_order and a shape of whole numbers")
            }
            guard shape.count <= rankLimit else {
                throw .init(reason: "has \(shape.count) axes; NumPy allows \(rankLimit)")
            }
            self.descriptor = descriptor
            self.isColumnMajor = isColumnMajor
            self.shape = Shape(shape)
        }

        func tensor(of source: some ByteSource, failure: (String) -> FileError) throws -> HostTensor {
            guard let dtype = DType.allCases.first(where: { $0.numPyName == String(descriptor.dropFirst()) }),
                let order = descriptor.first, "<>=|".contains(order), order != "|" || dtype.byteCount == 1
            else {
                let known = DType.allCases.compactMap(\.numPyName).joined(separator: ", ")
                throw failure("holds elements of type “\(descriptor)”, which cannot be read; these can: \(known)")
            }
            let type = TensorType(shape, dtype)
            if let complaint = shape.complaint { throw failure(complaint) }
            guard type.byteCount == source.remaining else {
                throw failure("\(type) takes \(type.byteCount) bytes, but \(source.remaining) follow the header")
            }
            var tensor = try HostTensor(type) { bytes in
                try source.read(into: bytes)
                if order == ">" { reverseBytes(bytes, of: dtype.byteCount) }
            }
            if isColumnMajor, shape.rank > 1 { tensor = try tensor.fromColumnMajor() }
            return tensor
        }

        private func reverseBytes(_ bytes: UnsafeMutableRawBufferPointer, of size: Int) {
            for start in stride(from: 0, to: bytes.count, by: size) {
                for offset in 0..<(size / 2) { bytes.swapAt(start + offset, start + size - 1 - offset) }
            }
        }
    }

    // MARK: Writing

    static func header(of tensor: HostTensor, failure: (String) -> FileError) throws -> [UInt8] {
        guard let name = tensor.dtype.numPyName else {
            throw failure("\(tensor.dtype) cannot be written: NumPy has no such type")
        }
        let extents = tensor.shape.dimensions.map(String.init)
        let shape = extents.joined(separator: ", ") + (extents.count == 1 ? "," : "")
        let order = tensor.dtype.byteCount == 1 ? "|" : "<"
        var text = "{'descr': '\(order)\(name)', 'fortran_order': False, 'shape': (\(shape)), }"
        // Room for a first extent of 21 digits, as NumPy leaves it, to append rows in place.
        if let first = extents.first { text += String(repeating: " ", count: max(21 - first.count, 0)) }
        // The elements begin at a multiple of 64 bytes.
        let start = 10
        text += String(repeating: " ", count: 64 - (start + text.utf8.count + 1) % 64) + "\n"
        let count = text.utf8.count
        guard count < 1 << 16 else { throw failure("\(tensor.type) has too many axes for NumPy") }
        return magic + [1, 0, UInt8(count & 255), UInt8(count >> 8)] + Array(text.utf8)
    }
}

extension DType {
    /// NumPy's name of the type, without the byte order before it.
    fileprivate var numPyName: String? {
        switch self {
        case .bool: "b1"
        case .int8: "i1"
        case .int16: "i2"
        case .int32: "i4"
        case .int64: "i8"
        case .uint8: "u1"
        case .uint16: "u2"
        case .uint32: "u4"
        case .uint64: "u8"
        case .float16: "f2"
        case .float32: "f4"
        case .float64: "f8"
        case .bfloat16: nil
        }
    }
}

extension HostTensor {
    /// The tensor whose elements lie here with the first axis innermost.
    fileprivate func fromColumnMajor() throws -> HostTensor {
        guard shape.elementCount > 0 else { return self }
        let size = dtype.byteCount
        var steps = [Int](repeating: size, count: shape.rank)
        for axis in 1..<shape.rank { steps[axis] = steps[axis - 1] * shape[axis - 1] }
        return try withUnsafeBytes { source in
            try HostTensor(type) { target in
                var index = [Int](repeating: 0, count: shape.rank)
                var place = 0
                for start in stride(from: 0, to: target.count, by: size) {
                    for offset in 0..<size { target[start + offset] = source[place + offset] }
                    // The next index in row-major order, and where its element lies.
                    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
                        index[axis] += 1
                        place += steps[axis]
                        if index[axis] < shape[axis] { break }
                        place -= index[axis] * steps[axis]
                        index[axis] = 0
                    }
                }
            }
        }
    }
}
