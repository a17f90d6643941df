import Foundation
import Testing

/// The code of every article stands in the file of these tests that has its name: it is compiled and run.
@Suite struct ArticleTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let sources = folder.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources")

    private static let articles: [String] = ["Tessera", "TesseraVision"].flatMap { module -> [String] in
        let catalogue = sources.appendingPathComponent("\(module)/\(module).docc").path
        let files = (try? FileManager.default.contentsOfDirectory(atPath: catalogue)) ?? []
        return files.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
    }

    private static func blocks(_ path: String) throws -> [[Substring]] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "\n```")[0].split(separator: "\n", omittingEmptySubsequences: false)
        }
    }

    /// Whether lines stand in others one after the other, all further in by as many spaces.
    private static func stand(_ block: [Substring], in lines: [Substring]) -> Bool {
        guard let first = block.first, lines.count >= block.count else { return false }
        return (0...(lines.count - block.count)).contains { start in
            guard lines[start].hasSuffix(first) else { return false }
            let indentation = lines[start].dropLast(first.count)
            guard indentation.allSatisfy({ $0 == " " }) else { return false }
            return zip(block, lines[start...]).allSatisfy { line, other in
                line.isEmpty ? other.isEmpty : other == indentation + line
            }
        }
    }

    @Test(arguments: articles) func itsCodeIsCompiled(_ path: String) throws {
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let blocks = try Self.blocks(path)
        guard !blocks.isEmpty else { return }
        let file = Self.folder.appendingPathComponent("\(name).swift")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        for block in blocks {
            #expect(
                Self.stand(block, in: lines), "\(name): “\(block.first ?? "")” and what follows is not in \(name).swift"
            )
        }
    }

    @Test func thereAreArticles() throws {
        #expect(Self.articles.count >= 10)
        #expect(try Self.articles.flatMap(Self.blocks).count >= 25)
        #expect(!Self.stand(["a", "b"], in: ["  a", "   b"]) && Self.stand(["a", "b"], in: ["x", "  a", "  b"]))
    }
}
