import Tessera
import Testing

/// Attention, positions and transformers' layers beside PyTorch's, and their dropout.
@Suite struct AttentionReferenceTests {
    private static let (width, heads, inner) = (8, 2, 12)

    private static var random: RandomSource { RandomSource(seed: 1) }

    @Test func attentionIsAsInPyTorch() throws {
        let reference = try PyTorchReference("attention")
        let layers: [(String, MultiHeadAttention)] = [
            ("attention", MultiHeadAttention(Self.width, heads: Self.heads, Self.random)),
            ("attention causal", MultiHeadAttention(Self.width, heads: Self.heads, isCausal: true, Self.random)),
            ("attention without bias", MultiHeadAttention(Self.width, heads: Self.heads, hasBias: false, Self.random)),
            ("attention with lengths", MultiHeadAttention(Self.width, heads: Self.heads, Self.random)),
            ("attention to others", MultiHeadAttention(Self.width, heads: Self.heads, Self.random)),
            ("attention to others with values", MultiHeadAttention(Self.width, heads: Self.heads, Self.random)),
            (
                "attention of other widths",
                MultiHeadAttention(Self.width, heads: Self.heads, keyWidth: 3, valueWidth: 6, Self.random)
            ),
            (
                "attention of other widths without bias",
                MultiHeadAttention(
                    Self.width, heads: Self.heads, keyWidth: 3, valueWidth: 6, hasBias: false, Self.random)
            ),
        ]
        for (name, layer) in layers {
            try reference.check(name, module: layer) { x, pass in
                [
                    "y": try layer(
                        #require(x["x"]), keysFrom: x["keys"], valuesFrom: x["values"], keyLengths: x["lengths"], pass)
                ]
            }
        }
        for (name, isCausal) in [("weights causal", true), ("weights of others with lengths", false)] {
            let layer = MultiHeadAttention(Self.width, heads: Self.heads, isCausal: isCausal, Self.random)
            try reference.check(name, module: layer) { x, pass in
                ["y": try layer.weights(#require(x["x"]), keysFrom: x["keys"], keyLengths: x["lengths"], pass)]
            }
        }
        for heads in [4, 3] {
            let layer = MultiHeadAttention(
                2 * heads, heads: heads, isCausal: true, positions: .linearBiases, Self.random)
            try reference.check("linear biases of \(heads) heads", module: layer) { x, pass in
                ["y": try layer(#require(x["x"]), pass)]
            }
        }
    }

    private func layer(isFirst: Bool, isCausal: Bool = false) -> TransformerEncoderLayer {
        TransformerEncoderLayer(
            Self.width, heads: Self.heads, inner: Self.inner, activation: isFirst ? GELU() : ReLU(),
            normalizesFirst: isFirst, isCausal: isCausal, Self.random)
    }

    private func decoderLayer(isFirst: Bool) -> TransformerDecoderLayer {
        TransformerDecoderLayer(
            Self.width, heads: Self.heads, inner: Self.inner, activation: isFirst ? GELU() : ReLU(),
            normalizesFirst: isFirst, Self.random)
    }

    @Test func encodersAreAsInPyTorch() throws {
        let reference = try PyTorchReference("attention")
        for (name, isFirst) in [("encoder after", false), ("encoder before", true)] {
            let layer = layer(isFirst: isFirst)
            try reference.check(name, module: layer) { x, pass in
                ["y": try layer(#require(x["x"]), mask: nil, keyLengths: x["lengths"], pass)]
            }
        }
        let stack = TransformerEncoder(
            (0..<2).map { _ in layer(isFirst: true, isCausal: true) }, norm: LayerNorm(Self.width))
        try reference.check("encoder stack", module: stack) { x, pass in ["y": try stack(#require(x["x"]), pass)] }
    }

    @Test func decodersAreAsInPyTorch() throws {
        let reference = try PyTorchReference("attention")
        for (name, isFirst) in [("decoder after", false), ("decoder before", true)] {
            let layer = decoderLayer(isFirst: isFirst)
            try reference.check(name, module: layer) { x, pass in
                [
                    "y": try layer(
                        #require(x["x"]), memory: #require(x["memory"]), memoryLengths: x["lengths"], pass)
                ]
            }
        }
        let stack = TransformerDecoder((0..<2).map { _ in decoderLayer(isFirst: true) }, norm: LayerNorm(Self.width))
        try reference.check("decoder stack", module: stack) { x, pass in
            ["y": try stack(#require(x["x"]), memory: #require(x["memory"]), pass)]
        }
    }

    @Test func positionsAreThoseOfThePapers() throws {
        let reference = try PyTorchReference("attention")
        try reference.check("rotary halves") { x, _ in ["y": try #require(x["x"]).rotated()] }
        try reference.check("rotary neighbours") { x, _ in
            ["y": try #require(x["x"]).rotated(pairing: .neighbours)]
        }
        try reference.check("sinusoidal") { x, pass in ["y": try SinusoidalPositions()(#require(x["x"]), pass)] }
        let graph = Graph()
        let x = try graph.input("x", [1, 4, 6])
        for call in [
            { try x.rotated(base: 0) }, { try x.rotated(base: .nan) }, { try x.rotated(limit: -1) },
            { try x.rotated(limit: 1 << 40) }, { try x.sliced(axis: 2, 0..<3).rotated() },
            { try SinusoidalPositions()(x.sum(axes: [0]), ForwardPass(graph, .inference)) },
            { try LearnedPositions(3, 6, Self.random)(x, ForwardPass(graph, .inference)) },
            { try LearnedPositions(4, 5, Self.random)(x, ForwardPass(graph, .inference)) },
        ] {
            let error = #expect(throws: GraphError.self) { _ = try call() }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
    }

    /// With next to nothing dropped, all weights in memory give what attention without them gives, gradients included, also
    /// for rows that see nothing.
    @Test(arguments: Place.available) func weightsInMemoryGiveTheSame(on place: Place) throws {
        let exact = MultiHeadAttention(8, heads: 4, keyValueHeads: 2, isCausal: true, RandomSource(seed: 1))
        let dropping = MultiHeadAttention(
            8, heads: 4, keyValueHeads: 2, dropout: 1e-12, isCausal: true, RandomSource(seed: 1))
        func results(_ layer: MultiHeadAttention) throws -> [[Float]] {
            let graph = Graph()
            let pass = ForwardPass(graph, .training(step: try graph.fill(1, [], .int32)))
            let x = try graph.input("x", [2, 5, 8]), bias = try graph.input("bias", [4, 5, 1])
            let hidden = -Float.infinity
            let more = try graph.constant(HostTensor([5], [0, hidden, 0.5, 0, 0]))
            let y = try layer(
                x, keysFrom: nil, bias: bias + more, mask: graph.constant(HostTensor([5], [1, 1, 1, 0, 1] as [Int32])),
                keyLengths: graph.constant(HostTensor([2], [4, 0] as [Int32])), pass)
            let gradients = try graph.gradients(of: y.square().sum(), withRespectTo: [x, bias])
            let executor = try place.executor()
            return try executor.run(
                executor.compile(graph, outputs: [y] + gradients),
                inputs: [
                    "x": RandomSource(seed: 2).uniform([2, 5, 8], bound: 2),
                    "bias": RandomSource(seed: 3).uniform([4, 5, 1], bound: 2),
                ]
            ).map { try $0.elements() }
        }
        for (a, b) in zip(try results(dropping), try results(exact)) {
            #expect(b.contains { $0 != 0 } && isClose(a, b))
        }
    }

    /// Weights are dropped at the rate, and the rest made larger; not in inference.
    @Test(arguments: Place.available) func weightsAreDropped(on place: Place) throws {
        func weights(_ mode: (Graph) throws -> ForwardPass.Mode) throws -> [Float] {
            let graph = Graph()
            let pass = ForwardPass(graph, try mode(graph))
            let layer = MultiHeadAttention(32, heads: 1, dropout: 0.25, RandomSource(seed: 1))
            // Values that are the unit vectors make weights of the result; keys of zeros make them all alike.
            let one = try HostTensor([32, 32], (0..<1024).map { $0 % 33 == 0 ? 1 : 0 } as [Float])
            let zeros = try HostTensor([64, 32], [Float](repeating: 0, count: 2048))
            let executor = try place.executor()
            let named = Dictionary(uniqueKeysWithValues: layer.namedVariables.map { ($0.name, $0.variable) })
            try executor.set([
                try #require(named["in_proj_weight"]): HostTensor(
                    [96, 32], zeros.elements() + one.elements() as [Float]),
                try #require(named["out_proj.weight"]): one,
                try #require(named["out_proj.bias"]): HostTensor([32], [Float](repeating: 0, count: 32)),
            ])
            let y = try layer(graph.constant(one).reshaped(to: [1, 32, 32]), pass)
            return try executor.run(executor.compile(graph, outputs: [y]))[0].elements()
        }
        let trained = try weights { .training(step: try $0.fill(3, [], .int32)) }
        let dropped = trained.filter { $0 == 0 }.count
        #expect((200...312).contains(dropped), "\(dropped) of 1024")
        #expect(trained.allSatisfy { $0 == 0 || abs($0 - 4 / 96) < 1e-6 })
        #expect(try weights { _ in .inference }.allSatisfy { abs($0 - 1 / 32) < 1e-6 })
        for rate in [1, -1, .nan] {
            let graph = Graph()
            let layer = MultiHeadAttention(4, heads: 1, dropout: rate, RandomSource(seed: 1))
            #expect(throws: GraphError.self) {
                try layer(graph.input("x", [1, 2, 4]), ForwardPass(graph, .inference))
            }
        }
    }

    @Test func everyCaseIsHeld() throws {
        let attention = [
            "", " causal", " without bias", " with lengths", " to others", " to others with values", " of other widths",
            " of other widths without bias",
        ].map { "attention\($0)" }
        let weights = ["weights causal", "weights of others with lengths"]
        let layers = ["encoder", "decoder"].flatMap { kind in ["after", "before", "stack"].map { "\(kind) \($0)" } }
        let positions = [
            "rotary halves", "rotary neighbours", "sinusoidal", "linear biases of 4 heads", "linear biases of 3 heads",
        ]
        #expect(try PyTorchReference("attention").names == (attention + weights + layers + positions).sorted())
    }

    @Test func namesArePyTorchs() {
        let stack = TransformerDecoder([decoderLayer(isFirst: true)], norm: LayerNorm(8))
        let attention = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
        let parts =
            attention.map { "self_attn.\($0)" } + attention.map { "multihead_attn.\($0)" }
            + ["linear1", "linear2", "norm1", "norm2", "norm3"].flatMap { ["\($0).weight", "\($0).bias"] }
        #expect(stack.namedVariables.map(\.name) == parts.map { "layers.0.\($0)" } + ["norm.weight", "norm.bias"])
    }
}
