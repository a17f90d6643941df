import TensorGraph

extension Metric {
    /// The area under the receiver operating characteristic: how often a positive example scores higher than a negative one,
    /// ties counting half. sklearn.metrics.roc_auc_score.
    ///
    /// Scores `[...]` are any floating-point numbers, labels int32 `[...]` 0 or 1; negative ones are left out. NaN where all
    /// labels are alike, or a score is NaN.
    public static let areaUnderROC = ranking("ROC AUC", .receiverOperating)

    /// The area under the curve of precision over recall, in steps: the mean of the precisions at which recall grows.
    /// sklearn.metrics.average_precision_score. Operands as of ``areaUnderROC``; NaN where no label is 1, or a score is NaN.
    public static let averagePrecision = ranking("PR AUC", .precisionRecall)

    private static func ranking(_ name: String, _ area: RankedScores.Area) -> Metric {
        builtIn(name, into: RankedScores(area)) { scores, labels in
            try scores.requireScores(labels, of: name)
            // Flat, so that labels that are an input are an output of their own.
            let kept = try labels.flattened()
            scores.graph.check(labels, in: .min..<2, "labels", of: kept, as: name)
            return [try scores.cast(to: scores.dtypeOfSums), kept]
        }
    }
}

/// All scores of a yes-or-no question, with what is so: what areas under curves are computed from.
public struct RankedScores: MetricState {
    /// Under which curve the area is that is the value.
    public enum Area: Hashable, Sendable {
        /// The true positive rate by the false one.
        case receiverOperating
        /// The precision by the recall, as a sum of steps.
        case precisionRecall
    }

    private let area: Area
    private var scores: [(score: Double, isPositive: Bool)] = []

    /// No scores yet.
    public init(_ area: Area = .receiverOperating) { self.area = area }

    /// Adds one example.
    public mutating func add(score: Double, isPositive: Bool) { scores.append((score, isPositive)) }

    /// Takes scores and labels.
    public mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2 else { return }
        for (score, label) in zip(try tensors[0].doubles(), try tensors[1].elements(Int32.self)) where label >= 0 {
            add(score: score, isPositive: label == 1)
        }
    }

    public mutating func merge(_ later: RankedScores) { scores += later.scores }

    public var value: Double {
        switch area {
        case .receiverOperating: areaUnderROC
        case .precisionRecall: averagePrecision
        }
    }

    /// For each score, from the highest: how many positive and negative examples have it.
    private var ties: [(positive: Double, negative: Double)] {
        var ties: [(positive: Double, negative: Double)] = []
        var last = Double.nan
        for (score, isPositive) in scores.sorted(by: { $0.score > $1.score }) {
            if score != last { ties.append((0, 0)) }
            last = score
            if isPositive { ties[ties.count - 1].positive += 1 } else { ties[ties.count - 1].negative += 1 }
        }
        return ties
    }

    private var isOrdered: Bool { !scores.contains { $0.score.isNaN } }

    /// The area under the receiver operating characteristic; NaN where there are not both kinds of examples.
    /// sklearn.metrics.roc_auc_score.
    public var areaUnderROC: Double {
        guard isOrdered else { return .nan }
        var (positive, negative, pairs) = (0.0, 0.0, 0.0)
        for tie in ties {
            pairs += tie.negative * (positive + tie.positive / 2)
            positive += tie.positive
            negative += tie.negative
        }
        return pairs / (positive * negative)
    }

    /// The area under precision by recall; NaN where there are no positive examples.
    /// sklearn.metrics.average_precision_score.
    public var averagePrecision: Double {
        guard isOrdered else { return .nan }
        var (positive, all, sum) = (0.0, 0.0, 0.0)
        for tie in ties {
            positive += tie.positive
            all += tie.positive + tie.negative
            sum += tie.positive * positive / all
        }
        return sum / positive
    }
}
