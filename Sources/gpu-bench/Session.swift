import BenchSupport
import Foundation

/// What several commands do alike.
enum Session {
    static var date: String { ISO8601DateFormatter().string(from: Date()) }

    /// The devices named on the command line, or the standard ones.
    static func devices(_ names: [String]) throws -> [BenchDevice] {
        guard names.isEmpty else { return try names.map { try BenchDevice.named($0) } }
        let (devices, remark) = try BenchDevice.standard()
        if let remark { Terminal.remark(remark) }
        return devices
    }

    /// Where one of these reports goes to standard output, lets what else is printed go to standard error, so that the report
    /// alone can be piped on.
    ///
    /// - Returns: the paths to write the reports to.
    static func separated(_ reports: [String?]) -> [String?] {
        guard reports.contains(where: { $0.map(TextFile.isStandardOutput) ?? false }) else { return reports }
        fflush(nil)
        let output = dup(STDOUT_FILENO)
        guard output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else { return reports }
        return reports.map { $0.map { TextFile.isStandardOutput($0) ? "/dev/fd/\(output)" : $0 } }
    }

    /// Measures and prints what devices reach at best. A peak that cannot be measured costs the column, not the run.
    static func measurePeaks(of devices: [BenchDevice]) {
        var failures: [String: String] = [:]
        for device in devices {
            Terminal.progress("measuring the peak of \(device.label) …")
            do {
                try device.measurePeak()
            } catch {
                failures[device.label] = "\(error)"
                device.reopen()
            }
        }
        Terminal.progress("")
        BenchDevice.shareHostPeak(devices)
        for device in devices {
            let peak = device.peak.map {
                "\(Figure.number($0.gflops)) GFLOPS and \(Figure.number($0.bandwidth)) GB/s at best"
            }
            print(
                "\(device.label): \(device.name), \(peak ?? "peak not measured: \(failures[device.label] ?? "no reason")")"
            )
        }
    }

    /// Tells where cases were faster than the peak that was measured at first, and gives every row its share of the
    /// better one.
    static func judgeAgain(_ rows: inout [BenchRow], _ devices: [BenchDevice], _ first: [DevicePeak?]) {
        for (device, first) in zip(devices, first) {
            guard let first, let peak = device.peak, peak.gflops > first.gflops else { continue }
            Terminal.remark(
                "The peak of \(device.label) was measured while the machine was busy: it is at least "
                    + "\(Figure.number(peak.gflops)) GFLOPS. Files have the shares of that.")
            for index in rows.indices where rows[index].device == device.label { rows[index].judge(by: peak) }
        }
    }
}

enum Terminal {
    static var isColoured: Bool { isatty(STDOUT_FILENO) != 0 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil }

    /// One line on a terminal's standard error that the next one replaces; nothing where it is no terminal.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) != 0 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(text)".utf8))
    }

    static func remark(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
