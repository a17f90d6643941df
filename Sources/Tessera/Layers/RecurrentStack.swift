/// The weights of one layer and direction of a recurrence, each beginning uniform within ±1/√hidden, as PyTorch's.
public struct RecurrentWeights: Module {
    /// `[gates·hidden, inputs]`
    public let input: Variable
    /// `[gates·hidden, hidden]`
    public let hidden: Variable
    /// `[gates·hidden]`; neither is there without the other.
    public let inputBias: Variable?
    /// `[gates · hidden]`, added to what comes of the state; `nil` where there is none.
    public let hiddenBias: Variable?

    /// - Parameters:
    ///   - suffix: what PyTorch's names end with: `_l0_reverse`, and for a cell on its own nothing.
    ///   - failure: where there is one, whoever reads a variable is told it.
    init(
        of layer: String, _ suffix: String = "", gates: Int, _ inputs: Int, _ width: Int, hasBias: Bool,
        failure: GraphError? = nil, at location: SourceLocation, _ random: RandomSource
    ) {
        let bound = 1 / Float(max(width, 1)).squareRoot()
        let joined = width.times(gates)
        func variable(_ name: String, _ shape: Shape) -> Variable {
            Variable(name + suffix, of: layer, at: location) {
                if let failure { throw failure }
                return try random.uniform(shape, bound: bound)
            }
        }
        input = variable("weight_ih", [joined, inputs])
        hidden = variable("weight_hh", [joined, width])
        inputBias = hasBias ? variable("bias_ih", [joined]) : nil
        hiddenBias = hasBias ? variable("bias_hh", [joined]) : nil
    }

    public var members: [LayerMember] {
        [input, hidden, inputBias, hiddenBias].compactMap { $0.map { .variable($0.name, $0) } }
    }
}

/// Layers of a recurrence, each over the outputs of the one below, in one or both directions: what ``RNN``, ``LSTM`` and
/// ``GRU`` have in common.
struct RecurrentStack {
    /// By layer, then by direction.
    let weights: [[RecurrentWeights]]
    private let name: String
    private let hidden: Int
    private let dropout: Double
    private let dropouts: [Dropout]
    private let isBatchFirst: Bool
    private let location: SourceLocation

    /// More layers are taken for a mistake.
    private static let mostLayers = 1024

    init(
        _ name: String, gates: Int, _ inputs: Int, _ hidden: Int, layers: Int, isBidirectional: Bool, hasBias: Bool,
        dropout: Double, isBatchFirst: Bool, _ random: RandomSource, _ location: SourceLocation
    ) {
        let directions = isBidirectional ? ["", "_reverse"] : [""]
        var failure: GraphError?
        if !(1...Self.mostLayers).contains(layers) {
            let message = "the number of layers must be from 1 to \(Self.mostLayers), not \(layers)"
            failure = GraphError(operation: name, message: message, location: location)
        }
        weights = (0..<(failure == nil ? layers : 1)).map { layer in
            directions.map { direction in
                RecurrentWeights(
                    of: name, "_l\(layer)\(direction)", gates: gates,
                    layer == 0 ? inputs : hidden.times(directions.count), hidden, hasBias: hasBias, failure: failure,
                    at: location, random)
            }
        }
        self.name = name
        self.hidden = hidden
        self.dropout = dropout
        dropouts = weights.dropFirst().map { _ in Dropout(dropout, random) }
        self.isBatchFirst = isBatchFirst
        self.location = location
    }

    var members: [LayerMember] { weights.flatMap { $0.flatMap(\.members) } }

    /// - Parameters:
    ///   - states: the initial states, each `[layers·directions, b, hidden]`. Where nil, zeros, or what the cache of a pass
    ///     that decodes has; not in both directions.
    ///   - run: one layer in one direction over `[t, b, …]`, from initial states `[b, hidden]` → outputs `[t, b, hidden]` and
    ///     last states.
    /// - Returns: the outputs of the last layer and the last states of all.
    func callAsFunction(
        _ input: Tensor, _ states: [Tensor?], _ pass: ForwardPass,
        _ run: (Tensor, RecurrentWeights, _ initial: [Tensor?], _ isReversed: Bool) throws -> (Tensor, [Tensor])
    ) throws -> (outputs: Tensor, states: [Tensor]) {
        try pass.graph.at(location) {
            guard input.shape.rank == 3 else {
                throw failure("the input must be [\(isBatchFirst ? "b, t" : "t, b"), features]", input)
            }
            guard (0..<1).contains(dropout) else {
                throw failure("the rate of dropout must be in 0..<1, not \(dropout)", input)
            }
            let x = isBatchFirst ? try input.transposed([1, 0, 2]) : input
            let (batch, directions) = (x.shape[1], weights[0].count)
            if let decoding = pass.decoding, directions == 1, states.allSatisfy({ $0 == nil }) {
                let type = TensorType([weights.count, batch, hidden], x.dtype)
                return try decoding.recurrence(states.count, type, positions: x.shape[0], pass, at: location) {
                    try through(x, $0, pass, run)
                }
            }
            for case let state? in states where state.shape != [weights.count * directions, batch, hidden] {
                throw failure(
                    "an initial state must be [layers·directions, b, hidden], [\(weights.count * directions), \(batch), "
                        + "\(hidden)]", state)
            }
            return try through(x, states, pass, run)
        }
    }

    /// A sequence `[t, b, …]` through all layers.
    private func through(
        _ input: Tensor, _ states: [Tensor?], _ pass: ForwardPass,
        _ run: (Tensor, RecurrentWeights, _ initial: [Tensor?], _ isReversed: Bool) throws -> (Tensor, [Tensor])
    ) throws -> (outputs: Tensor, states: [Tensor]) {
        var x = input
        let (batch, directions) = (x.shape[1], weights[0].count)
        var last = states.map { _ in [Tensor]() }
        for layer in weights.indices {
            if layer > 0 { x = try dropouts[layer - 1](x, pass) }
            var outputs: [Tensor] = []
            for direction in 0..<directions {
                let index = layer * directions + direction
                let initial = try states.map {
                    try $0?.sliced(axis: 0, index..<(index + 1)).reshaped(to: [batch, hidden])
                }
                let (output, states) = try run(x, weights[layer][direction], initial, direction == 1)
                outputs.append(output)
                for (number, state) in states.enumerated() {
                    last[number].append(try state.reshaped(to: [1, batch, hidden]))
                }
            }
            x = outputs.count == 1 ? outputs[0] : try .concatenated(outputs, axis: 2)
        }
        return (
            isBatchFirst ? try x.transposed([1, 0, 2]) : x,
            try last.map { $0.count == 1 ? $0[0] : try .concatenated($0, axis: 0) }
        )
    }

    private func failure(_ message: String, _ operand: Tensor) -> GraphError {
        GraphError(operation: name, message: message, operands: [operand.type], location: location)
    }
}
