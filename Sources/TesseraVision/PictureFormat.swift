/// What kinds of files are read, and what of them their libraries do not say.
enum PictureFormat: String, CustomStringConvertible {
    case png = "PNG"
    case jpeg = "JPEG"

    private static let signatures: [(format: PictureFormat, bytes: [UInt8])] = [
        (.png, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), (.jpeg, [0xff, 0xd8, 0xff]),
    ]

    /// By a file's first bytes.
    init?(_ bytes: [UInt8]) {
        guard let found = Self.signatures.first(where: { bytes.starts(with: $0.bytes) }) else { return nil }
        self = found.format
    }

    var description: String { rawValue }

    /// How the picture was held when it was taken (EXIF 2.3, tag 0x0112): 1 where it is upright or nothing is said.
    func orientation(_ bytes: [UInt8]) -> Int {
        let block =
            switch self {
            case .png: Self.pngBlock(bytes)
            case .jpeg: Self.jpegBlock(bytes)
            }
        return block.flatMap(Self.orientation(exif:)) ?? 1
    }

    /// The chunk eXIf of a PNG file.
    private static func pngBlock(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var place = 8
        while let length = number(bytes[...], at: place, count: 4), case let end = place + 12 + length,
            end <= bytes.count
        {
            if bytes[(place + 4)..<(place + 8)].elementsEqual("eXIf".utf8) { return bytes[(place + 8)..<(end - 4)] }
            place = end
        }
        return nil
    }

    /// The segment APP1 of a JPEG file that begins with “Exif”.
    private static func jpegBlock(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var place = 2
        while place + 4 <= bytes.count, bytes[place] == 0xff {
            let marker = bytes[place + 1]
            // Markers may have any number of fill bytes before them; after a start of scan come data.
            if marker == 0xff {
                place += 1
                continue
            }
            guard marker != 0xda, marker != 0xd9, let length = number(bytes[...], at: place + 2, count: 2), length >= 2,
                place + 2 + length <= bytes.count
            else { return nil }
            let segment = bytes[(place + 4)..<(place + 2 + length)]
            if marker == 0xe1, segment.starts(with: Array("Exif\0\0".utf8)) { return segment.dropFirst(6) }
            place += 2 + length
        }
        return nil
    }

    /// The tag of the first directory of a TIFF header.
    private static func orientation(exif: ArraySlice<UInt8>) -> Int? {
        let isLittle = exif.starts(with: Array("II*\0".utf8))
        guard isLittle || exif.starts(with: Array("MM\0*".utf8)) else { return nil }
        func value(_ place: Int, _ count: Int) -> Int? {
            number(exif, at: exif.startIndex + place, count: count, isLittle: isLittle)
        }
        guard let directory = value(4, 4), let count = value(directory, 2) else { return nil }
        for entry in 0..<count {
            let place = directory + 2 + 12 * entry
            guard let tag = value(place, 2), let type = value(place + 2, 2) else { return nil }
            guard tag == 0x0112, type == 3, let orientation = value(place + 8, 2) else { continue }
            return (1...8).contains(orientation) ? orientation : nil
        }
        return nil
    }

    /// An unsigned number, where it lies in the bytes.
    private static func number(
        _ bytes: ArraySlice<UInt8>, at place: Int, count: Int, isLittle: Bool = false
    ) -> Int? {
        guard place >= bytes.startIndex, place <= bytes.endIndex - count else { return nil }
        let part = bytes[place..<(place + count)]
        return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
    }

}

extension Picture {
    /// The picture as it was seen, of one that was taken in an orientation of EXIF.
    func upright(as orientation: Int) -> Picture {
        let (height, width) = (self.height, self.width)
        return switch orientation {
        case 2: mirrored()
        case 3: moved(height: height, width: width) { (height - 1 - $0, width - 1 - $1) }
        case 4: moved(height: height, width: width) { (height - 1 - $0, $1) }
        case 5: moved(height: width, width: height) { ($1, $0) }
        case 6: moved(height: width, width: height) { (height - 1 - $1, $0) }
        case 7: moved(height: width, width: height) { (height - 1 - $1, width - 1 - $0) }
        case 8: moved(height: width, width: height) { ($1, width - 1 - $0) }
        default: self
        }
    }
}
