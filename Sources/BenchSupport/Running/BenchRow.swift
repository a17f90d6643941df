import Execution
import Foundation

/// One result: a case and pass on a device.
package struct BenchRow: Hashable, Sendable, Codable {
    package var benchCase: String
    package var pass: String
    /// What the user named: `cpu`, `opencl`, `opencl:1`, a part of a name.
    package var device: String
    /// The device's full name.
    package var deviceName: String?
    /// Median and minimum, in milliseconds; absent where nothing could be timed.
    package var ms: Double?
    package var minimumMs: Double?
    /// The first and the third quartile; absent in files of peers and of earlier versions.
    package var quartilesMs: ClosedRange<Double>?
    package var gflops: Double?
    /// The share of the device's measured peak, from 0 to 1.
    package var peakShare: Double?
    /// The CPU path's time over this one's.
    package var speedup: Double?
    /// Norm-wise relative error against float64; absent where nothing was checked.
    package var error: Double?
    package var parity: ParityVerdict
    /// How its nodes round, each kind once; absent in files of peers and of earlier versions.
    package var accuracy: [AccuracyClass]?
    /// Floating-point operations for each byte that must move, for the roofline.
    package var intensity: Double?
    /// Who ran it, in the peers' files.
    package var peer: String?

    /// How much times differ from run to run: the distance of the quartiles; without them, that of the median from the
    /// least, which is about as far.
    package var spreadMs: Double? {
        quartilesMs.map { $0.upperBound - $0.lowerBound } ?? ms.flatMap { ms in minimumMs.map { max(ms - $0, 0) } }
    }

    /// Fills in the share of a device's peak, which may have been put right since the row was measured.
    package mutating func judge(by peak: DevicePeak?) {
        // The peak is that of float32.
        guard let peak, let gflops, peak.gflops > 0, (try? BenchCase(benchCase))?.type ?? .f32 == .f32 else { return }
        peakShare = gflops / peak.gflops
    }

    enum CodingKeys: String, CodingKey {
        case benchCase = "case"
        case pass, device
        case deviceName = "device_name"
        case ms
        case minimumMs = "min_ms"
        case firstQuartileMs = "q1_ms"
        case thirdQuartileMs = "q3_ms"
        case gflops
        case peakShare = "peak_share"
        case speedup, error, parity, accuracy, intensity, peer
    }

    package init(benchCase: String, pass: String, device: String, parity: ParityVerdict) {
        self.benchCase = benchCase
        self.pass = pass
        self.device = device
        self.parity = parity
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        benchCase = try values.decode(String.self, forKey: .benchCase)
        pass = try values.decode(String.self, forKey: .pass)
        peer = try values.decodeIfPresent(String.self, forKey: .peer)
        // The peers' rows name themselves and no device.
        device = try values.decodeIfPresent(String.self, forKey: .device) ?? peer ?? ""
        deviceName = try values.decodeIfPresent(String.self, forKey: .deviceName)
        ms = try values.decodeIfPresent(Double.self, forKey: .ms)
        minimumMs = try values.decodeIfPresent(Double.self, forKey: .minimumMs)
        let first = try values.decodeIfPresent(Double.self, forKey: .firstQuartileMs)
        let third = try values.decodeIfPresent(Double.self, forKey: .thirdQuartileMs)
        if let first, let third, first <= third { quartilesMs = first...third }
        gflops = try values.decodeIfPresent(Double.self, forKey: .gflops)
        peakShare = try values.decodeIfPresent(Double.self, forKey: .peakShare)
        speedup = try values.decodeIfPresent(Double.self, forKey: .speedup)
        error = try values.decodeIfPresent(Double.self, forKey: .error)
        parity = try values.decodeIfPresent(String.self, forKey: .parity).map(ParityVerdict.init) ?? .notChecked
        accuracy = try values.decodeIfPresent([AccuracyClass].self, forKey: .accuracy)
        intensity = try values.decodeIfPresent(Double.self, forKey: .intensity)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(benchCase, forKey: .benchCase)
        try values.encode(pass, forKey: .pass)
        try values.encode(device, forKey: .device)
        try values.encodeIfPresent(deviceName, forKey: .deviceName)
        // The eight keys that readers count on are always there, as null where there is no number.
        try values.encode(Self.finite(ms), forKey: .ms)
        try values.encode(Self.finite(minimumMs), forKey: .minimumMs)
        try values.encode(Self.finite(gflops), forKey: .gflops)
        try values.encode(Self.finite(peakShare), forKey: .peakShare)
        try values.encode(Self.finite(error), forKey: .error)
        try values.encode(parity.text, forKey: .parity)
        try values.encodeIfPresent(quartilesMs?.lowerBound, forKey: .firstQuartileMs)
        try values.encodeIfPresent(quartilesMs?.upperBound, forKey: .thirdQuartileMs)
        try values.encodeIfPresent(Self.finite(speedup), forKey: .speedup)
        try values.encodeIfPresent(accuracy, forKey: .accuracy)
        try values.encodeIfPresent(Self.finite(intensity), forKey: .intensity)
        try values.encodeIfPresent(peer, forKey: .peer)
    }

    private static func finite(_ number: Double?) -> Double? { number.flatMap { $0.isFinite ? $0 : nil } }
}

/// Files of rows: a JSON array with a row a line, or, as the peers' programs write them, a row a line alone.
package enum BenchRowFile {
    package static func json(_ row: BenchRow) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(row), as: UTF8.self)
    }

    package static func text(_ rows: [BenchRow]) throws -> String {
        "[\n" + (try rows.map(json)).joined(separator: ",\n") + "\n]\n"
    }

    /// - Throws: ``BenchError`` where the text is neither.
    package static func rows(_ text: String) throws -> [BenchRow] {
        let decoder = JSONDecoder()
        if text.drop(while: \.isWhitespace).first == "[" {
            do {
                let rows = try decoder.decode([BenchRow].self, from: Data(text.utf8))
                guard !rows.isEmpty else { throw BenchError("there are none in it") }
                return rows
            } catch {
                throw BenchError(
                    "it is no array of benchmark rows, as gpu-bench run --json FILE writes: "
                        + ((error as? DecodingError)?.reason ?? "\(error)"))
            }
        }
        guard text.contains("{") else {
            throw BenchError("it holds no benchmark rows; gpu-bench run --json FILE writes some")
        }
        var rows: [BenchRow] = []
        for (index, line) in text.split(separator: "\n").enumerated() where line.contains("{") {
            do {
                rows.append(try decoder.decode(BenchRow.self, from: Data(line.utf8)))
            } catch {
                throw BenchError(
                    "line \(index + 1) is no benchmark row, as gpu-bench run --json FILE writes: "
                        + ((error as? DecodingError)?.reason ?? "\(error)"))
            }
        }
        return rows
    }

    package static func rows(atPath path: String) throws -> [BenchRow] {
        let text = try TextFile.read(path)
        do {
            return try rows(text)
        } catch {
            throw BenchError("\(path): \(error)")
        }
    }
}
