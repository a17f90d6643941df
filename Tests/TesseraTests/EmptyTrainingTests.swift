import Tessera
import Testing

/// Layers and batches of nothing, beside others that have something.
@Suite struct EmptyTrainingTests {
    /// Two layers in one update, of which one has inputs of width 0.
    private struct Half: Layer {
        let none = Dense(0, 5, RandomSource(seed: 1))
        let some = Dense(4, 5, RandomSource(seed: 2))

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            try none(input.sliced(axis: 1, 0..<0), pass) + some(input, pass)
        }
    }

    private static let optimizers = ["adam", "adamw", "sgd", "momentum", "nesterov"]

    private static func optimizer(_ name: String) -> any Optimizer {
        switch name {
        case "adam": Adam(learningRate: 0.1)
        case "adamw": Adam(learningRate: 0.1, weightDecay: 0.1, isDecoupled: true)
        case "sgd": SGD(learningRate: 0.1)
        case "momentum": SGD(learningRate: 0.1, momentum: 0.9)
        default: SGD(learningRate: 0.1, momentum: 0.9, isNesterov: true)
        }
    }

    @Test(arguments: Place.available, optimizers)
    func whatIsBesideAnEmptyParameterIsTrained(on place: Place, _ name: String) throws {
        let (model, executor) = (Half(), try place.executor())
        let trainer = Trainer(
            model, loss: .meanSquaredError, optimizer: Self.optimizer(name), regularizers: [.l2(0.01)],
            gradientNorm: 1, on: executor)
        let batch = Batch(
            input: try HostTensor([3, 4], (0..<12).map { Float($0) }),
            target: try HostTensor(zeros: TensorType([3, 5])),
            count: 3)
        let losses = try (0..<3).map { _ in try trainer.train(batch).loss }
        #expect(losses[2] < losses[0])
        #expect(try executor.value(of: model.none.weight) == model.none.weight.initialValue)
        for variable in [model.some.weight, model.some.bias, model.none.bias].compactMap({ $0 }) {
            #expect(try executor.value(of: variable) != variable.initialValue, "\(variable)")
        }
    }

    @Test(arguments: Place.available) func anEmptyBatchChangesNoStatistics(on place: Place) throws {
        let random = RandomSource(seed: 1)
        let (norm, executor) = (BatchNorm2D(3), try place.executor())
        let model = Sequential(Conv2D(2, 3, kernel: 1, random), norm, ReLU(), Flatten(), Dense(12, 2, random))
        let trainer = Trainer(model, loss: .meanSquaredError, optimizer: SGD(learningRate: 0.1), on: executor)
        let before = try executor.values(of: model.namedVariables.map(\.variable))
        let nothing = Batch(
            input: try HostTensor(zeros: TensorType([0, 2, 2, 2])), target: try HostTensor(zeros: TensorType([0, 2])),
            count: 0)
        // The loss of nothing is a mean of nothing; whether that is an error is the trainer's to say.
        _ = try? trainer.train(nothing)
        #expect(try executor.values(of: model.namedVariables.map(\.variable)) == before)
        #expect(try trainer.predict(nothing.input).shape == [0, 2])
    }

    @Test(arguments: Place.available) func layersTakeNothing(on place: Place) throws {
        let random = RandomSource(seed: 1)
        let cases: [(any Layer, Shape, Shape)] = [
            (Dense(0, 3, random), [2, 0], [2, 3]), (Dense(3, 0, random), [2, 3], [2, 0]),
            (Conv2D(0, 4, kernel: 3, random), [1, 0, 5, 5], [1, 4, 3, 3]),
            (Conv2D(4, 0, kernel: 3, random), [1, 4, 5, 5], [1, 0, 3, 3]),
            (LSTM(0, 3, random), [2, 4, 0], [2, 4, 3]), (LSTM(3, 4, random), [2, 0, 3], [2, 0, 4]),
            (GRU(0, 3, random), [2, 4, 0], [2, 4, 3]), (GRU(3, 0, random), [2, 4, 3], [2, 4, 0]),
            (RNN(3, 4, layers: 2, isBidirectional: true, random), [2, 0, 3], [2, 0, 8]),
            (SinusoidalPositions(), [0, 3, 4], [0, 3, 4]), (LearnedPositions(3, 4, random), [2, 0, 4], [2, 0, 4]),
            (
                TransformerEncoderLayer(4, heads: 1, isCausal: true, positions: .rotary(), random), [0, 3, 4],
                [0, 3, 4]
            ),
            (TransformerEncoderLayer(4, heads: 2, positions: .linearBiases, random), [2, 1, 4], [2, 1, 4]),
            (MultiHeadAttention(4, heads: 2, random), [0, 3, 4], [0, 3, 4]), (LayerNorm(0), [2, 0], [2, 0]),
            (BatchNorm2D(0), [2, 0, 3, 3], [2, 0, 3, 3]), (MaxPool2D(2), [0, 3, 4, 4], [0, 3, 2, 2]),
            (AveragePool2D(2), [2, 0, 4, 4], [2, 0, 2, 2]), (Flatten(), [3, 0, 4], [3, 0]),
            (Softmax(), [3, 0], [3, 0]),
        ]
        for (layer, input, expected) in cases {
            let result = try output(layer, HostTensor(zeros: TensorType(input)), on: place)
            #expect(result.count == expected.elementCount, "\(layer)")
        }
        let pooled = #expect(throws: GraphError.self) {
            try output(MaxPool2D(2, padding: 1), HostTensor(zeros: TensorType([1, 1, 0, 4])), on: place)
        }
        #expect(pooled?.description.contains("no maximum") == true)
    }
}
