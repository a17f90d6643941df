/// Attention with several heads over `[b, s, width]` (Vaswani et al., 2017), of a sequence to itself or to another.
/// torch.nn.MultiheadAttention with `batch_first`.
///
/// `in_proj_weight` `[width + 2·g·width / heads, width]` holds the projections to queries, keys and values, one below the
/// other, g being the heads of keys and values: `[3·width, width]` where each head has its own. Where keys or values are
/// made of another width, there are `q_proj_weight`, `k_proj_weight` and `v_proj_weight` instead.
///
/// Causal attention to itself goes on from a ``DecodingCache`` in a pass that decodes.
public struct MultiHeadAttention: Layer {
    private let projections: AttentionProjections
    /// What the heads' results go through, `[…, width]` → `[…, width]`.
    public let output: Dense
    /// How many heads the queries have.
    public let heads: Int
    /// How many heads keys and values have, each for as many of the queries'.
    public let keyValueHeads: Int
    /// Whether no query sees a later key.
    public var isCausal: Bool
    /// How heads know where they are.
    public var positions: AttentionPositions?
    private let dropout: Dropout?
    private let location: SourceLocation

    /// - Parameters:
    ///   - heads: must divide `width`; the graph says so otherwise.
    ///   - keyValueHeads: heads of keys and values, each of which several heads of queries share where there are fewer (Ainslie
    ///     et al., GQA, 2023); must divide `heads`, and is as many, where left out.
    ///   - keyWidth: of what keys are made of; `width`, where left out. PyTorch's kdim.
    ///   - valueWidth: of what values are made of; `width`, where left out. PyTorch's vdim.
    ///   - dropout: the rate at which weights of keys are dropped while training, in 0..<1. Such a step has all weights
    ///     `[b, heads, s, sk]` in memory, which attention without dropout never has.
    ///   - isCausal: whether each position sees only those of the keys up to its own number.
    ///   - positions: how scores depend on where queries and keys stand; not at all, where left out.
    public init(
        _ width: Int, heads: Int, keyValueHeads: Int? = nil, keyWidth: Int? = nil, valueWidth: Int? = nil,
        hasBias: Bool = true, dropout: Double = 0, isCausal: Bool = false, positions: AttentionPositions? = nil,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        let shared = keyValueHeads.map { (heads > 0 ? width / heads : 0).times($0) } ?? width
        projections = AttentionProjections(
            width, shared: shared, keyWidth: keyWidth ?? width, valueWidth: valueWidth ?? width, hasBias: hasBias,
            random,
            location)
        output = Dense(width, width, hasBias: hasBias, random, file: file, line: line)
        self.dropout = dropout == 0 ? nil : Dropout(dropout, random, file: file, line: line)
        self.isCausal = isCausal
        self.positions = positions
        self.location = location
    }

    public var members: [LayerMember] { projections.members + [.layer("out_proj", output)] }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, keysFrom: nil, pass)
    }

    /// - Parameters:
    ///   - source: `[b, sk, keyWidth]`, what keys are made of; the input itself, where left out.
    ///   - values: `[b, sk, valueWidth]`, what values are made of; `source`, where left out.
    ///   - bias: added to the scores, of a shape that broadcasts to `[b, heads, s, sk]`.
    ///   - mask: an integer for each score, of a shape that broadcasts likewise: 0 where a position does not see a key.
    ///   - keyLengths: int32 `[b]`: how many keys there are to see for each batch entry.
    /// - Throws: ``GraphError`` where shapes don't fit, and for masks beside a cache, which has its own.
    public func callAsFunction(
        _ input: Tensor, keysFrom source: Tensor?, valuesFrom values: Tensor? = nil, bias: Tensor? = nil,
        mask: Tensor? = nil, keyLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        let joined = try pass.graph.at(location) { () throws -> Tensor in
            let masks = AttentionMasks(bias: bias, mask: mask, keyLengths: keyLengths, isCausal: isCausal)
            let (operands, allMasks) = try prepared(input, source, values, masks, pass)
            if let dropout {
                guard (0..<1).contains(dropout.rate) else {
                    throw GraphError(
                        operation: "attention", message: "the rate of dropout must be in 0..<1, not \(dropout.rate)",
                        operands: [input.type], location: location)
                }
                if case .training = pass.mode {
                    return try operands.attention(allMasks) { try dropout($0, pass) }.joiningHeads()
                }
            }
            return try operands.attention(allMasks).joiningHeads()
        }
        return try output(joined, pass)
    }

    /// How much each position takes of each key, before dropout: `[b, heads, s, sk]`, to look at. Takes memory for all of them,
    /// which attention itself does not. torch.nn.MultiheadAttention with `need_weights` and without `average_attn_weights`.
    ///
    /// - Parameters: those of the call.
    public func weights(
        _ input: Tensor, keysFrom source: Tensor? = nil, bias: Tensor? = nil, mask: Tensor? = nil,
        keyLengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> Tensor {
        try pass.graph.at(location) {
            let masks = AttentionMasks(bias: bias, mask: mask, keyLengths: keyLengths, isCausal: isCausal)
            let (operands, allMasks) = try prepared(input, source, nil, masks, pass)
            return try operands.weights(allMasks)
        }
    }

    /// Queries, keys and values in heads, with what positions and a cache make of them and of the masks.
    private func prepared(
        _ input: Tensor, _ source: Tensor?, _ values: Tensor?, _ given: AttentionMasks, _ pass: ForwardPass
    ) throws -> (operands: AttentionOperands, masks: AttentionMasks) {
        var masks = given
        var operands = try projections(
            input, source, values, AttentionHeads(queries: heads, keys: keyValueHeads), pass, location)
        // Only a sequence that does not see what is to come can be gone on with.
        let decoding = isCausal && source == nil && values == nil ? pass.decoding : nil
        try positions?.rotate(&operands, decoding)
        if let decoding {
            guard masks.bias == nil, masks.mask == nil, masks.keyLengths == nil else {
                throw GraphError(
                    operation: "attention", message: "goes on from a cache with the causal mask alone",
                    operands: [input.type], location: location)
            }
            masks = try decoding.extend(&operands, pass, at: location)
        }
        try positions?.bias(&masks, operands, decoding)
        return (operands, masks)
    }
}

/// What makes queries, keys and values, with PyTorch's names and its beginning: Glorot and Bengio, 2010, over the three as
/// one matrix where they are one.
private struct AttentionProjections {
    private let weights: [Variable]
    private let bias: Variable?
    /// Rows of queries, and those of keys, which are as many as of values.
    private let (width, shared): (Int, Int)

    init(
        _ width: Int, shared: Int, keyWidth: Int, valueWidth: Int, hasBias: Bool, _ random: RandomSource,
        _ location: SourceLocation
    ) {
        func weight(_ name: String, _ rows: Int, _ columns: Int) -> Variable {
            Variable(name, of: "MultiHeadAttention", at: location) {
                try random.uniform([rows, columns], bound: (6 / Float(max(rows.plus(columns), 1))).squareRoot())
            }
        }
        let joined = width.plus(shared.times(2))
        if keyWidth == width, valueWidth == width {
            weights = [weight("in_proj_weight", joined, width)]
        } else {
            weights = [
                weight("q_proj_weight", width, width), weight("k_proj_weight", shared, keyWidth),
                weight("v_proj_weight", shared, valueWidth),
            ]
        }
        bias =
            hasBias
            ? Variable("in_proj_bias", of: "MultiHeadAttention", at: location) { try .filled(0, [joined]) } : nil
        (self.width, self.shared) = (width, shared)
    }

    var members: [LayerMember] { (weights + [bias].compactMap { $0 }).map { .variable($0.name, $0) } }

    /// Queries of `input`, keys of `source`, or the input, and values of `values`, or the source, in heads.
    func callAsFunction(
        _ input: Tensor, _ source: Tensor?, _ values: Tensor?, _ heads: AttentionHeads, _ pass: ForwardPass,
        _ location: SourceLocation
    ) throws -> AttentionOperands {
        let weights = try self.weights.map { try pass.read($0) }
        let bias = try bias.map { try pass.read($0) }
        /// Some of the rows of all projections, which `weights` has from `first` on.
        func projected(_ x: Tensor, _ weight: Tensor, from first: Int = 0, _ rows: Range<Int>) throws -> Tensor {
            let own = (rows.lowerBound - first)..<(rows.upperBound - first)
            let part = own.count == weight.shape[0] ? weight : try weight.sliced(axis: 0, own)
            let product = try x.matMul(part, transposeOther: true)
            guard let bias else { return product }
            return try product.plusBias(rows.count == bias.shape[0] ? bias : bias.sliced(axis: 0, rows))
        }
        let (keyRows, valueRows) = (width..<(width + shared), (width + shared)..<(width + 2 * shared))
        if weights.count == 1, values == nil {
            guard let source else {
                return try projected(input, weights[0], 0..<valueRows.upperBound)
                    .splittingSelfAttention(heads, at: location)
            }
            return try projected(input, weights[0], 0..<width).splitting(
                keysAndValues: projected(source, weights[0], width..<valueRows.upperBound), heads, at: location)
        }
        let keys = source ?? input
        let isOne = weights.count == 1
        return try projected(input, weights[0], 0..<width).splitting(
            keys: projected(keys, isOne ? weights[0] : weights[1], from: isOne ? 0 : width, keyRows),
            values: projected(
                values ?? keys, isOne ? weights[0] : weights[2], from: isOne ? 0 : width + shared, valueRows),
            heads, at: location)
    }
}
