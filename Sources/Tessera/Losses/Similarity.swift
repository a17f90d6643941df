// Losses that bring together what belongs together: of distances, and of rows `[..., width]` of numbers.

extension Loss {
    /// Of distances x: x where the target is 1, `max(0, margin - x)` where it is -1. torch.nn.HingeEmbeddingLoss.
    public static func hingeEmbedding(margin: Double = 1) -> Loss {
        elementwise("hinge embedding") { distance, target in
            try requireOption(margin.isFinite, "margin must be a number, not \(margin)", of: "hinge embedding")
            return try Tensor.select(target.greater(than: 0), distance, (margin - distance).relu())
        }
    }
}

extension Tensor {
    /// `1 - cos(self, other)` of rows whose target is 1, `max(0, cos(self, other) - margin)` where it is -1.
    /// torch.nn.CosineEmbeddingLoss.
    ///
    /// - Parameters:
    ///   - other: like this tensor `[..., width]`.
    ///   - target: `[...]` of the same type.
    /// - Throws: ``GraphError`` where the operands don't fit.
    public func cosineEmbeddingLoss(
        _ other: Tensor, target: Tensor, margin: Double = 0, reduction: Reduction = .mean,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let name = "cosine embedding"
        return try graph.at(SourceLocation(file: file, line: line)) {
            try requireOption(margin.isFinite, "margin must be a number, not \(margin)", of: name)
            try requireRows(other, of: name)
            try requireTargets(target, of: name)
            // PyTorch's ε, under which rows of zeros have a cosine of 0.
            func squares(_ rows: Tensor) throws -> Tensor { try rows.square().sum(axes: [-1]) + 1e-12 }
            let (a, b) = (try widened(), try other.widened())
            let cosine = try (a * b).sum(axes: [-1]) * squares(a).rsqrt() * squares(b).rsqrt()
            let losses = try Tensor.select(target.greater(than: 0), 1 - cosine, (cosine - margin).relu())
            return try LossTerms(losses).reduced(by: reduction)
        }
    }

    /// `max(0, -target · (self - other) + margin)`, with a target of 1 where this should rank above `other`, else -1.
    /// torch.nn.MarginRankingLoss.
    ///
    /// - Throws: ``GraphError`` where the three are not alike.
    public func marginRankingLoss(
        _ other: Tensor, target: Tensor, margin: Double = 0, reduction: Reduction = .mean,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let name = "margin ranking"
        return try graph.at(SourceLocation(file: file, line: line)) {
            try requireOption(margin.isFinite, "margin must be a number, not \(margin)", of: name)
            try requireAlike(other, "what is ranked", of: name)
            try requireAlike(target, "what is ranked and the target", of: name)
            return try LossTerms((target * (other - self) + margin).relu()).reduced(by: reduction)
        }
    }

    /// `max(0, d(self, positive) - d(self, negative) + margin)` of rows, with d the distance `‖a - b + ε‖` (Balntas et
    /// al., 2016). torch.nn.TripletMarginLoss.
    ///
    /// - Parameters:
    ///   - positive: like this tensor `[..., width]`: what is to be near it; `negative`: what is not.
    ///   - power: of the norm, at least 1.
    ///   - swaps: whether the distance of `negative` is the lesser of that from this and that from `positive`.
    /// - Throws: ``GraphError`` where the three are not alike, or a number makes no sense.
    public func tripletMarginLoss(
        positive: Tensor, negative: Tensor, margin: Double = 1, power: Double = 2, epsilon: Double = 1e-6,
        swaps: Bool = false, reduction: Reduction = .mean, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let name = "triplet margin"
        return try graph.at(SourceLocation(file: file, line: line)) {
            try requireOption(margin > 0 && margin.isFinite, "margin must be above 0, not \(margin)", of: name)
            try requireOption(power >= 1 && power.isFinite, "power must be at least 1, not \(power)", of: name)
            try requireOption(epsilon >= 0 && epsilon.isFinite, "epsilon must be at least 0, not \(epsilon)", of: name)
            try requireRows(positive, of: name)
            try requireRows(negative, of: name)
            func distance(_ a: Tensor, _ b: Tensor) throws -> Tensor {
                let difference = try a.widened() - b.widened() + epsilon
                if power == 2 { return try difference.square().sum(axes: [-1]).sqrt() }
                let size = try difference.absolute()
                return power == 1
                    ? try size.sum(axes: [-1]) : try size.power(power).sum(axes: [-1]).power(1 / power)
            }
            var away = try distance(self, negative)
            if swaps { away = try away.minimum(distance(positive, negative)) }
            return try LossTerms((distance(self, positive) - away + margin).relu()).reduced(by: reduction)
        }
    }

    private func requireRows(_ other: Tensor, of name: String) throws {
        try requireAlike(other, "rows", of: name)
        guard shape.rank >= 1 else {
            throw GraphError(operation: name, message: "rows must be [..., width], not \(shape)", operands: [type])
        }
    }

    private func requireTargets(_ target: Tensor, of name: String) throws {
        let expected = TensorType(Shape(Array(shape.dimensions.dropLast())), dtype)
        guard target.type == expected else {
            throw GraphError(
                operation: name, message: "rows \(type) need a target \(expected), not \(target.type)",
                operands: [type, target.type])
        }
    }
}
