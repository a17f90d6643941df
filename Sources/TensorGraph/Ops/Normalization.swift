/// Normalisation to zero mean and unit variance, with a scale and a bias, or to a mean square of 1, with a scale alone.
///
/// `y = (x - mean) / sqrt(variance + epsilon) · scale + bias`, with the biased variance.
/// - layerNorm: over the last axis. x `[..., n]`, scale `[n]`, bias `[n]` → y like x, mean `[rows]`, inverse standard
///   deviation `1 / sqrt(variance + epsilon)` `[rows]`, with rows the product of the leading extents.
///   Gradient: x, scale, mean, inverse deviation, dy → dx, dscale, dbias. Ba et al., 2016; ONNX LayerNormalization.
/// - rmsNorm: `y = x / sqrt(mean of x² + epsilon) · scale` over the last axis. x `[..., n]`, scale `[n]` → y like x, inverse
///   root `1 / sqrt(mean of x² + epsilon)` `[rows]`. Gradient: x, scale, inverse root, dy → dx, dscale. Zhang and Sennrich,
///   2019; ONNX RMSNormalization.
/// - groupNorm: over each of so many groups of neighbouring channels of each example. x `[n, c, …]`, scale `[c]`, bias `[c]`
///   → y, mean `[n · groups]`, inverse standard deviation `[n · groups]`. Gradient: x, scale, mean, inverse deviation, dy →
///   dx, dscale, dbias. Wu and He, 2018; with a group a channel, instance normalisation (Ulyanov et al., 2016).
/// - batchNorm: over all axes but the second. x `[n, c, h, w]`, scale `[c]`, bias `[c]` → y, mean `[c]`, variance `[c]`.
///   Gradient: x, scale, mean, variance, dy → dx, dscale, dbias. Ioffe and Szegedy, 2015; ONNX BatchNormalization in
///   training mode.
///
/// What is computed of the statistics' own kind (means, variances, deviations) is float32 where x has 16 bits. There, scale and
/// bias of batchNorm, and their gradients, may be float32 too.
package struct Normalization: Hashable, Sendable {
    /// What shares a mean and a variance.
    package enum Statistics: Hashable, Sendable {
        case layer, rootMeanSquare, batch
        case group(count: Int)
    }

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
        case (.rootMeanSquare, .forward): try rmsNorm(attributes)
        case (.rootMeanSquare, .gradient): try rmsNormGradient()
        case (.group(let count), .forward): try groupNorm(attributes, groups: count)
        case (.group(let count), .gradient): try groupNormGradient(groups: count)
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
        return [x, TensorType([rows], x.dtype.computed), TensorType([rows], x.dtype.computed)]
    }

    private func layerNormGradient() throws -> [TensorType] {
        try count(5)
        try floating(0, 1, 4)
        let (x, scale) = (operands[0], operands[1])
        try require(x.shape.rank >= 1, "needs a last axis")
        try shape(1, [x.shape[x.shape.rank - 1]], "the scale")
        let rows = x.shape.dimensions.dropLast().reduce(1, *)
        try statistics(2, [rows], "the mean")
        try statistics(3, [rows], "the inverse standard deviation")
        try shape(4, x.shape, "the cotangent")
        return [x, scale, scale]
    }

    /// The rows of the first operand along its last axis, whose features the scale has.
    private func rows() throws -> Int {
        let x = operands[0].shape
        try require(x.rank >= 1, "needs a last axis")
        try shape(1, [x[x.rank - 1]], "the scale")
        return x.dimensions.dropLast().reduce(1, *)
    }

    private func rmsNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(2)
        try magnitude(attributes.epsilon, "epsilon")
        try floating()
        return [operands[0], TensorType([try rows()], operands[0].dtype.computed)]
    }

    private func rmsNormGradient() throws -> [TensorType] {
        try count(4)
        try floating(0, 1, 3)
        try statistics(2, [try rows()], "the inverse root of the mean square")
        try shape(3, operands[0].shape, "the cotangent")
        return [operands[0], operands[1]]
    }

    /// What the first operand has of groups in all.
    private func rows(groups: Int) throws -> Int {
        let x = operands[0].shape
        try require(x.rank >= 2, "needs an axis of examples and one of channels")
        try require(
            groups > 0 && x[1] % groups == 0, "\(x[1]) channels cannot be divided into \(groups) groups of equal size")
        return x[0] * groups
    }

    private func groupNorm(_ attributes: Normalization, groups: Int) throws -> [TensorType] {
        try count(3)
        let rows = try rows(groups: groups), x = operands[0]
        try normalization(attributes, features: x.shape[1])
        return [x, TensorType([rows], x.dtype.computed), TensorType([rows], x.dtype.computed)]
    }

    private func groupNormGradient(groups: Int) throws -> [TensorType] {
        try count(5)
        try floating(0, 1, 4)
        let rows = try rows(groups: groups), (x, scale) = (operands[0], operands[1])
        try shape(1, [x.shape[1]], "the scale")
        try statistics(2, [rows], "the mean")
        try statistics(3, [rows], "the inverse standard deviation")
        try shape(4, x.shape, "the cotangent")
        return [x, scale, scale]
    }

    private func batchNorm(_ attributes: Normalization) throws -> [TensorType] {
        try count(3)
        try rank(0, 4, "[n, c, h, w]")
        let x = operands[0]
        try magnitude(attributes.epsilon, "epsilon")
        try floating(0)
        try floating(1, 2)
        try shape(1, [x.shape[1]], "the scale")
        try shape(2, [x.shape[1]], "the bias")
        try scaleFits()
        let statistics = TensorType([x.shape[1]], x.dtype.computed)
        return [x, statistics, statistics]
    }

    /// The scale is of the first operand's type, or of that which it is computed in.
    private func scaleFits() throws {
        let (x, scale) = (operands[0].dtype, operands[1].dtype)
        try require(
            scale == x || scale == x.computed, "the scale must be \(x.computed) or like the input \(x), not \(scale)")
    }

    private func batchNormGradient() throws -> [TensorType] {
        try count(5)
        try floating(0, 4)
        try floating(1)
        try scaleFits()
        try rank(0, 4, "[n, c, h, w]")
        let (x, scale) = (operands[0], operands[1])
        try shape(1, [x.shape[1]], "the scale")
        try statistics(2, scale.shape, "the mean")
        try statistics(3, scale.shape, "the variance")
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
            case (.rootMeanSquare, .forward): .rmsNorm
            case (.rootMeanSquare, .gradient): .rmsNormGradient
            case (.group, .forward): .groupNorm
            case (.group, .gradient): .groupNormGradient
            case (.batch, .forward): .batchNorm
            case (.batch, .gradient): .batchNormGradient
            }
        // Nothing has no mean; its share of the gradients of scale and bias is 0.
        return OpTraits(
            kind, .computation, overEmptyOperands: .fill(attributes.pass == .forward ? .nan : 0),
            halfTypes: .converted, autocast: attributes.statistics == .batch ? .asGiven : .float32,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func normalization(_ attributes: Normalization) throws -> [Tensor?] {
        guard attributes.pass == .forward else { throw noGradient() }
        switch attributes.statistics {
        case .layer:
            try requireNoCotangent(1, "the mean of layerNorm")
            try requireNoCotangent(2, "the deviation of layerNorm")
        case .group:
            try requireNoCotangent(1, "the mean of groupNorm")
            try requireNoCotangent(2, "the deviation of groupNorm")
        case .rootMeanSquare:
            try requireNoCotangent(1, "the root of rmsNorm")
        case .batch:
            try requireNoCotangent(1, "the mean of batchNorm")
            try requireNoCotangent(2, "the variance of batchNorm")
        }
        let gradient = Normalization(attributes.statistics, epsilon: attributes.epsilon, .gradient)
        let (x, scale) = (operands[0], operands[1])
        return try graph.add(.normalization(gradient), [x, scale] + results.dropFirst() + [try cotangent()])
    }
}

extension Tensor {
    /// Layer normalisation over the last axes: those that `scale` and `bias` have, mostly one. torch.nn.functional.layer_norm.
    ///
    /// - Throws: ``GraphError`` where the last axes are not of the shape of `scale` and `bias`.
    public func layerNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try overLastAxes(.layer, epsilon, [scale, bias], SourceLocation(file: file, line: line))
    }

    /// Root mean square normalisation over the last axes, those that `scale` has, mostly one:
    /// `self / sqrt(mean of squares + epsilon) · scale`. Zhang and Sennrich, 2019; torch.nn.functional.rms_norm, whose epsilon
    /// is by default that of the type.
    ///
    /// - Throws: ``GraphError`` where the last axes are not of the shape of `scale`.
    public func rmsNorm(
        scale: Tensor, epsilon: Double = 0x1p-23, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try overLastAxes(.rootMeanSquare, epsilon, [scale], SourceLocation(file: file, line: line))
    }

    /// The axes that the parameters have, seen as one.
    private func overLastAxes(
        _ statistics: Normalization.Statistics, _ epsilon: Double, _ parameters: [Tensor], _ location: SourceLocation
    ) throws(GraphError) -> Tensor {
        let op = Op.normalization(Normalization(statistics, epsilon: epsilon))
        let axes = parameters[0].shape
        guard axes.rank > 1, shape.rank >= axes.rank, parameters.allSatisfy({ $0.shape == axes }),
            shape.dimensions.suffix(axes.rank) == axes.dimensions[...]
        else { return try graph.add(op, [self] + parameters, at: location)[0] }
        let features = axes.elementCount
        let rows = shape.dimensions.dropLast(axes.rank).reduce(1, *)
        var flat: [Tensor] = try [graph.add(.reshape([rows, features]), [self], at: location)[0]]
        for parameter in parameters { flat.append(try graph.add(.reshape([features]), [parameter], at: location)[0]) }
        let normalized = try graph.add(op, flat, at: location)[0]
        return try graph.add(.reshape(shape), [normalized], at: location)[0]
    }

    /// Group normalisation of this `[n, c, …]`: over each of `groups` groups of neighbouring channels of each example, with a
    /// scale and a bias for each channel. Wu and He, 2018; torch.nn.functional.group_norm.
    ///
    /// - Throws: ``GraphError`` where `groups` does not divide the channels, or `scale` or `bias` is not `[c]`.
    public func groupNorm(
        groups: Int, scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(
            .normalization(Normalization(.group(count: groups), epsilon: epsilon)), [scale, bias], file: file,
            line: line)
    }

    /// Instance normalisation of this `[n, c, …]`: of each channel of each example by itself. Ulyanov et al., 2016;
    /// torch.nn.functional.instance_norm.
    ///
    /// - Throws: ``GraphError`` where there is no axis of channels, or `scale` or `bias` is not `[c]`.
    public func instanceNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        // Without channels, a group of none.
        let groups = shape.rank < 2 ? 1 : max(shape[1], 1)
        return try groupNorm(groups: groups, scale: scale, bias: bias, epsilon: epsilon, file: file, line: line)
    }

    /// Batch normalisation of this `[n, c, …]` with the batch's own statistics.
    ///
    /// - Returns: the normalised tensor and each channel's mean and biased variance, `[c]`, through which no gradient
    ///   may be asked for.
    /// - Throws: ``GraphError`` where `scale` or `bias` is not `[c]`.
    public func batchNorm(
        scale: Tensor, bias: Tensor, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (normalized: Tensor, mean: Tensor, variance: Tensor) {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank >= 2 else {
            throw graph.failure(
                "batchNorm", "the input must be [n, c, …], not \(shape)", [self, scale, bias], at: location)
        }
        // The kernels know images.
        let image: Shape =
            shape.rank == 4
            ? shape : [shape[0], shape[1], 1, Shape(Array(shape.dimensions.dropFirst(2))).elementCount]
        let results = try graph.add(
            .normalization(Normalization(.batch, epsilon: epsilon)),
            [reshaped(to: image, file: file, line: line), scale, bias], at: location)
        return (try results[0].reshaped(to: shape, file: file, line: line), results[1], results[2])
    }
}
