import Foundation
import Tessera

/// Pictures in a folder for each class, read when a batch wants them. torchvision.datasets.ImageFolder.
///
///     pets/cat/1.jpeg, pets/cat/old/2.png, pets/dog/1.jpeg
///
///     let pets = try ImageFolder("pets", transforms: [.resizeShorterSide(256), .centerCrop(height: 224, width: 224)])
///     let parts = try pets.split([0.9, 0.1], seed: 1, stratifiedBy: pets.labels)
///     let train = try AugmentedDataset(parts[0], [.horizontalFlip()], seed: 1).prefetched()
///
/// Classes are the folders in it, in the order of their names' bytes, and have the numbers from 0 on. Their pictures are all
/// files below them, through links too, whose names end in `.png`, `.jpg` or `.jpeg`, in any case; in the order of
/// their paths. A batch has “input”, float32 `[count, channels, height, width]` of numbers in 0...1, and “target”, int32
/// `[count]`.
public struct ImageFolder: Dataset, Sendable {
    /// The folder's path, as it was given.
    public let folder: String
    /// The names of the classes.
    public let classes: [String]
    /// The files of all examples, below the folder.
    public let files: [String]
    /// The number of each example's class.
    public let labels: [Int32]
    /// What is done to each picture, in this order.
    public let transforms: [PictureTransform]
    /// What all pictures are converted to.
    public let channels: Picture.Channels
    /// How many pixels a file may have.
    public let pixelLimit: Int

    public var count: Int { files.count }

    /// Which endings a picture's name has.
    private static let endings: Set<String> = ["png", "jpg", "jpeg"]

    /// Finds the pictures; none is read yet.
    ///
    /// - Parameters:
    ///   - transforms: are done one after the other; all pictures must have the same extents then.
    ///   - channels: that all pictures are converted to, before the transforms. With alpha, a ``PictureTransform/blend(over:)``
    ///     puts them on a background; without, what is transparent keeps the colour that the file has there.
    ///   - pixelLimit: how many pixels a file may have.
    /// - Throws: `FileError` for a folder that can't be read or has no folders, and for a class without a picture.
    public init(
        _ folder: String, transforms: [PictureTransform] = [], channels: Picture.Channels = .rgb,
        pixelLimit: Int = Picture.pixelLimit
    ) throws {
        func failure(_ path: String, _ reason: String) -> FileError { FileError(path: path, reason: reason) }
        let classes = try Self.entries(of: folder).filter { Self.isFolder("\(folder)/\($0)") }
        guard !classes.isEmpty else {
            throw failure(folder, "has no folders; there must be one for each class, with its pictures")
        }
        var (files, labels): ([String], [Int32]) = ([], [])
        for (label, name) in classes.enumerated() {
            let found = try Self.pictures(of: name, in: folder)
            guard !found.isEmpty else {
                throw failure("\(folder)/\(name)", "has no file that ends in .png, .jpg or .jpeg; each class needs one")
            }
            files += found
            labels += found.map { _ in Int32(label) }
        }
        (self.folder, self.classes, self.files, self.labels) = (folder, classes, files, labels)
        (self.transforms, self.channels, self.pixelLimit) = (transforms, channels, pixelLimit)
    }

    /// The names in a folder, in the order of their bytes, as Python sorts text.
    private static func entries(of folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            }
        } catch {
            throw FileError(
                path: folder,
                reason: isFolder(folder) ? "cannot be read: \(error.localizedDescription)" : "is no folder")
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// The paths of the folders at any depth in one of `folder`, and its own.
    ///
    /// - Parameter ancestors: the folders around this one without links: a link to one of them is not followed.
    private static func folders(
        below path: String, in folder: String, _ ancestors: inout [String]
    ) throws -> [String] {
        let real = URL(fileURLWithPath: "\(folder)/\(path)").resolvingSymlinksInPath().path
        guard !ancestors.contains(real) else { return [] }
        ancestors.append(real)
        defer { ancestors.removeLast() }
        var found = [path]
        for name in try entries(of: "\(folder)/\(path)") where isFolder("\(folder)/\(path)/\(name)") {
            found += try folders(below: "\(path)/\(name)", in: folder, &ancestors)
        }
        return found
    }

    /// The paths of a class's pictures: folder after folder, in the order of their paths' bytes.
    private static func pictures(of name: String, in folder: String) throws -> [String] {
        var ancestors: [String] = []
        let folders = try folders(below: name, in: folder, &ancestors).sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        return try folders.flatMap { path in
            try entries(of: "\(folder)/\(path)").filter { name in
                endings.contains((name.split(separator: ".").last ?? "").lowercased())
                    && !isFolder("\(folder)/\(path)/\(name)")
            }.map { "\(path)/\($0)" }
        }
    }

    // MARK: Examples

    /// One example's picture, after the transforms.
    ///
    /// - Throws: `FileError`, which names the file, where it can't be read or decoded; `GraphError` for an index that is
    ///   no example's, and for a transform that is not possible.
    public func picture(
        _ index: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Picture {
        guard files.indices.contains(index) else {
            throw GraphError(
                operation: "ImageFolder", message: "there is no example \(index) among \(count)",
                location: SourceLocation(file: file, line: line))
        }
        var picture = try Picture(contentsOf: "\(folder)/\(files[index])", channels: channels, pixelLimit: pixelLimit)
        for transform in transforms {
            do throws(GraphError) {
                picture = try transform(picture)
            } catch {
                throw GraphError(operation: error.operation, message: "\(files[index]): \(error.message)")
            }
        }
        return picture
    }

    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        let pictures = try indices.map { try picture($0) }
        guard let first = pictures.first else {
            throw GraphError(operation: "ImageFolder", message: "a batch must have at least 1 example")
        }
        let extents = [first.channels.count, first.height, first.width]
        for (picture, index) in zip(pictures, indices)
        where extents != [picture.channels.count, picture.height, picture.width] {
            throw GraphError(
                operation: "ImageFolder",
                message: "\(files[index]) has \(picture.height) by \(picture.width) pixels, and "
                    + "\(files[indices[indices.startIndex]]) \(first.height) by \(first.width); give transforms that make "
                    + "them the same, such as .resize(height: 224, width: 224)")
        }
        let size = extents.reduce(1, *)
        let input = try HostTensor(TensorType(Shape([pictures.count] + extents))) { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            for (number, picture) in pictures.enumerated() {
                picture.write(to: UnsafeMutableBufferPointer(rebasing: floats[(number * size)..<((number + 1) * size)]))
            }
        }
        return Batch(
            input: input, target: try HostTensor([pictures.count], indices.map { labels[$0] }), count: pictures.count)
    }

    /// What is wrong with the pictures that can't be read, decoded or changed, in the order of examples: empty where all is
    /// well. Reads every file.
    public func unreadable() -> [FileError] {
        files.indices.compactMap { index in
            do {
                _ = try picture(index)
                return nil
            } catch let error as FileError {
                return error
            } catch {
                return FileError(path: "\(folder)/\(files[index])", reason: "\(error)")
            }
        }
    }
}
