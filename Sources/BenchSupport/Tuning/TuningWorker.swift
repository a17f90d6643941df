import Foundation
import OpenCL
import OpenCLBackend
import Synchronization

/// The tuner's other process: it runs the candidates, so that whatever a driver does, it does it here.
///
/// Requests come on standard input and answers go to standard output (``TuningMessage``). The end of its input ends the
/// process at once, even where a driver never returns: nothing is left behind when the tuner is gone.
package struct TuningWorker {
    private let device: Device
    private let style: DeviceProfile.KernelStyle?
    private let tuningPath: String?

    /// - Parameter tuningPath: the file of results for the families that are not being tuned.
    package init(device: Device, style: DeviceProfile.KernelStyle?, tuningPath: String?) {
        self.device = device
        self.style = style
        self.tuningPath = tuningPath
    }

    package func run() throws {
        let lines = LineQueue()
        Thread.detachNewThread {
            while let line = readLine() { lines.add(line) }
            _exit(0)
        }
        var trial: TuningTrial?
        while true {
            guard let request = try TuningMessage.read(TuningMessage.Request.self, from: lines.next()) else { continue }
            let answer: TuningMessage.Answer
            do {
                answer = try self.answer(request, &trial)
            } catch {
                answer = TuningMessage.Answer(failure: "\(error)".split(separator: "\n").joined(separator: " "))
                // A context that has seen an error is not to be trusted with the next candidate.
                if !(error is TuningTrial.Failure) { trial = nil }
            }
            try FileHandle.standardOutput.write(contentsOf: TuningMessage.line(answer))
        }
    }

    private func answer(
        _ request: TuningMessage.Request, _ trial: inout TuningTrial?
    ) throws -> TuningMessage.Answer {
        guard let candidate = TuningValues(names: request.candidate) else {
            throw TuningTrial.Failure(description: "parameters with unknown names")
        }
        let current: TuningTrial
        if let trial, trial.task == request.task {
            current = trial
        } else {
            trial = nil
            let table = TuningTable.of(TunedDevice(device), userPath: tuningPath).table
            current = try TuningTrial(request.task, on: device, style: style, table: table)
            trial = current
        }
        let duel = try current.duel(
            candidate, against: request.incumbent.flatMap { TuningValues(names: $0) }, rounds: request.rounds)
        return TuningMessage.Answer(ms: duel.candidate, incumbentMs: duel.incumbent, ratio: duel.ratio)
    }
}

/// Lines from one thread to another.
private final class LineQueue: Sendable {
    private let lines = Mutex<[String]>([])
    private let count = DispatchSemaphore(value: 0)

    func add(_ line: String) {
        lines.withLock { $0.append(line) }
        count.signal()
    }

    func next() -> String {
        count.wait()
        return lines.withLock { $0.removeFirst() }
    }
}
