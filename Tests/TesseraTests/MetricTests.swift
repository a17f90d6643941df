import Tessera
import Testing

/// Metrics beside scikit-learn's and others', over batches of any size: `Tests/References/metrics.py`.
@Suite struct MetricTests {
    private static let classFigures: [(name: String, metric: Metric)] = {
        var all: [(name: String, metric: Metric)] = [("accuracy", .confusionMatrix(classes: 5))]
        let averages: [(String, ConfusionMatrix.Averaging)] = [
            ("micro", .micro), ("macro", .macro), ("weighted", .weighted), ("1", .of(1)),
        ]
        for (name, averaging) in averages {
            all.append(("precision \(name)", .precision(classes: 5, averaging)))
            all.append(("recall \(name)", .recall(classes: 5, averaging)))
            all.append(("fbeta \(name)", .fBeta(2, classes: 5, averaging)))
            if name != "1" { all.append(("f1 \(name)", .fBeta(classes: 5, averaging))) }
        }
        return all
    }()

    private static let cases: [(name: String, figures: [(name: String, metric: Metric)])] = [
        (
            "boxes",
            [
                ("ap", .meanAveragePrecision(overlaps: (10..<20).map { Double($0) / 20 })),
                ("ap 0.5", .meanAveragePrecision()), ("ap 0.75", .meanAveragePrecision(overlaps: [0.75])),
            ]
        ),
        (
            "classes",
            classFigures + [
                ("top 2", .topAccuracy(2)), ("cross-entropy", Metric(.crossEntropy)), ("perplexity", .perplexity),
            ]
        ),
        ("images", [("psnr", .peakSignalToNoise(peak: 2)), ("ssim", .structuralSimilarity(peak: 2))]),
        ("infinite", [("roc", .areaUnderROC), ("pr", .averagePrecision)]),
        ("no ties", [("roc", .areaUnderROC), ("pr", .averagePrecision)]),
        ("one class", classFigures),
        (
            "regression",
            [
                ("r2", .rSquared), ("mae", Metric(.meanAbsoluteError)), ("mse", Metric(.meanSquaredError)),
            ]
        ),
        ("texts", [("bleu", .bleu), ("edits", .tokenErrorRate)]),
        ("ties", [("roc", .areaUnderROC), ("pr", .averagePrecision)]),
    ]

    /// A trainer whose step gives metrics of what the data hold.
    private func trainer(_ metrics: [Metric], on place: Place) throws -> Trainer {
        Trainer(
            Sequential(), groups: [], on: try place.executor(),
            step: { _, batch in
                try metrics.map { try .metric($0, batch["prediction"], batch["target"]) }
            })
    }

    private func value(
        _ metric: Metric, _ prediction: HostTensor, _ target: HostTensor, batchSize: Int = 500, on place: Place = .cpu
    ) throws -> Double {
        let data = try TensorDataset(["prediction": prediction, "target": target])
        return try trainer([metric], on: place).evaluate(data, batchSize: batchSize).metric ?? .infinity
    }

    @Test(arguments: cases.indices) func metricsAreThoseOfOthersWhateverTheBatches(_ index: Int) throws {
        let (name, figures) = Self.cases[index]
        let reference = try PyTorchReference("metrics")
        let expected = try reference.tensors("output", of: name).mapValues { try $0.elements(Double.self)[0] }
        #expect(Set(figures.map(\.name)) == Set(expected.keys))
        let data = try TensorDataset(reference.tensors("input", of: name))
        for place in Place.available where place != .reference {
            for (figure, metric) in figures {
                for batchSize in [1, 4, 500] {
                    let value = try trainer([metric], on: place).evaluate(data, batchSize: batchSize).metric ?? .nan
                    let wanted = try #require(expected[figure])
                    #expect(
                        (value - wanted).magnitude <= 2e-6 * max(1, wanted.magnitude),
                        "\(name), \(figure), batches of \(batchSize) on \(place): \(value), not \(wanted)")
                }
            }
        }
    }

    @Test func allCasesAreHeld() throws {
        #expect(try PyTorchReference("metrics").names == Self.cases.map(\.name))
    }

    @Test func matricesAreInResults() throws {
        let logits = try HostTensor([4, 3], [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1] as [Float])
        let labels = try HostTensor([4], [0, 1, 2, -1] as [Int32])
        let metrics: [Metric] = [.precision(classes: 3), .confusionMatrix(classes: 3), .accuracy]
        let result = try trainer(metrics, on: .cpu).evaluate(
            TensorDataset(["prediction": logits, "target": labels]), batchSize: 3)
        for name in ["precision", "confusion matrix"] {
            let matrix = try #require(result.state(ConfusionMatrix.self, of: name))
            #expect(matrix.total == 3)
            #expect(matrix[label: 0, predicted: 0] == 1 && matrix[label: 1, predicted: 1] == 1)
            #expect(matrix[label: 2, predicted: 1] == 1 && matrix[label: 1, predicted: 2] == 0)
        }
        #expect(result.state(ConfusionMatrix.self, of: "accuracy") == nil)
        #expect(result.metrics["precision"] == 0.5 && result.description.contains("confusion matrix 66.67 %"))
    }

    /// One logit a row: class 1 above 0, with NaN not above it.
    @Test func twoClassesHaveOneLogit() throws {
        let logits = try HostTensor([5], [1, -1, 2, 0, .nan] as [Float])
        let labels = try HostTensor([5], [1, 1, 0, 0, 1] as [Int32])
        #expect(try value(.precision(classes: 2, .of(1)), logits, labels) == 0.5)
        #expect((try value(.recall(classes: 2, .of(1)), logits, labels) - 1.0 / 3).magnitude < 1e-12)
    }

    @Test func whatIsNotDefinedIsNaN() throws {
        let (one, zero) = (try HostTensor([2], [1, 1] as [Int32]), try HostTensor([2], [0, 0] as [Int32]))
        let scores = try HostTensor([2], [0.5, 1] as [Float])
        #expect(try value(.areaUnderROC, scores, one).isNaN && value(.areaUnderROC, scores, zero).isNaN)
        #expect(try value(.averagePrecision, scores, one) == 1 && value(.averagePrecision, scores, zero).isNaN)
        let broken = try HostTensor([2], [0.5, .nan] as [Float])
        let both = try HostTensor([2], [1, 0] as [Int32])
        #expect(try value(.areaUnderROC, broken, both).isNaN && value(.averagePrecision, broken, both).isNaN)
        #expect(try value(.areaUnderROC, scores, HostTensor([2], [-1, -1] as [Int32])).isNaN)
        let none = try HostTensor([2], [-1, -1] as [Int32])
        let logits = try HostTensor([2, 3], [Float](repeating: 1, count: 6))
        for averaging in [.micro, .macro, .weighted, .of(0)] as [ConfusionMatrix.Averaging] {
            #expect(try value(.precision(classes: 3, averaging), logits, none).isNaN, "\(averaging)")
        }
        #expect(try value(.topAccuracy(2), logits, none).isNaN && value(.perplexity, logits, none).isNaN)
        #expect(try value(.rSquared, HostTensor([1], [1] as [Float]), HostTensor([1], [1] as [Float])).isNaN)
        #expect(try value(.peakSignalToNoise(), scores, scores) == .infinity)
        let texts = try HostTensor([1, 2], [-1, -1] as [Int32])
        #expect(try value(.bleu, texts, texts).isNaN && value(.tokenErrorRate, texts, texts).isNaN)
        #expect(try value(.bleu, HostTensor([1, 2], [3, 4] as [Int32]), HostTensor([1, 2], [3, 4] as [Int32])) == 0)
    }

    @Test func boxesWithoutScoresOrTruths() throws {
        let box = DetectionPrecision.Box(left: 0, top: 0, right: 2, bottom: 2, label: 1)
        var state = DetectionPrecision()
        #expect(state.value.isNaN)
        state.add([(box, 0.5)], wanted: [])
        #expect(state.value.isNaN)
        state.add([], wanted: [box])
        #expect(state.value == 0)
        state.add([(box, 0.9)], wanted: [box])
        // Found at the first of three places; the other true box never.
        #expect((state.value - 51.0 / 101).magnitude < 1e-12)
        state.add([(box, .nan)], wanted: [box])
        #expect(state.value.isNaN)
        let empty = DetectionPrecision.Box(left: 1, top: 1, right: 1, bottom: 1, label: 0)
        #expect(empty.overlap(with: empty) == 0 && box.overlap(with: box) == 1)
    }

    @Test func textsMayHaveSeveralReferences() {
        var bleu = BLEU()
        bleu.add([1, 2, 3, 4, 8], references: [[1, 2, 3, 9, 9], [7, 2, 3, 4, 5, 6]])
        bleu.add([5, 5, 5, 5], references: [[5, 5], [5, 5, 5, 5, 5, 6]])
        // 4 of 5 and 4 of 4 tokens, 3 of 4 and 3 of 3 pairs, 2 of 3 and 2 of 2 triples, 0 of 2 and 1 of 1; the references
        // that are as near in length as others, but shorter, have 5 and 2 tokens.
        let shares = [8.0 / 9, 6.0 / 7, 4.0 / 5, 1.0 / 3]
        let expected = shares.reduce(1, *).squareRoot().squareRoot()
        #expect((bleu.value - expected).magnitude < 1e-12)
        #expect(EditDistance.edits(from: [1, 2, 3], to: [2, 3, 4]) == 2)
        #expect(EditDistance.edits(from: [], to: [1, 2]) == 2 && EditDistance.edits(from: [1], to: []) == 1)
    }

    @Test func aMetricOfOnesOwnIsStreamed() throws {
        struct Greatest: MetricState {
            var value = -Double.infinity
            mutating func add(_ tensors: [HostTensor]) throws {
                value = max(value, Double(try tensors[0].elements(Float.self)[0]))
            }
            mutating func merge(_ later: Greatest) { value = max(value, later.value) }
        }
        let metric = Metric.streamed("greatest error", into: Greatest()) { prediction, target in
            let error = try prediction - target
            return [try error.absolute().maximum()]
        }
        let prediction = try HostTensor([3], [1, 5, 2] as [Float])
        for batchSize in 1...3 {
            let found = try value(metric, prediction, HostTensor([3], [1, 1, 4] as [Float]), batchSize: batchSize)
            #expect(found == 4)
        }
    }

    @Test func whatCannotBeMeantIsAnError() throws {
        let logits = try HostTensor([2, 3], [Float](repeating: 0, count: 6))
        let labels = try HostTensor([2], [0, 1] as [Int32])
        let wrong: [(says: String, metric: Metric, prediction: HostTensor, target: HostTensor)] = [
            ("have 3", .precision(classes: 4), logits, labels),
            ("one at least", .precision(classes: 0), logits, labels),
            ("one at least", .recall(classes: .min), logits, labels),
            ("among which is no 3", .recall(classes: 3, .of(3)), logits, labels),
            ("beta must be", .fBeta(.nan, classes: 3), logits, labels),
            ("beta must be", .fBeta(-1, classes: 3), logits, labels),
            ("labels", .confusionMatrix(classes: 3), logits, try HostTensor([2], [0, 3] as [Int32])),
            ("no 4 greatest", .topAccuracy(4), logits, labels),
            ("no 0 greatest", .topAccuracy(0), logits, labels),
            ("one shape", .areaUnderROC, logits, labels),
            ("labels", .areaUnderROC, try HostTensor([2], [0, 1] as [Float]), try HostTensor([2], [0, 2] as [Int32])),
            ("must be alike", .rSquared, logits, labels),
            ("peak must be", .peakSignalToNoise(peak: 0), logits, logits),
            ("peak must be", .structuralSimilarity(peak: .nan), logits, logits),
            ("11×11", .structuralSimilarity(), logits, logits),
            ("int32 tokens", .bleu, logits, labels),
            ("[images, boxes, 6]", .meanAveragePrecision(), logits, logits),
            ("overlaps must be", .meanAveragePrecision(overlaps: []), logits, logits),
            ("overlaps must be", .meanAveragePrecision(overlaps: [0.5, .nan]), logits, logits),
        ]
        for (says, metric, prediction, target) in wrong {
            let error = #expect(throws: GraphError.self, "\(metric.name)") {
                _ = try value(metric, prediction, target)
            }
            #expect("\(error as Any)".contains(says), "\(error as Any)")
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
        let graph = Graph()
        let error = #expect(throws: GraphError.self) {
            _ = try Metric.areaUnderROC(graph.fill(0, [2]), graph.fill(0, [2], .int32))
        }
        #expect("\(error as Any)".contains("StepOutput.metric"))
    }
}
