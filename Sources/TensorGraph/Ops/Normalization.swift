/// Normalisation to zero mean and unit variance, with a scale and a bias.
///
/// `y = (x - mean) / sqrt(variance + epsilon) · scale + bias`, with the biased variance.
/// - layerNorm: over the last axis. x `[..., n]`, scale `[n]`, bias `[n]` → y like x, mean `[rows]`, inverse standard
///   deviation `1 / sqrt(variance + epsilon)` `[rows]`, with rows the product of the leading extents.
///   Gradient: x, scale, mean, inverse deviation, dy → dx, dscale, dbias. Ba et al., 2016; ONNX LayerNormalization.
/// - batchNorm: over all axes but the second. x `[n, c, h, w]`, scale `[c]`, bias `[c]` → y, mean `[c]`, variance `[c]`.
///   Gradient: x, scale, mean, variance, dy → dx, dscale, dbias. Ioffe and Szegedy, 2015; ONNX BatchNormalization in
///   training mode.
package struct Normalization: Hashable, Sendable {
    /// What shares a mean and a variance.
    package enum Statistics: Hashable, Sendable { case layer, batch }

    package var statistics: Statistics
    package var epsilon: Double
    package var pass: Pass

    package init(_ statistics: Statistics, epsilon: Double = 1e-5, _ pass: Pass = .forward) {
        self.statistics = statistics
        self.epsilon = epsilon
        self.pass = pass
    }
}

extension ShapeRule {
    package func normalization(_ attributes: Normalization) throws -> [TensorType] {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): try layerNorm(attributes)
        case (.layer, .gradient): try layerNormGradient()
        case (.batch, .forward): try batchNorm(attributes)
        case (.batch, .gradient): try batchNormGradient()
        }
    }

    private func normalization(_ attributes: Normalization, features: Int) throws {
        try magnitude(attributes.epsilon, "epsilon")
        try require(operands.count >= 3, "takes an input, a scale and a bias")
        try floating()
        try shape(1, [features], "the scale")
        try shape(2, [features], "the bias")
    }

    private func layerNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(3)
        let x = operands[0]
        try require(x.shape.rank >= 1, "needs a last axis")
        try normalization(attributes, features: x.shape[x.shape.rank - 1])
        let rows = x.shape.dimensions.dropLast().reduce(1, *)
        return [x, TensorType([rows], x.dtype), TensorType([rows], x.dtype)]
    }

    private func layerNormGradient() throws -> [TensorType] {
        try count(5)
        try floating()
        let (x, scale) = (operands[0], operands[1])
        try require(x.shape.rank >= 1, "needs a last axis")
        try shape(1, [x.shape[x.shape.rank - 1]], "the scale")
        let rows = x.shape.dimensions.dropLast().reduce(1, *)
        try shape(2, [rows], "the mean")
        try shape(3, [rows], "the inverse standard deviation")
        try shape(4, x.shape, "the cotangent")
        return [x, scale, scale]
    }

    private func batchNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(3)
        try rank(0, 4, "[n, c, h, w]")
        let x = operands[0]
        try normalization(attributes, features: x.shape[1])
        return [x, TensorType([x.shape[1]], x.dtype), TensorType([x.shape[1]], x.dtype)]
    }

    private func batchNormGradient() throws -> [TensorType] {
        try count(5)
        try floating()
        try rank(0, 4, "[n, c, h, w]")
        let (x, scale) = (operands[0], operands[1])
        try shape(1, [x.shape[1]], "the scale")
        try shape(2, scale.shape, "the mean")
        try shape(3, scale.shape, "the variance")
        try shape(4, x.shape, "the cotangent")
        return [x, scale, scale]
    }
}

extension TraitsRule {
    package func normalization(_ attributes: Normalization) -> OpTraits {
        let kind: OpKind =
            switch (attributes.statistics, attributes.pass) {
            case (.layer, .forward): .layerNorm
            case (.layer, .gradient): .layerNormGradient
            case (.batch, .forward): .batchNorm
            case (.batch, .gradient): .batchNormGradient
            }
        // Nothing has no mean; its share of the gradients of scale and bias is 0.
        return OpTraits(
            kind, .computation, overEmptyOperands: .fill(attributes.pass == .forward ? .nan : 0),
            halfTypes: .converted, flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func normalization(_ attributes: Normalization) throws -> [Tensor?] {
        guard attributes.pass == .forward else { throw noGradient() }
        switch attributes.statistics {
        case .layer:
            try requireNoCotangent(1, "the mean of layerNorm")
            try requireNoCotangent(2, "the deviation of layerNorm")
        case .batch:
            try requireNoCotangent(1, "the mean of batchNorm")
            try requireNoCotangent(2, "the variance of batchNorm")
        }
        let gradient = Normalization(attributes.statistics, epsilon: attributes.epsilon, .gradient)
        return try graph.add(
            .normalization(gradient), [operands[0], operands[1], results[1], results[2], try cotangent()])
    }
}

extension Tensor {
    /// Layer normalisation over the last axis.
    ///
    /// - Throws: ``GraphError`` where `scale` or `bias` is not as long as the last axis.
    public func layerNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.normalization(Normalization(.layer, epsilon: epsilon)), [scale, bias], file: file, line: line)
    }

    /// Batch normalisation of this `[n, c, h, w]` with the batch's own statistics.
    ///
    /// - Returns: the normalised tensor and each channel's mean and biased variance, `[c]`, through which no gradient
    ///   may be asked for.
    /// - Throws: ``GraphError`` where `scale` or `bias` is not `[c]`.
    public func batchNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (normalized: Tensor, mean: Tensor, variance: Tensor) {
        let results = try graph.add(
            .normalization(Normalization(.batch, epsilon: epsilon)), [self, scale, bias],
            at: SourceLocation(file: file, line: line)
        )
        return (results[0], results[1], results[2])
    }
}
