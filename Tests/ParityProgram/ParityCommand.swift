import ArgumentParser
import Foundation
import OpenCLBackend
import ParityRunner
import TensorGraph
import TestSupport

/// `tessera-parity`: every case of every operation on every device, against the float64 reference.
@main
struct ParityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera-parity",
        abstract: "Hold every operation on every device against a float64 reference.")

    @Option(help: "Only cpu, opencl, opencl:N, or a part of a device's or platform's name; repeat for several.")
    var device: [String] = []
    @Option(help: "Only cases whose name contains this; repeat for several.")
    var filter: [String] = []
    @Option(
        help: """
            Which OpenCL kernels: cpu, gpu, both, all that any device would get, or matrix: those for matrix units, \
            emulated where need be.
            """)
    var kernels: ParityDevice.Kernels = .both
    @Option(help: "Do convolutions so where it fits: direct, winograd2 or winograd4; repeat for several.")
    var convolution: [ConvolutionAlgorithm] = []
    @Option(
        help:
            "Instead, check the kernels with other tuning values than the device's: values (each at least once), pairs or all."
    )
    var tuning: TuningCoverage?
    @Option(help: "With --tuning, only this family of kernels; repeat for several.")
    var family: [String] = []
    @Option(help: "Only in this type: float32, float64, float16 or bfloat16; repeat for several.")
    var type: [String] = []
    @Flag(help: "Build kernels of the shape that a CPU is not of without optimization, as the tests do.")
    var quick = false
    @Flag(help: "Leave out the large cases, as memory checkers need it.")
    var small = false
    @Flag(help: "Give every tensor memory of exactly its size, so that a memory checker sees every overrun.")
    var isolate = false
    @Flag(help: "Run the fewest and smallest cases that launch every kernel with every value of each of its macros.")
    var cover = false
    @Flag(help: "Run each plan once, not twice to compare the bits.")
    var once = false
    @Option(help: "Run only the k-th of n parts of the work, as k/n.")
    var part: Part = Part(index: 1, count: 1)
    @Flag(help: "Print the cases (with --tuning, the families) and devices, and run nothing.")
    var list = false
    @Flag(help: "Print how many programs the cases are built of, by the file of their kernels, and build none.")
    var programs = false
    @Flag(help: "Print each case as it runs, and how long it took.")
    var verbose = false
    @Flag(help: "Print OPERATIONS.md, the table of operations and devices, where all is well.")
    var markdown = false

    func validate() throws {
        if markdown, small || !filter.isEmpty || !device.isEmpty {
            throw ValidationError(
                "--markdown is about all cases on all devices: leave out --filter, --device and --small")
        }
    }

    func run() throws {
        let cases = OpCase.all.filter { opCase in
            (!small || !opCase.isLarge) && (kernels != .matrix || opCase.runsOnMatrixUnits)
                && (filter.isEmpty || filter.contains { opCase.name.contains($0) })
        }
        let all = try ParityDevice.all(
            kernels, convolutions: convolution.isEmpty ? [nil] : convolution,
            optimization: quick ? .ofItsOwnStyle : .always)
        for name in device where !all.contains(where: { $0.isMeant(by: name) }) {
            throw ValidationError("no device \(name). There is: \(all.map(\.name).joined(separator: "; "))")
        }
        for name in filter where !OpCase.all.contains(where: { $0.name.contains(name) }) {
            throw ValidationError("no case has \(name) in its name; --list prints them")
        }
        for name in family where TuningSpace.named(name) == nil {
            throw ValidationError("no family \(name). There is: \(TuningSpace.all.map(\.name).joined(separator: ", "))")
        }
        let devices = all.filter { candidate in device.isEmpty || device.contains { candidate.isMeant(by: $0) } }
        let types = try type.map { name in
            guard let dtype = DType(rawValue: name), dtype.isFloatingPoint else {
                throw ValidationError("there is no type \(name) to run cases in")
            }
            return dtype
        }
        let tasks = part.of(try tasks(cases, devices, types.isEmpty ? Parity.allTypes : types))
        if list {
            for device in devices { print("device  \(device)") }
            if tuning != nil {
                for space in TuningSpace.all { print("family  \(space.name)") }
                return
            }
            for task in tasks {
                print("case    \(task.opCase)\(task.opCase.isLarge ? "  (large)" : "")")
                if cover { for device in task.devices { print("        \(task.plans[0].rawValue) on \(device)") } }
            }
            return
        }
        if programs { return try countPrograms(cases, devices) }
        guard !devices.isEmpty, !cases.isEmpty else {
            throw ValidationError("no such \(devices.isEmpty ? "device" : "case"); --list prints what there is")
        }
        if devices.allSatisfy({ if case .cpu = $0.kind { true } else { false } }) {
            print("no OpenCL device: only the CPU path is checked")
        }
        if let tuning { return try check(tuning, cases, devices) }
        let parity = try Parity(
            devices: devices, types: types.isEmpty ? Parity.allTypes : types, isolatesTensors: isolate, runsTwice: !once
        )
        var outcomes: [Parity.Outcome] = []
        for (number, task) in tasks.enumerated() {
            if verbose { note("\(number + 1) of \(tasks.count): \(task.opCase)") }
            let began = ContinuousClock.now
            let results = parity.check(task)
            if verbose {
                note("    \((ContinuousClock.now - began).formatted(.units(allowed: [.seconds, .milliseconds])))")
            }
            for outcome in results where !outcome.complaints.isEmpty && !markdown {
                print("FAIL  \(outcome.opCase)  [\(outcome.device)]  \(outcome.complaints.joined(separator: "; "))")
            }
            outcomes += results
        }
        let failed = outcomes.count { !$0.complaints.isEmpty }
        if markdown {
            guard failed == 0 else { throw ValidationError("no table: \(failed) of \(outcomes.count) failed") }
            print(OperationPage(try OperationSupport(cases), devices: devices.map(\.name)).markdown, terminator: "")
        } else {
            print(OperationTable(outcomes, devices: devices.map(\.name)).summary, terminator: "")
        }
        note("\(outcomes.count - failed) passed, \(failed) failed")
        if failed > 0 { throw ExitCode(1) }
    }

    private func check(_ coverage: TuningCoverage, _ cases: [OpCase], _ devices: [ParityDevice]) throws {
        var failed = 0
        for device in devices {
            let parity = TuningParity(device, cases: cases, coverage: coverage, isolatesTensors: isolate)
            for outcome in try parity.check(families: family) {
                for complaint in outcome.complaints { print("FAIL  \(outcome.family)  [\(device)]  \(complaint)") }
                failed += outcome.complaints.count
                print("\(device), \(outcome.family): \(outcome.variants) variants on \(outcome.cases) cases")
            }
        }
        if failed > 0 { throw ExitCode(1) }
    }

    private func countPrograms(_ cases: [OpCase], _ devices: [ParityDevice]) throws {
        let programs = try KernelCoverage.programs(of: cases, on: devices)
        let counts = Dictionary(grouping: programs.keys, by: \.name).mapValues(\.count)
        for (name, count) in counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) { print(count, name) }
        print(programs.count, "programs,", Set(programs.values.joined()).count, "kernels")
    }

    private func tasks(_ cases: [OpCase], _ devices: [ParityDevice], _ types: [DType]) throws -> [ParityTask] {
        if cover, filter.isEmpty, part.index == 1 {
            let unreached = try KernelCoverage.unreached(by: OpCase.all)
            guard unreached.isEmpty else {
                throw ValidationError("no case launches \(unreached.joined(separator: ", "))")
            }
        }
        guard cover else {
            return cases.map { ParityTask(opCase: $0, plans: ParityPlan.of($0), devices: devices) }
        }
        let chosen = Dictionary(grouping: try KernelCoverage.cover(cases, on: devices, in: types), by: \.opCase.name)
        return cases.flatMap { chosen[$0.name] ?? [] }
    }

    /// Progress and totals, beside the table; at once, for whoever follows through a pipe.
    private func note(_ line: String) {
        markdown ? FileHandle.standardError.write(Data((line + "\n").utf8)) : print(line)
        fflush(nil)
    }
}

/// The k-th of n parts of a list, as near as may be of the same length.
struct Part: ExpressibleByArgument {
    let index: Int
    let count: Int

    init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

    init?(argument: String) {
        let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], index > 0, index <= count else {
            return nil
        }
        self.init(index: index, count: count)
    }

    func of<Element>(_ list: [Element]) -> [Element] {
        Array(list[(list.count * (index - 1) / count)..<(list.count * index / count)])
    }

    var defaultValueDescription: String { "\(index)/\(count)" }
}

extension ParityDevice.Kernels: ExpressibleByArgument {}
extension ConvolutionAlgorithm: ExpressibleByArgument {}
extension TuningCoverage: ExpressibleByArgument {}
