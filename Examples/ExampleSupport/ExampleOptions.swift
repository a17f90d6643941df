import ArgumentParser
import AtomicFiles
import Foundation
import Tessera

/// What every example can be told on its command line.
public struct ExampleOptions: ParsableArguments {
    @Option(
        help: "automatic, cpu, opencl (the best OpenCL device), opencl:N, or a part of a device's or platform's name.")
    public var device = "automatic"
    @Option(help: "The seed of the initial parameters and of the order of the examples.")
    public var seed: UInt64 = 1
    @Option(help: "The most steps to do in all; those before a loaded checkpoint count. (default: all)")
    public var steps: Int?
    @Option(help: .init("Write a safetensors checkpoint here when done or stopped by Ctrl-C.", valueName: "file"))
    public var save: String?
    @Option(help: .init("Begin from this checkpoint.", valueName: "file"))
    public var load: String?
    @Option(
        help: .init("Show the training in a page here, which a browser reads again while it runs.", valueName: "file"))
    public var report: String?
    @Option(help: .init("Write losses and metrics into this folder for tensorboard --logdir.", valueName: "folder"))
    public var tensorboard: String?
    @Option(
        help: .init(
            "Write what came out into this folder, as NAME.json with pictures beside it, and end with status 1 where a figure"
                + " is not what it must reach.", valueName: "folder"))
    public var results: String?
    @Flag(help: "A few steps, and a small part of the test, to see that it works: nothing has to be reached.")
    public var quick = false
    @Option(
        help: .init(
            "Don't train: read the model's inputs from this safetensors file, by their names, and write its outputs to that of"
                + " --outputs.", valueName: "file"))
    public var predict: String?
    @Option(help: .init("Where --predict writes.", valueName: "file"))
    public var outputs: String?
    @Flag(help: "Don't train: evaluate what was loaded.")
    public var evaluate = false
    @Flag(help: "After saving, load the checkpoint into a new model and compare outputs bit for bit.")
    public var verify = false
    @Flag(help: "Print where every operation of a training step runs, and why.")
    public var explain = false

    public init() {}

    public func validate() throws {
        if evaluate, load == nil { throw ValidationError("--evaluate needs --load") }
        if (predict == nil) != (outputs == nil) { throw ValidationError("--predict and --outputs need each other") }
        if predict != nil, load == nil { throw ValidationError("--predict needs --load") }
        if verify, save == nil { throw ValidationError("--verify needs --save") }
        if let steps, steps < 0 { throw ValidationError("--steps cannot be negative") }
        if let save { try AtomicFile.checkWritable(save) }
        if let results { try AtomicFile.makeFolder(results) }
    }

    /// The most steps to do in all; `nil` for no limit.
    public var stepLimit: Int? { steps ?? (quick ? 4 : nil) }

    /// How many steps a whole training does, over which learning rates fall.
    public func stepCount(epochs: Int, batches: Int) -> Int {
        let (product, overflows) = max(epochs, 0).multipliedReportingOverflow(by: batches)
        return min(steps ?? .max, overflows ? .max : product)
    }

    /// With `--quick` the first examples of a dataset, otherwise all.
    public func part(of data: any Dataset & Sendable) throws -> any Dataset & Sendable {
        quick ? try Subset(of: data, Array(0..<min(data.count, 256))) : data
    }

    /// Writes what a trainer's model makes of the inputs in the file of `--predict`.
    ///
    /// - Returns: whether that is all that is to be done.
    /// - Throws: ``FileError`` where one of the files can't be read or written; ``GraphError`` where the inputs don't fit.
    public func answer(with trainer: Trainer) throws -> Bool {
        guard let predict, let outputs else { return false }
        let file = try SafetensorsFile(path: predict)
        let inputs = try file.names.map { ($0, try file.tensor($0)) }
        let results = try trainer.predict(Dictionary(inputs) { first, _ in first })
        try SafetensorsFile.write(results, to: outputs)
        say("wrote \(outputs)")
        return true
    }

    /// What shows the training.
    public func callbacks() throws -> [any TrainingCallback] {
        var callbacks: [any TrainingCallback] = []
        if let report { callbacks.append(try TrainingReport(report)) }
        if let tensorboard { callbacks.append(try TensorBoardLog(folder: tensorboard)) }
        return callbacks
    }

    public func executor() throws -> Executor { try Executor(on: DeviceChoice(device)) }
}

/// One example from its first to its last line of output; what differs from one to the next is its parameters.
public struct ExampleRun {
    public var about: ExampleDescription
    public var options: ExampleOptions
    public var batch: Int
    public var epochs: Int
    public var train: any Dataset & Sendable
    public var test: any Dataset & Sendable
    /// Makes the model anew, from the seed.
    public var makeTrainer: (Executor) throws -> Trainer
    /// What the evaluation means.
    public var figures: (Trainer.Result) -> [ExampleResult.Figure]
    /// Adds pictures and samples of what the trainer has learned, given its evaluation.
    public var present: (Trainer, Trainer.Result, ExampleResults) throws -> Void

    public init(
        _ about: ExampleDescription, options: ExampleOptions, batch: Int, epochs: Int, train: any Dataset & Sendable,
        test: any Dataset & Sendable, makeTrainer: @escaping (Executor) throws -> Trainer,
        figures: @escaping (Trainer.Result) -> [ExampleResult.Figure],
        present: @escaping (Trainer, Trainer.Result, ExampleResults) throws -> Void = { _, _, _ in }
    ) {
        self.about = about
        self.options = options
        self.batch = batch
        self.epochs = epochs
        self.train = train
        self.test = test
        self.makeTrainer = makeTrainer
        self.figures = figures
        self.present = present
    }

    /// - Parameter began: when the program began, for the time to the first step.
    public func callAsFunction(since began: ContinuousClock.Instant) throws {
        guard batch > 0, epochs >= 0 else {
            throw ExampleFailure("--batch must be at least 1 and --epochs at least 0, not \(batch) and \(epochs)")
        }
        let results = ExampleResults(about, options, since: began)
        let test = try options.part(of: test)
        let executor = try options.executor()
        let trainer = try makeTrainer(executor)
        say("device: \(executor.deviceName)")
        say("parameters: \(trainer.model.parameterCount)")
        if let path = options.load {
            try trainer.load(from: path)
            say("loaded \(path) at step \(trainer.step)")
        }
        if try options.answer(with: trainer) { return }
        if options.explain {
            say(try trainer.trainingPlan(for: train.batch(Array(0..<min(batch, train.count))[...])).explain())
        }
        if !options.evaluate {
            try StopSignals.whileWatching { try train(trainer, test, results, since: began) }
            if let signal = StopSignals.pending { throw try stopped(trainer, by: signal) }
        }
        let evaluation = try trainer.evaluate(test)
        results.add(evaluation, of: trainer)
        for figure in figures(evaluation) { results.add(figure) }
        try present(trainer, evaluation, results)
        for failure in executor.failures { say("device failure: \(failure)") }
        if let path = options.save {
            try trainer.save(to: path)
            say("saved \(path)")
            if options.verify { try verify(trainer, path) }
        }
        try results.finish(
            device: executor.deviceName, parameters: trainer.model.parameterCount, steps: trainer.step)
    }

    private func train(
        _ trainer: Trainer, _ test: any Dataset, _ results: ExampleResults, since began: ContinuousClock.Instant
    ) throws {
        let isWatched = options.report != nil || options.tensorboard != nil || options.results != nil
        var last: Trainer.Result?
        try trainer.fit(
            self.train, batchSize: batch, epochs: epochs, steps: options.stepLimit, seed: options.seed,
            resuming: options.load != nil, test: isWatched ? test : nil,
            callbacks: options.callbacks() + [results]
        ) { result in
            if last == nil { say("first step after \(milliseconds(since: began)) ms, \(trainer.describe(result))") }
            last = result
            if StopSignals.pending != nil { trainer.stop() }
        }
        guard let last else { return say("no steps to do: the trainer is at step \(trainer.step)") }
        say("trained to step \(trainer.step) in \(milliseconds(since: began)) ms, final \(trainer.describe(last))")
    }

    /// Saves what there is, and gives what to end with: the exit status that a shell gives a program that a signal ends.
    private func stopped(_ trainer: Trainer, by signal: Int32) throws -> ExitCode {
        if let path = options.save {
            try trainer.save(to: path)
            say("stopped at step \(trainer.step), saved \(path): --load it to go on")
        } else {
            say("stopped at step \(trainer.step); nothing is kept without --save")
        }
        return ExitCode(128 + signal)
    }

    private func milliseconds(since began: ContinuousClock.Instant) -> Int {
        Int((began.duration(to: .now) / .milliseconds(1)).rounded())
    }

    /// Compares the outputs of the trained model with those of a new one that read the checkpoint.
    private func verify(_ trainer: Trainer, _ path: String) throws {
        let sample = try test.batch(Array(0..<min(batch, test.count))[...]).tensors
        let fresh = try makeTrainer(try options.executor())
        try fresh.load(from: path)
        guard try fresh.predict(sample) == trainer.predict(sample) else {
            throw ExampleFailure("the outputs after loading \(path) are not those before saving it")
        }
        say("verified: the loaded checkpoint gives the same outputs bit for bit")
    }
}

/// Prints a line at once, so that it stands in order with progress and errors where they go to one file.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// Something that an example found wrong.
public struct ExampleFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension Double {
    /// With so many decimals, for people.
    public func formatted(decimals: Int) -> String { String(format: "%.\(decimals)f", self) }
}
