import Foundation
import Tessera
import Testing

/// Gradients of several small batches move parameters as those of one large batch.
@Suite struct AccumulationTests {
    private static let data: [Float] = (0..<24).map { Float($0 * 7 % 11) / 5 - 1 }

    private func batch(_ rows: Range<Int>) throws -> Batch {
        let numbers = Array(Self.data[(3 * rows.lowerBound)..<(3 * rows.upperBound)])
        return Batch(
            input: try HostTensor([rows.count, 3], numbers),
            target: try HostTensor(
                [rows.count, 2], rows.flatMap { Self.data[(3 * $0)..<(3 * $0 + 2)].map { $0 * $0 } }),
            count: rows.count)
    }

    private func trainer(
        _ optimizer: any Optimizer, over batches: Int, norm: Double? = 0.5, schedule: LearningRateSchedule = .constant,
        on place: Place
    ) throws -> (Trainer, Dense) {
        let layer = Dense(3, 2, RandomSource(seed: 5))
        let trainer = Trainer(
            layer, loss: .meanSquaredError, optimizer: optimizer, schedule: schedule, regularizers: [.l2(0.01)],
            gradientNorm: norm, accumulatedBatches: batches, on: try place.executor())
        return (trainer, layer)
    }

    private func weights(_ trainer: Trainer, _ layer: Dense) throws -> [Float] {
        try trainer.executor.value(of: layer.weight).elements()
    }

    @Test(arguments: Place.available) func smallBatchesMoveAsOneLarge(_ place: Place) throws {
        let schedule = LearningRateSchedule.decaying(by: 0.5, every: 1)
        for isAdam in [false, true] {
            func optimizer() -> any Optimizer {
                isAdam ? Adam(learningRate: 0.1) : SGD(learningRate: 0.3, momentum: 0.9)
            }
            let (large, whole) = try trainer(optimizer(), over: 1, schedule: schedule, on: place)
            let (small, parts) = try trainer(optimizer(), over: 4, schedule: schedule, on: place)
            for _ in 0..<3 {
                let before = try weights(small, parts)
                _ = try large.train(batch(0..<8))
                for part in 0..<4 {
                    #expect(try weights(small, parts) == before)
                    _ = try small.train(batch((2 * part)..<(2 * part + 2)))
                }
                let (found, expected) = (try weights(small, parts), try weights(large, whole))
                #expect(isClose(found, expected, 2e-6) && found != before, "\(found), not \(expected)")
            }
            #expect(small.step == 12 && large.step == 3)
        }
    }

    /// A batch whose loss is NaN counts for nothing among the others.
    @Test(arguments: Place.available) func aSkippedBatchIsNotCounted(_ place: Place) throws {
        let (small, parts) = try trainer(SGD(learningRate: 0.3), over: 3, on: place)
        let (large, whole) = try trainer(SGD(learningRate: 0.3), over: 1, on: place)
        small.onNonFiniteLoss = .skip
        var broken = try batch(0..<4)
        broken.tensors["input"] = try HostTensor([4, 3], [Float](repeating: .nan, count: 12))
        _ = try small.train(batch(0..<4))
        _ = try small.train(broken)
        _ = try small.train(batch(4..<8))
        _ = try large.train(batch(0..<8))
        #expect(isClose(try weights(small, parts), try weights(large, whole), 2e-6))
    }

    /// A checkpoint between two batches of one move goes on to the same bits.
    @Test(arguments: Place.available) func resumedInTheMidst(_ place: Place) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("midst-\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (first, layer) = try trainer(Adam(learningRate: 0.1), over: 3, on: place)
        for part in 0..<4 { _ = try first.train(batch(part..<(part + 2))) }
        try first.save(to: path)
        let (second, other) = try trainer(Adam(learningRate: 0.1), over: 3, on: place)
        try second.load(from: path)
        for part in 4..<6 {
            for trainer in [first, second] { _ = try trainer.train(batch(part..<(part + 2))) }
        }
        #expect(try weights(first, layer) == weights(second, other) && second.step == 6)
        let names = try SafetensorsFile(path: path).names
        #expect(names.contains("tessera.accumulated.count") && names.contains("tessera.accumulated.gradient.weight"))
    }

    @Test func countsThatMakeNoSense() throws {
        for wrong in [0, -1, .min] {
            let layer = Dense(3, 2, RandomSource(seed: 5))
            let line: UInt = #line + 1
            let trainer = Trainer(
                layer, loss: .meanSquaredError, optimizer: Adam(), accumulatedBatches: wrong,
                on: try Place.cpu.executor())
            let error = #expect(throws: GraphError.self) { try trainer.train(batch(0..<2)) }
            #expect(error?.message.contains("accumulatedBatches: \(wrong)") == true)
            #expect(error?.location == SourceLocation(file: #fileID, line: line))
        }
    }
}
