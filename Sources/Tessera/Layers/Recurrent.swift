/// A long short-term memory over sequences `[t, b, inputs]` → `[t, b, hidden]` (Hochreiter and Schmidhuber, 1997).
/// torch.nn.LSTM with one layer.
public struct LSTM: Layer {
    public let inputWeight: Variable
    public let hiddenWeight: Variable
    public let inputBias: Variable
    public let hiddenBias: Variable
    private let location: SourceLocation

    public init(
        _ inputs: Int, _ hidden: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        location = SourceLocation(file: file, line: line)
        (inputWeight, hiddenWeight, inputBias, hiddenBias) = recurrentVariables(
            of: "LSTM", at: location, 4, inputs, hidden, random)
    }

    public var members: [LayerMember] { recurrentMembers(inputWeight, hiddenWeight, inputBias, hiddenBias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, hidden: nil, cell: nil, pass).outputs
    }

    /// - Parameters:
    ///   - hidden: the initial hidden state `[b, hidden]`; zeros, where left out.
    ///   - cell: the initial cell state `[b, hidden]`; zeros, where left out.
    /// - Returns: the outputs of all steps and the last hidden and cell states.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor?, cell: Tensor?, _ pass: ForwardPass
    ) throws -> (outputs: Tensor, hidden: Tensor, cell: Tensor) {
        try pass.graph.at(location) {
            try input.lstm(
                inputWeight: pass.read(inputWeight), hiddenWeight: pass.read(hiddenWeight),
                inputBias: pass.read(inputBias), hiddenBias: pass.read(hiddenBias), hidden: hidden, cell: cell)
        }
    }
}

/// Gated recurrent units over sequences `[t, b, inputs]` → `[t, b, hidden]` (Cho et al., 2014). torch.nn.GRU with one
/// layer.
public struct GRU: Layer {
    public let inputWeight: Variable
    public let hiddenWeight: Variable
    public let inputBias: Variable
    public let hiddenBias: Variable
    private let location: SourceLocation

    public init(
        _ inputs: Int, _ hidden: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        location = SourceLocation(file: file, line: line)
        (inputWeight, hiddenWeight, inputBias, hiddenBias) = recurrentVariables(
            of: "GRU", at: location, 3, inputs, hidden, random)
    }

    public var members: [LayerMember] { recurrentMembers(inputWeight, hiddenWeight, inputBias, hiddenBias) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try callAsFunction(input, hidden: nil, pass).outputs
    }

    /// - Parameter hidden: the initial state `[b, hidden]`; zeros, where left out.
    /// - Returns: the outputs of all steps and the last state.
    public func callAsFunction(
        _ input: Tensor, hidden: Tensor?, _ pass: ForwardPass
    ) throws -> (outputs: Tensor, hidden: Tensor) {
        try pass.graph.at(location) {
            try input.gru(
                inputWeight: pass.read(inputWeight), hiddenWeight: pass.read(hiddenWeight),
                inputBias: pass.read(inputBias), hiddenBias: pass.read(hiddenBias), hidden: hidden)
        }
    }
}

/// Weights `[gates·hidden, inputs]` and `[gates·hidden, hidden]` and two biases `[gates·hidden]`, all uniform within
/// ±1/√hidden, as PyTorch's.
private func recurrentVariables(
    of layer: String, at location: SourceLocation, _ gates: Int, _ inputs: Int, _ hidden: Int, _ random: RandomSource
) -> (Variable, Variable, Variable, Variable) {
    let bound = 1 / Float(max(hidden, 1)).squareRoot()
    let joined = hidden.times(gates)
    func variable(_ name: String, _ shape: Shape) -> Variable {
        Variable(name, of: layer, at: location) { try random.uniform(shape, bound: bound) }
    }
    return (
        variable("weight_ih_l0", [joined, inputs]), variable("weight_hh_l0", [joined, hidden]),
        variable("bias_ih_l0", [joined]), variable("bias_hh_l0", [joined])
    )
}

private func recurrentMembers(_ variables: Variable...) -> [LayerMember] {
    variables.map { .variable($0.name, $0) }
}
