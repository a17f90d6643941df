// Activation functions that are made of other elementwise functions: fusion makes one program of each, forward and backward.
// Slopes at kinks and NaN are PyTorch's.

extension Tensor {
    /// `min(max(x, 0), 6)` (Krizhevsky, 2010). torch.nn.functional.relu6.
    ///
    /// - Throws: ``GraphError`` for an integer type, as all of these do.
    public func relu6(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("relu6", [], file, line) { x throws(GraphError) in try x.between(0, 6) }
    }

    /// x where it is above 0, else `slope · x` (Maas et al., 2013). torch.nn.functional.leaky_relu.
    ///
    /// - Throws: ``GraphError`` for a slope that is no finite number.
    public func leakyReLU(
        slope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("leakyReLU", [("slope", slope)], file, line) { x throws(GraphError) in
            try .select(x.greater(than: 0), x, x * slope)
        }
    }

    /// x where it is above 0, else `slope · x`, with a slope that is learned (He et al., 2015). torch.nn.functional.prelu.
    ///
    /// - Parameter slope: `[c]`, one for each channel of this `[n, c, …]`, or `[1]` for all.
    /// - Throws: ``GraphError`` where the slopes are not as many as the channels.
    public func prelu(
        slope: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("prelu", [], file, line) { x throws(GraphError) in
            let channels = x.shape.rank >= 2 ? x.shape[1] : 1
            guard slope.shape == [1] || slope.shape == [channels] else {
                throw graph.failure(
                    "prelu", "needs a slope [1] or [\(channels)], one for each channel, not \(slope.shape)",
                    [self, slope], at: nil)
            }
            let column = [slope.shape[0]] + [Int](repeating: 1, count: max(x.shape.rank - 2, 0))
            return try .select(x.greater(than: 0), x, x * slope.reshaped(to: x.shape.rank == 0 ? [] : Shape(column)))
        }
    }

    /// x where it is above 0, else `alpha · (eˣ - 1)` (Clevert et al., 2016). torch.nn.functional.elu.
    ///
    /// - Throws: ``GraphError`` for an alpha that is no finite number.
    public func elu(
        alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("elu", [("alpha", alpha)], file, line) { x throws(GraphError) in
            let isPositive = try x.greater(than: 0)
            return try .select(isPositive, x, x.unlessSet(isPositive).expm1() * alpha)
        }
    }

    /// `scale · elu(x, alpha)` with the two numbers that keep zero mean and unit variance (Klambauer et al., 2017).
    /// torch.nn.functional.selu.
    public func selu(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("selu", [], file, line) { x throws(GraphError) in
            try x.elu(alpha: 1.673_263_242_354_377_3) * 1.050_700_987_355_480_5
        }
    }

    /// x where it is above 0, else `alpha · (e^(x / alpha) - 1)` (Barron, 2017). torch.nn.functional.celu.
    ///
    /// - Throws: ``GraphError`` for an alpha that is 0 or no finite number.
    public func celu(
        alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("celu", [("alpha", alpha)], file, line) { x throws(GraphError) in
            guard alpha != 0 else { throw graph.failure("celu", "alpha must not be 0", [self], at: nil) }
            let isPositive = try x.greater(than: 0)
            return try .select(isPositive, x, (x.unlessSet(isPositive) * (1 / alpha)).expm1() * alpha)
        }
    }

    /// `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`, which is near ``gelu(file:line:)`` (Hendrycks and Gimpel, 2016).
    /// torch.nn.functional.gelu with `approximate='tanh'`.
    public func geluByTanh(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        // Half of 1 + tanh(u) is sigmoid(2u), which loses no digits where tanh nears -1.
        try composed("geluByTanh", [], file, line) { x throws(GraphError) in
            try x * ((x + x * x.square() * 0.044715) * 1.595_769_121_605_731).sigmoid()
        }
    }

    /// `x · tanh(softplus(x))` (Misra, 2020). torch.nn.functional.mish.
    public func mish(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("mish", [], file, line) { x throws(GraphError) in try x * x.softplus().tanh() }
    }

    /// `ln(1 + e^(beta · x)) / beta`, without overflow. torch.nn.functional.softplus, whose threshold it does not need.
    ///
    /// - Throws: ``GraphError`` for a beta that is 0 or no finite number.
    public func softplus(
        beta: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("softplus", [("beta", beta)], file, line) { x throws(GraphError) in
            guard beta != 0 else { throw graph.failure("softplus", "beta must not be 0", [self], at: nil) }
            return try beta == 1 ? x.softplus() : (x * beta).softplus() * (1 / beta)
        }
    }

    /// `x / (1 + |x|)`. torch.nn.functional.softsign.
    public func softsign(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("softsign", [], file, line) { x throws(GraphError) in try x / (x.absolute() + 1) }
    }

    /// `ln(sigmoid(x))`, without overflow. torch.nn.functional.logsigmoid.
    public func logSigmoid(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("logSigmoid", [], file, line) { x throws(GraphError) in try -(-x).softplus() }
    }

    /// `min(max(x + 3, 0), 6) / 6` (Howard et al., 2019). torch.nn.functional.hardsigmoid.
    public func hardSigmoid(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("hardSigmoid", [], file, line) { x throws(GraphError) in try x.between(-3, 3) * (1 / 6.0) + 0.5 }
    }

    /// `x · hardSigmoid(x)` (Howard et al., 2019). torch.nn.functional.hardswish.
    public func hardSwish(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("hardSwish", [], file, line) { x throws(GraphError) in
            try x * (x.between(-3, 3) * (1 / 6.0) + 0.5)
        }
    }

    /// x held between two numbers. The slope is 1 between them and 0 at both, as that of torch.nn.functional.hardtanh;
    /// ``clamped(to:file:line:)`` has the one of torch.clamp.
    ///
    /// - Throws: ``GraphError`` where the minimum is not below the maximum.
    public func hardTanh(
        minimum: Double = -1, maximum: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("hardTanh", [("minimum", minimum), ("maximum", maximum)], file, line) { x throws(GraphError) in
            guard minimum < maximum else {
                throw graph.failure(
                    "hardTanh", "the minimum \(minimum) must be below the maximum \(maximum)", [self], at: nil)
            }
            return try x.between(minimum, maximum)
        }
    }

    /// x moved towards 0 by `lambda`, and 0 within it. torch.nn.functional.softshrink.
    ///
    /// - Throws: ``GraphError`` for a negative lambda.
    public func softshrink(
        lambda: Double = 0.5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("softshrink", [("lambda", lambda)], file, line) { x throws(GraphError) in
            guard lambda >= 0 else {
                throw graph.failure("softshrink", "lambda must be at least 0, not \(lambda)", [self], at: nil)
            }
            return try x - x.clamped(to: -lambda...lambda)
        }
    }

    /// x, but 0 from `-lambda` to `lambda`. torch.nn.functional.hardshrink.
    ///
    /// - Throws: ``GraphError`` for a lambda that is no finite number.
    public func hardshrink(
        lambda: Double = 0.5, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("hardshrink", [("lambda", lambda)], file, line) { x throws(GraphError) in
            try x.unlessSet(x.absolute().combine(.lessOrEqual, lambda))
        }
    }

    /// `x - tanh(x)`. torch.nn.functional.tanhshrink.
    public func tanhshrink(file: StaticString = #fileID, line: UInt = #line) throws(GraphError) -> Tensor {
        try composed("tanhshrink", [], file, line) { x throws(GraphError) in try x - x.tanh() }
    }

    /// x where it is above `threshold`, else `value`. torch.nn.functional.threshold.
    ///
    /// - Throws: ``GraphError`` for numbers that are not finite.
    public func threshold(
        _ threshold: Double, value: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try composed("threshold", [("threshold", threshold), ("value", value)], file, line) { x throws(GraphError) in
            try .select(x.combine(.lessOrEqual, threshold), x.scalar(value), x)
        }
    }

    // MARK: Parts

    /// What `body` makes of this floating-point tensor, with errors that name the function and the line.
    private func composed(
        _ name: String, _ numbers: [(name: String, value: Double)], _ file: StaticString, _ line: UInt,
        _ body: (Tensor) throws(GraphError) -> Tensor
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard dtype.isFloatingPoint else {
            throw graph.failure(
                name, "the operand must be of a floating-point type, not \(dtype); cast it first", [self], at: location)
        }
        if let wrong = numbers.first(where: { !$0.value.isFinite || dtype.refusal(of: $0.value) != nil }) {
            throw graph.failure(
                name, "\(wrong.name) must be a finite number that \(dtype) holds, not \(wrong.value)", [self],
                at: location)
        }
        return try graph.at(location) { () throws(GraphError) in try body(self) }
    }

    /// x held between two numbers, with a slope of 0 at both; NaN stays NaN.
    private func between(_ lower: Double, _ upper: Double) throws(GraphError) -> Tensor {
        let isAbove = try scalar(upper).combine(.lessOrEqual, self)
        return try .select(
            combine(.lessOrEqual, lower), scalar(lower), .select(isAbove, scalar(upper), self))
    }

    /// x, but 0 where the mask is set: what is computed of it there cannot overflow, nor make NaN of a slope of 0.
    private func unlessSet(_ mask: Tensor) throws(GraphError) -> Tensor { try .select(mask, scalar(0), self) }
}
