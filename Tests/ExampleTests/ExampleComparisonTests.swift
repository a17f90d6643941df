import ArgumentParser
import ExampleSupport
import Foundation
import Tessera
import Testing

@Suite struct ExampleComparisonTests {
    /// Numbers to copy.
    private func data(_ count: Int) throws -> TensorDataset {
        let numbers = try RandomSource(seed: 5).normal([count, 1])
        return try TensorDataset(inputs: numbers, targets: numbers)
    }

    private func compare(_ arguments: [String], into folder: String) throws -> ExampleResult {
        let options = try ExampleOptions.parse(["--device", "cpu", "--results", folder] + arguments)
        let comparison = ExampleComparison(
            .init("two", title: "Two", task: "copy a number", data: "drawn"), options: options, batch: 8, epochs: 2,
            repetitions: 3, train: try data(64), test: try data(300),
            contenders: [1, 4].map { width in
                .init("width \(width)") { seed, executor in
                    let random = RandomSource(seed: seed)
                    return Trainer(
                        Sequential(Dense(1, width, random), Dense(width, 1, random)), loss: .meanSquaredError,
                        optimizer: Adam(learningRate: 1e-2), on: executor)
                }
            },
            figures: { outcomes in
                outcomes.flatMap { outcome -> [ExampleResult.Figure] in
                    [
                        .init("loss of \(outcome.name)", outcome.mean { $0.loss }, unit: "", better: .lower),
                        .init("of \(outcome.name)", Double(outcome.evaluations.count), unit: "times", better: .higher),
                        .init(
                            "distinct of \(outcome.name)", Double(Set(outcome.evaluations.map(\.loss)).count), unit: "",
                            better: .higher),
                    ]
                }
            })
        try comparison(since: .now)
        return try ExampleResult(path: "\(folder)/two.json")
    }

    @Test func eachNetworkIsTrainedFromEachSeed() throws {
        let folder = TestFolder()
        let result = try compare([], into: folder.path)
        let figures = Dictionary(result.figures.map { ($0.name, $0.value) }) { first, _ in first }
        for width in [1, 4] {
            #expect(figures["of width \(width)"] == 3 && figures["distinct of width \(width)"] == 3)
        }
        #expect(result.steps == 2 * 3 * 2 * 8 && result.parameters == 4 + 4 + 4 + 1)
        #expect(
            Set(result.curves.map(\.name))
                == Set([1, 4].flatMap { ["training loss of width \($0)", "test loss of width \($0)"] }))
        #expect(result.curves.first { $0.name == "training loss of width 4" }?.points.count == 16)
    }

    @Test func aQuickComparisonTrainsOnceForAFewSteps() throws {
        let folder = TestFolder()
        let result = try compare(["--quick"], into: folder.path)
        #expect(result.quick && result.steps == 2 * 4)
        #expect(result.figures.filter { $0.unit == "times" }.allSatisfy { $0.value == 1 })
    }

    @Test(arguments: ["--save", "--load", "--report", "--tensorboard"])
    func whatIsOfOneNetworkSaysSo(_ option: String) throws {
        let folder = TestFolder()
        let options = try ExampleOptions.parse([option, folder.path + "-file"])
        #expect {
            try ExampleComparison.check(options, choosing: "--network")
        } throws: {
            "\($0)".contains(option) && "\($0)".contains("--network")
        }
        #expect(throws: Never.self) {
            try ExampleComparison.check(ExampleOptions.parse(["--quick"]), choosing: "--network")
        }
    }
}
