import Tessera
import Testing

/// Categories beside numbers: `category` int32 `[n]` and `number` `[n, 3]` → logits `[n, 2]` and a number `[n, 1]`.
private struct Table: Module {
    let embedding: Embedding
    let trunk: Dense
    let kind: Dense
    let size: Dense

    init() {
        let random = RandomSource(seed: 3)
        embedding = Embedding(4, 5, random)
        trunk = Dense(8, 6, random)
        kind = Dense(6, 2, random)
        size = Dense(6, 1, random)
    }

    func outputs(_ category: Tensor, _ number: Tensor, _ pass: ForwardPass) throws -> (kind: Tensor, size: Tensor) {
        let joined = try Tensor.concatenated([embedding(category, pass), number], axis: 1)
        let hidden = try trunk(joined, pass).tanh()
        return (try kind(hidden, pass), try size(hidden, pass))
    }

    static let count = 22
    static let categories = (0..<count).map { Int32($0 * 7 % 4) }
    static let kinds = (0..<count).map { Int32($0 / 3 % 2) }
    static let numbers = (0..<(count * 3)).map { Float($0 * 5 % 13) / 13 - 0.4 }
    static let sizes = (0..<count).map { Float($0 * 3 % 7) / 7 }

    static func data() throws -> TensorDataset {
        try TensorDataset([
            "category": HostTensor([count], categories), "number": HostTensor([count, 3], numbers),
            "kind": HostTensor([count], kinds), "size": HostTensor([count, 1], sizes),
        ])
    }

    func trainer(_ groups: [ParameterGroup], on executor: Executor, gradientNorm: Double? = nil) -> Trainer {
        Trainer(self, groups: groups, gradientNorm: gradientNorm, on: executor) { pass, batch in
            let (kind, size) = try outputs(batch["category"], batch["number"], pass)
            return try [
                .loss("kind", .crossEntropy, kind, batch["kind"]),
                .loss("size", .meanSquaredError, size, batch["size"]), .metric(.accuracy, kind, batch["kind"]),
            ]
        } predicting: { pass, inputs in
            let (kind, size) = try outputs(inputs["category"], inputs["number"], pass)
            return ["kind": try kind.softmax(), "size": size]
        }
    }
}

/// The same with all that goes in in one tensor `[n, 4]`, and all that comes out in one `[n, 3]`.
private struct JoinedTable: Layer {
    let table = Table()

    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let category = try input.sliced(axis: 1, 0..<1).reshaped(to: [input.shape[0]]).cast(to: .int32)
        let (kind, size) = try table.outputs(category, input.sliced(axis: 1, 1..<4), pass)
        return try Tensor.concatenated([kind, size], axis: 1)
    }

    static let loss = Loss("both") { prediction, target in
        let labels = try target.sliced(axis: 1, 0..<1).reshaped(to: [target.shape[0]]).cast(to: .int32)
        let kinds = try Loss.crossEntropy(prediction.sliced(axis: 1, 0..<2), labels)
        return try kinds + Loss.meanSquaredError(prediction.sliced(axis: 1, 2..<3), target.sliced(axis: 1, 1..<2))
    }

    static func data() throws -> TensorDataset {
        let inputs = (0..<Table.count).flatMap {
            [Float(Table.categories[$0])] + Table.numbers[(3 * $0)..<(3 * $0 + 3)]
        }
        let targets = (0..<Table.count).flatMap { [Float(Table.kinds[$0]), Table.sizes[$0]] }
        return try TensorDataset(
            inputs: HostTensor([Table.count, 4], inputs), targets: HostTensor([Table.count, 2], targets))
    }
}

private func values(_ parameters: [Variable], _ executor: Executor) throws -> [[Float]] {
    let values = try executor.values(of: parameters)
    return try parameters.map { try values[$0]?.elements(Float.self) ?? [] }
}

/// Batches of several inputs and targets, models with several outputs, groups with rates of their own.
@Suite struct NamedTensorTests {
    /// Several tensors come in the order and the batches of one, and two losses are their sum.
    @Test(arguments: Place.available) func severalTensorsTrainAsOne(on place: Place) throws {
        let (table, joined) = (Table(), JoinedTable())
        let named = table.trainer([ParameterGroup("all", table, Adam(learningRate: 0.02))], on: try place.executor())
        let plain = Trainer(
            joined, loss: JoinedTable.loss, optimizer: Adam(learningRate: 0.02), on: try place.executor())
        let result = try named.fit(Table.data(), batchSize: 6, epochs: 3, seed: 2, progress: nil)
        let other = try plain.fit(JoinedTable.data(), batchSize: 6, epochs: 3, seed: 2, progress: nil)
        #expect(named.step == 12 && plain.step == 12)
        #expect(isClose([Float(result.loss)], [Float(other.loss)]))
        for (a, b) in try zip(values(table.parameters, named.executor), values(joined.parameters, plain.executor)) {
            #expect(isClose(a, b, 1e-4))
        }
        let evaluated = try named.evaluate(Table.data(), batchSize: 5)
        #expect(isClose([Float(evaluated.loss)], [Float(try plain.evaluate(JoinedTable.data()).loss)], 1e-4))
        #expect(evaluated.metrics["accuracy"] == evaluated.metric)
        let made = try named.predict(Table.data().tensors)
        #expect(made["kind"]?.shape == [Table.count, 2] && made["size"]?.shape == [Table.count, 1])
        let all = try plain.predict(JoinedTable.data().inputs).elements(Float.self)
        let sizes = (0..<Table.count).map { all[3 * $0 + 2] }
        #expect(isClose(try made["size"]?.elements() ?? [], sizes, 1e-4))
    }

    /// Weights with decay, biases without, each as if a trainer of its own had trained it.
    @Test(arguments: Place.available, [nil, 0.1]) func groupsAreTrainersOfTheirOwn(
        on place: Place, gradientNorm: Double?
    ) throws {
        func groups(_ table: Table, trained: Set<String>) -> [ParameterGroup] {
            let weights = table.parameters.filter { $0.type.shape.rank >= 2 }
            let biases = table.parameters.filter { $0.type.shape.rank < 2 }
            let rate = LearningRateSchedule.decaying(by: 0.5, every: 1)
            return [
                trained.contains("weights")
                    ? ParameterGroup(
                        "weights", weights, Adam(learningRate: 0.05, weightDecay: 0.1, isDecoupled: true),
                        schedule: rate, regularizers: [.l2(0.1)])
                    : .frozen("weights", weights),
                trained.contains("biases")
                    ? ParameterGroup("biases", biases, SGD(learningRate: 0.5)) : .frozen("biases", biases),
            ]
        }
        let batch = try Table.data().batch(ArraySlice(0..<8))
        var found: [String: [[Float]]] = [:]
        let table = Table()
        let both = table.trainer(
            groups(table, trained: ["weights", "biases"]), on: try place.executor(), gradientNorm: gradientNorm)
        _ = try both.train(batch)
        for group in both.groups { found[group.name] = try values(group.parameters, both.executor) }
        for name in ["weights", "biases"] {
            let table = Table()
            let one = table.trainer(
                groups(table, trained: [name]), on: try place.executor(), gradientNorm: gradientNorm)
            _ = try one.train(batch)
            for group in one.groups {
                let after = try values(group.parameters, one.executor)
                if group.name != name {
                    #expect(after == (try group.parameters.map { try $0.initialValue.elements(Float.self) }))
                } else if gradientNorm == nil {
                    #expect(after == found[name])
                } else {
                    // The norm is that of all groups which the same losses train, so that each moves less beside another.
                    #expect(after != found[name])
                }
            }
        }
    }

    @Test func datasetsOfSeveralTensors() throws {
        let data = try Table.data()
        #expect(data.count == Table.count)
        let batch = try data.batch([3, 1])
        #expect(batch.count == 2 && batch.tensors.count == 4)
        #expect(try batch["category"].elements() == [Table.categories[3], Table.categories[1]])
        #expect(try batch["number"].elements() == Array(Table.numbers[9..<12] + Table.numbers[3..<6]))
        let line: UInt = #line + 1
        let missing = #expect(throws: GraphError.self) { try batch["sizes"] }
        #expect(missing?.location == SourceLocation(file: #fileID, line: line))
        #expect(
            missing?.message.contains("“sizes”") == true && missing?.message.contains("“size” (float32[2, 1])") == true)
        #expect(throws: GraphError.self) { try batch.input }
        #expect(throws: GraphError.self) { try data.targets }
        let (two, three) = (try HostTensor(zeros: TensorType([2])), try HostTensor(zeros: TensorType([3, 1])))
        for tensors in [[:], ["a": HostTensor(Float(1))], ["a": two, "b": three]] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try TensorDataset(tensors) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line), "\(error as Any)")
        }
        #expect(
            try TensorDataset(inputs: two, targets: two).batch([1]).input == TensorDataset(["x": two]).batch([0])["x"])
    }

    /// An image without boxes is an example; a batch of nothing at all is none.
    @Test func someTensorsMayBeEmpty() throws {
        struct Boxes: Module { let score = Dense(2, 1, RandomSource(seed: 1)) }
        let model = Boxes()
        let trainer = Trainer(
            model, groups: [ParameterGroup("all", model, SGD(learningRate: 0.1))], on: try Place.cpu.executor()
        ) { pass, batch in
            let image = try model.score(batch["image"], pass).square().mean()
            return [.loss("loss", try image + batch["boxes"].sum())]
        }
        let image = try HostTensor(filledWith: 1, TensorType([1, 2]))
        let (none, nothing) = (try HostTensor(zeros: TensorType([0, 4])), try HostTensor(zeros: TensorType([0, 2])))
        #expect(try trainer.train(Batch(["image": image, "boxes": none], count: 1)).loss > 0)
        #expect(throws: GraphError.self) { try trainer.train(Batch(["image": nothing, "boxes": none], count: 1)) }
        #expect(throws: GraphError.self) { try trainer.train(Batch(["image": image, "boxes": none], count: 0)) }
        #expect(throws: GraphError.self) { try trainer.train(Batch([:], count: 1)) }
        #expect(trainer.step == 1)
    }
}
