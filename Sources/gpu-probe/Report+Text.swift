import BenchSupport
import Foundation
import OpenCL
import OpenCLBackend

/// A line of the table: what, and how much.
struct Row {
    var label: String
    var value: String

    init(_ label: String, _ value: String) {
        self.label = label
        self.value = value
    }
}

/// Rows under a heading.
struct Section {
    var title: String
    var rows: [Row]
}

extension Report {
    func text() -> String {
        if platforms.isEmpty {
            return """
                No OpenCL platform on this machine: everything runs on the CPU path.
                A platform is a driver with a file in /etc/OpenCL/vendors. Debian and Ubuntu have one for any \
                processor: apt-get install pocl-opencl-icd
                """
        }
        return platforms.map { $0.text() }.joined(separator: "\n\n")
    }
}

extension PlatformReport {
    func text() -> String {
        var lines = ["\(name) (\(vendor))", "  \(version)"]
        if let error { lines.append("  The devices could not be listed: \(error)") }
        if devices.isEmpty, error == nil { lines.append("  No device.") }
        return ([lines.joined(separator: "\n")] + devices.map { $0.text() }).joined(separator: "\n\n")
    }
}

extension DeviceReport {
    func text() -> String {
        let title = index.map { "  [\($0)] \(capabilities.name)" } ?? "  [-] \(capabilities.name)"
        let sections = sections
        let width = sections.flatMap(\.rows).map(\.label.count).max() ?? 0
        var lines = [title]
        for section in sections where !section.rows.isEmpty {
            lines.append("    \(section.title)")
            for row in section.rows {
                let label = row.label.padding(toLength: width, withPad: " ", startingAt: 0)
                lines += wrap("      \(label)  ", row.value)
            }
        }
        lines += errors.map { "    failed: \($0.replacing("\n", with: "\n    "))" }
        return lines.joined(separator: "\n")
    }

    /// The table, section by section; a new kind of knowledge is a new function here.
    var sections: [Section] {
        [
            Section(title: "Device", rows: identity),
            Section(title: "Memory", rows: memory),
            Section(title: "Execution", rows: execution),
            Section(title: "Types and units", rows: types),
            Section(title: "Measured", rows: measurements),
            Section(title: "Kernels", rows: kernels),
            Section(title: "Extensions", rows: [Row("all", capabilities.extensions.joined(separator: " "))]),
        ]
    }

    private var identity: [Row] {
        let c = capabilities
        var rows = [
            Row("type", c.type.rawValue), Row("vendor", c.vendor), Row("version", c.version),
            Row("language", c.languageVersion), Row("driver", c.driverVersion),
            Row("compute units", "\(c.computeUnits)"),
            Row("clock", c.clockMHz > 0 ? "\(c.clockMHz) MHz" : "not stated"),
        ]
        if !c.isUsable {
            let reason =
                !c.isAvailable ? "not available" : !c.hasCompiler ? "no compiler" : "not little-endian"
            rows.append(Row("usable", "no: \(reason)"))
        }
        return rows
    }

    private var memory: [Row] {
        let c = capabilities
        return [
            Row("global memory", bytes(c.globalMemory)), Row("largest allocation", bytes(c.maxAllocation)),
            Row("cache", "\(bytes(c.globalCache)), lines of \(c.globalCacheLine) B"),
            Row(
                "local memory",
                "\(bytes(c.localMemory)) stated, "
                    + (tried.map { "\(bytes(UInt64($0.usableLocalMemory))) usable, " } ?? "")
                    + (c.hasDedicatedLocalMemory ? "of its own" : "a part of global memory")),
            Row("constant buffer", bytes(c.maxConstantBuffer)),
            Row("unified with host", yes(c.hasUnifiedMemory)),
            Row("base alignment", "\(c.baseAddressAlignment) B"),
        ]
    }

    private var execution: [Row] {
        let c = capabilities
        return [
            Row("work-group size", "\(c.maxWorkGroupSize) at most"),
            Row("work-item sizes", c.maxWorkItemSizes.map(String.init).joined(separator: " × ")),
            Row("argument bytes", "\(c.maxArgumentBytes)"),
            Row("warp", c.warpSize.map(String.init) ?? "not stated"),
            Row("subgroups", c.maxSubgroups > 0 ? "\(c.maxSubgroups) in a work-group" : "no"),
            Row("sub-devices", c.maxSubDevices > 1 ? "\(c.maxSubDevices)" : "no"),
            Row("command buffers", yes(c.hasCommandBuffers)),
            Row("SPIR-V", yes(c.hasSPIRV)),
            Row("profiling timer", "\(c.profilingResolutionNanoseconds) ns"),
        ]
    }

    private var types: [Row] {
        let c = capabilities
        let w = c.vectorWidths
        let matrix = c.matrixExtensions + (tried?.matrixUnits ?? [])
        return [
            Row(
                "vector widths",
                "float \(w.preferredFloat) (native \(w.nativeFloat)), double \(w.preferredDouble) "
                    + "(\(w.nativeDouble)), half \(w.preferredHalf) (\(w.nativeHalf)), int \(w.preferredInt) "
                    + "(\(w.nativeInt))"
            ),
            Row(
                "float32",
                (c.hasFusedMultiplyAdd ? "fma stated" : "fma not stated") + (c.hasDenormals ? ", denormals" : "")
            ),
            Row("float64", yes(c.hasDouble)), Row("float16", yes(c.hasHalf)),
            Row("integer dot product", yes(c.hasIntegerDotProduct)),
            Row("matrix units", matrix.isEmpty ? "none found" : matrix.joined(separator: ", ")),
        ]
    }

    /// A row for each direction of each family.
    private var kernels: [Row] {
        func text(_ steps: [ImplementationReport.Step]) -> String {
            let texts = steps.map { step in
                step.implementation ?? "\(step.operation) on the CPU path: \(step.reason ?? "declined")"
            }
            return texts.isEmpty ? "the same" : texts.joined(separator: "; ")
        }
        let implementations = (implementations ?? []).flatMap {
            [Row($0.family, text($0.forward)), Row("  backward", text($0.backward))]
        }
        guard let index else { return implementations }
        let tuning =
            tuningWarning ?? (isTuned ? "measured" : "untuned: run gpu-bench tune --device opencl:\(index)")
        return implementations + [Row("numbers", tuning)]
    }

    private var measurements: [Row] {
        guard let measured else { return [] }
        func rate(_ figure: PeakMeasurement.Figure) -> String { "\(number(figure.value)) GFLOPS  (\(figure.kernel))" }
        func speed(_ figure: PeakMeasurement.Figure) -> String { "\(number(figure.value)) GB/s  (\(figure.kernel))" }
        var rows = [Row("float32 fma", rate(measured.float32))]
        if let figure = measured.float64 { rows.append(Row("float64 fma", rate(figure))) }
        if let figure = measured.float16 { rows.append(Row("float16 fma", rate(figure))) }
        rows += [
            Row("copy", speed(measured.copyBandwidth)), Row("triad", speed(measured.triadBandwidth)),
            Row(
                "launch",
                "\(number(measured.launchMicroseconds)) µs in a row, "
                    + "\(number(measured.roundTripMicroseconds)) µs there and back"),
        ]
        return rows
    }
}

private func yes(_ condition: Bool) -> String { condition ? "yes" : "no" }

/// A size in the largest binary unit that leaves at least one before the point.
private func bytes(_ count: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    return "\(number(value)) \(units[unit])"
}

/// Three significant digits or all before the point, and no zeros at the end.
private func number(_ value: Double) -> String {
    let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
    let text = String(format: "%.\(digits)f", value)
    guard text.contains(".") else { return text }
    let trimmed = text.replacing(/0+$/, with: "")
    return trimmed.hasSuffix(".") ? String(trimmed.dropLast()) : trimmed
}

/// `text` behind `prefix`, broken at spaces into lines of at most 110 characters that start below it.
private func wrap(_ prefix: String, _ text: String) -> [String] {
    var lines: [String] = []
    var line = prefix
    var isEmpty = true
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
        if !isEmpty, line.count + 1 + word.count > 110 {
            lines.append(line)
            line = String(repeating: " ", count: prefix.count)
            isEmpty = true
        }
        line += (isEmpty ? "" : " ") + word
        isEmpty = false
    }
    return lines + [line]
}
