/// The extents of a tensor, outermost first. Tensors are dense and row-major; `[]` is a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The extents, outermost first.
    public var dimensions: [Int]

    /// A shape of these extents, outermost first.
    public init(_ dimensions: [Int]) { self.dimensions = dimensions }
    public init(arrayLiteral elements: Int...) { dimensions = elements }

    /// The number of axes.
    public var rank: Int { dimensions.count }

    /// The number of elements: the product of the extents, 1 for a scalar; `Int.max` where that is less.
    public var elementCount: Int { dimensions.reduce(1) { $0.times($1) } }

    /// The most elements of a tensor: eight bytes for each are what a processor of today can address.
    package static let largestElementCount = 1 << 44

    /// The most axes of a tensor, as in NumPy and PyTorch.
    package static let largestRank = 64

    /// The number of elements, or `nil` for a negative extent, too many axes, or more elements than can be addressed.
    ///
    /// Extents of 0 are left out when it is seen whether the shape is too large, as NumPy does it, so that the product of
    /// any of a tensor's extents is countable.
    package var checkedElementCount: Int? {
        guard rank <= Self.largestRank, dimensions.allSatisfy({ $0 >= 0 }) else { return nil }
        guard dimensions.reduce(1, { $0.times(max($1, 1)) }) <= Self.largestElementCount else { return nil }
        return elementCount
    }

    /// Why no tensor can have this shape; `nil` where one can.
    package var complaint: String? {
        if rank > Self.largestRank { return "\(rank) axes are more than \(Self.largestRank)" }
        if dimensions.contains(where: { $0 < 0 }) { return "negative extent in \(self)" }
        return checkedElementCount == nil ? "\(self) has more elements than memory" : nil
    }

    /// The extent of an axis that there is, as of an array's element. ``extent(_:file:line:)`` throws for any other.
    public subscript(axis: Int) -> Int {
        get { dimensions[axis] }
        set { dimensions[axis] = newValue }
    }

    /// The extent of an axis; a negative one counts from the last.
    ///
    /// - Throws: ``GraphError`` where there is no such axis.
    public func extent(
        _ axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Int {
        let index = axis < 0 ? axis + rank : axis
        guard dimensions.indices.contains(index) else {
            throw GraphError(
                operation: "extent", message: "there is no axis \(axis) in \(self)",
                location: SourceLocation(file: file, line: line))
        }
        return dimensions[index]
    }

    /// The distance in elements between neighbours along each axis.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1].times(dimensions[axis + 1])
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
    /// The extents.
    public var shape: Shape
    /// The type of the elements.
    public var dtype: DType

    /// The type of a tensor of this shape.
    public init(_ shape: Shape, _ dtype: DType = .float32) {
        self.shape = shape
        self.dtype = dtype
    }

    /// The size in bytes of the dense tensor; `Int.max` where that is less.
    public var byteCount: Int { shape.elementCount.times(dtype.byteCount) }

    public var description: String { dtype.rawValue + shape.description }
}

// Arithmetic on numbers that nobody has checked yet: what does not fit becomes the number nearest to it, which is then no
// extent of a tensor.
extension Int {
    package func times(_ other: Int) -> Int {
        let (product, overflows) = multipliedReportingOverflow(by: other)
        return overflows ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    package func plus(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (self < 0 ? .min : .max) : sum
    }

    package func minus(_ other: Int) -> Int {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? (self < 0 ? .min : .max) : difference
    }
}

extension Int {
    /// `⌈self / divisor⌉` of a count.
    package func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
