import Foundation
import TensorGraph
import Tessera
import Testing

@testable import TesseraSearch

/// Studies in one process: what is kept, what is chosen again, and what is a mistake.
@Suite struct StudyTests {
    private static func space() throws -> SearchSpace {
        try SearchSpace([
            .real("x", -1...1), .categories("kind", ["a", "b"]), .integer("n", 1...4).when("kind", is: "b"),
        ])
    }

    private func study(
        _ path: String, direction: Direction = .minimize, seed: UInt64 = 1, sampler: any Sampler = .random,
        pruner: (any Pruner)? = nil
    ) throws -> Study {
        try Study(path, space: Self.space(), direction: direction, seed: seed, sampler: sampler, pruner: pruner)
    }

    private func objective(_ trial: Trial) throws -> Double { try trial.real("x") * trial.real("x") }

    @Test func everythingIsKept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        var trials: [TrialRecord] = []
        do {
            let study = try study(path)
            try study.run(trials: 6) { trial in
                try trial.report(10, step: 1)
                try trial.report(5 + objective(trial), step: 4)
                return try objective(trial)
            }
            trials = try study.trials()
        }
        #expect(trials.map(\.number) == Array(0..<6) && trials.allSatisfy { $0.state == .complete && $0.attempts == 1 })
        #expect(trials.allSatisfy { $0.reports.map(\.step) == [1, 4] && $0.reports[0].value == 10 })
        #expect(trials.allSatisfy { ($0.seconds ?? -1) >= 0 })
        let again = try Study(existing: path)
        #expect(try again.trials() == trials && again.space == Self.space() && again.direction == .minimize)
        let best = try #require(try again.best()?.objective)
        #expect(best == trials.compactMap(\.objective).min())
        // As many as there are to be: nothing more.
        var called = 0
        try study(path).run(trials: 6) { _ in
            called += 1; return 0
        }
        #expect(called == 0)
    }

    /// A search that ends anywhere and goes on in another process chooses what one that never ended does.
    @Test func aStudyThatGoesOnChoosesTheSame() throws {
        let folder = try TemporaryFolder()
        let whole = try study(folder.path("whole"), sampler: .bayesian())
        try whole.run(trials: 9, objective)
        for part in [1, 6] {
            try study(folder.path("part \(part)"), sampler: .bayesian()).run(trials: part, objective)
            let rest = try study(folder.path("part \(part)"), sampler: .bayesian())
            try rest.run(trials: 9, objective)
            #expect(try rest.trials().map(\.values) == whole.trials().map(\.values))
        }
    }

    @Test func severalStudiesAreInOneFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let names = ["study", "other", "σ; DROP TABLE study"]
        for (index, name) in names.enumerated() {
            let study = try Study(path, name: name, space: Self.space(), direction: .maximize, sampler: .random)
            try study.run(trials: index + 1, objective)
        }
        for (index, name) in names.enumerated() {
            #expect(try Study(existing: path, name: name).trials().count == index + 1)
        }
        let error = #expect(throws: FileError.self) { try Study(existing: path, name: "third") }
        #expect(error?.reason.contains("“study”, “other”") == true)
    }

    @Test func anotherSpaceDirectionOrSeedIsAnErrorOfItsLine() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        _ = try study(path)
        let other = try SearchSpace([.real("x", -1...1.5), .categories("kind", ["a", "b"])])
        let attempts: [(String, SearchSpace, Direction, UInt64)] = [
            ("space", other, .minimize, 1), ("direction", try Self.space(), .maximize, 1),
            ("seed", try Self.space(), .minimize, 2),
        ]
        for (what, space, direction, seed) in attempts {
            let line: UInt = #line + 2
            let error = #expect(throws: GraphError.self) {
                try Study(path, space: space, direction: direction, seed: seed)
            }
            #expect(error?.message.contains(what) == true && error?.location?.line == line)
        }
        #expect(try study(path, seed: 1).seed == 1)
    }

    @Test func extremeSeedsAndDirectionsAreKept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let space = try SearchSpace([.real("x", 1e-300...1e300, .logarithmic), .integer("n", -5...(1 << 53))])
        let study = try Study(path, space: space, direction: .maximize, seed: .max, sampler: .random)
        try study.run(trials: 3) { _ in -Double.leastNonzeroMagnitude }
        let again = try Study(existing: path)
        #expect(try again.seed == .max && again.space == space && again.trials() == study.trials())
        #expect(try again.best()?.objective == -Double.leastNonzeroMagnitude)
    }

    @Test func aTrialIsToldOnce() throws {
        let folder = try TemporaryFolder()
        let study = try study(folder.path("search.sqlite"))
        let ends: [(String, (Trial) throws -> Void)] = [
            ("complete", { try $0.complete(1) }), ("pruned", { try $0.prune() }), ("failed", { try $0.fail("why") }),
        ]
        for (state, end) in ends {
            let trial = try #require(try study.begin())
            try end(trial)
            for (_, second) in ends + [("report", { try $0.report(1, step: 9) })] {
                let error = #expect(throws: GraphError.self) { try second(trial) }
                #expect(error?.message.contains(state) == true && error?.message.contains("told once") == true)
            }
            #expect(try study.trials()[trial.number].state.rawValue == state)
        }
        #expect(try study.trials()[2].reason == "why")
    }

    @Test func numbersThatAreNoneAreErrors() throws {
        let folder = try TemporaryFolder()
        let study = try study(folder.path("search.sqlite"))
        let trial = try #require(try study.begin())
        for value in [Double.nan, .infinity, -.infinity] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try trial.complete(value) }
            #expect(error?.location?.line == line && error?.message.contains("fail(_:)") == true)
            #expect(throws: GraphError.self) { try trial.report(value, step: 1) }
        }
        try trial.report(1, step: 3)
        for step in [3, 2, 0, -1] { #expect(throws: GraphError.self) { try trial.report(1, step: step) } }
        #expect(throws: GraphError.self) { try trial.real("y") }
        #expect(throws: GraphError.self) { try trial.category("x") }
        // The trial is still there to be told.
        try trial.complete(-0.0)
        let other = try #require(try study.begin())
        #expect(throws: GraphError.self) { try other.report(1, step: -1) }
    }

    /// What an objective throws is noted, and is the caller's; a loss or an objective that is no number is the trial's.
    @Test func whatGoesWrongIsNoted() throws {
        struct Mistake: Error {}
        let folder = try TemporaryFolder()
        let study = try study(folder.path("search.sqlite"))
        #expect(throws: Mistake.self) { try study.run(trials: 5) { _ in throw Mistake() } }
        #expect(try study.trials().map(\.state) == [.failed])
        try study.run(trials: 4) { trial in trial.number == 2 ? .nan : trial.number == 1 ? .infinity : 3 }
        #expect(try study.trials().map(\.state) == [.failed, .failed, .failed, .complete])
        #expect(try study.trials()[2].reason == "the objective is nan")
        let random = RandomSource(seed: 1)
        try study.run(trials: 5) { _ in
            let trainer = Trainer(
                Dense(2, 1, random), loss: .meanSquaredError, optimizer: SGD(learningRate: 1),
                on: try Executor(on: .cpu))
            let data = try TensorDataset(
                inputs: HostTensor([1, 2], [Float.infinity, 1]), targets: HostTensor([1, 1], [0 as Float]))
            return try trainer.fit(data, batchSize: 1, epochs: 1, progress: nil).loss
        }
        #expect(try study.trials()[4].state == .failed && study.trials()[4].reason?.contains("loss") == true)
        #expect(try study.best()?.number == 3)
    }

    @Test func aGridEnds() throws {
        let folder = try TemporaryFolder()
        let study = try study(folder.path("search.sqlite"), sampler: .grid(points: 3))
        try study.run(trials: 1000, objective)
        // 3 of x, by "a" alone and "b" with three of n.
        #expect(try study.trials().count == 3 * (1 + 3))
        #expect(try study.begin() == nil)
    }

    private struct Wrong: Sampler {
        func values(_ context: SamplerContext) -> ParameterValues? { ParameterValues(["x": .real(7)]) }
    }

    @Test func aSamplerThatMakesNoSenseIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.sqlite")
        let wrong = try study(path, sampler: Wrong())
        #expect(throws: GraphError.self) { try wrong.begin() }
        let grid = try study(path, sampler: .grid(points: 0))
        #expect(throws: GraphError.self) { try grid.begin() }
        // Nothing is left behind but what another sampler takes up.
        try study(path).run(trials: 2, objective)
        let trials = try study(path).trials()
        #expect(trials.count == 2 && trials.allSatisfy { $0.state == .complete })
    }
}
