import Foundation

/// A case at growing sizes.
package enum ScaleSweep: String, Hashable, Sendable, CaseIterable, Codable {
    case matmul, attention
    case fashionCNN = "fashion-cnn"

    package var title: String {
        switch self {
        case .matmul: "Matrix product, n × n × n"
        case .attention: "Attention, n queries and n keys, 8 heads of 64"
        case .fashionCNN: "fashion-cnn, n pictures a step"
        }
    }

    /// What the second pass of the sweep is called.
    package func title(of pass: BenchPass) -> String {
        switch (self, pass) {
        case (_, .fwd): "forward"
        case (.fashionCNN, .fwdbwd): "a training step: forward, backward and Adam"
        case (_, .fwdbwd): "forward and backward"
        }
    }

    /// What n counts.
    var axis: String {
        switch self {
        case .matmul: "n: rows, columns and terms of each sum"
        case .attention: "n: queries and keys"
        case .fashionCNN: "n: pictures a step"
        }
    }

    /// The sizes in rising order.
    package var sizes: [Int] {
        switch self {
        case .matmul: [64, 128, 256, 512, 1024, 2048, 4096]
        case .attention: [128, 256, 512, 1024, 2048, 4096, 8192]
        case .fashionCNN: [1, 2, 4, 8, 16, 32, 64, 128]
        }
    }

    package func benchCase(_ size: Int) throws -> BenchCase {
        switch self {
        case .matmul: try BenchCase("matmul:m=\(size),n=\(size),k=\(size)")
        case .attention: try BenchCase("attention:b=1,h=8,sq=\(size),sk=\(size),d=64")
        case .fashionCNN: try BenchCase("train:model=fashion-cnn,b=\(size)")
        }
    }

    /// What keeps even a perfect program below the roof, by what the counted operations leave out.
    var whatIsNotCounted: String {
        switch self {
        case .matmul:
            "The roof counts every matrix as moved once; packing the operands into panels moves them once more."
        case .attention:
            "Only the products are counted as operations: the exponentials, maxima and sums of the softmax, about a "
                + "dozen instructions a score, are work that the roof does not know of."
        case .fashionCNN:
            "The roof counts parameters and pictures as moved once, and nothing between the layers; pooling, ReLU and "
                + "Adam do little arithmetic on much memory, and the first convolution, of one channel, has only 9 "
                + "products for each number it writes. Where convolutions are done by Winograd's method, fewer operations "
                + "are done than are counted, which brings them nearer to the roof, or above it."
        }
    }
}

/// What a run of sweeps measured, as it is kept in a file to be drawn again.
package struct ScaleResult: Codable, Sendable {
    package struct Device: Codable, Sendable {
        package var label: String
        package var name: String
        package var peak: DevicePeak

        package init(label: String, name: String, peak: DevicePeak) {
            self.label = label
            self.name = name
            self.peak = peak
        }
    }

    package struct Point: Codable, Sendable {
        package var sweep: ScaleSweep
        package var size: Int
        package var row: BenchRow
        /// Where the time of one more run went: kernels, or operations on the CPU path, longest first, in milliseconds.
        package var kernels: [KernelTime]

        package init(sweep: ScaleSweep, size: Int, row: BenchRow, kernels: [KernelTime]) {
            self.sweep = sweep
            self.size = size
            self.row = row
            self.kernels = kernels
        }
    }

    package var date: String
    package var devices: [Device]
    package var points: [Point]

    package init(date: String, devices: [Device], points: [Point]) {
        self.date = date
        self.devices = devices
        self.points = points
    }

    package init(contentsOfFile path: String) throws {
        let text = try TextFile.read(path)
        do {
            self = try JSONDecoder().decode(ScaleResult.self, from: Data(text.utf8))
        } catch {
            throw BenchError(
                "\(path) is not what gpu-bench scale writes: \((error as? DecodingError)?.reason ?? "\(error)")")
        }
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// The measured points of one curve, in order of their sizes.
    func curve(_ sweep: ScaleSweep, _ pass: BenchPass, _ device: Device) -> [ScalePoint] {
        points.filter { $0.sweep == sweep && $0.row.pass == pass.rawValue && $0.row.device == device.label }
            .compactMap { ScalePoint($0, device.peak) }.sorted { $0.size < $1.size }
    }
}

/// A point of a curve with what the roof allows there.
struct ScalePoint {
    var size: Int
    /// The shortest of the runs: what is compared with a best case, should be one.
    var ms: Double
    var gflops: Double
    /// The most that the roof allows at this intensity.
    var roof: Double
    /// The least time that the roof allows.
    var roofMs: Double { ms * gflops / roof }
    var share: Double { gflops / roof }
    /// Whether memory, and not arithmetic, sets the roof.
    var isBoundByMemory: Bool
    var kernels: [KernelTime]
    var row: BenchRow

    init?(_ point: ScaleResult.Point, _ peak: DevicePeak) {
        guard let median = point.row.ms, let ms = point.row.minimumMs, let rate = point.row.gflops, ms > 0, rate > 0
        else { return nil }
        size = point.size
        row = point.row
        kernels = point.kernels
        self.ms = ms
        gflops = rate * median / ms
        let byMemory = point.row.intensity.map { $0 * peak.bandwidth } ?? .infinity
        isBoundByMemory = byMemory < peak.gflops
        roof = min(peak.gflops, byMemory)
    }

    /// The share of the time that no kernel was running.
    var idleShare: Double { kernels.isEmpty ? 0 : max(0, 1 - kernels.reduce(0) { $0 + $1.ms } / ms) }
}
