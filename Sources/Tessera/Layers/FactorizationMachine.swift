extension Tensor {
    /// The sum over all pairs of rows of their products, `Σᵢ<ⱼ vᵢ · vⱼ`, by `½ · Σ ((Σᵢ vᵢ)² - Σᵢ vᵢ²)`: `[n, fields, width]` →
    /// `[n, 1]`. The second order of a factorisation machine (Rendle, 2010).
    ///
    /// - Throws: ``GraphError`` where this has not three axes.
    public func pairwiseInteractions(
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 3, dtype.isFloatingPoint else {
            throw graph.failure(
                "pairwiseInteractions", "the input must be [n, fields, width], not \(shape)", [self], at: location)
        }
        return try graph.at(location) { () throws(GraphError) in
            let squares = try sum(axes: [1]).square() - square().sum(axes: [1])
            return try squares.sum(axes: [1], keepsDimensions: true) * 0.5
        }
    }
}

/// A factorisation machine over categorical columns (Rendle, 2010): int32 `[n, columns]` → `[n, 1]`, a bias, a weight for each
/// category and the products of all pairs of their vectors.
public struct FactorizationMachine: Layer {
    /// `[1]`
    public let bias: Variable
    /// A weight for each category, of width 1.
    public let linear: CategoricalEmbedding
    /// A vector for each category.
    public let embedding: CategoricalEmbedding
    private let location: SourceLocation

    /// - Parameter counts: the number of categories of each column.
    public init(
        _ counts: [Int], _ width: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        bias = Variable("bias", of: "FactorizationMachine", at: location) { try .filled(0, [1]) }
        linear = CategoricalEmbedding(counts, 1, random, file: file, line: line)
        embedding = CategoricalEmbedding(counts, width, random, file: file, line: line)
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try parts(input, pass).output
    }

    /// The vectors of all columns, too, for what reads them besides.
    func parts(_ input: Tensor, _ pass: ForwardPass) throws -> (output: Tensor, vectors: Tensor) {
        try pass.graph.at(location) {
            let vectors = try embedding(input, pass)
            let first = try linear(input, pass).sum(axes: [1])
            return (try first + vectors.pairwiseInteractions() + pass.read(bias), vectors)
        }
    }
}

/// DeepFM (Guo et al., 2017): a factorisation machine and dense layers that share its vectors: int32 `[n, columns]` → `[n, 1]`,
/// a logit.
public struct DeepFM: Layer {
    /// The factorisation machine, whose vectors the dense layers read.
    public let machine: FactorizationMachine
    /// The dense layers, each with a ReLU.
    public let deep: Sequential
    /// Of the dense layers, one number.
    public let output: Dense
    private let location: SourceLocation

    /// - Parameters:
    ///   - counts: the number of categories of each column.
    ///   - hidden: the widths of the dense layers, each with a ReLU.
    public init(
        _ counts: [Int], _ width: Int, hidden: [Int], _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        machine = FactorizationMachine(counts, width, random, file: file, line: line)
        let inputs = counts.count.times(width)
        deep = .hidden([inputs] + hidden, random, file, line)
        output = Dense(hidden.last ?? inputs, 1, random, file: file, line: line)
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let (shallow, vectors) = try machine.parts(input, pass)
            let flat = try vectors.reshaped(to: [vectors.shape[0], vectors.shape[1].times(vectors.shape[2])])
            return try shallow + output(deep(flat, pass), pass)
        }
    }
}
