extension Trainer {
    /// What came out of one step or of a whole dataset.
    public struct Result: Sendable, CustomStringConvertible {
        /// A loss or a metric with its name.
        struct Figure: Sendable {
            let name: String
            let kind: StepOutput.Kind
            var state: any MetricState

            var value: Double { state.value }

            /// In words: `accuracy 89.31 %`.
            var text: String {
                guard case .metric(isFraction: true) = kind else { return "\(name) \(decimal(value, 4))" }
                return "\(name) \(decimal(100 * value, 2)) %"
            }
        }

        /// In the order in which the step gives them.
        private(set) var figures: [Figure]
        /// The tensors of the step by name; none of a whole dataset.
        public private(set) var tensors: [String: HostTensor]
        /// The number of examples.
        public private(set) var count: Int
        /// Whether the step was not taken: for its loss (``Trainer/onNonFiniteLoss``), or as its gradients have overflowed
        /// (``LossScaling``).
        public internal(set) var isSkipped = false

        init(figures: [Figure], tensors: [String: HostTensor] = [:], count: Int = 0) {
            (self.figures, self.tensors, self.count) = (figures, tensors, count)
        }

        private var lossFigures: [Figure] { figures.filter { if case .loss = $0.kind { true } else { false } } }
        private var metricFigures: [Figure] { figures.filter { if case .metric = $0.kind { true } else { false } } }

        /// The losses by name, each the mean over all that counts: examples, elements or labels, as the loss says. NaN where
        /// nothing does.
        public var losses: [String: Double] { Self.byName(lossFigures) }
        /// The metrics by name, each over all that counts for it, NaN where nothing does.
        public var metrics: [String: Double] { Self.byName(metricFigures) }

        private static func byName(_ figures: [Figure]) -> [String: Double] {
            Dictionary(figures.map { ($0.name, $0.value) }) { first, _ in first }
        }

        /// The loss; of several their sum, and NaN where there was no step.
        public var loss: Double {
            let losses = lossFigures
            return losses.dropFirst().reduce(losses.first?.value ?? .nan) { $0 + $1.value }
        }
        /// How much has counted for the loss; of several for the first.
        public var lossWeight: Double { (lossFigures.first?.state as? RunningMean)?.weight ?? 0 }
        /// The metric; of several the first, and `nil` where there is none.
        public var metric: Double? { metricFigures.first?.value }

        /// What a metric has kept of all batches: the confusion matrix behind a precision.
        ///
        /// - Returns: `nil` where there is no metric of that name, or it keeps something else.
        public func state<State: MetricState>(_: State.Type = State.self, of metric: String) -> State? {
            metricFigures.first { $0.name == metric }?.state as? State
        }

        /// Losses and metrics in words: `loss 0.3012, accuracy 89.31 %`.
        var summary: String { figures.isEmpty ? "no steps" : figures.map(\.text).joined(separator: ", ") }

        public var description: String { "\(summary) over \(count) examples" }

        /// The result over what both are over.
        static func += (left: inout Self, right: Self) {
            for figure in right.figures {
                if let place = left.figures.firstIndex(where: { $0.name == figure.name && $0.kind == figure.kind }) {
                    left.figures[place].state.merge(any: figure.state)
                } else {
                    left.figures.append(figure)
                }
            }
            left.count = left.count.plus(right.count)
        }
    }

    /// A result in words: `loss 0.3012, accuracy 89.31 %`.
    public func describe(_ result: Result) -> String { result.summary }
}
