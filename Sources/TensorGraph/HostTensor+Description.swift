extension HostTensor: CustomStringConvertible, CustomDebugStringConvertible {
    /// The type and the elements, nested by axes and aligned, as NumPy and PyTorch print them:
    ///
    ///     float32[2, 3]
    ///     [[1.5,   0,  -2],
    ///      [  3, nan,  10]]
    ///
    /// Of more than a thousand elements only the first and last three along each axis are there.
    public var description: String {
        guard shape.elementCount > 0 else { return "\(type) []" }
        let isShort = shape.elementCount <= 1000
        func shown(_ extent: Int) -> [Int?] {
            isShort || extent <= 7 ? Array(0..<extent) : [0, 1, 2, nil, extent - 3, extent - 2, extent - 1]
        }
        let axes = shape.dimensions.map(shown)
        let strides = shape.strides
        return bytes.withUnsafeBytes { raw in
            /// The texts of the elements that are shown, in order.
            func texts(_ axis: Int, _ offset: Int) -> [String] {
                guard axis < axes.count else { return [Self.text(raw, offset, dtype)] }
                return axes[axis].compactMap { $0 }.flatMap { texts(axis + 1, offset + $0 * strides[axis]) }
            }
            let all = texts(0, 0)
            let width = all.map(\.count).max() ?? 0
            var rest = all[...]
            func block(_ axis: Int) -> String {
                guard axis < axes.count else {
                    let text = rest.popFirst() ?? ""
                    return String(repeating: " ", count: axes.isEmpty ? 0 : width - text.count) + text
                }
                let isLast = axis == axes.count - 1
                let separator =
                    isLast
                    ? ", "
                    : "," + String(repeating: "\n", count: axes.count - 1 - axis)
                        + String(repeating: " ", count: axis + 1)
                return "[" + axes[axis].map { $0 == nil ? "…" : block(axis + 1) }.joined(separator: separator) + "]"
            }
            return "\(type)" + (axes.count > 1 ? "\n" : " ") + block(0)
        }
    }

    public var debugDescription: String { description }

    /// One element, a real one with what six digits say of it, and enough of them that no whole number is cut.
    private static func text(_ raw: UnsafeRawBufferPointer, _ index: Int, _ dtype: DType) -> String {
        func element<Element: BitwiseCopyable>(_: Element.Type) -> Element {
            raw.loadUnaligned(fromByteOffset: index * dtype.byteCount, as: Element.self)
        }
        switch dtype {
        case .float32: return text(Double(element(Float.self)))
        case .float64: return text(element(Double.self))
        case .float16: return text(Double(Float(float16Bits: element(UInt16.self))))
        case .bfloat16: return text(Double(Float(bfloat16Bits: element(UInt16.self))))
        case .int32: return "\(element(Int32.self))"
        case .int64: return "\(element(Int64.self))"
        case .int8: return "\(element(Int8.self))"
        case .int16: return "\(element(Int16.self))"
        case .uint8: return "\(element(UInt8.self))"
        case .uint16: return "\(element(UInt16.self))"
        case .uint32: return "\(element(UInt32.self))"
        case .uint64: return "\(element(UInt64.self))"
        case .bool: return element(UInt8.self) == 0 ? "false" : "true"
        }
    }

    /// As C's `%.6g` writes it, which needs no Foundation: six significant digits, without zeros at the end.
    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        let sign = value.sign == .minus ? "-" : ""
        let size = value.magnitude
        guard size > 0 else { return sign + "0" }
        if size < 1e15, size == size.rounded() { return sign + "\(Int64(size))" }
        // The shortest digits that say the number, and where its point is, from its own description: "1.2345e-05".
        let parts = "\(size)".split(separator: "e")
        let places = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = places.joined().drop { $0 == "0" }.map { $0.wholeNumberValue ?? 0 }
        var exponent =
            (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
            + (places[0] == "0" ? -(places.last?.prefix { $0 == "0" }.count ?? 0) : places[0].count)
        if digits.count > 6 {
            let isUp = digits[6] >= 5
            digits.removeSubrange(6...)
            var place = 5
            while isUp, place >= 0 {
                digits[place] += 1
                guard digits[place] == 10 else { break }
                digits[place] = 0
                place -= 1
            }
            if isUp, place < 0 {
                digits.insert(1, at: 0)
                exponent += 1
            }
        }
        while digits.count > 1, digits.last == 0 { digits.removeLast() }
        let text = digits.map(String.init).joined()
        // The number is 0.text · 10^exponent.
        switch exponent {
        case -3...0: return sign + "0." + String(repeating: "0", count: -exponent) + text
        case 1...15 where exponent >= text.count:
            return sign + text + String(repeating: "0", count: exponent - text.count)
        case 1...15: return sign + text.prefix(exponent) + "." + text.dropFirst(exponent)
        default:
            let fraction = text.dropFirst()
            return sign + text.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e\(exponent - 1)"
        }
    }
}
