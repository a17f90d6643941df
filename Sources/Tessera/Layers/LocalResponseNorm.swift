/// Each number divided by a power of the mean square of its neighbours across channels (Krizhevsky et al., 2012).
/// torch.nn.LocalResponseNorm. ``Tensor/localResponseNorm(size:alpha:beta:k:file:line:)`` says what the numbers are.
public final class LocalResponseNorm: Activation {
    /// A layer without parameters over windows of `size` channels.
    public init(
        _ size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        super.init(file, line) { try $0.localResponseNorm(size: size, alpha: alpha, beta: beta, k: k) }
    }
}

extension Tensor {
    /// `x / (k + alpha · m)^beta` of this `[n, c, …]`, with m the sum of the squares of `size` neighbouring channels by `size`.
    /// torch.nn.functional.local_response_norm.
    ///
    /// - Throws: ``GraphError`` for a size below 1, numbers that are not finite, or less than two axes.
    public func localResponseNorm(
        size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank >= 2, size >= 1, [alpha, beta, k].allSatisfy(\.isFinite) else {
            throw graph.failure(
                "localResponseNorm",
                "needs [n, c, …], a size of at least 1 and finite numbers, not \(shape), \(size), \(alpha), \(beta), \(k)",
                [self], at: location)
        }
        return try graph.at(location) { () throws(GraphError) in
            let rest = Shape(Array(shape.dimensions.dropFirst(2))).elementCount
            let means = try square().reshaped(to: [shape[0], 1, shape[1], rest]).averagePool(
                window: [size, 1], stride: [1, 1], padding: [(size / 2, (size - 1) / 2), (0, 0)])
            return try self / (means.reshaped(to: shape) * alpha + k).power(beta)
        }
    }
}
