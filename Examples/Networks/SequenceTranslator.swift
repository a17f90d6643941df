import Tessera

/// Decodes sequences with a ``SequenceTransformer``, a fixed number of them at a time, so that there is one plan for each of
/// the few kinds of steps.
public final class SequenceTranslator {
    private let model: SequenceTransformer
    private let executor: Executor
    private let (batch, width, length): (Int, Int, Int)
    private let decoder: TokenDecoder
    private let cached: CachedModel
    private let encoding: Plan
    private let memory: Variable
    private let lengths: Variable

    /// - Parameters:
    ///   - batch: how many sequences are decoded side by side.
    ///   - sourceLength: the longest source, without its end.
    ///   - maximumTokens: the longest that is decoded, its end included.
    ///   - beam: how many likely sequences are kept at each step; 1 takes the likeliest token.
    public init(
        _ model: SequenceTransformer, batch: Int, sourceLength: Int, maximumTokens: Int, beam: Int,
        on executor: Executor
    ) throws {
        let (rows, length) = (batch * beam, sourceLength + 1)
        let graph = Graph()
        let pass = ForwardPass(graph, .inference)
        let sourceLengths = try graph.input("lengths", [batch], .int32)
        let encoded = try model.encode(
            graph.input("source", [batch, length], .int32), lengths: sourceLengths, pass)
        // Each source once for every sequence of its beam.
        let places = try graph.constant(HostTensor([rows], (0..<rows).map { Int32($0 / beam) }))
        let memory = Variable(
            "memory", try HostTensor(zeros: TensorType([rows, length, encoded.shape[2]])), isTrainable: false)
        let lengths = Variable("lengths", try HostTensor(zeros: TensorType([rows], .int32)), isTrainable: false)
        encoding = try executor.compile(
            graph, outputs: [],
            updates: [
                (memory, encoded.indexSelect(places, axis: 0)), (lengths, sourceLengths.indexSelect(places, axis: 0)),
            ])
        cached = CachedModel(batch: rows, capacity: maximumTokens + 1, on: executor) { tokens, pass in
            try model.decode(tokens, memory: pass.read(memory), lengths: pass.read(lengths), pass)
        }
        decoder = TokenDecoder(
            beam == 1 ? .greedy : .beam(width: beam), maximumTokens: maximumTokens, endToken: SequenceTransformer.end)
        (self.memory, self.lengths, self.model, self.executor) = (memory, lengths, model, executor)
        (self.batch, width, self.length) = (batch, beam, length)
    }

    /// The best sequence for each source, without its end.
    ///
    /// - Throws: ``GraphError`` where a source is longer than it was made for.
    public func callAsFunction(_ sources: [[Int32]]) throws -> [[Int32]] {
        var found: [[Int32]] = []
        for first in stride(from: 0, to: sources.count, by: batch) {
            let some = Array(sources[first..<min(first + batch, sources.count)])
            try encode(some)
            let begin = [[Int32]](repeating: [SequenceTransformer.begin], count: batch)
            let decoded = try decoder(begin, logits: cached.logits)
            found += decoded.prefix(some.count).map { sequences in
                let tokens = sequences.first?.tokens ?? []
                return tokens.last == SequenceTransformer.end ? tokens.dropLast() : tokens
            }
        }
        return found
    }

    /// Keeps what sources are encoded to; places that are left over have an empty one.
    private func encode(_ sources: [[Int32]]) throws {
        var tokens = [Int32](repeating: SequenceTransformer.padding, count: batch * length)
        var lengths = [Int32](repeating: 1, count: batch)
        for row in 0..<batch {
            let source = (row < sources.count ? sources[row] : []) + [SequenceTransformer.end]
            guard source.count <= length else {
                throw GraphError(
                    operation: "SequenceTranslator",
                    message: "a source of \(source.count - 1) tokens is longer than the \(length - 1) it was made for")
            }
            for (place, token) in source.enumerated() { tokens[row * length + place] = token }
            lengths[row] = Int32(source.count)
        }
        _ = try executor.run(
            encoding,
            inputs: ["source": HostTensor([batch, length], tokens), "lengths": HostTensor([batch], lengths)])
    }

    /// How much each token of a translation, its end included, takes of each of a source and its end: rows of weights that add
    /// up to 1.
    public func alignment(_ source: [Int32], _ target: [Int32]) throws -> [[Float]] {
        let (source, input) = (source + [SequenceTransformer.end], [SequenceTransformer.begin] + target)
        let graph = Graph()
        let pass = ForwardPass(graph, .inference)
        let memory = try model.encode(graph.constant(HostTensor([1, source.count], source)), lengths: nil, pass)
        let weights = try model.alignment(
            graph.constant(HostTensor([1, input.count], input)), memory: memory, lengths: nil, pass)
        let numbers: [Float] = try executor.run(executor.compile(graph, outputs: [weights]))[0].elements()
        return input.indices.map { Array(numbers[($0 * source.count)..<(($0 + 1) * source.count)]) }
    }
}
