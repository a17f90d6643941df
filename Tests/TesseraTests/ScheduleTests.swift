import Foundation
import Tessera
import TestSupport
import Testing

/// Schedules beside torch.optim.lr_scheduler: `Tests/References/schedules.py`.
@Suite struct ScheduleTests {
    private static let cases: [(name: String, schedule: LearningRateSchedule)] = [
        ("step", .decaying(by: 0.5, every: 7)), ("exponential", .decaying(by: 0.9, every: 1)),
        ("multi-step", .decaying(by: 0.3, at: [5, 6, 30])), ("cosine", .cosine(total: 49, final: 0.1)),
        ("cosine, restarts", .cosine(restartingAfter: 7)),
        ("cosine, longer restarts", .cosine(restartingAfter: 5, multiplier: 2, final: 0.05)),
        ("linear", .linear(from: 0.25, to: 0.75, over: 20)), ("polynomial", .polynomial(total: 40)),
        ("polynomial, power 3", .polynomial(total: 60, power: 3)), ("one-cycle", .oneCycle(total: 51)),
        (
            "one-cycle, options",
            .oneCycle(total: 51, rising: 0.4, curve: .linear, initialDivisor: 10, finalDivisor: 100)
        ),
        ("one-cycle, three phases", .oneCycle(total: 51, isSymmetric: true)), ("noam", .noam(width: 64, warmup: 12)),
        (
            "sequence",
            .linear(from: 0.1, to: 1, over: 10).then(
                .decaying(by: 0.9, every: 1).then(.decaying(by: 0.5, every: 3), after: 15), after: 10)
        ),
    ]

    private static let plateaus: [(name: String, plateau: @Sendable () -> PlateauSchedule)] = [
        ("plateau", { PlateauSchedule(by: 0.5, patience: 2) }),
        (
            "plateau, options",
            {
                PlateauSchedule(
                    by: 0.3, patience: 1, threshold: .absolute(0.01), cooldown: 3, lowest: 0.02, prefersGreater: true)
            }
        ),
        (
            "plateau, relative",
            { PlateauSchedule(by: 0.5, patience: 3, threshold: .relative(0.1), prefersGreater: true) }
        ),
    ]

    private func rates(_ name: String) throws -> [Double] {
        try #require(PyTorchReference("schedules").tensors("output", of: name)["rates"]).doubles()
    }

    @Test(arguments: cases.indices) func ratesAreThoseOfPyTorch(_ index: Int) throws {
        let (name, schedule) = Self.cases[index]
        let expected = try rates(name)
        #expect(expected.count == 50)
        for (step, rate) in expected.enumerated() {
            #expect(abs(schedule(step) - rate) <= 1e-12, "\(name), step \(step): \(schedule(step)), not \(rate)")
        }
    }

    @Test(arguments: plateaus.indices) func plateausAreThoseOfPyTorch(_ index: Int) throws {
        let (name, make) = Self.plateaus[index]
        let observed = try #require(PyTorchReference("schedules").tensors("input", of: name)["observed"]).doubles()
        var plateau = make()
        let expected = try rates(name)
        #expect(Set(expected).count > 2)
        for (step, rate) in expected.enumerated() {
            let found = plateau.schedule(step)
            #expect(abs(found - rate) <= 1e-12, "\(name), step \(step): \(found), not \(rate)")
            plateau.observe(observed[step])
            // Another goes on from what this one has seen.
            let other = make()
            other.state = plateau.state
            plateau = other
        }
    }

    @Test func everyCaseIsHeld() throws {
        let names = Self.cases.map(\.name) + Self.plateaus.map(\.name)
        #expect(try PyTorchReference("schedules").names == names.sorted())
    }

    @Test func aPlateauLowersTheRateOfATrainer() throws {
        let plateau = PlateauSchedule(by: 0.5, patience: 0)
        let layer = Dense(1, 1, hasBias: false, RandomSource(seed: 1))
        let executor = try Place.cpu.executor()
        let loss = Loss("sum") { prediction, _ in try prediction.sum() }
        let trainer = Trainer(
            layer, loss: loss, optimizer: SGD(learningRate: 1), schedule: plateau.schedule, on: executor)
        let one = try HostTensor([1, 1], [1] as [Float])
        func move() throws -> Float {
            let before = try executor.value(of: layer.weight).elements(Float.self)[0]
            _ = try trainer.train(Batch(input: one, target: one, count: 1))
            return try executor.value(of: layer.weight).elements(Float.self)[0] - before
        }
        #expect(isClose([try move()], [-1]))
        plateau.observe(1)
        plateau.observe(1)
        #expect(isClose([try move()], [-0.5]))
    }

    /// A checkpoint holds what a plateau has seen, within a sequence too.
    @Test func aPlateauGoesOnFromACheckpoint() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("plateau-\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        func trainer(_ plateau: PlateauSchedule?) throws -> Trainer {
            Trainer(
                Dense(1, 1, RandomSource(seed: 1)), loss: .meanSquaredError, optimizer: Adam(),
                schedule: plateau.map {
                    LearningRateSchedule.linear(from: 0, to: 1, over: 3).then($0.schedule, after: 3)
                }
                    ?? .constant, on: try Place.cpu.executor())
        }
        let plateau = PlateauSchedule(by: 0.5, patience: 1, cooldown: 2)
        let first = try trainer(plateau)
        for number in [.infinity, 0.1, 0.7, 0.7, 0.7] as [Double] { plateau.observe(number) }
        #expect(plateau.state.factor == 0.5 && plateau.state.best == 0.1 && plateau.state.cooling == 1)
        try first.save(to: path)
        let other = PlateauSchedule(by: 0.5, patience: 1, cooldown: 2)
        try trainer(other).load(from: path)
        #expect(other.state == plateau.state)
        // A trainer without a plateau reads the file too; one that has a plateau wants to know what it had seen.
        try trainer(nil).load(from: path)
        try trainer(nil).save(to: path)
        let error = #expect(throws: FileError.self) { try trainer(other).load(from: path) }
        #expect(error?.reason.contains("tessera.plateaus") == true)
        #expect(other.state == plateau.state)
    }

    /// Steps far from any that are trained have rates too.
    @Test(arguments: cases.indices) func ratesAtAnyStep(_ index: Int) {
        let (name, schedule) = Self.cases[index]
        for step in [Int.min, -1, 1 << 20, 1 << 40, .max] {
            #expect((0...1).contains(schedule(step)), "\(name) at \(step): \(schedule(step))")
        }
    }

    /// What makes no sense is an error of the first step that names the number and the schedule's line.
    @Test func numbersThatMakeNoSense() throws {
        let x = try HostTensor([2, 2], [1, 2, 3, 4] as [Float])
        func check(_ name: String, line: UInt = #line, _ schedule: LearningRateSchedule) throws {
            #expect(schedule(0).isNaN)
            for isGroups in [false, true] {
                let layer = Dense(2, 2, RandomSource(seed: 1))
                let group = ParameterGroup(
                    "all", layer, SGD(learningRate: 1), schedule: isGroups ? schedule : .constant)
                let trainer = Trainer(
                    layer, groups: [group], schedule: isGroups ? .constant : schedule, on: try Place.cpu.executor()
                ) { pass, batch in
                    [.loss("loss", try layer(batch["input"], pass).mean())]
                }
                let error = #expect(throws: GraphError.self) {
                    try trainer.train(Batch(input: x, target: x, count: 2))
                }
                #expect(error?.message.contains("“\(name)”") == true, "\(error as Any)")
                #expect(error?.location == SourceLocation(file: #fileID, line: line), "\(error as Any)")
                #expect(trainer.step == 0)
            }
        }
        for wrong in [-1, .nan, .infinity] as [Double] {
            try check("factor", .decaying(by: wrong, at: [3]))
            try check("final", .cosine(restartingAfter: 3, final: wrong))
            try check("from", .linear(from: wrong, to: 1, over: 3))
            try check("to", .linear(from: 1, to: wrong, over: 3))
            try check("power", .polynomial(total: 3, power: wrong))
            try check("rising", .oneCycle(total: 3, rising: wrong))
            try check("initialDivisor", .oneCycle(total: 3, initialDivisor: wrong))
            try check("finalDivisor", .oneCycle(total: 3, finalDivisor: wrong))
        }
        for wrong in [0, -1, .min] {
            try check("restartingAfter", .cosine(restartingAfter: wrong))
            try check("multiplier", .cosine(restartingAfter: 3, multiplier: wrong))
            try check("over", .linear(from: 0, to: 1, over: wrong))
            try check("total", .polynomial(total: wrong))
            try check("total", .oneCycle(total: wrong))
            try check("width", .noam(width: wrong, warmup: 3))
            try check("warmup", .noam(width: 3, warmup: wrong))
            if wrong < 0 { try check("after", .constant.then(.constant, after: wrong)) }
        }
        try check("warmup", .noam(width: 3, warmup: 0).then(.constant, after: 2))
        for wrong in [-1, .nan, 1, .infinity] as [Double] {
            try check("by", PlateauSchedule(by: wrong).schedule)
            if wrong != 1 { try check("lowest", PlateauSchedule(lowest: wrong).schedule) }
            try check("threshold", PlateauSchedule(threshold: .relative(wrong)).schedule)
            if wrong != 1 { try check("threshold", PlateauSchedule(threshold: .absolute(wrong)).schedule) }
        }
        try check("patience", PlateauSchedule(patience: -1).schedule)
        try check("cooldown", PlateauSchedule(cooldown: .min).schedule)
    }
}
