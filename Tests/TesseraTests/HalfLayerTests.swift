import Tessera
import TestSupport
import Testing

/// Layers whose parameters and inputs have 16 bits, beside the same in 32.
@Suite struct HalfLayerTests {
    private static var random: RandomSource { RandomSource(seed: 1) }

    private static var layers: [(layer: any Layer, input: Shape)] {
        let activations: [any Layer] = [
            ReLU6(), LeakyReLU(), PReLU(), ELU(), SELU(), CELU(alpha: 0.5), GELU(byTanh: true), Mish(),
            Softplus(beta: 2), Softsign(), LogSigmoid(), HardSigmoid(), HardSwish(), HardTanh(), Softshrink(),
            Hardshrink(), Tanhshrink(), Threshold(0.5, value: -2), LogSoftmax(), GLU(), GLU(gate: .silu),
        ]
        let others: [(layer: any Layer, input: Shape)] = [
            (Conv2D(2, 3, kernel: 3, padding: 1, paddingMode: .reflect, random), [2, 2, 5, 5]),
            (ConvTransposed2D(2, 3, kernel: 3, stride: 2, random), [1, 2, 3, 4]),
            (SeparableConv1D(2, 3, kernel: 3, padding: .same, random), [2, 2, 6]), (PixelShuffle(2), [1, 4, 2, 3]),
            (BatchNorm1D(3), [4, 3]), (BatchNorm3D(2, momentum: nil), [2, 2, 2, 3, 2]),
            (LocalResponseNorm(3, alpha: 0.1), [2, 5, 3]), (WeightNorm(Dense(4, 3, random)), [2, 4]),
            (SpectralNorm(Dense(4, 3, random), random), [2, 4]), (NormPool2D(2, 2), [1, 2, 4, 4]),
            (CrossNetwork(4, depth: 2, random), [3, 4]), (CrossNetworkV2(4, depth: 2, random), [3, 4]),
            (CrossNetworkMixture(4, depth: 2, rank: 2, experts: 3, random), [3, 4]),
            (ChannelDropout(0.5, random), [2, 8, 3]), (DropPath(0.5, random), [8, 3]),
            (AlphaDropout(0.5, random), [8, 3]),
        ]
        return activations.map { ($0, [3, 8]) } + others
    }

    @Test(arguments: [DType.float16, .bfloat16]) func eachIsNearThatOf32Bits(_ dtype: DType) throws {
        for (layer, shape) in Self.layers {
            let x = try RandomSource(seed: 2).normal(shape)
            for isTraining in [false, true] {
                let results = try [DType.float32, dtype].map { dtype in
                    let graph = Graph()
                    let step = try graph.fill(1, [], .int32)
                    let pass = ForwardPass(graph, isTraining ? .training(step: step) : .inference)
                    for parameter in layer.parameters {
                        pass.bind(parameter, to: try graph.read(parameter).cast(to: dtype))
                    }
                    let input = try graph.input("x", shape)
                    let y = try layer(input.cast(to: dtype), pass)
                    #expect(y.dtype == dtype, "\(layer)")
                    for (variable, update) in pass.updates { #expect(update.type == variable.type, "\(layer)") }
                    let gradient = try graph.gradients(of: y.cast(to: .float32).sum(), withRespectTo: [input])[0]
                    let executor = try Executor(on: .cpu)
                    let plan = try executor.compile(
                        graph, outputs: [y.cast(to: .float32), gradient])
                    return try executor.run(plan, inputs: ["x": x]).map { $0.doubles() }
                }
                for (half, whole) in zip(results[1], results[0]) {
                    let complaint = Tolerance.normwise(0.04, floor: 1).complaint(half, whole)
                    #expect(complaint == nil, "\(layer) \(isTraining): \(complaint ?? "")")
                }
            }
        }
    }
}
