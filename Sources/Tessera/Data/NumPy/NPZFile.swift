/// Files of several arrays by name, as `numpy.savez` and `numpy.savez_compressed` write them: a ZIP archive of `.npy` files.
///
/// Names are told apart by their bytes. Nothing that the archive says is believed before it is checked: see ``tensor(_:)``.
public struct NPZFile {
    /// The file's path, as it was given.
    public let path: String
    private let archive: ZipArchive
    private let members: [TensorName: ZipArchive.Member]

    /// The names of the arrays, sorted by their bytes. What else the archive holds is passed over.
    public var names: [String] { members.keys.sorted().map(\.text) }

    /// Opens a file and reads its directory.
    ///
    /// - Throws: ``FileError`` where it can't be read, is no ZIP archive, or its directory is corrupt.
    public init(path: String) throws {
        self.path = path
        archive = try ZipArchive(StoredBytes(path: path))
        let arrays = archive.members.filter { $0.name.hasSuffix(Self.ending) }
        members = Dictionary(
            arrays.map { (TensorName(String($0.name.text.unicodeScalars.dropLast(4))), $0) }, uniquingKeysWith: { $1 })
    }

    /// An array by its name.
    ///
    /// - Throws: ``FileError`` where there is none of that name, it is corrupt (its checksum included), or its elements are no
    ///   numbers or truth values; ``GraphError`` where there is no memory for it.
    public func tensor(_ name: String) throws -> HostTensor {
        guard let member = members[TensorName(name)] else {
            let known = names.map { "“\($0)”" }.joined(separator: ", ")
            throw FileError(
                path: path, reason: "has no array “\(name)”; it has \(known.isEmpty ? "nothing" : known)")
        }
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: "array “\(name)” \(reason)") }
        let source = try archive.contents(of: member)
        let tensor = try NPY.read(source, failure: failure)
        guard source.isWhole else { throw failure("is corrupt: its checksum is another") }
        return tensor
    }

    /// Writes tensors to a file, all or nothing. Equal tensors make equal files.
    ///
    /// - Parameters:
    ///   - tensors: by name, as a dictionary or as `KeyValuePairs`.
    ///   - isCompressed: whether they are packed by deflate.
    /// - Throws: ``FileError`` where two have one name, one is of bfloat16, which NumPy has not, or the file can't be written;
    ///   what was at `path` is then still there.
    public static func write(
        _ tensors: some Sequence<(key: String, value: HostTensor)>, isCompressed: Bool = false, to path: String
    ) throws {
        let inOrder = tensors.sorted { TensorName($0.key) < TensorName($1.key) }
        for (first, second) in zip(inOrder, inOrder.dropFirst()) where TensorName(first.key) == TensorName(second.key) {
            throw FileError(path: path, reason: "two arrays cannot both be named “\(first.key)”")
        }
        try AtomicFile.write(to: path) { write in
            try withoutActuallyEscaping(write) { write in
                var archive = ZipWriter(path: path, write)
                for (name, tensor) in inOrder {
                    let header = try NPY.header(of: tensor) {
                        FileError(path: path, reason: "array “\(name)” \($0)")
                    }
                    try archive.add(name + ending, [header, tensor.bytes], isCompressed: isCompressed)
                }
                try archive.finish()
            }
        }
    }

    private static let ending = ".npy"
}
