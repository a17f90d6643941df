import Foundation
import Testing

/// How many files something new touches, held to what CONTRIBUTING.md promises: the files that name an existing one.
@Suite struct PlacesTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Source files, by their paths from the project's folder.
    private static func files(under folders: [String]) throws -> [(path: String, text: String)] {
        try folders.flatMap { folder -> [(path: String, text: String)] in
            let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
            return try (names?.compactMap { $0 as? String } ?? []).filter {
                ["swift", "c", "h", "cl"].contains(URL(fileURLWithPath: $0).pathExtension)
            }.map { name in
                let path = "\(folder)/\(name)"
                return (path, try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
            }
        }
    }

    /// The paths in the list below a heading of CONTRIBUTING.md.
    private static func promised(_ heading: String) throws -> [String] {
        let text = try String(contentsOf: root.appendingPathComponent("CONTRIBUTING.md"), encoding: .utf8)
        let section = try #require(text.components(separatedBy: "### \(heading)\n").dropFirst().first)
            .components(separatedBy: "\n#")[0]
        return section.matches(of: #/\n\d+\. `([^`]+)`/#).map { String($0.1) }
    }

    @Test func anActivationFunctionIsNamedWhereContributingSays() throws {
        let named = try Self.files(under: ["Sources", "Kernels", "Tests/TestSupport"]).filter { file in
            // Chains of several functions are examples, not places.
            !file.path.contains("OpCases/") && file.text.range(of: "silu", options: .caseInsensitive) != nil
        }
        let promised = try Self.promised("An activation function")
        #expect(named.map(\.path).sorted() == promised.filter { !$0.contains("OpCases/") }.sorted())
        #expect(promised.count > 4)
    }

    @Test func aReductionIsNamedWhereContributingSays() throws {
        let pattern =
            #/CV_LEAST|FN\(minimum\)|case sum, mean, minimum|case \.minimum: (?:"1"|\("2"|result)|FUNCTION == 1/#
        let named = try Self.files(under: ["Sources", "Kernels", "Tests/TestSupport"]).filter {
            $0.text.contains(pattern)
        }
        let promised = try Self.promised("A reduction")
        #expect(named.map(\.path).sorted() == promised.sorted())
    }

    @Test func anOptimizerIsNamedWhereContributingSays() throws {
        let named = try Self.files(under: ["Sources", "Kernels", "Tests/TestSupport"]).filter {
            $0.text.contains(#/\bSGD\b|\bsgd\b/#)
        }
        #expect(named.map(\.path) == ["Sources/Tessera/Optimizers/SGD.swift"])
        #expect(try Self.promised("An optimizer") == named.map(\.path))
    }

    /// Passes and backends ask an operation's traits. Rules that rewrite a particular operation are about that one.
    @Test func nothingAnswersForANewOperationInSilence() throws {
        let rewriteRules: Set = ["Simplify", "Fuse", "Embeddings", "GroupUpdates"].map {
            "Sources/TensorGraph/Passes/\($0).swift"
        }.reduce(into: []) { $0.insert($1) }
        let switches = try Self.files(under: ["Sources"]).filter { file in
            file.text.contains(#/switch [^\n{]*\bop\b(?:,[^\n{]*|\))? \{/#)
        }
        #expect(Set(switches.map(\.path)).subtracting(rewriteRules) == [])
        let extensions = try Self.files(under: ["Sources"]).filter {
            $0.text.contains(#/extension Op\b[^\n]*\{/#) && $0.text.contains(#/switch self \{/#)
        }
        #expect(
            Set(extensions.map(\.path)).subtracting(rewriteRules) == ["Sources/TensorGraph/Op.swift"])
    }
}
