import ArgumentParser
import BenchSupport
import Foundation
import Tessera

/// The memory of training steps.
struct Memory: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what a training step takes of memory.",
        discussion: """
            One line of JSON: the bytes that the plan says it takes on the device, those of arenas among them, and by how much the \
            resident set of this process has grown at most. One case a process, as a process keeps what it had. A first run \
            compiles kernels, which takes memory of its own: measure the second.
            """)

    @Option(help: "A case of the family train.") var `case`: String
    @Option(help: "A device, as gpu-bench devices lists or a part of its name.") var device = "opencl"
    @Option(help: "How many steps to run.") var steps = 5

    func validate() throws {
        guard (1...10_000).contains(steps) else { throw ValidationError("--steps must be from 1 to 10000.") }
    }

    func run() throws {
        let use = try MemoryUse(BenchCase(self.case), on: Session.devices([device])[0], steps: steps)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        print(String(decoding: try encoder.encode(use), as: UTF8.self))
    }
}
