import Foundation
import OpenCL
import Tessera
import Testing

@testable import BenchSupport

@Suite struct ScaleTests {
    /// A curve that reaches 80 % of its roof at 1024 and is far below it at 64, where no kernel runs most of the time.
    private static func result() throws -> ScaleResult {
        let peak = DevicePeak(gflops: 100, bandwidth: 10)
        func point(_ size: Int, share: Double, busy: Double) throws -> ScaleResult.Point {
            var row = BenchRow(
                benchCase: try ScaleSweep.matmul.benchCase(size).text, pass: "fwd", device: "opencl", parity: .ok)
            let flops = 2 * Double(size * size * size)
            row.intensity = flops / Double(12 * size * size)
            let rate = share * min(peak.gflops, (row.intensity ?? 0) * peak.bandwidth)
            row.minimumMs = flops / rate / 1e6
            row.ms = 2 * flops / rate / 1e6
            row.gflops = rate / 2
            let kernels = [KernelTime(name: "matMul: <gemm>", ms: busy * (row.minimumMs ?? 0))]
            return ScaleResult.Point(sweep: .matmul, size: size, row: row, kernels: kernels)
        }
        return ScaleResult(
            date: "today", devices: [.init(label: "opencl", name: "GPU <1>", peak: peak)],
            points: [
                try point(1024, share: 0.8, busy: 1), try point(64, share: 0.1, busy: 0.2),
                try point(256, share: 0.7, busy: 0.9),
            ])
    }

    @Test func thePictureIsWellFormedInBothStyles() throws {
        let result = try Self.result()
        for style in [ChartStyle.page, .file] {
            let svg = ScalePlot(.matmul, result, style: style).svg
            #expect(XMLCheck.isWellFormed(svg) && svg.contains("GPU &lt;1&gt;") && !svg.contains("nan"))
            // The curve and the roof, of time and of rate.
            #expect(svg.ranges(of: "<polyline").count == 4 && svg.ranges(of: "<circle").count == 1 + 2 * 3)
        }
        #expect(ScalePlot(.matmul, result, style: .file).svg.contains("xmlns=") && !result.html.contains("xmlns="))
        #expect(
            result.html.contains("<code>matMul: &lt;gemm&gt;</code>") && result.html.contains("<strong>opencl, forward")
        )
    }

    @Test func whereTheCurveLeavesTheRoofIsSaid() throws {
        let sentences = ScaleFindings(.matmul, try Self.result()).sentences
        #expect(sentences.count == 2)
        #expect(sentences[0].contains("at best 80 % of the roof, at n = 1024"))
        #expect(
            sentences[0].contains("At n = 64 it has 10 %")
                && sentences[0].contains("for 80 % of that time no kernel runs"))
        #expect(!sentences[0].contains("falls"))
    }

    @Test func aResultSurvivesItsFile() throws {
        let result = try Self.result()
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("scale-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try TextFile.write(result.json, path)
        let again = try ScaleResult(contentsOfFile: path)
        #expect(try again.json == result.json && again.markdown(command: "x") == result.markdown(command: "x"))
        try TextFile.write("[]", path)
        #expect { try ScaleResult(contentsOfFile: path) } throws: {
            "\($0)".contains("not what gpu-bench scale writes")
        }
    }

    @Test func everySweepHasItsCases() throws {
        for sweep in ScaleSweep.allCases {
            #expect(sweep.sizes == sweep.sizes.sorted())
            for size in sweep.sizes { #expect(try sweep.benchCase(size).text.contains("=\(size)")) }
        }
    }

    /// No row has more than the whole of a peak: a case that is faster shows that the peak was measured too low.
    @Test func aPeakIsPutRightByWhatIsReached() throws {
        let device = try BenchDevice.cpu()
        try device.measurePeak()
        let measured = try #require(device.peak)
        device.correctPeak(reached: measured.gflops / 2)
        #expect(device.peak == measured)
        device.correctPeak(reached: measured.gflops * 100)
        #expect(device.peak?.gflops == measured.gflops * 100)
        var row = BenchRow(benchCase: "x", pass: "fwd", device: "cpu", parity: .ok)
        row.gflops = measured.gflops * 50
        row.judge(by: device.peak)
        #expect(row.peakShare == 0.5)
    }

    @Test func filesThatCannotBeReadOrWrittenSayWhy() throws {
        let folder = FileManager.default.temporaryDirectory.path
        #expect { try TextFile.read("/no/such/file") } throws: { "\($0)".contains("no such file") }
        #expect { try TextFile.read(folder) } throws: { "\($0)".contains("a folder, not a file") }
        #expect { try AtomicFile.checkWritable("/no/such/file") } throws: { "\($0)".contains("no folder /no/such") }
        #expect { try AtomicFile.checkWritable(folder) } throws: { "\($0)".contains("name a file in it") }
        #expect { try BenchRowFile.rows("[{\"pass\": \"fwd\"}]") } throws: { "\($0)".contains("\"case\" is missing") }
    }

    @Test(.enabled(if: (try? Device.best()) != nil, "no OpenCL device"))
    func everyFamilyHasAnImplementationInBothDirections() throws {
        let device = try #require(try Device.best())
        let reports = try ImplementationReport.all(on: device)
        #expect(reports.contains { !$0.backward.isEmpty })
        for report in reports {
            #expect(!report.forward.isEmpty, "\(report.family)")
            #expect(Set(report.forward).isDisjoint(with: report.backward), "\(report.family)")
            for step in report.forward + report.backward {
                #expect((step.implementation == nil) != (step.reason == nil), "\(step)")
            }
        }
    }
}
