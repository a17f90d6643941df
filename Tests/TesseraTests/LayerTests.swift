import Foundation
import Tessera
import Testing

/// Layers against numbers worked out by hand.
@Suite struct LayerTests {
    /// The output of a layer whose variables have these values.
    private func output(
        _ layer: any Layer, _ values: [String: [Float]], _ input: HostTensor, on place: Place
    ) throws -> [Float] {
        let executor = try place.executor()
        try set(layer, values, on: executor)
        let graph = Graph()
        let result = try layer(graph.input("x", input.shape, input.dtype), ForwardPass(graph, .inference))
        return try executor.run(executor.compile(graph, outputs: [result]), inputs: ["x": input])[0].elements()
    }

    @Test(arguments: Place.available) func dense(on place: Place) throws {
        let y = try output(
            Dense(2, 3, RandomSource(seed: 1)), ["weight": [1, 2, 3, 4, 5, 6], "bias": [0.5, -1, 0]],
            HostTensor([2, 2], [1, -1, 2, 0.5] as [Float]), on: place)
        #expect(isClose(y, [-0.5, -2, -1, 3.5, 7, 13]))
    }

    @Test(arguments: Place.available) func convolution(on place: Place) throws {
        let y = try output(
            Conv2D(1, 1, kernel: 2, RandomSource(seed: 1)), ["weight": [1, 2, 3, 4], "bias": [10]],
            HostTensor([1, 1, 3, 3], (1...9).map(Float.init)), on: place)
        // 1·1 + 2·2 + 3·4 + 4·5 + 10 and so on.
        #expect(isClose(y, [47, 57, 77, 87]))
    }

    @Test(arguments: Place.available) func pooling(on place: Place) throws {
        let x = try HostTensor([1, 1, 4, 4], (1...16).map(Float.init))
        #expect(try output(MaxPool2D(2), [:], x, on: place) == [6, 8, 14, 16])
        #expect(isClose(try output(AveragePool2D(2), [:], x, on: place), [3.5, 5.5, 11.5, 13.5]))
        #expect(try output(MaxPool2D(3, stride: 2, ceilingMode: true), [:], x, on: place) == [11, 12, 15, 16])
        #expect(try output(MaxPool2D(2, stride: 1, dilation: 3), [:], x, on: place) == [16])
        #expect(
            isClose(
                try output(AveragePool2D(3, stride: 2, ceilingMode: true), [:], x, on: place), [6, 7.5, 12, 13.5]))
        #expect(
            isClose(
                try output(AveragePool2D(3, stride: 3, padding: 1, countsPadding: false), [:], x, on: place),
                [3.5, 5.5, 11.5, 13.5]))
        let line = try HostTensor([1, 2, 8], (1...16).map(Float.init))
        #expect(try output(MaxPool1D(3, stride: 2, padding: 1), [:], line, on: place) == [2, 4, 6, 8, 10, 12, 14, 16])
        #expect(isClose(try output(AveragePool1D(4), [:], line, on: place), [2.5, 6.5, 10.5, 14.5]))
        let cube = try HostTensor([1, 1, 2, 2, 4], (1...16).map(Float.init))
        #expect(try output(MaxPool3D(2), [:], cube, on: place) == [14, 16])
        #expect(isClose(try output(AveragePool3D(2), [:], cube, on: place), [7.5, 9.5]))
        #expect(try output(AdaptiveMaxPool(to: [3, 1]), [:], x, on: place) == [8, 12, 16])
        #expect(isClose(try output(AdaptiveAveragePool(to: [1, 3]), [:], x, on: place), [7.5, 8.5, 9.5]))
        #expect(try output(GlobalMaxPool(), [:], x, on: place) == [16])
        #expect(isClose(try output(GlobalAveragePool(), [:], x, on: place), [8.5]))
    }

    @Test(arguments: Place.available) func layerNorm(on place: Place) throws {
        let y = try output(
            LayerNorm(2, epsilon: 0), ["weight": [2, 3], "bias": [1, -1]], HostTensor([1, 2], [1, 5] as [Float]),
            on: place)
        #expect(isClose(y, [-1, 2]))
    }

    @Test(arguments: Place.available) func rmsNorm(on place: Place) throws {
        let y = try output(
            RMSNorm(2, epsilon: 0), ["weight": [2, 3]], HostTensor([1, 2], [1, 7] as [Float]), on: place)
        #expect(isClose(y, [0.4, 4.2]))
    }

    @Test(arguments: Place.available) func groupNorm(on place: Place) throws {
        let x = try HostTensor([1, 4, 2], [1, 3, 5, 7, 2, 2, 4, 4] as [Float])
        let values: [String: [Float]] = ["weight": [1, 2, 1, 1], "bias": [0, 0, 3, 0]]
        let y = try output(GroupNorm(2, channels: 4, epsilon: 0), values, x, on: place)
        let unit = 1 / Float(5).squareRoot()
        #expect(isClose(y, [-3 * unit, -unit, 2 * unit, 6 * unit, 2, 2, 1, 1]))
        // A group without spread has no deviation to divide by, but for the epsilon.
        let each = try output(InstanceNorm(4, epsilon: 1), values, x, on: place)
        let root = 1 / Float(2).squareRoot()
        #expect(isClose(each, [-root, root, -2 * root, 2 * root, 3, 3, 0, 0]))
    }

    @Test func groupsThatDoNotDivideTheChannelsAreAnError() throws {
        let graph = Graph()
        let x = try graph.input("x", [2, 6, 3])
        for groups in [4, 0, -1, .max, .min] {
            let error = #expect(throws: GraphError.self) {
                _ = try GroupNorm(groups, channels: 6)(x, ForwardPass(graph, .inference))
            }
            #expect(error?.description.contains("groups") == true && error?.description.contains("LayerTests") == true)
        }
        #expect(throws: GraphError.self) {
            _ = try InstanceNorm(6)(graph.input("vector", [6]), ForwardPass(graph, .inference))
        }
    }

    /// Over several axes at once, as torch.nn.LayerNorm([2, 2]) does.
    @Test(arguments: Place.available) func layerNormOverTwoAxes(on place: Place) throws {
        let graph = Graph()
        let x = try graph.input("x", [1, 2, 2])
        let y = try x.layerNorm(scale: graph.fill(2, [2, 2]), bias: graph.fill(1, [2, 2]), epsilon: 0)
        let executor = try place.executor()
        let result = try executor.run(
            executor.compile(graph, outputs: [y]), inputs: ["x": HostTensor([1, 2, 2], [1, 3, 5, 7] as [Float])])[0]
        let unit = 2 / Float(5).squareRoot()
        #expect(isClose(try result.elements(), [1 - 3 * unit, 1 - unit, 1 + unit, 1 + 3 * unit]))
    }

    @Test(arguments: Place.available) func batchNormUsesRunningStatistics(on place: Place) throws {
        let y = try output(
            BatchNorm2D(2, epsilon: 0),
            ["weight": [2, 1], "bias": [1, 0], "running_mean": [3, 0], "running_var": [4, 1]],
            HostTensor([1, 2, 1, 2], [3, 7, -2, 2] as [Float]), on: place)
        #expect(isClose(y, [1, 5, -2, 2]))
    }

    @Test(arguments: Place.available) func batchNormFollowsTheBatch(on place: Place) throws {
        let layer = BatchNorm2D(1)
        let executor = try place.executor()
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
        let y = try layer(graph.input("x", [1, 1, 1, 4]), pass)
        let plan = try executor.compile(graph, outputs: [y], updates: pass.updates)
        let outputs = try executor.run(plan, inputs: ["x": HostTensor([1, 1, 1, 4], [1, 2, 3, 6] as [Float])])
        // Mean 3, biased variance 3.5, unbiased 14/3.
        #expect(isClose(try outputs[0].elements(), [-1.0690, -0.5345, 0, 1.6036], 1e-4))
        #expect(isClose(try executor.value(of: layer.runningMean).elements(), [0.3]))
        #expect(isClose(try executor.value(of: layer.runningVariance).elements(), [0.9 + 1.4 / 3]))
    }

    @Test(arguments: Place.available) func lstmOfOneUnit(on place: Place) throws {
        let layer = LSTM(1, 1, RandomSource(seed: 1))
        let y = try output(
            layer,
            [
                "weight_ih_l0": [1, 2, 3, 4], "weight_hh_l0": [0.5, 0.5, 0.5, 0.5], "bias_ih_l0": [0, 0, 0, 0],
                "bias_hh_l0": [0.1, 0.1, 0.1, 0.1],
            ], HostTensor([2, 1, 1], [0.3, -0.2] as [Float]), on: place)
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        var (h, c) = (0.0, 0.0)
        var expected: [Float] = []
        for x in [0.3, -0.2] {
            let rest = 0.5 * h + 0.1
            c = sigmoid(2 * x + rest) * c + sigmoid(x + rest) * tanh(3 * x + rest)
            h = sigmoid(4 * x + rest) * tanh(c)
            expected.append(Float(h))
        }
        #expect(isClose(y, expected))
    }

    @Test(arguments: Place.available) func gruOfOneUnit(on place: Place) throws {
        let layer = GRU(1, 1, RandomSource(seed: 1))
        let y = try output(
            layer,
            [
                "weight_ih_l0": [1, 2, 3], "weight_hh_l0": [0.5, 0.6, 0.7], "bias_ih_l0": [0, 0.1, 0.2],
                "bias_hh_l0": [0.3, 0.2, 0.1],
            ], HostTensor([2, 1, 1], [0.3, -0.2] as [Float]), on: place)
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        var h = 0.0
        var expected: [Float] = []
        for x in [0.3, -0.2] {
            let r = sigmoid(x + 0.5 * h + 0.3)
            let z = sigmoid(2 * x + 0.1 + 0.6 * h + 0.2)
            h = (1 - z) * tanh(3 * x + 0.2 + r * (0.7 * h + 0.1)) + z * h
            expected.append(Float(h))
        }
        #expect(isClose(y, expected))
    }

    /// With queries and keys of zero every position is the mean of those it sees.
    @Test(arguments: Place.available) func attentionAverages(on place: Place) throws {
        let layer = MultiHeadAttention(2, heads: 1, isCausal: true, RandomSource(seed: 1))
        let y = try output(
            layer,
            [
                "in_proj_weight": [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1], "in_proj_bias": [0, 0, 0, 0, 0, 0],
                "out_proj.weight": [1, 0, 0, 2], "out_proj.bias": [0, 1],
            ], HostTensor([1, 3, 2], [1, 2, 3, 4, 8, 0] as [Float]), on: place)
        #expect(isClose(y, [1, 5, 2, 7, 4, 5]))
    }

    @Test(arguments: Place.available) func embeddingTakesRows(on place: Place) throws {
        let y = try output(
            Embedding(3, 2, RandomSource(seed: 1)), ["weight": [1, 2, 3, 4, 5, 6]],
            HostTensor([3], [2, 0, 2] as [Int32]),
            on: place)
        #expect(y == [5, 6, 1, 2, 5, 6])
    }

    @Test(arguments: Place.available) func dropoutKeepsTheMeanAndIsOffOutsideTraining(on place: Place) throws {
        let layer = Dropout(0.25, RandomSource(seed: 3))
        let x = try HostTensor(filledWith: 1, TensorType([4096]))
        #expect(try output(layer, [:], x, on: place) == [Float](repeating: 1, count: 4096))
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.input("step", [], .int32)))
        let y = try layer(graph.input("x", [4096]), pass)
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y])
        func run(_ step: Int32) throws -> [Float] {
            try executor.run(plan, inputs: ["x": x, "step": HostTensor(step)])[0].elements()
        }
        let first = try run(1)
        #expect(Set(first).count == 2 && first.contains(0) && isClose([first.max() ?? 0], [4 / 3]))
        #expect((first.reduce(0, +) / 4096 - 1).magnitude < 0.05)
        #expect(try run(1) == first)
        #expect(try run(2) != first)
    }

    @Test func namesArePyTorchs() {
        let random = RandomSource(seed: 1)
        let model = Sequential(
            Conv2D(1, 2, kernel: 3, random), ReLU(), BatchNorm2D(2),
            TransformerEncoderLayer(4, heads: 2, random), LSTM(4, 4, random))
        #expect(
            model.namedVariables.map(\.name) == [
                "0.weight", "0.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var",
                "3.self_attn.in_proj_weight", "3.self_attn.in_proj_bias", "3.self_attn.out_proj.weight",
                "3.self_attn.out_proj.bias", "3.linear1.weight", "3.linear1.bias", "3.linear2.weight", "3.linear2.bias",
                "3.norm1.weight", "3.norm1.bias", "3.norm2.weight", "3.norm2.bias", "4.weight_ih_l0", "4.weight_hh_l0",
                "4.bias_ih_l0", "4.bias_hh_l0",
            ])
        #expect(model.parameters.count == 20)
    }

    @Test func sameSeedSameParameters() {
        func model(_ seed: UInt64) -> [HostTensor] {
            Dense(5, 7, RandomSource(seed: seed)).parameters.map(\.initialValue)
        }
        #expect(model(1) == model(1))
        #expect(model(1) != model(2))
    }

    @Test func anErrorNamesTheLineOfTheLayer() throws {
        let graph = Graph()
        let line: UInt = #line + 1
        let layer = Dense(3, 2, RandomSource(seed: 1))
        let error = #expect(throws: GraphError.self) {
            try layer(graph.input("x", [4, 5]), ForwardPass(graph, .inference))
        }
        #expect(error?.location?.line == line)
        #expect("\(error as Any)".contains("inner extents differ: 5 and 3"))
    }
}
