import TensorGraph
import Tessera
import Testing

@testable import TesseraSearch

/// Which trials are ended early.
@Suite struct PrunerTests {
    /// A trial with reports at steps 1, 2, 3 and so on.
    private func trial(_ number: Int, _ values: [Double], _ state: TrialRecord.State = .complete) -> TrialRecord {
        TrialRecord(
            number: number, state: state, values: nil,
            reports: values.enumerated().map { .init(step: $0.offset + 1, value: $0.element) })
    }

    /// Of all that came to a rung so far one of three goes on, from the first on; between rungs all do.
    @Test func halvingKeepsTheBestOfEachRung() throws {
        let pruner = try SuccessiveHalvingPruner(minimumSteps: 1, reduction: 3)
        func isHopeless(_ values: [Double], _ others: [[Double]], _ direction: Direction = .maximize) -> Bool {
            let others = others.enumerated().map { trial($0.offset + 1, $0.element, .running) }
            return pruner.isHopeless(trial(0, values, .running), among: others, direction: direction)
        }
        #expect(!isHopeless([0.1], []))
        #expect(isHopeless([0.1], [[0.2]]) && !isHopeless([0.3], [[0.2]]) && !isHopeless([0.2], [[0.2]]))
        // Of six, two go on.
        let five = [[0.1], [0.2], [0.3], [0.4], [0.5]]
        #expect(!isHopeless([0.6], five) && !isHopeless([0.45], five) && isHopeless([0.35], five))
        #expect(!isHopeless([0.05], five, .minimize) && isHopeless([0.25], five, .minimize))
        // Step 2 is no rung, 3 is: there only what came so far counts, as it was then.
        #expect(!isHopeless([0.1, 0], five) && isHopeless([0.9, 0.9, 0.3], five + [[0.1, 0.1, 0.4, 0.2]]))
        #expect(!isHopeless([0.9, 0.9, 0.3], five + [[0.1, 0.1, 0.2, 0.9]]))
        #expect(!isHopeless([0.9, 0.9, 0.3, 0], five + [[0.1, 0.1, 0.4]]))
    }

    /// Reports that are far apart count for the rung that they have passed.
    @Test func rungsMayBePassedOver() throws {
        let pruner = try SuccessiveHalvingPruner(minimumSteps: 10, reduction: 2)
        func record(_ number: Int, _ reports: [(Int, Double)]) -> TrialRecord {
            TrialRecord(
                number: number, state: .running, values: nil, reports: reports.map { .init(step: $0.0, value: $0.1) })
        }
        let other = record(1, [(5, 1), (25, 0.5)])
        func isHopeless(_ reports: [(Int, Double)]) -> Bool {
            pruner.isHopeless(record(0, reports), among: [other], direction: .maximize)
        }
        #expect(!isHopeless([(9, 0)]) && isHopeless([(10, 0.4)]) && !isHopeless([(10, 0.6)]))
        #expect(!isHopeless([(10, 0.6), (19, 0)]) && isHopeless([(10, 0.6), (20, 0.4)]))
        // The other has not come to 40 yet.
        #expect(!isHopeless([(10, 0.6), (20, 0.6), (70, 0)]) && !isHopeless([(.max, 0.6)]))
    }

    /// The best so far beside the median of the others' means so far.
    @Test func theMedianRuleIsViziers() throws {
        let pruner = try MedianPruner(startupTrials: 3, warmupSteps: 2)
        // Means up to step 2: 0.2, 0.4, 0.6; up to 3: 0.4, 0.4, 0.5.
        let others = [trial(1, [0.1, 0.3, 0.8]), trial(2, [0.5, 0.3, 0.4]), trial(3, [0.6, 0.6, 0.3])]
        func isHopeless(_ values: [Double], _ others: [TrialRecord]) -> Bool {
            pruner.isHopeless(trial(0, values, .running), among: others, direction: .maximize)
        }
        #expect(!isHopeless([0], others) && isHopeless([0.1, 0.3], others) && !isHopeless([0.45, 0.1], others))
        #expect(!isHopeless([0.1, 0.4], others), "as good as the median")
        // Those that run or were pruned don't count, nor do those without reports.
        #expect(
            !isHopeless([0, 0], Array(others.prefix(2)) + [trial(3, [1, 1], .running), trial(4, [1, 1], .pruned)]))
        #expect(!isHopeless([0, 0], Array(others.prefix(2)) + [trial(5, [])]))
        let even = others + [trial(6, [0.8, 1.0])]
        #expect(isHopeless([0.49, 0.3], even) && !isHopeless([0.51, 0.3], even))
        let least = pruner.isHopeless(trial(0, [0.9, 0.9], .running), among: others, direction: .minimize)
        #expect(least)
    }

    @Test func prunersThatMakeNoSenseAreErrors() {
        let line: UInt = #line + 1
        let error = #expect(throws: GraphError.self) { try SuccessiveHalvingPruner(minimumSteps: 0) }
        #expect(error?.location?.line == line)
        #expect(throws: GraphError.self) { try SuccessiveHalvingPruner(minimumSteps: 1, reduction: 1) }
        #expect(throws: GraphError.self) { try MedianPruner(startupTrials: 0) }
        #expect(throws: GraphError.self) { try MedianPruner(warmupSteps: -1) }
    }

    /// Trainings that are stopped as the pruner says, and are pruned with their last report whatever they return.
    @Test func aTrainingIsStopped() throws {
        let folder = try TemporaryFolder()
        let study = try Study(
            folder.path("search.sqlite"), space: SearchSpace([.real("rate", 1e-3...1, .logarithmic)]),
            direction: .minimize, sampler: .grid(points: 6),
            pruner: SuccessiveHalvingPruner(minimumSteps: 1, reduction: 2))
        let random = RandomSource(seed: 2)
        let inputs = try random.uniform([16, 3], bound: 1)
        let data = try TensorDataset(inputs: inputs, targets: random.uniform([16, 1], bound: 1))
        var epochs: [Int] = []
        try study.run(trials: 6) { trial in
            let trainer = Trainer(
                Dense(3, 1, RandomSource(seed: 1)), loss: .meanSquaredError,
                optimizer: SGD(learningRate: try trial.real("rate")), on: try Executor(on: .cpu))
            try trainer.fit(
                data, batchSize: 16, epochs: 4, progress: nil, test: data,
                callbacks: [PruningCallback(trial, on: "loss")])
            epochs.append(trainer.step)
            return 1e9
        }
        let trials = try study.trials()
        for (trial, epochs) in zip(trials, epochs) {
            #expect(trial.reports.map(\.step) == Array(1...epochs), "trial \(trial.number)")
            if trial.state == .pruned {
                #expect(epochs < 4 || trial.reports.count == 4)
                #expect(trial.objective == trial.reports.last?.value)
            } else {
                #expect(trial.state == .complete && epochs == 4 && trial.objective == 1e9)
            }
        }
        // Rates grow from trial to trial, and losses of the first ones get smaller: those all go on. One that is much too
        // large does not.
        #expect(trials[0].state == .complete && trials.contains { $0.state == .pruned })
        let line: UInt = #line + 3
        let error = #expect(throws: GraphError.self) {
            let trial = try #require(try Study(existing: folder.path("search.sqlite"), sampler: .random).begin())
            let callback = PruningCallback(trial, on: "accuracy")
            let trainer = Trainer(
                Dense(3, 1, RandomSource(seed: 1)), loss: .meanSquaredError, optimizer: SGD(learningRate: 0.1),
                on: try Executor(on: .cpu))
            try trainer.fit(data, batchSize: 16, epochs: 1, progress: nil, callbacks: [callback])
        }
        #expect(error?.message.contains("“loss”") == true && error?.location?.line == line + 0)
    }
}
