import Foundation
import Tessera
import Testing

/// A dataset that notes which examples it was asked for.
private final class Recorder: Dataset {
    let data: TensorDataset
    private(set) var asked: [[Int]] = []

    init(_ count: Int) throws {
        data = try TensorDataset(
            inputs: try RandomSource(seed: 9).uniform([count, 3], bound: 1),
            targets: HostTensor([count], (0..<count).map { Int32($0 % 2) }))
    }

    var count: Int { data.count }

    func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        asked.append(Array(indices))
        return try data.batch(indices)
    }

    /// The examples of each epoch since the last call.
    func epochs(batches: Int) -> [[Int]] {
        defer { asked = [] }
        return stride(from: 0, to: asked.count, by: batches).map { first in
            Array(asked[first..<min(first + batches, asked.count)].joined())
        }
    }
}

/// Every call of `fit` does what it is asked for, wherever the trainer stands.
@Suite struct FitTests {
    private func trainer(schedule: LearningRateSchedule = .constant) throws -> Trainer {
        let random = RandomSource(seed: 4)
        return Trainer(
            Sequential(Dense(3, 4, random), Tanh(), Dropout(0.1, random), Dense(4, 2, random)), loss: .crossEntropy,
            optimizer: Adam(learningRate: 0.05), metrics: [.accuracy], schedule: schedule,
            on: try Place.cpu.executor())
    }

    private func values(_ trainer: Trainer) throws -> [HostTensor] {
        try trainer.model.namedVariables.map { try trainer.executor.value(of: $0.variable) }
    }

    @Test func callsForOneEpochAreOneCallForAll() throws {
        let data = try Recorder(10)
        let schedule = LearningRateSchedule.decaying(by: 0.5, every: 2)
        let whole = try trainer(schedule: schedule)
        let last = try whole.fit(data, batchSize: 4, epochs: 3, seed: 2, progress: nil)
        let orders = data.epochs(batches: 3)
        let parts = try trainer(schedule: schedule)
        for epoch in 1...3 {
            let result = try parts.fit(data, batchSize: 4, epochs: 1, seed: 2, progress: nil)
            #expect(parts.step == 3 * epoch && result.count == 10)
            if epoch == 3 { #expect(result.loss == last.loss && result.metric == last.metric) }
        }
        #expect(data.epochs(batches: 3) == orders && Set(orders).count == 3)
        #expect(orders.allSatisfy { $0.sorted() == Array(0..<10) })
        #expect(try values(parts) == values(whole))
    }

    @Test func anotherDatasetAndOtherBatchesAreTrainedOn() throws {
        let trainer = try trainer()
        let (large, small) = (try Recorder(20), try Recorder(6))
        try trainer.fit(large, batchSize: 5, epochs: 2, progress: nil)
        #expect(trainer.step == 8)
        let result = try trainer.fit(small, batchSize: 4, epochs: 3, progress: nil)
        #expect(trainer.step == 14 && result.count == 6 && result.loss > 0 && result.loss.isFinite)
        #expect(small.epochs(batches: 2).map { $0.sorted() } == [[Int]](repeating: Array(0..<6), count: 3))
        // A call that is cut short; the next begins an epoch of its own, in an order that was not there yet.
        var seen = Set(large.epochs(batches: 4))
        for steps in [3, 1, 2] {
            try trainer.fit(large, batchSize: 5, epochs: 1, steps: steps, progress: nil)
            try trainer.fit(large, batchSize: 5, epochs: 1, progress: nil)
            let whole = Array(large.asked.suffix(4).joined())
            _ = large.epochs(batches: 4)
            #expect(whole.sorted() == Array(0..<20) && seen.insert(whole).inserted)
        }
        #expect(trainer.step == 14 + 3 + 1 + 2 + 3 * 4)
    }

    @Test func nothingToDoIsNoResult() throws {
        let (trainer, data) = (try trainer(), try Recorder(6))
        for (epochs, steps) in [(0, nil), (3, 0)] as [(Int, Int?)] {
            let result = try trainer.fit(data, batchSize: 4, epochs: epochs, steps: steps, progress: nil)
            #expect(result.count == 0 && result.loss.isNaN && result.metric?.isNaN == true && result.lossWeight == 0)
        }
        #expect(trainer.step == 0 && data.asked.isEmpty)
        try trainer.fit(data, batchSize: 4, epochs: .max, steps: 3, progress: nil)
        #expect(trainer.step == 3)
    }

    @Test func whatCannotBeMeantIsAnError() throws {
        let (trainer, data, empty) = (try trainer(), try Recorder(6), try Recorder(0))
        let first: UInt = #line
        let mistakes: [(says: String, make: () throws -> Void)] = [
            ("cannot be negative", { try trainer.fit(data, batchSize: 4, epochs: -1, progress: nil) }),
            ("cannot be negative", { try trainer.fit(data, batchSize: 4, epochs: 1, steps: -2, progress: nil) }),
            ("at least 1", { try trainer.fit(data, batchSize: 0, epochs: 1, progress: nil) }),
            ("at least 1", { try trainer.fit(data, batchSize: -3, epochs: 1, progress: nil) }),
            ("no examples", { try trainer.fit(empty, batchSize: 4, epochs: 1, progress: nil) }),
            ("no examples", { _ = try trainer.evaluate(empty) }),
            ("at least 1", { _ = try trainer.evaluate(data, batchSize: 0) }),
            ("at least 1", { _ = try trainer.evaluate(data, batchSize: .min) }),
            ("no examples", { try trainer.fit(data, batchSize: 4, epochs: 1, progress: nil, test: empty) }),
            ("an empty batch", { _ = try trainer.train(empty.batch([])) }),
            ("at least 1", { _ = try BatchOrder(count: 3, batchSize: 0) }),
            ("at least 1", { _ = try BatchOrder(count: -3, batchSize: 1) }),
            ("no batch 2 among 2", { _ = try BatchOrder(count: 3, batchSize: 2).range(2) }),
            ("no batch -1", { _ = try BatchOrder(count: 3, batchSize: 2).range(-1) }),
        ]
        for (index, mistake) in mistakes.enumerated() {
            let error = #expect(throws: GraphError.self) { try mistake.make() }
            #expect("\(error as Any)".contains(mistake.says), "\(index): \(error as Any)")
            guard index < 9 else { continue }
            #expect(error?.location?.line == first + 2 + UInt(index), "\(error as Any)")
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true)
        }
        #expect(trainer.step == 0)
    }

    /// The second of two calls, broken off and resumed in this process or from a checkpoint.
    @Test(arguments: [false, true]) func theLastCallIsResumed(fromFile: Bool) throws {
        let (first, second) = (try Recorder(9), try Recorder(10))
        let whole = try trainer()
        try whole.fit(first, batchSize: 4, epochs: 1, progress: nil)
        try whole.fit(second, batchSize: 4, epochs: 2, seed: 3, progress: nil)

        var part = try trainer()
        try part.fit(first, batchSize: 4, epochs: 1, progress: nil)
        try part.fit(second, batchSize: 4, epochs: 2, steps: 4, seed: 3, progress: nil)
        #expect(part.step == 7)
        if fromFile {
            let folder = try TemporaryFolder()
            try part.save(to: folder.path("part.safetensors"))
            part = try trainer()
            try part.load(from: folder.path("part.safetensors"))
        }
        let wrong: [(says: String, make: () throws -> Void)] = [
            ("9 examples", { try part.fit(first, batchSize: 4, epochs: 2, seed: 3, resuming: true, progress: nil) }),
            ("batches of 5", { try part.fit(second, batchSize: 5, epochs: 2, seed: 3, resuming: true, progress: nil) }),
            ("the seed 4", { try part.fit(second, batchSize: 4, epochs: 2, seed: 4, resuming: true, progress: nil) }),
        ]
        for mistake in wrong {
            let error = #expect(throws: GraphError.self) { try mistake.make() }
            #expect("\(error as Any)".contains("10 examples in batches of 4 with the seed 3, not"))
            #expect("\(error as Any)".contains(mistake.says))
        }
        try part.fit(second, batchSize: 4, epochs: 2, seed: 3, resuming: true, progress: nil)
        #expect(part.step == whole.step)
        #expect(try values(part) == values(whole))
        // Resuming what is finished does nothing, more epochs of it go on.
        #expect(try part.fit(second, batchSize: 4, epochs: 2, seed: 3, resuming: true, progress: nil).count == 0)
        try part.fit(second, batchSize: 4, epochs: 3, seed: 3, resuming: true, progress: nil)
        #expect(part.step == whole.step + 3)
    }

    /// A checkpoint whose note of the last call is damaged, or belongs to other steps.
    @Test(arguments: ["x 6 4 3", "0 6 4 x", "0 0 4 3", "9 6 4 3", "0 6   3"]) func damagedNotesAreRefused(
        _ note: String
    ) throws {
        let (trainer, data, folder) = (try trainer(), try Recorder(6), try TemporaryFolder())
        try trainer.fit(data, batchSize: 4, epochs: 1, seed: 3, progress: nil)
        let path = folder.path("damaged.safetensors")
        try trainer.save(to: path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try #require(bytes.range(of: Data("0 6 4 3".utf8)))
        bytes.replaceSubrange(place, with: Data(note.utf8))
        try bytes.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: FileError.self) { try trainer.load(from: path) }
        #expect("\(error as Any)".contains("tessera.fit"))
        #expect(trainer.step == 2)
    }
}
