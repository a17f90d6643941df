import TensorGraph

// Metrics of classes. Predictions are logits `[..., classes]`, or of two classes one logit `[...]` each, above 0 where it is
// class 1. Labels are int32 `[...]`; rows with a negative one are left out, as
// ``Loss/crossEntropyIgnoringNegativeLabels`` leaves them out.

extension Metric {
    /// The share of rows whose greatest logit is at the label, the first of equals.
    public static let accuracy = share("accuracy") { logits, labels in try logits.argMax().equal(to: labels) }

    /// The share of rows whose label is among their `count` greatest logits, the first of equals.
    /// sklearn.metrics.top_k_accuracy_score.
    public static func topAccuracy(_ count: Int) -> Metric {
        share("top-\(count) accuracy") { logits, labels in
            guard let classes = logits.shape.dimensions.last, (1...max(classes, 1)).contains(count) else {
                throw GraphError(
                    operation: "top-\(count) accuracy",
                    message: "there are no \(count) greatest logits of \(logits.type)")
            }
            let label = try labels.reshaped(to: Shape(labels.shape.dimensions + [1]))
            return try logits.topK(count).indices.equal(to: label).cast(to: .float32).sum(axes: [-1])
        }
    }

    /// - Parameter hits: which rows count as right.
    private static func share(
        _ name: String, _ hits: @escaping @Sendable (_ logits: Tensor, _ labels: Tensor) throws -> Tensor
    ) -> Metric {
        builtIn(name, isFraction: true, into: RunningMean()) { logits, labels in
            try logits.requireLabels(labels, of: name)
            // Never at a negative label, so that those need no mask.
            let hits = try hits(logits, labels).cast(to: .float32)
            // Where the loss refuses those there is nothing to count.
            let countsAll = logits.graph.refusesNegative(labels)
            if let classes = logits.shape.dimensions.last {
                logits.graph.check(labels, in: (countsAll ? 0 : .min)..<classes, "labels", of: hits, as: name)
            }
            return countsAll
                ? try WeightedMean(hits.mean(), over: hits.shape.elementCount).tensors
                : try WeightedMean(sum: hits.sum(), over: labels.countOfLabels(.float32)).tensors
        }
    }

    /// Of the rows that are said to be of a class, the share that is. sklearn.metrics.precision_score.
    public static func precision(classes: Int, _ averaging: ConfusionMatrix.Averaging = .macro) -> Metric {
        counting("precision", classes, .precision(averaging))
    }

    /// Of the rows of a class, the share that is said to be. sklearn.metrics.recall_score.
    public static func recall(classes: Int, _ averaging: ConfusionMatrix.Averaging = .macro) -> Metric {
        counting("recall", classes, .recall(averaging))
    }

    /// The harmonic mean of precision and recall, recall counting `beta` times as much: F1 where it is 1.
    /// sklearn.metrics.fbeta_score.
    public static func fBeta(
        _ beta: Double = 1, classes: Int, _ averaging: ConfusionMatrix.Averaging = .macro
    ) -> Metric {
        counting(beta == 1 ? "F1" : "F\(decimal(beta, 1))", classes, .fBeta(beta, averaging))
    }

    /// How often which class was taken for which: the state is a ``ConfusionMatrix``, whose value is the accuracy.
    public static func confusionMatrix(classes: Int) -> Metric {
        counting("confusion matrix", classes, .accuracy)
    }

    private static func counting(_ name: String, _ classes: Int, _ figure: ConfusionMatrix.Figure) -> Metric {
        var matrix = ConfusionMatrix(classes: classes)
        matrix.figure = figure
        return builtIn(name, isFraction: true, into: matrix) { prediction, labels in
            let rule = "the metric was made for classes: \(classes)"
            try requireOption(classes >= 1, "\(rule), but there must be one at least", of: name)
            if case .fBeta(let beta, _) = figure {
                try requireOption(
                    beta >= 0 && beta.isFinite, "beta must be a number of at least 0, not \(beta)", of: name)
            }
            if let chosen = figure.chosen {
                try requireOption((0..<classes).contains(chosen), "\(rule), among which is no \(chosen)", of: name)
            }
            let predicted: Tensor
            if prediction.shape == labels.shape {
                try requireOption(classes == 2, "\(rule), but one logit a row tells 2 apart", of: name)
                try prediction.requireScores(labels, of: name)
                predicted = try prediction.greater(than: 0).cast(to: .int32)
            } else {
                try prediction.requireLabels(labels, of: name)
                let extent = prediction.shape.dimensions.last ?? 0
                try requireOption(extent == classes, "\(rule), but logits \(prediction.shape) have \(extent)", of: name)
                predicted = try prediction.argMax()
            }
            prediction.graph.check(labels, in: .min..<classes, "labels", of: predicted, as: name)
            return [labels, predicted]
        }
    }
}

extension Tensor {
    /// Checks that labels 0 and 1 `[...]` fit these scores `[...]`.
    func requireScores(_ labels: Tensor, of name: String) throws {
        guard shape == labels.shape, dtype.isFloatingPoint, labels.dtype == .int32 else {
            throw GraphError(
                operation: name, message: "needs floating-point scores and int32 labels of one shape",
                operands: [type, labels.type])
        }
    }
}

/// How often which class was taken for which, and what follows from that.
public struct ConfusionMatrix: MetricState {
    /// What is made of the figures of single classes. A class that was neither there nor predicted has none.
    public enum Averaging: Hashable, Sendable {
        /// All rows count alike: of classes that exclude each other this is the accuracy.
        case micro
        /// All classes count alike.
        case macro
        /// Classes count by how often they were there.
        case weighted
        /// One class alone.
        case of(Int)
    }

    enum Figure: Hashable, Sendable {
        case accuracy
        case precision(Averaging)
        case recall(Averaging)
        case fBeta(Double, Averaging)

        /// The one class that it is of.
        var chosen: Int? {
            switch self {
            case .precision(.of(let chosen)), .recall(.of(let chosen)), .fBeta(_, .of(let chosen)): chosen
            default: nil
            }
        }
    }

    /// How many there are.
    public let classes: Int
    var figure = Figure.accuracy
    /// Row by row: a row is a label. Empty before the first.
    private var counts: [Int] = []

    /// A matrix without counts.
    public init(classes: Int) { self.classes = classes }

    /// How often a row with a label was taken for one of a class; 0 of a class that there is not.
    public subscript(label label: Int, predicted predicted: Int) -> Int {
        let range = 0..<classes
        return range.contains(label) && range.contains(predicted) && !counts.isEmpty
            ? counts[label * classes + predicted] : 0
    }

    /// The number of rows.
    public var total: Int { counts.reduce(0) { $0.plus($1) } }

    /// Counts one row; with a negative label, none.
    ///
    /// - Throws: ``GraphError`` where there is no such class.
    public mutating func add(label: Int, predicted: Int) throws {
        guard label >= 0 else { return }
        guard label < classes, (0..<classes).contains(predicted) else {
            throw GraphError(
                operation: "confusion matrix",
                message: "label \(label) or prediction \(predicted) is none of \(classes) classes")
        }
        if counts.isEmpty {
            try HostMemory.require(
                classes.times(classes).times(8), for: "a confusion matrix of \(classes) classes", at: nil)
            counts = Array(repeating: 0, count: classes * classes)
        }
        counts[label * classes + predicted] += 1
    }

    /// Takes labels and predicted classes.
    public mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2 else { return }
        for (label, predicted) in zip(try tensors[0].elements(Int32.self), try tensors[1].elements(Int32.self)) {
            try add(label: Int(label), predicted: Int(predicted))
        }
    }

    public mutating func merge(_ later: ConfusionMatrix) {
        guard !later.counts.isEmpty, later.classes == classes else { return }
        counts = counts.isEmpty ? later.counts : zip(counts, later.counts).map { $0.plus($1) }
    }

    public var value: Double {
        switch figure {
        case .accuracy: accuracy
        case .precision(let averaging): precision(averaging)
        case .recall(let averaging): recall(averaging)
        case .fBeta(let beta, let averaging): fBeta(beta, averaging)
        }
    }

    /// The share of rows that were taken for what they are; NaN where there are none.
    public var accuracy: Double {
        let hits = (0..<max(classes, 0)).reduce(0) { $0.plus(self[label: $1, predicted: $1]) }
        return Double(hits) / Double(total)
    }

    /// 0 of a class that nothing was taken for; NaN where nothing was counted.
    public func precision(_ averaging: Averaging = .macro) -> Double {
        average(averaging) { $0.hits / $0.predicted }
    }

    /// 0 of a class that was not there, but predicted; NaN where nothing was counted.
    public func recall(_ averaging: Averaging = .macro) -> Double {
        average(averaging) { $0.hits / $0.labelled }
    }

    /// 0 where precision and recall are; NaN where nothing was counted.
    public func fBeta(_ beta: Double = 1, _ averaging: Averaging = .macro) -> Double {
        let square = beta * beta
        return average(averaging) { (1 + square) * $0.hits / (square * $0.labelled + $0.predicted) }
    }

    private struct Tally {
        var (labelled, predicted, hits) = (0.0, 0.0, 0.0)
    }

    private var tallies: [Tally] {
        guard !counts.isEmpty else { return [] }
        var tallies = Array(repeating: Tally(), count: classes)
        for label in 0..<classes {
            for predicted in 0..<classes {
                let count = Double(counts[label * classes + predicted])
                tallies[label].labelled += count
                tallies[predicted].predicted += count
                if label == predicted { tallies[label].hits = count }
            }
        }
        return tallies
    }

    private func average(_ averaging: Averaging, _ figure: (Tally) -> Double) -> Double {
        /// Nothing of nothing is 0, as scikit-learn has it.
        func defined(_ tally: Tally) -> Double {
            let value = figure(tally)
            return value.isNaN ? 0 : value
        }
        let tallies = tallies
        switch averaging {
        case .of(let chosen): return tallies.indices.contains(chosen) ? defined(tallies[chosen]) : .nan
        case .micro:
            var all = Tally()
            for tally in tallies {
                all.labelled += tally.labelled
                all.predicted += tally.predicted
                all.hits += tally.hits
            }
            return figure(all)
        case .macro:
            let present = tallies.filter { $0.labelled + $0.predicted > 0 }
            return present.reduce(0) { $0 + defined($1) } / Double(present.count)
        case .weighted:
            let weight = tallies.reduce(0) { $0 + $1.labelled }
            return tallies.reduce(0) { $0 + defined($1) * $1.labelled } / weight
        }
    }
}
