import Foundation
import Tessera
import Testing

/// Callbacks and checkpoints of `fit`.
@Suite struct TrainingCallbackTests {
    /// Notes what it is told.
    private final class Notes: TrainingCallback {
        var lines: [String] = []
        /// After which step to stop.
        var last = Int.max

        func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {
            lines.append("step \(trainer.step)")
            if trainer.step >= last { trainer.stop() }
        }

        func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
            lines.append("epoch \(epoch.number): \(epoch.training.count), \(epoch.test?.count ?? -1)")
        }
    }

    /// Keeps how many steps it has seen.
    private final class Counter: TrainingCallback {
        var steps = 0
        func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws { steps += 1 }
        var state: String? { "\(steps)" }
        func restore(_ state: String) throws { steps = Int(state) ?? -1 }
    }

    private func data(_ count: Int = 10) throws -> TensorDataset {
        try TensorDataset(
            inputs: try RandomSource(seed: 9).uniform([count, 3], bound: 1),
            targets: HostTensor([count], (0..<count).map { Int32($0 % 2) }))
    }

    private func trainer(on place: Place = .cpu, learningRate: Double = 0.05) throws -> Trainer {
        let random = RandomSource(seed: 4)
        return Trainer(
            Sequential(Dense(3, 4, random), Tanh(), Dropout(0.1, random), Dense(4, 2, random)), loss: .crossEntropy,
            optimizer: Adam(learningRate: learningRate), metrics: [.accuracy],
            schedule: .decaying(by: 0.9, every: 2), on: try place.executor())
    }

    private func values(_ trainer: Trainer) throws -> [HostTensor] {
        try trainer.model.namedVariables.map { try trainer.executor.value(of: $0.variable) }
    }

    @Test func callbacksAreCalledInOrder() throws {
        let notes = Notes()
        try trainer().fit(data(), batchSize: 4, epochs: 2, progress: nil, test: data(6), callbacks: [notes])
        #expect(
            notes.lines == [
                "step 1", "step 2", "step 3", "epoch 1: 10, 6", "step 4", "step 5", "step 6", "epoch 2: 10, 6",
            ])
    }

    @Test func trainingStopsAfterTheStepThatRunsAndGoesOn() throws {
        let whole = try trainer()
        try whole.fit(data(), batchSize: 4, epochs: 2, progress: nil)
        let (part, notes) = (try trainer(), Notes())
        notes.last = 4
        try part.fit(data(), batchSize: 4, epochs: 2, progress: nil, callbacks: [notes])
        #expect(part.step == 4 && notes.lines.last == "step 4")
        try part.fit(data(), batchSize: 4, epochs: 2, resuming: true, progress: nil)
        #expect(try part.step == 6 && values(part) == values(whole))
    }

    /// A training that ends after any step, as by a signal that kills, goes on in another process to the same bits.
    @Test(arguments: Place.available.filter { $0 != .reference }) func aKilledTrainingGoesOn(on place: Place) throws {
        func fit(_ trainer: Trainer, _ folder: CheckpointFolder, _ callbacks: [any TrainingCallback], steps: Int? = nil)
            throws
        {
            try trainer.fit(
                data(), batchSize: 4, epochs: 3, steps: steps, seed: 3, resuming: true, progress: nil, test: data(6),
                checkpoints: folder, callbacks: callbacks)
        }
        func callbacks() -> [any TrainingCallback] { [Counter(), EarlyStopping(patience: 5), Counter()] }
        let temporary = try TemporaryFolder()
        let (whole, all) = (try trainer(on: place), callbacks())
        let wholeFolder = CheckpointFolder(temporary.path("whole"), everySteps: 1, keepsBest: "loss")
        try fit(whole, wholeFolder, all)
        for step in [1, 3, 4, 8] {
            let path = temporary.path("killed \(step)")
            func folder() -> CheckpointFolder { CheckpointFolder(path, everySteps: 1, keepsBest: "loss") }
            try fit(trainer(on: place), folder(), callbacks(), steps: step)
            let (rest, again, others) = (try trainer(on: place), folder(), callbacks())
            let latest = try #require(try again.latest)
            #expect(latest.hasSuffix("/step-\(step).safetensors"))
            try rest.load(from: latest)
            try fit(rest, again, others)
            #expect(try rest.step == 9 && values(rest) == values(whole))
            #expect(others.map(\.state) == all.map(\.state) && (others[0] as? Counter)?.steps == 9)
            #expect(again.best == wholeFolder.best && again.best != nil)
            for name in ["best", "step-9"] {
                let files = [path, wholeFolder.path].map { URL(fileURLWithPath: "\($0)/\(name).safetensors") }
                #expect(try Data(contentsOf: files[0]) == Data(contentsOf: files[1]), "\(name), killed at \(step)")
            }
        }
    }

    @Test func theLastFewAndTheBestAreKept() throws {
        let temporary = try TemporaryFolder()
        let folder = CheckpointFolder(
            temporary.path("a/b"), keepsLast: 2, keepsBest: "accuracy", prefersGreater: true)
        #expect(try folder.latest == nil)
        let trainer = try trainer(learningRate: 0.1)
        for name in ["step-0.safetensors", "step-007.safetensors", "step-x.safetensors"] {
            try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        }
        var accuracies: [Double] = []
        var bests: [HostTensor] = []
        for _ in 0..<5 {
            try trainer.fit(data(), batchSize: 10, epochs: 1, progress: nil, test: data(), checkpoints: folder)
            let accuracy = try trainer.evaluate(data()).metric ?? .nan
            if accuracy > accuracies.max() ?? -1 { bests = try values(trainer) }
            accuracies.append(accuracy)
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "best.safetensors", "step-007.safetensors", "step-4.safetensors", "step-5.safetensors",
                "step-x.safetensors",
            ])
        #expect(folder.best == accuracies.max())
        let best = try self.trainer()
        try best.load(from: folder.bestFile)
        #expect(try values(best) == bests)
    }

    @Test func earlyStoppingWaits() throws {
        // A rate of 0: nothing gets better after the first epoch.
        let (trainer, stopping) = (try trainer(learningRate: 0), EarlyStopping(patience: 2))
        try trainer.fit(data(), batchSize: 5, epochs: 50, progress: nil, test: data(4), callbacks: [stopping])
        #expect(trainer.step == 2 * 4 && stopping.waited == 3)
        let accuracy = EarlyStopping(on: "accuracy", patience: 0, improvement: 2, prefersGreater: true)
        let other = try self.trainer(learningRate: 0.1)
        try other.fit(data(), batchSize: 5, epochs: 50, progress: nil, callbacks: [accuracy])
        #expect(other.step == 2 * 2 && accuracy.best != nil)
    }

    @Test func whatCannotBeMeantIsAnError() throws {
        let temporary = try TemporaryFolder()
        let trainer = try trainer()
        func fit(_ folder: CheckpointFolder? = nil, _ callbacks: [any TrainingCallback] = []) throws {
            try trainer.fit(data(), batchSize: 4, epochs: 1, progress: nil, checkpoints: folder, callbacks: callbacks)
        }
        let first: UInt = #line + 2
        let wrong: [(says: String, make: () throws -> Void)] = [
            ("at least 1", { try fit(CheckpointFolder(temporary.path("a"), keepsLast: 0)) }),
            ("at least 1", { try fit(CheckpointFolder(temporary.path("a"), everySteps: .min)) }),
            ("“loss”", { try fit(CheckpointFolder(temporary.path("a"), keepsBest: "speed")) }),
            ("must be at least 0", { try fit(nil, [EarlyStopping(patience: -1)]) }),
            ("must be at least 0", { try fit(nil, [EarlyStopping(patience: 1, improvement: .nan)]) }),
            ("“accuracy”, “loss”", { try fit(nil, [EarlyStopping(on: "speed", patience: 1)]) }),
            ("is not what", { try EarlyStopping(patience: 1).restore("1 x") }),
        ]
        for (index, mistake) in wrong.enumerated() {
            let error = #expect(throws: GraphError.self) { try mistake.make() }
            #expect("\(error as Any)".contains(mistake.says), "\(error as Any)")
            #expect(error?.location?.line == first + UInt(index), "\(error as Any)")
        }
    }
}
