import Tessera
import Testing

/// A layer with an input that fits it and others that don't.
private struct LayerCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var make: @Sendable () -> any Layer
    var input: TensorType
    /// Of the input's type.
    var wrong: [Shape]
    /// Whether the input fits at all: not, where the layer itself is wrong.
    var fits = true

    init(
        _ description: String, _ input: Shape, _ dtype: DType = .float32, wrong: [Shape] = [], fits: Bool = true,
        _ make: @escaping @Sendable () -> any Layer
    ) {
        testDescription = description
        self.make = make
        self.input = TensorType(input, dtype)
        self.wrong = wrong
        self.fits = fits
    }

    private func shape(_ input: TensorType, isTraining: Bool) throws -> Shape {
        let graph = Graph()
        let step = try graph.fill(1, [], .int32)
        let mode: ForwardPass.Mode = isTraining ? .training(step: step) : .inference
        let x = try graph.input("x", input.shape, input.dtype)
        let layer = make()
        return try layer(x, ForwardPass(graph, mode)).shape
    }

    /// The layer's result shape or error, in training or not.
    func outcome(_ input: TensorType, isTraining: Bool) -> Outcome {
        do {
            return .shape(try shape(input, isTraining: isTraining))
        } catch {
            return .error(error as? GraphError ?? GraphError(operation: "no GraphError", message: "\(error)"))
        }
    }

    enum Outcome: Equatable {
        case shape(Shape)
        case error(GraphError)
    }
}

/// What does not fit a layer is said, in training and in inference alike, with the line of the layer.
@Suite struct LayerCheckTests {
    private static let pictures: [Shape] = [[3, 8, 8], [1, 2, 3, 8, 8], [3], []]

    private static let cases: [LayerCase] = {
        let random: @Sendable () -> RandomSource = { RandomSource(seed: 1) }
        return [
            LayerCase("Dense", [5, 3], wrong: [[5, 1], [5, 4], [4], [], [2, 5, 1]]) { Dense(3, 4, random()) },
            LayerCase("Dense without bias", [2, 5, 3], wrong: [[5, 1], [4]]) { Dense(3, 4, hasBias: false, random()) },
            LayerCase("Conv2D", [2, 3, 8, 8], wrong: pictures + [[2, 1, 8, 8], [2, 4, 8, 8], [2, 3, 2, 2]]) {
                Conv2D(3, 4, kernel: 3, random())
            },
            LayerCase("Conv2D in groups", [2, 4, 8, 8], wrong: [[2, 1, 8, 8], [2, 2, 8, 8], [2, 6, 8, 8]]) {
                Conv2D(4, 4, kernel: 3, groups: 2, random())
            },
            LayerCase("Conv1D", [2, 3, 8], wrong: [[3, 8], [2, 3, 8, 8], [2, 1, 8], [2, 3, 2], []]) {
                Conv1D(3, 4, kernel: 3, random())
            },
            LayerCase("Conv3D", [2, 4, 5, 5, 5], wrong: pictures + [[2, 2, 5, 5, 5], [2, 4, 2, 5, 5]]) {
                Conv3D(4, 4, kernel: 3, groups: 2, random())
            },
            LayerCase("MaxPool2D", [2, 3, 8, 8], wrong: pictures + [[2, 3, 1, 1]]) { MaxPool2D(2) },
            LayerCase("AveragePool2D", [2, 3, 8, 8], wrong: pictures + [[2, 3, 1, 1]]) { AveragePool2D(2) },
            LayerCase("MaxPool1D", [2, 3, 8], wrong: [[3, 8], [2, 3, 8, 8], [2, 3, 1], []]) { MaxPool1D(2) },
            LayerCase("AveragePool1D", [2, 3, 8], wrong: [[3, 8], [2, 3, 8, 8], [2, 3, 1], []]) { AveragePool1D(2) },
            LayerCase("MaxPool3D", [2, 3, 8, 8, 8], wrong: [[2, 3, 8, 8], [2, 3, 1, 8, 8], []]) { MaxPool3D(2) },
            LayerCase("AveragePool3D", [2, 3, 8, 8, 8], wrong: [[2, 3, 8, 8], [2, 3, 8, 1, 8], []]) {
                AveragePool3D(2)
            },
            LayerCase("AdaptiveMaxPool", [2, 3, 7, 8], wrong: [[2, 3, 7], [2, 3, 0, 8], []]) {
                AdaptiveMaxPool(to: [3, 2])
            },
            LayerCase("AdaptiveAveragePool", [2, 3, 7], wrong: [[2, 3, 7, 7], [2, 3, 0], []]) {
                AdaptiveAveragePool(to: [3])
            },
            LayerCase("GlobalAveragePool", [2, 3, 7, 5, 5], wrong: [[2, 3], [3], []]) { GlobalAveragePool() },
            LayerCase("GlobalMaxPool", [2, 3, 7], wrong: [[2, 3], [3], []]) { GlobalMaxPool() },
            LayerCase("pooling without a window", [2, 3, 8, 8], fits: false) { MaxPool2D(0) },
            LayerCase(
                "BatchNorm2D", [2, 8, 4, 4], wrong: [[5, 8], [8], [], [2, 1, 4, 4], [8, 4, 4], [3, 2, 8, 4, 4]]
            ) {
                BatchNorm2D(8)
            },
            LayerCase("BatchNorm2D of one channel", [2, 1, 4, 4], wrong: [[2, 8, 4, 4], [2, 0, 4, 4], [1, 4, 4]]) {
                BatchNorm2D(1)
            },
            LayerCase("BatchNorm2D with a negative epsilon", [2, 3, 4, 4], fits: false) { BatchNorm2D(3, epsilon: -1) },
            LayerCase("BatchNorm2D with a momentum of NaN", [2, 3, 4, 4], fits: false) {
                BatchNorm2D(3, momentum: .nan)
            },
            LayerCase("LayerNorm with an infinite epsilon", [2, 4], fits: false) { LayerNorm(4, epsilon: .infinity) },
            LayerCase("LayerNorm", [2, 3, 4], wrong: [[2, 3, 1], [2, 3, 5], []]) { LayerNorm(4) },
            LayerCase("LSTM", [5, 2, 3], wrong: [[5, 2, 1], [5, 2, 4], [2, 3], [3], [1, 5, 2, 3]]) {
                LSTM(3, 4, random())
            },
            LayerCase("GRU", [5, 2, 3], wrong: [[5, 2, 1], [5, 2, 4], [2, 3], [3], [1, 5, 2, 3]]) {
                GRU(3, 4, random())
            },
            LayerCase("MultiHeadAttention", [2, 3, 8], wrong: [[2, 3, 1], [2, 3, 24], [3, 8], [8], [1, 2, 3, 8]]) {
                MultiHeadAttention(8, heads: 2, random())
            },
            LayerCase("heads that don't divide", [2, 3, 6], fits: false) { MultiHeadAttention(6, heads: 4, random()) },
            LayerCase("no heads", [2, 3, 6], fits: false) { MultiHeadAttention(6, heads: 0, random()) },
            LayerCase("TransformerEncoderLayer", [2, 3, 8], wrong: [[2, 3, 1], [2, 3, 24], [3, 8], [1, 2, 3, 8]]) {
                TransformerEncoderLayer(8, heads: 2, dropout: 0.1, random())
            },
            LayerCase("a block's heads", [2, 3, 6], fits: false) { TransformerEncoderLayer(6, heads: 4, random()) },
            LayerCase("a block's dropout", [2, 3, 8], fits: false) {
                TransformerEncoderLayer(8, heads: 2, dropout: 2, random())
            },
            LayerCase("Embedding", [3, 2], .int32) { Embedding(10, 4, random()) },
            LayerCase("Dropout", [3, 2]) { Dropout(0.5, random()) },
            LayerCase("no dropout", [3, 2]) { Dropout(0, random()) },
            LayerCase("a rate of 1", [3, 2], fits: false) { Dropout(1, random()) },
            LayerCase("a negative rate", [3, 2], fits: false) { Dropout(-0.1, random()) },
            LayerCase("a rate of NaN", [3, 2], fits: false) { Dropout(.nan, random()) },
            LayerCase("Softmax", [3, 2], wrong: [[]]) { Softmax() },
            LayerCase("an axis too many", [3, 2], wrong: [[3], []], fits: false) { Softmax(axis: 2) },
            LayerCase("ReLU", [3, 2]) { ReLU() },
            LayerCase("GELU", [3, 2]) { GELU() },
            LayerCase("SiLU", [3, 2]) { SiLU() },
            LayerCase("Sigmoid", [3, 2]) { Sigmoid() },
            LayerCase("Tanh", [3, 2]) { Tanh() },
            LayerCase("Flatten", [3, 2, 4], wrong: [[]]) { Flatten() },
            LayerCase("Sequential", [3, 2], wrong: [[3, 1], [3]]) { Sequential(ReLU(), Dense(2, 3, random()), Tanh()) },
        ]
    }()

    @Test(arguments: cases)
    private func isTheSameInBothModes(_ layer: LayerCase) throws {
        var wrong = layer.wrong.map { TensorType($0, layer.input.dtype) }
        if !layer.fits { wrong.append(layer.input) }
        // Flatten takes every type.
        if layer.testDescription != "Flatten" {
            wrong.append(TensorType(layer.input.shape, layer.input.dtype == .int32 ? .float32 : .int32))
        }
        if layer.fits {
            let outcomes = [true, false].map { layer.outcome(layer.input, isTraining: $0) }
            #expect(outcomes[0] == outcomes[1])
            if case .error(let error) = outcomes[0] { Issue.record(error) }
        }
        for input in wrong {
            let outcomes = [true, false].map { layer.outcome(input, isTraining: $0) }
            #expect(outcomes[0] == outcomes[1], "\(input)")
            guard case .error(let error) = outcomes[1] else {
                Issue.record("\(input) passes")
                continue
            }
            #expect(error.location?.file.hasPrefix("TesseraTests/") == true, "\(input): \(error)")
        }
    }

    @Test(arguments: [[1, 3, 1, 1], [1, 3, 2, 1], [2, 3, 1, 1], [0, 3, 2, 2]] as [Shape])
    func batchNormTrainsOnMoreThanOneValueAChannel(_ input: Shape) throws {
        let layer = BatchNorm2D(3)
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
        let x = try graph.input("x", input)
        #expect(throws: Never.self) { _ = try layer(x, ForwardPass(graph, .inference)) }
        guard input != [1, 3, 1, 1] else {
            let error = #expect(throws: GraphError.self) { try layer(x, pass) }
            #expect("\(error as Any)".contains("more than one value a channel"))
            return
        }
        #expect(try layer(x, pass).shape == input)
        // Nothing has no statistics.
        #expect(pass.updates.isEmpty == (input[0] == 0))
    }

    /// States of a recurrence that would broadcast, and biases.
    @Test func recurrencesTakeWholeStates() throws {
        let graph = Graph()
        let x = try graph.input("x", [5, 2, 3])
        let (h, one) = (try graph.input("h", [1, 2, 4]), try graph.input("1", [1, 1, 4]))
        let weight = try graph.input("w", [2, 4])
        let random = RandomSource(seed: 1)
        let (lstm, gru) = (LSTM(3, 4, random), GRU(3, 4, random))
        let pass = ForwardPass(graph, .inference)
        #expect(try lstm(x, hidden: h, cell: h, pass).hidden.shape == [1, 2, 4])
        #expect(throws: GraphError.self) { try lstm(x, hidden: one, cell: h, pass) }
        #expect(throws: GraphError.self) { try lstm(x, hidden: h, cell: one, pass) }
        #expect(throws: GraphError.self) { try gru(x, hidden: one, pass) }
        let (input, hidden) = (try graph.fill(0, [16, 3]), try graph.fill(0, [16, 4]))
        let (whole, single) = (try graph.fill(0, [16]), try graph.fill(0, [1]))
        for (first, second) in [(single, whole), (whole, single)] {
            #expect(throws: GraphError.self) {
                try x.lstm(inputWeight: input, hiddenWeight: hidden, inputBias: first, hiddenBias: second)
            }
        }
        let line: UInt = #line + 2
        let wrong = Result {
            try x.gru(inputWeight: weight, hiddenWeight: weight, inputBias: single, hiddenBias: single)
        }
        let error = #expect(throws: GraphError.self) { try wrong.get() }
        #expect(error?.location == SourceLocation(file: #fileID, line: line))
    }
}
