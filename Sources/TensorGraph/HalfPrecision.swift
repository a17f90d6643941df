// Conversions between float32 and the 16-bit storage formats, rounding to nearest even. Swift's Float16 is missing on
// some x86-64 platforms, so the bits are made here.

extension Float {
    /// The nearest bfloat16, as its bits. NaN stays NaN.
    package var bfloat16Bits: UInt16 {
        if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
        let rounding = 0x7fff + (bitPattern >> 16) & 1
        return UInt16((bitPattern + rounding) >> 16)
    }

    package init(bfloat16Bits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

    /// The nearest IEEE 754 binary16, as its bits. NaN stays NaN; what is too large becomes infinite.
    package var float16Bits: UInt16 {
        let sign = UInt16(bitPattern >> 16) & 0x8000
        if isNaN { return sign | 0x7e00 }
        let size = magnitude
        if size >= 65520 { return sign | 0x7c00 }
        if size < 0x1p-14 {
            // Subnormal: multiples of 2⁻²⁴.
            return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven))
        }
        let bits = size.bitPattern
        let rounded = bits + 0xfff + ((bits >> 13) & 1)
        return sign | UInt16((rounded >> 13) - (112 << 10))
    }

    package init(float16Bits bits: UInt16) {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 0x1f
        let fraction = Float(bits & 0x3ff)
        switch exponent {
        case 0: self = sign * fraction * 0x1p-24
        case 31: self = fraction == 0 ? sign * .infinity : .nan
        default: self = sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
        }
    }
}
