import Foundation
import Testing

@testable import Tessera

/// The page that shows a training.
@Suite struct TrainingReportTests {
    private func page(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func thePageIsThereWhileItTrainsAndRefreshesUntilTheEnd() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.path("report.html")
        let random = RandomSource(seed: 3)
        let trainer = Trainer(
            Dense(3, 2, random), loss: .crossEntropy, optimizer: Adam(learningRate: 0.1),
            metrics: [.accuracy, .confusionMatrix(classes: 2)], on: try Place.cpu.executor())
        let data = try TensorDataset(
            inputs: random.uniform([6, 3], bound: 1), targets: HostTensor([6], [0, 1, 0, 1, 1, 0] as [Int32]))
        let report = try TrainingReport(path, title: "a < b & c", refreshSeconds: 7)
        var first: String?
        try trainer.fit(data, batchSize: 2, epochs: 3, progress: nil, test: data, callbacks: [report]) { _ in
            if first == nil, trainer.step == 2 { first = try page(path) }
        }
        let during = try #require(first)
        #expect(during.contains("<meta http-equiv=\"refresh\" content=\"7\">") && during.contains(">training<"))
        let text = try page(path)
        #expect(!text.contains("http-equiv=\"refresh\"") && text.contains("<dd>9</dd>") && text.contains("ended"))
        #expect(text.contains("<title>a &lt; b &amp; c</title>") && !text.contains("a < b"))
        for name in ["loss", "accuracy", "confusion matrix"] {
            #expect(text.contains("aria-label=\"\(name)\""), "\(name)")
        }
        // Three points of training and three of test, for each of three curves.
        #expect(text.components(separatedBy: "<circle").count - 1 >= 3 * 6)
        let matrix = try #require(trainer.evaluate(data).state(ConfusionMatrix.self, of: "confusion matrix"))
        for label in 0..<2 {
            let cells = (0..<2).map { ">\(matrix[label: label, predicted: $0])</td>" }
            let row = try #require(text.split(separator: "\n").first { $0.hasPrefix("<tr><th>\(label)</th>") })
            #expect(cells.allSatisfy { row.contains($0) }, "\(row)")
        }
        // One file that needs no other.
        #expect(!text.contains("src=") && !text.contains("href=") && !text.contains("url("))
    }

    @Test func longCurvesAreThinnedOut() {
        var curve = Curve()
        for step in 1...100_000 { curve.add(Double(step), step: step) }
        #expect(curve.points.count < 600 && curve.points.count >= 290)
        let width = curve.points[0].step
        #expect(curve.points.enumerated().allSatisfy { $1.step == Double($0 + 1) * width })
        #expect(curve.points.allSatisfy { $0.value == $0.step - (width - 1) / 2 })
    }

    @Test(
        arguments: [
            [], [0], [1, 1], [-3.2, 7.9], [1e-30, 2e-30], [1e30, -1e30], [5, 5 + 1e-12], [0.1, 0.2, 0.3],
            [.greatestFiniteMagnitude, -.greatestFiniteMagnitude],
        ] as [[Double]])
    func ticksAreFewAndAround(_ values: [Double]) {
        let ticks = CurveChart.ticks(values)
        #expect((2...12).contains(ticks.count) && ticks == ticks.sorted())
        guard let least = values.min(), let greatest = values.max(), (greatest - least).isFinite else { return }
        let room = 1e-9 * max(least.magnitude, greatest.magnitude)
        #expect(ticks[0] <= least + room && ticks[ticks.count - 1] >= greatest - room, "\(ticks)")
    }

    @Test func numbersThatAreNotFinitePartTheLine() {
        let points = [(step: 1.0, value: 1.0), (2, 2), (3, .nan), (4, .infinity), (5, 1)]
        let svg = CurveChart(title: "x", lines: [.init(name: "y", colour: "red", points: points)]).svg
        #expect(svg.components(separatedBy: "<polyline").count - 1 == 2)
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func whatCannotBeWrittenIsAnError() throws {
        let temporary = try TemporaryFolder()
        #expect(throws: FileError.self) { try TrainingReport(temporary.path("no/report.html")) }
        for seconds in [0, -1, Int.max] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) {
                try TrainingReport(temporary.path("report.html"), refreshSeconds: seconds)
            }
            #expect(error?.location?.line == line)
        }
    }
}
