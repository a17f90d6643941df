/// A type that can be the element of a ``HostTensor``.
public protocol TensorElement: BitwiseCopyable, Sendable {
    /// The type of a tensor of such elements.
    static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension UInt16: TensorElement { public static var dtype: DType { .uint16 } }
extension UInt32: TensorElement { public static var dtype: DType { .uint32 } }
extension UInt64: TensorElement { public static var dtype: DType { .uint64 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }

/// A dense, row-major tensor in host memory: what goes into a graph and what comes out of it.
///
/// A value type; copies share storage until one is written to.
public struct HostTensor: Hashable, Sendable {
    /// The shape and the type of the elements.
    public let type: TensorType
    /// The elements in native byte order, `type.byteCount` bytes; those of `bool` are 0 or 1.
    public private(set) var bytes: [UInt8]

    /// The extents, outermost first.
    public var shape: Shape { type.shape }
    /// The type of the elements.
    public var dtype: DType { type.dtype }

    /// A tensor over raw bytes.
    ///
    /// - Throws: ``GraphError`` where no tensor has that shape, or the number of bytes is not what `type` takes.
    public init(
        _ type: TensorType, bytes: [UInt8], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        let byteCount = try Self.byteCount(of: type, file, line)
        guard bytes.count == byteCount else {
            throw Self.failure("\(type) takes \(byteCount) bytes, not \(bytes.count)", file, line)
        }
        self.type = type
        self.bytes = bytes
        keepBooleans()
    }

    /// Whatever is written into a tensor of `bool`, its bytes are 0 or 1: no other is a `Bool`.
    private mutating func keepBooleans() {
        guard dtype == .bool, bytes.contains(where: { $0 > 1 }) else { return }
        for index in bytes.indices { bytes[index] = min(bytes[index], 1) }
    }

    /// A tensor of the given elements, row-major.
    ///
    /// - Throws: ``GraphError`` where no tensor has that shape, or the number of elements is not the shape's.
    public init<Element: TensorElement>(
        _ shape: Shape, _ elements: [Element], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        type = TensorType(shape, Element.dtype)
        _ = try Self.byteCount(of: type, file, line)
        guard elements.count == shape.elementCount else {
            throw Self.failure("shape \(shape) takes \(shape.elementCount) elements, not \(elements.count)", file, line)
        }
        bytes = elements.withUnsafeBytes { [UInt8]($0) }
    }

    /// A scalar.
    public init<Element: TensorElement>(_ value: Element) {
        type = TensorType([], Element.dtype)
        bytes = Swift.withUnsafeBytes(of: value) { [UInt8]($0) }
    }

    /// A tensor of zeros.
    ///
    /// - Throws: ``GraphError`` where no tensor has that shape, or it is too large for the memory that is free.
    public init(
        zeros type: TensorType, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        let byteCount = try Self.byteCount(of: type, file, line)
        try HostMemory.require(byteCount, for: "HostTensor \(type)", at: SourceLocation(file: file, line: line))
        self.type = type
        bytes = [UInt8](repeating: 0, count: byteCount)
    }

    /// A tensor whose bytes `fill` writes; what it leaves alone is zero.
    ///
    /// - Throws: ``GraphError`` as ``init(zeros:file:line:)``, and what `fill` throws.
    public init(
        _ type: TensorType, file: StaticString = #fileID, line: UInt = #line,
        fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws {
        try self.init(zeros: type, file: file, line: line)
        defer { keepBooleans() }
        try bytes.withUnsafeMutableBytes { try fill($0) }
    }

    /// No elements.
    static let nothing = HostTensor(type: TensorType([0]), bytes: [])

    private init(type: TensorType, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
    }

    private static func failure(_ message: String, _ file: StaticString, _ line: UInt) -> GraphError {
        GraphError(operation: "HostTensor", message: message, location: SourceLocation(file: file, line: line))
    }

    private static func byteCount(
        of type: TensorType, _ file: StaticString, _ line: UInt
    ) throws(GraphError) -> Int {
        if let complaint = type.shape.complaint { throw failure(complaint, file, line) }
        return type.byteCount
    }

    /// The elements as an array of `Element`, row-major.
    ///
    /// - Throws: ``GraphError`` where `Element` is not the tensor's type.
    public func elements<Element: TensorElement>(
        _: Element.Type = Element.self, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> [Element] {
        guard Element.dtype == dtype else {
            throw GraphError(
                operation: "HostTensor", message: "elements are \(dtype), not \(Element.dtype)", operands: [type],
                location: SourceLocation(file: file, line: line))
        }
        return bytes.withUnsafeBytes { raw in
            [Element](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
                count = shape.elementCount
            }
        }
    }

    /// Some of the rows along the first axis, in the order of `indices`: `[count, …]`.
    ///
    /// - Throws: ``GraphError`` where one of them is no row of this tensor.
    public func rows(
        _ indices: ArraySlice<Int>, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        func failure(_ message: String) -> GraphError {
            GraphError(
                operation: "rows", message: message, operands: [type],
                location: SourceLocation(file: file, line: line))
        }
        guard let count = shape.dimensions.first else { throw failure("a scalar has no rows") }
        if let stranger = indices.first(where: { !(0..<count).contains($0) }) {
            throw failure("there is no row \(stranger)")
        }
        var result = type
        result.shape[0] = indices.count
        var rows = try HostTensor(zeros: result, file: file, line: line)
        let rowBytes = count == 0 ? 0 : bytes.count / count
        guard rowBytes > 0 else { return rows }
        bytes.withUnsafeBytes { source in
            rows.bytes.withUnsafeMutableBytes { target in
                for (row, index) in indices.enumerated() {
                    let part = source[(index * rowBytes)..<((index + 1) * rowBytes)]
                    UnsafeMutableRawBufferPointer(rebasing: target[(row * rowBytes)..<((row + 1) * rowBytes)])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
                }
            }
        }
        return rows
    }

    /// Gives `body` the elements in native byte order, `type.byteCount` bytes.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }

    /// Lets `body` change the elements in place: always as many bytes as the type takes.
    public mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        defer { keepBooleans() }
        return try bytes.withUnsafeMutableBytes(body)
    }
}
