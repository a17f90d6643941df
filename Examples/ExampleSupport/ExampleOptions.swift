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
    @Flag(help: "Don't train: evaluate what was loaded.")
    public var evaluate = false
    @Flag(help: "After saving, load the checkpoint into a new model and compare outputs bit for bit.")
    public var verify = false
    @Flag(help: "Print where every operation of a training step runs, and why.")
    public var explain = false

    public init() {}

    public func validate() throws {
        if evaluate, load == nil { throw ValidationError("--evaluate needs --load") }
        if verify, save == nil { throw ValidationError("--verify needs --save") }
        if let steps, steps < 0 { throw ValidationError("--steps cannot be negative") }
        if let save { try AtomicFile.checkWritable(save) }
    }

    /// What shows the training.
    func callbacks() throws -> [any TrainingCallback] {
        var callbacks: [any TrainingCallback] = []
        if let report { callbacks.append(try TrainingReport(report)) }
        if let tensorboard { callbacks.append(try TensorBoardLog(folder: tensorboard)) }
        return callbacks
    }

    public func executor() throws -> Executor { try Executor(on: DeviceChoice(device)) }
}

/// One example from its first to its last line of output; what differs from one to the next is its parameters.
public struct ExampleRun {
    public var options: ExampleOptions
    public var batch: Int
    public var epochs: Int
    public var train: any Dataset
    public var test: any Dataset
    /// Makes the model anew, from the seed.
    public var makeTrainer: (Executor) -> Trainer
    /// What the evaluation means in words.
    public var describe: (Trainer.Result) -> String

    public init(
        options: ExampleOptions, batch: Int, epochs: Int, train: any Dataset, test: any Dataset,
        makeTrainer: @escaping (Executor) -> Trainer, describe: @escaping (Trainer.Result) -> String
    ) {
        self.options = options
        self.batch = batch
        self.epochs = epochs
        self.train = train
        self.test = test
        self.makeTrainer = makeTrainer
        self.describe = describe
    }

    /// - Parameter began: when the program began, for the time to the first step.
    /// - Returns: the trained or loaded trainer.
    public func callAsFunction(since began: ContinuousClock.Instant) throws -> Trainer {
        guard batch > 0, epochs >= 0 else {
            throw ExampleFailure("--batch must be at least 1 and --epochs at least 0, not \(batch) and \(epochs)")
        }
        let executor = try options.executor()
        let trainer = makeTrainer(executor)
        say("device: \(executor.deviceName)")
        say("parameters: \(trainer.model.parameterCount)")
        if let path = options.load {
            try trainer.load(from: path)
            say("loaded \(path) at step \(trainer.step)")
        }
        if options.explain {
            say(try trainer.trainingPlan(for: train.batch(Array(0..<min(batch, train.count))[...])).explain())
        }
        if !options.evaluate {
            try StopSignals.whileWatching { try train(trainer, since: began) }
            if let signal = StopSignals.pending { throw try stopped(trainer, by: signal) }
        }
        say(describe(try trainer.evaluate(test)))
        for failure in executor.failures { say("device failure: \(failure)") }
        if let path = options.save {
            try trainer.save(to: path)
            say("saved \(path)")
            if options.verify { try verify(trainer, path) }
        }
        return trainer
    }

    private func train(_ trainer: Trainer, since began: ContinuousClock.Instant) throws {
        var last: Trainer.Result?
        try trainer.fit(
            self.train, batchSize: batch, epochs: epochs, steps: options.steps, seed: options.seed,
            resuming: options.load != nil, test: options.report == nil && options.tensorboard == nil ? nil : test,
            callbacks: options.callbacks()
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
        let fresh = makeTrainer(try options.executor())
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
