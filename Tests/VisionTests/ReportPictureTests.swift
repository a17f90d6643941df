import Foundation
import Tessera
import TesseraVision
import Testing

/// Pictures in reports and event files.
@Suite struct ReportPictureTests {
    @Test func thePageHasPictures() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("report.html")
        let report = try TrainingReport(path)
        let pictures = try (0..<3).map { try Picture(height: 2, width: 3 + $0, color: .category($0)) }
        for picture in pictures { try report.show(picture, as: "a < b", keeping: 2) }
        try report.show(pictures[0], as: "other")
        let trainer = Trainer(
            Dense(1, 1, RandomSource(seed: 1)), loss: .meanSquaredError, optimizer: SGD(learningRate: 0),
            on: try Executor(on: .cpu))
        try report.fitDidEnd(of: trainer)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        func encoded(_ picture: Picture) throws -> String { Data(try picture.pngBytes()).base64EncodedString() }
        #expect(text.contains("<h2>a &lt; b</h2>") && text.components(separatedBy: "<img ").count == 4)
        #expect(try text.components(separatedBy: encoded(pictures[0])).count == 2)
        #expect(try text.contains(encoded(pictures[1])) && text.contains(encoded(pictures[2])))
        #expect(!text.contains("src=\"http") && !text.contains("url("))
    }

    @Test func aLogHasPictures() throws {
        let folder = try TemporaryFolder()
        let log = try TensorBoardLog(folder: folder.url.path)
        let picture = try Picture(height: 2, width: 3, color: .white)
        try log.write(picture, as: "samples", step: 7)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: log.path)))
        let png = try picture.pngBytes()
        #expect(bytes.indices.contains { bytes[$0...].starts(with: png) })
    }

    @Test func whatIsNoPNGFileIsAnError() {
        for bytes in [[], [UInt8](repeating: 0, count: 100), [0x89, 0x50, 0x4e, 0x47]] {
            #expect(throws: GraphError.self) { try PNGFile(bytes) }
        }
    }
}
