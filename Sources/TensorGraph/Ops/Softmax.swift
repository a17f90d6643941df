// Softmax and the losses built on it. All work on the last axis.
//
// softmax               x [..., n] → y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ with m the row's maximum
// softmaxGradient       y, dy → dx = y · (dy - Σ y·dy)
// logSoftmax            x [..., n] → y = x - m - ln Σ eˣ⁻ᵐ
// logSoftmaxGradient    y, dy → dx = dy - eʸ · Σ dy
// crossEntropy          logits x [rows, classes], labels int32 [rows] → loss [rows], statistics [rows, 2]:
//                       loss = m - x[label] + ln Σ eˣ⁻ᵐ; a negative label is ignored (loss 0), one of at least
//                       `classes` gives NaN, as no kernel can throw. The statistics are m and 1 / Σ eˣ⁻ᵐ, in float32
//                       where x has 16 bits
// crossEntropyGradient  logits, labels, statistics, dloss [rows] → dlogits [rows, classes]:
//                       (eˣ⁻ᵐ / Σ eˣ⁻ᵐ - [class = label]) · dloss; a row of zeros for a negative label and of NaN for
//                       one too large
//
// What is stored between two passes is m and the sum, never m + ln Σ: next to a large m the logarithm is rounded away.
//
// ONNX Softmax, LogSoftmax, SoftmaxCrossEntropyLoss; torch.nn.functional.cross_entropy.

package struct SoftmaxFunction: Hashable, Sendable {
    /// Whether the result is the logarithm.
    package var isLogarithmic: Bool
    package var pass: Pass

    package init(isLogarithmic: Bool = false, _ pass: Pass = .forward) {
        self.isLogarithmic = isLogarithmic
        self.pass = pass
    }

    package static let plain = SoftmaxFunction()
    package static let logarithmic = SoftmaxFunction(isLogarithmic: true)
}

extension ShapeRule {
    package func softmax(_ attributes: SoftmaxFunction) throws -> [TensorType] {
        switch attributes.pass {
        case .forward:
            try count(1)
            try floating()
            try require(operands[0].shape.rank >= 1, "needs a last axis")
        case .gradient:
            try count(2)
            try floating()
            try shape(1, operands[0].shape, "the cotangent")
        }
        return [operands[0]]
    }

    package func crossEntropy(_ pass: Pass) throws -> [TensorType] {
        switch pass {
        case .forward: try crossEntropy()
        case .gradient: try crossEntropyGradient()
        }
    }

    private func crossEntropy() throws -> [TensorType] {
        try count(2)
        try floating(0)
        try rank(0, 2, "logits [rows, classes]")
        try integers(1, "the labels")
        let rows = operands[0].shape[0]
        try shape(1, [rows], "the labels")
        try require(operands[0].shape[1] > 0, "there are no classes")
        return [TensorType([rows], operands[0].dtype), TensorType([rows, 2], operands[0].dtype.computed)]
    }

    private func crossEntropyGradient() throws -> [TensorType] {
        try count(4)
        _ = try ShapeRule(operands: Array(operands[..<2])).crossEntropy()
        try floating(0, 3)
        try statistics(2, [operands[0].shape[0], 2], "the statistics")
        try shape(3, [operands[0].shape[0]], "the cotangent")
        return [operands[0]]
    }
}

extension TraitsRule {
    package func softmax(_ attributes: SoftmaxFunction) -> OpTraits {
        switch (attributes.isLogarithmic, attributes.pass) {
        case (false, .forward): rowwise(.softmax)
        case (false, .gradient): rowwise(.softmaxGradient)
        case (true, .forward): rowwise(.logSoftmax)
        case (true, .gradient): rowwise(.logSoftmaxGradient)
        }
    }

    package func crossEntropy(_ pass: Pass) -> OpTraits {
        switch pass {
        case .forward: rowwise(.crossEntropy)
        case .gradient: rowwise(.crossEntropyGradient)
        }
    }

    private func rowwise(_ kind: OpKind) -> OpTraits {
        OpTraits(
            kind, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .float32,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func softmax(_ attributes: SoftmaxFunction) throws -> [Tensor?] {
        guard attributes.pass == .forward else { throw noGradient() }
        let gradient = SoftmaxFunction(isLogarithmic: attributes.isLogarithmic, .gradient)
        return [try graph.add(.softmax(gradient), [results[0], try cotangent()])[0]]
    }

    package func crossEntropy(_ pass: Pass) throws -> [Tensor?] {
        guard pass == .forward else { throw noGradient() }
        try requireNoCotangent(1, "the statistics of crossEntropy")
        let operands = [operands[0], operands[1], results[1], try cotangent()]
        return [try graph.add(.crossEntropy(.gradient), operands)[0], nil]
    }
}

extension Tensor {
    /// Applies a last-axis operation along any axis by exchanging the two axes before and after.
    private func along(
        _ axis: Int, _ op: Op, file: StaticString, line: UInt
    ) throws(GraphError) -> Tensor {
        let axis = axis < 0 ? axis + shape.rank : axis
        guard (0..<shape.rank).contains(axis) else {
            throw graph.failure(
                op.name, "there is no axis \(axis) in \(shape)", [self], at: SourceLocation(file: file, line: line))
        }
        if axis == shape.rank - 1 { return try apply(op, file: file, line: line) }
        var permutation = Array(0..<shape.rank)
        permutation.swapAt(axis, shape.rank - 1)
        return try transposed(permutation, file: file, line: line).apply(op, file: file, line: line)
            .transposed(permutation, file: file, line: line)
    }

    /// The softmax along `axis`, by default the last.
    public func softmax(axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try along(axis, .softmax(.plain), file: file, line: line)
    }

    /// The logarithm of the softmax along `axis`, by default the last.
    public func logSoftmax(
        axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try along(axis, .softmax(.logarithmic), file: file, line: line)
    }

    /// The cross-entropy of each row of these logits `[rows, classes]` with int32 labels `[rows]`.
    ///
    /// The result is `[rows]`. A run with a label of at least `classes` is an error.
    ///
    /// - Parameter ignoresNegativeLabels: whether the loss of a row with a negative label is 0; a run with one is an error
    ///   otherwise.
    public func crossEntropy(
        labels: Tensor, ignoresNegativeLabels: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let losses = try apply(.crossEntropy(.forward), [labels], file: file, line: line)
        graph.check(labels, in: (ignoresNegativeLabels ? .min : 0)..<shape[1], "labels", of: losses)
        return losses
    }
}
