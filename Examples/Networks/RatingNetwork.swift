import Tessera

/// Tells how many stars somebody gives something from categories: a row of one table for each, joined, and dense layers with or
/// without cross layers (Wang et al., DCN V2, 2021): int32 `[n, columns]` → stars `[n]`. Parameters have the names of the
/// PyTorch program's that it is compared with.
public struct RatingNetwork: Module {
    /// How the joined rows become one number.
    public enum Kind: String, CaseIterable, Sendable {
        /// By dense layers alone, wider, so that there are as many parameters.
        case deep
        /// By cross layers beside dense ones.
        case parallel
        /// By cross layers before dense ones.
        case stacked
    }

    /// About what most give: what the layers give is added to it.
    static let usual = 3.5

    let embedding: CategoricalEmbedding
    let network: any Layer
    let dropout: Dropout
    private let width: Int

    /// - Parameters:
    ///   - counts: the number of categories of each column.
    ///   - width: of a category's row.
    ///   - dropout: the rate at which numbers of the rows are dropped while training.
    public init(_ kind: Kind, counts: [Int], width: Int = 16, dropout: Double = 0.3, _ random: RandomSource) {
        embedding = CategoricalEmbedding(counts, width, random)
        self.width = counts.count * width
        network =
            switch kind {
            case .deep:
                Sequential(
                    Dense(self.width, 112, random), ReLU(), Dense(112, 64, random), ReLU(), Dense(64, 1, random))
            case .parallel, .stacked:
                DeepCrossNetwork(
                    self.width, cross: CrossNetworkV2(self.width, depth: 2, random), hidden: [64, 32],
                    arrangement: kind == .parallel ? .parallel : .stacked, random)
            }
        self.dropout = Dropout(dropout, random)
    }

    /// The table's first values: small, so that what is seldom seen says little.
    public func smallRows(_ random: RandomSource) throws -> [Variable: HostTensor] {
        [embedding.weight: try random.normal(embedding.weight.type.shape, deviation: 0.05)]
    }

    public func callAsFunction(_ categories: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let count = categories.shape[0]
        let joined = try embedding(categories, pass).reshaped(to: [count, width])
        return try network(dropout(joined, pass), pass).reshaped(to: [count]) + Self.usual
    }

    /// A trainer from batches of “categories”, int32 `[n, columns]`, “rating”, float32 `[n, 1]`, and “liked”, int32 `[n]` of 0
    /// and 1. Its loss is the mean squared error of the rating, its metric the area under the ROC curve of who is liked.
    ///
    /// - Parameter steps: over how many the learning rate falls to a hundredth along a line.
    public func trainer(learningRate: Double, weightDecay: Double, steps: Int, on executor: Executor) -> Trainer {
        let adam = Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true)
        return Trainer(
            self, groups: [ParameterGroup("all", self, adam)],
            schedule: .linear(from: 1, to: 0.01, over: max(steps, 1)), on: executor
        ) { pass, batch in
            let stars = try self(batch["categories"], pass)
            return [
                try .loss("loss", .meanSquaredError, stars, batch["rating"].reshaped(to: stars.shape)),
                try .metric(.areaUnderROC, stars, batch["liked"]),
            ]
        } predicting: { pass, inputs in
            ["output": try self(inputs["categories"], pass)]
        }
    }
}
