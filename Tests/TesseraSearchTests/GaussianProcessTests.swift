import Foundation
import TensorGraph
import Tessera
import Testing

@testable import TesseraSearch

/// Gaussian processes and the improvement that they expect.
@Suite struct GaussianProcessTests {
    /// What `Tests/References/search.py` kept.
    private struct Reference {
        let file: SafetensorsFile

        init() throws {
            let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            file = try SafetensorsFile(path: folder.appendingPathComponent("References/search.safetensors").path)
        }

        func numbers(_ name: String) throws -> [Double] { try file.tensor(name).elements(Double.self) }

        func rows(_ name: String) throws -> [[Double]] {
            let (numbers, width) = (try numbers(name), try file.tensor(name).shape[1])
            return stride(from: 0, to: numbers.count, by: width).map { Array(numbers[$0..<($0 + width)]) }
        }
    }

    private func expect(
        _ found: [Double], near expected: [Double], _ limit: Double, _ name: String,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == expected.count, "\(name)", sourceLocation: sourceLocation)
        for (found, expected) in zip(found, expected) {
            #expect(abs(found - expected) <= limit * max(1, abs(expected)), "\(name)", sourceLocation: sourceLocation)
        }
    }

    /// Posterior, likelihood, gradient, and the greatest likelihood that an ascent finds, are scikit-learn's.
    @Test func processesAreThoseOfScikitLearn() throws {
        let reference = try Reference()
        let cases = Set(reference.file.names.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
        #expect(cases == ["noisy", "one dimension", "one point", "three dimensions"])
        for name in cases {
            let points = try reference.rows("\(name)/input/points")
            let values = try reference.numbers("\(name)/input/values")
            let parameters = try reference.numbers("\(name)/parameter/all")
            let groups = Array(0..<points[0].count)
            let process = try #require(
                GaussianProcess(
                    points, values, groups: groups,
                    .init(variance: parameters[0], noise: parameters[1], lengths: Array(parameters[2...]))), "\(name)")
            let posterior = try reference.rows("\(name)/input/others").map { process.posterior(at: $0) }
            expect(posterior.map(\.mean), near: try reference.numbers("\(name)/output/mean"), 1e-7, "\(name): mean")
            expect(
                posterior.map(\.variance), near: try reference.numbers("\(name)/output/variance"), 1e-7,
                "\(name): variance")
            expect(
                [process.logLikelihood], near: try reference.numbers("\(name)/output/likelihood"), 1e-8,
                "\(name): likelihood")
            expect(process.gradient, near: try reference.numbers("\(name)/output/gradient"), 1e-6, "\(name): gradient")
            guard let greatest = try? reference.numbers("\(name)/output/greatest") else { continue }
            var random = SplitMix64(seed: 1)
            let fitted = try #require(GaussianProcess.fitted(points, values, groups: groups, using: &random))
            #expect(fitted.logLikelihood > greatest[0] - 1e-3, "\(name): \(fitted.parameters)")
        }
    }

    /// Dimensions of one group have one length, whose slope is the sum of theirs.
    @Test func groupsShareALength() throws {
        let points = [[0.1, 0.2, 0.9], [0.7, 0.4, 0.3], [0.5, 0.9, 0.6], [0.2, 0.8, 0.1]]
        let values = [1, -0.5, 0.3, 0.9]
        let shared = try #require(
            GaussianProcess(points, values, groups: [0, 1, 0], .init(variance: 1, noise: 0.01, lengths: [0.4, 0.8])))
        let own = try #require(
            GaussianProcess(
                points, values, groups: [0, 1, 2], .init(variance: 1, noise: 0.01, lengths: [0.4, 0.8, 0.4])))
        expect([shared.logLikelihood], near: [own.logLikelihood], 1e-12, "likelihood")
        let (few, many) = (shared.gradient, own.gradient)
        expect(few, near: [many[0], many[1], many[2] + many[4], many[3]], 1e-12, "gradient")
    }

    @Test func whatDefinesNoProcessIsNone() {
        let parameters = GaussianProcess.Parameters(variance: 1, noise: 0, lengths: [1])
        #expect(GaussianProcess([], [], groups: [0], parameters) == nil)
        #expect(GaussianProcess([[0.5], [0.5]], [1, 2], groups: [0], parameters) == nil)
        #expect(GaussianProcess([[0.5]], [.nan], groups: [0], parameters) == nil)
        #expect(GaussianProcess([[.nan]], [1], groups: [0], parameters) == nil)
        var random = SplitMix64(seed: 1)
        #expect(GaussianProcess.fitted([], [], groups: [0], using: &random) == nil)
        // Equal points with different values: noise explains them.
        #expect(GaussianProcess.fitted([[0.5], [0.5], [0.1]], [1, -1, 0], groups: [0], using: &random) != nil)
    }

    /// The closed form beside a numeric integral of max(f - best, 0) over f's density.
    @Test(arguments: [(0.3, 0.8, 0.1), (-2, 1.5, 1), (1, 0.01, 1), (5, 2, -3), (-3, 1, 2), (0, 1e-3, 0.01)])
    func improvementIsItsIntegral(_ mean: Double, _ deviation: Double, _ best: Double) {
        let steps = 200_000
        // From the best, or where nothing is any more, to where nothing is any more.
        let (low, high) = (max(best, mean - 12 * deviation), max(best, mean) + 12 * deviation)
        var integral = 0.0
        for step in 0..<steps {
            let f = low + (Double(step) + 0.5) * (high - low) / Double(steps)
            let z = (f - mean) / deviation
            integral += (f - best) * Foundation.exp(-z * z / 2) / (deviation * (2 * Double.pi).squareRoot())
        }
        integral *= (high - low) / Double(steps)
        let found = ExpectedImprovement.logarithm(mean: mean, variance: deviation * deviation, best: best)
        #expect(abs(Foundation.exp(found) - integral) < 1e-6 * integral, "\(Foundation.exp(found)), \(integral)")
    }

    @Test func improvementIsANumberFarOut() {
        func logarithm(_ z: Double) -> Double { ExpectedImprovement.logarithm(mean: z, variance: 1, best: 0) }
        // It only grows, over where the form changes too, and without a jump.
        let places = stride(from: -60.0, through: 10, by: 0.01).map { $0 }
        for (z, next) in zip(places, places.dropFirst()) {
            let (first, second) = (logarithm(z), logarithm(next))
            #expect(first.isFinite && first < second)
            // The slope is about -z far out.
            #expect(second - first < 0.0101 * (max(-z, 1) + 1), "\(z)")
        }
        for edge in [-1.0, -10.0] { #expect(abs(logarithm(edge.nextUp) - logarithm(edge)) < 1e-6, "\(edge)") }
        #expect(logarithm(-1e9).isFinite && logarithm(-1e200) == -.infinity && logarithm(1e9) > 20)
        #expect(ExpectedImprovement.logarithm(mean: 1, variance: 0, best: 1) == -.infinity)
        #expect(abs(ExpectedImprovement.logarithm(mean: 3, variance: 0, best: 1) - Foundation.log(2.0)) < 1e-15)
    }
}
