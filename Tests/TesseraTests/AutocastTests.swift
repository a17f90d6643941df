import Execution
import TensorGraph
import Tessera
import TestSupport
import Testing

/// Which operations a pass that casts by itself computes in 16 bits: PyTorch's lists.
@Suite struct AutocastTests {
    private static let lower: [(String, @Sendable (Tensor, Tensor) throws -> Tensor)] = [
        ("matMul", { x, w in try x.matMul(w) }),
        ("matMul of 16 bits", { x, w in try x.cast(to: .float16).matMul(w) }),
        (
            "convolution",
            { x, w in try x.reshaped(to: [1, 4, 4]).conv1D(w.reshaped(to: [4, 4, 1]), bias: w.sum(axes: [0])) }
        ),
        (
            "attention",
            { x, w in
                let q = try x.reshaped(to: [1, 1, 4, 4])
                return try q.attention(keys: q, values: w.reshaped(to: [1, 1, 4, 4]))
            }
        ),
        (
            "lstm",
            { x, w in
                let weight = try Tensor.concatenated([w, w, w, w], axis: 0)
                return try x.reshaped(to: [2, 2, 4]).lstm(inputWeight: weight, hiddenWeight: weight).outputs
            }
        ),
        (
            "gru",
            { x, w in
                let weight = try Tensor.concatenated([w, w, w], axis: 0)
                return try x.reshaped(to: [2, 2, 4]).gru(
                    inputWeight: weight, hiddenWeight: weight, inputBias: weight.sum(axes: [1])
                ).outputs
            }
        ), ("rnn", { x, w in try x.reshaped(to: [2, 2, 4]).rnn(inputWeight: w, hiddenWeight: w).outputs }),
    ]

    private static let wide: [(String, @Sendable (Tensor) throws -> Tensor)] = [
        ("softmax", { try $0.softmax() }), ("logSoftmax", { try $0.logSoftmax() }), ("exp", { try $0.exp() }),
        ("expm1", { try $0.expm1() }), ("log", { try $0.log() }), ("square", { try $0.square() }),
        ("power", { try $0.power(3) }), ("reciprocal", { try $0.reciprocal() }), ("rsqrt", { try $0.rsqrt() }),
        ("softplus", { try $0.softplus() }), ("tan", { try $0.tan() }), ("sinh", { try $0.sinh() }),
        ("cosh", { try $0.cosh() }), ("asin", { try $0.asin() }), ("acos", { try $0.acos() }),
        ("1 / x", { try 1 / $0 }), ("sum", { try $0.sum() }), ("mean", { try $0.mean() }),
        ("product", { try $0.product() }), ("cumsum", { try $0.cumsum(axis: 0) }),
        (
            "layerNorm",
            { try $0.layerNorm(scale: $0.graph.fill(1, [4]), bias: $0.graph.fill(0, [4], .float16)) }
        ), ("rmsNorm", { try $0.rmsNorm(scale: $0.graph.fill(1, [4])) }),
        ("groupNorm", { try $0.groupNorm(groups: 2, scale: $0.graph.fill(1, [4]), bias: $0.graph.fill(0, [4])) }),
        ("a number out of range", { try $0 * 1e9 }), ("beside float32", { try $0 + $0.cast(to: .float32) }),
        ("select", { try .select($0.greater(than: 0), $0, $0.graph.fill(0)) }),
        ("concatenation", { try .concatenated([$0, $0.cast(to: .float32)], axis: 0) }),
    ]

    private static let given: [(String, @Sendable (Tensor) throws -> Tensor)] = [
        ("relu", { try $0.relu() }), ("gelu", { try $0.gelu() }), ("tanh", { try $0.tanh() }),
        ("sigmoid", { try $0.sigmoid() }), ("+ a number", { try $0 + 1 }), ("maximum", { try $0.maximum() }),
        ("+", { try $0 + $0 }), ("slice", { try $0.sliced(axis: 0, 0..<2) }),
        ("dropout", { try $0.dropout(rate: 0.5, seed: 1, counter: $0.graph.fill(1, [], .int32)) }),
    ]

    @Test(arguments: [DType.float16, .bfloat16]) func typesAreThoseOfPyTorchsLists(_ dtype: DType) throws {
        let graph = Graph()
        let (x, w) = (
            try graph.input("x", [4, 4]),
            try graph.read(Variable("w", try HostTensor(filledWith: 1, TensorType([4, 4]))))
        )
        for (name, make) in Self.lower {
            #expect(try graph.autocast(to: .float16) { try make(x, w) }.dtype == .float16, "\(name)")
        }
        let half = try graph.input("h", [4, 4], dtype)
        for (name, make) in Self.wide {
            let result = try graph.autocast(to: dtype) { try make(half) }
            #expect(
                result.dtype == (name == "a number out of range" && dtype == .bfloat16 ? dtype : .float32), "\(name)")
        }
        for (name, make) in Self.given {
            #expect(try graph.autocast(to: dtype) { try make(half) }.dtype == dtype, "\(name)")
            #expect(try graph.autocast(to: dtype) { try make(x) }.dtype == .float32, "\(name)")
        }
        let wide = try graph.input("d", [4, 4], .float64)
        #expect(try graph.autocast(to: dtype) { try wide.matMul(wide) }.dtype == .float64)
        let inner = try graph.autocast(to: dtype) { try graph.autocast(to: .float32) { try x.matMul(w) } }
        #expect(inner.dtype == .float32 && !graph.isAutocasting)
        #expect(throws: GraphError.self) { try half.matMul(w) }
    }

    /// A variable is converted once, its gradient is float32, and gradients are taken in the types of the forward pass.
    @Test func gradientsHaveTheTypesOfWhatTheyAreOf() throws {
        let graph = Graph()
        let (x, variable) = (
            try graph.input("x", [4, 4]), Variable("w", try HostTensor(filledWith: 0.5, TensorType([4, 4])))
        )
        let w = try graph.read(variable)
        let gradients = try graph.autocast(to: .float16) {
            let y = try x.matMul(w).exp().matMul(w).sum()
            return try graph.gradients(of: y, withRespectTo: [w, x])
        }
        #expect(gradients.map(\.dtype) == [.float32, .float32])
        let casts = graph.nodes.count { node in
            if case .cast(.float16) = node.op { node.operands == [w.value] } else { false }
        }
        #expect(casts == 1)
        // In 16 bits, with no cast of a cotangent that the lists would want.
        #expect(graph.nodes.contains { $0.op.kind == .matMul && $0.resultTypes[0].dtype == .float16 })
    }

    private static let networks: [(name: String, make: @Sendable (RandomSource) -> any Layer, input: Shape)] = [
        (
            "cnn",
            { random in
                Sequential(
                    Conv2D(1, 8, kernel: 3, padding: 1, random), BatchNorm2D(8), ReLU(), MaxPool2D(2),
                    Conv2D(8, 8, kernel: 3, padding: 1, random), ReLU(), Flatten(), Dense(128, 4, random))
            }, [16, 1, 8, 8]
        ),
        (
            "lstm",
            { random in
                Sequential(
                    LSTM(8, 16, isBatchFirst: true, random), Lambda { try $0.mean(axes: [1]) }, Dense(16, 4, random))
            }, [16, 6, 8]
        ),
        (
            "gru",
            { random in
                Sequential(
                    GRU(8, 16, isBatchFirst: true, random), Lambda { try $0.mean(axes: [1]) }, Dense(16, 4, random))
            }, [16, 6, 8]
        ),
        (
            "transformer",
            { random in
                Sequential(
                    TransformerEncoderLayer(8, heads: 2, dropout: 0.1, isCausal: true, random),
                    TransformerEncoderLayer(8, heads: 2, normalizesFirst: false, random),
                    Lambda { try $0.mean(axes: [1]) }, Dense(8, 4, random))
            }, [16, 6, 8]
        ),
    ]

    /// Four classes that are told from where the numbers are large: after as many steps, 16 bits are where float32 is.
    @Test(arguments: Place.available.filter { $0 != .reference }, networks.indices)
    func trainingReachesTheLossOfFloat32(_ place: Place, _ index: Int) throws {
        let (name, make, shape) = Self.networks[index]
        let random = RandomSource(seed: 3)
        let noise = try random.normal(shape).elements(Float.self)
        let labels = (0..<Int32(shape[0])).map { $0 % 4 }
        let size = shape.elementCount / shape[0]
        let numbers = noise.enumerated().map { place, number in
            0.5 * number + (place % size % 4 == Int(labels[place / size]) ? 1 : 0)
        }
        let batch = Batch(
            input: try HostTensor(shape, numbers), target: try HostTensor([shape[0]], labels), count: shape[0])
        var losses: [Double] = []
        for precision in [Precision.float32, .float16, .bfloat16] {
            let trainer = Trainer(
                make(RandomSource(seed: 4)), loss: .crossEntropy, optimizer: Adam(learningRate: 0.01),
                metrics: [.accuracy], gradientNorm: 1, precision: precision, on: try place.executor())
            let isOnDevice = try trainer.trainingPlan(for: batch).runsOnDeviceAlone
            #expect(place == .cpu || isOnDevice, "\(name) \(precision.dtype)")
            let first = try trainer.train(batch).loss
            var skipped = 0
            for _ in 0..<30 { skipped += try trainer.train(batch).isSkipped ? 1 : 0 }
            #expect(skipped < 5, "\(name) \(precision.dtype)")
            let last = try trainer.evaluate(TensorDataset(batch.tensors)).loss
            #expect(last < 0.75 * first, "\(name) \(precision.dtype): \(first), then \(last)")
            losses.append(last)
            #expect(trainer.model.parameters.allSatisfy { $0.type.dtype == .float32 })
            let prediction = try trainer.predict(#require(batch.tensors["input"]))
            #expect(prediction.dtype == (precision == .float32 ? .float32 : precision.dtype))
        }
        for loss in losses.dropFirst() {
            #expect(abs(loss - losses[0]) < 0.08 * max(losses[0], 0.5), "\(name): \(losses)")
        }
    }

    /// Several losses, with a penalty on a gradient, which is a gradient inside the step.
    @Test(arguments: Place.available.filter { $0 != .reference })
    func gradientsInsideAStepAreTrained(_ place: Place) throws {
        let critic = Sequential(Dense(2, 16, RandomSource(seed: 1)), Tanh(), Dense(16, 1, RandomSource(seed: 2)))
        for precision in [Precision.float16, .bfloat16] {
            let trainer = Trainer(
                critic, groups: [ParameterGroup("critic", critic, Adam(learningRate: 0.01))], precision: precision,
                on: try place.executor()
            ) { pass, batch in
                let x = try batch["x"]
                let y = try critic(x, pass)
                let slope = try pass.graph.gradients(of: y.cast(to: .float32).sum(), withRespectTo: [x])[0]
                return [
                    .loss("height", try -y.mean()),
                    .loss("penalty", try (slope.square().sum(axes: [1]).sqrt() - 1).square().mean()),
                ]
            }
            let batch = Batch(["x": try RandomSource(seed: 7).normal([16, 2])], count: 16)
            var last = 0.0
            for _ in 0..<60 { last = try trainer.train(batch).losses["penalty"] ?? .nan }
            #expect(last < 0.2, "\(precision.dtype): \(last)")
        }
    }
}
