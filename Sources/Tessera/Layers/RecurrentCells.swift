/// One step of an ``RNN``, for decoding a step at a time: x `[b, inputs]` and the state `[b, hidden]` → the next state.
/// torch.nn.RNNCell.
public struct RNNCell: Module {
    /// The cell's matrices and biases.
    public let weights: RecurrentWeights
    private let activation: RecurrentActivation
    private let location: SourceLocation

    /// A cell of `inputs` numbers with a state of `hidden` numbers.
    public init(
        _ inputs: Int, _ hidden: Int, activation: RecurrentActivation = .tanh, hasBias: Bool = true,
        _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        location = SourceLocation(file: file, line: line)
        self.activation = activation
        weights = RecurrentWeights(
            of: "RNNCell", gates: 1, inputs, hidden, hasBias: hasBias, at: location, random)
    }

    public var members: [LayerMember] { weights.members }

    /// - Parameter hidden: the state before the step; zeros, where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func callAsFunction(_ input: Tensor, hidden: Tensor? = nil, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.asOneStep("RNNCell").rnn(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, activation: activation, hidden: hidden
            ).hidden
        }
    }
}

/// One step of an ``LSTM``, for decoding a step at a time: x `[b, inputs]` and the states `[b, hidden]` → the next states.
/// torch.nn.LSTMCell.
public struct LSTMCell: Module {
    /// The cell's matrices and biases.
    public let weights: RecurrentWeights
    private let location: SourceLocation

    /// A cell of `inputs` numbers with a state of `hidden` numbers.
    public init(
        _ inputs: Int, _ hidden: Int, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        location = SourceLocation(file: file, line: line)
        weights = RecurrentWeights(
            of: "LSTMCell", gates: 4, inputs, hidden, hasBias: hasBias, at: location, random)
    }

    public var members: [LayerMember] { weights.members }

    /// - Parameters:
    ///   - hidden: the hidden state before the step, which is its output too; zeros, where left out.
    ///   - cell: the cell state before the step; zeros, where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor? = nil, cell: Tensor? = nil, _ pass: ForwardPass
    ) throws -> (hidden: Tensor, cell: Tensor) {
        try pass.graph.at(location) {
            let result = try input.asOneStep("LSTMCell").lstm(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, hidden: hidden, cell: cell)
            return (result.hidden, result.cell)
        }
    }
}

/// One step of a ``GRU``, for decoding a step at a time: x `[b, inputs]` and the state `[b, hidden]` → the next state.
/// torch.nn.GRUCell.
public struct GRUCell: Module {
    /// The cell's matrices and biases.
    public let weights: RecurrentWeights
    private let location: SourceLocation

    /// A cell of `inputs` numbers with a state of `hidden` numbers.
    public init(
        _ inputs: Int, _ hidden: Int, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        location = SourceLocation(file: file, line: line)
        weights = RecurrentWeights(
            of: "GRUCell", gates: 3, inputs, hidden, hasBias: hasBias, at: location, random)
    }

    public var members: [LayerMember] { weights.members }

    /// - Parameter hidden: the state before the step; zeros, where left out.
    /// - Throws: ``GraphError`` where the shapes don't fit.
    public func callAsFunction(_ input: Tensor, hidden: Tensor? = nil, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            try input.asOneStep("GRUCell").gru(
                inputWeight: pass.read(weights.input), hiddenWeight: pass.read(weights.hidden),
                inputBias: weights.inputBias.map { try pass.read($0) },
                hiddenBias: weights.hiddenBias.map { try pass.read($0) }, hidden: hidden
            ).hidden
        }
    }
}

extension Tensor {
    /// `[b, inputs]` as a sequence of one step, `[1, b, inputs]`.
    fileprivate func asOneStep(_ name: String) throws -> Tensor {
        guard shape.rank == 2 else {
            throw GraphError(operation: name, message: "the input must be [b, inputs]", operands: [type])
        }
        return try reshaped(to: [1, shape[0], shape[1]])
    }
}
