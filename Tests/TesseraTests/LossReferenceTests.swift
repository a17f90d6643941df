import Tessera
import Testing

/// The losses beside PyTorch's, with gradients, for each reduction: `Tests/References/losses.py`.
@Suite struct LossReferenceTests {
    private static let weights = [0.5, 2, 0, 1.25]

    private static let ofTwo: [(name: String, loss: Loss)] = [
        ("mse", .meanSquaredError), ("l1", .meanAbsoluteError), ("huber", .huber()),
        ("huber, delta 0.3", .huber(delta: 0.3)), ("smooth l1", .smoothL1()),
        ("smooth l1, beta 0.3", .smoothL1(beta: 0.3)), ("smooth l1, beta 0", .smoothL1(beta: 0)),
        ("poisson nll", .poissonNLL()),
        ("poisson nll, full, of rates", .poissonNLL(isLogarithmic: false, isFull: true, epsilon: 1e-3)),
        ("cross-entropy", .crossEntropy), ("cross-entropy, ignoring", .crossEntropyIgnoringNegativeLabels),
        ("cross-entropy, ignoring 1", .crossEntropy(ignoredLabel: 1)),
        ("cross-entropy, smoothing", .crossEntropy(labelSmoothing: 0.1)),
        ("cross-entropy, weights", .crossEntropy(classWeights: weights)),
        (
            "cross-entropy, all options",
            .crossEntropy(labelSmoothing: 0.1, classWeights: weights, ignoredLabel: -1)
        ),
        ("cross-entropy, shares", .crossEntropy),
        ("cross-entropy, shares, all options", .crossEntropy(labelSmoothing: 0.1, classWeights: weights)),
        ("nll", .negativeLogLikelihood()),
        ("nll, all options", .negativeLogLikelihood(classWeights: weights, ignoredLabel: -1)),
        ("multi-margin", .multiMargin()), ("multi-margin, squared", .multiMargin(margin: 2.5, isSquared: true)),
        ("bce with logits", .binaryCrossEntropyWithLogits),
        (
            "bce with logits, weights",
            .binaryCrossEntropyWithLogits(weights: [0.5, 2, 1], positiveWeights: [3, 0.25, 1])
        ),
        ("bce", .binaryCrossEntropy()), ("bce, weights", .binaryCrossEntropy(weights: [0.5, 2, 1])),
        ("bce, certain", .binaryCrossEntropy()), ("focal", .focal()),
        ("focal, gamma 0.5", .focal(alpha: nil, gamma: 0.5)), ("hinge", .hinge()),
        ("hinge, squared", .hinge(margin: 0.5, isSquared: true)), ("kl", .klDivergence()),
        ("kl, logarithmic", .klDivergence(hasLogarithmicTarget: true)), ("hinge embedding", .hingeEmbedding()),
        ("hinge embedding, margin 2", .hingeEmbedding(margin: 2)), ("dice", .dice()),
        ("dice, smoothing 0.1", .dice(smoothing: 0.1)), ("iou", .intersectionOverUnion(isGeneralized: false)),
        ("giou", .intersectionOverUnion()),
    ]

    /// Those in which PyTorch's gradient of the target is NaN.
    private static let fixed: Set = ["poisson nll, full, of rates", "bce, certain"]

    @Test(arguments: ofTwo.indices) func ofPredictionAndTarget(_ index: Int) throws {
        let (name, loss) = Self.ofTwo[index]
        try check(name) { inputs, reduction in
            let target = try inputs("target")
            let isFixed = Self.fixed.contains(name)
            return try loss(
                inputs("input"), isFixed ? target.stoppingGradient() : target, reduction: reduction)
        }
    }

    @Test func divergenceByExamples() throws {
        try PyTorchReference("losses").check("kl, batchmean") { inputs, _ in
            let (input, target) = (try #require(inputs["input"]), try #require(inputs["target"]))
            return ["mean": try Loss.klDivergence(isMeanOverExamples: true)(input, target)]
        }
    }

    @Test(arguments: [false, true]) func gaussianNLL(isFull: Bool) throws {
        try check(isFull ? "gaussian nll, full" : "gaussian nll") { inputs, reduction in
            try inputs("input").gaussianNLL(
                target: inputs("target"), variance: inputs("variance"), isFull: isFull, epsilon: isFull ? 0.1 : 1e-6,
                reduction: reduction)
        }
    }

    @Test func similarity() throws {
        for (name, margin) in [("cosine embedding", 0), ("cosine embedding, margin 0.2", 0.2)] {
            try check(name) { inputs, reduction in
                try inputs("a").cosineEmbeddingLoss(
                    inputs("b"), target: inputs("target"), margin: margin, reduction: reduction)
            }
        }
        for (name, margin) in [("margin ranking", 0), ("margin ranking, margin 0.5", 0.5)] {
            try check(name) { inputs, reduction in
                try inputs("a").marginRankingLoss(
                    inputs("b"), target: inputs("target"), margin: margin, reduction: reduction)
            }
        }
    }

    @Test func triplets() throws {
        try check("triplet") { inputs, reduction in
            try inputs("a").tripletMarginLoss(positive: inputs("b"), negative: inputs("c"), reduction: reduction)
        }
        try check("triplet, swapped, power 3") { inputs, reduction in
            try inputs("a").tripletMarginLoss(
                positive: inputs("b"), negative: inputs("c"), margin: 2, power: 3, epsilon: 1e-3, swaps: true,
                reduction: reduction)
        }
        try check("triplet, power 1") { inputs, reduction in
            try inputs("a").tripletMarginLoss(
                positive: inputs("b"), negative: inputs("c"), power: 1, reduction: reduction)
        }
    }

    @Test(arguments: [false, true]) func alignments(zeroesInfinity: Bool) throws {
        try check(zeroesInfinity ? "ctc, zeroing" : "ctc") { inputs, reduction in
            try inputs("steps").logSoftmax().ctcLoss(
                targets: inputs("words"), inputLengths: inputs("times"), targetLengths: inputs("lengths"),
                zeroesInfinity: zeroesInfinity, reduction: reduction)
        }
    }

    @Test func alignmentsOfWholeTargets() throws {
        try check("ctc, blank last") { inputs, reduction in
            try inputs("steps").logSoftmax().ctcLoss(targets: inputs("words"), blank: 4, reduction: reduction)
        }
    }

    @Test func everyCaseIsHeld() throws {
        let others = [
            "kl, batchmean", "gaussian nll", "gaussian nll, full", "cosine embedding", "cosine embedding, margin 0.2",
            "margin ranking", "margin ranking, margin 0.5", "triplet", "triplet, swapped, power 3", "triplet, power 1",
            "ctc", "ctc, zeroing", "ctc, blank last",
        ]
        #expect(try PyTorchReference("losses").names == (Self.ofTwo.map(\.name) + others).sorted())
    }

    /// Holds a loss with all three reductions.
    private func check(
        _ name: String, sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ loss: (_ inputs: (String) throws -> Tensor, Reduction) throws -> Tensor
    ) throws {
        try PyTorchReference("losses").check(name, sourceLocation: sourceLocation) { inputs, _ in
            func input(_ name: String) throws -> Tensor { try #require(inputs[name]) }
            return try ["mean": loss(input, .mean), "sum": loss(input, .sum), "none": loss(input, .none)]
        }
    }
}
