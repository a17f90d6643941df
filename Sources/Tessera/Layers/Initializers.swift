import Foundation

/// What follows a layer, for the size of its first weights. torch.nn.init.calculate_gain.
public enum Nonlinearity: Hashable, Sendable {
    /// A function without a number of its own.
    case linear, sigmoid, tanh, relu, selu
    /// A ReLU with a slope below 0.
    case leakyReLU(slope: Double = 0.01)

    /// By how much it makes what passes through it smaller.
    public var gain: Double {
        switch self {
        case .linear, .sigmoid: 1
        case .tanh: 5 / 3
        case .relu: 2.0.squareRoot()
        case .leakyReLU(let slope): (2 / (1 + slope * slope)).squareRoot()
        case .selu: 0.75
        }
    }
}

/// Which way through a weight the size of numbers is kept.
public enum FanMode: Hashable, Sendable {
    /// Forward: the number of inputs of each output counts.
    case fanIn
    /// Backward: the number of outputs of each input.
    case fanOut
}

/// First values of weights `[outputs, inputs, ...]`, what follows being the extents of a filter, as float32.
///
/// They are set by `executor.set([layer.weight: try random.kaimingNormal(layer.weight.type.shape)])`. Each throws
/// ``GraphError`` where no tensor has that shape, it has fewer than two axes, or a number makes no sense.
extension RandomSource {
    /// Uniform in ±gain·√(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010). torch.nn.init.xavier_uniform_.
    public func xavierUniform(
        _ shape: Shape, gain: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        let fans = try Fans(shape, gain, "xavierUniform", file, line)
        return try uniform(shape, bound: Float(gain * (6 / fans.sum).squareRoot()), file: file, line: line)
    }

    /// Normal with a deviation of gain·√(2 / (fanIn + fanOut)) (Glorot and Bengio, 2010). torch.nn.init.xavier_normal_.
    public func xavierNormal(
        _ shape: Shape, gain: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        let fans = try Fans(shape, gain, "xavierNormal", file, line)
        return try normal(shape, deviation: Float(gain * (2 / fans.sum).squareRoot()), file: file, line: line)
    }

    /// Uniform in ±gain·√(3 / fan), with the gain of what follows (He et al., 2015). torch.nn.init.kaiming_uniform_.
    public func kaimingUniform(
        _ shape: Shape, _ mode: FanMode = .fanIn, before next: Nonlinearity = .relu, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        let fan = try Fans(shape, next.gain, "kaimingUniform", file, line)[mode]
        return try uniform(shape, bound: Float(next.gain * (3 / fan).squareRoot()), file: file, line: line)
    }

    /// Normal with a deviation of gain/√fan, with the gain of what follows (He et al., 2015).
    /// torch.nn.init.kaiming_normal_.
    public func kaimingNormal(
        _ shape: Shape, _ mode: FanMode = .fanIn, before next: Nonlinearity = .relu, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        let fan = try Fans(shape, next.gain, "kaimingNormal", file, line)[mode]
        return try normal(shape, deviation: Float(next.gain / fan.squareRoot()), file: file, line: line)
    }

    /// Uniform in ±√(3 / fanIn) (LeCun et al., 1998), as SELU wants.
    public func leCunUniform(
        _ shape: Shape, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        try kaimingUniform(shape, before: .linear, file: file, line: line)
    }

    /// Normal with a deviation of 1/√fanIn (LeCun et al., 1998), as SELU wants.
    public func leCunNormal(
        _ shape: Shape, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        try kaimingNormal(shape, before: .linear, file: file, line: line)
    }

    /// Normal, drawn again where it lies outside `range`, of a tensor of any shape. torch.nn.init.trunc_normal_.
    ///
    /// - Parameter range: in the units of the result. At least one in a thousand numbers that are drawn must lie in it.
    public func truncatedNormal(
        _ shape: Shape, mean: Double = 0, deviation: Double = 1, in range: ClosedRange<Double> = -2...2,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        func share(below x: Double) -> Double { erfc((mean - x) / deviation / 2.0.squareRoot()) / 2 }
        guard mean.isFinite, deviation > 0, deviation.isFinite,
            share(below: range.upperBound) - share(below: range.lowerBound) >= 1e-3
        else {
            throw GraphError(
                operation: "truncatedNormal",
                message:
                    "fewer than one in a thousand numbers of mean \(mean) and deviation \(deviation) lie in \(range)",
                location: SourceLocation(file: file, line: line))
        }
        return try tensor(shape, file, line) {
            while true {
                let number = Float(mean + deviation * Double(normal()))
                if range.contains(Double(number)) { return number }
            }
        }
    }

    /// Rows that are orthogonal and of length `gain`, or columns where there are fewer of them (Saxe et al., 2014); all
    /// axes but the first are taken together. torch.nn.init.orthogonal_.
    public func orthogonal(
        _ shape: Shape, gain: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        _ = try Fans(shape, gain, "orthogonal", file, line)
        let (rows, columns) = (shape[0], shape[0] == 0 ? 0 : shape.elementCount / shape[0])
        // Whether there is memory for the tensor is seen before the work is done.
        var vectors: [[Double]] = []
        var index = 0
        return try tensor(shape, file, line) {
            if vectors.isEmpty { vectors = orthonormal(min(rows, columns), max(rows, columns)) }
            let (row, column) = (index / columns, index % columns)
            index += 1
            return Float(gain * (rows <= columns ? vectors[row][column] : vectors[column][row]))
        }
    }

    /// Vectors of length 1 at right angles, in no direction more than in others: normal ones by Gram and Schmidt,
    /// twice, as the first time rounding leaves something.
    private func orthonormal(_ count: Int, _ width: Int) -> [[Double]] {
        var vectors: [[Double]] = []
        while vectors.count < count {
            var vector = (0..<width).map { _ in Double(normal()) }
            for _ in 0..<2 {
                for other in vectors {
                    let share = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in 0..<width { vector[index] -= share * other[index] }
                }
                let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                if length > 0 { vector = vector.map { $0 / length } }
            }
            // What lay among the others, which is next to impossible, is drawn again.
            if vector.contains(where: { $0 != 0 }) { vectors.append(vector) }
        }
        return vectors
    }
}

/// How many inputs each output of a weight has, and how many outputs each input.
private struct Fans {
    private let (fanIn, fanOut): (Double, Double)

    init(
        _ shape: Shape, _ gain: Double, _ name: String, _ file: StaticString, _ line: UInt
    ) throws(GraphError) {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: name, message: message, location: SourceLocation(file: file, line: line))
        }
        guard shape.rank >= 2 else { throw failure("a weight must be [outputs, inputs, ...], not \(shape)") }
        guard gain.isFinite else { throw failure("the gain must be a number, not \(gain)") }
        let field = shape.dimensions.dropFirst(2).reduce(1.0) { $0 * Double($1) }
        // Of an empty weight there is nothing to fill.
        (fanIn, fanOut) = (max(Double(shape[1]) * field, 1), max(Double(shape[0]) * field, 1))
    }

    var sum: Double { fanIn + fanOut }

    subscript(mode: FanMode) -> Double {
        switch mode {
        case .fanIn: fanIn
        case .fanOut: fanOut
        }
    }
}
