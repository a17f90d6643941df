/// Plain recurrent cells over sequences `[t, b, inputs]` → `[t, b, directions·hidden]` (Elman, 1990). torch.nn.RNN.
public struct RNN: Layer {
    private let stack: RecurrentStack
    private let activation: RecurrentActivation

    /// - Parameter activation: what each step makes of the sum of its products. The other parameters are those of ``LSTM``.
    public init(
        _ inputs: Int, _ hidden: Int, activation: RecurrentActivation = .tanh, layers: Int = 1,
        isBidirectional: Bool = false, hasBias: Bool = true, dropout: Double = 0, isBatchFirst: Bool = false,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.activation = activation
        stack = RecurrentStack(
            "RNN", gates: 1, inputs, hidden, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias,
            dropout: dropout, isBatchFirst: isBatchFirst, random, SourceLocation(file: file, line: line))
    }

    public var members: [LayerMember] { stack.members }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, hidden: nil, pass).outputs
    }

    /// - Parameters:
    ///   - hidden: the initial states `[layers·directions, b, hidden]`; zeros, where left out.
    ///   - lengths: as ``LSTM`` has them.
    /// - Returns: the outputs of all steps of the last layer, and the last states of all layers and directions.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor?, lengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> (outputs: Tensor, hidden: Tensor) {
        let (outputs, states) = try stack(input, [hidden], pass) { x, weights, initial, isReversed in
            let result = try x.rnn(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, activation: activation, hidden: initial[0],
                lengths: lengths, isReversed: isReversed)
            return (result.outputs, [result.hidden])
        }
        return (outputs, states[0])
    }
}

/// A long short-term memory over sequences `[t, b, inputs]` → `[t, b, directions·hidden]` (Hochreiter and Schmidhuber, 1997).
/// torch.nn.LSTM.
public struct LSTM: Layer {
    private let stack: RecurrentStack

    /// - Parameters:
    ///   - layers: how many, each over the outputs of the one below.
    ///   - isBidirectional: whether each layer has one more, from the last step to the first, whose outputs come after its own.
    ///   - dropout: the rate at which the outputs of each layer but the last are dropped while training, in 0..<1.
    ///   - isBatchFirst: whether sequences are `[b, t, …]`; states are not.
    public init(
        _ inputs: Int, _ hidden: Int, layers: Int = 1, isBidirectional: Bool = false, hasBias: Bool = true,
        dropout: Double = 0, isBatchFirst: Bool = false, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        stack = RecurrentStack(
            "LSTM", gates: 4, inputs, hidden, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias,
            dropout: dropout, isBatchFirst: isBatchFirst, random, SourceLocation(file: file, line: line))
    }

    public var members: [LayerMember] { stack.members }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, hidden: nil, cell: nil, pass).outputs
    }

    /// - Parameters:
    ///   - hidden: the initial hidden states `[layers·directions, b, hidden]`; zeros, where left out.
    ///   - cell: the initial cell states, likewise.
    ///   - lengths: int32 `[b]`, how many steps each row of the batch has, as in PyTorch's packed sequences: after them the
    ///     outputs are 0 and the states stay. A run with one outside 0 … t is an error.
    /// - Returns: the outputs of all steps of the last layer, and the last hidden and cell states of all layers and
    ///   directions, of the shape of the initial ones.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor?, cell: Tensor?, lengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> (outputs: Tensor, hidden: Tensor, cell: Tensor) {
        let (outputs, states) = try stack(input, [hidden, cell], pass) { x, weights, initial, isReversed in
            let result = try x.lstm(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, hidden: initial[0], cell: initial[1],
                lengths: lengths, isReversed: isReversed)
            return (result.outputs, [result.hidden, result.cell])
        }
        return (outputs, states[0], states[1])
    }
}

/// Gated recurrent units over sequences `[t, b, inputs]` → `[t, b, directions·hidden]` (Cho et al., 2014). torch.nn.GRU.
public struct GRU: Layer {
    private let stack: RecurrentStack

    /// The parameters are those of ``LSTM``.
    public init(
        _ inputs: Int, _ hidden: Int, layers: Int = 1, isBidirectional: Bool = false, hasBias: Bool = true,
        dropout: Double = 0, isBatchFirst: Bool = false, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        stack = RecurrentStack(
            "GRU", gates: 3, inputs, hidden, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias,
            dropout: dropout, isBatchFirst: isBatchFirst, random, SourceLocation(file: file, line: line))
    }

    public var members: [LayerMember] { stack.members }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, hidden: nil, pass).outputs
    }

    /// - Parameters:
    ///   - hidden: the initial states `[layers·directions, b, hidden]`; zeros, where left out.
    ///   - lengths: as ``LSTM`` has them.
    /// - Returns: the outputs of all steps of the last layer, and the last states of all layers and directions.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor?, lengths: Tensor? = nil, _ pass: ForwardPass
    ) throws -> (outputs: Tensor, hidden: Tensor) {
        let (outputs, states) = try stack(input, [hidden], pass) { x, weights, initial, isReversed in
            let result = try x.gru(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, hidden: initial[0], lengths: lengths,
                isReversed: isReversed)
            return (result.outputs, [result.hidden])
        }
        return (outputs, states[0])
    }
}
