import Execution
import Foundation
import TensorGraph

/// The time that a kernel, or an operation of the CPU path, took in one run, all its launches together.
package struct KernelTime: Codable, Hashable, Sendable {
    package var name: String
    package var ms: Double

    /// By name, longest first.
    static func sums(of events: [Trace.Event]) -> [KernelTime] {
        var times: [String: Double] = [:]
        for event in events { times[event.name, default: 0] += Double(event.duration) / 1e6 }
        return times.map { KernelTime(name: $0, ms: $1) }.sorted { ($0.ms, $1.name) > ($1.ms, $0.name) }
    }
}

/// Runs cases on devices and judges the results.
package final class BenchRunner {
    package struct Options: Sendable {
        package var runs = 7
        package var warmUps = 2
        /// The least time of untimed runs of a case, in milliseconds.
        package var warmUpTime = 150.0
        /// Whether results are compared with float64.
        package var checks = true
        /// Where inputs and results are written, if anywhere.
        package var dump: String?
        package var takesTrace = false
        /// Whether one more run of each case says where its time goes.
        package var timesKernels = false
        package var explains = false

        package init() {}
    }

    private let options: Options
    /// Called with what is being done, for a progress line.
    private let progress: (String) -> Void
    /// Called with text to print, such as an explanation.
    private let remark: (String) -> Void
    package let trace: Trace?
    /// Where the time of the last case went, with ``Options/timesKernels``: longest first.
    package private(set) var kernels: [KernelTime] = []
    private var reference: (benchCase: BenchCase, pass: BenchPass, value: CaseReference)?
    private var cpuTimes: [String: Double] = [:]

    package init(
        _ options: Options, progress: @escaping (String) -> Void = { _ in },
        remark: @escaping (String) -> Void = { _ in }
    ) {
        self.options = options
        self.progress = progress
        self.remark = remark
        trace = options.takesTrace ? Trace() : nil
    }

    /// Runs one case and pass on one device. What goes wrong is in the row.
    ///
    /// - Parameter widest: the pass that the reference should be computed for, so that it serves the others too.
    package func run(_ benchCase: BenchCase, _ pass: BenchPass, on device: BenchDevice, widest: BenchPass) -> BenchRow {
        var row = BenchRow(benchCase: benchCase.text, pass: pass.rawValue, device: device.label, parity: .ok)
        row.deviceName = device.name
        kernels = []
        do {
            try run(benchCase, pass, on: device, widest: widest, &row)
        } catch {
            // Lines of the benchmark's own say nothing to whoever wrote the case.
            row.parity = .failed("\(error)".replacing(#/ at BenchSupport/\S+\.swift:\d+/#, with: ""))
            device.reopen()
        }
        return row
    }

    private func run(
        _ benchCase: BenchCase, _ pass: BenchPass, on device: BenchDevice, widest: BenchPass, _ row: inout BenchRow
    ) throws {
        progress("\(benchCase) \(pass.rawValue) on \(device.label)")
        let program = try CaseProgram(benchCase, pass)
        let executor = try device.makeExecutor(allowsTF32: benchCase.type == .tf32)
        // The operands of a single operation are anyone's tensors; only a network has parameters to be packed once.
        let plan = try executor.compile(
            program.graph, outputs: [], updates: program.updates, packsWeightsOnce: benchCase.family == .train,
            changing: program.batch, checksIndices: false)
        if options.explains { remark("\(benchCase) \(pass.rawValue) on \(device.label)\n" + plan.explain()) }
        let elsewhere = device.isCPU ? [] : plan.nodesElsewhere

        // A kernel may leave a new process's threads on one core for its first tenth of a second. Training goes on from
        // where it is: it gets just the steps that the reference takes.
        var (warmUps, spent) = (0, 0.0)
        while warmUps < options.warmUps || (program.loss == nil && spent < options.warmUpTime) {
            spent += try Stopwatch.milliseconds { _ = try executor.run(plan) }
            warmUps += 1
        }
        let times = try (0..<options.runs).map { _ in try Stopwatch.milliseconds { _ = try executor.run(plan) } }
        let timing = Timing(times)
        let accuracy = plan.accuracyClasses
        row.accuracy = AccuracyClass.allCases.filter(accuracy.contains)
        fill(&row, timing, program, device, canBeatPeak: accuracy != [.direct] || benchCase.type != .f32)

        if options.checks {
            let error = try reference(benchCase, pass, widest).error(of: program, in: executor)
            row.error = error.normwise
            if !error.isWithin(program.loss == nil ? benchCase.type.limit : .trainingLimit) {
                row.parity = .failed(
                    "error \(Figure.scientific(error.normwise)), at worst \(Figure.scientific(error.peak))")
            }
        } else {
            row.parity = .notChecked
        }
        if !elsewhere.isEmpty {
            row.parity = .failed("not all on the device: " + elsewhere.joined(separator: "; "))
        }
        if let trace { _ = try executor.run(plan, trace: trace) }
        if options.timesKernels {
            let trace = Trace()
            _ = try executor.run(plan, trace: trace)
            kernels = KernelTime.sums(of: trace.events)
        }
        if let dump = options.dump, benchCase.family != .train {
            try CaseDump.write(program, row, executor, to: dump)
        }
    }

    private func fill(
        _ row: inout BenchRow, _ timing: Timing, _ program: CaseProgram, _ device: BenchDevice, canBeatPeak: Bool
    ) {
        row.ms = timing.median
        row.minimumMs = timing.minimum
        row.quartilesMs = timing.quartiles
        if program.flops > 0 { row.gflops = program.flops / timing.median / 1e6 }
        if program.bytes > 0 { row.intensity = program.flops / program.bytes }
        // Winograd's method does fewer operations than are counted, and matrix units more than float32 has: either may
        // well be above the peak.
        if !canBeatPeak { device.correctPeak(reached: program.flops / timing.minimum / 1e6) }
        row.judge(by: device.peak)
        let key = "\(row.benchCase) \(row.pass)"
        if device.isCPU { cpuTimes[key] = timing.median }
        if let cpu = cpuTimes[key] { row.speedup = cpu / timing.median }
    }

    private func reference(_ benchCase: BenchCase, _ pass: BenchPass, _ widest: BenchPass) throws -> CaseReference {
        // The outputs are the same either way, but of a training step, which moves on.
        let wanted = benchCase.family == .train ? pass : widest
        if let reference, reference.benchCase == benchCase, reference.pass == wanted { return reference.value }
        progress("\(benchCase) in float64")
        let value = try CaseReference(benchCase, wanted, steps: options.warmUps + options.runs)
        reference = (benchCase, wanted, value)
        return value
    }
}

extension Plan {
    /// What the device left to the CPU path, with its reasons.
    var nodesElsewhere: [String] {
        guard let schedule = deviceSchedule else { return ["no device"] }
        var reasons: [String] = []
        for (node, choice) in zip(schedule.computation.nodes, schedule.placement.choices) {
            guard let choice, choice.backend != 0 else { continue }
            let reason = "\(node.op.name): \(choice.refusals.map(\.reason).joined(separator: ", "))"
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons
    }
}
