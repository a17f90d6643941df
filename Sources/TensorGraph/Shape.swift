/// The extents of a tensor, outermost first. Tensors are dense and row-major; `[]` is a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public var dimensions: [Int]

    public init(_ dimensions: [Int]) { self.dimensions = dimensions }
    public init(arrayLiteral elements: Int...) { dimensions = elements }

    /// The number of axes.
    public var rank: Int { dimensions.count }

    /// The number of elements: the product of the extents, 1 for a scalar.
    public var elementCount: Int { dimensions.reduce(1, *) }

    /// The number of elements, or `nil` for a negative extent or more of them than memory can be addressed for.
    package var checkedElementCount: Int? {
        var count = 1
        for extent in dimensions {
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflows else { return nil }
            count = product
        }
        // Eight bytes for each must still be countable.
        return count <= Int.max / 8 ? count : nil
    }

    public subscript(axis: Int) -> Int {
        get { dimensions[axis] }
        set { dimensions[axis] = newValue }
    }

    /// The distance in elements between neighbours along each axis.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * dimensions[axis + 1]
        }
        return strides
    }

    /// The common shape of two operands under NumPy's broadcasting rule, or `nil` where there is none.
    public func broadcast(with other: Shape) -> Shape? {
        let count = max(rank, other.rank)
        var result = [Int](repeating: 1, count: count)
        for axis in 0..<count {
            let left = axis < count - rank ? 1 : dimensions[axis - (count - rank)]
            let right = axis < count - other.rank ? 1 : other.dimensions[axis - (count - other.rank)]
            guard left == right || left == 1 || right == 1 else { return nil }
            result[axis] = left == 1 ? right : left
        }
        return Shape(result)
    }

    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}

/// What a node's result is known to be before anything runs: its shape and element type.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    public var shape: Shape
    public var dtype: DType

    public init(_ shape: Shape, _ dtype: DType = .float32) {
        self.shape = shape
        self.dtype = dtype
    }

    /// The size in bytes of the dense tensor.
    public var byteCount: Int { shape.elementCount * dtype.byteCount }

    public var description: String { dtype.rawValue + shape.description }
}
