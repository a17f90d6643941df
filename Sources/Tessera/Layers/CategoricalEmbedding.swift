/// Rows for several categorical columns out of one table, in which each column has its own part: int32 `[n, columns]` →
/// `[n, columns, width]`. Begins standard normal, as torch.nn.Embedding.
public struct CategoricalEmbedding: Layer {
    /// `[Σ counts, width]`, the first column's rows first.
    public let weight: Variable
    /// The number of categories of each column.
    public let counts: [Int]
    private let location: SourceLocation

    /// A table for columns of these numbers of categories, with rows of `width` numbers.
    public init(
        _ counts: [Int], _ width: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "CategoricalEmbedding", at: location) {
            guard counts.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
                throw GraphError(
                    operation: "CategoricalEmbedding", message: "counts must be at least 0 and fit int32, not \(counts)"
                )
            }
            return try random.normal([counts.reduce(0) { $0.plus($1) }, width])
        }
        self.counts = counts
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let table = try pass.read(weight)
            guard input.shape.rank == 2, input.shape[1] == counts.count, input.dtype == .int32 else {
                throw input.failure("CategoricalEmbedding", "the input must be int32 [n, \(counts.count)]")
            }
            var firsts: [Int32] = []
            var rows = 0
            for count in counts {
                firsts.append(Int32(rows))
                rows += count
            }
            let places = try input + pass.graph.constant(HostTensor([counts.count], firsts))
            // In place of the whole table's bounds: what is beyond a column's categories would be another column's.
            let embedded = try pass.graph.add(.embedding, [table, places])[0]
            for (column, count) in counts.enumerated() {
                pass.graph.check(
                    try input.sliced(axis: 1, column..<(column + 1)), in: 0..<count, "categories of column \(column)",
                    of: embedded, as: "CategoricalEmbedding")
            }
            return embedded
        }
    }
}

/// Rows for several categorical columns, each out of a table of its own with a width of its own, side by side: int32
/// `[n, columns]` → `[n, Σ widths]`.
public struct ColumnEmbeddings: Layer {
    /// The table of each column.
    public let tables: [Embedding]
    private let location: SourceLocation

    /// - Parameter columns: the number of categories and the width of each.
    public init(
        _ columns: [(count: Int, width: Int)], _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        tables = columns.map { Embedding($0.count, $0.width, random, file: file, line: line) }
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard input.shape.rank == 2, input.shape[1] == tables.count, !tables.isEmpty else {
                throw input.failure("ColumnEmbeddings", "the input must be [n, \(tables.count)]")
            }
            let rows = try tables.enumerated().map { column, table in
                try table(input.sliced(axis: 1, column..<(column + 1)).reshaped(to: [input.shape[0]]), pass)
            }
            return try .concatenated(rows, axis: 1)
        }
    }
}

/// The sum, mean or maximum of the rows of each bag: int32 `[n, k]` → `[n, width]`. torch.nn.EmbeddingBag; begins standard
/// normal.
///
/// Bags of different sizes are filled up with the index that is ``paddingIndex``; one of nothing else gives zeros. Of equal
/// maxima all share the gradient.
public struct EmbeddingBag: Layer {
    /// How the rows of a bag become one.
    public enum Mode: Hashable, Sendable, CaseIterable {
        /// Their sum, their mean, or the greatest number of each place.
        case sum, mean, maximum
    }

    /// `[count, width]`
    public let weight: Variable
    /// How the rows of a bag become one.
    public let mode: Mode
    /// The index that does not count; `nil` where all do.
    public let paddingIndex: Int?
    private let location: SourceLocation

    /// - Parameter paddingIndex: an index of the table that does not count.
    public init(
        _ count: Int, _ width: Int, mode: Mode = .mean, paddingIndex: Int? = nil, _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "EmbeddingBag", at: location) { try random.normal([count, width]) }
        self.mode = mode
        self.paddingIndex = paddingIndex
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, weights: nil, pass)
    }

    /// - Parameter weights: what each row is multiplied by, of the input's shape; for sums alone, as in PyTorch.
    public func callAsFunction(_ input: Tensor, weights: Tensor?, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let table = try pass.read(weight)
            guard input.shape.rank == 2 else { throw input.failure("EmbeddingBag", "the input must be int32 [n, k]") }
            guard weights == nil || (mode == .sum && weights?.shape == input.shape) else {
                throw input.failure("EmbeddingBag", "weights are for sums, and have the input's shape")
            }
            let rows = try table.embedding(input)
            guard input.shape[1] > 0 else {
                return try pass.graph.fill(0, [input.shape[0], table.shape[1]], table.dtype)
            }
            let column = Shape(input.shape.dimensions + [1])
            guard let paddingIndex else {
                switch mode {
                case .sum: return try (weights.map { try rows * $0.reshaped(to: column) } ?? rows).sum(axes: [1])
                case .mean: return try rows.mean(axes: [1])
                case .maximum: return try rows.maximum(axes: [1])
                }
            }
            guard (0..<table.shape[0]).contains(paddingIndex) else {
                throw input.failure("EmbeddingBag", "there is no row \(paddingIndex) for padding in \(table.shape)")
            }
            let isPadding = try input.equal(to: pass.graph.fill(Double(paddingIndex), [], .int32)).reshaped(to: column)
            func others(_ number: Double) throws -> Tensor {
                try .select(isPadding, pass.graph.fill(number, [], table.dtype), rows)
            }
            switch mode {
            case .sum:
                return try (weights.map { try others(0) * $0.reshaped(to: column) } ?? others(0)).sum(axes: [1])
            case .mean:
                let count = try isPadding.bitwiseNot().cast(to: table.dtype).sum(axes: [1])
                return try others(0).sum(axes: [1]) / count.maximum(pass.graph.fill(1, [], table.dtype))
            case .maximum:
                let isEmpty = try isPadding.all(axes: [1])
                return try .select(
                    isEmpty, pass.graph.fill(0, [], table.dtype), others(-.infinity).maximum(axes: [1]))
            }
        }
    }
}

extension Tensor {
    /// Categories of an unbounded number as rows of a table of bounded size: what is in `0 ..< known` stays itself, all else,
    /// the rare, shares `buckets` rows behind by a hash (Weinberger et al., 2009). int32 or int64 → int32 in
    /// `0 ..< known + buckets`.
    ///
    /// The hash is the finalizer of MurmurHash3 (Appleby), of int64 over its halves combined by exclusive or: the same on
    /// every device and in every version.
    /// - Throws: ``GraphError`` where there is no bucket, or more rows than int32 counts.
    public func hashed(
        beyond known: Int = 0, into buckets: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard [.int32, .int64].contains(dtype), known >= 0, buckets >= 1, known.plus(buckets) <= Int(Int32.max) else {
            throw graph.failure(
                "hashed", "needs int32 or int64, and from 1 to 2³¹ rows, not \(known) and \(buckets)", [self],
                at: location)
        }
        return try graph.at(location) { () throws(GraphError) in
            func number(_ value: Int, like x: Tensor) throws(GraphError) -> Tensor {
                try graph.fill(Double(value), [], x.dtype)
            }
            let folded =
                try dtype == .int32 ? self : bitwiseExclusiveOr(shiftedRight(by: number(32, like: self)))
            var hash = try folded.cast(to: .uint32)
            for (shift, factor) in [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35), (16, 1)] {
                hash = try hash.bitwiseExclusiveOr(hash.shiftedRight(by: number(shift, like: hash)))
                if factor != 1 { hash = try hash * number(factor, like: hash) }
            }
            let bucket = try hash.remainder(number(buckets, like: hash)).cast(to: .int32) + Double(known)
            guard known > 0 else { return bucket }
            let isKnown = try combine(.less, number(known, like: self)).bitwiseAnd(
                number(0, like: self).combine(.lessOrEqual, self))
            return try .select(isKnown, cast(to: .int32), bucket)
        }
    }
}
