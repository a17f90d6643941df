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
    package var epsilon: Double
    package init(epsilon: Double = 1e-5) { self.epsilon = epsilon }
}

extension ShapeRule {
    private func normalization(_ attributes: Normalization, features: Int) throws {
        try magnitude(attributes.epsilon, "epsilon")
        try require(operands.count >= 3, "takes an input, a scale and a bias")
        try floating()
        try shape(1, [features], "the scale")
        try shape(2, [features], "the bias")
    }

    package func layerNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(3)
        let x = operands[0]
        try require(x.shape.rank >= 1, "needs a last axis")
        try normalization(attributes, features: x.shape[x.shape.rank - 1])
        let rows = x.shape.dimensions.dropLast().reduce(1, *)
        return [x, TensorType([rows], x.dtype), TensorType([rows], x.dtype)]
    }

    package func layerNormGradient(_ attributes: Normalization) throws -> [TensorType] {
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

    package func batchNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(3)
        try rank(0, 4, "[n, c, h, w]")
        let x = operands[0]
        try normalization(attributes, features: x.shape[1])
        return [x, TensorType([x.shape[1]], x.dtype), TensorType([x.shape[1]], x.dtype)]
    }

    package func batchNormGradient(_ attributes: Normalization) throws -> [TensorType] {
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
    package func layerNorm(_ attributes: Normalization) -> OpTraits { normalization(.layerNorm, empty: .nan) }

    package func layerNormGradient(_ attributes: Normalization) -> OpTraits {
        normalization(.layerNormGradient, empty: 0)
    }

    package func batchNorm(_ attributes: Normalization) -> OpTraits { normalization(.batchNorm, empty: .nan) }

    package func batchNormGradient(_ attributes: Normalization) -> OpTraits {
        normalization(.batchNormGradient, empty: 0)
    }

    private func normalization(_ kind: OpKind, empty: Double) -> OpTraits {
        OpTraits(
            kind, .computation, overEmptyOperands: .fill(empty), halfTypes: .converted,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func layerNorm(_ attributes: Normalization) throws -> [Tensor?] {
        try requireNoCotangent(1, "the mean of layerNorm")
        try requireNoCotangent(2, "the deviation of layerNorm")
        return try graph.add(
            .layerNormGradient(attributes), [operands[0], operands[1], results[1], results[2], try cotangent()])
    }

    package func batchNorm(_ attributes: Normalization) throws -> [Tensor?] {
        try requireNoCotangent(1, "the mean of batchNorm")
        try requireNoCotangent(2, "the variance of batchNorm")
        return try graph.add(
            .batchNormGradient(attributes), [operands[0], operands[1], results[1], results[2], try cotangent()])
    }

    package func layerNormGradient(_ attributes: Normalization) throws -> [Tensor?] { throw noGradient() }
    package func batchNormGradient(_ attributes: Normalization) throws -> [Tensor?] { throw noGradient() }
}

extension Tensor {
    /// Layer normalisation over the last axis.
    ///
    /// - Throws: ``GraphError`` where `scale` or `bias` is not as long as the last axis.
    public func layerNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.layerNorm(Normalization(epsilon: epsilon)), [scale, bias], file: file, line: line)
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
            .batchNorm(Normalization(epsilon: epsilon)), [self, scale, bias], at: SourceLocation(file: file, line: line)
        )
        return (results[0], results[1], results[2])
    }
}
