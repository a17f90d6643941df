import Foundation
import TensorGraph
import Testing

@testable import BenchSupport

@Suite struct ReportTests {
    @Test func medianMinimumAndGeometricMean() {
        #expect(Timing([3, 1, 2]) == Timing([1, 2, 3]))
        #expect(Timing([3, 1, 2]).median == 2 && Timing([3, 1, 2]).minimum == 1)
        #expect(Timing([4, 1, 2, 3]).median == 2.5)
        #expect(Timing([4, 1, 2, 3]).quartiles == 1.75...3.25 && Timing([5, 1, 2, 4, 3]).quartiles == 2...4)
        #expect(Timing([7]).quartiles == 7...7 && Timing([0.1, 0.1, 0.1, 0.1]).quartiles == 0.1...0.1)
        #expect(abs(geometricMean([2, 8]) - 4) < 1e-12)
        #expect(geometricMean([]).isNaN)
    }

    @Test func errorsAreJudged() {
        #expect(ResultError([1, 2, 2], [1, 2, 2]) == .exact)
        let off = ResultError([3, 4.5], [3, 4])
        #expect(abs(off.normwise - 0.1) < 1e-12 && abs(off.peak - 0.125) < 1e-12 && !off.isSmall)
        #expect(ResultError([1, 1 + 1e-6], [1, 1]).isSmall)
        #expect(!ResultError([1, .nan], [1, 1]).isSmall)
        #expect(!ResultError([1, .infinity], [1, 1]).isSmall)
        #expect(!ResultError([1], [1, 1]).isSmall)
        #expect(ResultError.worst([off, .exact]) == off)
    }

    private func row(
        _ text: String, _ device: String, ms: Double?, pass: String = "fwd", parity: ParityVerdict = .ok
    ) -> BenchRow {
        var row = BenchRow(benchCase: text, pass: pass, device: device, parity: parity)
        row.ms = ms
        return row
    }

    @Test func rowsSurviveTheirFile() throws {
        var full = row("softmax:rows=3,cols=4", "opencl", ms: 1.5)
        full.minimumMs = 1.25
        full.quartilesMs = 1.375...1.75
        full.gflops = 3
        full.peakShare = 0.5
        full.error = 1e-7
        full.speedup = 2
        full.intensity = 0.625
        full.deviceName = "a \"quoted\" name"
        let failed = row("softmax:rows=3,cols=4", "cpu", ms: nil, parity: .failed("no reason"))
        let text = try BenchRowFile.text([full, failed])
        #expect(try BenchRowFile.rows(text) == [full, failed])
        let objects = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        for object in objects {
            #expect((object["q1_ms"] != nil) == (object["q3_ms"] != nil))
            let keys: Set = ["case", "pass", "device", "ms", "min_ms", "gflops", "peak_share", "error", "parity"]
            #expect(keys.isSubset(of: object.keys))
        }
    }

    @Test func aPeersRowsAreRead() throws {
        let rows = try BenchRowFile.rows(
            """
            {"peer": "torch 2", "case": "softmax:rows=3,cols=4", "pass": "fwd", "ms": 2.0, "min_ms": 1.9, "gflops": null}
            {"peer": "torch 2", "case": "softmax:rows=3,cols=4", "pass": "fwdbwd", "ms": 4.0, "min_ms": 3.9, "gflops": null}

            """)
        let comparison = BenchComparison(
            rows, [row("softmax:rows=3,cols=4", "cpu", ms: 4), row("softmax:rows=3,cols=4", "opencl", ms: 1)])
        #expect(comparison.pairs.map(\.ratio) == [0.5, 2])
        #expect(comparison.missing == ["softmax:rows=3,cols=4 fwdbwd torch 2"])
        #expect(comparison.regressions.map(\.new.device) == ["cpu"])
        #expect(comparison.text(isColoured: false).contains("geometric mean on opencl: 2.00×"))
    }

    @Test(arguments: ["", "[]", "no rows", "[{\"case\": 3}]", "{\"pass\": \"fwd\"}", "[", "{"])
    func aBrokenFileIsAnErrorOrEmpty(_ text: String) {
        #expect { try BenchRowFile.rows(text) } throws: {
            $0 is BenchError && "\($0)".contains("gpu-bench run --json FILE writes")
        }
    }

    /// Old median and spread, new ones, and what that is at a threshold of a tenth. Spreads lie around the median; `nil` is
    /// a row of an earlier version, with the median and perhaps the least.
    static let judged: [(old: (Double, Double?), new: (Double, Double?), verdict: BenchComparison.Verdict)] = [
        ((10, 0.5), (10.5, 0.5), .same), ((10, 0.5), (12, 0.5), .slower), ((12, 0.5), (10, 0.5), .faster),
        ((10, 0.5), (12, 3), .noise), ((10, 3), (12, 0.5), .noise), ((10, 1.1), (12, 1.1), .noise),
        ((12, 1.1), (10, 1.1), .noise), ((10, 0), (10.9, 0), .same), ((10, 0), (11.1, 0), .slower),
        ((10, 40), (40, 10), .noise), ((10, 5), (40, 5), .slower), ((10, nil), (12, nil), .slower),
        ((10, nil), (12, 0.5), .slower), ((10, nil), (12, 3), .noise),
    ]

    @Test(arguments: judged.indices) func onlyWhatExceedsTheSpreadIsADifference(_ index: Int) {
        let (old, new, verdict) = Self.judged[index]
        func row(_ ms: Double, _ spread: Double?) -> BenchRow {
            var row = self.row("a", "cpu", ms: ms)
            row.quartilesMs = spread.map { (ms - $0 / 2)...(ms + $0 / 2) }
            return row
        }
        let comparison = BenchComparison([row(old.0, old.1)], [row(new.0, new.1)])
        #expect(comparison.pairs.map(\.verdict) == [verdict])
        #expect(comparison.regressions.isEmpty == (verdict != .slower))
        #expect(comparison.text(isColoured: false).contains("×  " + verdict.rawValue) || verdict == .same)
    }

    @Test func withoutQuartilesTheLeastTimeTellsTheSpread() {
        func row(_ ms: Double, _ least: Double) -> BenchRow {
            var row = self.row("a", "cpu", ms: ms)
            row.minimumMs = least
            return row
        }
        #expect(row(10, 9).spreadMs == 1)
        #expect(BenchComparison([row(10, 9)], [row(11.5, 10.8)]).pairs[0].verdict == .noise)
        #expect(BenchComparison([row(10, 9.9)], [row(11.5, 11)]).pairs[0].verdict == .slower)
    }

    @Test func devicesAreTheSameByTheirOwnNamesToo() {
        var old = row("a", "opencl", ms: 10), new = row("a", "pocl", ms: 10)
        #expect(BenchComparison([old], [new]).pairs.isEmpty)
        (old.deviceName, new.deviceName) = ("GPU", "GPU")
        #expect(BenchComparison([old], [new]).pairs.count == 1)
        let other = BenchComparison([old], [row("b", "opencl", ms: 1)])
        #expect(other.advice.contains("a fwd opencl") && other.advice.contains("--suite"))
    }

    @Test func regressionsAreWhatIsSlowerOrBroken() {
        let old = [row("a", "cpu", ms: 10), row("b", "cpu", ms: 10), row("c", "cpu", ms: 10), row("d", "cpu", ms: 10)]
        let new = [
            row("a", "cpu", ms: 10.9), row("b", "cpu", ms: 11.2), row("c", "cpu", ms: nil, parity: .failed("lost")),
            row("e", "cpu", ms: 1),
        ]
        let comparison = BenchComparison(old, new)
        #expect(comparison.regressions.map(\.new.benchCase) == ["b", "c"])
        #expect(comparison.missing == ["d cpu".replacingOccurrences(of: "d ", with: "d fwd ")])
        #expect(comparison.added == ["e fwd cpu"])
        #expect(BenchComparison(old, new, threshold: 0.2).regressions.map(\.new.benchCase) == ["c"])
    }

    @Test func columnsLineUp() throws {
        let cases = [try BenchCase("softmax:rows=3,cols=4"), try BenchCase("matmul:m=512,n=512,k=512")]
        let table = Table.results(cases, ["cpu", "opencl"], isColoured: false)
        let lines = [
            table.header, table.line(row(cases[0].text, "cpu", ms: 1)),
            table.line(row(cases[1].text, "opencl", ms: 1234)),
        ]
        let places = lines.dropFirst().map { $0.range(of: "ok")?.lowerBound.utf16Offset(in: $0) }
        #expect(places[0] != nil && places[0] == places[1])
        let coloured = Table.results(cases, ["cpu"], isColoured: true).line(
            row(cases[0].text, "cpu", ms: 1, parity: .failed("x")))
        #expect(coloured.contains("\u{1B}[31mFAIL: x\u{1B}[0m"))
    }

    @Test func aNumPyFileHasAPaddedHeader() throws {
        let data = try NumPyFile.data(HostTensor([2, 3], [Float](repeating: 1.5, count: 6)))
        #expect(data.prefix(8) == Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]))
        let length = Int(data[8]) + Int(data[9]) << 8
        #expect((10 + length) % 64 == 0 && data.count == 10 + length + 24)
        let header = String(decoding: data[10..<(10 + length)], as: UTF8.self)
        #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }"))
        #expect(header.hasSuffix(" \n") || header.hasSuffix("}\n"))
        let scalar = try NumPyFile.data(HostTensor(Int32(7)))
        #expect(
            String(decoding: scalar[10..<110], as: UTF8.self).contains("'<i4', 'fortran_order': False, 'shape': (), "))
        #expect(throws: BenchError.self) { try NumPyFile.data(HostTensor(zeros: TensorType([1], .bfloat16))) }
    }

    @Test func thePageIsWellFormedAndEscaped() throws {
        var point = row("softmax:rows=3,cols=4", "opencl", ms: 1)
        point.gflops = 3
        point.intensity = 0.6
        point.speedup = 2
        let failed = row("matmul:m=1,n=1,k=1", "opencl", ms: nil, parity: .failed("<script> & \"more\""))
        let report = HTMLReport(
            rows: [point, failed],
            devices: [.init(label: "opencl", name: "GPU <1>", peak: DevicePeak(gflops: 100, bandwidth: 20))],
            date: "today")
        let text = report.text
        #expect(!text.contains("<script>") && text.contains("&lt;script&gt; &amp;"))
        #expect(text.contains("<svg") && text.contains("<polyline") && text.contains("1 of 2 rows failed"))
        // Nothing is loaded from elsewhere.
        #expect(!text.contains("http://") && !text.contains("https://") && !text.contains("src="))
        let svg = Roofline(rows: report.rows, peak: report.devices[0].peak).svg
        #expect(XMLCheck.isWellFormed(svg))
    }
}

/// Whether every element that is opened is closed, in order.
enum XMLCheck {
    static func isWellFormed(_ text: String) -> Bool {
        var open: [String] = []
        for part in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
            guard let end = part.firstIndex(of: ">") else { return false }
            let tag = part[..<end]
            if tag.hasSuffix("/") { continue }
            let name = String(tag.prefix { $0 != " " })
            if name.hasPrefix("/") {
                guard open.popLast() == String(name.dropFirst()) else { return false }
            } else {
                open.append(name)
            }
        }
        return open.isEmpty
    }
}
