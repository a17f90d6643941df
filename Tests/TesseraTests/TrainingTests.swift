import Foundation
import Tessera
import TestSupport
import Testing

/// Training as a whole, on problems small enough for the reference.
@Suite struct TrainingTests {
    /// Points in two rings: no line parts them.
    static func rings(_ count: Int) throws -> TensorDataset {
        var random = RandomSource(seed: 5)
        let labels = (0..<count).map { Int32($0 % 2) }
        let points = labels.flatMap { label -> [Float] in
            let angle = Float.random(in: 0..<(2 * .pi), using: &random)
            let radius = (label == 0 ? 0.5 : 1.5) + Float.random(in: -0.2..<0.2, using: &random)
            return [radius * cos(angle), radius * sin(angle)]
        }
        return try TensorDataset(inputs: HostTensor([count, 2], points), targets: HostTensor([count], labels))
    }

    static func network(seed: UInt64, dropout: Double = 0) -> Sequential {
        let random = RandomSource(seed: seed)
        return Sequential(Dense(2, 16, random), Tanh(), Dropout(dropout, random), Dense(16, 2, random))
    }

    static func trainer(
        on executor: Executor, seed: UInt64 = 1, dropout: Double = 0,
        optimizer: any Optimizer = Adam(learningRate: 0.02)
    ) -> Trainer {
        Trainer(
            network(seed: seed, dropout: dropout), loss: .crossEntropy, optimizer: optimizer, metrics: [.accuracy],
            on: executor)
    }

    @Test(arguments: Place.available, ["adam", "adamw", "sgd", "momentum", "nesterov"])
    func lossFalls(on place: Place, optimizer name: String) throws {
        let optimizer: any Optimizer =
            switch name {
            case "adam": Adam(learningRate: 0.02)
            case "adamw": Adam(learningRate: 0.02, weightDecay: 0.01, isDecoupled: true)
            case "sgd": SGD(learningRate: 1)
            case "momentum": SGD(learningRate: 0.2, momentum: 0.9)
            default: SGD(learningRate: 0.2, momentum: 0.9, isNesterov: true, weightDecay: 1e-4)
            }
        let data = try Self.rings(64)
        let trainer = Self.trainer(on: try place.executor(), optimizer: optimizer)
        let before = try trainer.evaluate(data)
        try trainer.fit(data, batchSize: 24, epochs: 25, progress: nil)
        let after = try trainer.evaluate(data)
        #expect(trainer.step == 75)
        #expect(after.loss < 0.5 * before.loss, "from \(before.loss) to \(after.loss)")
        #expect(after.metric ?? 0 > 0.9)
        #expect(after.count == 64)
    }

    /// A run that is saved, thrown away and loaded goes on to the same bits as one that never stopped.
    @Test(arguments: Place.available) func resumesBitForBit(on place: Place) throws {
        let data = try Self.rings(40)
        let whole = Self.trainer(on: try place.executor(), dropout: 0.2)
        try whole.fit(data, batchSize: 16, epochs: 4, seed: 7, progress: nil)

        let folder = try TemporaryFolder()
        let first = Self.trainer(on: try place.executor(), dropout: 0.2)
        try first.fit(data, batchSize: 16, epochs: 4, steps: 5, seed: 7, progress: nil)
        try first.save(to: folder.path("half.safetensors"))
        let second = Self.trainer(on: try place.executor(), seed: 1, dropout: 0.2)
        try second.load(from: folder.path("half.safetensors"))
        #expect(second.step == 5)
        try second.fit(data, batchSize: 16, epochs: 4, seed: 7, resuming: true, progress: nil)

        #expect(second.step == whole.step)
        for (a, b) in zip(whole.model.namedVariables, second.model.namedVariables) {
            #expect(try whole.executor.value(of: a.variable) == second.executor.value(of: b.variable), "\(a.name)")
        }
    }

    @Test func loadedModelGivesTheSameOutputs() throws {
        let data = try Self.rings(16)
        let folder = try TemporaryFolder()
        let trainer = Self.trainer(on: try Place.reference.executor())
        try trainer.fit(data, batchSize: 8, epochs: 2, progress: nil)
        try trainer.model.save(to: folder.path("model.safetensors"), on: trainer.executor)
        let other = Self.trainer(on: try Place.reference.executor(), seed: 99)
        #expect(try other.predict(data.inputs) != trainer.predict(data.inputs))
        try other.load(from: folder.path("model.safetensors"))
        #expect(other.step == 0)
        #expect(try other.predict(data.inputs) == trainer.predict(data.inputs))
    }

    @Test func clippedGradientsHaveTheNorm() throws {
        let graph = Graph()
        let gradients = [try graph.fill(3, [4]), try graph.fill(-4, [4])]  // norm 10
        let executor = try Place.reference.executor()
        func norm(_ limit: Double) throws -> Float {
            let clipped = try graph.clipped(gradients, toNorm: limit)
            let square = try clipped[0].square().sum() + clipped[1].square().sum()
            return try executor.run(executor.compile(graph, outputs: [square]))[0].elements(Float.self)[0].squareRoot()
        }
        #expect(isClose([try norm(2)], [2]))
        #expect(isClose([try norm(20)], [10]))
        for wrong in [-1, Double.nan] {
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try graph.clipped(gradients, toNorm: wrong) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line))
        }
    }

    /// Squares of large and of small gradients are no numbers of their type; the norm is.
    @Test(arguments: Place.available) func clippingGradientsOfAnySize(_ place: Place) throws {
        let executor = try place.executor()
        let sizes: [(Double, DType)] = [
            (1e20, .float32), (1e37, .float32), (1e-30, .float32), (1e-4, .float16), (3e4, .float16),
        ]
        for (size, dtype) in sizes {
            let graph = Graph()
            let gradients = try [(3.0, Shape([2, 2])), (4, [4]), (0, [3]), (0, [0])].map {
                try graph.fill($0 * size / 2, $1, dtype)
            }
            let limit = size < 1e-20 ? 1 : size * 2.5
            let expected = min(1, limit / (5 * size + 1e-6)) * size / 2
            let clipped = try executor.run(
                executor.compile(graph, outputs: graph.clipped(gradients, toNorm: limit)))
            let (first, second) = (clipped[0].doubles()[0], clipped[1].doubles()[0])
            let tolerance = dtype == .float16 ? 2e-3 : 1e-5
            #expect(abs(first / (3 * expected) - 1) < tolerance && abs(second / (4 * expected) - 1) < tolerance)
            #expect(clipped[2].doubles() == [0, 0, 0])
        }
        // All zeros stay; infinity makes the others 0, and NaN makes all NaN, as in PyTorch.
        for (value, rest) in [(0.0, 1.0), (.infinity, 0), (.nan, .nan)] {
            let graph = Graph()
            let gradients = try [graph.fill(value, [2]), graph.fill(value == 0 ? 0 : 1, [3])]
            let clipped = try executor.run(
                executor.compile(graph, outputs: graph.clipped(gradients, toNorm: 1)))
            let found = clipped.map { $0.doubles()[0] }
            #expect(value == 0 ? found == [0, 0] : found[0].isNaN && (rest.isNaN ? found[1].isNaN : found[1] == 0))
        }
    }

    /// One gradient of 1e20 stops no parameter for ever: g² is too large for float32, (1 - β₂)·g² is not.
    @Test(arguments: Place.available) func adamOutlivesALargeGradient(_ place: Place) throws {
        let executor = try place.executor()
        let parameters = try [1, 3].map { Variable("p\($0)", try HostTensor(zeros: TensorType([$0]))) }
        let adam = Adam(learningRate: 0.1)
        let graph = Graph()
        let step = try graph.input("step", [], .int32), gradient = try graph.input("g", [1])
        let updates = try parameters.flatMap { parameter in
            try adam.update(
                parameter, graph.read(parameter), gradient: gradient.broadcast(to: parameter.type.shape),
                step: step, learningRate: graph.fill(0.1))
        }
        let plan = try executor.compile(graph, outputs: [], updates: updates)
        for time in [1, 2] {
            let gradient = try HostTensor([1], [time == 1 ? 1e20 : 1] as [Float])
            _ = try executor.run(plan, inputs: ["g": gradient, "step": HostTensor(Int32(time))])
            for parameter in parameters {
                let value = try executor.value(of: parameter).elements(Float.self)[0]
                #expect(abs(value + (time == 1 ? 0.1 : 0.167)) < 1e-3, "step \(time): \(value)")
                let second = try executor.value(of: adam.state(of: parameter)[1].variable).elements(Float.self)[0]
                #expect(abs(second / 1e37 - 1) < 2e-3)
            }
        }
    }

    @Test(arguments: Place.available) func thePenaltyOnLargeParametersIsANumber(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let w = try graph.input("w", [2])
        let penalty = try Regularizer.l2(1e-4).penalty(w)
        let outputs = try [penalty] + graph.gradients(of: penalty, withRespectTo: [w])
        let found = try executor.run(
            executor.compile(graph, outputs: outputs), inputs: ["w": HostTensor([2], [1e20, -1e20] as [Float])])
        #expect(isClose(try found[0].elements(), [2e36]))
        #expect(isClose(try found[1].elements(), [2e16, -2e16]))
    }

    @Test func losses() throws {
        let graph = Graph()
        let z = try graph.constant(HostTensor([2], [2, -100] as [Float]))
        let t = try graph.constant(HostTensor([2], [0.5, 1] as [Float]))
        let logits = try graph.constant(HostTensor([2, 2], [0, 0, 3, 3] as [Float]))
        let labels = try graph.constant(HostTensor([2], [1, 0] as [Int32]))
        let ignoring = try graph.constant(HostTensor([2], [1, -1] as [Int32]))
        let outputs = [
            try Loss.meanSquaredError(z, t), try Loss.huber(delta: 1)(z, t),
            try Loss.binaryCrossEntropyWithLogits(z, t), try Loss.crossEntropy(logits, labels),
            try Loss.crossEntropyIgnoringNegativeLabels(logits, ignoring),
        ]
        let executor = try Place.reference.executor()
        let values = try executor.run(executor.compile(graph, outputs: outputs)).map { try $0.elements(Float.self)[0] }
        let expected: [Float] = [
            (2.25 + 10201) / 2, (1 + 100.5) / 2, (Float(log(1 + exp(2.0))) - 1 + 100) / 2, Float(log(2.0)),
            Float(log(2.0)),
        ]
        #expect(isClose(values, expected), "\(values)")
    }

    @Test func schedules() {
        let decaying = LearningRateSchedule.decaying(by: 0.5, every: 10)
        #expect([0, 9, 10, 25].map { decaying($0) } == [1, 1, 0.5, 0.25])
        let cosine = LearningRateSchedule.cosine(total: 20, warmup: 10, final: 0.1)
        #expect(cosine(0) == 0.1 && cosine(4) == 0.5 && cosine(10) == 1)
        #expect((cosine(15) - 0.55).magnitude < 1e-12 && (cosine(100) - 0.1).magnitude < 1e-12)
    }

    @Test func epochsGoThroughEverythingInAnotherOrder() throws {
        let order = try BatchOrder(count: 10, batchSize: 4, seed: 3)
        #expect(try order.batchesPerEpoch == 3 && order.range(2) == 8..<10)
        #expect(try order.indices(epoch: 0).sorted() == Array(0..<10))
        #expect(try order.indices(epoch: 0) != order.indices(epoch: 1))
        #expect(try order.indices(epoch: 1) == order.indices(epoch: 1))
        #expect(try BatchOrder(count: 10, batchSize: 4, dropsPartial: true).batchesPerEpoch == 2)
    }

    @Test func aBatchThatDoesNotFitChangesNothing() throws {
        let trainer = Self.trainer(on: try Place.reference.executor())
        let wrong = Batch(
            input: try HostTensor(zeros: TensorType([4, 3])), target: try HostTensor(zeros: TensorType([4], .int32)),
            count: 4)
        #expect(throws: GraphError.self) { try trainer.train(wrong) }
        #expect(trainer.step == 0)
    }

    @Test func devicesByText() {
        let texts = ["automatic", "cpu", "OpenCL", "opencl:2", "opencl:Radeon", "pthread"]
        #expect(
            texts.map { DeviceChoice($0) } == [
                .automatic, .cpu, .opencl, .openclDevice(2), .named("Radeon"), .named("pthread"),
            ])
    }

    @Test func aDeviceThatIsNotThereIsAnError() {
        let error = #expect(throws: DeviceError.self) { try Executor(on: .named("no such device")) }
        #expect("\(error as Any)".contains("no such device") && error?.available.first == "cpu")
    }
}
