import Foundation
import Testing

@testable import Tessera

/// Event files beside TensorBoard's own: `Tests/References/events.py`.
@Suite struct TensorBoardTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("References/events.py")

    /// 3 by 2 pixels of three channels.
    private static let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAH0lEQVR4AQEUAOv/AAABAgMEBQYHCAAAAQIDBAUGBwgCbABJ"
        + "MAuRbQAAAABJRU5ErkJggg=="

    @Test func theBytesAreTensorBoards() throws {
        let time = 1.75e9
        let long = String(repeating: "x", count: 200)
        let bytes =
            EventFile.version(at: time) + EventFile.scalars([("loss", 2.5)], step: 0, at: time)
            + EventFile.scalars([("loss", 0.125), ("accuracy", 0.9)], step: 300, at: time + 300)
            + EventFile.scalars(
                [("nothing", .nan), (long, 1e-3)], step: 10_000_000_000, at: time + 1e10)
        let picture = try PNGFile([UInt8](#require(Data(base64Encoded: Self.png))))
        #expect(picture.height == 2 && picture.width == 3 && picture.channels == 3)
        let all = bytes + EventFile.picture(picture, tag: "a picture", step: 12, at: time)
        let stored = try Data(contentsOf: Self.script.deletingPathExtension().appendingPathExtension("tfevents"))
        #expect([UInt8](stored) == all)
        // The check value of CRC-32C, of the catalogue's digits.
        #expect(EventFile.crc32c(Array("123456789".utf8)) == 0xe306_9283)
    }

    /// TensorBoard's reader finds every number of a training, where a Python that has it is on the path, or named by
    /// `TENSORBOARD_PYTHON`.
    @Test func tensorBoardReadsATraining() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path("runs/1")
        let random = RandomSource(seed: 3)
        let trainer = Trainer(
            Dense(3, 2, random), loss: .crossEntropy, optimizer: Adam(), metrics: [.accuracy],
            on: try Place.cpu.executor())
        let data = try TensorDataset(
            inputs: random.uniform([6, 3], bound: 1), targets: HostTensor([6], [0, 1, 0, 1, 1, 0] as [Int32]))
        var expected: [String: Double] = [:]
        var pictures: [String] = []
        func note(_ result: Trainer.Result, _ kind: String) {
            expected["accuracy/\(kind) \(trainer.step)"] = result.metric
            expected["loss/\(kind) \(trainer.step)"] = result.loss
        }
        for _ in 0..<2 {
            let log = try TensorBoardLog(folder: folder)
            let epoch = try trainer.fit(
                data, batchSize: 2, epochs: 1, progress: nil, test: data, callbacks: [log],
                afterStep: { note($0, "step") })
            note(epoch, "train")
            note(try trainer.evaluate(data), "test")
            try log.write(["own": 7], step: trainer.step)
            try log.write(
                PNGFile([UInt8](#require(Data(base64Encoded: Self.png)))), as: "a/picture", step: trainer.step)
            pictures.append("a/picture \(trainer.step) 2 3 \(Self.png)")
            expected["own \(trainer.step)"] = 7
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)

        let python = ProcessInfo.processInfo.environment["TENSORBOARD_PYTHON"] ?? "python3"
        guard try run(python, "-c", "import tensorboard").status == 0 else {
            print("TensorBoardTests: skipped reading back: \(python) has no tensorboard")
            return
        }
        let (status, text) = try run(python, Self.script.path, folder)
        #expect(status == 0)
        var found: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 3 { found["\(parts[0]) \(parts[1])"] = Double(parts[2]) }
        }
        #expect(text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("a/picture ") } == pictures)
        #expect(found.count == 2 * (3 * 2 + 2 + 2 + 1) && Set(found.keys) == Set(expected.keys))
        for (name, value) in expected {
            #expect(((found[name] ?? .nan) - value).magnitude <= 1e-6 * max(1, value.magnitude), "\(name)")
        }
    }

    private func run(_ arguments: String...) throws -> (status: Int32, text: String) {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    @Test func whatCannotBeWrittenIsAnError() throws {
        let temporary = try TemporaryFolder()
        let line: UInt = #line + 1
        let error = #expect(throws: GraphError.self) {
            try TensorBoardLog(folder: temporary.path("a"), everySteps: 0)
        }
        #expect(error?.location?.line == line)
        try Data().write(to: URL(fileURLWithPath: temporary.path("file")))
        #expect(throws: FileError.self) { try TensorBoardLog(folder: temporary.path("file")) }
    }
}
