import Foundation
import Testing

// example: begin
import Tessera

/// Trains a small convolutional network on Fashion-MNIST and gives its accuracy on pictures it has not seen.
func trainFashionMNIST(on device: DeviceChoice = .automatic, steps: Int? = nil) throws -> Double {
    let (train, test) = try ImageDataset.fashionMNIST()
    let random = RandomSource(seed: 1)
    let model = Sequential(
        Conv2D(1, 32, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2),
        Conv2D(32, 64, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2), Flatten(),
        Dense(3136, 128, random), ReLU(), Dense(128, 10, random))
    let trainer = Trainer(
        model, loss: .crossEntropy, optimizer: Adam(), metric: .accuracy, on: try Executor(on: device))
    try trainer.fit(train, batchSize: 128, epochs: 4, steps: steps)
    try trainer.save(to: FileManager.default.temporaryDirectory.appendingPathComponent("fashion.safetensors").path)
    return try trainer.evaluate(test).metric ?? 0
}
// example: end

/// The example of README.md is the code above, word for word.
@Suite struct ReadmeExampleTests {
    private static let readme = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("README.md")

    private static var hasReadme: Bool { FileManager.default.fileExists(atPath: readme.path) }

    @Test(.enabled(if: hasReadme, "there is no README.md")) func isInReadme() throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let begin = try #require(source.range(of: "// example: begin\n")).upperBound
        let end = try #require(source.range(of: "// example: end", range: begin..<source.endIndex)).lowerBound
        let example = source[begin..<end].trimmingCharacters(in: .whitespacesAndNewlines)
        let readme = try String(contentsOf: Self.readme, encoding: .utf8)
        #expect(readme.ranges(of: example).count == 1, "the example is to stand in README.md once, word for word")
        // No other block of code trains anything: a second version would only be left behind.
        #expect(readme.ranges(of: "```swift\nimport Tessera").count == 1)
    }
}
