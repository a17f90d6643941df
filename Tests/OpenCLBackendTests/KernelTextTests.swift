import Foundation
import Testing

/// What every file in `Kernels/` keeps to, read as text.
@Suite struct KernelTextTests {
    /// PoCL compiles a loop that goes to its next round past a barrier to wrong sums, or ends the process.
    @Test func noLoopSkipsABarrier() throws {
        let texts = try kernelTexts()
        #expect(texts.count > 50)
        let waiting = functionsThatWait(Array(texts.values))
        #expect(waiting.isSuperset(of: ["barrier", "tile_products"]))
        for (path, text) in texts {
            for skip in skips(text, over: waiting) { Issue.record("\(path), line \(skip): a continue over a barrier") }
        }
    }

    @Test func aSkippedBarrierIsFound() {
        let text = """
            static void share() { barrier(1); }
            void kernelOf() {
                for (int n = 0; n < 4; n++) {
                    if (n == 2) {
                        continue;
                    }
                    share();
                }
                share();
                for (int n = 0; n < 4; n++) { if (n == 2) continue; }
            }
            """
        #expect(skips(text, over: functionsThatWait([text])) == [5])
    }

    private func kernelTexts() throws -> [String: String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Kernels").standardized
        var texts: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root.path()) where path.hasSuffix(".cl") {
            let lines = try String(contentsOf: root.appending(path: path), encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            texts[path] = lines.map { $0.replacing(#/\/\/.*$/#, with: "") }.joined(separator: "\n")
        }
        return texts
    }

    /// The names of functions and macros whose text has a barrier, or one of them.
    private func functionsThatWait(_ texts: [String]) -> Set<String> {
        var bodies: [(name: String, body: String)] = []
        for text in texts {
            for macro in text.matches(of: #/#define (\w+)((?:.*\\\n)*.*)/#) {
                bodies.append((String(macro.1), String(macro.2)))
            }
            for function in text.matches(of: #/(\w+)\((?:[^(){};]|\([^()]*\))*\)\s*\{/#) {
                bodies.append(
                    (String(function.1), blockBody(text, from: text.index(before: function.range.upperBound))))
            }
        }
        bodies.removeAll { ["for", "while", "if", "switch"].contains($0.name) }
        var waiting: Set = ["barrier"]
        while true {
            let more = bodies.filter { !waiting.contains($0.name) && mentions($0.body, waiting) }
            if more.isEmpty { return waiting }
            waiting.formUnion(more.map(\.name))
        }
    }

    /// The lines that have a `continue` in a loop whose body waits.
    private func skips(_ text: String, over waiting: Set<String>) -> [Int] {
        var lines: [Int] = []
        for word in text.matches(of: #/\bcontinue;/#) {
            guard let loop = loopBody(text, around: word.range.lowerBound), mentions(loop, waiting) else { continue }
            lines.append(text[..<word.range.lowerBound].count { $0 == "\n" } + 1)
        }
        return lines
    }

    private func mentions(_ text: String, _ names: Set<String>) -> Bool {
        text.matches(of: #/\w+/#).contains { names.contains(String($0.output)) }
    }

    /// From the brace at `start` to the one that closes it.
    private func blockBody(_ text: String, from start: String.Index) -> String {
        var depth = 0
        for index in text.indices[start...] {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1 }
            if depth == 0 { return String(text[start...index]) }
        }
        return String(text[start...])
    }

    /// The body of the innermost loop in braces around `place`: what follows `for (…)`, `while (…)`, `do`, or a macro in
    /// capitals, which loops are written by.
    private func loopBody(_ text: String, around place: String.Index) -> String? {
        var depth = 0
        var index = place
        while index > text.startIndex {
            index = text.index(before: index)
            if text[index] == "}" { depth += 1 }
            guard text[index] == "{" else { continue }
            depth -= 1
            guard depth < 0 else { continue }
            depth = 0
            if isLoop(String(text[..<index].suffix(400))) { return blockBody(text, from: index) }
        }
        return nil
    }

    private func isLoop(_ before: String) -> Bool {
        var head = before[...]
        while head.last?.isWhitespace == true || head.last == "\\" { head.removeLast() }
        if head.last == ")" {
            var depth = 0
            while let last = head.last {
                head.removeLast()
                if last == ")" { depth += 1 }
                if last == "(" { depth -= 1 }
                if depth == 0 { break }
            }
            while head.last?.isWhitespace == true { head.removeLast() }
        }
        let word = head.reversed().prefix { $0.isLetter || $0 == "_" }.reversed()
        return ["for", "while", "do"].contains(String(word))
            || (!word.isEmpty && word.allSatisfy { $0.isUppercase || $0 == "_" })
    }
}
