import ArgumentParser
import BenchSupport
import Foundation
import OpenCLBackend
import Synchronization

/// Finds the best tuning values for the kernels of a device.
struct Tune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Find the tuning parameters (tiles, vectors, shares of work) that make the kernels of a device fastest.",
        discussion: """
            Each candidate is built, checked against float64 and timed in another process, so that a driver that crashes \
            or hangs costs that candidate alone. What is found is written as it comes to the file that every program of \
            the library reads ($TESSERA_TUNING, else tuning.json in the folder of cached programs). Stop it at any time \
            with Ctrl-C; the next run goes on from there.

            Families: \(TuningSpace.all.map(\.name).joined(separator: ", ")).
            """)

    @Option(help: "A family of kernels; may be repeated. (default: all)") var family: [String] = []
    @Option(help: "opencl (the best OpenCL device), opencl:N, or a part of a device's or platform's name.") var device =
        "opencl"
    @Option(help: "How many minutes at most.") var minutes = 9.0
    @Option(
        name: .customLong("case"), help: "Tune for this case of yours; may be repeated. (default: a list of its own)")
    var cases: [String] = []
    @Option(help: .init("The file of results. (default: the one that programs read)", valueName: "file")) var output:
        String?
    @Option(help: "Seconds for one candidate to be built, checked and timed.") var candidateTimeout = 30.0
    @Flag(help: "Search again where a search came to its end before.") var again = false
    @Option(help: .hidden) var kernels: Kernels?

    enum Kernels: String, ExpressibleByArgument, CaseIterable {
        case cpu, gpu
        var style: DeviceProfile.KernelStyle { self == .cpu ? .cpu : .gpu }
    }

    func validate() throws {
        guard minutes > 0, minutes <= 10_000 else { throw ValidationError("--minutes must be from 0 to 10000.") }
        guard candidateTimeout >= 1 else { throw ValidationError("--candidate-timeout must be at least 1.") }
        if let stranger = family.first(where: { TuningSpace.named($0) == nil }) {
            let names = TuningSpace.all.map(\.name).joined(separator: ", ")
            throw ValidationError("There is no family \(stranger); there are \(names).")
        }
    }

    func run() throws {
        guard let path = output ?? TuningDatabase.userPath() else {
            throw BenchError("there is no folder for the results: give --output")
        }
        try TuningDatabase.prepare(path: path)
        let openCL = try BenchDevice.openCLDevice(device)
        let chosen = cases.isEmpty ? try BenchSuite.tuning.cases : try cases.map { try BenchCase($0) }
        Terminal.progress("listing the problems …")
        let tasks = try TuningTask.tasks(
            of: TuningTask.nodes(of: chosen), families: Set(family), on: DeviceProfile(openCL, style: kernels?.style))
        Terminal.progress("")
        guard !tasks.isEmpty else { throw BenchError("these cases use none of these families on \(openCL.name)") }
        print(
            "\(openCL.name) (\(openCL.platform.name)): \(tasks.count) problems, \(Figure.number(minutes)) minutes at most"
        )
        print("results go to \(path)")

        let stop = StopRequest()
        defer { stop.end() }
        var options = Tuner.Options()
        options.duration = minutes * 60
        options.candidateTimeout = { [candidateTimeout] _ in candidateTimeout }
        options.again = again
        let tuner = Tuner(
            openCL, style: kernels?.style, path: path, options: options,
            executable: Bundle.main.executablePath ?? CommandLine.arguments[0],
            arguments: ["tune-worker", "--device", device] + (kernels.map { ["--kernels", $0.rawValue] } ?? []),
            progress: show, isStopped: { stop.isRequested })
        let table = Table.tuning(tasks, isColoured: Terminal.isColoured)
        let rows = try tuner.run(tasks)
        Terminal.progress("")
        print(table.header)
        for row in rows { print(table.line(row)) }
        report(rows, of: tasks.count, wasStopped: stop.isRequested)
        if stop.isRequested { throw ExitCode(130) }
    }

    private func show(_ progress: Tuner.Progress) {
        let share = min(1, progress.elapsed / max(progress.duration, 1))
        let width = 20
        let bar = String(repeating: "█", count: Int(share * Double(width)))
        let rest = String(repeating: "░", count: width - bar.count)
        let left = max(0, Int(progress.duration - progress.elapsed))
        var best = ""
        if let now = progress.bestMs, let standard = progress.standardMs {
            best = "best \(Figure.number(now)) ms (\(Figure.ratio(standard / now)))  "
        }
        let seconds = left % 60 < 10 ? "0\(left % 60)" : "\(left % 60)"
        Terminal.progress(
            "\(bar)\(rest) \(left / 60):\(seconds) left  \(progress.place)/\(progress.count) \(progress.task.family)  "
                + "\(best)candidate \(progress.candidates)")
    }

    private func report(_ rows: [TuningRow], of count: Int, wasStopped: Bool) {
        let families = TuningSpace.all.map(\.name).filter { name in rows.contains { $0.task.family == name } }
        for family in families {
            let gains = rows.filter { $0.task.family == family }.compactMap(\.gain)
            print("\(family): \(Figure.ratio(geometricMean(gains))) over \(gains.count) problems")
        }
        print("all: \(Figure.ratio(geometricMean(rows.compactMap(\.gain))))")
        let faults = Dictionary(rows.flatMap { Array($0.faults) }) { $0 + $1 }
        for (fault, number) in faults.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let reason = rows.lazy.compactMap { $0.reasons[fault] }.first.map { ", the first: \($0)" } ?? ""
            print("\(number) candidates \(fault.rawValue)\(reason)")
        }
        let open = rows.count { $0.state == .unfinished } + count - rows.count
        if open > 0 { print("\(open) of \(count) problems are not searched to the end: the next run goes on there") }
    }
}

/// The tuner's other process.
struct TuneWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune-worker", abstract: "Measures candidates for gpu-bench tune.", shouldDisplay: false)

    @Option var device: String
    @Option var kernels: Tune.Kernels?

    func run() throws {
        try TuningWorker(
            device: try BenchDevice.openCLDevice(device), style: kernels?.style,
            tuningPath: TuningDatabase.userPath()
        ).run()
    }
}

/// Ctrl-C, noted instead of obeyed at once. The worker inherits that it is ignored.
private struct StopRequest {
    private final class Flag: Sendable {
        let isSet = Mutex(false)
    }

    private let flag = Flag()
    private let source: any DispatchSourceSignal

    var isRequested: Bool { flag.isSet.withLock { $0 } }

    init() {
        signal(SIGINT, SIG_IGN)
        // A worker that has just crashed is written to once more.
        signal(SIGPIPE, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [flag] in flag.isSet.withLock { $0 = true } }
        source.resume()
    }

    func end() {
        source.cancel()
        signal(SIGINT, SIG_DFL)
    }
}
