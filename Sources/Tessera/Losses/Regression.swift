// Losses of numbers: each is one of the difference between a prediction and a target of one type and shape, unreduced
// of that shape.

extension Loss {
    /// The mean of `(prediction - target)²`. torch.nn.MSELoss.
    public static let meanSquaredError = elementwise("mean squared error") { prediction, target in
        try (prediction - target).square()
    }

    /// The mean of `|prediction - target|`. torch.nn.L1Loss.
    public static let meanAbsoluteError = elementwise("mean absolute error") { prediction, target in
        try (prediction - target).absolute()
    }

    /// Huber's loss (1964): `d²/2` where `|d| ≤ delta`, else `delta · (|d| - delta/2)`. torch.nn.HuberLoss.
    ///
    /// A `delta` that is not above 0 is an error when the loss is made part of a graph.
    public static func huber(delta: Double = 1) -> Loss {
        elementwise("Huber") { prediction, target in
            try requireOption(delta > 0, "delta must be above 0, not \(delta)", of: "Huber")
            return try (prediction - target).huber(delta)
        }
    }

    /// `d² / (2·beta)` where `|d| ≤ beta`, else `|d| - beta/2` (Girshick, 2015). torch.nn.SmoothL1Loss.
    ///
    /// A negative `beta` is an error when the loss is made part of a graph; 0 gives ``meanAbsoluteError``.
    public static func smoothL1(beta: Double = 1) -> Loss {
        elementwise("smooth L1") { prediction, target in
            try requireOption(beta >= 0 && beta.isFinite, "beta must be at least 0, not \(beta)", of: "smooth L1")
            let difference = try prediction - target
            return beta == 0 ? try difference.absolute() : try difference.huber(beta) / beta
        }
    }

    /// The negative log-likelihood of counts under a Poisson distribution. torch.nn.PoissonNLLLoss.
    ///
    /// With `isLogarithmic` the prediction is the logarithm of the rate: `exp(prediction) - target·prediction`; else it
    /// is the rate, `prediction - target·ln(prediction + epsilon)`. `isFull` adds Stirling's `target·ln target - target
    /// + ln(2π·target)/2` where the target is above 1.
    public static func poissonNLL(
        isLogarithmic: Bool = true, isFull: Bool = false, epsilon: Double = 1e-8
    ) -> Loss {
        elementwise("Poisson NLL") { prediction, target in
            try requireOption(
                epsilon >= 0 && epsilon.isFinite, "epsilon must be at least 0, not \(epsilon)", of: "Poisson NLL")
            let loss =
                isLogarithmic
                ? try prediction.exp() - target * prediction
                : try prediction - target * (prediction + epsilon).log()
            guard isFull else { return loss }
            let isLarge = try target.greater(than: 1)
            let one = try target.graph.fill(1, [], target.dtype)
            let count = try Tensor.select(isLarge, target, one)
            let stirling = try count * count.log() - count + (count * (2 * Double.pi)).log() * 0.5
            return try loss + Tensor.select(isLarge, stirling, one * 0)
        }
    }
}

extension Tensor {
    /// `x²/2` where `|x| ≤ delta`, else `delta · (|x| - delta/2)`.
    fileprivate func huber(_ delta: Double) throws -> Tensor {
        let distance = try absolute()
        // min(|x|, δ) · (|x| - min(|x|, δ) / 2) is both cases at once.
        let bounded = try distance.combine(.minimum, delta)
        return try bounded * (distance - bounded * 0.5)
    }

    /// The negative log-likelihood of targets under normal distributions of which these are the means:
    /// `(ln v + (mean - target)² / v) / 2` with v the variance, at least `epsilon`. torch.nn.GaussianNLLLoss.
    ///
    /// - Parameters:
    ///   - target: like this tensor.
    ///   - variance: like this tensor, or with 1 for its last extent. Where it is below `epsilon`, it takes its
    ///     gradient from `epsilon`, as in PyTorch, so that it can grow again.
    ///   - isFull: whether to add `ln(2π) / 2`.
    /// - Throws: ``GraphError`` where the operands don't fit, or `epsilon` is not above 0.
    public func gaussianNLL(
        target: Tensor, variance: Tensor, isFull: Bool = false, epsilon: Double = 1e-6, reduction: Reduction = .mean,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let name = "Gaussian NLL"
        return try graph.at(SourceLocation(file: file, line: line)) {
            try requireAlike(target, "mean and target", of: name)
            try requireOption(
                epsilon > 0 && epsilon.isFinite, "epsilon must be above 0, not \(epsilon)", of: name)
            let common = Shape(Array(shape.dimensions.dropLast()) + [1])
            guard variance.dtype == dtype, variance.shape == shape || shape.rank > 0 && variance.shape == common else {
                throw GraphError(
                    operation: name, message: "the variance must be like the mean, or \(common) of its type",
                    operands: [type, variance.type])
            }
            let (mean, target, variance) = try (widened(), target.widened(), variance.widened())
            let bounded = try variance.combine(.maximum, epsilon)
            let v = try Tensor.select(
                variance.less(than: bounded), variance + (bounded - variance).stoppingGradient(), variance)
            let loss = try (v.log() + (mean - target).square() / v) * 0.5
            return try LossTerms(isFull ? loss + 0.5 * logarithmOf(2 * Double.pi) : loss).reduced(by: reduction)
        }
    }
}
