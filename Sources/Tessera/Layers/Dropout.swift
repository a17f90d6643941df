/// Zeroes elements with probability `rate` while training and scales the rest by `1 / (1 - rate)` (Srivastava et al., 2014).
/// torch.nn.Dropout.
///
/// The mask follows from the seed and the step alone, the same on every device.
public struct Dropout: Layer {
    /// How likely an element becomes 0: from 0 to less than 1.
    public var rate: Double
    private let seed: UInt64
    private let location: SourceLocation

    /// - Parameters:
    ///   - rate: in 0..<1; the graph says so otherwise, also where nothing is dropped.
    ///   - random: each layer draws a seed of its own from it.
    public init(_ rate: Double, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line) {
        self.rate = rate
        seed = random.next()
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try dropped(input, rate, pass, location) { step in try input.dropout(rate: rate, seed: seed, counter: step) }
    }
}

/// Zeroes whole channels of `[n, c, …]` with probability `rate` while training and scales the rest by `1 / (1 - rate)` (Tompson
/// et al., 2015). torch.nn.Dropout1d to Dropout3d.
public struct ChannelDropout: Layer {
    /// How likely a channel becomes 0: from 0 to less than 1.
    public var rate: Double
    private let seed: UInt64
    private let location: SourceLocation

    /// - Parameter rate: in 0..<1.
    public init(_ rate: Double, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line) {
        self.rate = rate
        seed = random.next()
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try dropped(input, rate, pass, location) { step in
            try input.dropping(leadingAxes: 2, of: "ChannelDropout", rate: rate, seed: seed, step)
        }
    }
}

/// Zeroes whole examples of `[n, …]` with probability `rate` while training and scales the rest by `1 / (1 - rate)`: at the end
/// of a residual branch, stochastic depth (Huang et al., 2016). timm's DropPath.
public struct DropPath: Layer {
    /// How likely an example's branch becomes 0: from 0 to less than 1.
    public var rate: Double
    private let seed: UInt64
    private let location: SourceLocation

    /// - Parameter rate: in 0..<1.
    public init(_ rate: Double, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line) {
        self.rate = rate
        seed = random.next()
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try dropped(input, rate, pass, location) { step in
            try input.dropping(leadingAxes: 1, of: "DropPath", rate: rate, seed: seed, step)
        }
    }
}

/// Sets elements to what ``SELU`` nears at -∞ with probability `rate` while training, and scales and shifts all so that mean and
/// variance stay what they are (Klambauer et al., 2017). torch.nn.AlphaDropout.
public struct AlphaDropout: Layer {
    /// How likely an element becomes SELU's lower limit: from 0 to less than 1.
    public var rate: Double
    private let seed: UInt64
    private let location: SourceLocation

    /// - Parameter rate: in 0..<1.
    public init(_ rate: Double, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line) {
        self.rate = rate
        seed = random.next()
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try dropped(input, rate, pass, location) { step in
            let ones = try pass.graph.fill(1, input.shape, input.dtype)
            let isKept = try ones.dropout(rate: rate, seed: seed, counter: step).greater(than: 0)
            let saturation = -1.758_099_340_847_376_6
            let scale = 1 / ((1 - rate) * (1 + rate * saturation * saturation)).squareRoot()
            let kept = try Tensor.select(isKept, input, pass.graph.fill(saturation, [], input.dtype))
            return try kept * scale - scale * rate * saturation
        }
    }
}

/// What `body` makes of the input with the step while training; the input itself in inference, where the same is checked,
/// though nothing reads it.
private func dropped(
    _ input: Tensor, _ rate: Double, _ pass: ForwardPass, _ location: SourceLocation,
    _ body: (_ step: Tensor) throws -> Tensor
) throws -> Tensor {
    try pass.graph.at(location) {
        let step =
            switch pass.mode {
            case .training(let step): step
            case .inference: try pass.graph.fill(0, [], .int32)
            }
        let dropped = try body(step)
        guard case .training = pass.mode, rate != 0 else { return input }
        return dropped
    }
}

extension Tensor {
    /// This tensor with what has one place along the leading axes dropped as one.
    fileprivate func dropping(
        leadingAxes count: Int, of layer: String, rate: Double, seed: UInt64, _ step: Tensor
    ) throws -> Tensor {
        guard shape.rank >= count else {
            throw GraphError(
                operation: layer, message: "the input needs at least \(count) axes, not \(shape)", operands: [type])
        }
        let places = Shape(Array(shape.dimensions.prefix(count)))
        let mask = try graph.fill(1, places, dtype).dropout(rate: rate, seed: seed, counter: step)
        return try self * mask.reshaped(to: Shape(places.dimensions + shape.dimensions.dropFirst(count).map { _ in 1 }))
    }
}
