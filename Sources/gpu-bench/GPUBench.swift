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
            A case is written family:key=value,…, for example matmul:m=512,n=512,k=512,tb=1. The families are \
            \(BenchCase.families); a family alone is answered with its keys.

            A device is cpu (the path on BLAS), opencl (the best OpenCL device), opencl:N, or a part of a device's or \
            platform's name in any case.
            """,
        subcommands: [
            Run.self, Tune.self, Compare.self, Scale.self, Memory.self, Devices.self, TuneWorker.self,
        ])
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
        discussion: """
            A case is called slower or faster where its median time differs by more than the threshold, and also by more \
            than the spreads of both runs together. The spread is the distance between the quartiles of a run's times; for \
            rows without them (of peers and earlier versions) that between median and least. A difference beyond the \
            threshold but not beyond the spreads is noise: time more runs (gpu-bench run --runs) to tell.

            Exit status 1 where a case is slower, or fails where it did not.
            """)

    @Argument(help: "Rows of a run, as gpu-bench run --json writes them, or of a peer's program.") var old: String
    @Argument(help: "Rows of another run, to set beside them.") var new: String
    @Option(help: "The share by which a time may differ: 0.1 is a tenth.") var threshold = 0.1

    func validate() throws {
        guard threshold >= 0 else { throw ValidationError("The threshold cannot be negative.") }
    }

    func run() throws {
        let comparison = BenchComparison(
            try BenchRowFile.rows(atPath: old), try BenchRowFile.rows(atPath: new), threshold: threshold)
        guard !comparison.pairs.isEmpty else {
            throw BenchError(
                "\(old) and \(new) cannot be compared: \(comparison.advice)")
        }
        print(comparison.text(isColoured: Terminal.isColoured), terminator: "")
        if !comparison.regressions.isEmpty { throw ExitCode(1) }
    }
}
