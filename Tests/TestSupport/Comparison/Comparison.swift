import TensorGraph

/// How far a result is from the reference.
package struct Comparison: Sendable {
    /// ‖result - reference‖ / ‖reference‖ over the finite elements, Euclidean; 0 for an exact result.
    package var normwise = 0.0
    /// The greatest |result - reference|.
    package var maximumAbsolute = 0.0
    /// The first element that is NaN or infinite on one side and not, or not in the same way, on the other.
    package var nonFiniteMismatch: Int?
    /// The number of elements, where the two differ in it.
    package var countMismatch: (result: Int, reference: Int)?

    package init(_ result: [Double], _ reference: [Double]) {
        guard result.count == reference.count else {
            countMismatch = (result.count, reference.count)
            return
        }
        var (differences, squares) = (0.0, 0.0)
        for index in reference.indices {
            let (value, expected) = (result[index], reference[index])
            guard value.isFinite, expected.isFinite else {
                let isSame = value.isNaN ? expected.isNaN : value == expected
                if !isSame, nonFiniteMismatch == nil { nonFiniteMismatch = index }
                continue
            }
            let difference = value - expected
            maximumAbsolute = max(maximumAbsolute, abs(difference))
            differences += difference * difference
            squares += expected * expected
        }
        if differences > 0 { normwise = squares > 0 ? (differences / squares).squareRoot() : .infinity }
    }

    /// The distance in units in the last place of float32.
    package static func ulps(_ value: Float, _ expected: Float) -> UInt32 {
        /// Consecutive floats as consecutive integers, through zero.
        func ordered(_ x: Float) -> Int64 {
            let bits = Int64(x.bitPattern & 0x7FFF_FFFF)
            return x.sign == .minus ? -bits : bits
        }
        if value.isNaN || expected.isNaN { return value.isNaN && expected.isNaN ? 0 : .max }
        return UInt32(min(abs(ordered(value) - ordered(expected)), Int64(UInt32.max)))
    }
}

/// What a result may be off by.
package enum Tolerance: Sendable {
    /// Nothing: the same number in every element.
    case exact
    /// ‖result - reference‖ ≤ limit · ‖reference‖, or no element is off by more than limit · floor: for
    /// what can cancel to zero.
    case normwise(Double, floor: Double = 0)
    /// |result - reference| ≤ limit · max(|reference|, floor) for each element.
    case elementwise(Double, floor: Double)

    /// The spacing of float32 numbers at 1.
    package static let epsilon = 0x1p-23

    /// What `result` has against the tolerance, or `nil` where it is near enough.
    package func complaint(_ result: [Double], _ reference: [Double]) -> String? {
        let comparison = Comparison(result, reference)
        if let counts = comparison.countMismatch {
            return "\(counts.result) elements where the reference has \(counts.reference)"
        }
        if let index = comparison.nonFiniteMismatch {
            return "element \(index) is \(result[index]), the reference \(reference[index])"
        }
        switch self {
        case .exact:
            guard let index = reference.indices.first(where: { result[$0] != reference[$0] && !result[$0].isNaN })
            else {
                return nil
            }
            return "element \(index) is \(result[index]), the reference exactly \(reference[index])"
        case .normwise(let limit, let floor):
            // Below the smallest normal float32, only the absolute error says anything.
            if comparison.normwise <= limit || comparison.maximumAbsolute < max(1e-36, limit * floor) { return nil }
            return "normwise error \(brief(comparison.normwise)), more than \(brief(limit))"
        case .elementwise(let limit, let floor):
            var worst: (index: Int, share: Double)?
            for index in reference.indices where result[index].isFinite && reference[index].isFinite {
                let share = abs(result[index] - reference[index]) / max(abs(reference[index]), floor)
                if share > limit, share > worst?.share ?? 0 { worst = (index, share) }
            }
            return worst.map {
                "element \($0.index) is \(result[$0.index]), the reference \(reference[$0.index]): error "
                    + "\(brief($0.share)), more than \(brief(limit))"
            }
        }
    }

    /// With room for `times` roundings to numbers that are at most `unit` of their size off.
    package func roundedTo(_ unit: Double, smallest: Double, times: Double) -> Tolerance {
        switch self {
        case .exact: times == 0 ? .exact : .elementwise(unit * times, floor: smallest)
        // Below the smallest normal number, all roundings are by half of one step.
        case .normwise(let limit, let floor): .normwise(limit + unit * times, floor: max(floor, smallest))
        case .elementwise(let limit, let floor): .elementwise(limit + unit * times, floor: max(floor, smallest))
        }
    }

    /// With room for `times` roundings to `dtype`, half a unit in the last place each.
    package func rounded(to dtype: DType, times: Double) -> Tolerance {
        switch dtype {
        case .float16: roundedTo(0x1p-11, smallest: 0x1p-14, times: times)
        case .bfloat16: roundedTo(0x1p-8, smallest: 0x1p-126, times: times)
        default: self
        }
    }

    /// With room for operands rounded to TF32, which holds the numbers of tests of exactness as they are.
    package var inTF32: Tolerance {
        if case .exact = self { .exact } else { roundedTo(0x1p-10, smallest: 0, times: 1) }
    }

    /// The same for numbers of `dtype`: the limits are for float32.
    package func scaled(for dtype: DType) -> Tolerance {
        // float64 has 29 more bits; the reference itself is in float64, hence a little room.
        let factor = dtype == .float64 ? 0x1p-24 : 1
        switch self {
        case .exact: return dtype == .float64 ? .exact : self
        case .normwise(let limit, let floor): return .normwise(limit * factor, floor: floor)
        case .elementwise(let limit, let floor): return .elementwise(limit * factor, floor: floor)
        }
    }
}

/// A number with two digits, as error messages print it.
func brief(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    var (mantissa, exponent) = (abs(value), 0)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = (mantissa * 10).rounded() / 10
    return "\(value < 0 ? "-" : "")\(digits)e\(exponent)"
}
