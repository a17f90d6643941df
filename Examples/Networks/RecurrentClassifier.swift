import Tessera

/// Tells what kind of text a sequence of tokens is: an embedding, one recurrent layer in one or both directions, and a linear map
/// of its last states to the classes: int32 `[steps, n]` with lengths `[n]` → logits `[n, classes]`. Parameters have the names
/// of the PyTorch program's that it is compared with.
public struct RecurrentClassifier: Module {
    /// What the recurrent layer is made of.
    public enum Cell: String, CaseIterable, Sendable {
        case rnn, gru, lstm
    }

    let embedding: Embedding
    let recurrence: any Layer
    let output: Dense
    let dropout: Dropout
    private let width: Int

    /// - Parameters:
    ///   - vocabulary: the number of tokens; 0 fills sequences up.
    ///   - width: of a token's row.
    ///   - hidden: the width of a state, of each direction.
    ///   - dropout: the rate at which numbers of the rows and of the last states are dropped while training.
    public init(
        _ cell: Cell, vocabulary: Int, classes: Int, width: Int, hidden: Int, isBidirectional: Bool = false,
        dropout: Double = 0, _ random: RandomSource
    ) {
        embedding = Embedding(vocabulary, width, random)
        recurrence =
            switch cell {
            case .rnn: RNN(width, hidden, isBidirectional: isBidirectional, random)
            case .gru: GRU(width, hidden, isBidirectional: isBidirectional, random)
            case .lstm: LSTM(width, hidden, isBidirectional: isBidirectional, random)
            }
        self.width = isBidirectional ? 2 * hidden : hidden
        output = Dense(self.width, classes, random)
        self.dropout = Dropout(dropout, random)
    }

    public func callAsFunction(_ tokens: Tensor, lengths: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let rows = try dropout(embedding(tokens, pass), pass)
        // [directions, n, hidden]
        let last =
            switch recurrence {
            case let layer as RNN: try layer(rows, hidden: nil, lengths: lengths, pass).hidden
            case let layer as GRU: try layer(rows, hidden: nil, lengths: lengths, pass).hidden
            case let layer as LSTM: try layer(rows, hidden: nil, cell: nil, lengths: lengths, pass).hidden
            default: try recurrence(rows, pass)
            }
        let joined = try last.transposed([1, 0, 2]).reshaped(to: [last.shape[1], width])
        return try output(dropout(joined, pass), pass)
    }

    /// A trainer from batches of a ``SequenceDataset`` with sequences “text” and a tensor “label”, int32 `[n]`. Its first metric
    /// is the accuracy, its second the confusion matrix.
    ///
    /// - Parameter steps: over how many the learning rate falls to a hundredth along a line.
    public func trainer(
        classes: Int, learningRate: Double, weightDecay: Double = 0, steps: Int, on executor: Executor
    ) -> Trainer {
        let adam = Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true)
        return Trainer(
            self, groups: [ParameterGroup("all", self, adam)],
            schedule: .linear(from: 1, to: 0.01, over: max(steps, 1)), gradientNorm: 1, on: executor
        ) { pass, batch in
            let logits = try self(batch["text"], lengths: batch["text.lengths"], pass)
            return [
                try .loss("loss", .crossEntropy, logits, batch["label"]),
                try .metric(.accuracy, logits, batch["label"]),
                try .metric(.confusionMatrix(classes: classes), logits, batch["label"]),
            ]
        } predicting: { pass, inputs in
            ["output": try self(inputs["text"], lengths: inputs["text.lengths"], pass)]
        }
    }
}
