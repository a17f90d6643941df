import Foundation
import TensorGraph
import Testing

@testable import TesseraSearch

/// What samplers choose.
@Suite struct SamplerTests {
    private func context(
        _ space: SearchSpace, _ number: Int, seed: UInt64 = 3, direction: Direction = .minimize,
        history: [TrialRecord] = []
    ) -> SamplerContext {
        SamplerContext(space: space, direction: direction, number: number, seed: seed, history: history)
    }

    /// A search for the least of a function, without a file.
    private func best(
        _ sampler: some Sampler, _ space: SearchSpace, trials: Int, seed: UInt64,
        _ function: (ParameterValues) throws -> Double
    ) throws -> Double {
        var history: [TrialRecord] = []
        for number in 0..<trials {
            let values = try #require(try sampler.values(context(space, number, seed: seed, history: history)))
            try #require(space.complaint(about: values) == nil)
            history.append(
                TrialRecord(number: number, state: .complete, values: values, objective: try function(values)))
        }
        return history.compactMap(\.objective).min() ?? .nan
    }

    /// Branin's function: three equal minima of 0.397887 (Dixon and Szegő, 1978).
    private static func branin(_ values: ParameterValues) throws -> Double {
        let (x, y) = (try values.real("x"), try values.real("y"))
        let bent = y - 5.1 / (4 * Double.pi * Double.pi) * x * x + 5 / Double.pi * x - 6
        return bent * bent + 10 * (1 - 1 / (8 * Double.pi)) * Foundation.cos(x) + 10
    }

    private static func braninSpace() throws -> SearchSpace {
        try SearchSpace([.real("x", -5...10), .real("y", 0...15)])
    }

    /// One of every kind: the least is 0, at 1e-3, 20 and "c", and depends on all of them.
    private static func mixed(_ values: ParameterValues) throws -> Double {
        let rate = Foundation.log10(try values.real("rate")) + 3
        let width = Double(try values.integer("width") - 20) / 16
        let penalty = ["a": 1.0, "b": 0.6, "c": 0, "d": 1.4][try values.category("kind")] ?? .nan
        let extra =
            try values["momentum"] == nil ? 0 : (values.real("momentum") - 0.9) * (values.real("momentum") - 0.9)
        return rate * rate + width * width + penalty + extra
    }

    private static func mixedSpace() throws -> SearchSpace {
        try SearchSpace([
            .real("rate", 1e-6...1, .logarithmic), .integer("width", 1...64),
            .categories("kind", ["a", "b", "c", "d"]),
            .real("momentum", 0...1).when("kind", is: "c", "d"),
        ])
    }

    @Test func bayesianFindsLessThanRandomInTheMean() throws {
        let cases: [(String, SearchSpace, (ParameterValues) throws -> Double, Double)] = [
            ("Branin", try Self.braninSpace(), Self.branin, 0.6),
            ("mixed", try Self.mixedSpace(), Self.mixed, 0.3),
        ]
        for (name, space, function, limit) in cases {
            var means = (bayesian: 0.0, random: 0.0)
            for seed in 0..<4 as Range<UInt64> {
                means.bayesian += try best(.bayesian(), space, trials: 25, seed: seed, function) / 4
                means.random += try best(.random, space, trials: 25, seed: seed, function) / 4
            }
            print("\(name): Bayesian \(means.bayesian), random \(means.random)")
            #expect(means.bayesian < limit && means.bayesian < means.random, "\(name): \(means)")
        }
    }

    /// The same seed, number and history choose the same; another seed others.
    @Test func choicesDependOnSeedNumberAndHistoryAlone() throws {
        let space = try Self.mixedSpace()
        let history = try (0..<8).map { number in
            let values = try #require(RandomSampler().values(context(space, number)))
            return TrialRecord(number: number, state: .complete, values: values, objective: try Self.mixed(values))
        }
        for sampler in [.random, .bayesian()] as [any Sampler] {
            let chosen = try sampler.values(context(space, 8, history: history))
            #expect(try chosen == sampler.values(context(space, 8, history: history)) && chosen != nil)
            #expect(try chosen != sampler.values(context(space, 8, seed: 4, history: history)))
            #expect(try chosen != sampler.values(context(space, 9, history: history)))
        }
    }

    /// Objectives that are all the same, greatest numbers, trials without an objective: whatever there is, values come.
    @Test func bayesianChoosesWhateverTheHistory() throws {
        let space = try Self.mixedSpace()
        let huge = Double.greatestFiniteMagnitude
        let cases: [(String, (Int) -> (TrialRecord.State, Double?))] = [
            ("same", { _ in (.complete, 1) }), ("huge", { (.complete, $0 % 2 == 0 ? huge : -huge) }),
            ("failed", { _ in (.failed, nil) }),
            ("one in three", { $0 % 3 == 0 ? (.complete, Double($0)) : (.failed, nil) }),
            ("pruned", { (.pruned, $0 % 2 == 0 ? Double($0) : nil) }), ("running", { _ in (.running, nil) }),
            ("some run", { $0 < 8 ? (.complete, Double($0 * $0)) : (.running, nil) }),
            ("diverged", { (.complete, $0 == 0 ? 1e30 : Double($0) * 1e-3) }),
        ]
        for (name, outcome) in cases {
            let history = (0..<12).map { number in
                let (state, objective) = outcome(number)
                return TrialRecord(
                    number: number, state: state, values: RandomSampler().values(context(space, number)),
                    objective: objective)
            }
            let chosen = try #require(try BayesianSampler().values(context(space, 12, history: history)), "\(name)")
            #expect(space.complaint(about: chosen) == nil, "\(name)")
            #expect(!history.contains { $0.values == chosen }, "\(name)")
        }
    }

    /// A small space is gone through before anything is tried twice, also while trials run.
    @Test(arguments: [TrialRecord.State.complete, .running]) func nothingIsTriedTwice(_ state: TrialRecord.State) throws
    {
        let space = try SearchSpace([.integer("a", 1...3), .categories("b", ["x", "y", "z"])])
        var history = try (0..<5).map { number in
            let values = try #require(try GridSampler().values(context(space, number)))
            return TrialRecord(number: number, state: .complete, values: values, objective: Double(number % 3))
        }
        for number in 5..<9 {
            let values = try #require(try BayesianSampler().values(context(space, number, history: history)))
            #expect(!history.contains { $0.values == values }, "\(values)")
            history.append(
                TrialRecord(number: number, state: state, values: values, objective: state == .complete ? 1 : nil))
        }
        #expect(try BayesianSampler().values(context(space, 9, history: history)) != nil)
    }

    /// The first trials are nowhere close together and come into every corner.
    @Test func firstTrialsAreSpread() {
        for dimensions in [1, 2, 5] {
            let points = (0..<64).map { BayesianSampler.spread($0, over: dimensions, seed: 9) }
            #expect(points.allSatisfy { $0.count == dimensions && $0.allSatisfy { (0..<1).contains($0) } })
            for dimension in 0..<dimensions {
                let places = points.map { $0[dimension] }.sorted()
                let gaps = zip(places, places.dropFirst()).map { $1 - $0 }
                #expect((gaps.max() ?? 1) < 6.0 / 64, "\(dimensions)")
            }
        }
    }

    @Test func theGridHasEveryCombinationOnce() throws {
        let space = try SearchSpace([
            .categories("kind", ["a", "b"]), .real("x", 1...100, .logarithmic).when("kind", is: "b"),
            .integer("n", 1...2), .integer("m", 0...100),
        ])
        let sampler = GridSampler(points: 3)
        var all: [ParameterValues] = []
        while let values = try sampler.values(context(space, all.count)) { all.append(values) }
        // Without and with three values of x, by 2 and 3.
        #expect(all.count == (1 + 3) * 2 * 3 && Set(all).count == all.count)
        #expect(all.allSatisfy { space.complaint(about: $0) == nil })
        #expect(Set(all.compactMap { $0["m"] }) == [.integer(0), .integer(50), .integer(100)])
        let xs = try Set(all.filter { $0["x"] != nil }.map { try $0.real("x").rounded() })
        #expect(xs == [1, 10, 100])
        #expect(try GridSampler(points: 1).values(context(SearchSpace([.real("x", 0...4)]), 0))?["x"] == .real(2))
        // Small whole numbers on a logarithmic scale lie closer than the points.
        let few = try SearchSpace([.integer("n", 1...7, .logarithmic)])
        let numbers = try (0..<5).compactMap { try GridSampler(points: 5).values(context(few, $0))?["n"] }
        #expect(Set(numbers).count == numbers.count && numbers.first == .integer(1) && numbers.last == .integer(7))
    }

    @Test func samplersThatMakeNoSenseAreErrors() throws {
        let small = try SearchSpace([.real("x", 0...1)])
        let large = try SearchSpace((0..<30).map { .real("x\($0)", 0...1) })
        #expect(throws: GraphError.self) { try GridSampler(points: 0).values(context(small, 0)) }
        #expect(throws: GraphError.self) { try GridSampler().values(context(large, 0)) }
        #expect(throws: GraphError.self) { try BayesianSampler(startupTrials: 0).values(context(small, 0)) }
        #expect(throws: GraphError.self) { try BayesianSampler(candidates: 9).values(context(small, 0)) }
        #expect(RandomSampler().values(context(large, 0)) != nil)
    }
}
