import TensorGraph

/// Every elementwise function, and so every slope, over all exponents of float32: what overflows, underflows or cancels
/// anywhere shows here. A new function is swept as soon as it is in the enum.
extension OpCase {
    static let sweeps: [OpCase] =
        UnaryFunction.ofFloats.map { function in
            let values = Sweep.values.filter { !function.isNearRoot($0) && !function.isBarelyBeyond($0) }
            return OpCase(
                "\(function.rawValue) over all exponents", .unary(function), [.tensor([values.count], .values(values))],
                function.tolerance.isExact ? .exact : .sweep,
                gradient: function.result(.float32) == .bool ? .none : .parity(.sweep)
            ).large
        }
        + BinaryFunction.ofFloats.map { function in
            // A negative number, -0 too, has powers of whole numbers alone, whose sign goes by whether they are odd: which of
            // these b - 1 is, for the slope, is a matter of rounding where float32 doesn't hold it.
            let pairs = Sweep.pairs.filter { a, b in
                function != .power || a.sign == .plus || !b.isFinite || Double(Float(b - 1)) == b - 1
            }
            let (a, b) = (pairs.map(\.0), pairs.map(\.1))
            let tolerance = function == .power ? Tolerance.elementwise(4e-5, floor: Sweep.floor) : .sweep
            return OpCase(
                "\(function.rawValue) over all exponents", .binary(function),
                [.tensor([a.count], .values(a)), .tensor([b.count], .values(b))],
                function.tolerance.isExact ? .exact : tolerance,
                gradient: function.result(.float32) == .bool ? .none : .parity(tolerance)
            ).large
        }
}

extension Tolerance {
    /// A dozen units in the last place of each element, down to where numbers are denormal.
    static let sweep = Tolerance.elementwise(1.5e-6, floor: Sweep.floor)
}

/// Numbers that cover what a float32 can be.
package enum Sweep {
    /// Below it errors are absolute: a product of denormal numbers has lost digits, whoever computes it.
    static let floor = 0x1p-122

    /// Three numbers of each exponent, with both signs; what lies where exponentials do; zeros, infinities and NaN.
    package static let values: [Double] = {
        var sizes: [Double] = []
        for exponent in -149...127 {
            for significand in [1, 1.3125, 1.9375] {
                let size = Float(Double(sign: .plus, exponent: exponent, significand: significand))
                if size > 0 { sizes.append(Double(size)) }
            }
        }
        sizes += (1...256).map { Double($0) * 0.4375 }
        return sizes + sizes.map { -$0 } + [0, -0.0, .infinity, -.infinity, .nan]
    }()

    /// All pairs of a few of them, ties and NaN among them.
    static let pairs: [(Double, Double)] = {
        var sizes: [Double] = [0.5, 1, 2, 3]
        for exponent in stride(from: -120, through: 120, by: 20) {
            sizes.append(Double(sign: .plus, exponent: exponent, significand: 1.25))
        }
        let values = sizes + sizes.map { -$0 } + [0, -0.0, .infinity, -.infinity, .nan]
        return values.flatMap { a in values.map { b in (a, b) } }
    }()
}

extension UnaryFunction {
    /// Whether the function or its slope crosses zero nearby without being zero there by its form: the rounding of what is
    /// added up then is all there is, and other cases hold that to an absolute limit.
    package func isNearRoot(_ x: Double) -> Bool {
        switch self {
        case .gelu, .silu, .geluDerivative, .siluDerivative: (0.6...2.7).contains(abs(x))
        default: false
        }
    }

    /// Whether the result is infinite in float32 alone, by so little that a small cotangent would bring it back.
    func isBarelyBeyond(_ x: Double) -> Bool { (3.4e38...1e42).contains(abs(self(x))) }
}
