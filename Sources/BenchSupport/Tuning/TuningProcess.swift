import Foundation

/// A ``TuningWorker`` in a process of its own, started when it is needed and again after it was lost.
final class TuningProcess {
    /// What came of a request.
    enum Reply {
        case answer(TuningMessage.Answer)
        /// The process ended: the driver crashed it.
        case crashed(String)
        /// It did not answer in time and was ended.
        case timedOut
        /// `isCancelled` said so; the process was ended.
        case cancelled
    }

    private let executable: String
    private let arguments: [String]
    private let environment: [String: String]
    private var process: Process?
    private var input: FileHandle?
    private var output: FileHandle?
    private var unread = Data()
    /// The task that the running process has answered for.
    private var answered: TuningTask?

    init(_ executable: String, _ arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    deinit { end() }

    /// Sends a request and waits for its answer.
    ///
    /// - Throws: where the process cannot be started.
    func ask(
        _ request: TuningMessage.Request, timeout: TimeInterval, isCancelled: () -> Bool
    ) throws -> Reply {
        if process?.isRunning != true { try start() }
        guard let process, let input, let output else { return .crashed("no process") }
        // A write to a process that has just ended fails; what it ended with is found below.
        try? input.write(contentsOf: TuningMessage.line(request))
        // Counted, not read off a clock: while this process is suspended, so is the other.
        var waited = 0.0
        while true {
            while let line = nextLine() {
                guard let answer = try? TuningMessage.read(TuningMessage.Answer.self, from: line) else { continue }
                answered = request.task
                return .answer(answer)
            }
            if isCancelled() {
                end()
                return .cancelled
            }
            guard waited < timeout else {
                end()
                return .timedOut
            }
            var wanted = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 50) > 0 else {
                waited += 0.05
                continue
            }
            let bytes = output.availableData
            guard !bytes.isEmpty else {
                // End of file: the process is gone or going.
                process.waitUntilExit()
                let status = process.terminationStatus
                let reason = process.terminationReason == .uncaughtSignal ? "signal \(status)" : "status \(status)"
                end()
                return .crashed(reason)
            }
            unread += bytes
        }
    }

    /// Whether the running process has this task's reference already.
    func hasAnswered(_ task: TuningTask) -> Bool { process?.isRunning == true && answered == task }

    private func nextLine() -> String? {
        guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = String(decoding: unread[unread.startIndex..<end], as: UTF8.self)
        unread = Data(unread[(end + 1)...])
        return line
    }

    private func start() throws {
        end()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = environment
        let (requests, answers) = (Pipe(), Pipe())
        process.standardInput = requests
        process.standardOutput = answers
        // What drivers print would break the progress line.
        process.standardError = FileHandle.nullDevice
        try process.run()
        // The child has its own ends; with ours of them open, its end would not show.
        try? answers.fileHandleForWriting.close()
        try? requests.fileHandleForReading.close()
        self.process = process
        input = requests.fileHandleForWriting
        output = answers.fileHandleForReading
    }

    /// Ends the process, whatever it is doing. A process that a driver holds in the kernel is left to the system.
    func end() {
        if let process {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            for _ in 0..<200 where process.isRunning { usleep(10_000) }
            // Only this makes Foundation let go of a process.
            if !process.isRunning { process.waitUntilExit() }
        }
        try? input?.close()
        try? output?.close()
        process = nil
        input = nil
        output = nil
        answered = nil
        unread = Data()
    }
}
