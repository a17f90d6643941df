import Tessera
import TestSupport
import Testing

/// Losses where their numbers are large, empty or make no sense.
@Suite struct LossEdgeTests {
    /// A loss of given operands with the gradient of the first.
    private func run(
        _ operands: [HostTensor], on place: Place, _ loss: ([Tensor]) throws -> Tensor
    ) throws -> (loss: [Float], gradient: [Float]) {
        let graph = Graph()
        let inputs = try operands.enumerated().map { try graph.input("\($0)", $1.shape, $1.dtype) }
        let result = try loss(inputs)
        let gradients = try graph.gradients(of: result.sum(), withRespectTo: [inputs[0]], allowsUnused: true)
        let executor = try place.executor()
        let values = Dictionary(uniqueKeysWithValues: operands.enumerated().map { ("\($0)", $1) })
        let found = try executor.run(executor.compile(graph, outputs: [result] + gradients), inputs: values)
        return try (found[0].elements(), found[1].elements())
    }

    @Test(arguments: Place.available) func hugeLogits(_ place: Place) throws {
        let logits = try HostTensor([2, 3], [1e30, -1e30, 0, -1e30, 1e30, 5] as [Float])
        let labels = try HostTensor([2], [0, 1] as [Int32])
        for loss in [Loss.crossEntropy, .crossEntropy(classWeights: [1, 2, 3]), .crossEntropy(ignoredLabel: -7)] {
            let found = try run([logits, labels], on: place) { try loss($0[0], $0[1], reduction: .none) }
            #expect(found.loss == [0, 0] && found.gradient == [0, 0, 0, 0, 0, 0])
        }
        let shares = try HostTensor([2, 3], [1, 0, 0, 0, 1, 0] as [Float])
        let focal = try run([logits, shares], on: place) { try Loss.focal(gamma: 0.5)($0[0], $0[1], reduction: .none) }
        #expect(focal.loss[0] == 0 && focal.loss[4] == 0 && focal.gradient.allSatisfy(\.isFinite))
        let hinge = try run([logits, labels], on: place) { try Loss.multiMargin()($0[0], $0[1]) }
        #expect(hinge.loss == [0] && hinge.gradient.allSatisfy { $0 == 0 }, "\(hinge)")
    }

    /// Nothing counts: the loss and its gradient are 0, not NaN.
    @Test(arguments: Place.available) func allRowsIgnored(_ place: Place) throws {
        let logits = try HostTensor([2, 3], [1, 2, 3, 4, 5, 6] as [Float])
        let labels = try HostTensor([2], [2, 2] as [Int32])
        let losses: [Loss] = [
            .crossEntropy(ignoredLabel: 2),
            .crossEntropy(labelSmoothing: 0.2, classWeights: [1, 2, 3], ignoredLabel: 2),
            .crossEntropy(classWeights: [1, 1, 0]), .negativeLogLikelihood(ignoredLabel: 2),
        ]
        for loss in losses {
            let found = try run([logits, labels], on: place) { try loss($0[0], $0[1]) }
            #expect(found.loss == [0] && found.gradient == [0, 0, 0, 0, 0, 0])
        }
    }

    /// A label that is neither a class nor the ignored one is an error, wherever options go.
    @Test(arguments: Place.available) func labelsOutOfRange(_ place: Place) throws {
        let logits = try HostTensor(zeros: TensorType([2, 3]))
        let losses: [Loss] = [
            .crossEntropy(labelSmoothing: 0.1), .crossEntropy(classWeights: [1, 2, 3]),
            .crossEntropy(ignoredLabel: -100),
            .crossEntropy(classWeights: [1, 2, 3], ignoredLabel: 7), .negativeLogLikelihood(), .multiMargin(),
            .negativeLogLikelihood(classWeights: [1, 2, 3], ignoredLabel: -100),
        ]
        for loss in losses {
            for wrong in [3, -2, .min, .max] as [Int32] {
                let labels = try HostTensor([2], [0, wrong])
                let error = #expect(throws: GraphError.self) {
                    try run([logits, labels], on: place) { try loss($0[0], $0[1]) }
                }
                #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
            }
        }
    }

    @Test(arguments: Place.available) func boxesWithoutAreaOrDifference(_ place: Place) throws {
        let boxes = try HostTensor([3, 4], [1, 2, 3, 5, 2, 2, 2, 2, 0, 0, 0, 0] as [Float])
        let equal = try run([boxes, boxes], on: place) {
            try Loss.intersectionOverUnion()($0[0], $0[1], reduction: .none)
        }
        #expect(isClose(equal.loss, [0, 1, 1], 1e-6) && equal.gradient.allSatisfy(\.isFinite))
        let none = try run([HostTensor(zeros: TensorType([0, 4])), HostTensor(zeros: TensorType([0, 4]))], on: place) {
            try Loss.intersectionOverUnion()($0[0], $0[1], reduction: .none)
        }
        #expect(none.loss.isEmpty && none.gradient.isEmpty)
        let pairs = try run([boxes], on: place) {
            try $0[0].reshaped(to: [3, 1, 4]).intersectionOverUnion(with: $0[0])
        }
        #expect(isClose(pairs.loss, [1, 0, 0, 0, 0, 0, 0, 0, 0], 1e-6))
    }

    @Test(arguments: Place.available) func emptyMasksAndEqualRows(_ place: Place) throws {
        let zeros = try HostTensor(zeros: TensorType([2, 3]))
        let dice = try run([zeros, zeros], on: place) { try Loss.dice()($0[0], $0[1], reduction: .none) }
        #expect(dice.loss == [0, 0] && dice.gradient.allSatisfy(\.isFinite))
        let cosine = try run([zeros, HostTensor([2], [1, -1] as [Float])], on: place) {
            try $0[0].cosineEmbeddingLoss($0[0], target: $0[1], reduction: .none)
        }
        #expect(cosine.loss == [1, 0] && cosine.gradient.allSatisfy(\.isFinite))
        let triplet = try run([zeros], on: place) {
            try $0[0].tripletMarginLoss(positive: $0[0], negative: $0[0], reduction: .none)
        }
        #expect(isClose(triplet.loss, [1, 1]) && triplet.gradient.allSatisfy(\.isFinite))
    }

    /// Too few times for the target: infinite, without a gradient that would be NaN.
    @Test(arguments: Place.available) func targetsThatDoNotFit(_ place: Place) throws {
        let steps = try HostTensor([2, 1, 3], [-1, -1, -1, -1, -1, -.infinity] as [Float])
        let targets = try HostTensor([1, 2], [1, 1] as [Int32])
        for zeroes in [false, true] {
            let found = try run([steps, targets], on: place) {
                try $0[0].ctcLoss(targets: $0[1], zeroesInfinity: zeroes)
            }
            #expect(found.loss == [zeroes ? 0 : .infinity] && found.gradient == [0, 0, 0, 0, 0, 0])
        }
        let empty = try run([steps, HostTensor(zeros: TensorType([1, 0], .int32))], on: place) {
            try $0[0].ctcLoss(targets: $0[1])
        }
        #expect(isClose(empty.loss, [2]))
        for (words, times, lengths) in [
            ([1, 3], 2, 2), ([1, -1], 2, 2), ([1, 1], 3, 2), ([1, 1], 0, 1), ([1, 1], 2, 3),
        ]
            as [([Int32], Int32, Int32)]
        {
            let error = #expect(throws: GraphError.self) {
                try run(
                    [steps, HostTensor([1, 2], words), HostTensor([1], [times]), HostTensor([1], [lengths])], on: place
                ) { try $0[0].ctcLoss(targets: $0[1], inputLengths: $0[2], targetLengths: $0[3]) }
            }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
    }

    /// In 16 bits losses are as near to those in 32 as the operands are, at 0, 1 and equal rows too.
    @Test(arguments: Place.available) func sixteenBits(_ place: Place) throws {
        let shares = [0, 1, 0, 0.5, 1, 0.25, 0, 0] as [Double]
        let others = [0, 1, 1, 0.25, 0, 0.75, 0, 0] as [Double]
        let losses: [(String, (Tensor, Tensor) throws -> Tensor)] = [
            ("mse", { try Loss.meanSquaredError($0, $1) }), ("bce", { try Loss.binaryCrossEntropy()($0, $1) }),
            ("bce with logits", { try Loss.binaryCrossEntropyWithLogits($0, $1) }),
            ("focal", { try Loss.focal(gamma: 0.5)($0, $1) }), ("kl", { try Loss.klDivergence()($0, $1) }),
            ("poisson", { try Loss.poissonNLL(isLogarithmic: false, isFull: true)($0, $1) }),
            ("dice", { try Loss.dice(smoothing: 1e-6)($0, $1) }),
            ("giou", { try Loss.intersectionOverUnion()($0, $1) }),
            ("smoothing", { try Loss.crossEntropy(labelSmoothing: 0.1)($0, $1) }),
            ("gaussian", { try $0.gaussianNLL(target: $1, variance: $0) }),
            ("triplet", { try $0.tripletMarginLoss(positive: $0, negative: $1) }),
            ("cosine", { try $0.cosineEmbeddingLoss($1, target: $1.graph.fill(1, [2], $1.dtype)) }),
        ]
        for (name, loss) in losses {
            let expected = try run(
                [shares, others].map { try HostTensor(TensorType([2, 4]), doubles: $0) }, on: place
            ) { try loss($0[0], $0[1]).cast(to: .float32) }
            for dtype in [DType.float16, .bfloat16, .float64] {
                let graph = Graph()
                let inputs = try ["a", "b"].map { try graph.input($0, [2, 4], dtype) }
                let result = try loss(inputs[0], inputs[1])
                let gradient = try graph.gradients(of: result, withRespectTo: [inputs[0]])[0]
                let executor = try place.executor()
                let plan = try executor.compile(
                    graph, outputs: [result.cast(to: .float32), gradient.cast(to: .float32)])
                let found = try executor.run(
                    plan,
                    inputs: [
                        "a": HostTensor(inputs[0].type, doubles: shares),
                        "b": HostTensor(inputs[0].type, doubles: others),
                    ]
                ).map { try $0.elements(Float.self) }
                let tolerance: Float = dtype == .float64 ? 1e-5 : 1e-2
                #expect(isClose(found[0], expected.loss, tolerance), "\(name), \(dtype): \(found[0]), \(expected.loss)")
                let isGradient = zip(found[1], expected.gradient).allSatisfy { found, expected in
                    // A slope beyond what the type holds is infinite in it.
                    found.isInfinite && abs(expected) > 6e4
                        || abs(found - expected) <= tolerance * max(1, abs(expected))
                }
                #expect(isGradient, "\(name), \(dtype): \(found[1]), \(expected.gradient)")
            }
        }
    }

    /// Each says which number is wrong, and the user's line.
    @Test func optionsThatMakeNoSense() throws {
        let graph = Graph()
        let (x, y) = (try graph.input("x", [4, 3]), try graph.input("y", [4, 3]))
        let (rows, labels) = (try graph.input("rows", [4]), try graph.input("labels", [4], .int32))
        func check(
            _ names: String, sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: () throws -> Tensor
        ) {
            let error = #expect(throws: GraphError.self, sourceLocation: sourceLocation) { try body() }
            #expect(error?.message.contains(names) == true, "\(error as Any)", sourceLocation: sourceLocation)
            #expect(
                error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)",
                sourceLocation: sourceLocation)
        }
        for wrong in [-1, -.infinity, .nan] as [Double] {
            check("delta") { try Loss.huber(delta: wrong)(x, y) }
            check("beta") { try Loss.smoothL1(beta: wrong)(x, y) }
            check("epsilon") { try Loss.poissonNLL(epsilon: wrong)(x, y) }
            check("gamma") { try Loss.focal(gamma: wrong)(x, y) }
            check("alpha") { try Loss.focal(alpha: wrong)(x, y) }
            check("smoothing") { try Loss.dice(smoothing: wrong)(x, y) }
            check("labelSmoothing") { try Loss.crossEntropy(labelSmoothing: wrong)(x, labels) }
            check("classWeights") { try Loss.crossEntropy(classWeights: [1, wrong, 1])(x, labels) }
            check("weights") { try Loss.binaryCrossEntropy(weights: [1, wrong, 1])(x, y) }
            check("positiveWeights") {
                try Loss.binaryCrossEntropyWithLogits(weights: nil, positiveWeights: [1, wrong, 1])(x, y)
            }
            check("epsilon") { try x.gaussianNLL(target: y, variance: y, epsilon: wrong) }
            check("margin") { try x.tripletMarginLoss(positive: y, negative: y, margin: wrong) }
            check("power") { try x.tripletMarginLoss(positive: y, negative: y, power: wrong) }
        }
        for wrong in [-.infinity, .nan] as [Double] {
            check("margin") { try Loss.hinge(margin: wrong)(x, y) }
            check("margin") { try Loss.multiMargin(margin: wrong)(x, labels) }
            check("margin") { try Loss.hingeEmbedding(margin: wrong)(x, y) }
            check("margin") { try x.cosineEmbeddingLoss(y, target: rows, margin: wrong) }
            check("margin") { try x.marginRankingLoss(y, target: y, margin: wrong) }
        }
        check("3 classWeights, not 2") { try Loss.crossEntropy(classWeights: [1, 1])(x, labels) }
        check("int32") { try Loss.crossEntropy(ignoredLabel: 1 << 40)(x, labels) }
        check("need a target") { try x.cosineEmbeddingLoss(y, target: y) }
        check("alike") { try x.marginRankingLoss(y, target: rows) }
        check("alike") { try x.tripletMarginLoss(positive: y, negative: rows) }
        check("variance") { try x.gaussianNLL(target: y, variance: rows) }
        check("boxes") { try x.intersectionOverUnion(with: y) }
        check("times") { try x.ctcLoss(targets: labels) }
        let steps = try graph.input("steps", [2, 4, 3]), words = try graph.input("words", [4, 2], .int32)
        check("blank") { try steps.ctcLoss(targets: words, blank: 3) }
        check("blank") { try steps.ctcLoss(targets: words, blank: -1) }
        check("targets") { try steps.ctcLoss(targets: labels) }
        check("lengths") { try steps.ctcLoss(targets: words, inputLengths: rows) }
        check("at least one time") { try graph.input("none", [0, 4, 3]).ctcLoss(targets: words) }
        for huge in [1 << 17, 1 << 40] {
            check("too many") {
                try graph.input("long \(huge)", [huge, 1, 3]).ctcLoss(targets: graph.input("word", [1, 2], .int32))
            }
            check("too many") {
                try graph.input("short", [2, 1, 3]).ctcLoss(targets: graph.input("words \(huge)", [1, huge], .int32))
            }
            // Many classes are no mistake.
            let label = try graph.input("label", [1], .int32)
            #expect(try Loss.multiMargin()(graph.input("scores \(huge)", [1, huge]), label).shape == [])
        }
        check("its mean alone") { try Loss("mine") { a, _ in try a.mean() }(x, y, reduction: .sum) }
    }
}
