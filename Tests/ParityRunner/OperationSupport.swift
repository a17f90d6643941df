import OpenCLBackend
import TensorGraph
import TestSupport

/// Which operations run where, and how many cases hold each to the reference: found by lowering the cases alone, so that
/// it is the same on every machine and needs no device.
package struct OperationSupport {
    /// A column of the table.
    package enum Path: Hashable, CaseIterable {
        case cpu(DType)
        case opencl(DeviceProfile.KernelStyle)
        /// In float16 and in bfloat16.
        case openclIn16Bits(DeviceProfile.KernelStyle)

        package static let allCases: [Path] = [
            .cpu(.float32), .cpu(.float64), .opencl(.cpu), .opencl(.gpu), .openclIn16Bits(.cpu), .openclIn16Bits(.gpu),
        ]

        var title: String {
            switch self {
            case .cpu(let dtype): "CPU path, \(dtype)"
            case .opencl(let style): "OpenCL, \(style.rawValue) kernels"
            case .openclIn16Bits(let style): "in 16 bits, \(style.rawValue) kernels"
            }
        }

        /// What a case is built in to see where it runs.
        fileprivate func dtypes(_ opCase: OpCase) -> [DType] {
            switch self {
            case .cpu(.float64): opCase.hasFloat64 ? [.float32] : []
            case .cpu, .opencl: [.float32]
            case .openclIn16Bits: opCase.halfTypes
            }
        }

        /// An everyday device for each style of kernels: what is declined is declined on all.
        fileprivate var profile: DeviceProfile? {
            switch self {
            case .cpu: nil
            case .opencl(.cpu), .openclIn16Bits(.cpu):
                DeviceProfile(
                    style: .cpu, vectorWidth: 8, computeUnits: 4, maximumWorkGroupSize: 4096, localMemory: 256 << 10)
            case .opencl(.gpu), .openclIn16Bits(.gpu):
                DeviceProfile(
                    style: .gpu, vectorWidth: 4, computeUnits: 64, maximumWorkGroupSize: 1024, localMemory: 48 << 10)
            }
        }
    }

    /// What came of an operation on one path.
    private struct Entry {
        var cases = 0
        var declined: [String: Int] = [:]
    }

    private var entries: [OpKind: [Path: Entry]] = [:]

    /// - Throws: ``GraphError`` where a case cannot be built.
    package init(_ cases: [OpCase]) throws {
        for opCase in cases {
            var done: [Path: Set<OpKind>] = [:]
            var declined: [Path: [OpKind: String]] = [:]
            for dtype in [.float32] + opCase.halfTypes {
                let paths = Path.allCases.filter { $0.dtypes(opCase).contains(dtype) }
                for plan in ParityPlan.of(opCase, in: dtype) {
                    let built = try opCase.built(
                        dtype: dtype, withGradients: plan == .withGradients, withData: false)
                    let computation = try Computation(
                        built.graph, outputs: built.outputs + built.gradients, updates: [])
                    for node in computation.optimized().nodes where !node.isWithoutWork {
                        let kind = node.op.kind
                        for path in paths where !dtype.isHalf || node.isIn16Bits {
                            if let reason = try path.refusal(of: node) {
                                declined[path, default: [:]][kind] = reason
                            } else {
                                done[path, default: []].insert(kind)
                            }
                        }
                    }
                }
            }
            for (path, kinds) in done {
                for kind in kinds { entries[kind, default: [:]][path, default: Entry()].cases += 1 }
            }
            for (path, reasons) in declined {
                for (kind, reason) in reasons {
                    entries[kind, default: [:]][path, default: Entry()].declined[reason, default: 0] += 1
                }
            }
        }
    }

    /// Lowers what computes some tensors for OpenCL devices with kernels of both styles, building none of them.
    package static func lower(_ graph: Graph, _ outputs: [Tensor]) throws {
        for node in try Computation(graph, outputs: outputs, updates: []).optimized().nodes where !node.isWithoutWork {
            for path in Path.allCases { _ = try path.refusal(of: node) }
        }
    }

    /// The operations that cases are run in 16 bits of.
    package var kindsIn16Bits: Set<OpKind> {
        Set(entries.filter { $0.value.keys.contains(.openclIn16Bits(.cpu)) }.keys)
    }

    /// Why cases that are run in 16 bits leave nodes in these types to the CPU path, by operation.
    package var declinedIn16Bits: [OpKind: Set<String>] {
        var reasons: [OpKind: Set<String>] = [:]
        for (kind, paths) in entries {
            for case (.openclIn16Bits, let entry) in paths where !entry.declined.isEmpty {
                reasons[kind, default: []].formUnion(entry.declined.keys)
            }
        }
        return reasons
    }

    /// The table: a row an operation; in each cell how many cases check it there, and below it why others run on the CPU
    /// path.
    package var markdown: String {
        var notes: [String] = []
        func cell(_ entry: Entry?) -> String {
            guard let entry else { return "–" }
            let marks = entry.declined.sorted { $0.key < $1.key }.map { reason, count in
                let note = "\(count) \(count == 1 ? "case runs" : "cases run") on the CPU path: \(reason)"
                if !notes.contains(note) { notes.append(note) }
                return "<sup>\((notes.firstIndex(of: note) ?? 0) + 1)</sup>"
            }
            return "\(entry.cases)" + marks.map { " \($0)" }.joined()
        }
        var lines = ["| operation | " + Path.allCases.map(\.title).joined(separator: " | ") + " |"]
        lines.append("| --- |" + String(repeating: " ---: |", count: Path.allCases.count))
        // Leaves and aliases need no kernel anywhere.
        for kind in OpKind.allCases where entries[kind] != nil {
            let cells = Path.allCases.map { cell(entries[kind]?[$0]) }
            lines.append("| `\(kind.rawValue)` | " + cells.joined(separator: " | ") + " |")
        }
        if !notes.isEmpty { lines.append("") }
        lines += notes.enumerated().map { "\($0 + 1). \($1)" }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Node {
    /// Whether an operand or a result is in float16 or bfloat16.
    fileprivate var isIn16Bits: Bool { (operandTypes + resultTypes).contains(where: \.dtype.isHalf) }
}

extension OperationSupport.Path {
    /// Why the path leaves a node to the CPU path; `nil` where it does it.
    fileprivate func refusal(of node: Node) throws -> String? {
        guard let profile else { return nil }
        if case .declined(let reason) = try profile.lower(node) { return reason }
        return nil
    }
}

/// OPERATIONS.md.
package struct OperationPage {
    let support: OperationSupport
    let devices: [String]

    /// - Parameter devices: those that the cases have just passed on.
    package init(_ support: OperationSupport, devices: [String]) {
        self.support = support
        self.devices = devices
    }

    package var markdown: String {
        """
        # Operations and devices

        Each number says how many cases of the parity tests hold the operation on that path to a float64 reference: forward,
        where it has a gradient backward too, and twice, which must give the same bits. OpenCL kernels come in two styles,
        for CPUs and for GPUs; both are checked on every device. The last columns count the cases that are run in float16 and
        in bfloat16 too.

        \(support.markdown)
        What a device declines for its type or size runs on the CPU path; `explain()` says so for each node.

        Written by `tessera-parity --markdown`, which ran all cases without a failure on:

        \(devices.map { "- \($0)\n" }.joined())
        """
    }
}
