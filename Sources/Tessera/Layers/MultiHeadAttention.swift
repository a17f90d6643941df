/// Attention with several heads over `[b, s, width]` (Vaswani et al., 2017), of a sequence to itself or to another.
/// torch.nn.MultiheadAttention with `batch_first`.
///
/// `in_proj_weight` `[width + 2·g·width / heads, width]` holds the projections to queries, keys and values, one below the
/// other, g being the heads of keys and values: `[3·width, width]` where each head has its own.
public struct MultiHeadAttention: Layer {
    public let inputWeight: Variable
    public let inputBias: Variable
    public let output: Dense
    public let heads: Int
    public let keyValueHeads: Int
    public var isCausal: Bool
    private let location: SourceLocation

    /// - Parameters:
    ///   - heads: must divide `width`; the graph says so otherwise.
    ///   - keyValueHeads: heads of keys and values, each of which several heads of queries share where there are fewer (Ainslie
    ///     et al., GQA, 2023); must divide `heads`, and is as many, where left out.
    ///   - isCausal: whether each position sees only those of the keys up to its own number.
    public init(
        _ width: Int, heads: Int, keyValueHeads: Int? = nil, isCausal: Bool = false, _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        // Glorot and Bengio, 2010, over the three projections as one matrix.
        let joined =
            keyValueHeads.map { width.plus((heads > 0 ? width / heads : 0).times($0).times(2)) } ?? width.times(3)
        let bound = (6 / Float(max(width.plus(joined), 1))).squareRoot()
        func variable(_ name: String, _ value: () throws -> HostTensor) -> Variable {
            Variable(name, of: "MultiHeadAttention", at: location, value)
        }
        inputWeight = variable("in_proj_weight") { try random.uniform([joined, width], bound: bound) }
        inputBias = variable("in_proj_bias") { try .filled(0, [joined]) }
        output = Dense(width, width, random, file: file, line: line)
        self.isCausal = isCausal
        self.location = location
    }

    public var members: [LayerMember] {
        [
            .variable("in_proj_weight", inputWeight), .variable("in_proj_bias", inputBias), .layer("out_proj", output),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, keysFrom: nil, pass)
    }

    /// - Parameters:
    ///   - source: `[b, sk, width]`, what keys and values are made of; the input itself, where left out.
    ///   - bias: added to the scores, of a shape that broadcasts to `[b, heads, s, sk]`.
    ///   - mask: an integer for each score, of a shape that broadcasts likewise: 0 where a position does not see a key.
    ///   - keyLengths: int32 `[b]`: how many keys there are to see for each batch entry.
    public func callAsFunction(
        _ input: Tensor, keysFrom source: Tensor?, bias: Tensor? = nil, mask: Tensor? = nil, keyLengths: Tensor? = nil,
        _ pass: ForwardPass
    ) throws -> Tensor {
        let joined = try pass.graph.at(location) { () throws -> Tensor in
            let (weight, offset) = (try pass.read(inputWeight), try pass.read(inputBias))
            let heads = AttentionHeads(queries: heads, keys: keyValueHeads)
            let masks = AttentionMasks(bias: bias, mask: mask, keyLengths: keyLengths, isCausal: isCausal)
            guard let source else {
                let projected = try input.matmul(weight, transposeOther: true) + offset
                return try projected.selfAttention(heads, masks, at: location)
            }
            let width = min(weight.shape[1], weight.shape[0])
            func projected(_ x: Tensor, _ rows: Range<Int>) throws -> Tensor {
                try x.matmul(weight.sliced(axis: 0, rows), transposeOther: true) + offset.sliced(axis: 0, rows)
            }
            return try projected(input, 0..<width).attention(
                to: projected(source, width..<weight.shape[0]), heads, masks, at: location)
        }
        return try output(joined, pass)
    }
}

/// Into how many heads the last axis goes.
private struct AttentionHeads {
    var queries: Int
    var keys: Int
}

/// What ``Tensor/attention(keys:values:bias:mask:keyLengths:isCausal:scale:file:line:)`` takes besides.
private struct AttentionMasks {
    var bias: Tensor?
    var mask: Tensor?
    var keyLengths: Tensor?
    var isCausal: Bool
}

extension Tensor {
    /// Attention over queries, keys and values that lie side by side: `[b, s, 3·width]` → `[b, s, width]`, with the
    /// width in `heads` equal parts.
    ///
    /// - Throws: ``GraphError`` where the last axis is not three widths that the heads divide.
    public func selfAttention(
        heads: Int, isCausal: Bool, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try selfAttention(
            AttentionHeads(queries: heads, keys: heads), AttentionMasks(isCausal: isCausal),
            at: SourceLocation(file: file, line: line))
    }

    fileprivate func selfAttention(
        _ heads: AttentionHeads, _ masks: AttentionMasks, at location: SourceLocation
    ) throws -> Tensor {
        let all = heads.queries.plus(heads.keys.times(2))
        guard shape.rank == 3, heads.queries >= 1, heads.keys >= 1, heads.queries % heads.keys == 0, shape[2] % all == 0
        else {
            let needed =
                heads.queries == heads.keys
                ? "[b, s, 3·width] with a width that \(heads.queries) heads divide"
                : "[b, s, width] with a width that \(heads.queries) heads of queries and twice \(heads.keys) of keys divide"
            throw GraphError(
                operation: "selfAttention", message: "needs \(needed)", operands: [type], location: location)
        }
        let (batch, steps, width) = (shape[0], shape[1], shape[2] / all)
        return try graph.at(location) {
            guard heads.queries == heads.keys else {
                let queries = heads.queries * width
                return try sliced(axis: 2, 0..<queries).attention(
                    to: sliced(axis: 2, queries..<shape[2]), heads, masks, at: location)
            }
            let split = try reshaped(to: [batch, steps, 3, heads.queries, width]).transposed([2, 0, 3, 1, 4])
            let parts = try (0..<3).map {
                try split.sliced(axis: 0, $0..<($0 + 1)).reshaped(to: [batch, heads.queries, steps, width])
            }
            return try parts[0].attention(keys: parts[1], values: parts[2], masks).joiningHeads()
        }
    }

    /// Of queries `[b, s, heads·width]` to keys and values that lie side by side, `[b, sk, 2·heads·width]`.
    fileprivate func attention(
        to others: Tensor, _ heads: AttentionHeads, _ masks: AttentionMasks, at location: SourceLocation
    ) throws -> Tensor {
        guard shape.rank == 3, others.shape.rank == 3, heads.queries >= 1, heads.keys >= 1,
            shape[2] % heads.queries == 0, others.shape[2] == shape[2] / heads.queries * heads.keys * 2
        else {
            throw GraphError(
                operation: "attention",
                message:
                    "needs [b, s, width] and keys and values [b, sk, 2·width], of \(heads.queries) and \(heads.keys) heads",
                operands: [type, others.type], location: location)
        }
        let (batch, width) = (shape[0], shape[2] / heads.queries)
        return try graph.at(location) {
            let queries = try reshaped(to: [batch, shape[1], heads.queries, width]).transposed([0, 2, 1, 3])
            let split = try others.reshaped(to: [others.shape[0], others.shape[1], 2, heads.keys, width])
                .transposed([2, 0, 3, 1, 4])
            let parts = try (0..<2).map {
                try split.sliced(axis: 0, $0..<($0 + 1))
                    .reshaped(to: [others.shape[0], heads.keys, others.shape[1], width])
            }
            return try queries.attention(keys: parts[0], values: parts[1], masks).joiningHeads()
        }
    }

    private func attention(keys: Tensor, values: Tensor, _ masks: AttentionMasks) throws -> Tensor {
        try attention(
            keys: keys, values: values, bias: masks.bias, mask: masks.mask, keyLengths: masks.keyLengths,
            isCausal: masks.isCausal)
    }

    /// `[b, heads, s, width]` → `[b, s, heads·width]`.
    private func joiningHeads() throws -> Tensor {
        try transposed([0, 2, 1, 3]).reshaped(to: [shape[0], shape[2], shape[1] * shape[3]])
    }
}

/// One block of a transformer over `[b, s, width]`: attention and a two-layer network, each behind a layer norm and
/// beside a residual connection. torch.nn.TransformerEncoderLayer with `norm_first`, GELU and no dropout by default.
public struct TransformerBlock: Layer {
    public let attention: MultiHeadAttention
    public let linear1: Dense
    public let linear2: Dense
    public let norm1: LayerNorm
    public let norm2: LayerNorm
    private let dropouts: [Dropout]
    private let location: SourceLocation

    /// - Parameters:
    ///   - keyValueHeads: as ``MultiHeadAttention`` has it.
    ///   - inner: the width between the two layers of the network; four times `width`, where left out.
    public init(
        _ width: Int, heads: Int, keyValueHeads: Int? = nil, inner: Int? = nil, dropout: Double = 0,
        isCausal: Bool = false, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let inner = inner ?? width.times(4)
        attention = MultiHeadAttention(
            width, heads: heads, keyValueHeads: keyValueHeads, isCausal: isCausal, random, file: file, line: line)
        linear1 = Dense(width, inner, random, file: file, line: line)
        linear2 = Dense(inner, width, random, file: file, line: line)
        norm1 = LayerNorm(width, file: file, line: line)
        norm2 = LayerNorm(width, file: file, line: line)
        dropouts = (0..<3).map { _ in Dropout(dropout, random, file: file, line: line) }
        location = SourceLocation(file: file, line: line)
    }

    public var members: [LayerMember] {
        [
            .layer("self_attn", attention), .layer("linear1", linear1), .layer("linear2", linear2),
            .layer("norm1", norm1), .layer("norm2", norm2),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, mask: nil, pass)
    }

    /// - Parameters: the masks are those of ``MultiHeadAttention``.
    public func callAsFunction(
        _ input: Tensor, bias: Tensor? = nil, mask: Tensor?, keyLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        try pass.graph.at(location) {
            let mixed = try attention(
                norm1(input, pass), keysFrom: nil, bias: bias, mask: mask, keyLengths: keyLengths, pass)
            let attended = try input + dropouts[0](mixed, pass)
            let inner = try dropouts[1](linear1(norm2(attended, pass), pass).gelu(), pass)
            return try attended + dropouts[2](linear2(inner, pass), pass)
        }
    }
}
