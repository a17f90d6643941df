import Foundation
import Tessera
import Testing

/// A loss of the library with a prediction and a target that fit.
private struct LossCase: Sendable, CustomTestStringConvertible {
    var loss: Loss
    var prediction: HostTensor
    var target: HostTensor
    /// The mean over all rows.
    var expected: Double

    var testDescription: String { "\(loss.name) of \(prediction.type)" }
}

/// Losses and metrics check their operands, and are means over what counts, however it is shared out in batches.
@Suite struct LossTests {
    private static let all: [Loss] = [
        .meanSquaredError, .huber(), .huber(delta: 0.3), .binaryCrossEntropyWithLogits, .crossEntropy,
        .crossEntropyIgnoringNegativeLabels, .crossEntropy(labelSmoothing: 0.1, ignoredLabel: 3),
        .negativeLogLikelihood(), .multiMargin(), .meanAbsoluteError, .smoothL1(), .poissonNLL(), .binaryCrossEntropy(),
        .focal(), .hinge(), .klDivergence(), .hingeEmbedding(), .dice(), .intersectionOverUnion(),
    ]

    /// Types that only broadcast, or not even that.
    private static let mismatched: [(TensorType, TensorType)] = [
        (TensorType([6, 1]), TensorType([6])), (TensorType([6]), TensorType([6, 1])),
        (TensorType([6]), TensorType([1])), (TensorType([6]), TensorType([])), (TensorType([1, 6]), TensorType([6])),
        (TensorType([6, 2]), TensorType([6, 1])), (TensorType([2, 3]), TensorType([3, 2])),
        (TensorType([6, 2]), TensorType([2])), (TensorType([6]), TensorType([6], .float64)),
        (TensorType([6]), TensorType([6], .int64)),
    ]

    @Test(arguments: all) func operandsThatOnlyBroadcastAreRefused(_ loss: Loss) throws {
        for (first, second) in Self.mismatched {
            let graph = Graph()
            let (p, t) = (try graph.input("p", first.shape), try graph.input("t", second.shape, second.dtype))
            let line: UInt = #line + 1
            let error = #expect(throws: GraphError.self) { try loss(p, t) }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true && error?.location?.line == line)
            #expect(error?.operands == [first, second], "\(error as Any)")
        }
    }

    /// Labels that have as many elements as there are rows, but in another shape; or of another type.
    @Test func labelsHaveTheRowsShape() throws {
        let graph = Graph()
        let logits = try graph.input("logits", [2, 3, 5])
        let wrong: [TensorType] = [
            TensorType([6], .int32), TensorType([2, 3, 1], .int32), TensorType([3, 2], .int32),
            TensorType([2, 3, 5], .int32), TensorType([], .int32), TensorType([2, 3], .int64), TensorType([2, 3]),
        ]
        for (index, type) in wrong.enumerated() {
            let labels = try graph.input("labels \(index)", type.shape, type.dtype)
            let line: UInt = #line
            func check(_ body: () throws -> Tensor) {
                let error = #expect(throws: GraphError.self) { try body() }
                #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
                #expect((line...(line + 9)).contains(error?.location?.line ?? 0))
                #expect("\(error as Any)".contains(type.shape.description))
            }
            check { try Loss.crossEntropy(logits, labels) }
            check { try Loss.crossEntropyIgnoringNegativeLabels(logits, labels) }
            check { try Metric.accuracy(logits, labels) }
        }
        #expect(try Loss.crossEntropy(logits, graph.input("labels", [2, 3], .int32)).shape == [])
    }

    private static let batched: [LossCase] = {
        do {
            let numbers = (0..<14).map { Float($0 * 5 % 9) / 3 - 1 }
            let (x, y) = (try HostTensor([7, 2], numbers), try HostTensor([7, 2], numbers.map { $0 * $0 / 4 }))
            let differences = numbers.map { Double($0) - Double($0 * $0 / 4) }
            let labels: [Int32] = [1, 0, 0, 1, 1, 0, 1]
            let ignoring: [Int32] = [1, -1, -7, 0, -1, 1, -1]
            func crossEntropy(_ row: Int, _ label: Int32) -> Double {
                let (a, b) = (Double(numbers[2 * row]), Double(numbers[2 * row + 1]))
                return log(exp(a) + exp(b)) - (label == 0 ? a : b)
            }
            func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
            return [
                LossCase(
                    loss: .meanSquaredError, prediction: x, target: y, expected: mean(differences.map { $0 * $0 })),
                LossCase(
                    loss: .huber(delta: 0.5), prediction: x, target: y,
                    expected: mean(differences.map { abs($0) <= 0.5 ? $0 * $0 / 2 : 0.5 * (abs($0) - 0.25) })),
                LossCase(
                    loss: .binaryCrossEntropyWithLogits, prediction: x, target: y,
                    expected: mean(numbers.map { log(1 + exp(Double($0))) - Double($0 * $0 / 4) * Double($0) })),
                LossCase(
                    loss: .crossEntropy, prediction: x, target: try HostTensor([7], labels),
                    expected: mean((0..<7).map { crossEntropy($0, labels[$0]) })),
                LossCase(
                    loss: .crossEntropyIgnoringNegativeLabels, prediction: x, target: try HostTensor([7], ignoring),
                    expected: mean((0..<7).filter { ignoring[$0] >= 0 }.map { crossEntropy($0, ignoring[$0]) })),
                LossCase(
                    loss: Loss("mine") { try ($0 - $1).absolute().mean() }, prediction: x, target: y,
                    expected: mean(differences.map(abs))),
                LossCase(
                    loss: .weighted("masked") { p, t in
                        // The targets weigh: Σ t·p / Σ t.
                        try WeightedMean(sum: (p * t).sum(), over: t.sum())
                    }, prediction: x, target: y,
                    expected: zip(numbers, numbers.map { Double($0 * $0 / 4) }).map { Double($0) * $1 }.reduce(0, +)
                        / numbers.map { Double($0 * $0 / 4) }.reduce(0, +)),
            ]
        } catch {
            return []
        }
    }()

    @Test func casesWereMade() { #expect(Self.batched.count == 7) }

    @Test("A mean over a dataset is the same for every size of batches", arguments: batched, Place.available)
    private func isTheMeanOverAll(_ lossCase: LossCase, on place: Place) throws {
        let data = try TensorDataset(inputs: lossCase.prediction, targets: lossCase.target)
        for batchSize in 1...8 {
            // Nothing is learnt: each epoch's mean is that over the data.
            let trainer = Trainer(
                Lambda { $0 }, loss: lossCase.loss, optimizer: SGD(learningRate: 0), on: try place.executor())
            let evaluated = try trainer.evaluate(data, batchSize: batchSize)
            let trained = try trainer.fit(data, batchSize: batchSize, epochs: 2, progress: nil)
            for result in [evaluated, trained] {
                #expect((result.loss - lossCase.expected).magnitude < 1e-5, "batches of \(batchSize): \(result.loss)")
                #expect(result.count == 7)
            }
        }
    }

    /// A logit that is sure of its class leaves a loss that no rounding of the logit may take away.
    @Test(arguments: Place.available) func binaryCrossEntropyOfLargeLogits(_ place: Place) throws {
        let executor = try place.executor()
        for z in [0, 3, 20, 80, 1e6, 1e30] as [Float] {
            for (logit, target) in [(z, 1), (-z, 0), (z, 0), (-z, 1), (z, 0.3)] as [(Float, Float)] {
                let graph = Graph()
                let x = try graph.input("z", [1])
                let loss = try Loss.binaryCrossEntropyWithLogits(
                    x, graph.constant(HostTensor([1], [target])))
                let plan = try executor.compile(
                    graph, outputs: [loss] + graph.gradients(of: loss, withRespectTo: [x]))
                let results = try executor.run(plan, inputs: ["z": HostTensor([1], [logit])]).map {
                    Double(try $0.elements(Float.self)[0])
                }
                let (t, tail) = (Double(target), log1p(exp(-abs(Double(logit)))))
                let (plus, minus) = (max(Double(logit), 0) + tail, max(-Double(logit), 0) + tail)
                let slope = (1 - t) / (1 + exp(-Double(logit))) - t / (1 + exp(Double(logit)))
                for (result, expected) in zip(results, [(1 - t) * plus + t * minus, slope]) {
                    #expect(abs(result - expected) <= 4e-6 * abs(expected) + 1e-36, "\(logit) \(target)")
                }
            }
        }
    }

    @Test(arguments: Place.available) func metricsLeaveOutWhatDoesNotCount(on place: Place) throws {
        let logits = try HostTensor([5, 2], [0, 1, 1, 0, 1, 0, 0, 1, 1, 0] as [Float])
        let data = try TensorDataset(inputs: logits, targets: HostTensor([5], [1, -1, 0, 0, -5] as [Int32]))
        let mine = Metric("mine") { prediction, _ in try prediction.sum(axes: [1]).mean() }
        let counted = Metric.weighted("labels") { _, labels in
            let counts = try labels.greater(than: -1).cast(to: .float32)
            return try WeightedMean(sum: (counts * labels.cast(to: .float32)).sum(), over: counts.sum())
        }
        for (metric, expected) in [(Metric.accuracy, 2.0 / 3), (mine, 1), (counted, 1.0 / 3)] {
            for batchSize in 1...6 {
                let trainer = Trainer(
                    Lambda { $0 }, loss: .crossEntropyIgnoringNegativeLabels, optimizer: SGD(learningRate: 0),
                    metrics: [metric], on: try place.executor())
                let value = try trainer.evaluate(data, batchSize: batchSize).metric ?? .nan
                #expect((value - expected).magnitude < 1e-6, "\(metric.name), batches of \(batchSize): \(value)")
            }
        }
    }

    /// Rows that are ignored teach nothing, as if they weren't there; a batch of them alone changes nothing.
    @Test(arguments: Place.available) func ignoredRowsDoNotMoveParameters(on place: Place) throws {
        func weights(after batches: [(rows: [Float], labels: [Int32])]) throws -> [Float] {
            let layer = Dense(2, 3, RandomSource(seed: 3))
            let trainer = Trainer(
                layer, loss: .crossEntropyIgnoringNegativeLabels, optimizer: SGD(learningRate: 0.5),
                metrics: [.accuracy], on: try place.executor())
            for batch in batches {
                let count = batch.labels.count
                let result = try trainer.train(
                    Batch(
                        input: HostTensor([count, 2], batch.rows), target: HostTensor([count], batch.labels),
                        count: count))
                let counts = batch.labels.count { $0 >= 0 }
                #expect(result.lossWeight == Double(counts) && result.loss.isNaN == (counts == 0))
            }
            return try trainer.executor.value(of: layer.weight).elements()
        }
        let rows: [Float] = [1, 2, 3, -1, 0.5, 0.25]
        #expect(
            isClose(
                try weights(after: [(rows, [2, -1, -1])]), try weights(after: [([1, 2], [2])])))
        #expect(try weights(after: [(rows, [-1, -1, -2])]) == weights(after: []))
    }

    @Test func aLossThatIsNoScalarNamesItsLine() throws {
        let executor = try Place.reference.executor()
        let batch = Batch(
            input: try HostTensor(zeros: TensorType([4, 2])), target: try HostTensor(zeros: TensorType([4, 3])),
            count: 4)
        func error(_ loss: Loss, _ metrics: [Metric] = []) -> GraphError? {
            let trainer = Trainer(
                Dense(2, 3, RandomSource(seed: 1)), loss: loss, optimizer: SGD(learningRate: 1), metrics: metrics,
                on: executor)
            let errors = [{ _ = try trainer.train(batch) }, { _ = try trainer.evaluate(OneBatch(batch)) }].map {
                body in #expect(throws: GraphError.self) { try body() }
            }
            #expect(errors[0]?.location == errors[1]?.location && errors[0]?.message == errors[1]?.message)
            return errors[0]
        }
        let line: UInt = #line + 1
        let vector = error(Loss("rows") { try ($0 - $1).square().mean(axes: [1]) })
        #expect(vector?.location?.line == line && vector?.location?.file.hasPrefix("TesseraTests/") == true)
        #expect("\(vector as Any)".contains("must be a floating-point scalar, not float32[4]"))
        #expect(error(Loss("one") { try ($0 - $1).sum().reshaped(to: [1]) })?.location?.line == line + 3)
        #expect(error(Loss("integer") { try ($0 - $1).sum().cast(to: .int32) })?.location?.line == line + 4)
        let metric = Metric("rows") { try ($0 - $1).absolute() }
        #expect(error(.meanSquaredError, [metric])?.location?.line == line + 5)
        // The library's own losses speak for whoever made the trainer.
        let trainer: UInt = #line + 1
        let built = Trainer(Lambda { $0 }, loss: .meanSquaredError, optimizer: SGD(learningRate: 1), on: executor)
        let shape = #expect(throws: GraphError.self) { try built.train(batch) }
        #expect(shape?.location?.line == trainer && shape?.location?.file.hasPrefix("TesseraTests/") == true)
    }
}

/// A dataset of one batch.
private struct OneBatch: Dataset {
    let whole: Batch
    var count: Int { whole.count }
    init(_ batch: Batch) { whole = batch }
    func batch(_ indices: ArraySlice<Int>) -> Batch { whole }
}
