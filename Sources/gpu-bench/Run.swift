import ArgumentParser
import BenchSupport
import Foundation
import Tessera

/// Times and checks cases.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run cases on devices and print a row for each.",
        discussion: "Exit status 1 where any row fails.")

    enum Passes: String, ExpressibleByArgument, CaseIterable {
        case fwd, fwdbwd, both

        var passes: [BenchPass] {
            switch self {
            case .fwd: [.fwd]
            case .fwdbwd: [.fwdbwd]
            case .both: BenchPass.allCases
            }
        }
    }

    @Option(help: "A list of cases. (default: quick, where no cases are given)") var suite: BenchSuite?
    @Option(help: .init("A file of cases, one a line.", valueName: "file")) var cases: String?
    @Option(name: .customLong("case"), help: "A case, as gpu-bench --help says; may be repeated.") var single:
        [String] = []
    @Option(
        help:
            "A device, as gpu-bench devices lists or a part of its name; may be repeated. (default: cpu, and opencl where there is one)"
    ) var device: [String] = []
    @Option(name: .customLong("pass"), help: "Forward, forward and backward, or both.") var chosen = Passes.both
    @Option(help: "Timed runs of each case, after at least two that are not.") var runs = 7
    @Option(help: "Milliseconds of runs before them; 0 for no more than two runs.") var warmUp = 150.0
    @Option(help: .init("Write the rows as JSON; to /dev/stdout, and all else to standard error.", valueName: "file"))
    var json: String?
    @Option(help: .init("Write a page with the table and a roofline for each device.", valueName: "file"))
    var html: String?
    @Option(
        help: .init(
            "Write inputs and results of every case but train as NumPy files in folders here.", valueName: "folder"))
    var dump: String?
    @Option(help: .init("Write when each kernel ran, for Perfetto or chrome://tracing.", valueName: "file"))
    var trace: String?
    @Flag(help: "Print where every node runs and why.") var explain = false
    @Flag(help: "Do not compare results with float64.") var noCheck = false
    @Flag(help: "Do not measure what the devices reach at best.") var noPeak = false

    func validate() throws {
        guard (1...10_000).contains(runs) else { throw ValidationError("--runs must be from 1 to 10000.") }
        guard (0...60_000).contains(warmUp) else { throw ValidationError("--warm-up must be from 0 to 60000.") }
    }

    func run() throws {
        let cases = try chosenCases()
        for path in [json, html, trace].compactMap({ $0 }) { try TextFile.checkWritable(path) }
        if let dump { try TextFile.makeFolder(dump) }
        let reports = Session.separated([json, html, trace])
        let devices = try Session.devices(device)
        for remark in devices.compactMap(\.tuningRemark) { Terminal.remark(remark) }
        if !noPeak { Session.measurePeaks(of: devices) }
        let peaks = devices.map(\.peak)

        var options = BenchRunner.Options()
        options.runs = runs
        options.warmUpTime = warmUp
        options.checks = !noCheck
        options.dump = dump
        options.takesTrace = trace != nil
        options.explains = explain
        var count = 0
        let total = cases.count * chosen.passes.count * devices.count
        let runner = BenchRunner(
            options, progress: { Terminal.progress("[\(count + 1)/\(total)] \($0) …") },
            remark: { text in
                Terminal.progress("")
                print(text)
            })
        let table = Table.results(cases, devices.map(\.label), isColoured: Terminal.isColoured)
        print(table.header)
        var rows: [BenchRow] = []
        let widest = chosen.passes.contains(.fwdbwd) ? BenchPass.fwdbwd : .fwd
        for benchCase in cases {
            for pass in chosen.passes {
                for device in devices {
                    let row = runner.run(benchCase, pass, on: device, widest: widest)
                    rows.append(row)
                    count += 1
                    Terminal.progress("")
                    print(table.line(row))
                    fflush(nil)
                }
            }
        }
        Session.judgeAgain(&rows, devices, peaks)
        try write(rows, devices, runner, to: reports)
        let failed = rows.filter(\.parity.hasFailed)
        if !failed.isEmpty {
            for row in failed where row.parity.cell != row.parity.text {
                Terminal.remark("\(row.benchCase) \(row.pass) on \(row.device): \(row.parity.text)")
            }
            Terminal.remark("\(failed.count) of \(rows.count) rows failed")
            throw ExitCode(1)
        }
    }

    private func chosenCases() throws -> [BenchCase] {
        var chosen: [BenchCase] = []
        if let suite { chosen += try suite.cases }
        if let cases {
            let text = try TextFile.read(cases)
            do {
                chosen += try BenchCase.parse(lines: text)
            } catch {
                throw BenchError("\(cases), \(error)")
            }
        }
        chosen += try single.map { try BenchCase($0) }
        if suite == nil, cases == nil, single.isEmpty { chosen = try BenchSuite.quick.cases }
        guard !chosen.isEmpty else { throw BenchError("\(cases ?? "") holds no cases: write one a line") }
        return chosen
    }

    /// - Parameter paths: of the rows, the page and the trace.
    private func write(
        _ rows: [BenchRow], _ devices: [BenchDevice], _ runner: BenchRunner, to paths: [String?]
    ) throws {
        let (json, html, trace) = (paths[0], paths[1], paths[2])
        if let json { try TextFile.write(BenchRowFile.text(rows), json) }
        if let trace, let recorded = runner.trace { try TextFile.write(recorded.chromeJSON(), trace) }
        if let html {
            let report = HTMLReport(
                rows: rows, devices: devices.map { .init(label: $0.label, name: $0.name, peak: $0.peak) },
                date: Session.date)
            try TextFile.write(report.text, html)
        }
    }
}

extension BenchSuite: ExpressibleByArgument {}
