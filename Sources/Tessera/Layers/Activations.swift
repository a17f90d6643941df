/// A layer without parameters that is one function of its input, whose errors name the line that makes the layer.
public class Activation: Layer {
    private let location: SourceLocation
    private let function: (Tensor) throws -> Tensor

    init(_ file: StaticString, _ line: UInt, _ function: @escaping (Tensor) throws -> Tensor) {
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
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.relu() } }
}

/// `x · Φ(x)` with the normal distribution function Φ (Hendrycks and Gimpel, 2016). torch.nn.GELU.
public final class GELU: Activation {
    /// - Parameter byTanh: whether ``Tensor/geluByTanh(file:line:)`` takes its place, PyTorch's `approximate='tanh'`.
    public init(byTanh: Bool = false, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try byTanh ? $0.geluByTanh() : $0.gelu() }
    }
}

/// `x · sigmoid(x)`
public final class SiLU: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.silu() } }
}

/// `1 / (1 + e⁻ˣ)`
public final class Sigmoid: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.sigmoid() } }
}

/// The hyperbolic tangent.
public final class Tanh: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.tanh() } }
}

/// `min(max(x, 0), 6)`. torch.nn.ReLU6.
public final class ReLU6: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.relu6() } }
}

/// x above 0, else `slope · x` (Maas et al., 2013). torch.nn.LeakyReLU.
public final class LeakyReLU: Activation {
    /// A layer without parameters; `slope` is that below 0.
    public init(slope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.leakyReLU(slope: slope) }
    }
}

/// x above 0, else `weight · x` with a learned slope (He et al., 2015). torch.nn.PReLU.
public struct PReLU: Layer {
    /// `[channels]`; begins as the `slope` given.
    public let weight: Variable
    private let location: SourceLocation

    /// - Parameter channels: of the input `[n, channels, …]`; 1 for one slope for all.
    public init(
        _ channels: Int = 1, slope: Double = 0.25, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "PReLU", at: location) { try .filled(Float(slope), [channels]) }
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try input.prelu(slope: pass.read(weight)) }
    }
}

/// x above 0, else `alpha · (eˣ - 1)` (Clevert et al., 2016). torch.nn.ELU.
public final class ELU: Activation {
    /// A layer without parameters; `-alpha` is the limit below 0.
    public init(alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.elu(alpha: alpha) }
    }
}

/// The self-normalising ELU (Klambauer et al., 2017), with ``AlphaDropout``. torch.nn.SELU.
public final class SELU: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.selu() } }
}

/// x above 0, else `alpha · (e^(x / alpha) - 1)` (Barron, 2017). torch.nn.CELU.
public final class CELU: Activation {
    /// A layer without parameters; `-alpha` is the limit below 0.
    public init(alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.celu(alpha: alpha) }
    }
}

/// `x · tanh(softplus(x))` (Misra, 2020). torch.nn.Mish.
public final class Mish: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.mish() } }
}

/// `ln(1 + e^(beta · x)) / beta`. torch.nn.Softplus.
public final class Softplus: Activation {
    /// A layer without parameters; `beta` is above 0.
    public init(beta: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.softplus(beta: beta) }
    }
}

/// `x / (1 + |x|)`. torch.nn.Softsign.
public final class Softsign: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.softsign() } }
}

/// `ln(sigmoid(x))`. torch.nn.LogSigmoid.
public final class LogSigmoid: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.logSigmoid() } }
}

/// `min(max(x + 3, 0), 6) / 6` (Howard et al., 2019). torch.nn.Hardsigmoid.
public final class HardSigmoid: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.hardSigmoid() } }
}

/// `x · hardSigmoid(x)` (Howard et al., 2019). torch.nn.Hardswish.
public final class HardSwish: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.hardSwish() } }
}

/// x held between two numbers. torch.nn.Hardtanh.
public final class HardTanh: Activation {
    /// A layer without parameters, with results from `minimum` to `maximum`.
    public init(minimum: Double = -1, maximum: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.hardTanh(minimum: minimum, maximum: maximum) }
    }
}

/// x moved towards 0 by `lambda`, and 0 within it. torch.nn.Softshrink.
public final class Softshrink: Activation {
    /// A layer without parameters; `lambda` is at least 0.
    public init(lambda: Double = 0.5, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.softshrink(lambda: lambda) }
    }
}

/// x, but 0 from `-lambda` to `lambda`. torch.nn.Hardshrink.
public final class Hardshrink: Activation {
    /// A layer without parameters; `lambda` is at least 0.
    public init(lambda: Double = 0.5, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.hardshrink(lambda: lambda) }
    }
}

/// `x - tanh(x)`. torch.nn.Tanhshrink.
public final class Tanhshrink: Activation {
    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { super.init(file, line) { try $0.tanhshrink() } }
}

/// x where it is above `threshold`, else `value`. torch.nn.Threshold.
public final class Threshold: Activation {
    /// A layer without parameters: what is not above the threshold becomes `value`.
    public init(_ threshold: Double, value: Double, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.threshold(threshold, value: value) }
    }
}

/// The softmax along one axis, by default the last. torch.nn.Softmax.
public final class Softmax: Activation {
    /// A layer without parameters; a negative axis counts from the last.
    public init(axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.softmax(axis: axis) }
    }
}

/// The logarithm of the softmax along one axis, by default the last. torch.nn.LogSoftmax.
public final class LogSoftmax: Activation {
    /// A layer without parameters; a negative axis counts from the last.
    public init(axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.logSoftmax(axis: axis) }
    }
}

/// What the second half of a gated unit becomes before it multiplies the first (Shazeer, GLU Variants Improve Transformer,
/// 2020).
public enum Gate: Hashable, Sendable, CaseIterable {
    /// GLU (Dauphin et al., 2017).
    case sigmoid
    /// SwiGLU.
    case silu
    /// GEGLU.
    case gelu
    /// ReGLU.
    case relu
    /// Bilinear.
    case identity
}

extension Tensor {
    /// `a · gate(b)` of the two halves a and b along `axis`, by default the last. torch.nn.functional.glu.
    ///
    /// What `silu(w₁x) · w₃x` has first, its gate, stands second here, as in PyTorch. The halves are slices: three kernels.
    /// - Throws: ``GraphError`` where there is no such axis, or its extent is odd.
    public func glu(
        axis: Int = -1, gate: Gate = .sigmoid, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        let axis = try self.axis(axis, of: "glu", location)
        guard shape[axis] % 2 == 0, dtype.isFloatingPoint else {
            throw graph.failure(
                "glu", "needs floating-point numbers and an even extent along axis \(axis)", [self], at: location)
        }
        return try graph.at(location) { () throws(GraphError) in
            let half = shape[axis] / 2
            let (a, b) = (try sliced(axis: axis, 0..<half), try sliced(axis: axis, half..<(2 * half)))
            return switch gate {
            case .sigmoid: try a * b.sigmoid()
            case .silu: try a * b.silu()
            case .gelu: try a * b.gelu()
            case .relu: try a * b.relu()
            case .identity: try a * b
            }
        }
    }
}

/// `a · gate(b)` of the two halves a and b along one axis, by default the last: GLU, SwiGLU, GEGLU, ReGLU by the gate.
/// torch.nn.GLU. ``Tensor/glu(axis:gate:file:line:)`` says which half is which.
public final class GLU: Activation {
    /// A layer without parameters; a negative axis counts from the last.
    public init(
        axis: Int = -1, gate: Gate = .sigmoid, file: StaticString = #fileID, line: UInt = #line
    ) {
        super.init(file, line) { try $0.glu(axis: axis, gate: gate) }
    }
}
