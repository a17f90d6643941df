import TensorGraph
import TestSupport

/// Operations × devices: what runs where and whether it agrees with the reference.
package struct OperationTable {
    private enum Cell {
        case ok
        case fallback(String)
        case partly(String)
        case failed(Int)
        case absent
    }

    private let devices: [String]
    private var rows: [(kind: OpKind, cells: [Cell])] = []
    private var totals: [(passed: Int, failed: Int)] = []

    package init(_ outcomes: [Parity.Outcome], devices: [String]) {
        self.devices = devices
        // Leaves and aliases, which nothing is done for, are in no outcome.
        for kind in OpKind.allCases {
            let cells = devices.map { device in
                Self.cell(kind, outcomes.filter { $0.device == device })
            }
            rows.append((kind, cells))
        }
        totals = devices.map { device in
            let own = outcomes.filter { $0.device == device }
            return (own.count { $0.complaints.isEmpty }, own.count { !$0.complaints.isEmpty })
        }
    }

    private static func cell(_ kind: OpKind, _ outcomes: [Parity.Outcome]) -> Cell {
        // A failing case counts against the operation it is named for; a case of several operations against none.
        let failed = outcomes.count {
            !$0.complaints.isEmpty && ($0.operations.contains(kind) || $0.refusals[kind] != nil)
        }
        if failed > 0 { return .failed(failed) }
        let isDone = outcomes.contains { $0.operations.contains(kind) }
        let refusal = outcomes.lazy.compactMap { $0.refusals[kind] }.first
        switch (isDone, refusal) {
        case (true, nil): return .ok
        case (true, .some(let reason)): return .partly(reason)
        case (false, .some(let reason)): return .fallback(reason)
        case (false, nil): return .absent
        }
    }

    /// One line a device, and one for each operation that a device does not do.
    package var summary: String {
        var text = ""
        for (index, device) in devices.enumerated() {
            text += "\(device): \(totals[index].passed) passed, \(totals[index].failed) failed\n"
            for row in rows {
                if case .fallback(let reason) = row.cells[index] {
                    text += "  \(row.kind.rawValue) not on this device: \(reason)\n"
                }
            }
        }
        return text
    }
}
