import Foundation
import Tessera
import Testing

@testable import TesseraVision

/// Files that are cut short, damaged, or made to take more than they should.
@Suite struct DamagedFileTests {
    private static func bytes(_ name: String) throws -> [UInt8] {
        let path = PictureReferenceTests.folder.path + "/pictures/" + name
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Decodes or throws an error that is meant for users.
    @discardableResult
    private static func isDecoded(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> Bool {
        do {
            _ = try Picture(decoding: bytes, name: "damaged", pixelLimit: limit)
            return true
        } catch let error as FileError {
            #expect(error.path == "damaged" && !error.reason.isEmpty && !error.reason.hasSuffix(": "))
            return false
        }
    }

    @Test(arguments: PictureReferenceTests.files) func damageIsAnErrorOrAPicture(_ file: String) throws {
        let whole = try Self.bytes(file)
        let random = RandomSource(seed: UInt64(whole.count))
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
        var refused = 0
        for kind in 0..<200 {
            var bytes = whole
            for _ in 0..<(1 + below(4)) {
                let place = below(bytes.count)
                switch kind % 4 {
                case 0: bytes[place] = UInt8(below(256))
                case 1: bytes[place] ^= 1 << UInt8(below(8))
                case 2: bytes.removeSubrange(place..<min(place + 1 + below(8), bytes.count))
                default: bytes.insert(contentsOf: bytes[place..<min(place + below(40), bytes.count)], at: place)
                }
            }
            // So that damage gets past the first checksum.
            if file.hasSuffix(".png"), kind % 2 == 0 { PNGChunks.mend(&bytes) }
            if try !Self.isDecoded(bytes) { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test(arguments: ["png-2-8-interlaced.png", "png-palette-4-alpha.png", "jpeg-420.jpeg", "jpeg-progressive.jpeg"])
    func nothingThatIsCutShortIsAPicture(_ file: String) throws {
        let whole = try Self.bytes(file)
        #expect(try Self.isDecoded(whole))
        for count in whole.indices { #expect(try !Self.isDecoded(Array(whole[..<count])), "\(count)") }
    }

    @Test(arguments: [
        (1_000_001, 1), (0, 5), (5, 0), (0x7fff_ffff, 0x7fff_ffff), (1_000_000, 1_000_000), (20_000, 20_000),
    ])
    func absurdExtentsAreRefusedBeforeMemoryIsTaken(_ width: Int, _ height: Int) throws {
        func big(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
        var bytes = try Self.bytes("png-0-1.png")
        bytes.replaceSubrange(16..<24, with: big(width) + big(height))
        PNGChunks.mend(&bytes)
        #expect(try !Self.isDecoded(bytes, limit: .max))
        #expect(try !Self.isDecoded(bytes))
    }

    @Test func theLimitOfPixelsHolds() throws {
        for file in ["png-2-8.png", "jpeg-420.jpeg"] {
            let bytes = try Self.bytes(file)
            let picture = try Picture(decoding: bytes)
            let count = picture.height * picture.width
            #expect(try Self.isDecoded(bytes, limit: count))
            #expect(try !Self.isDecoded(bytes, limit: count - 1))
        }
        // A JPEG file says its extents in 16 bits each.
        var bytes = try Self.bytes("jpeg-grey.jpeg")
        let frame = try #require((0..<(bytes.count - 9)).first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc0 })
        bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0xff, 0xdc, 0xff, 0xdc])
        let error = #expect(throws: FileError.self) { try Picture(decoding: bytes, name: "large") }
        #expect(
            error?.reason.contains("65500 by 65500 pixels") ?? false, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func scansHaveALimit() throws {
        let whole = try Self.bytes("jpeg-scans.jpeg")
        let last = try #require((0..<(whole.count - 1)).last { whole[$0] == 0xff && whole[$0 + 1] == 0xda })
        let scan = whole[last..<(whole.count - 2)]
        #expect(try Self.isDecoded(whole.dropLast(2) + scan + whole.suffix(2)))
        let many = whole.dropLast(2) + Array(repeating: scan, count: 200).joined() + whole.suffix(2)
        let error = #expect(throws: FileError.self) { try Picture(decoding: Array(many)) }
        #expect(error?.reason.contains("more than 100 scans") ?? false, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func whatIsNoPictureIsNamed() throws {
        let folder = try TemporaryFolder()
        for (contents, words) in [("", "is empty"), ("GIF89a", "neither PNG nor JPEG"), ("\u{ff}", "neither")] {
            try Data(contents.utf8).write(to: URL(fileURLWithPath: folder.path("x.png")))
            let error = #expect(throws: FileError.self) { try Picture(contentsOf: folder.path("x.png")) }
            #expect(error?.path == folder.path("x.png") && error?.reason.contains(words) ?? false)
        }
        #expect(throws: FileError.self) { try Picture(contentsOf: folder.path("missing.png")) }
        #expect(throws: FileError.self) { try Picture(contentsOf: folder.url.path) }
        #expect(throws: FileError.self) { try Picture(contentsOf: "") }
        let picture = try Picture(height: 1, width: 1)
        #expect(throws: FileError.self) { try picture.write(to: folder.path("no/x.png")) }
    }
}

/// PNG files taken apart.
enum PNGChunks {
    /// Makes the checksum of every chunk right (CRC-32, ISO 3309).
    static func mend(_ bytes: inout [UInt8]) {
        var place = 8
        while place + 12 <= bytes.count {
            let length = bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - place - 12 else { return }
            let data = bytes[(place + 4)..<(place + 8 + length)]
            var sum = ~UInt32(0)
            for byte in data {
                sum ^= UInt32(byte)
                for _ in 0..<8 {
                    let shifted: UInt32 = sum >> 1
                    sum = sum & 1 == 1 ? shifted ^ 0xedb8_8320 : shifted
                }
            }
            sum = ~sum
            for byte in 0..<4 {
                let shift = 24 - 8 * byte
                bytes[place + 8 + length + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(shift))
            }
            place += 12 + length
        }
    }
}
