// Which numbers the types hold, and what becomes of others: one rule for all passes and backends.

extension DType {
    /// What is wrong with a number that a user writes where an element of this type is wanted, and what to do instead;
    /// `nil` where the type holds it.
    ///
    /// Integer types hold whole numbers of their range, `int64` those that a `Double` is sure to hold. Floating-point types
    /// hold what they can round without losing it to infinity; and infinities and NaN.
    package func refusal(of number: Double) -> String? {
        guard isFloatingPoint == false else {
            guard number.isFinite, converted(number).isInfinite else { return nil }
            return "\(self) holds numbers up to \(largest), not \(number); cast to a type of more range first"
        }
        guard number.rounded() == number, number.isFinite else {
            return "\(self) cannot hold \(number); cast to a floating-point type first"
        }
        let range = wholeNumbers
        if range.contains(number) { return nil }
        let instead =
            self == .int64 ? "give larger ones as a tensor of int64" : "cast to a type of more range first"
        return """
            \(self) holds whole numbers from \(text(range.lowerBound)) to \(text(range.upperBound)), not \(text(number)); \
            \(instead)
            """
    }

    /// What a number is in this type, as every backend casts: to floating-point types rounded to nearest even, to integers
    /// towards zero, what is beyond the range the nearest end of it, NaN 0.
    package func converted(_ number: Double) -> Double {
        switch self {
        case .float64: return number
        case .float32: return Double(Float(number))
        case .float16: return Double(Float(float16Bits: Float(number).float16Bits))
        case .bfloat16: return Double(Float(bfloat16Bits: Float(number).bfloat16Bits))
        case .int32, .uint8:
            let range = wholeNumbers
            return number.isNaN ? 0 : min(max(number, range.lowerBound), range.upperBound).rounded(.towardZero)
        case .int64:
            return number.isNaN ? 0 : min(max(number, -0x1p63), 0x1p63).rounded(.towardZero)
        }
    }

    /// What a whole number is in this integer type when it is cast from another integer type: its low bits.
    package func wrapped(_ number: Double) -> Double {
        let whole = Int64(exactly: number) ?? .max
        return switch self {
        case .uint8: Double(UInt8(truncatingIfNeeded: whole))
        case .int32: Double(Int32(truncatingIfNeeded: whole))
        default: number
        }
    }

    /// The whole numbers of an integer type that are taken from a `Double`, which holds those beyond 2⁵³ only roughly.
    private var wholeNumbers: ClosedRange<Double> {
        switch self {
        case .uint8: 0...255
        case .int32: -0x1p31...(0x1p31 - 1)
        default: -0x1p53...0x1p53
        }
    }

    private var largest: String {
        switch self {
        case .float16: "65504"
        case .bfloat16: "3.39e38"
        default: "3.4e38"
        }
    }

    /// A whole number without a fraction, where that is short.
    private func text(_ number: Double) -> String { Int64(exactly: number).map(String.init) ?? "\(number)" }
}

extension HostTensor {
    /// A tensor with one number in every element, as `type` holds it.
    package init(filledWith number: Double, _ type: TensorType) throws {
        let held = type.dtype.converted(number)
        try self.init(type) { bytes in
            func store<Element: BitwiseCopyable>(_ element: Element) {
                bytes.bindMemory(to: Element.self).update(repeating: element)
            }
            switch type.dtype {
            case .float32: store(Float(held))
            case .float64: store(held)
            case .float16: store(Float(held).float16Bits)
            case .bfloat16: store(Float(held).bfloat16Bits)
            case .int32: store(Int32(held))
            // 2⁶³ is the one number that a saturated Double holds and int64 does not.
            case .int64: store(Int64(exactly: held) ?? .max)
            case .uint8: store(UInt8(held))
            }
        }
    }
}
