import Foundation

/// How attention's scores depend on where queries and keys stand.
public enum AttentionPositions: Hashable, Sendable {
    /// Queries and keys are turned by angles that grow with their places, so that their product depends on how far they are
    /// from each other (Su et al., RoFormer, 2021): ``Tensor/rotated(at:base:pairing:limit:file:line:)``.
    case rotary(base: Double = 10000, pairing: RotaryPairing = .halves)
    /// Scores fall by a slope of the head's own times the distance (Press et al., ALiBi, 2022): 2^(-8/n), its square, … for
    /// n heads, where n is a power of two; else those of the power below and, for the rest, every other of the power above.
    case linearBiases

    func rotate(_ operands: inout AttentionOperands, _ decoding: Decoding?) throws {
        guard case .rotary(let base, let pairing) = self else { return }
        func rotated(_ x: Tensor) throws -> Tensor {
            try x.rotated(
                at: decoding?.positions(x.shape[2]), base: base, pairing: pairing, limit: decoding?.cache.capacity)
        }
        (operands.queries, operands.keys) = (try rotated(operands.queries), try rotated(operands.keys))
    }

    func bias(_ masks: inout AttentionMasks, _ operands: AttentionOperands, _ decoding: Decoding?) throws {
        guard case .linearBiases = self else { return }
        let (queries, graph) = (operands.queries, operands.queries.graph)
        let (heads, steps, keys) = (queries.shape[1], queries.shape[2], operands.keys.shape[2])
        func counted(_ shape: Shape) throws -> Tensor {
            try graph.constant(HostTensor(shape, (0..<shape.elementCount).map { Int32($0) }))
        }
        let places = try decoding?.positions(steps).reshaped(to: [steps, 1]) ?? counted([steps, 1])
        let distance = try (places - counted([keys])).absolute().cast(to: queries.dtype)
        let slopes = try graph.constant(HostTensor([heads, 1, 1], Self.slopes(heads).map { Float(-$0) }))
        let bias = try distance * slopes.cast(to: queries.dtype)
        masks.bias = try masks.bias.map { try $0 + bias } ?? bias
    }

    private static func slopes(_ heads: Int) -> [Double] {
        var power = 1
        while power * 2 <= heads { power *= 2 }
        func all(_ count: Int) -> [Double] { (1...count).map { pow(2, -8 * Double($0) / Double(count)) } }
        let further = all(power * 2).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        return all(power) + further.prefix(max(heads, 0) - min(power, max(heads, 0)))
    }
}

/// Which numbers of a vector of d are turned together.
public enum RotaryPairing: Hashable, Sendable {
    /// Number i and number i + d/2, as in GPT-NeoX and Llama's files of the transformers package.
    case halves
    /// Number 2i and number 2i + 1, as in the paper and GPT-J.
    case neighbours
}

/// More positions than this are taken for a mistake.
private let mostPositions = 1 << 20

extension Graph {
    /// A table `[count, width]` of constants: `value(position, column)`.
    fileprivate func table(
        _ count: Int, _ width: Int, _ dtype: DType, of name: String, _ value: (Double, Int) -> Double
    ) throws(GraphError) -> Tensor {
        guard (0...mostPositions).contains(count), count.times(width) <= 1 << 28 else {
            throw GraphError(operation: name, message: "\(count) positions of \(width) numbers are more than it takes")
        }
        let numbers = (0..<count).flatMap { position in (0..<width).map { Float(value(Double(position), $0)) } }
        return try constant(HostTensor([count, width], numbers)).cast(to: dtype)
    }
}

extension Tensor {
    /// Vectors `[…, s, d]` whose pairs of numbers are turned by their positions: pair i of position p by p / base^(2i/d)
    /// (Su et al., RoFormer, 2021). Products of two such vectors depend on the difference of their positions.
    ///
    /// - Parameters:
    ///   - positions: int32 `[s]`, below `limit`; 0, 1, …, where left out.
    ///   - limit: how many positions there are; s, where left out.
    /// - Throws: ``GraphError`` for an odd d, or a base that is not above 0.
    public func rotated(
        at positions: Tensor? = nil, base: Double = 10000, pairing: RotaryPairing = .halves, limit: Int? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        let location = SourceLocation(file: file, line: line)
        return try graph.at(location) {
            let rank = shape.rank
            guard rank >= 2, shape[rank - 1] % 2 == 0, base > 0, base.isFinite, limit ?? 0 >= 0 else {
                throw GraphError(
                    operation: "rotated",
                    message: "needs [..., s, d] with an even d, and a base above 0, not \(base)", operands: [type],
                    location: location)
            }
            let (steps, half) = (shape[rank - 2], shape[rank - 1] / 2)
            func angles(_ function: (Double) -> Double) throws -> Tensor {
                let table = try graph.table(limit ?? steps, half, dtype, of: "rotated") { position, pair in
                    function(position / pow(base, Double(pair) / Double(half)))
                }
                return try positions.map { try table.indexSelect($0, axis: 0) } ?? table.sliced(axis: 0, 0..<steps)
            }
            let (cosine, sine) = (try angles(Foundation.cos), try angles(Foundation.sin))
            func turned(_ first: Tensor, _ second: Tensor) throws -> [Tensor] {
                [try first * cosine - second * sine, try second * cosine + first * sine]
            }
            switch pairing {
            case .halves:
                return try .concatenated(
                    turned(sliced(axis: -1, 0..<half), sliced(axis: -1, half..<(2 * half))), axis: -1)
            case .neighbours:
                let outer = shape.dimensions.dropLast()
                let pairs = try reshaped(to: Shape(outer + [half, 2]))
                let numbers = try (0..<2).map {
                    try pairs.sliced(axis: -1, $0..<($0 + 1)).reshaped(to: Shape(outer + [half]))
                }
                let columns = try turned(numbers[0], numbers[1]).map { try $0.reshaped(to: Shape(outer + [half, 1])) }
                return try Tensor.concatenated(columns, axis: -1).reshaped(to: shape)
            }
        }
    }
}

/// Adds to `[b, s, width]` sines and cosines of the positions (Vaswani et al., 2017): to column 2i of position p
/// sin(p / 10000^(2i/width)), to the next the cosine.
public struct SinusoidalPositions: Layer {
    private let location: SourceLocation

    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { location = SourceLocation(file: file, line: line) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard input.shape.rank == 3 else { throw notASequence("SinusoidalPositions", input, location) }
            let (steps, width) = (input.shape[1], input.shape[2])
            let table = try pass.graph.table(
                pass.decoding?.cache.capacity ?? steps, width, input.dtype, of: "SinusoidalPositions"
            ) { position, column in
                let angle = position / pow(10000, Double(column / 2 * 2) / Double(width))
                return column % 2 == 0 ? sin(angle) : cos(angle)
            }
            return try input + pass.positions(of: table, count: steps)
        }
    }
}

/// Adds to `[b, s, width]` a trained vector for each position (Gehring et al., 2017). Begins normal with a deviation of 0.02.
public struct LearnedPositions: Layer {
    /// `[count, width]`
    public let weight: Variable
    private let location: SourceLocation

    /// - Parameter count: the longest sequence; of a longer one the graph says so.
    public init(
        _ count: Int, _ width: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "LearnedPositions", at: location) {
            try random.normal([count, width], deviation: 0.02)
        }
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let table = try pass.read(weight)
            guard input.shape.rank == 3, input.shape[2] == table.shape[1], input.shape[1] <= table.shape[0] else {
                throw GraphError(
                    operation: "LearnedPositions",
                    message: "the input must be [b, s, \(table.shape[1])], with s up to \(table.shape[0])",
                    operands: [input.type], location: location)
            }
            return try input + pass.positions(of: table, count: input.shape[1])
        }
    }
}

private func notASequence(_ layer: String, _ input: Tensor, _ location: SourceLocation) -> GraphError {
    GraphError(
        operation: layer, message: "the input must be [b, s, width]", operands: [input.type], location: location)
}

extension ForwardPass {
    /// The rows of a table by position that belong to `count` positions of this pass.
    fileprivate func positions(of table: Tensor, count: Int) throws -> Tensor {
        guard let decoding else { return try table.sliced(axis: 0, 0..<count) }
        return try table.indexSelect(decoding.positions(count), axis: 0)
    }
}
