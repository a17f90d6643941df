/// One number for every spatial axis, `3`, or one for each, the outermost first, `[3, 5]`.
public enum PerAxis: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// The same for all axes.
    case all(Int)
    /// One for each axis, the outermost first.
    case each([Int])

    public init(integerLiteral number: Int) { self = .all(number) }
    public init(arrayLiteral numbers: Int...) { self = .each(numbers) }

    /// The numbers of so many axes.
    ///
    /// - Throws: ``GraphError`` where there are more or fewer.
    func numbers(_ axes: Int, _ meaning: String, of layer: String) throws(GraphError) -> [Int] {
        switch self {
        case .all(let number): return [Int](repeating: number, count: axes)
        case .each(let numbers):
            guard numbers.count == axes else {
                throw GraphError(
                    operation: layer, message: "\(meaning) needs one number or \(axes), not \(numbers.count)")
            }
            return numbers
        }
    }
}

/// What a convolution adds at either end of each spatial axis.
public enum ConvolutionPadding: Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// As many before as after.
    case around(PerAxis)
    /// By axis, the outermost first.
    case explicit([(before: Int, after: Int)])
    /// As many as make the output `⌈extent / stride⌉` long, the odd one after: TensorFlow's SAME, and where the stride is 1
    /// PyTorch's `padding='same'`.
    case same
    /// None.
    case valid

    public init(integerLiteral number: Int) { self = .around(.all(number)) }
    public init(arrayLiteral numbers: Int...) { self = .around(.each(numbers)) }

    /// As many before and after every axis.
    public static func all(_ number: Int) -> ConvolutionPadding { .around(.all(number)) }

    /// By axis, for an input with these spatial extents.
    ///
    /// - Throws: ``GraphError`` for padding of other axes, or below 0.
    func resolved(
        _ extents: [Int], kernel: [Int], stride: [Int], dilation: [Int], of layer: String
    ) throws(GraphError) -> [(before: Int, after: Int)] {
        let ends: [(before: Int, after: Int)]
        switch self {
        case .around(let padding): ends = try padding.numbers(extents.count, "padding", of: layer).map { ($0, $0) }
        case .explicit(let given): ends = given
        case .valid: ends = extents.map { _ in (0, 0) }
        case .same:
            ends = extents.indices.map { axis in
                let outputs = extents[axis].plus(stride[axis].minus(1)) / max(stride[axis], 1)
                let read = outputs.minus(1).times(stride[axis]).plus(dilation[axis].times(kernel[axis].minus(1))).plus(
                    1)
                let total = max(read.minus(extents[axis]), 0)
                return (total / 2, total - total / 2)
            }
        }
        guard ends.count == extents.count, ends.allSatisfy({ $0.before >= 0 && $0.after >= 0 }) else {
            throw GraphError(
                operation: layer, message: "padding needs \(extents.count) pairs of ends of at least 0, not \(ends)")
        }
        return ends
    }
}
