import ArgumentParser
import BenchSupport
import Foundation
import Tessera

@main
struct GPUBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-bench",
        abstract: "Times the library's operations and training steps on each device, and checks what they compute.",
        discussion: """
            A case is written family:key=value,…, for example matmul:m=512,n=512,k=512,tb=1. The families are matmul, conv2d,
            attention, lstm, gru, softmax, layernorm, batchnorm2d, maxpool2d, reduce, chain and train. A device is cpu (the
            path on BLAS), opencl (the best OpenCL device), opencl:N, or a part of a device's or platform's name.
            """,
        subcommands: [Run.self, Tune.self, Compare.self, Scale.self, Devices.self, TuneWorker.self])
}

/// What there is to run on.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the devices that can be named.")

    func run() throws {
        for name in DeviceChoice.available { print(name) }
    }
}

/// Two result files side by side.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set two result files side by side: the ratio of times, above 1 where the second is faster.",
        discussion: "Exit status 1 where a case is slower by more than the threshold, or fails where it did not.")

    @Argument(help: "Rows of a run, as --json writes them, or of a peer's program.") var old: String
    @Argument(help: "Rows to set beside them.") var new: String
    @Option(help: "The share by which a time may grow.") var threshold = 0.1

    func validate() throws {
        guard threshold >= 0 else { throw ValidationError("The threshold cannot be negative.") }
    }

    func run() throws {
        let comparison = BenchComparison(
            try BenchRowFile.rows(atPath: old), try BenchRowFile.rows(atPath: new), threshold: threshold)
        guard !comparison.pairs.isEmpty else {
            throw BenchError(
                "\(old) and \(new) have no case and pass in common, on the same device or of a peer; there is nothing to compare"
            )
        }
        print(comparison.text(isColoured: Terminal.isColoured), terminator: "")
        if !comparison.regressions.isEmpty { throw ExitCode(1) }
    }
}
