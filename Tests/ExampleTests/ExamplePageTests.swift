import ExampleSupport
import Foundation
import Tessera
import Testing

@Suite struct ExamplePageTests {
    /// Writes a result as a program would.
    private func write(
        _ folder: String, value: Double, isQuick: Bool = false
    ) throws {
        let options = try ExampleOptions.parse(["--results", folder] + (isQuick ? ["--quick"] : []))
        let results = ExampleResults(description, options, since: .now)
        results.add(.init("a | figure", value, unit: "%", better: .higher, mustReach: 90))
        results.add(.init("another", 2, unit: "", better: .lower))
        results.add(0.5, step: 1, to: "training loss")
        results.add(0.25, step: 2, to: "test loss")
        results.addSample("<b>bold</b>")
        try results.addPicture("line.svg", svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
        try? results.finish(device: "a <device>", parameters: 1_234_567, steps: 2)
    }

    /// What a program in PyTorch writes.
    private func writeTorch(_ folder: String) throws {
        let text = """
            {"example": "lines", "title": "t", "task": "t", "data": "d", "source": "torch", "device": "PyTorch",
             "parameters": 12, "steps": 2, "seconds": 180.2, "quick": false, "pictures": [], "samples": [], "peakMiB": 321.5,
             "figures": [{"name": "another", "value": 1.234, "unit": "", "better": "lower", "mustReach": null}],
             "curves": [{"name": "test loss", "points": [[1, 0.7], [2, 0.6]]}]}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/lines.torch.json"))
    }

    @Test func aPageHoldsEverythingItself() throws {
        let folder = TestFolder()
        try write(folder.path, value: 95)
        try writeTorch(folder.path)
        let page = try ExamplePage(folder: folder.path)
        let html = try page.html
        for text in ["A line &amp; more", "made &lt;here&gt;", "a &lt;device&gt;", "&lt;b&gt;bold", "≥ 90.00 %"] {
            #expect(html.contains(text))
        }
        #expect(!html.contains("<b>") && !html.contains("<here>"))
        for text in ["95.00 % ✓", "1.234", "1,234,567", "3.0 min", "322"] { #expect(html.contains(text)) }
        #expect(html.contains("data:image/svg+xml;base64,"))
        // Two curves of ours and one of PyTorch in one chart.
        #expect(html.components(separatedBy: "<svg viewBox").count == 2)
        #expect(html.components(separatedBy: "<polyline").count == 4)
        try page.write(to: folder.path + "/index.html")
        #expect(try String(contentsOfFile: folder.path + "/index.html", encoding: .utf8) == html)
    }

    @Test func whatWasMissedIsSeen() throws {
        let folder = TestFolder()
        try write(folder.path, value: 89)
        #expect(try ExamplePage(folder: folder.path).html.contains("89.00 % ✗"))
        #expect(try ExamplePage(folder: folder.path).markdown.contains("| 89.00 % (missed) |"))
        try write(folder.path, value: 89, isQuick: true)
        let html = try ExamplePage(folder: folder.path).html
        #expect(!html.contains("✗") && !html.contains("✓") && html.contains("quick"))
    }

    @Test func theTableHasARowForEachFigure() throws {
        let folder = TestFolder()
        try write(folder.path, value: 95)
        try writeTorch(folder.path)
        let lines = try ExamplePage(folder: folder.path).markdown.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[2].hasPrefix("| A line & more | a \\| figure | ≥ 90.00 % | 95.00 % |  |"))
        #expect(lines[3].hasPrefix("|  | another |  | 2.000 | 1.234 |"))
    }

    @Test func aFolderWithoutResultsOrWithoutAPictureIsAnError() throws {
        let folder = TestFolder()
        let error = #expect(throws: ExampleFailure.self) { try ExamplePage(folder: folder.path) }
        #expect(error?.description.contains(folder.path) == true)
        try write(folder.path, value: 95)
        try FileManager.default.removeItem(atPath: folder.path + "/lines-line.svg")
        let other = #expect(throws: ExampleFailure.self) { try ExamplePage(folder: folder.path).html }
        #expect(other?.description.contains("lines-line.svg") == true)
    }
}
