import Foundation

/// What this process has of the machine's memory, as Linux counts it.
package enum ResidentSet {
    /// The bytes that are there now.
    package static var byteCount: Int? { number(after: "VmRSS:") }

    /// The most that there were since the beginning, or since ``forgetPeak()``.
    package static var peak: Int? { number(after: "VmHWM:") }

    /// Begins to count anew. proc(5), `clear_refs`.
    package static func forgetPeak() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? file.write(contentsOf: Data("5".utf8))
        try? file.close()
    }

    private static func number(after name: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return nil }
        return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 * 1024 }
    }
}

/// What a training step takes of memory: what its plan says, and what the process has grown by.
package struct MemoryUse: Codable, Hashable, Sendable {
    package var benchCase: String
    package var device: String
    /// Bytes of arenas, constants and variables on the device, by the plan.
    package var planned: Int
    package var arenas: Int
    /// Bytes that the resident set was above where it stood before the network was there, at most; `nil` where the system does
    /// not say.
    package var growth: Int?

    /// Runs a few steps of a `train` case.
    ///
    /// - Throws: ``BenchError`` for another case; what running it throws.
    package init(_ benchCase: BenchCase, on device: BenchDevice, steps: Int) throws {
        guard benchCase.family == .train else { throw BenchError("\(benchCase) is no training step") }
        self.benchCase = benchCase.text
        self.device = device.label
        // What a first plan brings with it, threads and the driver's own, is nobody's step.
        let small = try CaseProgram(BenchCase("train:model=fashion-cnn,b=1"), .fwdbwd)
        let first = try device.makeExecutor()
        _ = try first.run(first.compile(small.graph, outputs: [], updates: small.updates, checksIndices: false))
        first.releaseUnusedMemory()
        ResidentSet.forgetPeak()
        let before = ResidentSet.byteCount
        let program = try CaseProgram(benchCase, .fwdbwd)
        let executor = try device.makeExecutor()
        let plan = try executor.compile(
            program.graph, outputs: [], updates: program.updates, changing: program.batch, checksIndices: false)
        for _ in 0..<steps { _ = try executor.run(plan) }
        let memory = plan.memory
        planned = memory.places.reduce(0) { $0 + $1.byteCount }
        arenas = memory.places.reduce(0) { $0 + $1.arenas }
        growth = ResidentSet.peak.flatMap { peak in before.map { peak - $0 } }
    }
}
