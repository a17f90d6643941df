import Tessera
import Testing

/// What layers drop while training, by statistics and by seed.
@Suite struct DropoutTests {
    /// A layer's output of one input at two steps while training, and in inference.
    private func outputs(
        _ layer: any Layer, _ input: HostTensor, on place: Place
    ) throws -> (first: [Float], again: [Float], second: [Float], inference: [Float]) {
        let graph = Graph()
        let pass = ForwardPass(graph, .training(step: try graph.input("step", [], .int32)))
        let y = try layer(graph.input("x", input.shape), pass)
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y])
        func run(_ step: Int32) throws -> [Float] {
            try executor.run(plan, inputs: ["x": input, "step": HostTensor(step)])[0].elements()
        }
        return try (run(1), run(1), run(2), output(layer, input, on: place))
    }

    private func mean(_ numbers: some Collection<Float>) -> Float { numbers.reduce(0, +) / Float(numbers.count) }

    @Test(arguments: Place.available) func channelsAreDroppedAsOne(_ place: Place) throws {
        let ones = try HostTensor(filledWith: 1, TensorType([64, 32, 2, 3]))
        let layer = ChannelDropout(0.25, RandomSource(seed: 3))
        let (first, again, second, inference) = try outputs(layer, ones, on: place)
        #expect(first == again && first != second && inference == [Float](repeating: 1, count: first.count))
        let channels = stride(from: 0, to: first.count, by: 6).map { Set(first[$0..<($0 + 6)]) }
        #expect(channels.allSatisfy { $0.count == 1 })
        #expect(Set(first).count == 2 && first.contains(0) && isClose([first.max() ?? 0], [4 / 3]))
        #expect((mean(first) - 1).magnitude < 0.05)
        let other = try outputs(ChannelDropout(0.25, RandomSource(seed: 4)), ones, on: place)
        #expect(other.first != first)
    }

    @Test(arguments: Place.available) func pathsAreDroppedByExample(_ place: Place) throws {
        let ones = try HostTensor(filledWith: 1, TensorType([2048, 3]))
        let (first, again, second, inference) = try outputs(DropPath(0.5, RandomSource(seed: 3)), ones, on: place)
        #expect(first == again && first != second && inference == [Float](repeating: 1, count: first.count))
        let examples = stride(from: 0, to: first.count, by: 3).map { Set(first[$0..<($0 + 3)]) }
        #expect(examples.allSatisfy { $0 == [0] || $0 == [2] } && Set(examples).count == 2)
        #expect((mean(first) - 1).magnitude < 0.08)
    }

    @Test(arguments: Place.available) func alphaDropoutKeepsMeanAndVariance(_ place: Place) throws {
        let x = try RandomSource(seed: 5).normal([20000])
        let (first, again, second, inference) = try outputs(AlphaDropout(0.2, RandomSource(seed: 3)), x, on: place)
        #expect(try first == again && first != second && inference == x.elements())
        let average = mean(first)
        #expect(average.magnitude < 0.03)
        #expect((mean(first.map { ($0 - average) * ($0 - average) }) - 1).magnitude < 0.05)
        // A fifth is what SELU nears at -∞, scaled and shifted: PyTorch's numbers for a rate of 0.2.
        let scale = 1 / (0.8 * (1 + 0.2 * Float(1.758_099_340_847_376_6) * 1.758_099_340_847_376_6)).squareRoot()
        let dropped = scale * (-1.758_099_340_847_376_6) * 0.8
        let count = first.count { ($0 - dropped).magnitude < 1e-5 }
        #expect((Float(count) / 20000 - 0.2).magnitude < 0.02)
    }

    @Test func ratesAndInputsThatDoNotFitNameTheLine() throws {
        let random = RandomSource(seed: 1)
        let layers: [(layer: any Layer, input: Shape, line: UInt)] = [
            (ChannelDropout(1, random), [2, 3], #line), (ChannelDropout(.nan, random), [2, 3], #line),
            (ChannelDropout(0.5, random), [3], #line), (DropPath(-0.1, random), [2, 3], #line),
            (DropPath(0.5, random), [], #line), (AlphaDropout(1, random), [2, 3], #line),
            (AlphaDropout(.nan, random), [2, 3], #line),
        ]
        for (layer, input, line) in layers {
            for isTraining in [false, true] {
                let graph = Graph()
                let step = try graph.fill(1, [], .int32)
                let error = #expect(throws: GraphError.self, "\(layer)") {
                    try layer(
                        graph.input("x", input), ForwardPass(graph, isTraining ? .training(step: step) : .inference))
                }
                #expect(error?.location?.line == line, "\(error as Any)")
            }
        }
    }

    @Test func emptyInputsStayEmpty() throws {
        let random = RandomSource(seed: 1)
        for layer in [ChannelDropout(0.5, random), DropPath(0.5, random), AlphaDropout(0.5, random)] as [any Layer] {
            let graph = Graph()
            let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
            #expect(try layer(graph.input("x", [0, 3, 2]), pass).shape == [0, 3, 2])
        }
    }
}
