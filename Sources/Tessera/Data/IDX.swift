import Foundation

/// Files in the IDX format, in which MNIST and its relatives come: `0 0 type rank`, an extent for each axis as a
/// big-endian 32-bit number, and the elements (LeCun, Cortes and Burges, the MNIST database).
public enum IDX {
    /// The tensor of unsigned bytes in a file, which may be packed with gzip.
    ///
    /// - Parameter rank: the number of axes that it must have.
    /// - Throws: ``FileError`` for a file that can't be read, is corrupt or cut short, or holds something else.
    public static func read(_ path: String, rank: Int) throws -> HostTensor {
        let bytes = try FileBytes.read(path)
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
        guard bytes.count >= 4 else { throw failure("\(bytes.count) bytes are too few for an IDX file") }
        guard bytes[0] == 0, bytes[1] == 0 else { throw failure("is no IDX file: it does not begin with two zeros") }
        guard bytes[2] == 8 else {
            throw failure("holds elements of type \(bytes[2]); only unsigned bytes (8) are read")
        }
        guard Int(bytes[3]) == rank else { throw failure("has \(bytes[3]) axes, not \(rank)") }
        let start = 4 + 4 * rank
        guard bytes.count >= start else { throw failure("ends in the header") }
        var shape: [Int] = []
        var count = 1
        for axis in 0..<rank {
            let extent = (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * axis + $1]) }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw failure("its extents are too large") }
            count = product
            shape.append(extent)
        }
        guard bytes.count - start == count else {
            throw failure("\(Shape(shape)) takes \(count) bytes, but \(bytes.count - start) follow the header")
        }
        return try HostTensor(TensorType(Shape(shape), .uint8), bytes: Array(bytes[start...]))
    }
}

/// Greyscale images with labels, as Fashion-MNIST's: inputs `[n, 1, rows, columns]` of numbers in 0...1, int32 labels.
public struct ImageDataset: Dataset, Sendable {
    /// `[count, rows, columns]`, uint8.
    public let images: HostTensor
    public let labels: [Int32]
    public var count: Int { labels.count }

    /// Reads an image file and a label file in IDX format.
    ///
    /// - Throws: ``FileError`` where one is not right, or they have not as many rows.
    public init(images imagePath: String, labels labelPath: String) throws {
        images = try IDX.read(imagePath, rank: 3)
        labels = try IDX.read(labelPath, rank: 1).elements(UInt8.self).map(Int32.init)
        guard images.shape[0] == labels.count else {
            throw FileError(path: labelPath, reason: "has \(labels.count) labels for \(images.shape[0]) images")
        }
    }

    /// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) from a folder with the four files of its original names, packed or
    /// unpacked; by default from where the package dataset-fashion-mnist of Debian and Ubuntu puts them.
    ///
    /// - Throws: ``FileError`` where one is missing, which says how to get it, or not right.
    public static func fashionMNIST(
        folder: String = "/usr/share/datasets/fashion-mnist"
    ) throws -> (train: ImageDataset, test: ImageDataset) {
        func file(_ name: String) throws -> String {
            let path = "\(folder)/\(name)"
            guard let found = [path + ".gz", path].first(where: FileManager.default.fileExists(atPath:)) else {
                throw FileError(
                    path: path + ".gz",
                    reason: "is not there. Fashion-MNIST is the package dataset-fashion-mnist of Debian and Ubuntu "
                        + "(apt-get install dataset-fashion-mnist); or give a folder that has its four files")
            }
            return found
        }
        func part(_ name: String) throws -> ImageDataset {
            try ImageDataset(images: file("\(name)-images-idx3-ubyte"), labels: file("\(name)-labels-idx1-ubyte"))
        }
        return (try part("train"), try part("t10k"))
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        try check(indices)
        let pixels = try images.rows(indices)
        let shape: Shape = [indices.count, 1, images.shape[1], images.shape[2]]
        let input = try pixels.withUnsafeBytes { source in
            try HostTensor(TensorType(shape)) { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                for index in source.indices { floats[index] = Float(source[index]) * (1 / 255) }
            }
        }
        let target = try HostTensor([indices.count], indices.map { labels[$0] })
        return Batch(input: input, target: target, count: indices.count)
    }
}
