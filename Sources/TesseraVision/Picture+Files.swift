internal import CPictures
import Tessera

extension Picture {
    /// How many pixels a file may have that is read without another limit: as many as a picture of 11,585 by 11,585.
    public static let pixelLimit = 1 << 27

    /// Reads a PNG or JPEG file, whichever it is by its first bytes (libpng, libjpeg).
    ///
    /// It is turned upright as its EXIF orientation says. Of PNG: 16-bit samples are rounded to 8; palettes become
    /// RGB, a transparent colour alpha; of an animation it is the first picture. Of JPEG: CMYK and YCCK become RGB. Colour
    /// profiles and gamma are left out of account.
    ///
    /// - Parameters:
    ///   - channels: to convert to; those of the file, where `nil`. See ``converted(to:)``.
    ///   - pixelLimit: how many pixels it may have. A file of a few kilobytes can have a thousand million.
    /// - Throws: `FileError` for a file that can't be read, is corrupt or cut short, has too many pixels, or is neither
    ///   PNG nor JPEG; `GraphError` where there is no memory for it.
    public init(contentsOf path: String, channels: Channels? = nil, pixelLimit: Int = pixelLimit) throws {
        let stored = try StoredBytes(path: path)
        try HostMemory.require(stored.count, for: path)
        var bytes = [UInt8](repeating: 0, count: stored.count)
        try bytes.withUnsafeMutableBytes { try stored.read(at: 0, into: $0) }
        try self.init(decoding: bytes, name: path, channels: channels, pixelLimit: pixelLimit)
    }

    /// Decodes the bytes of a PNG or JPEG file, as ``init(contentsOf:channels:pixelLimit:)`` reads them.
    ///
    /// - Parameter name: what errors call it.
    /// - Throws: `FileError` for bytes that are corrupt or cut short, of a picture of too many pixels, or neither PNG nor
    ///   JPEG; `GraphError` where there is no memory for it.
    public init(
        decoding bytes: [UInt8], name: String = "picture", channels: Channels? = nil, pixelLimit: Int = pixelLimit
    ) throws {
        guard let format = PictureFormat(bytes) else {
            throw FileError(
                path: name, reason: bytes.isEmpty ? "is empty" : "is neither PNG nor JPEG, which are what is read here")
        }
        func read(_ pixels: UnsafeMutablePointer<UInt8>?, _ memoryLimit: Int, _ header: inout cp_header) throws {
            let isRead = bytes.withUnsafeBufferPointer { source in
                guard let start = source.baseAddress else { return false }
                return switch format {
                case .png: cp_png_read(start, source.count, pixels, &header)
                case .jpeg: cp_jpeg_read(start, source.count, pixels, memoryLimit, &header)
                }
            }
            guard isRead else {
                throw FileError(path: name, reason: "cannot be decoded as \(format): \(header.text)")
            }
        }
        var header = cp_header()
        try read(nil, 1 << 24, &header)
        let (height, width) = (Int(header.height), Int(header.width))
        guard let stored = Channels(rawValue: Int(header.channels)), height >= 1, width >= 1 else {
            throw FileError(path: name, reason: "has no pixels")
        }
        guard height <= Self.extentLimit, width <= Self.extentLimit, height * width <= pixelLimit else {
            throw FileError(
                path: name,
                reason: "has \(height) by \(width) pixels; the limit is \(pixelLimit) in all, and \(Self.extentLimit) "
                    + "along one side")
        }
        // Deflate packs a thousand bytes into one at best.
        guard header.unpacked <= UInt64(bytes.count) * 1_032 + 4_096 else {
            throw FileError(
                path: name, reason: "has \(height) by \(width) pixels, which its \(bytes.count) bytes cannot hold")
        }
        let size = height * width * stored.count
        // The coefficients of a progressive picture are two bytes each, of four components at most, in whole blocks.
        let coefficients = header.is_progressive ? (height + 64) * (width + 64) * 8 : 0
        let working = coefficients + width * 1_024 + 1 << 24
        try HostMemory.require(2 * size + working, for: "\(name) of \(height) by \(width) pixels")
        let pixels = try [UInt8](unsafeUninitializedCapacity: size) { target, initialized in
            // Whatever a decoder leaves out is not other memory of the process.
            target.initialize(repeating: 0)
            initialized = size
            try read(target.baseAddress, working, &header)
        }
        let picture = Picture(height, width, stored, pixels).upright(as: format.orientation(bytes))
        self = channels.map { picture.converted(to: $0) } ?? picture
    }

    /// The bytes of a PNG file of the picture (libpng).
    ///
    /// - Throws: `GraphError` where there is no memory for it.
    public func pngBytes() throws(GraphError) -> [UInt8] {
        try HostMemory.require(3 * pixels.count, for: "a PNG file of \(height) by \(width) pixels")
        var header = cp_header()
        (header.height, header.width) = (UInt32(height), UInt32(width))
        header.channels = UInt32(channels.count)
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        let isWritten = pixels.withUnsafeBufferPointer { source in
            source.baseAddress.map { cp_png_write($0, &header, &bytes, &count) } ?? false
        }
        defer { cp_free(bytes) }
        guard isWritten, let bytes else { throw GraphError(operation: "pngBytes", message: header.text) }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// - Throws: `FileError` where that is not possible, `GraphError` where there is no memory for it.
    public func write(to path: String) throws {
        try AtomicFile.write(try pngBytes(), to: path, isDurable: false)
    }
}

extension cp_header {
    /// What was wrong.
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
