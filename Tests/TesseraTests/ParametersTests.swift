import Tessera
import Testing

private func dense(_ seed: UInt64) -> Dense { Dense(2, 2, RandomSource(seed: seed)) }

private class Base: Layer {
    let base = dense(1)
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try base(input, pass) }
}
private class Middle: Base {
    let middle = dense(2)
}
private final class Derived: Middle {
    let head = dense(3)
    override func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try head(middle(super.callAsFunction(input, pass), pass), pass)
    }
}

@propertyWrapper private struct Wrapped<Value> { var wrappedValue: Value }
private enum Branch {
    case one(Dense)
    case two(Dense, last: [Dense])
    case none
}
private final class Shelf { let first = dense(21) }

/// A property of each kind that holds layers or variables.
private final class Holder: Layer {
    struct Pair {
        let first = dense(3)
        let deeper = [Inner()]
        struct Inner { let scale = Variable("s", try HostTensor(zeros: TensorType([2]))) }
    }
    let plain = dense(4)
    let nested = [[dense(5)], [dense(6), dense(7)]]
    let byName = ["b": dense(8), "a": dense(9), "c": dense(10)]
    let byNumber = [2: dense(11)]
    let tuple = (dense(12), named: dense(13))
    let maybe: [Dense?] = [nil, dense(14)]
    let optional: Dense? = dense(15)
    let missing: Dense? = nil
    let variables = [Variable("v", try HostTensor(zeros: TensorType([2])))]
    let pair = Pair()
    let anything: Any = dense(16)
    let existential: any Layer = dense(17)
    let branches: [Branch] = [.one(dense(18)), .two(dense(19), last: [dense(20)]), .none]
    let shelf = Shelf()
    lazy var late = dense(22)
    @Wrapped var wrapped = dense(23)
    @Wrapped var wrappedMany = [dense(24)]
    let frozen = Variable("f", try HostTensor(zeros: TensorType([2])), isTrainable: false)
    // Nothing of these is the model's.
    let numbers = [Float](repeating: 0, count: 1 << 20)
    let optimizer = Adam()
    weak var parent: Holder?

    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { input }
}

private let holderNames = [
    "plain", "nested.0.0", "nested.1.0", "nested.1.1", "byName.a", "byName.b", "byName.c", "byNumber.2", "tuple.0",
    "tuple.named", "maybe.1", "optional", "variables.0", "pair.first", "pair.deeper.0.scale", "anything", "existential",
    "branches.0.one", "branches.1.two.0", "branches.1.two.last.0", "shelf.first", "late", "wrapped", "wrappedMany.0",
    "frozen",
]

/// Layers that hold each other, and one another's lists, in a ring.
private final class Node: Layer {
    let weight = Variable("weight", try HostTensor(zeros: TensorType([2])))
    var next: Node?
    var all: [Node] = []
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try input * pass.read(weight) }
}
private final class Registry { var layers: [any Layer] = [] }
private final class Mirrored: CustomReflectable {
    var other: Mirrored?
    let dense: Dense
    init(_ seed: UInt64) { dense = Dense(2, 2, RandomSource(seed: seed)) }
    var customMirror: Mirror { Mirror(self, children: ["other": other as Any, "dense": dense]) }
}
private actor Acting {
    nonisolated(unsafe) var other: Acting?
    let dense = Dense(2, 2, RandomSource(seed: 1))
}
private struct Anywhere<Value>: Layer {
    let value: Value
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { input }
}
private struct Registered: Layer {
    let registry: Registry
    let dense: Dense
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try dense(input, pass) }
}

/// What a model consists of, as training and files see it.
@Suite struct ParametersTests {
    private static func batch() throws -> Batch {
        Batch(
            input: try HostTensor([3, 2], [Float](repeating: 1, count: 6)),
            target: try HostTensor([3, 2], [Float](repeating: 5, count: 6)), count: 3)
    }

    private func trainer(_ model: any Layer, on place: Place = .cpu, loss: Loss = .meanSquaredError) throws -> Trainer {
        Trainer(model, loss: loss, optimizer: SGD(learningRate: 0.1), on: try place.executor())
    }

    private func refusal(_ model: any Layer, loss: Loss = .meanSquaredError) throws -> String {
        let trainer = try trainer(model, loss: loss)
        let error = #expect(throws: GraphError.self) { try trainer.train(Self.batch()) }
        #expect(trainer.step == 0)
        return error?.description ?? ""
    }

    @Test(arguments: Place.available) func superclassesTrain(on place: Place) throws {
        let model = Derived()
        #expect(
            model.namedVariables.map(\.name) == ["base", "middle", "head"].flatMap { ["\($0).weight", "\($0).bias"] })
        let trainer = try trainer(model, on: place)
        let before = model.parameters.map(\.initialValue)
        _ = try trainer.train(Self.batch())
        let after = try trainer.executor.values(of: model.parameters)
        for (variable, value) in zip(model.parameters, before) { #expect(after[variable] != value, "\(variable)") }
    }

    @Test func everyKindOfProperty() {
        let model = Holder()
        model.parent = model
        _ = model.late
        let expected = holderNames.flatMap { name in
            ["variables.0", "pair.deeper.0.scale", "frozen"].contains(name)
                ? [name] : ["\(name).weight", "\(name).bias"]
        }
        #expect(model.namedVariables.map(\.name) == expected)
        #expect(model.namedVariables.map(\.name) == model.namedVariables.map(\.name))
        #expect(model.parameters.count == expected.count - 1)
        #expect(Sequential(model).namedVariables.map(\.name) == expected.map { "0." + $0 })
    }

    @Test func whatIsFoundIsSavedAndLoaded() throws {
        let folder = try TemporaryFolder()
        let (model, other) = (Holder(), Holder())
        for layer in [model, other] { _ = layer.late }
        let executor = try Place.cpu.executor()
        for variable in model.parameters { try executor.set([variable: try HostTensor(filledWith: 3, variable.type)]) }
        try model.save(to: folder.path("m.safetensors"), on: executor)
        try other.load(from: folder.path("m.safetensors"), on: executor)
        for variable in other.parameters {
            #expect(try executor.value(of: variable) == HostTensor(filledWith: 3, variable.type), "\(variable)")
        }
    }

    @Test func ringsEnd() {
        let nodes = (0..<4).map { _ in Node() }
        for (index, node) in nodes.enumerated() { node.next = nodes[(index + 1) % 4] }
        #expect(
            nodes[0].namedVariables.map(\.name) == [
                "weight", "next.weight", "next.next.weight", "next.next.next.weight",
            ])
        #expect(nodes[2].parameters.count == 4)
        for node in nodes { node.all = nodes }
        #expect(Set(nodes[0].parameters) == Set(nodes.map(\.weight)))

        let registry = Registry()
        registry.layers = (0..<6).map { Registered(registry: registry, dense: dense($0)) }
        #expect(registry.layers[0].parameters.count == 12)

        // Objects that say themselves how they are mirrored, and actors.
        let (mirrored, acting) = ((0..<2).map { Mirrored($0) }, (0..<2).map { _ in Acting() })
        for index in 0..<2 {
            mirrored[index].other = mirrored[1 - index]
            acting[index].other = acting[1 - index]
        }
        let names = ["other.dense", "dense"].flatMap { ["value.\($0).weight", "value.\($0).bias"] }
        #expect(Anywhere(value: mirrored[0]).namedVariables.map(\.name) == names)
        #expect(Anywhere(value: acting[0]).namedVariables.map(\.name) == names)
    }

    /// What can hold no layer is left out, and what is beside it found.
    @Test func dataAreNoMembers() {
        let words = (0..<100).map { "word \($0)" }
        let data = (words: [words], ids: ["a": ["b": 1]], rows: [[1, 2]][...], layers: ["a": [dense(1)], "b": []])
        #expect(
            Anywhere(value: data).namedVariables.map(\.name) == [
                "value.layers.a.0.weight", "value.layers.a.0.bias",
            ])
    }

    /// One layer in two places is one parameter with one update, and has a name in each.
    @Test(arguments: Place.available) func tiedWeights(on place: Place) throws {
        let shared = Dense(2, 2, hasBias: false, RandomSource(seed: 1))
        let model = Sequential(shared, shared)
        #expect(model.namedVariables.map(\.name) == ["0.weight", "1.weight"])
        #expect(model.parameters == [shared.weight])
        let trainer = try trainer(model, on: place)
        let w = try shared.weight.initialValue.elements(Float.self)
        _ = try trainer.train(Self.batch())
        // y = x·wᵀ·wᵀ for rows of ones; d = 2 (y - 5) / 6 for each of three rows.
        let h = [w[0] + w[1], w[2] + w[3]]
        let y = [h[0] * w[0] + h[1] * w[1], h[0] * w[2] + h[1] * w[3]]
        let d = y.map { $0 - 5 }
        let dh = [d[0] * w[0] + d[1] * w[2], d[0] * w[1] + d[1] * w[3]]
        let gradient = [d[0] * h[0] + dh[0], d[0] * h[1] + dh[0], d[1] * h[0] + dh[1], d[1] * h[1] + dh[1]]
        let after = try trainer.executor.value(of: shared.weight).elements(Float.self)
        #expect(isClose(after, zip(w, gradient).map { $0 - 0.1 * $1 }))
    }

    @Test func whatIsReadAndNotFoundIsAnError() throws {
        let hidden = Variable("temperature", try HostTensor(filledWith: 1, TensorType([2])))
        let inClosure = try refusal(Sequential(dense(1), Lambda { try $0 * $0.graph.read(hidden) }))
        #expect(inClosure.contains("“temperature” float32[2]") && inClosure.contains("ParametersTests.swift"))
        struct Hiding: Layer {
            let inner: (Tensor, ForwardPass) throws -> Tensor
            let own = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try inner(own(input, pass), pass)
            }
        }
        let layer = dense(2)
        let message = try refusal(Hiding { try layer($0, $1) })
        #expect(message.contains("“weight”") && message.contains("“bias”") && message.contains("Hiding"))
        struct InASet: Layer {
            let variables: Set<Variable> = [Variable("inSet", try HostTensor(filledWith: 1, TensorType([2])))]
            let own = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try variables.reduce(own(input, pass)) { try $0 * pass.read($1) }
            }
        }
        #expect(try refusal(InASet()).contains("inSet"))
        let inLoss = Loss("scaled") { try ($0 * $0.graph.read(hidden) - $1).square().mean() }
        #expect(try refusal(dense(1), loss: inLoss).contains("temperature"))
        struct Counting: Layer {
            let count: () -> Variable
            let own = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                let count = count()
                pass.update(count, to: try pass.read(count) + 1)
                return try own(input, pass)
            }
        }
        let statistic = Variable("seen", try HostTensor(zeros: TensorType([2])), isTrainable: false)
        #expect(try refusal(Counting { statistic }).contains("“seen”"))
        // What is not to be trained may come from anywhere.
        let fixed = Variable("fixed", try HostTensor(filledWith: 2, TensorType([2])), isTrainable: false)
        let trainer = try trainer(Sequential(dense(1), Lambda { try $0 * $0.graph.read(fixed) }))
        #expect(try trainer.train(Self.batch()).loss.isFinite)
    }

    @Test func wholeNumbersAreNotTrained() throws {
        struct Counted: Layer {
            let count = Variable("count", try HostTensor(filledWith: 1, TensorType([2], .int32)))
            let inner = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try inner(input, pass) * pass.read(count).cast(to: .float32)
            }
        }
        let message = try refusal(Counted())
        #expect(message.contains("“count”") && message.contains("isTrainable: false"))
        #expect(message.contains("ParametersTests.swift"))
    }

    @Test func nothingToTrainIsAnError() throws {
        struct Stopped: Layer {
            let inner = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try inner(input, pass).stoppingGradient()
            }
        }
        #expect(try refusal(Stopped()).contains("depends on none of the 2 parameters"))
        struct Unread: Layer {
            let inner = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { input }
        }
        #expect(try refusal(Unread()).contains("depends on none"))
    }

    /// As PyTorch has it: no gradient, no update, weight decay and momentum or not.
    @Test(arguments: Place.available) func whatTheLossDoesNotDependOnStays(on place: Place) throws {
        struct Branches: Layer {
            let used = dense(1)
            let stopped = dense(2)
            let unread = dense(3)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try used(input, pass) + stopped(input, pass).stoppingGradient()
            }
        }
        let model = Branches()
        let trainer = Trainer(
            model, loss: .meanSquaredError, optimizer: Adam(weightDecay: 0.1, isDecoupled: true), gradientNorm: 1,
            on: try place.executor())
        for _ in 0..<2 { _ = try trainer.train(Self.batch()) }
        let values = try trainer.executor.values(of: model.parameters)
        for variable in model.parameters {
            let isUsed = variable == model.used.weight || variable == model.used.bias
            #expect((values[variable] == variable.initialValue) == !isUsed, "\(variable)")
        }
    }

    @Test func twoVariablesOfOneNameAreAnError() throws {
        class Lower: Layer {
            private let hidden = dense(1)
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try hidden(input, pass) }
        }
        final class Upper: Lower {
            private let hidden = dense(2)
            override func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try hidden(super.callAsFunction(input, pass), pass)
            }
        }
        #expect(try refusal(Upper()).contains("“hidden.weight”"))
        let executor = try Place.cpu.executor()
        let path = try TemporaryFolder().path("m.safetensors")
        #expect(throws: FileError.self) { try Upper().save(to: path, on: executor) }
        #expect(throws: FileError.self) { try trainer(Upper()).save(to: path) }
    }
}
