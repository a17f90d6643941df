/// Cross layers of the first kind over `[n, width]`: `x' = x₀ · (w · x) + b + x` with one vector w each (Wang et al., Deep &
/// Cross Network, 2017).
public struct CrossNetwork: Layer {
    /// Of each layer, `[width]`; begins normal with a deviation of √(2 / (width + 1)).
    public let weights: [Variable]
    /// Of each layer, `[width]`; begins as zeros.
    public let biases: [Variable]
    private let location: SourceLocation

    /// - Parameter depth: how many layers; products of up to `depth + 1` features come of them.
    public init(
        _ width: Int, depth: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        let deviation = (2 / Float(max(width.plus(1), 1))).squareRoot()
        weights = (0..<max(depth, 0)).map { _ in
            Variable("weight", of: "CrossNetwork", at: location) { try random.normal([width], deviation: deviation) }
        }
        biases = weights.map { _ in
            Variable("bias", of: "CrossNetwork", at: location) { try .filled(0, [width]) }
        }
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard input.shape.rank == 2 else { throw input.failure("CrossNetwork", "the input must be [n, width]") }
            return try zip(weights, biases).reduce(input) { x, layer in
                let weight = try pass.read(layer.0)
                let product = try x.matMul(weight.reshaped(to: [weight.shape[0], 1]))
                return try input * product + pass.read(layer.1) + x
            }
        }
    }
}

/// Cross layers of the second kind over `[n, width]`: `x' = x₀ ⊙ (W·x + b) + x` with a matrix each (Wang et al., DCN V2, 2021).
public struct CrossNetworkV2: Layer {
    /// Each `W·x + b`, in their order.
    public let layers: [Dense]
    private let location: SourceLocation

    /// - Parameter depth: how many layers; products of up to `depth + 1` features come of them.
    public init(
        _ width: Int, depth: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        layers = (0..<max(depth, 0)).map { _ in Dense(width, width, random, file: file, line: line) }
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard input.shape.rank == 2 else { throw input.failure("CrossNetworkV2", "the input must be [n, width]") }
            return try layers.reduce(input) { x, layer in try input * layer(x, pass) + x }
        }
    }
}

/// Cross layers of the second kind whose matrices are of low rank, each a mixture of experts over `[n, width]` (Wang et al.,
/// DCN V2, 2021): `x' = Σᵢ Gᵢ(x) · (x₀ ⊙ (Uᵢ·g(Cᵢ·g(Vᵢᵀ·x)) + b)) + x` with a softmax G over the experts.
public struct CrossNetworkMixture: Layer {
    /// In their order.
    public let layers: [CrossMixtureLayer]
    private let location: SourceLocation

    /// - Parameters:
    ///   - depth: how many layers; products of up to `depth + 1` features come of them.
    ///   - rank: of each expert's matrix.
    ///   - experts: how many.
    ///   - activation: g.
    public init(
        _ width: Int, depth: Int, rank: Int, experts: Int, activation: any Layer = Tanh(), _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        layers = (0..<max(depth, 0)).map { _ in
            CrossMixtureLayer(width, rank, experts, activation, random, file, line)
        }
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard input.shape.rank == 2 else {
                throw input.failure("CrossNetworkMixture", "the input must be [n, width]")
            }
            return try layers.reduce(input) { x, layer in try layer.crossed(x, with: input, pass) + x }
        }
    }
}

/// One layer of ``CrossNetworkMixture``. All but the bias begin normal with a deviation of √(2 / (rows + columns)).
public struct CrossMixtureLayer: Module {
    /// V, `[experts, width, rank]`.
    public let inward: Variable
    /// C, `[experts, rank, rank]`.
    public let inner: Variable
    /// Uᵀ, `[experts, rank, width]`.
    public let outward: Variable
    /// b, `[width]`; begins as zeros.
    public let bias: Variable
    /// G before its softmax, `[n, width]` → `[n, experts]`.
    public let gate: Dense
    private let activation: any Layer

    fileprivate init(
        _ width: Int, _ rank: Int, _ experts: Int, _ activation: any Layer, _ random: RandomSource,
        _ file: StaticString, _ line: UInt
    ) {
        let location = SourceLocation(file: file, line: line)
        func matrices(_ name: String, _ rows: Int, _ columns: Int) -> Variable {
            let deviation = (2 / Float(max(rows.plus(columns), 1))).squareRoot()
            return Variable(name, of: "CrossNetworkMixture", at: location) {
                try random.normal([experts, rows, columns], deviation: deviation)
            }
        }
        inward = matrices("inward", width, rank)
        inner = matrices("inner", rank, rank)
        outward = matrices("outward", rank, width)
        bias = Variable("bias", of: "CrossNetworkMixture", at: location) { try .filled(0, [width]) }
        gate = Dense(width, experts, hasBias: false, random, file: file, line: line)
        self.activation = activation
    }

    fileprivate func crossed(_ x: Tensor, with first: Tensor, _ pass: ForwardPass) throws -> Tensor {
        // [experts, n, …] throughout.
        let narrow = try activation(x.matMul(pass.read(inward)), pass)
        let mixed = try activation(narrow.matMul(pass.read(inner)), pass)
        let crossed = try first * mixed.matMul(pass.read(outward)).plusBias(pass.read(bias))
        let gates = try gate(x, pass).softmax().transposed([1, 0])
        return try (crossed * gates.reshaped(to: Shape(gates.shape.dimensions + [1]))).sum(axes: [0])
    }
}

/// Cross layers and dense ones over `[n, width]` → `[n, outputs]`, one behind the other or side by side (Wang et al., DCN V2,
/// 2021).
public struct DeepCrossNetwork: Layer {
    /// Where the dense layers stand.
    public enum Arrangement: Hashable, Sendable, CaseIterable {
        /// The dense layers read what the cross layers give.
        case stacked
        /// Both read the input, and the output layer what both give.
        case parallel
    }

    /// The cross layers, `[n, width]` → `[n, width]`.
    public let cross: any Layer
    /// The dense layers, each with a ReLU.
    public let deep: Sequential
    /// The last layer, without an activation.
    public let output: Dense
    /// Where the dense layers stand.
    public let arrangement: Arrangement

    /// - Parameters:
    ///   - cross: `[n, width]` → `[n, width]`: a ``CrossNetwork``, ``CrossNetworkV2`` or ``CrossNetworkMixture``.
    ///   - hidden: the widths of the dense layers, each with a ReLU.
    public init(
        _ width: Int, cross: any Layer, hidden: [Int], arrangement: Arrangement, outputs: Int = 1,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.cross = cross
        deep = .hidden([width] + hidden, random, file, line)
        let deepWidth = hidden.last ?? width
        output = Dense(
            arrangement == .stacked ? deepWidth : width.plus(deepWidth), outputs, random, file: file, line: line)
        self.arrangement = arrangement
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let crossed = try cross(input, pass)
        switch arrangement {
        case .stacked: return try output(deep(crossed, pass), pass)
        case .parallel: return try output(.concatenated([crossed, deep(input, pass)], axis: -1), pass)
        }
    }
}

extension Sequential {
    /// Dense layers between these widths, each with a ReLU.
    static func hidden(_ widths: [Int], _ random: RandomSource, _ file: StaticString, _ line: UInt) -> Sequential {
        Sequential(
            zip(widths, widths.dropFirst()).flatMap { inputs, outputs -> [any Layer] in
                [Dense(inputs, outputs, random, file: file, line: line), ReLU(file: file, line: line)]
            })
    }
}

extension Tensor {
    /// What is wrong with this tensor as a layer's input.
    func failure(_ layer: String, _ message: String) -> GraphError {
        GraphError(operation: layer, message: "\(message), not \(shape)", operands: [type])
    }
}
