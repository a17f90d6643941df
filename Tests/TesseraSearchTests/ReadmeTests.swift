import Foundation
import Testing

@testable import TesseraSearch

/// The block of Swift in README.md that searches compiles as it stands, and searches.
@Suite struct ReadmeTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let readme = folder.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("README.md")

    @Test(.enabled(if: FileManager.default.fileExists(atPath: readme.path), "there is no README.md"))
    func theBlockIsCompiled() throws {
        let example = try String(contentsOf: Self.folder.appendingPathComponent("ReadmeExample.swift"), encoding: .utf8)
        let text = try String(contentsOf: Self.readme, encoding: .utf8)
        let blocks = text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        #expect(blocks.filter { $0.contains("import TesseraSearch") } == [example])
    }

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist"),
            "dataset-fashion-mnist is not installed"))
    func theExampleSearches() throws {
        let folder = try TemporaryFolder()
        let best = try #require(try searchFashionMNIST(folder.path("search.sqlite"), trials: 2, epochs: 1))
        #expect((0.1...1).contains(best.objective ?? 0))
        #expect(FileManager.default.fileExists(atPath: folder.path("search.sqlite.html")))
        #expect(try Study(existing: folder.path("search.sqlite")).trials().count == 2)
    }
}
