extension Trainer {
    /// What came out of one step or of a whole dataset.
    public struct Result: Sendable, CustomStringConvertible {
        /// A loss or a metric with its name.
        struct Mean: Sendable {
            let name: String
            let kind: StepOutput.Kind
            var running = RunningMean()

            /// In words: `accuracy 89.31 %`.
            var text: String {
                guard case .metric(isFraction: true) = kind else { return "\(name) \(decimal(running.mean, 4))" }
                return "\(name) \(decimal(100 * running.mean, 2)) %"
            }
        }

        /// In the order in which the step gives them.
        private(set) var means: [Mean]
        /// The tensors of the step by name; none of a whole dataset.
        public private(set) var tensors: [String: HostTensor]
        /// The number of examples.
        public private(set) var count: Int
        /// Whether the step was not taken, for its loss.
        var isSkipped = false

        init(means: [Mean], tensors: [String: HostTensor] = [:], count: Int = 0) {
            (self.means, self.tensors, self.count) = (means, tensors, count)
        }

        private var lossMeans: [Mean] { means.filter { if case .loss = $0.kind { true } else { false } } }
        private var metricMeans: [Mean] { means.filter { if case .metric = $0.kind { true } else { false } } }

        /// The losses by name, each the mean over all that counts: examples, elements or labels, as the loss says. NaN where
        /// nothing does.
        public var losses: [String: Double] { Self.byName(lossMeans) }
        /// The metrics by name, each the mean over all that counts for it, NaN where nothing does.
        public var metrics: [String: Double] { Self.byName(metricMeans) }

        private static func byName(_ means: [Mean]) -> [String: Double] {
            Dictionary(means.map { ($0.name, $0.running.mean) }) { first, _ in first }
        }

        /// The loss; of several their sum, and NaN where there was no step.
        public var loss: Double {
            let losses = lossMeans
            return losses.dropFirst().reduce(losses.first?.running.mean ?? .nan) { $0 + $1.running.mean }
        }
        /// How much has counted for the loss; of several for the first.
        public var lossWeight: Double { lossMeans.first?.running.weight ?? 0 }
        /// The metric; of several the first, and `nil` where there is none.
        public var metric: Double? { metricMeans.first?.running.mean }

        /// Losses and metrics in words: `loss 0.3012, accuracy 89.31 %`.
        var summary: String { means.isEmpty ? "no steps" : means.map(\.text).joined(separator: ", ") }

        public var description: String { "\(summary) over \(count) examples" }

        /// The result over what both are over.
        static func += (left: inout Self, right: Self) {
            for mean in right.means {
                if let place = left.means.firstIndex(where: { $0.name == mean.name && $0.kind == mean.kind }) {
                    left.means[place].running += mean.running
                } else {
                    left.means.append(mean)
                }
            }
            left.count = left.count.plus(right.count)
        }
    }

    /// A result in words: `loss 0.3012, accuracy 89.31 %`.
    public func describe(_ result: Result) -> String { result.summary }
}
