/// A layer without parameters that is one function of its input, whose errors name the line that makes the layer.
public class Activation: Layer {
    private let location: SourceLocation
    private let function: (Tensor) throws -> Tensor

    fileprivate init(_ file: StaticString, _ line: UInt, _ function: @escaping (Tensor) throws -> Tensor) {
        location = SourceLocation(file: file, line: line)
        self.function = function
    }

    public final var members: [LayerMember] { [] }

    public final func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try function(input) }
    }
}

/// `max(x, 0)`
public final class ReLU: Activation {
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.relu() } }
}

/// `x · Φ(x)` with the normal distribution function Φ (Hendrycks and Gimpel, 2016).
public final class GELU: Activation {
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.gelu() } }
}

/// `x · sigmoid(x)`
public final class SiLU: Activation {
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.silu() } }
}

/// `1 / (1 + e⁻ˣ)`
public final class Sigmoid: Activation {
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.sigmoid() } }
}

/// The hyperbolic tangent.
public final class Tanh: Activation {
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.tanh() } }
}

/// The softmax along one axis, by default the last.
public struct Softmax: Layer {
    public var axis: Int
    private let location: SourceLocation

    public init(axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) {
        self.axis = axis
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.softmax(axis: axis) }
    }
}

/// All axes after the first as one: `[n, c, h, w]` → `[n, c·h·w]`.
public struct Flatten: Layer {
    private let location: SourceLocation

    public init(file: StaticString = #fileID, line: UInt = #line) { location = SourceLocation(file: file, line: line) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        guard let first = input.shape.dimensions.first else {
            throw GraphError(
                operation: "Flatten", message: "a scalar has no first axis to keep; reshape it to [1, 1]",
                operands: [input.type], location: location)
        }
        let rest = Shape(Array(input.shape.dimensions.dropFirst()))
        return try pass.graph.at(location) { try input.reshaped(to: [first, rest.elementCount]) }
    }
}

/// Zeroes elements with probability `rate` while training and scales the rest by `1 / (1 - rate)` (Srivastava et al., 2014).
///
/// The mask follows from the seed and the step alone, the same on every device.
public struct Dropout: Layer {
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
        try pass.graph.at(location) {
            // The node is checked in inference too, where nothing reads it.
            let counter =
                switch pass.mode {
                case .training(let step): step
                case .inference: try pass.graph.fill(0, [], .int32)
                }
            let dropped = try input.dropout(rate: rate, seed: seed, counter: counter)
            guard case .training = pass.mode, rate != 0 else { return input }
            return dropped
        }
    }
}
