/// What a variable in another type is known by.
struct AutocastKey: Hashable {
    var variable: Value
    var dtype: DType
}

extension Graph {
    /// Adds what `body` builds in mixed precision: products, convolutions, recurrences and attention in a 16-bit type, what
    /// soon leaves that type's range in float32, everything else in the types that come. torch.autocast.
    ///
    /// | operands are brought to | operations |
    /// | --- | --- |
    /// | the 16-bit type | `matMul`, convolutions, `rnn`, `lstm`, `gru`, `attention` |
    /// | float32 | `softmax`, `logSoftmax`, `crossEntropy`; layer, group and root mean square normalisation; sums, means, products, `cumsum`, `cumprod`; `exp`, `expm1`, `log`, `power`, `square`, `reciprocal`, `rsqrt`, `softplus`, `tan`, `asin`, `acos`, `sinh`, `cosh`, a number divided by a tensor |
    /// | the widest of their types | other functions of two tensors, `select`, concatenation, `scatter` |
    ///
    /// These are PyTorch's lists (“CUDA Ops that can autocast”), but that PyTorch leaves `mean` in 16 bits. The losses of the
    /// library widen what they are given. Variables stay what they are: each is converted once in a graph, and its gradient
    /// is of its own type. Batch normalisation reads 16 bits beside a float32 scale and bias.
    ///
    /// Gradients, inside `body` too, are computed in the types that the forward pass has come to. Within another call, the
    /// inner type holds; float32 turns it off.
    /// - Parameter dtype: float16, bfloat16, or float32 for no casts at all.
    /// - Throws: ``GraphError`` for another type, and what `body` throws.
    public func autocast<Result>(
        to dtype: DType, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
    ) throws -> Result {
        guard dtype.isHalf || dtype == .float32 else {
            throw GraphError(
                operation: "autocast", message: "casts to float16 or bfloat16, or to float32 for none, not to \(dtype)",
                location: SourceLocation(file: file, line: line))
        }
        let outer = autocastType
        autocastType = dtype.isHalf ? dtype : nil
        defer { autocastType = outer }
        return try body()
    }

    /// Whether what is added now is cast to a 16-bit type where that serves it.
    package var isAutocasting: Bool { autocastType != nil }

    /// The operands as an operation takes them. float64 is nobody's to narrow.
    func autocasted(_ operands: [Tensor], for op: Op, at location: SourceLocation?) throws(GraphError) -> [Tensor] {
        guard let autocastType, !operands.isEmpty, operands.allSatisfy({ $0.graph === self && $0.dtype != .float64 })
        else { return operands }
        let target: DType
        switch op.traits.autocast {
        case .lower: target = autocastType
        case .float32: target = .float32
        case .widest:
            let types = Set(operands.lazy.map(\.dtype).filter(\.isFloatingPoint))
            guard types.count > 1 else { return operands }
            target = .float32
        case .asGiven: return operands
        }
        var casted: [Tensor] = []
        for operand in operands {
            let isCast = operand.dtype.isFloatingPoint && operand.dtype != target
            casted.append(isCast ? try autocasted(operand, to: target, at: location) : operand)
        }
        return casted
    }

    private func autocasted(
        _ tensor: Tensor, to dtype: DType, at location: SourceLocation?
    ) throws(GraphError) -> Tensor {
        guard case .variable = tensor.node.op else { return try add(.cast(dtype), [tensor], at: location)[0] }
        let key = AutocastKey(variable: tensor.value, dtype: dtype)
        if let known = autocastVariables[key] { return known }
        let made = try add(.cast(dtype), [tensor], at: location)[0]
        autocastVariables[key] = made
        return made
    }
}

extension Tensor {
    /// This tensor in float32 where a pass that casts by itself has brought it to 16 bits.
    package func autocastToFloat32() throws(GraphError) -> Tensor {
        graph.isAutocasting && dtype.isHalf ? try cast(to: .float32) : self
    }

    /// This product plus a bias, which a pass that casts by itself brings to the product's type.
    package func plusBias(_ bias: Tensor) throws(GraphError) -> Tensor {
        try self + (graph.isAutocasting ? bias.cast(to: dtype) : bias)
    }
}
