import Tessera
import Testing

/// The layer of attention with masks, another source and shared heads, held to what the same weights give without.
@Suite struct AttentionLayerTests {
    private static let width = 8

    private func numbers(_ shape: Shape, _ seed: UInt64) throws -> HostTensor {
        try RandomSource(seed: seed).uniform(shape, bound: 1)
    }

    private func run(_ place: Place, _ inputs: [String: HostTensor], _ build: (Graph) throws -> [Tensor]) throws
        -> [[Float]]
    {
        let graph = Graph()
        let outputs = try build(graph)
        let executor = try place.executor()
        return try executor.run(executor.compile(graph, outputs: outputs), inputs: inputs).map { try $0.elements() }
    }

    /// Attention to oneself and to a copy of oneself are the same; so are keys that a mask, a length, or a bias of -∞ hides,
    /// and keys that are not there.
    @Test(arguments: Place.available) func masksHideKeys(on place: Place) throws {
        let layer = MultiHeadAttention(Self.width, heads: 4, keyValueHeads: 2, RandomSource(seed: 1))
        let x = try numbers([2, 5, Self.width], 2), source = try numbers([2, 7, Self.width], 3)
        let results = try run(place, ["x": x, "source": source]) { graph in
            let pass = ForwardPass(graph, .inference)
            let x = try graph.input("x", [2, 5, Self.width]), source = try graph.input("source", [2, 7, Self.width])
            let lengths = try graph.constant(HostTensor([2], [4, 4] as [Int32]))
            let mask = try graph.constant(HostTensor([7], [1, 1, 1, 1, 0, 0, 0] as [Int32]))
            let hidden = -Float.infinity
            let bias = try graph.constant(HostTensor([7], [0, 0, 0, 0, hidden, hidden, hidden]))
            return [
                try layer(x, pass), try layer(x, keysFrom: x, pass),
                try layer(x, keysFrom: source.sliced(axis: 1, 0..<4), pass),
                try layer(x, keysFrom: source, keyLengths: lengths, pass),
                try layer(x, keysFrom: source, mask: mask, pass),
                try layer(x, keysFrom: source, bias: bias, pass),
            ]
        }
        #expect(isClose(results[0], results[1]))
        for hidden in results[3...] { #expect(isClose(results[2], hidden)) }
        #expect(!isClose(results[0], results[2]))
    }

    /// Heads that share keys give what they give with keys and values of their own that are equal.
    @Test(arguments: Place.available) func sharedHeadsAreEqualHeads(on place: Place) throws {
        let graph = Graph()
        let q = try graph.input("q", [1, 6, 3, 4]), k = try graph.input("k", [1, 2, 5, 4])
        let copies = try k.reshaped(to: [1, 2, 1, 5, 4]).broadcast(to: [1, 2, 3, 5, 4]).reshaped(to: [1, 6, 5, 4])
        let executor = try place.executor()
        let outputs = [
            try q.attention(keys: k, values: k, isCausal: true),
            try q.attention(keys: copies, values: copies, isCausal: true),
        ]
        let results = try executor.run(
            executor.compile(graph, outputs: outputs),
            inputs: ["q": numbers([1, 6, 3, 4], 1), "k": numbers([1, 2, 5, 4], 2)])
        #expect(isClose(try results[0].elements(), try results[1].elements()))
    }

    /// A length that is none is an error, and never a read of other memory.
    @Test(arguments: Place.available.filter { $0 != .reference }, [[-1, 3], [3, 6], [.max, .min]] as [[Int32]])
    func lengthsAreChecked(on place: Place, lengths: [Int32]) throws {
        let graph = Graph()
        let q = try graph.input("q", [2, 1, 3, 4]), k = try graph.input("k", [2, 1, 5, 4])
        let given = try graph.input("lengths", [2], .int32)
        let y = try q.attention(keys: k, values: k, keyLengths: given)
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y])
        func run(_ lengths: [Int32]) throws -> [Float] {
            try executor.run(
                plan,
                inputs: [
                    "q": numbers([2, 1, 3, 4], 1), "k": numbers([2, 1, 5, 4], 2), "lengths": HostTensor([2], lengths),
                ])[0].elements()
        }
        let error = #expect(throws: GraphError.self) { try run(lengths) }
        #expect(error?.description.contains("key lengths") == true)
        let values = try run([0, 5])
        #expect(values[..<12].allSatisfy { $0 == 0 } && values[12...].allSatisfy { $0 != 0 })
    }
}
