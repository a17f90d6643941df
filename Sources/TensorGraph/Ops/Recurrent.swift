// The recurrences of plain cells, LSTM and GRU over a whole sequence.
//
// The products with the inputs of all steps are one matrix product outside (see the builders below), and so are the
// gradients of all weights: what is inside is only what must go step by step.
//
// lstm          xGates [t, b, 4h], wHidden [4h, h], h0 [b, h], c0 [b, h]
//               → y [t, b, h], cells [t, b, h], gates [t, b, 4h]
//               With h' and c' the previous step's, gates in the order i f g o:
//               a = xGates[t] + h'·wHiddenᵀ; i, f, o = sigmoid(a), g = tanh(a); c = f·c' + i·g; y[t] = o·tanh(c).
//               `gates` holds i, f, g, o after their activations.
// lstmGradient  wHidden, c0, cells, gates, dy [t, b, h], dcells [t, b, h] or absent
//               → dxGates [t, b, 4h], dh0 [b, h], dc0 [b, h]
//               dcells is the cotangent of `cells` from outside the recurrence. Back in time:
//               dh = dy[t] + dxGates[t+1]·wHidden; dc = dcells[t] + f[t+1]·dc[t+1] + dh·o·(1 - tanh²c);
//               da_i = dc·g·i(1-i), da_f = dc·c'·f(1-f), da_g = dc·i·(1-g²), da_o = dh·tanh(c)·o(1-o).
// gru           xGates [t, b, 3h], wHidden [3h, h], bHidden [3h], h0 [b, h]
//               → y [t, b, h], gates [t, b, 3h], candidate [t, b, h]
//               gates in the order r z n: u = h'·wHiddenᵀ + bHidden; r, z = sigmoid(xGates + u); n = tanh(xGates_n + r·u_n);
//               y[t] = (1 - z)·n + z·h'. `gates` holds r, z, n after their activations and `candidate` u_n.
// gruGradient   wHidden, h0, y, gates, candidate, dy → dxGates [t, b, 3h], dhGates [t, b, 3h], dh0 [b, h]
//               dhGates is the cotangent of u: like dxGates but with its n part times r.
//
// rnn           xGates [t, b, h], wHidden [h, h], h0 [b, h] → y [t, b, h]
//               y[t] = f(xGates[t] + h'·wHiddenᵀ) with f the hyperbolic tangent or max(x, 0).
// rnnGradient   wHidden, y, dy → dxGates [t, b, h], dh0 [b, h]
//               dxGates[t] = (dy[t] + dxGates[t+1]·wHidden)·f', where f' is 1 - y² or whether y > 0.
//
// Elman, 1990; Hochreiter and Schmidhuber, 1997; Cho et al., 2014; ONNX RNN, LSTM and GRU (linear_before_reset = 1);
// torch.nn.RNN, LSTM, GRU.

/// What a plain recurrent cell makes of the sum of its products. PyTorch's nonlinearity.
public enum RecurrentActivation: Hashable, Sendable {
    /// The hyperbolic tangent.
    case tanh
    /// `max(x, 0)`.
    case relu
}

package struct Recurrence: Hashable, Sendable {
    package enum Cell: Hashable, Sendable {
        case lstm, gru
        case rnn(RecurrentActivation)
    }

    package var cell: Cell
    package var pass: Pass

    package init(_ cell: Cell, _ pass: Pass = .forward) {
        self.cell = cell
        self.pass = pass
    }

    /// How many widths of the hidden state the gates take.
    package var gates: Int {
        switch cell {
        case .lstm: 4
        case .gru: 3
        case .rnn: 1
        }
    }

    /// The operand of the gradient that has the states of all steps.
    package var statesOperand: Int {
        switch cell {
        case .lstm, .gru: 2
        case .rnn: 1
        }
    }
}

extension ShapeRule {
    package func recurrence(_ attributes: Recurrence) throws -> [TensorType] {
        switch (attributes.cell, attributes.pass) {
        case (.lstm, .forward): try lstm()
        case (.lstm, .gradient): try lstmGradient()
        case (.gru, .forward): try gru()
        case (.gru, .gradient): try gruGradient()
        case (.rnn, .forward): try rnn()
        case (.rnn, .gradient): try rnnGradient()
        }
    }

    private func recurrence(gates: Int) throws -> (steps: Int, batch: Int, hidden: Int) {
        try floating()
        try rank(0, 3, "[steps, batch, \(gates)·hidden]")
        let x = operands[0].shape
        try require(x[2] % gates == 0, "the last extent must be \(gates) times the hidden width")
        let hidden = x[2] / gates
        try shape(1, [gates * hidden, hidden], "the recurrent weight")
        try countable(work: x[0], x[1], x[2], hidden)
        return (x[0], x[1], hidden)
    }

    private func lstm() throws -> [TensorType] {
        try count(4)
        let (steps, batch, hidden) = try recurrence(gates: 4)
        try shape(2, [batch, hidden], "the initial hidden state")
        try shape(3, [batch, hidden], "the initial cell state")
        let state = TensorType([steps, batch, hidden], operands[0].dtype)
        return [state, state, operands[0]]
    }

    private func lstmGradient() throws -> [TensorType] {
        try count(5...6)
        try floating()
        try rank(2, 3, "[steps, batch, hidden]")
        let cells = operands[2].shape
        let gates = Shape([cells[0], cells[1], 4 * cells[2]])
        try shape(0, [4 * cells[2], cells[2]], "the recurrent weight")
        try shape(1, [cells[1], cells[2]], "the initial cell state")
        try shape(3, gates, "the gates")
        for index in 4..<operands.count { try shape(index, cells, "the cotangent") }
        return [operands[3], operands[1], operands[1]]
    }

    private func gru() throws -> [TensorType] {
        try count(4)
        let (steps, batch, hidden) = try recurrence(gates: 3)
        try shape(2, [3 * hidden], "the recurrent bias")
        try shape(3, [batch, hidden], "the initial hidden state")
        let state = TensorType([steps, batch, hidden], operands[0].dtype)
        return [state, operands[0], state]
    }

    private func gruGradient() throws -> [TensorType] {
        try count(6)
        try floating()
        try rank(2, 3, "[steps, batch, hidden]")
        let y = operands[2].shape
        try shape(0, [3 * y[2], y[2]], "the recurrent weight")
        try shape(1, [y[1], y[2]], "the initial hidden state")
        try shape(3, [y[0], y[1], 3 * y[2]], "the gates")
        try shape(4, y, "the candidate")
        try shape(5, y, "the cotangent")
        return [operands[3], operands[3], operands[1]]
    }

    private func rnn() throws -> [TensorType] {
        try count(3)
        let (_, batch, hidden) = try recurrence(gates: 1)
        try shape(2, [batch, hidden], "the initial state")
        return [operands[0]]
    }

    private func rnnGradient() throws -> [TensorType] {
        try count(3)
        try floating()
        try rank(1, 3, "[steps, batch, hidden]")
        let y = operands[1].shape
        try shape(0, [y[2], y[2]], "the recurrent weight")
        try shape(2, y, "the cotangent")
        return [operands[1], TensorType([y[1], y[2]], operands[1].dtype)]
    }
}

extension TraitsRule {
    package func recurrence(_ attributes: Recurrence) -> OpTraits {
        let kind: OpKind =
            switch (attributes.cell, attributes.pass) {
            case (.lstm, .forward): .lstm
            case (.lstm, .gradient): .lstmGradient
            case (.gru, .forward): .gru
            case (.gru, .gradient): .gruGradient
            case (.rnn, .forward): .rnn
            case (.rnn, .gradient): .rnnGradient
            }
        return OpTraits(
            kind, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .lower
        ) { operands, results in
            // What goes step by step is the product with the recurrent weight.
            let elements = results[0].shape.elementCount
            return switch attributes.pass {
            case .forward: OpTraits.multiplyAdds(elements, attributes.gates, operands[1].shape[1])
            case .gradient: OpTraits.multiplyAdds(elements, operands[0].shape[1])
            }
        }
    }
}

extension GradientRule {
    package func recurrence(_ attributes: Recurrence) throws -> [Tensor?] {
        switch (attributes.cell, attributes.pass) {
        case (.lstm, .forward): try lstm()
        case (.gru, .forward): try gru()
        case (.rnn, .forward): try rnn(attributes)
        case (_, .gradient): throw noGradient()
        }
    }

    /// The state before each step: the initial one, then all outputs but the last. `[t, b, h]` as `[t·b, h]`.
    private func previousStates(_ initial: Tensor, _ y: Tensor) throws -> Tensor {
        let (steps, batch, hidden) = (y.shape[0], y.shape[1], y.shape[2])
        let first = try initial.reshaped(to: [1, batch, hidden])
        return try Tensor.concatenated([first, y.sliced(axis: 0, 0..<max(steps - 1, 0))], axis: 0)
            .sliced(axis: 0, 0..<steps).reshaped(to: [steps * batch, hidden])
    }

    private func lstm() throws -> [Tensor?] {
        let (wHidden, h0, c0) = (operands[1], operands[2], operands[3])
        let (y, cells, gates) = (results[0], results[1], results[2])
        try requireNoCotangent(2, "the gates of lstm")
        let dy = try cotangents[0] ?? graph.fill(0, y.shape, y.dtype)
        let gradients = try graph.add(
            .recurrence(Recurrence(.lstm, .gradient)),
            [wHidden, c0, cells, gates, dy] + (cotangents[1].map { [$0] } ?? []))
        let dGates = try gradients[0].flattenedToMatrix()
        let dwHidden = try dGates.matMul(previousStates(h0, y), transposeSelf: true)
        return [gradients[0], dwHidden, gradients[1], gradients[2]]
    }

    private func rnn(_ attributes: Recurrence) throws -> [Tensor?] {
        let (wHidden, h0, y) = (operands[1], operands[2], results[0])
        let gradients = try graph.add(
            .recurrence(Recurrence(attributes.cell, .gradient)), [wHidden, y, try cotangent()])
        let dwHidden = try gradients[0].flattenedToMatrix().matMul(previousStates(h0, y), transposeSelf: true)
        return [gradients[0], dwHidden, gradients[1]]
    }

    private func gru() throws -> [Tensor?] {
        let (wHidden, h0) = (operands[1], operands[3])
        let (y, gates, candidate) = (results[0], results[1], results[2])
        try requireNoCotangent(1, "the gates of gru")
        try requireNoCotangent(2, "the candidate of gru")
        let gradients = try graph.add(
            .recurrence(Recurrence(.gru, .gradient)), [wHidden, h0, y, gates, candidate, try cotangent()])
        let dGates = try gradients[1].flattenedToMatrix()
        let dwHidden = try dGates.matMul(previousStates(h0, y), transposeSelf: true)
        return [gradients[0], dwHidden, try dGates.sum(axes: [0]), gradients[2]]
    }
}
