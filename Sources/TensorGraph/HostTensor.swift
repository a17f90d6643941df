/// A type that can be the element of a ``HostTensor``.
public protocol TensorElement: BitwiseCopyable, Sendable {
    static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }

/// A dense, row-major tensor in host memory: what goes into a graph and what comes out of it.
///
/// A value type; copies share storage until one is written to.
public struct HostTensor: Hashable, Sendable, CustomStringConvertible {
    public let type: TensorType
    /// The elements in native byte order, `type.byteCount` bytes.
    public private(set) var bytes: [UInt8]

    public var shape: Shape { type.shape }
    public var dtype: DType { type.dtype }

    /// A tensor over raw bytes.
    ///
    /// - Throws: ``GraphError`` where the number of bytes is not what `type` takes.
    public init(_ type: TensorType, bytes: [UInt8]) throws(GraphError) {
        guard type.shape.checkedElementCount != nil else {
            throw GraphError(operation: "HostTensor", message: "\(type.shape) is no shape of a tensor")
        }
        guard bytes.count == type.byteCount else {
            throw GraphError(
                operation: "HostTensor", message: "\(type) takes \(type.byteCount) bytes, not \(bytes.count)")
        }
        self.type = type
        self.bytes = bytes
    }

    /// A tensor of the given elements, row-major.
    ///
    /// - Throws: ``GraphError`` where the number of elements is not the shape's.
    public init<Element: TensorElement>(_ shape: Shape, _ elements: [Element]) throws(GraphError) {
        guard let count = shape.checkedElementCount else {
            throw GraphError(operation: "HostTensor", message: "\(shape) is no shape of a tensor")
        }
        guard elements.count == count else {
            throw GraphError(
                operation: "HostTensor",
                message: "shape \(shape) takes \(count) elements, not \(elements.count)")
        }
        type = TensorType(shape, Element.dtype)
        bytes = elements.withUnsafeBytes { [UInt8]($0) }
    }

    /// A scalar.
    public init<Element: TensorElement>(_ value: Element) {
        type = TensorType([], Element.dtype)
        bytes = Swift.withUnsafeBytes(of: value) { [UInt8]($0) }
    }

    /// A tensor of zeros.
    public init(zeros type: TensorType) {
        self.type = type
        bytes = [UInt8](repeating: 0, count: type.byteCount)
    }

    /// A tensor whose bytes `fill` writes; what it leaves alone is zero.
    public init(_ type: TensorType, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        self.init(zeros: type)
        try bytes.withUnsafeMutableBytes { try fill($0) }
    }

    /// The elements as an array of `Element`, row-major.
    ///
    /// - Throws: ``GraphError`` where `Element` is not the tensor's type.
    public func elements<Element: TensorElement>(_: Element.Type = Element.self) throws(GraphError) -> [Element] {
        guard Element.dtype == dtype else {
            throw GraphError(
                operation: "HostTensor", message: "elements are \(dtype), not \(Element.dtype)", operands: [type])
        }
        return bytes.withUnsafeBytes { raw in
            [Element](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
                count = shape.elementCount
            }
        }
    }

    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }

    public mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try bytes.withUnsafeMutableBytes(body)
    }

    public var description: String { "HostTensor(\(type))" }
}
