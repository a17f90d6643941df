import TensorGraph

extension Plan {
    /// Where every node runs and why, and how much memory that takes, as a table.
    public func explain() -> String {
        guard let schedule = deviceSchedule ?? cpuSchedule else { return "not placed yet\n" }
        var rows = [["node", "operation", "result", "backend", "implementation", "made at"]]
        for (index, node) in schedule.computation.nodes.enumerated() {
            guard let choice = schedule.placement.choices[index] else { continue }
            let refusals = choice.refusals.map { " (\(schedule.backendNames[$0.backend]): \($0.reason))" }.joined()
            let prologue = choice.steady.map { $0.rest == nil ? "; run once" : "; weight packed once" } ?? ""
            rows.append([
                "%\(index)", node.op.name, node.resultTypes.map(\.description).joined(separator: " "),
                schedule.backendNames[choice.backend], choice.lowered.summary + prologue + refusals,
                node.location?.description ?? "",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            text += cells.joined(separator: "  ").trimmedEnd + "\n"
        }
        for (name, memory) in zip(schedule.backendNames, schedule.memory) where memory.arenas > 0 {
            let ratio = Double(memory.arenas) / Double(max(memory.largestLiveSet, 1))
            let hundredths = Int((ratio * 100).rounded())
            text += "\(name): \(memory.arenas) bytes in arenas, \(hundredths) % of the largest live set\n"
        }
        if schedule.placement.keptByteCount > 0 {
            text +=
                "\(schedule.backendNames[0]): \(schedule.placement.keptByteCount) bytes of packed weights and of results that "
                + "stay the same, kept between runs\n"
        }
        return text
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
