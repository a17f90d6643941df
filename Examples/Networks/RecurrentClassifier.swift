import Tessera

/// Tells what kind of text a sequence of tokens is: an embedding, one recurrent layer in one or both directions, and a linear map
/// of what it has found to the classes: int32 `[steps, n]` with lengths `[n]` → logits `[n, classes]`. Parameters have the names
/// of the PyTorch program's that it is compared with.
public struct RecurrentClassifier: Module {
    /// What the recurrent layer is made of.
    public enum Cell: String, CaseIterable, Sendable {
        case rnn, gru, lstm
    }

    /// A recurrent layer of one of the kinds, which give what they have found in ways of their own.
    enum Recurrence {
        case rnn(RNN)
        case gru(GRU)
        case lstm(LSTM)

        var layer: any Layer {
            switch self {
            case .rnn(let layer): layer
            case .gru(let layer): layer
            case .lstm(let layer): layer
            }
        }
    }

    /// What the linear map reads of the recurrent layer.
    public enum Pooling: Sendable {
        /// The last state of each direction.
        case last
        /// The greatest output of all steps and 0, which fills sequences up and so changes nothing.
        case maximum
    }

    let embedding: Embedding
    let recurrence: Recurrence
    let output: Dense
    let dropout: Dropout
    private let pooling: Pooling
    private let width: Int

    /// - Parameters:
    ///   - vocabulary: the number of tokens; 0 fills sequences up.
    ///   - width: of a token's row.
    ///   - hidden: the width of a state, of each direction.
    ///   - dropout: the rate at which numbers of the rows and of what the linear map reads are dropped while training.
    public init(
        _ cell: Cell, vocabulary: Int, classes: Int, width: Int, hidden: Int, isBidirectional: Bool = false,
        pooling: Pooling = .last, dropout: Double = 0, _ random: RandomSource
    ) {
        embedding = Embedding(vocabulary, width, random)
        recurrence =
            switch cell {
            case .rnn: .rnn(RNN(width, hidden, isBidirectional: isBidirectional, random))
            case .gru: .gru(GRU(width, hidden, isBidirectional: isBidirectional, random))
            case .lstm: .lstm(LSTM(width, hidden, isBidirectional: isBidirectional, random))
            }
        self.pooling = pooling
        self.width = isBidirectional ? 2 * hidden : hidden
        output = Dense(self.width, classes, random)
        self.dropout = Dropout(dropout, random)
    }

    public var members: [LayerMember] {
        [.layer("embedding", embedding), .layer("recurrence", recurrence.layer), .layer("output", output)]
    }

    public func callAsFunction(_ tokens: Tensor, lengths: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let rows = try dropout(embedding(tokens, pass), pass)
        // [steps, n, directions · hidden] and [directions, n, hidden]
        let outputs: Tensor
        let last: Tensor
        switch recurrence {
        case .rnn(let layer): (outputs, last) = try layer(rows, hidden: nil, lengths: lengths, pass)
        case .gru(let layer): (outputs, last) = try layer(rows, hidden: nil, lengths: lengths, pass)
        case .lstm(let layer): (outputs, last, _) = try layer(rows, hidden: nil, cell: nil, lengths: lengths, pass)
        }
        let found =
            switch pooling {
            case .last: try last.transposed([1, 0, 2]).reshaped(to: [last.shape[1], width])
            case .maximum: try outputs.maximum(axes: [0]).relu()
            }
        return try output(dropout(found, pass), pass)
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
