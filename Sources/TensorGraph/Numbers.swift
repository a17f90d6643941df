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
        guard self != .bool else {
            return number == 0 || number == 1
                ? nil : "bool holds 0 and 1, not \(text(number)); cast to a type of numbers first"
        }
        guard number.rounded() == number, number.isFinite else {
            return "\(self) cannot hold \(number); cast to a floating-point type first"
        }
        let range = wholeNumbers
        if range.contains(number) { return nil }
        let instead =
            byteCount == 8 ? "give larger ones as a tensor of \(self)" : "cast to a type of more range first"
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
        case .bool: return number != 0 ? 1 : 0
        case .int64: return number.isNaN ? 0 : min(max(number, -0x1p63), 0x1p63).rounded(.towardZero)
        case .uint64: return number.isNaN ? 0 : min(max(number, 0), 0x1p64).rounded(.towardZero)
        case .int8, .int16, .int32, .uint8, .uint16, .uint32:
            let range = wholeNumbers
            return number.isNaN ? 0 : min(max(number, range.lowerBound), range.upperBound).rounded(.towardZero)
        }
    }

    /// What a whole number is in this integer type when it is cast from another integer type: its low bits; nil where a
    /// `Double` may not hold that.
    package func wrapped(_ number: Double) -> Double? {
        guard let whole = Int64(exactly: number) else { return nil }
        switch self {
        case .bool: return whole != 0 ? 1 : 0
        case .int8: return Double(Int8(truncatingIfNeeded: whole))
        case .int16: return Double(Int16(truncatingIfNeeded: whole))
        case .int32: return Double(Int32(truncatingIfNeeded: whole))
        case .uint8: return Double(UInt8(truncatingIfNeeded: whole))
        case .uint16: return Double(UInt16(truncatingIfNeeded: whole))
        case .uint32: return Double(UInt32(truncatingIfNeeded: whole))
        case .int64, .uint64, .float16, .bfloat16, .float32, .float64: return refusal(of: number) == nil ? number : nil
        }
    }

    /// The whole numbers of an integer type that are taken from a `Double`, which holds those beyond 2⁵³ only roughly.
    private var wholeNumbers: ClosedRange<Double> {
        switch self {
        case .bool: 0...1
        case .int8: -128...127
        case .int16: -32768...32767
        case .int32: -0x1p31...(0x1p31 - 1)
        case .uint8: 0...255
        case .uint16: 0...65535
        case .uint32: 0...(0x1p32 - 1)
        case .uint64: 0...0x1p53
        case .int64, .float16, .bfloat16, .float32, .float64: -0x1p53...0x1p53
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
            case .bool: store(UInt8(held))
            case .int8: store(Int8(held))
            case .int16: store(Int16(held))
            case .int32: store(Int32(held))
            // 2⁶³ and 2⁶⁴ are the numbers that a saturated Double holds and the types of 64 bits do not.
            case .int64: store(Int64(exactly: held) ?? .max)
            case .uint8: store(UInt8(held))
            case .uint16: store(UInt16(held))
            case .uint32: store(UInt32(held))
            case .uint64: store(UInt64(exactly: held) ?? .max)
            }
        }
    }
}
