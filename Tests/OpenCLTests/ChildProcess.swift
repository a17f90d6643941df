import Foundation

/// A program run to its end, for what depends on the environment that the OpenCL loader reads when it starts.
struct ChildProcess {
    var output: String
    var errors: String
    /// Exit status, or the negative of the signal that ended it.
    var status: Int32

    struct Missing: Error, CustomStringConvertible {
        var path: String
        var description: String { "\(path) is not built" }
    }

    /// Runs an executable of this package: they lie beside the tests' own.
    init(_ name: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        try self.init(path: Self.folder.appendingPathComponent(name).path, arguments, environment: environment)
    }

    /// Where the executables are that were built together with the tests.
    static let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()

    init(path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing(path: path) }
        let scratch = try TemporaryDirectory()
        // Files rather than pipes: nothing blocks however much is printed.
        let outputPath = scratch.path + "/output"
        let errorPath = scratch.path + "/errors"
        for file in [outputPath, errorPath] { try Data().write(to: URL(fileURLWithPath: file)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
        try process.run()
        process.waitUntilExit()
        output = try String(contentsOfFile: outputPath, encoding: .utf8)
        errors = try String(contentsOfFile: errorPath, encoding: .utf8)
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}
