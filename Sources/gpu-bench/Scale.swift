import ArgumentParser
import BenchSupport
import Foundation
import Tessera

/// Cases at growing sizes.
struct Scale: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how cost grows with size, and draw it beside what the device allows.",
        discussion: """
            Matrix products, attention and training steps of fashion-cnn at growing sizes. With --svg the folder gets a \
            picture for each, a page README.md that shows them and says where a curve leaves the roof and why, and \
            results.json, from which --from draws them again. Sizes that a time limit leaves no time for are passed over. \
            Exit status 1 where a row fails.
            """)

    @Option(
        help:
            "A device, as gpu-bench devices lists or a part of its name; may be repeated. (default: cpu, and opencl where there is one)"
    ) var device: [String] = []
    @Option(help: "What grows; may be repeated. (default: all)") var sweep: [ScaleSweep] = []
    @Option(help: "The greatest size to run. (default: no limit)") var limit: Int?
    @Option(help: "Begin nothing new after so many minutes.") var minutes = 10.0
    @Option(help: "Timed runs of each case, after two that are not.") var runs = 5
    @Flag(help: "Do not compare results with float64.") var noCheck = false
    @Option(help: .init("Write pictures, a page and the results into this folder.", valueName: "folder")) var svg:
        String?
    @Option(help: .init("Write the same as one page.", valueName: "file")) var html: String?
    @Option(help: .init("Measure nothing: draw the results in this file again.", valueName: "file")) var from: String?

    func validate() throws {
        guard (1...10_000).contains(runs) else { throw ValidationError("--runs must be from 1 to 10000.") }
        guard minutes > 0 else { throw ValidationError("--minutes must be more than 0.") }
        guard limit ?? 1 > 0 else { throw ValidationError("--limit must be at least 1.") }
        if from != nil, svg == nil, html == nil {
            throw ValidationError("--from needs --svg or --html, where to draw.")
        }
    }

    func run() throws {
        if let svg {
            try TextFile.makeFolder(svg)
            try TextFile.checkWritable(svg + "/results.json")
        }
        if let html { try TextFile.checkWritable(html) }
        let html = Session.separated([html])[0]
        let result = try from.map { try ScaleResult(contentsOfFile: $0) } ?? measure()
        if let svg {
            try write(result, to: svg)
            Terminal.remark("wrote \(svg)/README.md with its pictures")
        }
        if let html { try TextFile.write(result.html, html) }
        if result.points.contains(where: { $0.row.parity.hasFailed }) { throw ExitCode(1) }
    }

    private func measure() throws -> ScaleResult {
        let cases = try (sweep.isEmpty ? ScaleSweep.allCases : sweep).flatMap { sweep in
            try sweep.sizes.filter { $0 <= limit ?? .max }.map { (sweep, $0, try sweep.benchCase($0)) }
        }
        guard !cases.isEmpty else { throw BenchError("no size is within --limit \(limit ?? 0)") }
        let start = ContinuousClock.now
        let devices = try Session.devices(device)
        Session.measurePeaks(of: devices)
        guard devices.allSatisfy({ $0.peak != nil }) else {
            throw BenchError("without a measured peak there is no roof to draw")
        }
        var points: [ScaleResult.Point] = []

        var options = BenchRunner.Options()
        options.runs = runs
        options.checks = !noCheck
        options.timesKernels = true
        let total = cases.count * BenchPass.allCases.count * devices.count
        let runner = BenchRunner(
            options, progress: { Terminal.progress("[\(points.count + 1)/\(total)] \($0) …") })
        let table = Table.results(cases.map(\.2), devices.map(\.label), isColoured: Terminal.isColoured)
        print(table.header)
        var skipped: [String] = []
        for (sweep, size, benchCase) in cases {
            for pass in BenchPass.allCases {
                for device in devices {
                    guard (ContinuousClock.now - start) / .seconds(60) < minutes else {
                        skipped.append("\(benchCase) \(pass.rawValue) \(device.label)")
                        continue
                    }
                    let row = runner.run(benchCase, pass, on: device, widest: .fwdbwd)
                    points.append(.init(sweep: sweep, size: size, row: row, kernels: runner.kernels))
                    Terminal.progress("")
                    print(table.line(row))
                    fflush(nil)
                }
            }
        }
        if !skipped.isEmpty {
            Terminal.remark("after \(minutes) minutes these were passed over: " + skipped.joined(separator: "; "))
        }
        // Drawn with the peaks as they are known at the end: a case may have shown that one was measured too low.
        return ScaleResult(
            date: Session.date,
            devices: devices.compactMap { device in
                device.peak.map { .init(label: device.label, name: device.name, peak: $0) }
            }, points: points)
    }

    private func write(_ result: ScaleResult, to folder: String) throws {
        try TextFile.write(result.json, folder + "/results.json")
        for sweep in ScaleSweep.allCases where result.points.contains(where: { $0.sweep == sweep }) {
            try TextFile.write(
                ScalePlot(sweep, result, style: .file).svg + "\n", "\(folder)/\(sweep.rawValue).svg")
        }
        try TextFile.write(result.markdown(command: "gpu-bench scale"), folder + "/README.md")
    }
}

extension ScaleSweep: ExpressibleByArgument {}
