import Foundation
import Tessera
import Testing

/// A mistake in a layer's use is said with the operation as it was written and the line that makes the layer.
@Suite struct UsersLineTests {
    private static let line: UInt = #line + 1
    private static let layers: @Sendable () -> [(any Layer, Shape, DType)] = {
        [
            (Dense(4, 3, random), [2, 5], .float32), (Embedding(4, 3, random), [2], .float32),
            (Conv2D(2, 3, kernel: 3, random), [1, 3, 8, 8], .float32), (MaxPool2D(9), [1, 1, 8, 8], .float32),
            (AveragePool2D(2), [8, 8], .float32), (ReLU(), [2], .int32), (GELU(), [2], .int32), (SiLU(), [2], .int32),
            (Sigmoid(), [2], .int32), (Tanh(), [2], .int32), (Softmax(axis: 3), [2], .float32),
            (Flatten(), [], .float32),
            (MaxPool1D(9), [1, 1, 8], .float32), (AveragePool1D(2), [8], .float32),
            (MaxPool3D(2), [1, 1, 8, 8], .float32), (AveragePool3D(0), [1, 1, 8, 8, 8], .float32),
            (AdaptiveMaxPool(to: [0]), [1, 1, 8], .float32), (AdaptiveAveragePool(to: []), [1, 1, 8], .float32),
            (GlobalMaxPool(), [1, 8], .float32), (GlobalAveragePool(), [1, 8], .float32),
            (Dropout(2, random), [2], .float32), (Dropout(.nan, random), [2], .float32),
            (MultiHeadAttention(8, heads: 3, random), [1, 2, 8], .float32), (LayerNorm(3), [2, 4], .float32),
            (TransformerEncoderLayer(8, heads: 3, random), [1, 2, 8], .float32),
            (BatchNorm2D(3), [1, 4, 2, 2], .float32),
            (LSTM(3, 4, random), [2, 1, 5], .float32), (GRU(3, 4, random), [2, 5], .float32),
            (LSTM(3, 4, random), [0, 1, 3], .float32), (RNN(3, 4, layers: 0, random), [2, 1, 3], .float32),
            (SinusoidalPositions(), [2, 3], .float32), (LearnedPositions(3, 4, random), [1, 4, 4], .float32),
        ]
    }
    private static var random: RandomSource { RandomSource(seed: 1) }

    @Test func layersNameTheLineThatMakesThem() throws {
        for (layer, shape, dtype) in Self.layers() {
            for isTraining in [false, true] {
                let graph = Graph()
                let step = try graph.input("step", [], .int32)
                do {
                    _ = try layer(
                        graph.input("x", shape, dtype),
                        ForwardPass(graph, isTraining ? .training(step: step) : .inference))
                    // Flattening a scalar makes one of it.
                    if !(layer is Flatten) { Issue.record("\(layer) took \(dtype)\(shape)") }
                } catch let error as GraphError {
                    let location = error.location
                    #expect(location?.file.hasSuffix("UsersLineTests.swift") == true, "\(error)")
                    #expect((Self.line...(Self.line + 40)).contains(location?.line ?? 0), "\(error)")
                }
            }
        }
    }

    @Test func layersOfImpossibleSizesSayTheirName() throws {
        let graph = Graph()
        let error = #expect(throws: GraphError.self) {
            try Dense(4, -1, Self.random)(graph.input("x", [2, 4]), ForwardPass(graph, .inference))
        }
        #expect(error?.operation == "Dense" && error?.message.contains("negative extent in [-1, 4]") == true)
        let large = #expect(throws: GraphError.self) {
            try graph.read(Dense(1 << 21, 1 << 21, Self.random).weight)
        }
        #expect(large?.message.contains("16.0 TiB") == true, "\(String(describing: large))")
        let trainer = Trainer(
            Dense(4, -1, Self.random), loss: .meanSquaredError, optimizer: Adam(), on: try Executor(on: .cpu))
        #expect(throws: GraphError.self) { try trainer.predict(HostTensor(zeros: TensorType([2, 4]))) }
        #expect(throws: GraphError.self) { try trainer.save(to: "/nowhere") }
    }

    /// Whatever is done with a layer that could not be made, its line is said, and no file fits it.
    @Test func everyUseOfALayerThatCouldNotBeMadeThrows() throws {
        let executor = try Executor(on: .cpu)
        let line: UInt = #line + 1
        let layer = Dense(-1, 3, Self.random)
        #expect(layer.parameterCount == 3 && layer.namedVariables.count == 2)
        let file = FileManager.default.temporaryDirectory.path + "/tessera-test-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try SafetensorsFile.write(
            ["weight": layer.weight.initialValue, "bias": HostTensor(zeros: TensorType([3]))], to: file)
        for optimizer in [Adam(), SGD(learningRate: 1), SGD(learningRate: 1, momentum: 0.9)] as [any Optimizer] {
            let trainer = Trainer(layer, loss: .meanSquaredError, optimizer: optimizer, on: executor)
            let x = try HostTensor(zeros: TensorType([2, 3]))
            let batch = Batch(input: x, target: x, count: 2)
            let data = try TensorDataset(inputs: x, targets: x)
            let uses: [() throws -> Any] = [
                { try executor.value(of: layer.weight) }, { try executor.values(of: layer.parameters) },
                { try executor.set([layer.weight: layer.weight.initialValue]) },
                { try layer.save(to: file, on: executor) }, { try layer.load(from: file, on: executor) },
                { try trainer.save(to: file) }, { try trainer.load(from: file) }, { try trainer.train(batch) },
                { try trainer.trainingPlan(for: batch) }, { try trainer.predict(x) }, { try trainer.evaluate(data) },
                { try trainer.fit(data, batchSize: 1, epochs: 1, progress: nil) },
                {
                    let graph = Graph()
                    return try executor.compile(graph, outputs: [], updates: [(layer.weight, graph.fill(1, [0]))])
                },
                { try executor.values(of: optimizer.state(of: layer.weight).map(\.variable) + [layer.weight]) },
            ]
            for (index, use) in uses.enumerated() {
                let error = #expect(throws: GraphError.self, "use \(index)") { _ = try use() }
                #expect(error?.operation == "Dense" && error?.location?.line == line, "use \(index): \(error as Any)")
            }
        }
    }

    @Test func noErrorNamesALineOfTheLibrary() {
        for file: StaticString in ["Tessera/Trainer.swift", "TensorGraph/Graph.swift", "Execution/Executor.swift"] {
            let error = GraphError(operation: "x", message: "y", location: SourceLocation(file: file, line: 3))
            #expect(error.description == "x: y")
        }
    }

    @Test func errorsNameTheOperationAsItIsWritten() throws {
        let graph = Graph()
        let a = try graph.input("a", [2]), b = try graph.input("b", [3]), i = try graph.input("i", [2], .int32)
        let calls: [(String, () throws -> Tensor)] = [
            ("+", { try a + b }), ("-", { try a - b }), ("*", { try a * b }), ("/", { try a / b }),
            ("maximum", { try a.maximum(b) }), ("minimum", { try a.minimum(b) }), ("power", { try a.power(b) }),
            ("less(than:)", { try a.less(than: b) }), ("equal(to:)", { try a.equal(to: b) }), ("exp", { try i.exp() }),
            ("log", { try i.log() }), ("sqrt", { try i.sqrt() }), ("rsqrt", { try i.rsqrt() }),
            ("sin", { try i.sin() }),
            ("erf", { try i.erf() }), ("mean", { try i.mean() }), ("mean", { try a.mean(axes: [4]) }),
            ("maximum", { try a.maximum(axes: [4]) }), ("conv2DTransposed", { try a.conv2DTransposed(b) }),
        ]
        for (name, call) in calls {
            let error = #expect(throws: GraphError.self) { try call() }
            #expect(error?.operation == name)
            #expect(error?.location?.file.hasSuffix("UsersLineTests.swift") == true)
        }
        #expect(throws: GraphError.self) { try Loss.crossEntropy(graph.input("s", []), i) }
    }
}
