// Losses of classes: predictions `[..., classes]` with an int32 label for each row `[...]`.

extension Loss {
    /// Which labels are left out, as if their rows weren't there.
    private enum Ignored {
        case none, negative
        case label(Int)
    }

    /// Cross-entropy of logits `[..., classes]` with int32 labels `[...]` in 0 ..< classes, of which any other is an
    /// error when it is met; or with floating-point targets like the logits, the probabilities of the classes.
    public static let crossEntropy = crossEntropy(.none)

    /// Cross-entropy that leaves out rows with a negative label: the mean over those that are left. Where none is, it
    /// is 0, as is its gradient, and the batch counts for nothing.
    public static let crossEntropyIgnoringNegativeLabels = crossEntropy(.negative)

    /// Cross-entropy as ``crossEntropy``, with PyTorch's options. torch.nn.CrossEntropyLoss.
    ///
    /// - Parameters:
    ///   - labelSmoothing: the share of each target that goes to all classes alike (Szegedy et al., 2016), in 0...1.
    ///   - classWeights: what rows count by their label, one number of at least 0 for each class: the mean is over the
    ///     sum of the weights. Of probabilities as targets each class's term is multiplied by its weight, and the mean
    ///     is over rows.
    ///   - ignoredLabel: the label of rows that are left out, of labels alone; any number.
    public static func crossEntropy(
        labelSmoothing: Double = 0, classWeights: [Double]? = nil, ignoredLabel: Int? = nil
    ) -> Loss {
        crossEntropy(ignoredLabel.map { .label($0) } ?? .none, labelSmoothing, classWeights)
    }

    private static func crossEntropy(
        _ ignored: Ignored, _ smoothing: Double = 0, _ classWeights: [Double]? = nil
    ) -> Loss {
        let name = "cross-entropy"
        return builtIn(name) { logits, target in
            try requireOption(
                (0...1).contains(smoothing), "labelSmoothing must be in 0...1, not \(smoothing)", of: name)
            if target.dtype.isFloatingPoint, target.shape == logits.shape, logits.shape.rank > 0 {
                return try logits.crossEntropy(probabilities: target, smoothing, classWeights)
            }
            let rows = try LabelledRows(logits, target, ignored, classWeights, of: name)
            var losses = try rows.predictions.crossEntropy(labels: rows.labels, ignoresNegativeLabels: rows.areIgnored)
            rows.checkLabels(of: losses)
            if let weights = rows.weights { losses = try losses * weights }
            if smoothing > 0 {
                var terms = try -rows.predictions.logSoftmax()
                if let classWeights = rows.classWeights { terms = try terms * classWeights }
                let uniform = try rows.leavingOutIgnored(terms.mean(axes: [1]))
                losses = try losses * (1 - smoothing) + uniform * smoothing
            }
            return try rows.terms(losses)
        }
    }

    /// The negative of the log-probability `[..., classes]` at the int32 label `[...]`. torch.nn.NLLLoss.
    ///
    /// ``crossEntropy`` is this of logits. `classWeights` and `ignoredLabel` are as there.
    public static func negativeLogLikelihood(classWeights: [Double]? = nil, ignoredLabel: Int? = nil) -> Loss {
        let name = "negative log-likelihood"
        return builtIn(name) { logProbabilities, labels in
            let rows = try LabelledRows(
                logProbabilities, labels, ignoredLabel.map { .label($0) } ?? .none, classWeights, of: name)
            var losses = try -rows.ofLabels()
            rows.checkLabels(of: losses)
            if let weights = rows.weights { losses = try losses * weights }
            return try rows.terms(rows.leavingOutIgnored(losses))
        }
    }

    /// The mean over classes of `max(0, margin - x[label] + x[class])`, or of its square, over all classes but the
    /// label. torch.nn.MultiMarginLoss.
    public static func multiMargin(margin: Double = 1, isSquared: Bool = false) -> Loss {
        let name = "multi-margin"
        return builtIn(name) { scores, labels in
            try requireOption(margin.isFinite, "margin must be a number, not \(margin)", of: name)
            let rows = try LabelledRows(scores, labels, .none, nil, of: name)
            let right = try rows.ofLabels()
            rows.checkLabels(of: right)
            let column = try right.reshaped(to: [right.shape.elementCount, 1])
            var terms = try (rows.predictions - column + margin).relu()
            if isSquared { terms = try terms.square() }
            // The label's own term is the margin's.
            let own = isSquared ? max(margin, 0) * max(margin, 0) : max(margin, 0)
            return try rows.terms((terms.sum(axes: [1]) - own) / Double(rows.predictions.shape[1]))
        }
    }

    /// Predictions with their labels, as a matrix.
    private struct LabelledRows {
        /// `[rows, classes]`
        let predictions: Tensor
        /// `[rows]`; those of rows that are left out are negative.
        let labels: Tensor
        let areIgnored: Bool
        /// `[classes]`
        let classWeights: Tensor?
        /// `[rows]`
        private(set) var weights: Tensor?
        private let ignoresOneLabel: Bool
        private let shape: Shape
        private let safeLabels: Tensor

        init(
            _ predictions: Tensor, _ target: Tensor, _ ignored: Ignored, _ classWeights: [Double]?, of name: String
        ) throws {
            try predictions.requireLabels(target, of: name)
            guard let classes = predictions.shape.dimensions.last, classes > 0 else {
                throw GraphError(operation: name, message: "there are no classes", operands: [predictions.type])
            }
            let graph = predictions.graph
            self.predictions = try predictions.flattenedToMatrix()
            shape = target.shape
            let flat = try target.flattened()
            switch ignored {
            case .none: (labels, areIgnored, ignoresOneLabel) = (flat, false, false)
            case .negative: (labels, areIgnored, ignoresOneLabel) = (flat, true, false)
            case .label(let label):
                let isIgnored = try flat.equal(to: graph.fill(Double(label), [], .int32))
                labels = try Tensor.select(isIgnored, graph.fill(-1, [], .int32), flat)
                (areIgnored, ignoresOneLabel) = (true, true)
            }
            safeLabels = areIgnored ? try labels.maximum(graph.fill(0, [], .int32)) : labels
            self.classWeights = try classWeights.map {
                try predictions.weightsOfLastAxis($0, "classWeights", of: name)
            }
            weights = nil
            if let table = self.classWeights {
                weights = try leavingOutIgnored(table.indexSelect(safeLabels, axis: 0))
            }
        }

        /// The prediction at each row's label.
        func ofLabels() throws -> Tensor {
            try predictions.gather(safeLabels.reshaped(to: [labels.shape[0], 1]), axis: 1).flattened()
        }

        /// Has runs refuse labels that are no class and are not to be left out.
        func checkLabels(of result: Tensor) {
            let lower = ignoresOneLabel ? -1 : areIgnored ? .min : 0
            predictions.graph.check(labels, in: lower..<predictions.shape[1], "labels", of: result)
        }

        /// `losses` with 0 for rows that are left out.
        func leavingOutIgnored(_ losses: Tensor) throws -> Tensor {
            guard areIgnored else { return losses }
            return try Tensor.select(
                labels.greater(than: -1), losses, losses.graph.fill(0, [], losses.dtype))
        }

        func terms(_ losses: Tensor) throws -> LossTerms {
            let dtype = predictions.dtypeOfSums
            let weight =
                try weights.map { try $0.cast(to: dtype).sum() } ?? (areIgnored ? labels.countOfLabels(dtype) : nil)
            return LossTerms(try losses.reshaped(to: shape), over: weight)
        }
    }
}

extension Tensor {
    /// The cross-entropy of these logits with probabilities, one for each row.
    fileprivate func crossEntropy(
        probabilities: Tensor, _ smoothing: Double, _ classWeights: [Double]?
    ) throws -> LossTerms {
        try requireAlike(probabilities, "logits and probabilities", of: "cross-entropy")
        let classes = max(shape.dimensions.last ?? 1, 1)
        let target =
            smoothing == 0
            ? probabilities : try probabilities * (1 - smoothing) + smoothing / Double(classes)
        var terms = try -logSoftmax() * target
        if let classWeights {
            terms = try terms * weightsOfLastAxis(classWeights, "classWeights", of: "cross-entropy")
        }
        return LossTerms(try terms.sum(axes: [-1]))
    }
}
