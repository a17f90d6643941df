import Foundation
import Tessera
import Testing

/// Batch normalisation, normalised weights and local response beside PyTorch's: `Tests/References/normalization.py`.
@Suite struct NormalizationLayerTests {
    private static var random: RandomSource { RandomSource(seed: 1) }

    /// A layer and, by PyTorch's name, what it has updated while training.
    private static var layers: [(name: String, layer: any Layer, updated: [String: Variable])] {
        func batch<Axes: SpatialAxes>(
            _ name: String, _ layer: BatchNorm<Axes>
        ) -> (name: String, layer: any Layer, updated: [String: Variable]) {
            (name, layer, ["running_mean": layer.runningMean, "running_var": layer.runningVariance])
        }
        func spectral<Wrapped: Layer>(
            _ name: String, _ layer: SpectralNorm<Wrapped>
        ) -> (name: String, layer: any Layer, updated: [String: Variable]) {
            (name, layer, ["u": layer.left, "v": layer.right])
        }
        return [
            batch("flat", BatchNorm1D(3)), batch("1d", BatchNorm1D(3, epsilon: 1e-3, momentum: 0.3)),
            batch("one channel", BatchNorm1D(1)), batch("2d", BatchNorm2D(4)), batch("3d", BatchNorm3D(2)),
            batch("2d cumulative", BatchNorm2D(3, momentum: nil)),
            spectral("spectral linear", SpectralNorm(Dense(4, 3, random), random)),
            spectral(
                "spectral conv", SpectralNorm(Conv2D(2, 3, kernel: 3, hasBias: false, random), iterations: 3, random)),
            spectral(
                "spectral transposed", SpectralNorm(ConvTransposed1D(3, 2, kernel: 2, random), axis: 1, random)),
        ]
    }

    private static var withoutState: [(name: String, layer: any Layer)] {
        [
            ("weight norm linear", WeightNorm(Dense(4, 3, random))),
            ("weight norm conv", WeightNorm(Conv2D(2, 3, kernel: 3, hasBias: false, random))),
            ("weight norm transposed", WeightNorm(ConvTransposed1D(3, 2, kernel: 2, random), axis: 1)),
            ("local response", LocalResponseNorm(3, alpha: 0.1)),
            ("local response even", LocalResponseNorm(4, alpha: 0.5, beta: 0.5, k: 2)),
            ("local response wide", LocalResponseNorm(5, alpha: 1)),
        ]
    }

    @Test func eachIsThatOfPyTorch() throws {
        let reference = try PyTorchReference("normalization")
        let stateful = Self.layers.flatMap { ["\($0.name) inference", "\($0.name) training"] }
        #expect(reference.names == (stateful + Self.withoutState.map(\.name)).sorted())
        for (name, layer) in Self.withoutState {
            try reference.check(name, module: layer) { inputs, pass in ["y": try layer(#require(inputs["x"]), pass)] }
        }
        for (name, layer, updated) in Self.layers {
            try reference.check("\(name) inference", module: layer) { inputs, pass in
                ["y": try layer(#require(inputs["x"]), pass)]
            }
            try reference.check("\(name) training", module: layer) { inputs, pass in
                let x = try #require(inputs["x"])
                let training = ForwardPass(pass.graph, .training(step: try pass.graph.fill(1, [], .int32)))
                let y = try layer(x, training)
                var outputs = ["y": y]
                for (name, variable) in updated {
                    outputs[name] = try #require(training.updates.first { $0.0 == variable }).1
                }
                return outputs
            }
        }
    }

    /// The mean over all batches, counted as PyTorch counts them.
    @Test(arguments: Place.available) func withoutMomentumStatisticsAreMeans(_ place: Place) throws {
        let layer = BatchNorm1D(1, momentum: nil)
        let executor = try place.executor()
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
        let y = try layer(graph.input("x", [2, 1]), pass)
        let plan = try executor.compile(graph, outputs: [y], updates: pass.updates)
        for (low, high) in [(0, 2), (3, 5), (4, 10)] as [(Float, Float)] {
            _ = try executor.run(plan, inputs: ["x": HostTensor([2, 1], [low, high])])
        }
        #expect(isClose(try executor.value(of: layer.runningMean).elements(), [4]))
        #expect(isClose(try executor.value(of: layer.runningVariance).elements(), [(2 + 2 + 18) / 3]))
        let count = try #require(layer.batchCount)
        #expect(try executor.value(of: count).elements() == [Int64(3)])
    }

    /// What a normalised layer begins with is the layer itself, or the layer by its largest singular value.
    @Test(arguments: Place.available) func whatTheyBeginWith(_ place: Place) throws {
        let x = try HostTensor([2, 3, 4, 4], (0..<96).map { Float($0 % 7) - 3 })
        let plain = Conv2D(3, 4, kernel: 3, hasBias: false, Self.random)
        let expected = try output(plain, x, on: place)
        #expect(isClose(try output(WeightNorm(plain), x, on: place), expected))
        #expect(isClose(try output(WeightNorm(plain, axis: 2), x, on: place), expected))
        let diagonal = Dense(3, 3, hasBias: false, Self.random)
        let executor = try place.executor()
        let spectral = SpectralNorm(diagonal, Self.random)
        let u = try spectral.left.initialValue.elements(Float.self)
        #expect(isClose([u.reduce(0) { $0 + $1 * $1 }], [1]))
        // sigma is the largest singular value: training from a diagonal weight finds it.
        try set(spectral, ["parametrizations.weight.original": [3, 0, 0, 0, -1, 0, 0, 0, 2]], on: executor)
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
        let y = try spectral(graph.input("x", [1, 3]), pass)
        let plan = try executor.compile(graph, outputs: [y], updates: pass.updates)
        var result: [Float] = []
        for _ in 0..<30 {
            result = try executor.run(plan, inputs: ["x": HostTensor([1, 3], [3, 3, 3] as [Float])])[0].elements()
        }
        #expect(isClose(result, [3, -1, 2], 1e-3))
    }

    @Test func namesArePyTorchs() {
        let random = Self.random
        #expect(
            WeightNorm(Dense(2, 3, random)).namedVariables.map(\.name) == [
                "bias", "parametrizations.weight.original0", "parametrizations.weight.original1",
            ])
        #expect(
            SpectralNorm(Dense(2, 3, random), random).namedVariables.map(\.name) == [
                "bias", "parametrizations.weight.original", "parametrizations.weight.0._u",
                "parametrizations.weight.0._v",
            ])
        #expect(SpectralNorm(Dense(2, 3, random), random).parameters.count == 2)
        #expect(BatchNorm3D(2, momentum: nil).namedVariables.map(\.name).last == "num_batches_tracked")
    }

    /// What PyTorch saves of such layers, the count of batches included, is what they read.
    @Test func filesOfPyTorchLoad() throws {
        let model = Sequential(
            BatchNorm1D(3, momentum: nil), SpectralNorm(Dense(3, 2, Self.random), Self.random),
            WeightNorm(Dense(2, 1, hasBias: false, Self.random)), BatchNorm1D(1))
        let stored: [String: HostTensor] = try [
            "0.weight": HostTensor([3], [1, 2, 3] as [Float]), "0.bias": HostTensor([3], [0, 0, 1] as [Float]),
            "0.running_mean": HostTensor([3], [4, 5, 6] as [Float]),
            "0.running_var": HostTensor([3], [1, 1, 2] as [Float]), "0.num_batches_tracked": HostTensor(Int64(7)),
            "1.bias": HostTensor([2], [1, -1] as [Float]),
            "1.parametrizations.weight.original": HostTensor([2, 3], [1, 2, 3, 4, 5, 6] as [Float]),
            "1.parametrizations.weight.0._u": HostTensor([2], [0.6, 0.8] as [Float]),
            "1.parametrizations.weight.0._v": HostTensor([3], [1, 0, 0] as [Float]),
            "2.parametrizations.weight.original0": HostTensor([1, 1], [2] as [Float]),
            "2.parametrizations.weight.original1": HostTensor([1, 2], [3, 4] as [Float]),
            "3.weight": HostTensor([1], [1] as [Float]), "3.bias": HostTensor([1], [0] as [Float]),
            "3.running_mean": HostTensor([1], [0] as [Float]), "3.running_var": HostTensor([1], [1] as [Float]),
            "3.num_batches_tracked": HostTensor(Int64(7)),
        ]
        let file = FileManager.default.temporaryDirectory.path + "/tessera-test-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try SafetensorsFile.write(stored, to: file)
        let executor = try Executor(on: .cpu)
        try model.load(from: file, on: executor)
        for (name, variable) in model.namedVariables {
            #expect(try executor.value(of: variable) == stored[name], "\(name)")
        }
    }

    @Test func whatDoesNotFitNamesTheLine() throws {
        let random = Self.random
        let cases: [(layer: any Layer, input: Shape, line: UInt)] = [
            (BatchNorm1D(3), [2, 3, 4, 4], #line), (BatchNorm1D(3), [2, 4], #line), (BatchNorm1D(3), [3], #line),
            (BatchNorm3D(3), [2, 3, 4, 4], #line), (BatchNorm1D(-1), [2, 3], #line),
            (BatchNorm1D(3, momentum: 2), [2, 3], #line),
            (BatchNorm1D(3, epsilon: .nan, momentum: nil), [2, 3], #line),
            (WeightNorm(ReLU()), [2, 3], #line), (WeightNorm(Dense(3, 2, random), axis: 2), [2, 3], #line),
            (WeightNorm(Dense(3, -2, random)), [2, 3], #line), (WeightNorm(Dense(3, 2, random)), [2, 4], #line),
            (SpectralNorm(Dense(3, 2, random), axis: -1, random), [2, 3], #line),
            (SpectralNorm(Dense(3, 2, random), iterations: 0, random), [2, 3], #line),
            (SpectralNorm(Dense(3, 2, random), epsilon: 0, random), [2, 3], #line),
            (SpectralNorm(Flatten(), random), [2, 3], #line),
            (LocalResponseNorm(0), [2, 3, 4], #line), (LocalResponseNorm(.max), [2, 3, 4], #line),
            (LocalResponseNorm(3), [3], #line), (LocalResponseNorm(3, alpha: .nan), [2, 3, 4], #line),
        ]
        for (layer, input, line) in cases {
            let graph = Graph()
            let error = #expect(throws: GraphError.self, "\(layer)") {
                try layer(graph.input("x", input), ForwardPass(graph, .inference))
            }
            #expect(error?.location?.line == line, "\(error as Any)")
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true)
        }
    }
}
