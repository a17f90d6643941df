import BenchSupport
import Foundation
import OpenCL
import OpenCLBackend
import Testing

@Suite struct TuningSearchTests {
    private let profile = DeviceProfile(
        style: .cpu, vectorWidth: 16, computeUnits: 4, maximumWorkGroupSize: 1024, localMemory: 32 << 10)
    private let problem: TuningProblem = [.batch: 1, .m: 512, .n: 512, .k: 512, .transposeA: 0, .transposeB: 0]

    /// A made-up cost with its least at other values than the standard, of which two only gain together.
    private func cost(_ values: TuningValues) -> Double {
        let tile = values[.rows] == 4 && values[.vectors] == 4 ? 1.0 : 2.0 + Double(abs(values[.rows] - 8)) / 10
        return tile * (1 + Double(abs(values[.depth] - 192)) / 1000) * (values[.itemsPerUnit] == 2 ? 1 : 1.2)
    }

    private func search(best: TuningValues? = nil, tried: Set<TuningValues> = []) throws -> TuningSearch {
        let space = try #require(TuningSpace.named("gemm-panel"))
        return TuningSearch(
            space, problem, profile, best: best ?? space.standardValues(for: problem, on: profile), tried: tried)
    }

    @Test func findsTheBestAndEnds() throws {
        var search = try search()
        let isFinished = search.run(seeds: []) { .ratio(cost($0) / ($1.map(cost) ?? 1)) }
        let best = try #require(search.best)
        #expect(isFinished)
        #expect(best[.rows] == 4 && best[.vectors] == 4 && best[.depth] == 192 && best[.itemsPerUnit] == 2)
        #expect(search.tried.count < 100)
    }

    @Test func whatIsUnusableNeverWins() throws {
        var search = try search()
        _ = search.run(seeds: []) { candidate, best in
            // The best values of all, were they right.
            candidate[.rows] == 4 ? .unusable : .ratio(cost(candidate) / (best.map(cost) ?? 1))
        }
        #expect(search.best?[.rows] == 8)
    }

    @Test func noiseDoesNotMoveIt() throws {
        var search = try search()
        let start = search.best
        _ = search.run(seeds: []) { _, _ in .ratio(0.98) }
        #expect(search.best == start)
    }

    @Test func goesOnWhereItStopped() throws {
        var measured: [TuningValues] = []
        var first = try search()
        let isFinished = first.run(seeds: []) { candidate, best in
            if measured.count == 7 { return .stopped }
            measured.append(candidate)
            return .ratio(cost(candidate) / (best.map(cost) ?? 1))
        }
        #expect(!isFinished && first.tried == Set(measured))
        var second = try search(best: first.best, tried: first.tried)
        let isDone = second.run(seeds: []) { candidate, best in
            #expect(!measured.contains(candidate))
            return .ratio(cost(candidate) / (best.map(cost) ?? 1))
        }
        #expect(isDone && second.best?[.rows] == 4)
    }
}

/// The tuner with its other process, on whatever OpenCL device there is.
@Suite(.serialized, .disabled(if: (try? Device.best()) == nil, "no OpenCL device on this machine"))
struct TunerTests {
    private static let worker = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("gpu-bench").path

    /// A last resort, where a test waits for something else: no machine is so slow.
    private static let never = 3600.0

    private func tuner(
        _ device: Device, _ path: String, timeout: @escaping @Sendable (TuningValues) -> Double = { _ in never },
        executable: String = worker, kernels: String? = nil,
        progress: @escaping (Tuner.Progress) -> Void = { _ in }, isStopped: @escaping () -> Bool = { false }
    ) -> Tuner {
        var options = Tuner.Options()
        options.duration = 24 * Self.never
        options.candidateTimeout = timeout
        return Tuner(
            device, style: .cpu, path: path, options: options, executable: executable,
            arguments: ["tune-worker", "--device", "opencl", "--kernels", "cpu"],
            environment: kernels.map { ["TESSERA_KERNELS": $0] } ?? [:], progress: progress, isStopped: isStopped)
    }

    private func tasks(_ benchCase: String, _ family: String, _ device: Device) throws -> [TuningTask] {
        try TuningTask.tasks(
            of: TuningTask.nodes(of: [BenchCase(benchCase)]), families: [family], on: DeviceProfile(device, style: .cpu)
        )
    }

    /// One value of a number makes the kernel wrong by a little, and fast; one makes it run for ever, one crashes the
    /// process. The tuner gets over all three and takes none of them.
    @Test func wrongHangingAndCrashingCandidatesAreSurvived() throws {
        let device = try #require(try Device.best())
        let folder = try TemporaryFolder()
        let kernels = folder.path + "/Kernels"
        let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Kernels")
        try FileManager.default.copyItem(atPath: own.standardizedFileURL.path, toPath: kernels)
        let file = kernels + "/gemm/panel.cl"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let begin = "const ulong entry = get_global_id(2);"
        #expect(text.contains(begin))
        let spoilt =
            "#if TILE_M == 2\n#define fma(a, b, c) ((a) * (b) * 1.0005f + (c))\n#endif\n"
            + text.replacing(
                begin,
                with: """
                    \(begin)
                    #if TILE_M == 4
                        for (volatile int forever = 1; forever;) {}
                    #endif
                    #if TILE_M == 10
                        *(volatile __global int *)16 = 1;
                    #endif
                    """)
        try Data(spoilt.utf8).write(to: URL(fileURLWithPath: file))

        let path = folder.path + "/tuning.json"
        let tasks = try tasks("matmul:m=24,n=40,k=20", "gemm-panel", device)
        // However slow the machine: what runs for ever is given up soon, and nothing else is.
        let rows = try tuner(
            device, path, timeout: { $0[.rows] == 4 ? 1 : Self.never }, kernels: kernels
        ).run(tasks)
        let row = try #require(rows.first)
        #expect(rows.count == 1 && row.state == .tuned && row.ms != nil)
        #expect(row.faults[.wrong] ?? 0 > 0, "\(row.faultSummary)")
        #expect(row.faults[.timedOut] ?? 0 > 0, "\(row.faultSummary)")
        #expect(row.faults[.crashed] ?? 0 > 0, "\(row.faultSummary)")
        #expect(![2, 4, 10].contains(row.values[.rows]))
        let entries = try TuningDatabase.read(atPath: path).entries(of: TunedDevice(device))
        #expect(entries.count == 1 && entries.first?.values == row.values && entries.first?.tried == nil)
    }

    @Test func whatWasFoundIsKeptAndASearchGoesOn() throws {
        let device = try #require(try Device.best())
        let folder = try TemporaryFolder()
        let path = folder.path + "/tuning.json"
        let tasks = try tasks("softmax:rows=64,cols=48", "rows", device)
        #expect(!tasks.isEmpty)
        // Stopped at the third candidate.
        var candidates = 0
        let stopped = try tuner(
            device, path, progress: { candidates = $0.candidates }, isStopped: { candidates >= 3 }
        ).run(tasks)
        #expect(stopped.first?.state == .unfinished)
        let entries = try TuningDatabase.read(atPath: path).entries(of: TunedDevice(device))
        let tried = try #require(entries.first?.tried)
        #expect(tried.count >= 2)
        // The next run takes it up, and one after that has nothing left to do: it starts no process.
        let finished = try tuner(device, path).run(tasks)
        #expect(finished.allSatisfy { $0.state == .tuned })
        let done = try TuningDatabase.read(atPath: path).entries(of: TunedDevice(device))
        #expect(done.count == tasks.count && done.allSatisfy { $0.tried == nil })
        let known = try tuner(device, path, executable: "/nowhere").run(tasks)
        #expect(known.allSatisfy { $0.state == .known } && known.map(\.values) == finished.map(\.values))
    }

    /// A file that is not of this format is not overwritten.
    @Test func aFileThatCannotBeReadIsLeftAlone() throws {
        let device = try #require(try Device.best())
        let folder = try TemporaryFolder()
        let path = folder.path + "/tuning.json"
        try Data("not ours".utf8).write(to: URL(fileURLWithPath: path))
        let tasks = try tasks("softmax:rows=64,cols=48", "rows", device)
        #expect { try tuner(device, path).run(tasks) } throws: { "\($0)".contains(path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "not ours")
    }

    @Test func aProgramThatIsNotThereIsAnError() throws {
        let device = try #require(try Device.best())
        let folder = try TemporaryFolder()
        let tasks = try tasks("softmax:rows=64,cols=48", "rows", device)
        #expect(throws: (any Error).self) {
            try tuner(device, folder.path + "/tuning.json", executable: "/nowhere").run(tasks)
        }
    }
}
