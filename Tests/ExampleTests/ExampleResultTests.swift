import ArgumentParser
import ExampleSupport
import Foundation
import Tessera
import Testing

/// A new folder for the files of one test.
struct TestFolder: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("examples-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

let description = ExampleDescription("lines", title: "A line & more", task: "find a line", data: "made <here>")

@Suite struct ExampleResultTests {
    @Test func aFigureIsReachedOnItsSideOfTheBound() {
        func isReached(_ value: Double, _ better: ExampleResult.Direction, _ bound: Double?) -> Bool {
            ExampleResult.Figure("figure", value, unit: "%", better: better, mustReach: bound).isReached
        }
        #expect(isReached(93, .higher, 93))
        #expect(isReached(93.5, .higher, 93))
        #expect(!isReached(92.99, .higher, 93))
        #expect(isReached(1.5, .lower, 1.5))
        #expect(!isReached(1.51, .lower, 1.5))
        #expect(isReached(.nan, .higher, nil))
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(!isReached(value, .higher, 93))
            #expect(!isReached(value, .lower, 93))
        }
    }

    /// A result with one figure, as a program writes it.
    private func finish(
        _ folder: String?, value: Double, isQuick: Bool = false
    ) throws {
        let options = try ExampleOptions.parse(
            (folder.map { ["--results", $0] } ?? []) + (isQuick ? ["--quick"] : []))
        let results = ExampleResults(description, options, since: .now)
        results.add(.init("accuracy", value, unit: "%", better: .higher, mustReach: 90))
        for step in 1...1500 { results.add(1 / Double(step), step: step, to: "training loss") }
        results.add(.nan, step: 1501, to: "training loss")
        results.addSample("one\ntwo")
        try results.addPicture("line.svg", svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
        try results.finish(device: "a device", parameters: 12, steps: 1500)
    }

    @Test func aResultIsWrittenAndReadAgain() throws {
        let folder = TestFolder()
        try finish(folder.path, value: 95)
        let result = try ExampleResult(path: folder.path + "/lines.json")
        #expect(result.example == "lines" && result.title == description.title && result.data == description.data)
        #expect(result.source == "tessera" && result.device == "a device")
        #expect(result.parameters == 12 && result.steps == 1500 && !result.quick)
        #expect(result.seconds >= 0 && (result.peakMiB ?? 0) > 1)
        #expect(result.figures.map(\.value) == [95] && result.figures.map(\.mustReach) == [90])
        #expect(result.samples == ["one\ntwo"])
        #expect(result.pictures == ["lines-line.svg"])
        #expect(FileManager.default.fileExists(atPath: folder.path + "/lines-line.svg"))
        let points = try #require(result.curves.first { $0.name == "training loss" }).points
        #expect((100..<600).contains(points.count))
        #expect(points.allSatisfy { $0.count == 2 && $0[0] <= 1500 && $0[1] > 0 })
    }

    @Test func aMissedFigureEndsTheProgramAfterWriting() throws {
        let folder = TestFolder()
        for value in [89, Double.nan] {
            #expect(throws: ExitCode(1)) { try finish(folder.path, value: value) }
            let result = try ExampleResult(path: folder.path + "/lines.json")
            #expect(result.figures.map(\.value) == [value.isNaN ? nil : value])
            try finish(folder.path, value: value, isQuick: true)
            #expect(try ExampleResult(path: folder.path + "/lines.json").quick)
        }
        // Without a folder there is nothing to hold to.
        try finish(nil, value: 89)
    }

    @Test func whatIsNoResultIsAnErrorWithItsName() throws {
        let folder = TestFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let path = folder.path + "/other.json"
        try Data("{\"title\": 3}".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: ExampleFailure.self) { try ExampleResult(path: path) }
        #expect(error?.description.contains(path) == true)
    }

    /// A training of a line, as an example does it.
    private func run(_ arguments: [String]) throws {
        let random = RandomSource(seed: 3)
        let x = try random.normal([600, 2])
        let y = try HostTensor([600, 1], x.rows(0..<600).map { 2 * $0[0] - $0[1] })
        let data = try TensorDataset(["input": x, "target": y])
        try ExampleRun(
            description, options: ExampleOptions.parse(arguments + ["--device", "cpu"]), batch: 100, epochs: 20,
            train: data, test: data,
            makeTrainer: {
                Trainer(
                    Sequential(Dense(2, 1, RandomSource(seed: 1))), loss: .meanSquaredError,
                    optimizer: SGD(learningRate: 0.1), on: $0)
            },
            figures: { [.init("error", $0.loss, unit: "", better: .lower, mustReach: 1e-3)] },
            present: { _, evaluation, results in results.addSample("over \(evaluation.count)") })(since: .now)
    }

    @Test func anExampleWritesCurvesOfItsTraining() throws {
        let folder = TestFolder()
        try run(["--results", folder.path])
        let result = try ExampleResult(path: folder.path + "/lines.json")
        #expect(result.steps == 120 && result.parameters == 3 && result.samples == ["over 600"])
        let curves = Dictionary(uniqueKeysWithValues: result.curves.map { ($0.name, $0.points) })
        #expect(curves["training loss"]?.count == 120 && curves["test loss"]?.count == 20)
        #expect(curves["test loss"]?.last?.last == result.figures.first?.value)
        #expect(throws: ExitCode(1)) { try run(["--results", folder.path, "--steps", "1"]) }
    }

    @Test func aQuickExampleDoesAFewStepsAndTestsOnAPart() throws {
        let folder = TestFolder()
        try run(["--results", folder.path, "--quick"])
        let result = try ExampleResult(path: folder.path + "/lines.json")
        #expect(result.curves.first { $0.name == "test loss" }?.points.map(\.first) == [4])
        #expect(result.steps == 4 && result.quick && result.samples == ["over 256"])
        #expect(result.figures.contains { !$0.isReached })
    }

    @Test func aLoadedExamplePredictsWhatAFileHolds() throws {
        let folder = TestFolder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let (model, inputs, outputs) = (folder.path + "/model", folder.path + "/inputs", folder.path + "/outputs")
        try run(["--save", model])
        try SafetensorsFile.write(["input": HostTensor([2, 2], [3, 1, -1, 0.5] as [Float])], to: inputs)
        try run(["--load", model, "--predict", inputs, "--outputs", outputs])
        let file = try SafetensorsFile(path: outputs)
        #expect(file.names == ["output"])
        let numbers = try file.tensor("output").elements(Float.self)
        #expect(abs(numbers[0] - 5) < 1e-2 && abs(numbers[1] + 2.5) < 1e-2)
        // Inputs that the model doesn't take.
        try SafetensorsFile.write(["other": HostTensor([2, 2], [3, 1, -1, 0.5] as [Float])], to: inputs)
        #expect(throws: GraphError.self) { try run(["--load", model, "--predict", inputs, "--outputs", outputs]) }
    }

    @Test(arguments: [
        ["--predict", "a", "--load", "b"], ["--outputs", "a"], ["--predict", "a", "--outputs", "b"], ["--evaluate"],
        ["--steps", "-1"],
    ])
    func optionsThatMakeNoSenseAreRefused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try ExampleOptions.parse(arguments) }
    }
}

extension HostTensor {
    /// The rows of a matrix.
    fileprivate func rows(_ range: Range<Int>) throws -> [[Float]] {
        let elements = try elements(Float.self)
        return range.map { Array(elements[($0 * shape[1])..<(($0 + 1) * shape[1])]) }
    }
}
