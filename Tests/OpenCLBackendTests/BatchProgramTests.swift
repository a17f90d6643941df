import TensorGraph
import Testing

@testable import OpenCLBackend

/// A layer over a batch, of which a training step's programs are counted.
struct BatchFamily: CustomTestStringConvertible, Sendable {
    let name: String
    let make: @Sendable (Graph, Int) throws -> Tensor

    init(_ name: String, _ make: @escaping @Sendable (Graph, Int) throws -> Tensor) {
        (self.name, self.make) = (name, make)
    }

    var testDescription: String { name }

    private static func convolution(
        _ name: String, _ input: Shape, _ weight: Shape, stride: Int = 1, dilation: Int = 1, groups: Int = 1
    ) -> BatchFamily {
        BatchFamily(name) { graph, batch in
            let x = try graph.input("x", Shape([batch] + input.dimensions))
            let axes = input.rank - 1
            let padding = weight.dimensions.suffix(axes).map { (before: $0 / 2, after: $0 / 2) }
            return try x.convolution(
                graph.input("w", weight), bias: graph.input("b", [weight[0]]),
                stride: .init(repeating: stride, count: axes),
                padding: padding, dilation: .init(repeating: dilation, count: axes), groups: groups)
        }
    }

    static let all: [BatchFamily] = [
        convolution("3×3 convolution", [16, 14, 14], [32, 16, 3, 3]),
        convolution("3×3 convolution of few channels", [3, 28, 28], [32, 3, 3, 3]),
        convolution("3×3 convolution of small images", [64, 4, 4], [64, 64, 3, 3]),
        convolution("1×1 convolution", [24, 9, 9], [40, 24, 1, 1]),
        convolution("convolution of stride 2", [8, 16, 16], [16, 8, 3, 3], stride: 2),
        convolution("5×5 convolution", [6, 14, 14], [16, 6, 5, 5]),
        convolution("dilated convolution", [8, 14, 14], [16, 8, 3, 3], dilation: 2),
        convolution("depthwise convolution", [16, 12, 12], [16, 1, 3, 3], groups: 16),
        convolution("grouped convolution", [16, 12, 12], [32, 4, 3, 3], groups: 4),
        convolution("convolution along one axis", [8, 40], [16, 8, 3]),
        convolution("convolution along three axes", [4, 6, 8, 8], [8, 4, 3, 3, 3]),
        BatchFamily("transposed convolution") { graph, batch in
            try graph.input("x", [batch, 16, 7, 7]).conv2DTransposed(
                graph.input("w", [16, 8, 4, 4]), stride: 2, padding: 1)
        },
        BatchFamily("dense") { graph, batch in
            try graph.input("x", [batch, 100]).matMul(graph.input("w", [100, 40])) + graph.input("b", [40])
        },
        BatchFamily("wide dense") { graph, batch in
            try graph.input("x", [batch, 784]).matMul(graph.input("w", [784, 512])).relu()
        },
        BatchFamily("products in a batch") { graph, batch in
            try graph.input("x", [batch, 4, 17, 8]).matMul(graph.input("w", [batch, 4, 8, 17]))
        },
        BatchFamily("maximum pooling") { graph, batch in try graph.input("x", [batch, 8, 12, 12]).maxPool2D(window: 2)
        },
        BatchFamily("average pooling") { graph, batch in
            try graph.input("x", [batch, 8, 12, 12]).averagePool2D(window: 3, stride: 2, padding: 1)
        },
        BatchFamily("batch normalisation") { graph, batch in
            try graph.input("x", [batch, 8, 6, 6]).batchNorm(
                scale: graph.input("s", [8]), bias: graph.input("b", [8])
            ).normalized
        },
        BatchFamily("layer normalisation") { graph, batch in
            try graph.input("x", [batch, 10, 32]).layerNorm(scale: graph.input("s", [32]), bias: graph.input("b", [32]))
        },
        BatchFamily("group normalisation") { graph, batch in
            try graph.input("x", [batch, 8, 6, 6]).groupNorm(
                groups: 2, scale: graph.input("s", [8]), bias: graph.input("b", [8]))
        },
        BatchFamily("root mean square normalisation") { graph, batch in
            try graph.input("x", [batch, 10, 32]).rmsNorm(scale: graph.input("s", [32]))
        },
        BatchFamily("softmax") { graph, batch in try graph.input("x", [batch, 12, 40]).softmax() },
        BatchFamily("softmax along the first axis") { graph, batch in
            try graph.input("x", [batch, 40]).softmax(axis: 0)
        },
        BatchFamily("softmax along a middle axis") { graph, batch in
            try graph.input("x", [batch, 12, 40]).softmax(axis: 1)
        },
        BatchFamily("logarithm of the softmax") { graph, batch in try graph.input("x", [batch, 40]).logSoftmax() },
        BatchFamily("cross-entropy") { graph, batch in
            try graph.input("x", [batch, 10]).crossEntropy(labels: graph.input("labels", [batch], .int32))
        },
        BatchFamily("attention") { graph, batch in
            let q = try graph.input("x", [batch, 2, 20, 16])
            return try q.attention(
                keys: graph.input("k", [batch, 2, 20, 16]), values: graph.input("v", [batch, 2, 20, 16]), isCausal: true
            )
        },
        BatchFamily("LSTM") { graph, batch in
            try graph.input("x", [5, batch, 12]).lstm(
                inputWeight: graph.input("i", [64, 12]), hiddenWeight: graph.input("h", [64, 16]),
                inputBias: graph.input("b", [64]), hiddenBias: graph.input("c", [64])
            ).outputs
        },
        BatchFamily("GRU") { graph, batch in
            try graph.input("x", [5, batch, 12]).gru(
                inputWeight: graph.input("i", [48, 12]), hiddenWeight: graph.input("h", [48, 16]),
                inputBias: graph.input("b", [48]), hiddenBias: graph.input("c", [48])
            ).outputs
        },
        BatchFamily("embedding") { graph, batch in
            try graph.input("x", [50, 24]).embedding(graph.input("i", [batch, 7], .int32))
        },
        BatchFamily("embedding of a large table") { graph, batch in
            try graph.input("x", [5000, 24]).embedding(graph.input("i", [batch, 7], .int32))
        },
        BatchFamily("gather") { graph, batch in
            try graph.input("x", [batch, 9, 5]).gather(graph.input("i", [batch, 3, 5], .int32), axis: 1)
        },
        BatchFamily("cumulative sum") { graph, batch in try graph.input("x", [batch, 33]).cumsum(axis: 1) },
        BatchFamily("cumulative sum over the batch") { graph, batch in
            try graph.input("x", [batch, 33]).cumsum(axis: 0)
        },
        BatchFamily("sort") { graph, batch in try graph.input("x", [batch, 33]).sort(axis: 1).values },
        BatchFamily("sums over the batch") { graph, batch in try graph.input("x", [batch, 30]).sum(axes: [0]) },
        BatchFamily("sums over all") { graph, batch in try graph.input("x", [batch, 30]).square().sum() },
        BatchFamily("maxima of rows") { graph, batch in try graph.input("x", [batch, 30]).maximum(axes: [1]) },
        BatchFamily("movement") { graph, batch in
            let x = try graph.input("x", [batch, 6, 5])
            let joined = try Tensor.concatenated(
                [x.transposed([0, 2, 1]).reshaped(to: [batch, 6, 5]), x.exp()], axis: 1)
            return try joined.sliced(axis: 1, 2..<9).padded(before: [0, 1, 0], after: [0, 0, 2])
        },
        BatchFamily("dropout") { graph, batch in
            try graph.input("x", [batch, 30]).dropout(rate: 0.3, seed: 3, counter: graph.input("c", [], .int32))
        },
    ]
}

/// What a training step of each family compiles for batches of other sizes. The kernels are those that lowering chooses, which
/// needs no device.
@Suite struct BatchProgramTests {
    private static let profiles = [(DeviceProfile.KernelStyle.cpu, 8), (.cpu, 16), (.gpu, 1)].map { style, width in
        DeviceProfile(
            style: style, vectorWidth: width, computeUnits: 4, maximumWorkGroupSize: 256, localMemory: 32 << 10)
    }

    private static func programs(_ family: BatchFamily, _ batch: Int, _ profile: DeviceProfile) throws -> Set<
        ProgramText
    > {
        let graph = Graph()
        let output = try family.make(graph, batch)
        let inputs = try graph.nodes.compactMap { node -> Tensor? in
            guard case .input(let input) = node.op, input.type.dtype == .float32 else { return nil }
            return try graph.input(input.name, input.type.shape, input.type.dtype)
        }
        let gradients = try graph.gradients(
            of: output.square().mean(), withRespectTo: inputs, allowsUnused: true)
        var programs: Set<ProgramText> = []
        for node in try Computation(graph, outputs: [output] + gradients, updates: []).optimized().nodes {
            guard case .accepted(let accepted) = try profile.lower(node), let lowered = accepted as? OpenCLNode else {
                continue
            }
            programs.formUnion(try lowered.launches.map { try ProgramText($0.kernel) })
        }
        return programs
    }

    private static let sizes = [200, 150, 127, 113, 96, 77, 64, 50, 37, 32, 24, 18, 15, 11, 8, 7, 5, 4, 3, 2, 1]

    /// No size costs programs of its own: there are a few for few examples, and tiles of a few sizes. On a CPU what there is serves from 128 examples down to 32, so that the last, smaller batch of an epoch compiles nothing.
    @Test(arguments: BatchFamily.all) func anotherBatchSizeNeedsNoProgramOfItsOwn(_ family: BatchFamily) throws {
        for profile in Self.profiles {
            let first = try Self.programs(family, 128, profile)
            #expect(!first.isEmpty)
            var further: Set<ProgramText> = []
            for batch in Self.sizes {
                let new = try Self.programs(family, batch, profile).subtracting(first)
                if profile.style == .cpu, batch >= 32 {
                    #expect(new.isEmpty, "\(batch): \(new.map { "\($0.name) \($0.options)" })")
                }
                further.formUnion(new)
            }
            #expect(further.count <= 10, "\(profile.style): \(further.map { "\($0.name) \($0.options)" })")
        }
    }
}
