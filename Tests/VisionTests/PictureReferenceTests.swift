import Foundation
import Tessera
import Testing

@testable import TesseraVision

/// Files and pictures beside what Pillow makes of them: `Tests/References/pictures.py`.
@Suite struct PictureReferenceTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("References")

    /// The files of PNG and JPEG pictures.
    static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/pictures")) ?? [])
        .sorted()

    private static func reference() throws -> SafetensorsFile {
        try SafetensorsFile(path: folder.path + "/pictures.safetensors")
    }

    @Test func everyFileIsReadAsItShouldBe() throws {
        let reference = try Self.reference()
        var held: Set<String> = []
        for file in Self.files {
            let name = String(file.prefix { $0 != "." })
            let expected = try reference.tensor("\(name)/output/pixels")
            let picture = try Picture(contentsOf: "\(Self.folder.path)/pictures/\(file)")
            try #require(
                [picture.height, picture.width, picture.channels.count] == expected.shape.dimensions, "\(file)")
            let differences = zip(picture.pixels, try expected.elements(UInt8.self)).map { abs(Int($0) - Int($1)) }
            // Versions of libjpeg round the cosine transform and the colours in other ways.
            #expect((differences.max() ?? 0) <= (file.hasSuffix(".jpeg") ? 3 : 0), "\(file)")
            held.insert(name)
        }
        #expect(
            held
                == Set(
                    reference.names.filter { $0.hasSuffix("/output/pixels") }.map { $0.components(separatedBy: "/")[0] }
                ))
        #expect(held.count > 45)
    }

    private static let modes: [(name: String, channels: Picture.Channels)] = [
        ("L", .gray), ("LA", .grayAlpha), ("RGB", .rgb), ("RGBA", .rgba),
    ]

    private static func picture(_ tensor: HostTensor) throws -> Picture {
        let channels = try #require(Picture.Channels(rawValue: tensor.shape[2]))
        return try Picture(
            height: tensor.shape[0], width: tensor.shape[1], channels: channels, pixels: tensor.elements(UInt8.self))
    }

    @Test(arguments: modes.map(\.name)) func channelsAndExtentsAreTheSameBits(_ mode: String) throws {
        let reference = try Self.reference()
        let picture = try Self.picture(reference.tensor("resize-\(mode)/input/pixels"))
        let prefix = "resize-\(mode)/output/"
        var count = 0
        for key in reference.names where key.hasPrefix(prefix) {
            let words = key.dropFirst(prefix.count).split(separator: " ").map(String.init)
            let expected = try Self.picture(reference.tensor(key))
            count += 1
            if words[0] == "to" {
                let wanted = try #require(Self.modes.first { $0.name == words[1] })
                #expect(picture.converted(to: wanted.channels) == expected, "\(key)")
                continue
            }
            let (height, width) = (Int(words[1]) ?? 0, Int(words[2]) ?? 0)
            let interpolation: Interpolation =
                switch words[0] {
                case "bilinear": .linear(isAntialiased: true)
                case "bicubic": .cubic(isAntialiased: true)
                default: .nearestExact
                }
            #expect(try picture.resized(height: height, width: width, by: interpolation) == expected, "\(key)")
        }
        #expect(count == 4 + 3 * 6)
    }

    @Test func graphsResizeAlike() throws {
        // Bytes are rounded between two passes, so they are off by one at most; of filters that overshoot they are cut off there,
        // too.
        let picture = try Picture.random(17, 23, .rgb, seed: 5)
        let executor = try Executor(on: .cpu)
        let tensor = try picture.tensor()
        let input = try HostTensor(TensorType(Shape([1] + tensor.shape.dimensions)), bytes: tensor.bytes)
        for interpolation in [Interpolation.linear(), .linear(isAntialiased: true)] {
            let graph = Graph()
            let y = try graph.input("x", input.shape).interpolated(toSize: [9, 31], interpolation)
            let result = try executor.run(executor.compile(graph, outputs: [y]), inputs: ["x": input])
            let expected = try Picture.pictures(of: result[0])[0]
            let resized = try picture.resized(height: 9, width: 31, by: interpolation)
            let differences = zip(resized.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
            #expect((differences.max() ?? 255) <= 1, "\(interpolation)")
        }
    }
}
