// Losses of yes and no, elementwise, and of distributions.

extension Loss {
    /// Binary cross-entropy of logits z with targets t in 0...1: the mean of `(1 - t)·softplus(z) + t·softplus(-z)`,
    /// where nothing overflows and nothing cancels. torch.nn.BCEWithLogitsLoss.
    public static let binaryCrossEntropyWithLogits = binaryCrossEntropyWithLogits(weights: nil)

    /// The same, with weights for the places along the last axis.
    ///
    /// - Parameters:
    ///   - weights: what the losses of each place are multiplied by; the mean is over elements nevertheless, as in
    ///     PyTorch.
    ///   - positiveWeights: what the term of t is multiplied by, above 1 where what is wanted is rare. PyTorch's
    ///     `pos_weight`.
    public static func binaryCrossEntropyWithLogits(
        weights: [Double]?, positiveWeights: [Double]? = nil
    ) -> Loss {
        let name = "binary cross-entropy"
        return elementwise(name) { logits, target in
            var positive = try target * (-logits).softplus()
            if let positiveWeights {
                positive = try positive * logits.weightsOfLastAxis(positiveWeights, "positiveWeights", of: name)
            }
            let loss = try (1 - target) * logits.softplus() + positive
            return try weights.map { try loss * logits.weightsOfLastAxis($0, "weights", of: name) } ?? loss
        }
    }

    /// Binary cross-entropy of probabilities p with targets t, both in 0...1: the mean of `-t·ln p - (1 - t)·ln(1 -
    /// p)`. torch.nn.BCELoss.
    ///
    /// As there, logarithms are at least -100, and the slope is `(p - t) / max(p·(1 - p), 10⁻¹²)`. A probability
    /// outside 0...1 gives NaN. ``binaryCrossEntropyWithLogits`` is more accurate where there are logits.
    ///
    /// - Parameter weights: as there.
    public static func binaryCrossEntropy(weights: [Double]? = nil) -> Loss {
        let name = "binary cross-entropy"
        return elementwise(name) { prediction, target in
            let p = try prediction.stoppingGradient()
            let (yes, no) = try (p.log().combine(.maximum, -100), (1 - p).log().combine(.maximum, -100))
            let slope = try (p - target) / (p * (1 - p)).combine(.maximum, 1e-12)
            // The slope of the logarithms themselves is infinite at 0 and 1.
            let loss = try -(target * yes + (1 - target) * no) + (prediction - p) * slope.stoppingGradient()
            return try weights.map { try loss * prediction.weightsOfLastAxis($0, "weights", of: name) } ?? loss
        }
    }

    /// The focal loss of logits with targets in 0...1 (Lin et al., 2017): binary cross-entropy times `(1 - p)^gamma`,
    /// with p the probability given to what was wanted, so that easy examples count for little.
    /// torchvision.ops.sigmoid_focal_loss, which by default takes the sum.
    ///
    /// - Parameters:
    ///   - alpha: what positive targets count; negative ones count `1 - alpha`. All count 1, where `nil`.
    ///   - gamma: at least 0.
    public static func focal(alpha: Double? = 0.25, gamma: Double = 2) -> Loss {
        let name = "focal"
        return elementwise(name) { logits, target in
            try requireOption(gamma >= 0 && gamma.isFinite, "gamma must be at least 0, not \(gamma)", of: name)
            var loss = try (1 - target) * logits.softplus() + target * (-logits).softplus()
            if gamma > 0 {
                // 1 - p, without a difference. Below 1 its power's slope at 0 would be infinite.
                let miss = try (1 - target) * logits.sigmoid() + target * (-logits).sigmoid()
                loss = try loss * (gamma < 1 ? miss.combine(.maximum, 1e-30) : miss).power(gamma)
            }
            guard let alpha else { return loss }
            try requireOption((0...1).contains(alpha), "alpha must be in 0...1, not \(alpha)", of: name)
            return try loss * (target * alpha + (1 - target) * (1 - alpha))
        }
    }

    /// `max(0, margin - target · prediction)`, or its square, with targets -1 and 1.
    public static func hinge(margin: Double = 1, isSquared: Bool = false) -> Loss {
        elementwise("hinge") { prediction, target in
            try requireOption(margin.isFinite, "margin must be a number, not \(margin)", of: "hinge")
            let loss = try (margin - target * prediction).relu()
            return isSquared ? try loss.square() : loss
        }
    }

    /// The Kullback-Leibler divergence of a prediction of log-probabilities x from a target of probabilities t,
    /// elementwise: `t · (ln t - x)`. torch.nn.KLDivLoss.
    ///
    /// - Parameters:
    ///   - hasLogarithmicTarget: whether the target too is the logarithm of probabilities.
    ///   - isMeanOverExamples: whether the mean is over the first axis alone, which is the divergence's own meaning
    ///     (`batchmean`); else it is over elements, as PyTorch's `mean`.
    public static func klDivergence(hasLogarithmicTarget: Bool = false, isMeanOverExamples: Bool = false) -> Loss {
        let name = "KL divergence"
        return builtIn(name) { prediction, target in
            try prediction.requireAlike(target, "prediction and target", of: name)
            let (prediction, target) = (try prediction.widened(), try target.widened())
            let losses: Tensor
            if hasLogarithmicTarget {
                losses = try target.exp() * (target - prediction)
            } else {
                // 0 · ln 0 is 0.
                let one = try target.graph.fill(1, [], target.dtype)
                let logarithm = try Tensor.select(target.greater(than: 0), target, one).log()
                losses = try target * logarithm - target * prediction
            }
            guard isMeanOverExamples else { return LossTerms(losses) }
            let count = prediction.shape.dimensions.first ?? 1
            return LossTerms(losses, over: try prediction.graph.fill(Double(count), [], prediction.dtype))
        }
    }
}
