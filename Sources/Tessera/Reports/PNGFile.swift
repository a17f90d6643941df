/// A picture as the bytes of a PNG file, which ``TrainingReport`` and ``TensorBoardLog`` embed as they are.
///
/// The product TesseraVision makes them of pictures and tensors; so can anything else that writes PNG.
public struct PNGFile: Hashable, Sendable {
    /// The whole file.
    public let bytes: [UInt8]
    /// In pixels.
    public let height: Int
    /// In pixels.
    public let width: Int
    /// How many numbers a pixel has: 1 of grey, 2 with alpha, 3 of colours or a palette of them, 4 with alpha.
    public let channels: Int

    /// - Throws: ``GraphError`` where the bytes don't begin as a PNG file does.
    public init(_ bytes: [UInt8], file: StaticString = #fileID, line: UInt = #line) throws(GraphError) {
        let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
        // The signature, the length and name of the header's chunk, its 13 bytes and their checksum.
        guard bytes.count >= 33, bytes.starts(with: signature), bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw GraphError(
                operation: "PNGFile", message: "these \(bytes.count) bytes are no PNG file",
                location: SourceLocation(file: file, line: line))
        }
        func number(_ place: Int) -> Int { bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) } }
        self.bytes = bytes
        (width, height) = (number(16), number(20))
        channels =
            switch bytes[25] {
            case 0: 1
            case 4: 2
            case 6: 4
            default: 3
            }
    }
}
