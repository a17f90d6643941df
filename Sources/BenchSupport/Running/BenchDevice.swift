import CPUBackend
import Execution
import OpenCL
import OpenCLBackend
import TensorGraph

/// Something that cases run on: the CPU path, or an OpenCL device with the CPU path beside it.
package final class BenchDevice {
    /// What the user named.
    package let label: String
    /// The device's own name.
    package let name: String
    package let openCL: Device?
    /// What the device reaches at best, once measured.
    package var peak: DevicePeak?

    private let cpu: CPUBackend
    private var backend: OpenCLBackend?

    package var isCPU: Bool { openCL == nil }

    private init(label: String, _ device: Device?) throws {
        self.label = label
        openCL = device
        cpu = CPUBackend()
        backend = try device.map { try OpenCLBackend($0) }
        name = device.map { "\($0.name) (\($0.platform.name))" } ?? "CPU path"
    }

    /// The CPU path.
    package static func cpu() throws -> BenchDevice { try BenchDevice(label: "cpu", nil) }

    /// The device that a person named: `cpu`, `opencl` for the best OpenCL device, `opencl:N`, or a part of a name.
    ///
    /// - Throws: ``BenchError`` that lists what there is, or the device's own error where it cannot be opened.
    package static func named(_ text: String) throws -> BenchDevice {
        if text.lowercased() == "cpu" { return try cpu() }
        let wanted: String? =
            text.lowercased() == "opencl"
            ? nil : text.lowercased().hasPrefix("opencl:") ? String(text.dropFirst(7)) : text
        do {
            if let device = try Device.named(wanted) { return try BenchDevice(label: text, device) }
        } catch {
            throw BenchError("the device \(text) cannot be opened: \(error)")
        }
        throw BenchError("there is no device \(text); there is \(available().joined(separator: ", "))")
    }

    /// The CPU path and the best OpenCL device, or only the former where the machine has no other.
    package static func standard() throws -> (devices: [BenchDevice], remark: String?) {
        let cpu = try cpu()
        do {
            guard let best = try Device.best() else {
                return ([cpu], "There is no OpenCL device here: everything runs on the CPU path.")
            }
            return ([cpu, try BenchDevice(label: "opencl", best)], nil)
        } catch {
            return ([cpu], "No OpenCL device can be opened: everything runs on the CPU path. (\(error))")
        }
    }

    /// Every device, as it can be named.
    package static func available() -> [String] {
        let devices = (try? Device.all()) ?? []
        return ["cpu"] + devices.enumerated().map { "opencl:\($0) (\($1.name), \($1.platform.name))" }
    }

    /// An executor that reports what fails rather than let the CPU stand in: a time is the device's own or none.
    package func makeExecutor() throws -> Executor {
        if backend == nil, let openCL { backend = try OpenCLBackend(openCL) }
        return Executor(cpu: cpu, device: backend, policy: .report)
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
}

extension BenchDevice {
    /// Measures the device's peak: of an OpenCL device as `gpu-probe` does, of the CPU path the best rate of BLAS and of
    /// adding two vectors.
    package func measurePeak() throws -> DevicePeak {
        if let openCL {
            let measured = try PeakMeasurement(of: openCL)
            return DevicePeak(gflops: measured.float32.value, bandwidth: measured.bandwidth)
        }
        var graph = Graph()
        let side = 1024
        let a = try graph.read(Variable("a", Distribution.normal.tensor([side, side], .float32, name: "a")))
        let product = Variable("product", HostTensor(zeros: a.type))
        let rate = try best(of: 25, graph, [(product, a.matmul(a))])

        graph = Graph()
        let length = 1 << 24
        let x = try graph.read(Variable("x", HostTensor(zeros: TensorType([length]))))
        let y = try graph.read(Variable("y", HostTensor(zeros: TensorType([length]))))
        let sum = Variable("sum", HostTensor(zeros: x.type))
        let time = try best(of: 10, graph, [(sum, x + y)])
        return DevicePeak(
            gflops: 2 * Double(side * side * side) / rate / 1e6, bandwidth: 12 * Double(length) / time / 1e6)
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
