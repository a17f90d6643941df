/// Two files of rows side by side.
package struct BenchComparison {
    package enum Verdict: String {
        case slower, faster
        /// No difference that counts.
        case same = ""
        /// A difference beyond the threshold, but within the spread of the runs.
        case noise = "within the spread"
        /// Fails, or has no time, where the old row did not.
        case broken
    }

    package struct Pair {
        package var old: BenchRow
        package var new: BenchRow
        package var verdict: Verdict

        /// The old time over the new: above 1 is faster.
        package var ratio: Double? {
            guard let before = old.ms, let after = new.ms, after > 0 else { return nil }
            return before / after
        }
    }

    package private(set) var pairs: [Pair] = []
    /// Rows of the old file that the new one lacks, and the other way round.
    package private(set) var missing: [String] = []
    package private(set) var added: [String] = []

    /// Pairs rows of the same case, pass and device: by what the user named it, else by its own name. A peer's rows have no
    /// device: each is set beside every row of the same case and pass.
    ///
    /// A row is slower or faster where its median differs by more than the threshold, as a share of the smaller one, and by
    /// more than the spreads of both rows (``BenchRow/spreadMs``) together.
    package init(_ old: [BenchRow], _ new: [BenchRow], threshold: Double = 0.1) {
        var matched: Set<Int> = []
        for row in new {
            let candidates = old.indices.filter { old[$0].benchCase == row.benchCase && old[$0].pass == row.pass }
            let index =
                candidates.first { old[$0].device == row.device || old[$0].peer != nil }
                ?? candidates.first { old[$0].deviceName != nil && old[$0].deviceName == row.deviceName }
            guard let index else {
                added.append("\(row.benchCase) \(row.pass) \(row.device)")
                continue
            }
            matched.insert(index)
            pairs.append(Pair(old: old[index], new: row, verdict: Self.verdict(old[index], row, threshold)))
        }
        missing = old.indices.filter { !matched.contains($0) }.map {
            "\(old[$0].benchCase) \(old[$0].pass) \(old[$0].device)"
        }
    }

    private static func verdict(_ old: BenchRow, _ new: BenchRow, _ threshold: Double) -> Verdict {
        if new.parity.hasFailed { return old.parity.hasFailed ? .same : .broken }
        guard let before = old.ms else { return .same }
        guard let after = new.ms else { return .broken }
        guard max(before, after) > min(before, after) * (1 + threshold) else { return .same }
        guard abs(after - before) > (old.spreadMs ?? 0) + (new.spreadMs ?? 0) else { return .noise }
        return after > before ? .slower : .faster
    }

    package var regressions: [Pair] { pairs.filter { $0.verdict == .slower || $0.verdict == .broken } }

    /// The geometric mean of the ratios of each device.
    package var means: [(device: String, ratio: Double)] {
        var devices: [String] = []
        for pair in pairs where !devices.contains(pair.new.device) { devices.append(pair.new.device) }
        return devices.map { device in
            (device, geometricMean(pairs.filter { $0.new.device == device }.compactMap(\.ratio)))
        }
    }

    package func text(isColoured: Bool) -> String {
        let table = Table(
            [
                .init("case", width: pairs.map(\.new.benchCase.count).max() ?? 0, isRight: false),
                .init("pass", width: 6, isRight: false),
                .init("device", width: pairs.map(\.new.device.count).max() ?? 0, isRight: false),
                .init(oldTitle, width: 9), .init("spread", width: 7), .init("new ms", width: 9),
                .init("spread", width: 7), .init("ratio", width: 8), .init("", width: 0, isRight: false),
            ], isColoured: isColoured)
        var lines = [table.header]
        for pair in pairs {
            let colour: Table.Colour? =
                switch pair.verdict {
                case .slower, .broken: .bad
                case .faster: .good
                case .same, .noise: nil
                }
            lines.append(
                table.line(
                    [
                        pair.new.benchCase, pair.new.pass, pair.new.device, Figure.number(pair.old.ms),
                        Figure.number(pair.old.spreadMs), Figure.number(pair.new.ms), Figure.number(pair.new.spreadMs),
                        Figure.ratio(pair.ratio),
                        pair.new.parity.hasFailed ? pair.new.parity.cell : pair.verdict.rawValue,
                    ], colours: [nil, .faint, nil, nil, .faint, nil, .faint, colour, colour]))
        }
        for mean in means {
            lines.append("geometric mean on \(mean.device): \(Figure.ratio(mean.ratio))")
        }
        if !missing.isEmpty { lines.append("only in the first file: " + missing.joined(separator: "; ")) }
        if !added.isEmpty { lines.append("only in the second file: " + added.joined(separator: "; ")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What to do where no row has a counterpart.
    package var advice: String {
        func few(_ rows: [String]) -> String {
            rows.prefix(3).joined(separator: "; ") + (rows.count > 3 ? "; and \(rows.count - 3) more" : "")
        }
        return
            "they have no case, pass and device in common (the first has \(few(missing)), the second \(few(added))); "
            + "run both with the same --suite or --case and the same --device"
    }

    private var oldTitle: String { pairs.first?.old.peer.map { "\($0) ms" } ?? "old ms" }
}
