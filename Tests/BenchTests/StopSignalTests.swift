import Foundation
import Testing

/// An example that is asked to end while it trains.
@Suite struct StopSignalTests {
    private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("tiny-gan").path

    /// Ends after the step that runs, with a checkpoint that goes on, and the exit status of a program that a signal ended.
    @Test(.timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM]) func aSignalEndsTheTrainingWithACheckpoint(
        _ signal: Int32
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("stop-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let checkpoint = "\(folder)/stopped.safetensors"
        func start(_ arguments: String...) throws -> (process: Process, output: FileHandle) {
            let (process, output) = (Process(), Pipe())
            process.executableURL = URL(fileURLWithPath: Self.program)
            process.arguments = ["--device", "cpu"] + arguments
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            return (process, output.fileHandleForReading)
        }
        let (process, output) = try start("--epochs", "100000", "--save", checkpoint)
        var text = ""
        while !text.contains("first step") {
            let data = output.availableData
            guard !data.isEmpty else { break }
            text += String(decoding: data, as: UTF8.self)
        }
        #expect(text.contains("first step"))
        kill(process.processIdentifier, signal)
        text += String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal, "\(text)")
        let step = try #require(text.firstMatch(of: /stopped at step (\d+), saved/).flatMap { Int($0.1) }, "\(text)")
        #expect(step >= 1)

        let rest = try start("--epochs", "100000", "--load", checkpoint, "--steps", "\(step + 2)")
        let whole = String(decoding: rest.output.readDataToEndOfFile(), as: UTF8.self)
        rest.process.waitUntilExit()
        #expect(rest.process.terminationStatus == 0)
        #expect(whole.contains("at step \(step)\n") && whole.contains("trained to step \(step + 2) "), "\(whole)")
    }
}
