import Foundation

/// Files in the IDX format, in which MNIST and its relatives come: `0 0 type rank`, an extent for each axis as a
/// big-endian 32-bit number, and the elements (LeCun, Cortes and Burges, the MNIST database).
public enum IDX {
    /// The tensor of unsigned bytes in a file, which may be packed with gzip.
    ///
    /// - Parameter rank: the number of axes that it must have.
    /// - Throws: ``FileError`` for a file that can't be read, is corrupt or cut short, or holds something else.
    public static func read(_ path: String, rank: Int) throws -> HostTensor {
        func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
        let start = 4 + 4 * rank
        var header: [UInt8] = []
        var shape: [Int] = []
        var elements: [UInt8] = []
        // What is packed may be any size: no more is unpacked than the header says.
        var (count, following) = (0, 0)
        try FileBytes.forEachChunk(of: path) { chunk in
            var rest = chunk
            if header.count < start {
                let part = rest.prefix(start - header.count)
                header += part
                rest = rest.dropFirst(part.count)
                guard header.count == start else { return }
                shape = try extents(in: header, rank: rank, failure)
                count = try size(of: shape, failure)
                try HostMemory.require(2 * count, for: path)
                elements.reserveCapacity(count)
            }
            elements += rest.prefix(count - elements.count)
            following += rest.count
            guard following <= count else {
                throw failure("\(Shape(shape)) takes \(count) bytes, but \(following) or more follow the header")
            }
        }
        guard header.count == start else {
            // Says what is wrong with what there is of it first.
            if header.count >= 4 { _ = try extents(in: header, rank: rank, failure) }
            throw failure(
                header.count < 4 ? "\(header.count) bytes are too few for an IDX file" : "ends in the header")
        }
        guard following == count else {
            throw failure("\(Shape(shape)) takes \(count) bytes, but \(following) follow the header")
        }
        return try HostTensor(TensorType(Shape(shape), .uint8), bytes: elements)
    }

    /// The extents that a header gives, as far as it goes.
    private static func extents(
        in header: [UInt8], rank: Int, _ failure: (String) -> FileError
    ) throws(FileError) -> [Int] {
        guard header[0] == 0, header[1] == 0 else { throw failure("is no IDX file: it does not begin with two zeros") }
        guard header[2] == 8 else {
            throw failure("holds elements of type \(header[2]); only unsigned bytes (8) are read")
        }
        guard Int(header[3]) == rank else { throw failure("has \(header[3]) axes, not \(rank)") }
        return stride(from: 4, to: header.count - 3, by: 4).map { place in
            header[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    private static func size(of shape: [Int], _ failure: (String) -> FileError) throws(FileError) -> Int {
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw failure("its extents are too large") }
            count = product
        }
        return count
    }
}

/// Greyscale images with labels, as Fashion-MNIST's: inputs `[n, 1, rows, columns]` of numbers in 0...1, int32 labels.
public struct ImageDataset: Dataset, Sendable {
    /// `[count, rows, columns]`, uint8.
    public let images: HostTensor
    /// The class of each image.
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
