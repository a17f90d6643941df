/// The type of a tensor's elements.
public enum DType: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// IEEE 754 binary16. Products read it and sum in float32; other arithmetic is carried out in float32 too.
    case float16
    /// The upper half of a float32, used as float16 is.
    case bfloat16
    /// IEEE 754 binary32, the working type.
    case float32
    /// IEEE 754 binary64, for gradient checks and references.
    case float64
    /// Whole numbers with a sign, of so many bits.
    case int8, int16, int32, int64
    /// Whole numbers without a sign, of so many bits.
    case uint8, uint16, uint32, uint64
    /// True or false, a byte of 1 or 0: what comparisons give.
    case bool

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// Whether the type holds floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: false
        }
    }

    /// Whether the type holds whole numbers.
    public var isInteger: Bool { !isFloatingPoint && self != .bool }

    /// Whether numbers below 0 are among those of an integer type.
    package var isSigned: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64, .int8, .int16, .int32, .int64: true
        case .uint8, .uint16, .uint32, .uint64, .bool: false
        }
    }

    /// The type of a sum or a product of elements: of integers and of `bool` one of 64 bits, as in PyTorch, which holds the
    /// sum of 2³¹ elements of any type of 32 bits. Sums of 64 bits wrap around.
    package var summed: DType { isFloatingPoint ? self : self == .uint64 ? .uint64 : .int64 }

    /// Whether the type is one of 16 bits that is computed with in float32.
    package var isHalf: Bool { self == .float16 || self == .bfloat16 }

    /// What a kernel computes with elements of this type in, and keeps sums and statistics of them as.
    package var computed: DType { isHalf ? .float32 : self }

    public var description: String { rawValue }
}
