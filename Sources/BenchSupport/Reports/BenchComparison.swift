/// Two files of rows side by side.
package struct BenchComparison {
    package struct Pair {
        package var old: BenchRow
        package var new: BenchRow
        /// The old time over the new: above 1 is faster.
        package var ratio: Double?

        /// Whether the new row fails where the old did not.
        package var isBroken: Bool { new.hasFailed && !old.hasFailed }
    }

    package private(set) var pairs: [Pair] = []
    /// Rows of the old file that the new one lacks, and the other way round.
    package private(set) var missing: [String] = []
    package private(set) var added: [String] = []
    /// Times this much longer, as a share, are regressions.
    package let threshold: Double

    /// A peer's rows have no device: each is set beside every row of the same case and pass.
    package init(_ old: [BenchRow], _ new: [BenchRow], threshold: Double = 0.1) {
        self.threshold = threshold
        var matched: Set<Int> = []
        for row in new {
            let candidates = old.indices.filter { old[$0].benchCase == row.benchCase && old[$0].pass == row.pass }
            guard let index = candidates.first(where: { old[$0].device == row.device || old[$0].peer != nil }) else {
                added.append("\(row.benchCase) \(row.pass) \(row.device)")
                continue
            }
            matched.insert(index)
            let ratio: Double? =
                if let before = old[index].ms, let after = row.ms, after > 0 { before / after } else { nil }
            pairs.append(Pair(old: old[index], new: row, ratio: ratio))
        }
        missing = old.indices.filter { !matched.contains($0) }.map {
            "\(old[$0].benchCase) \(old[$0].pass) \(old[$0].device)"
        }
    }

    package func isRegression(_ pair: Pair) -> Bool {
        pair.isBroken || pair.ratio.map { $0 < 1 / (1 + threshold) } ?? (pair.old.ms != nil)
    }

    package var regressions: [Pair] { pairs.filter(isRegression) }

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
                .init(oldTitle, width: 9), .init("new ms", width: 9), .init("ratio", width: 8),
                .init("", width: 0, isRight: false),
            ], isColoured: isColoured)
        var lines = [table.header]
        for pair in pairs {
            let isSlower = isRegression(pair)
            let remark = pair.new.hasFailed ? pair.new.verdict : isSlower ? "slower" : ""
            lines.append(
                table.line(
                    [
                        pair.new.benchCase, pair.new.pass, pair.new.device, Figure.number(pair.old.ms),
                        Figure.number(pair.new.ms), Figure.ratio(pair.ratio), remark,
                    ],
                    colours: [nil, .faint, nil, nil, nil, isSlower ? .bad : (pair.ratio ?? 0) >= 1 ? .good : nil, .bad])
            )
        }
        for mean in means {
            lines.append("geometric mean on \(mean.device): \(Figure.ratio(mean.ratio))")
        }
        if !missing.isEmpty { lines.append("only in the first file: " + missing.joined(separator: "; ")) }
        if !added.isEmpty { lines.append("only in the second file: " + added.joined(separator: "; ")) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var oldTitle: String { pairs.first?.old.peer.map { "\($0) ms" } ?? "old ms" }
}
