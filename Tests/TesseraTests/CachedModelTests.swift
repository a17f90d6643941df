import Tessera
import Testing

/// A model that goes on from a cache gives at every position what it gives for the whole sequence at once.
@Suite struct CachedModelTests {
    private static let (batch, vocabulary, width) = (2, 7, 8)

    /// A small language model, or one that attends to a memory too.
    private struct Model: Module {
        let embedding: Embedding
        let learned: LearnedPositions?
        let encoder: TransformerEncoder
        let decoder: TransformerDecoderLayer?
        let output: Dense

        init(_ positions: AttentionPositions?, hasMemory: Bool) {
            let random = RandomSource(seed: 5)
            embedding = Embedding(vocabulary, width, random)
            learned = positions == nil ? LearnedPositions(12, width, random) : nil
            encoder = TransformerEncoder(
                (0..<2).map { _ in
                    TransformerEncoderLayer(
                        width, heads: 4, keyValueHeads: 2, isCausal: true, positions: positions, random)
                }, norm: LayerNorm(width))
            decoder = hasMemory ? TransformerDecoderLayer(width, heads: 2, positions: positions, random) : nil
            output = Dense(width, vocabulary, random)
        }

        func callAsFunction(_ tokens: Tensor, memory: HostTensor, _ pass: ForwardPass) throws -> Tensor {
            var x = try embedding(tokens, pass)
            x = try learned.map { try $0(x, pass) } ?? SinusoidalPositions()(x, pass)
            x = try encoder(x, pass)
            x = try decoder.map { try $0(x, memory: pass.graph.constant(memory), pass) } ?? x
            return try output(x, pass)
        }
    }

    private static var memory: HostTensor {
        get throws { try RandomSource(seed: 9).uniform([batch, 3, width], bound: 1) }
    }

    /// The logits of all positions `[b·s, vocabulary]`, at once.
    private func whole(_ model: Model, _ rows: [[Int32]], _ memory: HostTensor, on executor: Executor) throws -> [Float]
    {
        let graph = Graph()
        let shape: Shape = [rows.count, rows[0].count]
        let y = try model(graph.input("tokens", shape, .int32), memory: memory, ForwardPass(graph, .inference))
        let plan = try executor.compile(graph, outputs: [y])
        return try executor.run(plan, inputs: ["tokens": HostTensor(shape, rows.flatMap { $0 })])[0].elements()
    }

    @Test(
        arguments: Place.available,
        [nil, .rotary(), .rotary(base: 100, pairing: .neighbours), .linearBiases] as [AttentionPositions?])
    func everyPositionIsTheSame(on place: Place, positions: AttentionPositions?) throws {
        let executor = try place.executor()
        let memory = try Self.memory
        let rows: [[Int32]] = [[1, 5, 2, 0, 3, 6, 6, 1, 2], [4, 4, 0, 1, 2, 3, 0, 5, 6]]
        for hasMemory in [false, true] {
            let model = Model(positions, hasMemory: hasMemory)
            let expected = try whole(model, rows, memory, on: executor)
            var builds = 0
            let cached = CachedModel(batch: Self.batch, capacity: 12, on: executor) { tokens, pass in
                builds += 1
                return try model(tokens, memory: memory, pass)
            }
            for count in [3, 4, 5, 6, 7, 8, 9] {
                let step = DecodingStep(sequences: rows.map { Array($0.prefix(count)) }, parents: [0, 1])
                let logits = try cached.logits(after: step).elements() as [Float]
                for row in 0..<Self.batch {
                    let start = (row * 9 + count - 1) * Self.vocabulary
                    let own = Array(logits[(row * Self.vocabulary)..<((row + 1) * Self.vocabulary)])
                    #expect(isClose(own, Array(expected[start..<(start + Self.vocabulary)])), "\(count) of row \(row)")
                }
            }
            // One plan for the prompt, and one for all steps.
            #expect(builds == 2)
        }
    }

    /// Rows that go on from others, and prompts that begin anew, find what is theirs in the cache.
    @Test(arguments: Place.available) func beamsGoOnFromTheirParents(on place: Place) throws {
        let executor = try place.executor()
        let model = Model(.rotary(), hasMemory: false)
        let memory = try Self.memory
        let cached = CachedModel(batch: 6, capacity: 12, on: executor) { try model($0, memory: memory, $1) }
        for prompts: [[Int32]] in [[[1, 2], [3, 0]], [[5, 5], [6, 1]]] {
            let decoder = TokenDecoder(.beam(width: 3, lengthPenalty: 0.5), maximumTokens: 6, endToken: 4)
            let found = try decoder(prompts, logits: cached.logits)
            let expected = try decoder(prompts) { step in
                let all = try whole(model, step.sequences, memory, on: executor)
                let count = step.sequences[0].count
                let last = (0..<6).flatMap { row -> ArraySlice<Float> in
                    let start = (row * count + count - 1) * Self.vocabulary
                    return all[start..<(start + Self.vocabulary)]
                }
                return try HostTensor([6, Self.vocabulary], last)
            }
            #expect(found.map { $0.map(\.tokens) } == expected.map { $0.map(\.tokens) })
            for (a, b) in zip(found.joined(), expected.joined()) {
                #expect(abs(a.logProbability - b.logProbability) < 1e-4)
            }
        }
    }

    /// Recurrent layers keep their states instead.
    @Test(arguments: Place.available) func recurrentStatesAreKept(on place: Place) throws {
        let random = RandomSource(seed: 4)
        let executor = try place.executor()
        let embedding = Embedding(Self.vocabulary, 5, random)
        let layers: [any Layer] = [
            LSTM(5, Self.vocabulary, layers: 2, isBatchFirst: true, random),
            GRU(5, Self.vocabulary, isBatchFirst: true, random),
            RNN(5, Self.vocabulary, activation: .relu, isBatchFirst: true, random),
        ]
        for layer in layers {
            var builds = 0
            let cached = CachedModel(batch: 4, capacity: 9, on: executor) { tokens, pass in
                builds += 1
                return try layer(embedding(tokens, pass), pass)
            }
            for prompts: [[Int32]] in [[[1, 2, 0], [3, 0, 6]], [[5, 5, 5], [6, 1, 2]]] {
                let decoder = TokenDecoder(.beam(width: 2), maximumTokens: 5)
                let found = try decoder(prompts, logits: cached.logits)
                let expected = try decoder(prompts) { step in
                    let graph = Graph()
                    let shape: Shape = [4, step.sequences[0].count]
                    let tokens = try graph.input("tokens", shape, .int32)
                    let y = try layer(embedding(tokens, ForwardPass(graph, .inference)), ForwardPass(graph, .inference))
                    let last = try y.sliced(axis: 1, (shape[1] - 1)..<shape[1])
                        .reshaped(to: [4, Self.vocabulary])
                    return try executor.run(
                        executor.compile(graph, outputs: [last]),
                        inputs: ["tokens": HostTensor(shape, step.sequences.flatMap { $0 })])[0]
                }
                #expect(found.map { $0.map(\.tokens) } == expected.map { $0.map(\.tokens) })
                for (a, b) in zip(found.joined(), expected.joined()) {
                    #expect(abs(a.logProbability - b.logProbability) < 1e-4)
                }
            }
            // The two prompts, and steps with and without other parents.
            #expect(builds <= 4)
        }
    }

    @Test func whatDoesNotFitIsSaid() throws {
        let executor = try Place.cpu.executor()
        let model = Model(.rotary(), hasMemory: false)
        let memory = try Self.memory
        func error(_ rows: [[Int32]], batch: Int = 2, capacity: Int = 3) -> GraphError? {
            let line: UInt = #line + 1
            let cached = CachedModel(batch: batch, capacity: capacity, on: executor) {
                try model($0, memory: memory, $1)
            }
            let step = DecodingStep(sequences: rows, parents: Array(rows.indices))
            let error = #expect(throws: GraphError.self) { try cached.logits(after: step) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line), "\(error as Any)")
            return error
        }
        for rows: [[Int32]] in [[[1, 2]], [[1, 2], [1]], [[], []], [[1, 2, 3, 4], [1, 2, 3, 4]], []] {
            #expect(error(rows)?.message.contains("2 rows of one length from 1 to 3") == true)
        }
        for capacity in [0, -1, .min] { _ = error([[1], [2]], capacity: capacity) }
        _ = error([[1], [2]], capacity: 1 << 40)
        _ = error([[1], [9]])
        _ = error([], batch: 0)
        // A cache has the causal mask alone, and one of one model suits no other.
        let graph = Graph()
        let cache = DecodingCache(batch: 2, capacity: 4)
        let start = try graph.fill(0, [], .int32)
        let layer = MultiHeadAttention(8, heads: 2, isCausal: true, RandomSource(seed: 1))
        let x = try graph.input("x", [2, 3, 8])
        let mask = try graph.input("mask", [3], .int32)
        _ = try layer(x, ForwardPass(graph, decoding: Decoding(cache, start: start)))
        let other = MultiHeadAttention(8, heads: 4, isCausal: true, RandomSource(seed: 1))
        for call in [
            { try layer(x, keysFrom: nil, mask: mask, ForwardPass(graph, decoding: Decoding(cache, start: start))) },
            { try other(x, ForwardPass(graph, decoding: Decoding(cache, start: start))) },
            { try layer(x, ForwardPass(graph, decoding: Decoding(cache, start: mask))) },
            { try layer(x, ForwardPass(graph, decoding: Decoding(cache, start: start, parents: mask))) },
        ] {
            let error = #expect(throws: GraphError.self) { _ = try call() }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
    }

    /// A start behind the end of the cache is an error, and the cache stays as it was.
    @Test(arguments: Place.available.filter { $0 != .reference }) func startsAreChecked(on place: Place) throws {
        let graph = Graph()
        let cache = DecodingCache(batch: 1, capacity: 4)
        let pass = ForwardPass(graph, decoding: Decoding(cache, start: try graph.input("start", [], .int32)))
        let layer = MultiHeadAttention(4, heads: 1, isCausal: true, RandomSource(seed: 1))
        let y = try layer(graph.input("x", [1, 2, 4]), pass)
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y], updates: pass.updates)
        let x = try RandomSource(seed: 1).uniform([1, 2, 4], bound: 1)
        func run(_ start: Int32) throws -> [Float] {
            try executor.run(plan, inputs: ["x": x, "start": HostTensor(start)])[0].elements()
        }
        let first = try run(0), second = try run(2)
        for start: Int32 in [-1, 3, 4, .max] {
            let error = #expect(throws: GraphError.self) { try run(start) }
            #expect(error?.description.contains("positions") == true, "\(error as Any)")
        }
        #expect(try run(2) == second && run(0) == first && first != second)
    }
}
