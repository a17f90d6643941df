import CPUBackend
import Foundation
import OpenCL
import OpenCLBackend
import Tessera

/// Something that cases run on: the CPU path, or an OpenCL device with the CPU path beside it.
package final class BenchDevice {
    /// What the user named.
    package let label: String
    /// The device's own name.
    package let name: String
    package let openCL: Device?
    /// What the device reaches at best, once measured.
    package private(set) var peak: DevicePeak?
    /// How often a case was faster than the peak measured before it.
    private var corrections = 0

    private let cpu = CPUBackend()
    private var backend: OpenCLBackend?

    package var isCPU: Bool { openCL == nil }

    private init(label: String, _ device: Device?) throws {
        self.label = label
        openCL = device
        name = device.map { "\($0.name) (\($0.platform.name))" } ?? "CPU path"
        do {
            backend = try device.map { try OpenCLBackend($0) }
        } catch {
            throw BenchError("the device \(label) (\(name)) cannot be opened: \(error)")
        }
    }

    /// The CPU path.
    package static func cpu() throws -> BenchDevice { try BenchDevice(label: "cpu", nil) }

    /// The device that a person named, as a ``DeviceChoice``.
    ///
    /// - Throws: a ``DeviceError`` that lists what there is, or a ``BenchError`` where it cannot be opened.
    package static func named(_ text: String) throws -> BenchDevice {
        try BenchDevice(label: text, DeviceChoice(text).device())
    }

    /// The OpenCL device that a person named, as a ``DeviceChoice``.
    ///
    /// - Throws: also where that is the CPU path.
    package static func openCLDevice(_ text: String) throws -> Device {
        guard let device = try DeviceChoice(text).device() else { throw BenchError("\(text) is no OpenCL device") }
        return device
    }

    /// The CPU path and the best OpenCL device, or only the former where the machine has no other.
    package static func standard() throws -> (devices: [BenchDevice], remark: String?) {
        let cpu = try cpu()
        do {
            guard try DeviceChoice.automatic.device() != nil else {
                return ([cpu], "There is no OpenCL device here: everything runs on the CPU path.")
            }
            return ([cpu, try named("opencl")], nil)
        } catch {
            return ([cpu], "No OpenCL device can be used: everything runs on the CPU path. (\(error))")
        }
    }

    /// An executor that reports what fails rather than let the CPU stand in: a time is the device's own or none.
    package func makeExecutor(allowsTF32: Bool = false) throws -> Executor {
        if let openCL, backend?.profile.allowsTF32 != allowsTF32 {
            backend = try OpenCLBackend(openCL, allowsTF32: allowsTF32)
        }
        let executor = Executor(cpu: cpu, device: backend, policy: .report)
        // A line says already which case is under way.
        executor.onCompilation = { _ in }
        return executor
    }

    /// What there is to say of the device's tuning: results that cannot be used, or that there are none of it.
    package var tuningRemark: String? {
        guard let backend else { return nil }
        if let warning = backend.tuningWarning { return "\(warning). \(label) runs without them." }
        return backend.profile.tuning.isTuned ? nil : "\(label) is untuned: run gpu-bench tune --device \(label)"
    }

    /// Lets go of the device after a failure, so that the next case opens it anew.
    package func reopen() { backend = nil }
}

/// What a device reaches at best.
package struct DevicePeak: Hashable, Sendable, Codable {
    package var gflops: Double
    /// In GB/s.
    package var bandwidth: Double

    package init(gflops: Double, bandwidth: Double) {
        self.gflops = gflops
        self.bandwidth = bandwidth
    }

    /// The better of both: what slows a measurement down is other work on the machine, and nothing speeds it up.
    func better(of other: DevicePeak) -> DevicePeak {
        DevicePeak(gflops: max(gflops, other.gflops), bandwidth: max(bandwidth, other.bandwidth))
    }
}

extension BenchDevice {
    /// Measures the device's peak: of an OpenCL device as `gpu-probe` does, of the CPU path multiply-adds on all cores and
    /// the bandwidth of adding two vectors far beyond the caches.
    @discardableResult package func measurePeak() throws -> DevicePeak {
        let measured = try measuredPeak()
        let best = peak?.better(of: measured) ?? measured
        peak = best
        return best
    }

    /// Puts right a peak that was measured while something else kept the machine busy: `gflops` was reached since.
    func correctPeak(reached gflops: Double) {
        guard let known = peak, gflops > known.gflops else { return }
        corrections += 1
        if corrections <= 5 { _ = try? measurePeak() }
        peak = peak?.better(of: DevicePeak(gflops: gflops, bandwidth: 0))
    }

    /// Gives devices that are the same processor the better of their peaks: the CPU path, and OpenCL devices that are all
    /// cores of it.
    package static func shareHostPeak(_ devices: [BenchDevice]) {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let host = devices.filter { device in
            device.openCL.map { $0.type == .cpu && $0.capabilities.computeUnits == cores } ?? true
        }
        let peaks = host.compactMap(\.peak)
        guard let first = peaks.first else { return }
        let best = peaks.dropFirst().reduce(first) { $0.better(of: $1) }
        for device in host where device.peak != nil { device.peak = best }
    }

    private func measuredPeak() throws -> DevicePeak {
        if let openCL {
            let measured = try PeakMeasurement(of: openCL)
            return DevicePeak(gflops: measured.float32.value, bandwidth: measured.bandwidth)
        }
        let graph = Graph()
        let length = 1 << 24
        // Not of zeros, which the system keeps in one page for all.
        let ones = try HostTensor([length], [Float](repeating: 1, count: length))
        let (x, y) = try (graph.read(Variable("x", ones)), graph.read(Variable("y", ones)))
        let sum = Variable("sum", try HostTensor(zeros: x.type))
        let time = try best(of: 20, graph, [(sum, x + y)])
        return DevicePeak(gflops: CPUPeak.gflops(), bandwidth: 12 * Double(length) / time / 1e6)
    }

    /// The least time of some runs, in milliseconds.
    private func best(of runs: Int, _ graph: Graph, _ updates: [(Variable, Tensor)]) throws -> Double {
        let executor = try makeExecutor()
        let plan = try executor.compile(graph, outputs: [], updates: updates)
        return try (0..<runs).map { _ in
            try Stopwatch.milliseconds { _ = try executor.run(plan) }
        }.min() ?? .nan
    }
}

enum Stopwatch {
    static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(body)
        return Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }
}
