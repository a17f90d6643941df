import Foundation
import TensorGraph
import Tessera
import Testing

@testable import TesseraSearch

/// What a study shows: table, importance, page.
@Suite struct ReportTests {
    private func study(_ folder: TemporaryFolder) throws -> Study {
        let study = try Study(
            folder.path("search.sqlite"), name: "a < b & c",
            space: SearchSpace([
                .real("rate", 1e-4...1e-1, .logarithmic), .integer("width", 8...64, step: 8),
                .categories("kind", ["p<", "q"]), .real("part", 0...1).when("kind", is: "q"),
            ]), direction: .maximize, sampler: .random, pruner: MedianPruner(startupTrials: 2))
        try study.run(trials: 30) { trial in
            if trial.number == 4 { return .nan }
            let value = Foundation.log10(try trial.real("rate")) + (try trial.category("kind") == "q" ? 0.1 : 0)
            if try trial.report(value - 1, step: 1) { return 0 }
            try trial.report(value, step: 3)
            return value
        }
        return study
    }

    @Test func theTableIsAligned() throws {
        let folder = try TemporaryFolder()
        let study = try study(folder)
        let lines = try study.table(limit: 40).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let trials = try study.trials()
        #expect(lines[0].hasPrefix("trial  state     objective"))
        // A column begins or ends where its title does.
        let end = try #require(lines[0].range(of: "objective")).upperBound.utf16Offset(in: lines[0])
        for line in lines[1...30] {
            let cell = line.prefix(end).split(separator: " ").last
            #expect(cell.map { Double($0) != nil || $0 == "–" } == true, "\(line)")
        }
        let objectives = lines[1...30].compactMap { Double($0.prefix(end).split(separator: " ").last ?? "") }
        #expect(objectives == objectives.sorted(by: >) && objectives.count == trials.count { $0.objective != nil })
        #expect(lines[30].hasSuffix("the objective is nan"))
        let text = try study.table(limit: 3, sortsByObjective: false)
        #expect(text.contains("\n    2  ") && !text.contains("\n    3  ") && text.contains("and 27 more"))
        let best = try #require(try study.best())
        #expect(text.contains("best: trial \(best.number) with ") && text.contains("importance: rate "))
        #expect(text.contains("30 trials: ") && text.contains("1 failed"))
        let empty = try Study(folder.path("empty"), space: SearchSpace([.real("x", 0...1)]), direction: .minimize)
        #expect(try empty.table().contains("0 trials") && empty.table(limit: -1).hasPrefix("trial"))
    }

    @Test func thePageShowsEverything() throws {
        let folder = try TemporaryFolder()
        let study = try study(folder)
        let path = folder.path("page.html")
        try study.writeReport(to: path)
        let page = try String(contentsOfFile: path, encoding: .utf8)
        for title in ["objective", "reports", "rate", "width", "kind", "part", "parameters side by side"] {
            #expect(page.contains("aria-label=\"\(title)\""), "\(title)")
        }
        let trials = try study.trials()
        let seen = trials.filter { $0.objective != nil }
        let pruned = trials.count { $0.state == .pruned }
        #expect(pruned > 0)
        // A dot for each trial in the history and in three slices, in the last only where it has a value; pruned ones
        // once more where their reports end.
        let dots = page.components(separatedBy: "<circle").count - 1
        #expect(dots == 4 * seen.count + pruned + seen.count { $0.values?["part"] != nil } - seen.count)
        #expect(page.contains("a &lt; b &amp; c") && page.contains("p&lt;") && !page.contains("p<"))
        #expect(!page.contains("nan\"") && !page.contains("src=") && !page.contains("href=") && !page.contains("url("))
        #expect(page.components(separatedBy: "<tr>").count - 1 == 31)
        #expect(throws: FileError.self) { try study.writeReport(to: folder.path("no/page.html")) }
        // Nothing yet, one trial, and the same objective each time are pages too.
        let few = try Study(
            folder.path("few"), space: SearchSpace([.real("x", 0.5...0.5), .categories("one", ["only"])]),
            direction: .minimize, sampler: .random)
        for trials in [0, 1, 3] {
            try few.run(trials: trials) { _ in 7 }
            try few.writeReport(to: path)
            let page = try String(contentsOfFile: path, encoding: .utf8)
            #expect(!page.contains("nan") && !page.contains("inf\"") && page.contains("<dd>\(trials)</dd>"))
        }
    }

    /// Of 3·x + y, x explains nine tenths; of what only two together explain, each alone explains nothing.
    @Test func importanceIsTheShareOfTheVariance() {
        var random = SplitMix64(seed: 4)
        let points = (0..<400).map { _ in (0..<3).map { _ in Double.random(in: 0..<1, using: &random) } }
        let sum = FunctionalANOVA.shares(points, points.map { 3 * $0[0] + $0[1] }, seed: 1)
        #expect(abs(sum[0] - 0.9) < 0.05 && abs(sum[1] - 0.1) < 0.05 && sum[2] < 0.02, "\(sum)")
        let both = FunctionalANOVA.shares(
            points, points.map { ($0[0] < 0.5) == ($0[1] < 0.5) ? 1 : 0 }, seed: 1)
        #expect(both.allSatisfy { $0 < 0.15 }, "\(both)")
        #expect(FunctionalANOVA.shares(points, points.map { _ in 2 }, seed: 1) == [0, 0, 0])
        #expect(FunctionalANOVA.shares([], [], seed: 1).isEmpty)
        #expect(FunctionalANOVA.shares([[0.5]], [1], seed: 1) == [0])
        // Nothing but the seed is drawn from.
        #expect(FunctionalANOVA.shares(points, points.map { $0[2] }, seed: 1)[2] > 0.95)
    }

    /// A tree by hand: left half 1, right half 3 below and 5 above.
    @Test func variancesOfATreeAreExact() {
        let boxes = [
            FunctionalANOVA.Box(ranges: [0..<0.5, 0..<1], value: 1),
            FunctionalANOVA.Box(ranges: [0.5..<1, 0..<0.5], value: 3),
            FunctionalANOVA.Box(ranges: [0.5..<1, 0.5..<1], value: 5),
        ]
        let (total, main) = FunctionalANOVA.variances(of: boxes, 2)
        // Mean 2.5; halves of x have 1 and 4, halves of y 2 and 3.
        #expect(abs(total - (0.5 * 2.25 + 0.25 * 0.25 + 0.25 * 6.25)) < 1e-12)
        #expect(abs(main[0] - 2.25) < 1e-12 && abs(main[1] - 0.25) < 1e-12)
    }
}
