/// Into how many heads the last axis goes.
struct AttentionHeads {
    var queries: Int
    var keys: Int
}

/// What ``Tensor/attention(keys:values:bias:mask:keyLengths:isCausal:scale:file:line:)`` takes besides.
struct AttentionMasks {
    var bias: Tensor?
    var mask: Tensor?
    var keyLengths: Tensor?
    var isCausal: Bool
}

/// Queries `[b, heads, s, d]`, keys and values `[b, g, sk, d]`.
struct AttentionOperands {
    var queries: Tensor
    var keys: Tensor
    var values: Tensor

    func attention(_ masks: AttentionMasks) throws -> Tensor {
        try queries.attention(
            keys: keys, values: values, bias: masks.bias, mask: masks.mask, keyLengths: masks.keyLengths,
            isCausal: masks.isCausal)
    }

    /// The same with all weights in memory, for `changing` to change them.
    func attention(_ masks: AttentionMasks, changing: (Tensor) throws -> Tensor) throws -> Tensor {
        let (batch, heads, steps) = (queries.shape[0], queries.shape[1], queries.shape[2])
        let (keyHeads, count) = (keys.shape[1], keys.shape[2])
        let rows = heads / max(keyHeads, 1) * steps
        return try changing(weights(masks)).reshaped(to: [batch, keyHeads, rows, count]).matMul(values)
            .reshaped(to: [batch, heads, steps, values.shape[3]])
    }

    /// How much each query takes of each value: `[b, heads, s, sk]`, rows of which add up to 1, or to 0 where nothing is seen.
    func weights(_ masks: AttentionMasks) throws -> Tensor {
        let graph = queries.graph
        let (batch, heads, steps, width) = (
            queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3]
        )
        let (keyHeads, count) = (keys.shape[1], keys.shape[2])
        let (scores, rows): (Shape, Int) = ([batch, heads, steps, count], heads / max(keyHeads, 1) * steps)
        // Heads that share keys are the rows of one.
        var weights =
            try queries.reshaped(to: [batch, keyHeads, rows, width])
            .matMul(keys, transposeOther: true).reshaped(to: scores) * (1 / Double(max(width, 1)).squareRoot())
        var visible: [Tensor] = []
        let places = try graph.constant(HostTensor([count], (0..<count).map { Int32($0) }))
        if masks.isCausal {
            let ends = try graph.constant(HostTensor([steps, 1], (0..<steps).map { Int32($0 + 1) }))
            visible.append(try places.less(than: ends))
        }
        if let lengths = masks.keyLengths {
            guard lengths.type == TensorType([batch], .int32) else {
                throw GraphError(
                    operation: "attention", message: "the key lengths must be int32[\(batch)]", operands: [lengths.type]
                )
            }
            visible.append(try places.less(than: lengths.reshaped(to: [batch, 1, 1, 1])))
        }
        if let mask = masks.mask { visible.append(mask) }
        if let bias = masks.bias {
            weights = try weights + bias
            visible.append(try bias.greater(than: -.infinity))
        }
        // No infinity: a row that sees nothing would have NaN in its softmax, and in its gradient.
        let (hidden, zero) = (
            try graph.fill(weights.dtype == .float16 ? -6e4 : -1e30, [], weights.dtype),
            try graph.fill(0, [], weights.dtype)
        )
        for mask in visible { weights = try .select(mask, weights, hidden) }
        guard weights.shape == scores else {
            throw GraphError(
                operation: "attention", message: "a mask or bias does not broadcast to the scores \(scores)",
                operands: visible.map(\.type))
        }
        weights = try weights.softmax()
        for mask in visible { weights = try .select(mask, weights, zero) }
        if let lengths = masks.keyLengths { graph.check(lengths, in: 0..<(count + 1), "key lengths", of: weights) }
        return weights
    }
}

extension Tensor {
    /// Attention over queries, keys and values that lie side by side: `[b, s, 3·width]` → `[b, s, width]`, with the
    /// width in `heads` equal parts.
    ///
    /// - Throws: ``GraphError`` where the last axis is not three widths that the heads divide.
    public func selfAttention(
        heads: Int, isCausal: Bool, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let location = SourceLocation(file: file, line: line)
        return try graph.at(location) {
            try splittingSelfAttention(AttentionHeads(queries: heads, keys: heads), at: location)
                .attention(AttentionMasks(isCausal: isCausal)).joiningHeads()
        }
    }

    /// Queries, keys and values that lie side by side, `[b, s, (heads + 2·g)·d]`, in heads.
    func splittingSelfAttention(_ heads: AttentionHeads, at location: SourceLocation) throws -> AttentionOperands {
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
        guard heads.queries == heads.keys else {
            let queries = heads.queries * (shape[2] / all)
            return try sliced(axis: 2, 0..<queries).splitting(
                keysAndValues: sliced(axis: 2, queries..<shape[2]), heads, at: location)
        }
        let parts = try splitting(3, heads: heads.queries)
        return AttentionOperands(queries: parts[0], keys: parts[1], values: parts[2])
    }

    /// Queries `[b, s, heads·d]` and keys and values that lie side by side, `[b, sk, 2·g·d]`, in heads.
    func splitting(
        keysAndValues others: Tensor, _ heads: AttentionHeads, at location: SourceLocation
    ) throws -> AttentionOperands {
        guard shape.rank == 3, others.shape.rank == 3, heads.queries >= 1, heads.keys >= 1,
            shape[2] % heads.queries == 0, others.shape[2] == shape[2] / heads.queries * heads.keys * 2
        else {
            throw GraphError(
                operation: "attention",
                message:
                    "needs [b, s, width] and keys and values [b, sk, 2·width], of \(heads.queries) and \(heads.keys) heads",
                operands: [type, others.type], location: location)
        }
        let parts = try others.splitting(2, heads: heads.keys)
        return AttentionOperands(
            queries: try splitting(1, heads: heads.queries)[0], keys: parts[0], values: parts[1])
    }

    /// Queries `[b, s, heads·d]`, keys and values `[b, sk, g·d]`, in heads.
    func splitting(
        keys: Tensor, values: Tensor, _ heads: AttentionHeads, at location: SourceLocation
    ) throws -> AttentionOperands {
        guard shape.rank == 3, keys.shape.rank == 3, values.shape == keys.shape, heads.queries >= 1, heads.keys >= 1,
            shape[2] % heads.queries == 0, keys.shape[2] == shape[2] / heads.queries * heads.keys
        else {
            throw GraphError(
                operation: "attention",
                message:
                    "needs [b, s, width], keys and values [b, sk, width], of \(heads.queries) and \(heads.keys) heads",
                operands: [type, keys.type, values.type], location: location)
        }
        return AttentionOperands(
            queries: try splitting(1, heads: heads.queries)[0], keys: try keys.splitting(1, heads: heads.keys)[0],
            values: try values.splitting(1, heads: heads.keys)[0])
    }

    /// Several tensors side by side, `[b, s, count·heads·d]`, each as `[b, heads, s, d]`.
    private func splitting(_ count: Int, heads: Int) throws -> [Tensor] {
        let (batch, steps, width) = (shape[0], shape[1], shape[2] / (count * heads))
        let split = try reshaped(to: [batch, steps, count, heads, width]).transposed([2, 0, 3, 1, 4])
        return try (0..<count).map {
            try split.sliced(axis: 0, $0..<($0 + 1)).reshaped(to: [batch, heads, steps, width])
        }
    }

    /// `[b, heads, s, d]` → `[b, s, heads·d]`.
    func joiningHeads() throws -> Tensor {
        try transposed([0, 2, 1, 3]).reshaped(to: [shape[0], shape[2], shape[1] * shape[3]])
    }
}
