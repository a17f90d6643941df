/// In which order a recurrence goes through a sequence `[t, b, …]`, of which each row of the batch may have a length of its
/// own.
private struct RecurrentOrder {
    private let lengths: Tensor?
    private let isReversed: Bool
    /// Which steps there are: bool `[t, b, 1]`.
    private let isPresent: Tensor?
    /// The place in the sequence, as one number, of each step of each row: int32 `[t·b]`, where rows are turned round each
    /// by itself.
    private let places: Tensor?
    private let location: SourceLocation

    /// - Parameter name: what the user called.
    init(
        of sequence: Tensor, lengths: Tensor?, isReversed: Bool, _ location: SourceLocation, as name: String
    ) throws(GraphError) {
        self.lengths = lengths
        self.isReversed = isReversed
        self.location = location
        guard let lengths else { (isPresent, places) = (nil, nil); return }
        let (graph, steps, batch) = (sequence.graph, sequence.shape[0], sequence.shape[1])
        guard lengths.type == TensorType([batch], .int32), steps.times(batch) <= Int(Int32.max) else {
            throw GraphError(
                operation: name, message: "the lengths must be int32[\(batch)], and all steps together at most 2³¹",
                operands: [sequence.type, lengths.type], location: location)
        }
        let step = try graph.constant(HostTensor([steps, 1], (0..<steps).map { Int32($0) }))
        let present = try step.less(than: lengths)
        isPresent = try present.reshaped(to: [steps, batch, 1])
        guard isReversed else { places = nil; return }
        let turned = try Tensor.select(present, lengths - 1 - step, step)
        places = try Self.places(turned, batch).reshaped(to: [steps * batch])
    }

    /// Steps of the rows of a batch, as numbers of rows of `[t·b, …]`.
    private static func places(_ steps: Tensor, _ batch: Int) throws(GraphError) -> Tensor {
        let rows = try steps.graph.constant(HostTensor([batch], (0..<batch).map { Int32($0) }))
        return try steps * Double(batch) + rows
    }

    private func turned(_ sequence: Tensor) throws(GraphError) -> Tensor {
        guard isReversed else { return sequence }
        guard let places else { return try sequence.flip(axes: [0]) }
        return try sequence.flattenedToMatrix().indexSelect(places, axis: 0).reshaped(to: sequence.shape)
    }

    /// Zeros in place of the steps that there are not, whatever stands there.
    private func masked(_ sequence: Tensor) throws(GraphError) -> Tensor {
        guard let isPresent else { return sequence }
        return try .select(isPresent, sequence, sequence.graph.fill(0, [], sequence.dtype))
    }

    /// The sequence as the recurrence reads it.
    func entering(_ sequence: Tensor) throws(GraphError) -> Tensor { try turned(masked(sequence)) }

    /// What the recurrence makes of it, in the order of the sequence.
    func leaving(_ states: Tensor) throws(GraphError) -> Tensor { try masked(turned(states)) }

    /// The state `[b, h]` after the last step of each row, of `[t, b, h]` in the recurrence's order.
    func last(_ states: Tensor, initial: Tensor) throws(GraphError) -> Tensor {
        let (steps, batch, width) = (states.shape[0], states.shape[1], states.shape[2])
        guard let lengths else {
            return try states.sliced(axis: 0, (steps - 1)..<steps).reshaped(to: [batch, width])
        }
        let zero = try states.graph.fill(0, [], .int32)
        let place = try Self.places((lengths - 1).maximum(zero), batch)
        let found = try states.flattenedToMatrix().indexSelect(place, axis: 0)
        let isEmpty = try lengths.equal(to: zero).reshaped(to: [batch, 1])
        let result = try Tensor.select(isEmpty, initial, found)
        states.graph.check(lengths, in: 0..<(steps + 1), "lengths", of: result)
        return result
    }
}

extension Tensor {
    private func requireSequence(_ location: SourceLocation, as name: String) throws(GraphError) {
        guard shape.rank == 3, shape[0] > 0 else {
            throw GraphError(
                operation: name, message: "the input must be [steps, batch, features], with at least one step",
                operands: [type], location: location)
        }
    }

    /// The products of all steps with the input weight, plus biases: `[t, b, i]` → `[t, b, gates·h]`.
    private func inputGates(
        _ weight: Tensor, _ biases: [Tensor], _ location: SourceLocation, as name: String
    ) throws(GraphError) -> Tensor {
        // Others would broadcast.
        guard weight.shape.rank == 2, biases.allSatisfy({ $0.shape == [weight.shape[0]] }) else {
            throw GraphError(
                operation: name, message: "the input weight must be [gates·h, i] and each bias [gates·h]",
                operands: [weight.type] + biases.map(\.type), location: location)
        }
        let product = try graph.add(.matMul(MatMul(transposeB: true)), [self, weight], at: location, as: name)[0]
        guard var bias = biases.first else { return product }
        for other in biases.dropFirst() {
            bias = try graph.add(.binary(.add), [bias, other], at: location, as: name)[0]
        }
        return try graph.add(.binary(.add), [product, bias], at: location, as: name)[0]
    }

    private func initialState(_ given: Tensor?, hidden: Int, _ location: SourceLocation) throws(GraphError) -> Tensor {
        if let given { return given }
        return try graph.add(.fill(Fill(value: 0, type: TensorType([shape[1], hidden], dtype))), at: location)[0]
    }

    /// Plain recurrent cells over this sequence `[t, b, i]`, with weights `[h, i]` and `[h, h]` and biases `[h]`.
    ///
    /// - Parameters:
    ///   - activation: what each step makes of the sum of its products.
    ///   - hidden: the initial state `[b, h]`; zeros, where left out.
    ///   - lengths: as ``lstm(inputWeight:hiddenWeight:inputBias:hiddenBias:hidden:cell:lengths:isReversed:file:line:)`` has
    ///     them, and biases and direction likewise.
    /// - Returns: the outputs of all steps `[t, b, h]` and the last state `[b, h]`.
    /// - Throws: ``GraphError`` where the shapes don't fit or the sequence is empty.
    public func rnn(
        inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil,
        activation: RecurrentActivation = .tanh, hidden: Tensor? = nil, lengths: Tensor? = nil,
        isReversed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (outputs: Tensor, hidden: Tensor) {
        let location = SourceLocation(file: file, line: line)
        return try graph.at(location) { () throws(GraphError) in
            try requireSequence(location, as: "rnn")
            let order = try RecurrentOrder(
                of: self, lengths: lengths, isReversed: isReversed, location, as: "rnn")
            let biases = [inputBias, hiddenBias].compactMap { $0 }
            let gates = try order.entering(self).inputGates(inputWeight, biases, location, as: "rnn")
            let h0 = try initialState(hidden, hidden: hiddenWeight.shape.dimensions.last ?? 0, location)
            let states = try graph.add(.recurrence(Recurrence(.rnn(activation))), [gates, hiddenWeight, h0])[0]
            return (try order.leaving(states), try order.last(states, initial: h0))
        }
    }

    /// A long short-term memory over this sequence `[t, b, i]`.
    ///
    /// Weights `[4h, i]` and `[4h, h]` and biases `[4h]` hold the gates in the order i, f, g, o, as PyTorch's.
    /// - Parameters:
    ///   - inputBias: none, where left out, and so the other.
    ///   - hidden: the initial hidden state `[b, h]`; zeros, where left out.
    ///   - cell: the initial cell state `[b, h]`; zeros, where left out.
    ///   - lengths: int32 `[b]`, how many steps each row of the batch has, as in PyTorch's packed sequences: after them the
    ///     outputs are 0 and the states stay; a row of none keeps its initial ones. A run with one outside 0 … t is an error.
    ///   - isReversed: whether it goes from the last step of each row to the first.
    /// - Returns: the outputs of all steps `[t, b, h]` and the last hidden and cell states `[b, h]`.
    /// - Throws: ``GraphError`` where the shapes don't fit or the sequence is empty.
    public func lstm(
        inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil,
        hidden: Tensor? = nil, cell: Tensor? = nil, lengths: Tensor? = nil, isReversed: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> (outputs: Tensor, hidden: Tensor, cell: Tensor) {
        let location = SourceLocation(file: file, line: line)
        let width = hiddenWeight.shape.dimensions.last ?? 0
        return try graph.at(location) { () throws(GraphError) in
            try requireSequence(location, as: "lstm")
            let order = try RecurrentOrder(
                of: self, lengths: lengths, isReversed: isReversed, location, as: "lstm")
            let biases = [inputBias, hiddenBias].compactMap { $0 }
            let gates = try order.entering(self).inputGates(inputWeight, biases, location, as: "lstm")
            let h0 = try initialState(hidden, hidden: width, location)
            let c0 = try initialState(cell, hidden: width, location)
            let results = try graph.add(.recurrence(Recurrence(.lstm)), [gates, hiddenWeight, h0, c0])
            return (
                try order.leaving(results[0]), try order.last(results[0], initial: h0),
                try order.last(results[1], initial: c0)
            )
        }
    }

    /// Gated recurrent units over this sequence `[t, b, i]`.
    ///
    /// Weights `[3h, i]` and `[3h, h]` and biases `[3h]` hold the gates in the order r, z, n, as PyTorch's.
    /// - Parameters:
    ///   - hidden: the initial state `[b, h]`; zeros, where left out.
    ///   - lengths: as ``lstm(inputWeight:hiddenWeight:inputBias:hiddenBias:hidden:cell:lengths:isReversed:file:line:)`` has
    ///     them, and biases and direction likewise.
    /// - Returns: the outputs of all steps `[t, b, h]` and the last state `[b, h]`.
    /// - Throws: ``GraphError`` where the shapes don't fit or the sequence is empty.
    public func gru(
        inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil,
        hidden: Tensor? = nil, lengths: Tensor? = nil, isReversed: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> (outputs: Tensor, hidden: Tensor) {
        let location = SourceLocation(file: file, line: line)
        return try graph.at(location) { () throws(GraphError) in
            try requireSequence(location, as: "gru")
            let order = try RecurrentOrder(
                of: self, lengths: lengths, isReversed: isReversed, location, as: "gru")
            let biases = [inputBias].compactMap { $0 }
            let gates = try order.entering(self).inputGates(inputWeight, biases, location, as: "gru")
            let h0 = try initialState(hidden, hidden: hiddenWeight.shape.dimensions.last ?? 0, location)
            let zeros = try graph.fill(0, [gates.shape[2]], dtype)
            let results = try graph.add(
                .recurrence(Recurrence(.gru)), [gates, hiddenWeight, hiddenBias ?? zeros, h0])
            return (try order.leaving(results[0]), try order.last(results[0], initial: h0))
        }
    }
}
