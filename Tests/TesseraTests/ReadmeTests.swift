import Foundation
import Testing

/// The blocks of Swift in README.md compile as they stand.
@Suite struct ReadmeTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

    private static var hasReadme: Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent("README.md").path)
    }

    /// What stands in README.md between “```swift” and “```”.
    private static func blocks() throws -> [String] {
        let text = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        return text.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
    }

    /// Each is a whole file of these tests, imports and all, or a manifest for the package manager.
    @Test(.enabled(if: hasReadme, "there is no README.md")) func everyBlockIsCompiled() throws {
        let example = try String(contentsOf: Self.folder.appendingPathComponent("ReadmeExample.swift"), encoding: .utf8)
        let blocks = try Self.blocks()
        #expect(blocks.filter { !$0.contains("import PackageDescription") } == [example])
        #expect(blocks.count == 2)
    }

    @Test(.enabled(if: hasReadme, "there is no README.md")) func theManifestIsOne() throws {
        let manifest = try #require(Self.blocks().first { $0.contains("import PackageDescription") })
        #expect(manifest.hasPrefix("// swift-tools-version: 6.1\n"))
        let folder = try TemporaryFolder()
        _ = try folder.write(Array(manifest.utf8), to: "Package.swift")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["swift", "package", "--package-path", folder.url.path, "dump-package"]
        let output = FileManager.default.createFile(atPath: folder.path("output"), contents: nil)
        #expect(output)
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("output")))
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let description = try String(contentsOfFile: folder.path("output"), encoding: .utf8)
        #expect(description.contains("\"Tessera\"") && description.contains("tessera"))
    }
}
