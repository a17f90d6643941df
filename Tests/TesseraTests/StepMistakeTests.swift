import Tessera
import Testing

/// What makes no sense of groups, steps and batches is said, with the line it is on, before anything has changed.
@Suite struct StepMistakeTests {
    private struct Pair: Module {
        let first: Dense
        let second: Dense

        init(file: StaticString = #fileID, line: UInt = #line) {
            first = Dense(2, 2, RandomSource(seed: 1), file: file, line: line)
            second = Dense(2, 2, RandomSource(seed: 2), file: file, line: line)
        }
    }

    private typealias Losses = (Pair, ForwardPass, NamedTensors) throws -> [StepOutput]

    private static func batch(_ name: String = "x", _ shape: Shape = [3, 2]) throws -> Batch {
        Batch([name: try HostTensor(filledWith: 1, TensorType(shape))], count: 3)
    }

    private static let lineOfBoth: UInt = #line + 2
    private static func both(_ model: Pair, _ pass: ForwardPass, _ batch: NamedTensors) throws -> Tensor {
        try model.second(model.first(batch["x"], pass), pass).square().mean()
    }

    private static func sgd() -> SGD { SGD(learningRate: 0.1) }

    /// - Returns: what training says; saving says it too where it is said of groups.
    private func refusal(
        _ lines: ClosedRange<UInt>, groups: (Pair) -> [ParameterGroup], batch: Batch? = nil, _ losses: @escaping Losses
    ) throws -> String {
        let executor = try Place.cpu.executor()
        // The model's line is among those that may be named.
        let model = Pair(line: Self.lineOfBoth)
        let line: UInt = #line + 1
        let trainer = Trainer(model, groups: groups(model), on: executor) { try losses(model, $0, $1) }
        let error = #expect(throws: GraphError.self) { try trainer.train(batch ?? Self.batch()) }
        #expect(error?.location?.file.hasSuffix("StepMistakeTests.swift") == true, "\(error as Any)")
        let found = error?.location?.line ?? 0
        #expect(lines.contains(found) || [line, Self.lineOfBoth].contains(found), "\(error as Any)")
        #expect(trainer.step == 0)
        for parameter in model.parameters { #expect(try executor.value(of: parameter) == parameter.initialValue) }
        return error?.description ?? ""
    }

    @Test func groups() throws {
        let begin: UInt = #line
        let stranger = Dense(2, 2, RandomSource(seed: 4))
        let mistakes: [(says: String, groups: (Pair) -> [ParameterGroup])] = [
            (
                "“weight” is in two groups, “a” and “b”",
                { [ParameterGroup("a", $0, Self.sgd()), ParameterGroup("b", $0.second, Self.sgd())] }
            ),
            (
                "is twice in the group “a”",
                { [ParameterGroup("a", $0.parameters + $0.parameters, Self.sgd())] }
            ),
            (
                "“weight” float32[2, 2], “bias” float32[2] of Pair is in no group",
                { [ParameterGroup("a", $0.first, Self.sgd())] }
            ),
            ("is in no group", { _ in [] }),
            (
                "is not among the parameters of Pair",
                { [ParameterGroup("a", $0, Self.sgd()), .frozen("b", stranger)] }
            ),
            (
                "two groups are named “a”",
                { [ParameterGroup("a", $0.first, Self.sgd()), ParameterGroup("a", $0.second, Self.sgd())] }
            ),
        ]
        for mistake in mistakes {
            let message = try refusal(begin...#line, groups: mistake.groups) {
                [.loss("loss", try Self.both($0, $1, $2))]
            }
            #expect(message.contains(mistake.says), "\(message)")
            let model = Pair()
            let trainer = Trainer(model, groups: mistake.groups(model), on: try Place.cpu.executor()) { _, _ in [] }
            let path = try TemporaryFolder().path("m.safetensors")
            #expect(throws: GraphError.self) { try trainer.save(to: path) }
        }
    }

    @Test func steps() throws {
        let begin: UInt = #line
        let other = Graph()
        let elsewhere = try other.fill(1, [])
        let hidden = Dense(2, 2, RandomSource(seed: 9))
        func split(_ model: Pair) -> [ParameterGroup] {
            [ParameterGroup("a", model.first, Self.sgd()), ParameterGroup("b", model.second, Self.sgd())]
        }
        let mistakes: [(says: String, losses: Losses)] = [
            ("the step gives no loss", { _, _, _ in [] }),
            ("the step gives no loss", { [.metric("m", try Self.both($0, $1, $2))] }),
            ("is to train “c”, but the groups", { [.loss("l", try Self.both($0, $1, $2), trains: "a", "c")] }),
            ("no loss trains the group “b”", { [.loss("l", try Self.both($0, $1, $2), trains: "a")] }),
            ("a loss must be a floating-point scalar, not float32[3, 2]", { [.loss("l", try $0.first($2["x"], $1))] }),
            ("a metric must be", { [.loss("l", try Self.both($0, $1, $2)), .metric("m", try $2["x"])] }),
            (
                "“l” is the name of more than one loss",
                {
                    let loss = try Self.both($0, $1, $2)
                    return [.loss("l", loss), .loss("l", loss)]
                }
            ),
            ("belongs to another graph", { _, _, _ in [.loss("l", elsewhere)] }),
            (
                "nothing is named “y” in the batch; it has “x” (float32[3, 2])",
                { [.loss("l", try $0.first($2["y"], $1))] }
            ),
            (
                "the loss depends on none of the 2 parameters of the group “b”",
                { [.loss("l", try $0.first($2["x"], $1).square().mean())] }
            ),
            (
                "“weight” float32[2, 2], “bias” float32[2], which Pair does not have",
                { [.loss("l", try Self.both($0, $1, $2) + hidden($2["x"], $1).mean())] }
            ),
            (
                "the losses “l” and “m” are added, as both train “a”",
                {
                    let loss = try Self.both($0, $1, $2)
                    return [.loss("l", loss), .loss("m", try loss.cast(to: .float16))]
                }
            ),
        ]
        for mistake in mistakes {
            let message = try refusal(begin...#line, groups: split, mistake.losses)
            #expect(message.contains(mistake.says), "\(message)")
        }
    }

    @Test func batches() throws {
        let begin: UInt = #line
        let wrong = try [
            ("nothing is named “x”", Self.batch("y")), ("inner extents differ: 4 and 2", Self.batch("x", [3, 4])),
            ("an empty batch", Self.batch("x", [0, 2])),
        ]
        for (says, batch) in wrong {
            let message = try refusal(
                begin...#line, groups: { [ParameterGroup("a", $0, Self.sgd())] }, batch: batch
            ) { [.loss("l", try Self.both($0, $1, $2))] }
            #expect(message.contains(says), "\(message)")
        }
        var taken = try Self.batch()
        taken.tensors["learning rate"] = HostTensor(Float(1))
        let message = try refusal(begin...#line, groups: { [ParameterGroup("a", $0, Self.sgd())] }, batch: taken) {
            [.loss("l", try Self.both($0, $1, $2))]
        }
        #expect(message.contains("rename it"))
    }

    /// Names and shapes that come later are looked at as the first were.
    @Test func laterBatchesOfOtherNames() throws {
        let model = Pair()
        let trainer = Trainer(
            model, groups: [ParameterGroup("a", model, Self.sgd())], on: try Place.cpu.executor()
        ) { [.loss("l", try Self.both(model, $0, $1))] }
        _ = try trainer.train(Self.batch())
        #expect(throws: GraphError.self) { try trainer.train(Self.batch("y")) }
        #expect(throws: GraphError.self) { try trainer.evaluate(TensorDataset(Self.batch("y").tensors)) }
        // More than is asked for does no harm.
        var more = try Self.batch()
        more.tensors["y"] = HostTensor(Float(1))
        _ = try trainer.train(more)
        #expect(trainer.step == 2)
        let untold = #expect(throws: GraphError.self) { try trainer.predict(more.tensors) }
        #expect(untold?.message.contains("predicting") == true && untold?.location != nil)
    }

    @Test func predictions() throws {
        let model = Pair()
        func trainer(_ predicting: @escaping Trainer.Prediction) throws -> Trainer {
            Trainer(
                model, groups: [ParameterGroup("a", model, Self.sgd())], on: try Place.cpu.executor(),
                step: { _, _ in [.metric("m", try Graph().fill(1, []))] }, predicting: predicting)
        }
        let elsewhere = try Graph().fill(1, [])
        let inputs = try Self.batch().tensors
        for (says, prediction) in [
            ("gives no tensor", { _, _ in [:] }), ("belongs to another graph", { _, _ in ["y": elsewhere] }),
            ("nothing is named “z”", { ["y": try $1["z"]] }),
        ] as [(String, Trainer.Prediction)] {
            let error = #expect(throws: GraphError.self) { try trainer(prediction).predict(inputs) }
            #expect(error?.message.contains(says) == true && error?.location != nil, "\(error as Any)")
        }
        let input = try #require(inputs["x"])
        let named = try trainer { ["y": try model.first($1["input"], $0)] }
        #expect(try named.predict(["input": input])["y"]?.shape == [3, 2])
        let error = #expect(throws: GraphError.self) { try named.predict(input) }
        #expect(error?.message.contains("“output”") == true && error?.message.contains("“y”") == true)
        #expect(throws: GraphError.self) { try named.evaluate(TensorDataset(inputs)) }
    }
}
