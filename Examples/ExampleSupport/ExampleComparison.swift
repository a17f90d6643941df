import ArgumentParser
import Foundation
import Tessera

/// Several networks for one task, trained one after the other on the same data for as many steps, to be compared.
public struct ExampleComparison {
    /// One of the networks.
    public struct Contender {
        public var name: String
        /// Makes the model anew, from a seed.
        public var makeTrainer: (_ seed: UInt64, Executor) throws -> Trainer

        public init(_ name: String, makeTrainer: @escaping (_ seed: UInt64, Executor) throws -> Trainer) {
            (self.name, self.makeTrainer) = (name, makeTrainer)
        }
    }

    /// What a network came to.
    public struct Outcome {
        public var name: String
        /// Of the last training.
        public var trainer: Trainer
        /// The evaluation of each training, one a seed.
        public var evaluations: [Trainer.Result]

        /// The mean of a number over the trainings.
        public func mean(_ number: (Trainer.Result) -> Double?) -> Double {
            evaluations.reduce(0) { $0 + (number($1) ?? .nan) } / Double(evaluations.count)
        }
    }

    public var about: ExampleDescription
    public var options: ExampleOptions
    public var batch: Int
    public var epochs: Int
    /// How often each network is trained, each time from another seed.
    public var repetitions: Int
    public var train: any Dataset & Sendable
    public var test: any Dataset & Sendable
    public var contenders: [Contender]
    /// What the evaluations mean.
    public var figures: ([Outcome]) -> [ExampleResult.Figure]
    /// Adds pictures and samples.
    public var present: ([Outcome], ExampleResults) throws -> Void

    public init(
        _ about: ExampleDescription, options: ExampleOptions, batch: Int, epochs: Int, repetitions: Int = 1,
        train: any Dataset & Sendable, test: any Dataset & Sendable, contenders: [Contender],
        figures: @escaping ([Outcome]) -> [ExampleResult.Figure],
        present: @escaping ([Outcome], ExampleResults) throws -> Void = { _, _ in }
    ) {
        self.about = about
        self.options = options
        self.batch = batch
        self.epochs = epochs
        self.repetitions = repetitions
        self.train = train
        self.test = test
        self.contenders = contenders
        self.figures = figures
        self.present = present
    }

    /// What makes sense of one network alone is an error that says so.
    ///
    /// - Parameter choosing: the option that chooses one.
    public static func check(_ options: ExampleOptions, choosing option: String) throws {
        let single: [(String, Bool)] = [
            ("--save", options.save != nil), ("--load", options.load != nil), ("--report", options.report != nil),
            ("--tensorboard", options.tensorboard != nil), ("--explain", options.explain),
        ]
        if let (name, _) = single.first(where: \.1) {
            throw ValidationError("\(name) is of one network: choose it by \(option)")
        }
    }

    /// - Parameter began: when the program began.
    public func callAsFunction(since began: ContinuousClock.Instant) throws {
        guard batch > 0, epochs >= 0, repetitions > 0 else {
            throw ExampleFailure(
                "--batch and the repetitions must be at least 1 and --epochs at least 0, not \(batch), \(repetitions) and"
                    + " \(epochs)")
        }
        let results = ExampleResults(about, options, since: began)
        let test = try options.part(of: test)
        let executor = try options.executor()
        say("device: \(executor.deviceName)")
        let outcomes = try StopSignals.whileWatching {
            try contenders.map { contender in
                let outcome = try train(contender, test, results, on: executor)
                if let signal = StopSignals.pending {
                    say("stopped: nothing is kept")
                    throw ExitCode(128 + signal)
                }
                return outcome
            }
        }
        for figure in figures(outcomes) { results.add(figure) }
        try present(outcomes, results)
        for failure in executor.failures { say("device failure: \(failure)") }
        try results.finish(
            device: executor.deviceName, parameters: outcomes.map(\.trainer.model.parameterCount).max() ?? 0,
            steps: outcomes.reduce(0) { $0 + $1.trainer.step * $1.evaluations.count })
    }

    private func train(
        _ contender: Contender, _ test: any Dataset, _ results: ExampleResults, on executor: Executor
    ) throws -> Outcome {
        var outcome: Outcome?
        for repetition in 0..<(options.quick ? 1 : repetitions) where StopSignals.pending == nil {
            let start = ContinuousClock.now
            let seed = options.seed &+ UInt64(repetition)
            let trainer = try contender.makeTrainer(seed, executor)
            // Curves are those of the first training.
            let callbacks = repetition == 0 ? [NamedCurves(contender.name, results)] : []
            try trainer.fit(
                self.train, batchSize: batch, epochs: epochs, steps: options.stepLimit, seed: seed,
                test: repetition == 0 ? test : nil, callbacks: callbacks
            ) { _ in if StopSignals.pending != nil { trainer.stop() } }
            let evaluation = try trainer.evaluate(test)
            let seconds = (start.duration(to: .now) / .seconds(1)).formatted(decimals: 1)
            say(
                "\(contender.name), seed \(seed), \(trainer.model.parameterCount) parameters: \(trainer.step) steps in"
                    + " \(seconds) s, test \(trainer.describe(evaluation))")
            outcome = Outcome(
                name: contender.name, trainer: trainer, evaluations: (outcome?.evaluations ?? []) + [evaluation])
        }
        guard let outcome else { throw ExitCode(128 + (StopSignals.pending ?? 0)) }
        return outcome
    }
}

/// Draws a network's curves under its name.
private final class NamedCurves: TrainingCallback {
    private let name: String
    private let results: ExampleResults

    init(_ name: String, _ results: ExampleResults) { (self.name, self.results) = (name, results) }

    func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {
        results.add(result.loss, step: trainer.step, to: "training loss of \(name)")
    }

    func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        guard let test = epoch.test else { return }
        results.add(test.loss, step: trainer.step, to: "test loss of \(name)")
    }
}
