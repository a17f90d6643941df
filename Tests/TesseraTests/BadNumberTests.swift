import ParityRunner
import Tessera
import Testing

/// A public call that takes a number.
private struct NumberCall: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var call: @Sendable (Int) throws -> Void

    init(_ name: String, _ call: @escaping @Sendable (Int) throws -> Void) {
        testDescription = name
        self.call = call
    }

    /// An operation on images `[1, 2, 8, 8]` and weights `[2, 2, 3, 3]`, compiled for the CPU path and lowered for OpenCL.
    static func images(_ name: String, _ make: @escaping @Sendable (Tensor, Tensor, Int) throws -> Tensor) -> Self {
        Self(name) { number in
            let graph = Graph()
            let result = try make(graph.input("x", [1, 2, 8, 8]), graph.input("w", [2, 2, 3, 3]), number)
            try compile(graph, [result])
        }
    }

    /// A layer made with a number, called on an input and trained, without running.
    static func layer(
        _ name: String, input: Shape, _ dtype: DType = .float32, _ make: @escaping @Sendable (Int) -> any Layer
    ) -> Self {
        Self(name) { number in
            let layer = make(number)
            _ = (layer.parameterCount, layer.namedVariables.count)
            for isTraining in [false, true] {
                let graph = Graph()
                let step = try graph.input("step", [], .int32)
                let pass = ForwardPass(graph, isTraining ? .training(step: step) : .inference)
                let result = try layer(graph.input("x", input, dtype), pass)
                let parameters = try layer.parameters.map { try pass.read($0) }
                let gradients = try graph.gradients(of: result.sum(), withRespectTo: parameters)
                try compile(graph, [result] + gradients)
            }
        }
    }

    private static func compile(_ graph: Graph, _ outputs: [Tensor]) throws {
        _ = try Executor(on: .cpu).compile(graph, outputs: outputs)
        try OperationSupport.lower(graph, outputs)
    }
}

/// Every number that the library takes may be any number: a call with one that makes no sense throws, and one that makes
/// sense works. That none of them ends the process is half of what this tests.
@Suite struct BadNumberTests {
    private static let numbers: [Int] = [
        0, -1, 1, .max, .min, .max / 2, .min / 2, .max / 8, .max - 1, .min + 1, 1 << 50, -(1 << 31),
    ]

    private static let ops: [NumberCall] = [
        .images("sliced to") { x, _, n in try x.sliced(axis: 2, min(0, n)..<max(0, n)) },
        .images("sliced from the least") { x, _, n in try x.sliced(axis: 2, .min..<max(n, 1)) },
        .images("sliced step") { x, _, n in try x.sliced(axis: 2, 1..<7, step: n) },
        .images("sliced axis") { x, _, n in try x.sliced(axis: n, 0..<1) },
        .images("padded before") { x, _, n in try x.padded(before: [0, 0, 0, n], after: [0, 0, 0, 0]) },
        .images("padded around") { x, _, n in try x.padded(before: [0, 0, n, n], after: [0, 0, n, n]) },
        .images("conv2D stride") { x, w, n in try x.conv2D(w, stride: n) },
        .images("conv2D padding") { x, w, n in try x.conv2D(w, padding: n) },
        .images("conv2D dilation") { x, w, n in try x.conv2D(w, dilation: n) },
        .images("conv2D groups") { x, w, n in try x.conv2D(w, groups: n) },
        .images("conv2D all") { x, w, n in try x.conv2D(w, stride: n, padding: n, dilation: n, groups: n) },
        .images("conv2DTransposed stride") { x, w, n in try x.conv2DTransposed(w, stride: n) },
        .images("conv2DTransposed padding") { x, w, n in try x.conv2DTransposed(w, padding: n) },
        .images("conv2DTransposed outputPadding") { x, w, n in try x.conv2DTransposed(w, outputPadding: n) },
        .images("conv2DTransposed dilation") { x, w, n in try x.conv2DTransposed(w, dilation: n) },
        .images("conv2DTransposed groups") { x, w, n in try x.conv2DTransposed(w, groups: n) },
        .images("conv2DTransposed all") { x, w, n in
            try x.conv2DTransposed(w, stride: n, padding: n, outputPadding: n, dilation: n, groups: n)
        },
        .images("maxPool2D window") { x, _, n in try x.maxPool2D(window: n) },
        .images("maxPool2D stride") { x, _, n in try x.maxPool2D(window: 2, stride: n) },
        .images("maxPool2D padding") { x, _, n in try x.maxPool2D(window: 2, padding: n) },
        .images("maxPool2D window and padding") { x, _, n in try x.maxPool2D(window: n, padding: n == .min ? n : n - 1)
        },
        .images("averagePool2D window") { x, _, n in try x.averagePool2D(window: n, stride: 1) },
        .images("averagePool2D all") { x, _, n in try x.averagePool2D(window: n, stride: n, padding: n) },
        .images("sum axes") { x, _, n in try x.sum(axes: [n, 0]) },
        .images("mean axes") { x, _, n in try x.mean(axes: [n], keepsDimensions: true) },
        .images("maximum axes") { x, _, n in try x.maximum(axes: [n]) },
        .images("softmax axis") { x, _, n in try x.softmax(axis: n) },
        .images("logSoftmax axis") { x, _, n in try x.logSoftmax(axis: n) },
        .images("concatenated axis") { x, _, n in try Tensor.concatenated([x, x], axis: n) },
        .images("reshaped") { x, _, n in try x.reshaped(to: [n, 2]) },
        .images("reshaped to nothing") { x, _, n in try x.reshaped(to: [n, n, 0]) },
        .images("broadcast") { x, _, n in try x.broadcast(to: [n, 2, 8, 8]) },
        .images("transposed") { x, _, n in try x.transposed([n, 1, 2, 3]) },
        .images("selfAttention heads") { x, _, n in
            try x.reshaped(to: [2, 1, 64]).sliced(axis: 2, 0..<60).selfAttention(heads: n, isCausal: false)
        },
        .images("input") { x, _, n in try x.graph.input("y", [n, 3]) + 1 },
        .images("input of nothing") { x, _, n in try x.graph.input("y", [0, n, n]).sum(axes: [1]) },
        .images("fill") { x, _, n in try x.graph.fill(1, [n, n]).exp() },
        .images("random") { x, _, n in
            try x.graph.random([2, n], normal: n % 2 == 0, seed: 1, counter: x.graph.input("c", [], .int32))
        },
        .images("concatenated nine times") { x, _, n in
            let part = try x.graph.input("y", [n])
            return try Tensor.concatenated([Tensor](repeating: part, count: 9), axis: 0)
        },
        .images("outer product") { x, _, n in try x.graph.input("a", [n, 1]) - x.graph.input("b", [n]) },
        .images("outer matmul") { x, _, n in
            let a = try x.graph.input("a", [n, 1])
            return try (a.matMul(a, transposeOther: true).exp().softmax() * 2).sum()
        },
        .images("large matmul") { x, _, n in
            try x.graph.input("a", [n, 1 << 20]).matMul(x.graph.input("b", [1 << 20, 1 << 20]))
        },
        .images("large convolution") { x, w, n in try x.graph.input("a", [n, 2, 1 << 20, 8]).conv2D(w, padding: 1) },
        .images("large attention") { x, _, n in
            let q = try x.graph.input("q", [1, n, 1 << 15, 64])
            return try q.attention(keys: q, values: q)
        },
        .images("large embedding") { x, _, n in
            try x.graph.input("t", [n, 8]).embedding(x.graph.input("i", [n], .int32))
        },
        .images("large layerNorm") { x, _, n in
            let one = try x.graph.input("s", [n])
            return try x.graph.input("a", [4, n]).layerNorm(scale: one, bias: one)
        },
        .images("large crossEntropy") { x, _, n in
            try x.graph.input("a", [n, 10]).crossEntropy(labels: x.graph.input("l", [n], .int32))
        },
        .images("large lstm") { x, _, n in
            let b = try x.graph.input("b", [16])
            return try x.graph.input("a", [2, n, 3]).lstm(
                inputWeight: x.graph.input("w", [16, 3]), hiddenWeight: x.graph.input("h", [16, 4]), inputBias: b,
                hiddenBias: b
            ).outputs
        },
    ]

    private static let layers: [NumberCall] = [
        .layer("Dense inputs", input: [2, 4]) { Dense($0, 3, RandomSource(seed: 1)) },
        .layer("Dense outputs", input: [2, 4]) { Dense(4, $0, RandomSource(seed: 1)) },
        .layer("Dense both", input: [2, 4]) { Dense($0, $0, RandomSource(seed: 1)) },
        .layer("Embedding count", input: [3], .int32) { Embedding($0, 3, RandomSource(seed: 1)) },
        .layer("Embedding width", input: [3], .int32) { Embedding(3, $0, RandomSource(seed: 1)) },
        .layer("Conv2D inputs", input: [1, 2, 8, 8]) { Conv2D($0, 2, kernel: 3, RandomSource(seed: 1)) },
        .layer("Conv2D outputs", input: [1, 2, 8, 8]) { Conv2D(2, $0, kernel: 3, RandomSource(seed: 1)) },
        .layer("Conv2D kernel", input: [1, 2, 8, 8]) { Conv2D(2, 2, kernel: .all($0), RandomSource(seed: 1)) },
        .layer("Conv2D groups", input: [1, 2, 8, 8]) { Conv2D(2, 2, kernel: 3, groups: $0, RandomSource(seed: 1)) },
        .layer("Conv2D stride", input: [1, 2, 8, 8]) {
            Conv2D(2, 2, kernel: 3, stride: .all($0), padding: .all($0), dilation: .all($0), RandomSource(seed: 1))
        },
        .layer("MaxPool2D", input: [1, 2, 8, 8]) { MaxPool2D($0) },
        .layer("MaxPool2D stride", input: [1, 2, 8, 8]) { MaxPool2D(2, stride: $0, padding: 1) },
        .layer("AveragePool2D", input: [1, 2, 8, 8]) { AveragePool2D($0, padding: $0) },
        .layer("BatchNorm2D", input: [1, 2, 8, 8]) { BatchNorm2D($0) },
        .layer("LayerNorm", input: [2, 8]) { LayerNorm($0) },
        .layer("LSTM inputs", input: [2, 3, 4]) { LSTM($0, 2, RandomSource(seed: 1)) },
        .layer("LSTM hidden", input: [2, 3, 4]) { LSTM(4, $0, RandomSource(seed: 1)) },
        .layer("GRU inputs", input: [2, 3, 4]) { GRU($0, 2, RandomSource(seed: 1)) },
        .layer("GRU hidden", input: [2, 3, 4]) { GRU(4, $0, RandomSource(seed: 1)) },
        .layer("LSTM layers", input: [2, 3, 4]) { LSTM(4, 2, layers: $0, RandomSource(seed: 1)) },
        .layer("MultiHeadAttention width", input: [1, 3, 8]) {
            MultiHeadAttention($0, heads: 2, RandomSource(seed: 1))
        },
        .layer("MultiHeadAttention heads", input: [1, 3, 8]) {
            MultiHeadAttention(8, heads: $0, RandomSource(seed: 1))
        },
        .layer("MultiHeadAttention key width", input: [1, 3, 8]) {
            MultiHeadAttention(8, heads: 2, keyWidth: $0, RandomSource(seed: 1))
        },
        .layer("LearnedPositions", input: [1, 3, 8]) { LearnedPositions($0, 8, RandomSource(seed: 1)) },
        .layer("TransformerEncoderLayer width", input: [1, 3, 8]) {
            TransformerEncoderLayer($0, heads: 2, RandomSource(seed: 1))
        },
        .layer("TransformerEncoderLayer inner", input: [1, 3, 8]) {
            TransformerEncoderLayer(8, heads: 2, inner: $0, RandomSource(seed: 1))
        },
        .layer("Softmax axis", input: [2, 8]) { Softmax(axis: $0) },
        .layer("Dropout", input: [2, 8]) { Dropout(Double($0), RandomSource(seed: 1)) },
    ]

    /// What is allocated at once is tried with numbers that no memory holds, and with small ones.
    private static let values: [NumberCall] = [
        NumberCall("HostTensor zeros") { _ = try HostTensor(zeros: TensorType([$0])) },
        NumberCall("HostTensor zeros of nothing") { _ = try HostTensor(zeros: TensorType([$0, 0, $0])) },
        NumberCall("HostTensor bytes") { _ = try HostTensor(TensorType([$0, $0]), bytes: []) },
        NumberCall("HostTensor elements") { _ = try HostTensor([$0, 2], [1] as [Float]) },
        NumberCall("HostTensor fill") { _ = try HostTensor(TensorType([3, $0])) { _ in } },
        NumberCall("RandomSource uniform") { _ = try RandomSource(seed: 1).uniform([$0], bound: 1) },
        NumberCall("RandomSource normal") { _ = try RandomSource(seed: 1).normal([$0, 2]) },
        NumberCall("Shape") {
            let shape: Shape = [$0, 3, $0]
            _ = (shape.elementCount, shape.strides, TensorType(shape, .float64).byteCount, shape.broadcast(with: [$0]))
            _ = try shape.extent($0)
        },
        NumberCall("CharacterDataset context") {
            _ = try CharacterDataset(tokens: [1, 2, 3, 4], context: $0, layout: .timeFirst).count
        },
        NumberCall("CharacterDataset stride") {
            let data = try CharacterDataset(tokens: [1, 2, 3, 4], context: 2, stride: $0, layout: .batchFirst)
            _ = try data.batch(Array(0..<data.count)[...])
        },
        NumberCall("BatchOrder") {
            let order = try BatchOrder(count: $0, batchSize: $0 == 1 << 31 ? 1 : $0)
            _ = order.batchesPerEpoch
            _ = try order.range($0)
        },
        NumberCall("BatchOrder of many") {
            // What has a memory for it takes too long.
            if (1 << 24...1 << 40).contains($0) { return }
            _ = try BatchOrder(count: $0, batchSize: 2).indices(epoch: $0)
        },
        NumberCall("evaluate") { number in
            let trainer = Trainer(Flatten(), loss: .meanSquaredError, optimizer: Adam(), on: try Executor(on: .cpu))
            let x = try HostTensor([3, 2], [1, 2, 3, 4, 5, 6] as [Float])
            let data = try TensorDataset(inputs: x, targets: x)
            _ = try trainer.evaluate(data, batchSize: number)
            try trainer.fit(data, batchSize: number, epochs: number, steps: 0, progress: nil)
        },
        NumberCall("rows") { _ = try HostTensor(zeros: TensorType([3, 2])).rows([$0]) },
        NumberCall("LearningRateSchedule decaying") {
            let schedule = LearningRateSchedule.decaying(by: 0.5, every: $0)
            #expect([0, 1, .max, .min, $0].allSatisfy { (0...1).contains(schedule($0)) })
        },
        NumberCall("LearningRateSchedule cosine") {
            for schedule in [LearningRateSchedule.cosine(total: $0), .cosine(total: 10, warmup: $0, final: 0.1)] {
                #expect([0, 1, .max, $0].allSatisfy { schedule($0).isFinite })
            }
        },
    ]

    /// A dataset of a user's own may say anything of itself.
    private struct Boasting: Dataset {
        var count: Int
        var batchCount: Int

        func batch(_ indices: ArraySlice<Int>) throws -> Batch {
            let x = try HostTensor(zeros: TensorType([1, 2]))
            return Batch(input: x, target: x, count: batchCount)
        }
    }

    @Test func countsOfDatasetsMayBeAnything() throws {
        let mean = Loss("mean") { prediction, _ in try prediction.mean() }
        for count in Self.numbers {
            let trainer = Trainer(
                Dense(2, 2, RandomSource(seed: 1)), loss: mean, optimizer: Adam(), on: try Executor(on: .cpu))
            let three = Boasting(count: 3, batchCount: count)
            if count > 0 {
                #expect(try trainer.fit(three, batchSize: 1, epochs: 1, progress: nil).count >= count)
                #expect(try trainer.evaluate(three, batchSize: 1).count >= count)
            } else {
                #expect(throws: GraphError.self) { try trainer.fit(three, batchSize: 1, epochs: 1, progress: nil) }
            }
            // More than a few would need memory for their order.
            guard count < 4 || count >= .max / 8 else { continue }
            let many = Boasting(count: count, batchCount: 1)
            do {
                try trainer.fit(many, batchSize: 1, epochs: .max, steps: 3, progress: nil)
            } catch let error as GraphError {
                #expect(error.location?.file.hasPrefix("TesseraTests/") == true, "\(count): \(error)")
            }
        }
    }

    @Test(arguments: ops) private func operationsTakeAnyNumber(_ call: NumberCall) { check(call) }
    @Test(arguments: layers) private func layersTakeAnyNumber(_ call: NumberCall) { check(call) }
    @Test(arguments: values) private func otherCallsTakeAnyNumber(_ call: NumberCall) { check(call) }

    private func check(_ call: NumberCall) {
        for number in Self.numbers {
            do {
                try call.call(number)
            } catch let error as GraphError {
                #expect(
                    error.location.map { $0.file.hasPrefix("TesseraTests/") } == true,
                    "\(call.testDescription) of \(number): \(error)")
            } catch {
                Issue.record("\(call.testDescription) of \(number): \(error)")
            }
        }
    }
}
