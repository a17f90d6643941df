import Foundation

/// The King James Bible, verse by verse, as the program of Debian's `bible-kjv` prints it.
enum BibleText {
    static let program = "/usr/bin/bible"

    /// All verses, each on a line, without their numbers.
    ///
    /// - Throws: ``ExampleFailure`` where the program is not there or does not print them.
    static func read() throws -> [UInt8] {
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ExampleFailure(
                "there is no \(program), which prints the text to learn from: install the package bible-kjv, or give "
                    + "--data a text file or a folder of some")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-f", "ge1:1-re22:21"]
        let output = Pipe()
        (process.standardInput, process.standardOutput) = (FileHandle.nullDevice, output)
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0, bytes.count > 1_000_000 else {
            throw ExampleFailure("\(program) printed \(bytes.count) bytes, which is not the whole text")
        }
        // “Ge1:1 In the beginning …”
        return bytes.split(separator: 10).flatMap { line in
            line.drop { $0 != 32 }.dropFirst() + [10]
        }
    }
}
