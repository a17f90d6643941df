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

    enum Kernels: String, ExpressibleByArgument, CaseIterable {
        case cpu, gpu, both, matrix

        var shapes: [DeviceProfile.KernelShape] {
            switch self {
            case .cpu: [.cpu]
            case .gpu: [.gpu]
            case .both: [.cpu, .gpu]
            case .matrix: []
            }
        }
    }

    @Option(help: "Only `cpu`, `opencl`, or devices whose name contains this; repeat for several.")
    var device: [String] = []
    @Option(help: "Only cases whose name contains this; repeat for several.")
    var filter: [String] = []
    @Option(help: "Which OpenCL kernels: cpu, gpu or both shapes, or those for matrix units, emulated where need be.")
    var kernels: Kernels = .both
    @Option(help: "Do convolutions so where it fits: direct, winograd2 or winograd4; repeat for several.")
    var convolution: [ConvolutionAlgorithm] = []
    @Option(
        help:
            "Instead, check the kernels with other numbers than the device's: values (each at least once), pairs or all."
    )
    var tuning: TuningCoverage?
    @Option(help: "With --tuning, only this family of kernels; repeat for several.")
    var family: [String] = []
    @Option(help: "Only in this type: float32, float64, float16 or bfloat16; repeat for several.")
    var type: [String] = []
    @Flag(help: "Leave out the large cases, as memory checkers need it.")
    var small = false
    @Flag(help: "Give every tensor memory of exactly its size, so that a memory checker sees every overrun.")
    var isolate = false
    @Flag(help: "Print the cases and devices, and run nothing.")
    var list = false
    @Flag(help: "Print each case as it runs.")
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
        let all =
            kernels == .matrix
            ? try ParityDevice.allWithMatrixUnits()
            : try ParityDevice.all(shapes: kernels.shapes, convolutions: convolution.isEmpty ? [nil] : convolution)
        let devices = all.filter { candidate in
            device.isEmpty || device.contains { candidate.isMeant(by: $0) }
        }
        if list {
            for device in devices { print("device  \(device)") }
            for opCase in cases { print("case    \(opCase)\(opCase.isLarge ? "  (large)" : "")") }
            return
        }
        guard !devices.isEmpty, !cases.isEmpty else {
            throw ValidationError("no such \(devices.isEmpty ? "device" : "case"); --list prints what there is")
        }
        if devices.allSatisfy({ if case .cpu = $0.kind { true } else { false } }) {
            print("no OpenCL device: only the CPU path is checked")
        }
        if let tuning { return try check(tuning, cases, devices) }
        let types = try type.map { name in
            guard let dtype = DType(rawValue: name), dtype.isFloatingPoint else {
                throw ValidationError("there is no type \(name) to run cases in")
            }
            return dtype
        }
        let parity = try Parity(
            devices: devices, types: types.isEmpty ? [.float32, .float64, .float16, .bfloat16] : types,
            isolatesTensors: isolate)
        var outcomes: [Parity.Outcome] = []
        for opCase in cases {
            if verbose { note("\(opCase)") }
            let results = parity.check(opCase)
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

    /// Progress and totals, beside the table.
    private func note(_ line: String) {
        markdown ? FileHandle.standardError.write(Data((line + "\n").utf8)) : print(line)
    }
}

extension ConvolutionAlgorithm: ExpressibleByArgument {}
extension TuningCoverage: ExpressibleByArgument {}
