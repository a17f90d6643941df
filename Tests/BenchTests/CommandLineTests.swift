import Foundation
import Testing

@testable import BenchSupport

/// `gpu-bench` as a person runs it.
@Suite struct CommandLineTests {
    private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("gpu-bench").path
    private static let small = "run --case softmax:rows=3,cols=4 --pass fwd --device cpu --runs 2 --warm-up 0 --no-peak"

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cli-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    /// A line of a shell, `$b` being the program and `$f` a folder; its status, output and errors.
    private func shell(_ line: String) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line]
        process.environment = ProcessInfo.processInfo.environment.merging(["b": Self.program, "f": folder]) { $1 }
        let (output, errors) = (folder + "/output", folder + "/errors")
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        process.waitUntilExit()
        let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return (
            status, try String(contentsOfFile: output, encoding: .utf8),
            try String(contentsOfFile: errors, encoding: .utf8)
        )
    }

    /// To a file behind a link, to a redirected descriptor, into a pipe, and nowhere.
    @Test func reportsGoWhereTheyAreSent() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try shell(
            """
            ln -s rows.json $f/link && $b \(Self.small) --json $f/link && test -L $f/link &&
            $b \(Self.small) --json /dev/stdout > $f/all && $b \(Self.small) --json /dev/stdout | cat > $f/piped &&
            $b \(Self.small) --json /dev/null --html /dev/null
            """)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try BenchRowFile.rows(atPath: folder + "/rows.json").count == 1)
        for name in ["all", "piped"] {
            let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
            // The report alone: the table went to standard error.
            #expect(text.hasPrefix("[\n{"))
            #expect(try BenchRowFile.rows(text).count == 1)
        }
        #expect(run.errors.contains("parity"))
    }

    /// No more than nothing may be written: an error, no signal, and no file left.
    @Test func aFileBeyondTheLimitIsAnError() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try shell(
            "mkdir $f/sub; { ulimit -f 0; $b \(Self.small) --json $f/sub/rows.json; } 2>&1 | cat >&2; ls -A $f/sub")
        #expect(run.errors.contains("rows.json: cannot be written: File too large"), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test func comparingSaysWhatToDo() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var row = BenchRow(benchCase: "a", pass: "fwd", device: "cpu", parity: .ok)
        (row.ms, row.quartilesMs) = (10, 9.9...10.1)
        try TextFile.write(BenchRowFile.text([row]), folder + "/old")
        (row.ms, row.quartilesMs) = (12, 10...14)
        try TextFile.write(BenchRowFile.text([row]), folder + "/noisy")
        (row.ms, row.quartilesMs) = (12, 11.9...12.1)
        try TextFile.write(BenchRowFile.text([row]), folder + "/slower")
        row.benchCase = "b"
        try TextFile.write(BenchRowFile.text([row]), folder + "/other")
        try TextFile.write("a text", folder + "/text")
        #expect(try shell("$b compare $f/old $f/noisy").status == 0)
        #expect(try shell("$b compare $f/old $f/slower").status == 1)
        #expect(try shell("$b compare $f/slower $f/old").status == 0)
        for (new, message) in [
            ("other", "the same --suite or --case"), ("text", "gpu-bench run --json FILE writes"),
            ("none", "there is no such file"), ("", "it is a folder"),
        ] {
            let run = try shell("$b compare $f/old $f/\(new)")
            #expect(run.status != 0 && run.errors.contains(message), "\(run.errors)")
        }
    }

    /// No help shows a number that stands for something else.
    @Test(arguments: ["", "run", "scale", "tune", "compare", "devices"]) func helpIsForPeople(_ command: String) throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try shell("$b \(command) --help")
        #expect(run.status == 0 && !run.output.contains("9223372036854775807") && !run.output.contains("nil"))
    }
}
