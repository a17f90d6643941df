/// Normalisation of each channel of `[n, c, …]` over batch and spatial axes (Ioffe and Szegedy, 2015). torch.nn.BatchNorm1d to
/// BatchNorm3d.
///
/// While training, with the batch's own statistics, which the running ones follow as part of the step:
/// `running = (1 - momentum) · running + momentum · batch`, with the unbiased variance. Otherwise with the running ones.
public struct BatchNorm<Axes: SpatialAxes>: Layer {
    /// The scale, `[channels]`; begins as ones.
    public let weight: Variable
    /// The shift, `[channels]`; begins as zeros.
    public let bias: Variable
    /// `[channels]`, what inference takes for the mean; begins as zeros, and is not trained.
    public let runningMean: Variable
    /// `[channels]`, what inference takes for the variance; begins as ones, and is not trained.
    public let runningVariance: Variable
    /// How many batches the running statistics are the mean of, int64; `nil` where there is a momentum.
    public let batchCount: Variable?
    /// What is added to the variance.
    public var epsilon: Double
    /// `nil` where the running statistics are the mean of those of all batches.
    public let momentum: Double?
    private let location: SourceLocation

    private static var name: String { "BatchNorm\(Axes.count)D" }

    /// - Parameters:
    ///   - epsilon: added to the variance.
    ///   - momentum: in 0...1, the share of the latest batch in the running statistics; `nil` for the mean of all batches, as in
    ///     PyTorch.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double? = 0.1, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        func variable(_ name: String, _ value: Float, isTrainable: Bool = true) -> Variable {
            Variable(name, of: Self.name, at: location, isTrainable: isTrainable) { try .filled(value, [channels]) }
        }
        weight = variable("weight", 1)
        bias = variable("bias", 0)
        runningMean = variable("running_mean", 0, isTrainable: false)
        runningVariance = variable("running_var", 1, isTrainable: false)
        batchCount =
            momentum == nil ? Variable("num_batches_tracked", HostTensor(Int64(0)), isTrainable: false) : nil
        self.epsilon = epsilon
        self.momentum = momentum
        self.location = location
    }

    public var members: [LayerMember] {
        [
            .variable("weight", weight), .variable("bias", bias), .variable("running_mean", runningMean),
            .variable("running_var", runningVariance),
        ] + (batchCount.map { [.variable("num_batches_tracked", $0)] } ?? [])
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try check(input, dtype: pass.read(weight).dtype)
            switch pass.mode {
            case .training: return try normalizedByBatch(input, pass)
            case .inference: return try normalizedByRunning(input, pass)
            }
        }
    }

    private func failure(_ message: String, _ input: Tensor) -> GraphError {
        GraphError(operation: "batchNorm", message: message, operands: [input.type], location: location)
    }

    /// The same in training and inference, since what broadcasts would pass in the latter.
    private func check(_ input: Tensor, dtype: DType) throws {
        let channels = weight.type.shape[0]
        let ranks = Axes.count == 1 ? 2...3 : (Axes.count + 2)...(Axes.count + 2)
        guard ranks.contains(input.shape.rank), input.shape[1] == channels else {
            let layouts = ranks.map { ["n", "\(channels)"] + ["d", "h", "w"].suffix($0 - 2) }
            let needed = layouts.map { "[\($0.joined(separator: ", "))]" }.joined(separator: " or ")
            throw failure("the input must be \(needed), not \(input.shape)", input)
        }
        guard input.dtype == dtype || input.dtype.computed == dtype else {
            throw failure(
                "the input must be \(dtype), as the parameters are, or of 16 bits beside float32, not \(input.dtype); cast it",
                input)
        }
        guard (0..<Double.infinity).contains(epsilon), (0...1).contains(momentum ?? 0) else {
            throw failure(
                "epsilon must be a number of at least 0 and momentum in 0...1, not \(epsilon) and \(momentum ?? 0)",
                input)
        }
    }

    private func normalizedByBatch(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let count = Shape([input.shape[0]] + input.shape.dimensions.dropFirst(2)).elementCount
        guard count != 1 else {
            throw failure("training needs more than one value a channel, as one alone has no variance", input)
        }
        let (normalized, mean, variance) = try input.batchNorm(
            scale: pass.read(weight), bias: pass.read(bias), epsilon: epsilon)
        // Nothing has no statistics to follow.
        guard count > 0 else { return normalized }
        let unbiased = try variance.stoppingGradient() * (Double(count) / Double(count - 1))
        let statistics = [(runningMean, try mean.stoppingGradient()), (runningVariance, unbiased)]
        if let batchCount {
            let counted = try pass.latest(batchCount) + 1
            pass.update(batchCount, to: counted)
            for (variable, batch) in statistics {
                let running = try pass.latest(variable)
                pass.update(variable, to: try running + (batch - running) / counted.cast(to: running.dtype))
            }
        } else {
            let share = momentum ?? 0
            for (variable, batch) in statistics {
                pass.update(variable, to: try pass.latest(variable) * (1 - share) + batch * share)
            }
        }
        return normalized
    }

    private func normalizedByRunning(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        // In the type of the statistics, which stay float32 where the parameters have 16 bits.
        let (mean, variance) = (try pass.read(runningMean), try pass.read(runningVariance))
        let scale = try pass.read(weight).cast(to: mean.dtype) * (variance + epsilon).rsqrt()
        let shift = try pass.read(bias).cast(to: mean.dtype) - mean * scale
        let broadcast = Shape([weight.type.shape[0]] + input.shape.dimensions.dropFirst(2).map { _ in 1 })
        let normalized = try input.cast(to: mean.dtype) * scale.reshaped(to: broadcast)
        return try (normalized + shift.reshaped(to: broadcast)).cast(to: input.dtype)
    }
}

/// Batch normalisation of `[n, c]` or `[n, c, w]`. torch.nn.BatchNorm1d.
public typealias BatchNorm1D = BatchNorm<OneAxis>
/// Batch normalisation of `[n, c, h, w]`. torch.nn.BatchNorm2d.
public typealias BatchNorm2D = BatchNorm<TwoAxes>
/// Batch normalisation of `[n, c, d, h, w]`. torch.nn.BatchNorm3d.
public typealias BatchNorm3D = BatchNorm<ThreeAxes>
