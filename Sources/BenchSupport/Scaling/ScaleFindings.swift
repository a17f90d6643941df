import Tessera

/// Where curves leave the roof and why, in sentences made from what was measured.
package struct ScaleFindings {
    let sweep: ScaleSweep
    let result: ScaleResult

    package init(_ sweep: ScaleSweep, _ result: ScaleResult) {
        self.sweep = sweep
        self.result = result
    }

    package var sentences: [String] {
        result.devices.flatMap { device in
            BenchPass.allCases.compactMap { pass in
                let points = result.curve(sweep, pass, device)
                guard let best = points.max(by: { $0.share < $1.share }) else { return nil }
                return "**\(device.label), \(sweep.title(of: pass))**: "
                    + ([atBest(best)] + ends(points, best)).joined(separator: " ")
            }
        } + [sweep.whatIsNotCounted]
    }

    private func atBest(_ best: ScalePoint) -> String {
        let roof = best.isBoundByMemory ? "memory's roof" : "the roof"
        guard best.share <= 1 else {
            if best.row.accuracy?.contains(.transformed) ?? false {
                return "above \(roof) at n = \(best.size): Winograd's method does fewer operations than are counted."
            }
            return "above \(roof) at n = \(best.size), where the tensors stay in caches that are faster than memory."
        }
        return "at best \(Figure.percent(best.share)) of \(roof), at n = \(best.size) (\(kernels(in: best)))."
    }

    /// What happens well below the best share, at the small and at the large end.
    private func ends(_ points: [ScalePoint], _ best: ScalePoint) -> [String] {
        let limit = 0.7 * min(best.share, 1)
        var texts: [String] = []
        if let lowest = points.first, lowest.size < best.size, lowest.share < limit {
            let last = points.last { $0.size < best.size && $0.share < limit } ?? lowest
            let range =
                last.size == lowest.size
                ? "At n = \(lowest.size) it has \(Figure.percent(lowest.share))"
                : "Up to n = \(last.size) it stays below \(Figure.percent(limit)), \(Figure.percent(lowest.share)) at n = \(lowest.size)"
            texts.append("\(range): \(whySmall(lowest)).")
        }
        if let highest = points.last, highest.size > best.size, highest.share < limit {
            texts.append(
                "At n = \(highest.size) it falls to \(Figure.percent(highest.share)): of the \(Figure.number(highest.ms)) ms, "
                    + "\(kernels(in: highest)).")
        }
        return texts
    }

    private func whySmall(_ point: ScalePoint) -> String {
        let time = "\(microseconds(point.ms)) instead of the \(microseconds(point.roofMs)) that the roof allows"
        if point.idleShare > 0.3 {
            return
                "\(time), and for \(Figure.percent(point.idleShare)) of that time no kernel runs: it goes into starting "
                + "kernels and waiting for the last"
        }
        return
            "\(time), spent inside the kernels, whose fixed costs, such as sharing the work out and packing, weigh more "
            + "the less there is to do (\(kernels(in: point)))"
    }

    private func microseconds(_ ms: Double) -> String { "\(Figure.number(ms * 1000)) µs" }

    /// The kernels that most of the time goes to.
    private func kernels(in point: ScalePoint) -> String {
        let total = point.kernels.reduce(0) { $0 + $1.ms }
        guard let first = point.kernels.first, total > 0 else { return "kernels not timed" }
        if first.ms / total > 0.95 { return "all but a little in `\(first.name)`" }
        return point.kernels.prefix(3).filter { $0.ms / total >= 0.05 }
            .map { "\(Figure.percent($0.ms / total)) in `\($0.name)`" }.joined(separator: ", ")
    }
}

extension ScaleResult {
    /// The page that shows the pictures with what there is to say of them.
    ///
    /// - Parameter command: how it was made.
    package func markdown(command: String) -> String {
        var text = """
            # How cost grows

            Solid lines are the shortest of several runs, dashed ones the roof: the least time and the greatest rate that the
            device allows, by its measured peak arithmetic and memory bandwidth (Williams, Waterman and Patterson, 2009).
            Both axes are logarithmic. Made by `\(command)` on \(date):


            """
        for device in devices {
            text +=
                "- `\(device.label)`: \(device.name), \(Figure.number(device.peak.gflops)) GFLOPS and \(Figure.number(device.peak.bandwidth)) GB/s\n"
        }
        for sweep in ScaleSweep.allCases where points.contains(where: { $0.sweep == sweep }) {
            text += "\n## \(sweep.title)\n\n![\(sweep.title)](\(sweep.rawValue).svg)\n\n"
            text += ScaleFindings(sweep, self).sentences.map { "- \($0)\n" }.joined()
        }
        return text
    }
}

extension ScaleResult {
    /// The same as one page that needs no other file.
    package var html: String {
        let sections = ScaleSweep.allCases.filter { sweep in points.contains { $0.sweep == sweep } }.map { sweep in
            let findings = ScaleFindings(sweep, self).sentences.map { "<li>\(Self.marked($0))</li>" }
            return """
                <section>
                \(ScalePlot(sweep, self, style: .page).svg)
                <ul class="note">
                \(findings.joined(separator: "\n"))
                </ul>
                </section>
                """
        }
        return HTMLPage.page(
            title: "How cost grows", subtitle: HTMLPage.escaped(date),
            """
            <p class="note">Solid lines are the shortest of several runs, dashed ones the roof: the least time and the greatest
            rate that the device allows, by its measured peak arithmetic and memory bandwidth. Both axes are logarithmic.</p>
            \(sections.joined(separator: "\n"))
            """)
    }

    /// The little Markdown of the sentences, `**strong**` and code, as HTML.
    private static func marked(_ text: String) -> String {
        HTMLPage.escaped(text).replacing(/\*\*(.+?)\*\*/) { "<strong>\($0.1)</strong>" }
            .replacing(/`(.+?)`/) { "<code>\($0.1)</code>" }
    }
}
