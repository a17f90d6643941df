import Tessera
import Testing

@Suite struct SamplingTests {
    private static func numbers(_ count: Int) throws -> TensorDataset {
        let numbers = try HostTensor([count, 1], (0..<count).map { Float($0) })
        return try TensorDataset(inputs: numbers, targets: numbers)
    }

    @Test func splitsShareTheExamplesOut() throws {
        let data = try Self.numbers(103)
        let parts = try data.split([0.8, 0.1, 0.1], seed: 5)
        #expect(zip(parts.map(\.count), [82.4, 10.3, 10.3]).allSatisfy { abs(Double($0) - $1) < 1 })
        #expect(parts.flatMap(\.indices).sorted() == Array(0..<103))
        #expect(try data.split([0.8, 0.1, 0.1], seed: 5).map(\.indices) == parts.map(\.indices))
        #expect(try data.split([0.8, 0.1, 0.1], seed: 6).map(\.indices) != parts.map(\.indices))
        let some = try data.split([0.5, 0.25], seed: 1)
        #expect(zip(some, [51.5, 25.75]).allSatisfy { abs(Double($0.count) - $1) < 1 })
        #expect(try Self.numbers(10).split([0.8, 0.1, 0.1], seed: 1).map(\.count) == [8, 1, 1])
        #expect(try data.split([1, 0], seed: 1).map(\.count) == [103, 0])
        let test = parts[2]
        #expect(try test.batch([3, 0]).input.elements() == [Float(test.indices[3]), Float(test.indices[0])])
        #expect(throws: GraphError.self) { try test.batch([test.count]) }
    }

    @Test func stratifiedSplitsHaveTheirShareOfEachLabel() throws {
        let labels = (0..<1000).map { Int32($0 % 10 == 0 ? 2 : $0 % 2) }
        let parts = try Self.numbers(1000).split([0.7, 0.2, 0.1], seed: 3, stratifiedBy: labels)
        for label in 0..<3 as Range<Int32> {
            let all = Double(labels.count { $0 == label })
            for (part, share) in zip(parts, [0.7, 0.2, 0.1]) {
                #expect(abs(Double(part.indices.count { labels[$0] == label }) - share * all) < 2)
            }
        }
        // Not simply the first of each label.
        #expect(parts[2].indices.contains { $0 > 500 } && parts[2].indices.contains { $0 < 500 })
    }

    @Test(arguments: [[-0.1, 0.5], [0.6, 0.6], [.nan], [.infinity], [2]]) func sharesThatAreNoneAreRefused(
        _ shares: [Double]
    ) throws {
        let error = #expect(throws: GraphError.self) { try Self.numbers(4).split(shares, seed: 1) }
        #expect(error?.message.contains("shares must be") ?? false)
        #expect(error?.location?.file.contains("SamplingTests") ?? false)
    }

    @Test func othersMistakesAreRefused() throws {
        let data = try Self.numbers(4)
        #expect(throws: GraphError.self) { try data.split([1], seed: 1, stratifiedBy: [1, 2]) }
        #expect(throws: GraphError.self) { try Subset(of: data, [4]) }
        #expect(throws: GraphError.self) { try Subset(of: data, [-1]) }
        for weights in [[1, 2], [1, 2, -1, 3], [0, 0, 0, 0], [1, 1, 1, .nan], [1, 1, 1, .infinity]] as [[Double]] {
            #expect(throws: GraphError.self) { try WeightedSampling(data, weights: weights) }
        }
        #expect(throws: GraphError.self) { try SequenceDataset([:]) }
        #expect(throws: GraphError.self) { try SequenceDataset(["x": []]) }
        #expect(throws: GraphError.self) { try SequenceDataset(["x": [[1]], "y": [[1], [2]]]) }
        #expect(throws: GraphError.self) { try SequenceDataset(["x": [[1]]], buckets: 0) }
        #expect(throws: GraphError.self) { try SequenceDataset(["x": [[1]], "x.lengths": [[1]]]) }
        #expect(throws: GraphError.self) {
            try SequenceDataset(["x": [[1]]], tensors: ["x": HostTensor(zeros: TensorType([1]))])
        }
        #expect(throws: GraphError.self) { try SequenceDataset(["x": [[1]]], tensors: ["y": HostTensor(Float(1))]) }
    }

    /// Frequencies are within five standard deviations of what the weights say.
    @Test func examplesComeByWeight() throws {
        let data = try WeightedSampling(try Self.numbers(4), weights: [0, 1, 2, 5])
        let order = try BatchOrder(count: 4, batchSize: 3, seed: 9)
        var counts = [0, 0, 0, 0]
        for epoch in 0..<2000 {
            let batches = try data.batches(order, epoch: epoch)
            #expect(batches.map(\.count) == [3, 1])
            for example in batches.joined() { counts[example] += 1 }
        }
        for (count, share) in zip(counts, [0, 0.125, 0.25, 0.625]) {
            #expect(abs(Double(count) - 8000 * share) <= 5 * (8000 * share * (1 - share)).squareRoot())
        }
        #expect(try data.batches(order, epoch: 7) == data.batches(order, epoch: 7))
        let still = try BatchOrder(count: 4, batchSize: 3, shuffles: false)
        #expect(try data.batches(still, epoch: 1).flatMap { $0 } == [0, 1, 2, 3])
    }

    @Test func labelsAreBalanced() throws {
        let labels = (0..<100).map { Int32($0 < 90 ? 0 : 1) }
        let data = try WeightedSampling(try Self.numbers(100), balancing: labels)
        let order = try BatchOrder(count: 100, batchSize: 100, seed: 9)
        let rare = try (0..<100).reduce(0) { try $0 + data.batches(order, epoch: $1)[0].count { $0 >= 90 } }
        #expect(abs(Double(rare) - 5000) < 250)
    }

    private static let words = (0..<50).map { [Int32](repeating: Int32($0 + 1), count: ($0 * 7) % 23) }

    @Test(arguments: [1, 3, 4, 100]) func sequencesAreFilledUpToFewLengths(_ buckets: Int) throws {
        let data = try SequenceDataset(["text": Self.words], buckets: buckets, padding: -1)
        #expect(data.lengths.count <= buckets && data.lengths.last == 22)
        let order = try BatchOrder(count: data.count, batchSize: 4, seed: 2)
        var seen: [Int] = []
        var widths: Set<Int> = []
        var wasted = 0
        let batches = try data.batches(order, epoch: 3)
        #expect(try data.batches(order, epoch: 4).count == batches.count)
        #expect(try data.batches(order, epoch: 4) != batches)
        for indices in batches {
            let batch = try data.batch(indices)
            let (text, lengths) = (try batch["text"], try batch["text.lengths"].elements(Int32.self))
            #expect(text.shape[0] == indices.count)
            let width = text.shape[1]
            widths.insert(width)
            let tokens = try text.elements(Int32.self)
            for (row, index) in indices.enumerated() {
                let expected = Self.words[index] + [Int32](repeating: -1, count: width - Self.words[index].count)
                #expect(Array(tokens[(row * width)..<((row + 1) * width)]) == expected)
                #expect(Int(lengths[row]) == Self.words[index].count)
                wasted += width - Self.words[index].count
            }
            seen += indices
        }
        #expect(seen.sorted() == Array(0..<50))
        #expect(widths.isSubset(of: data.lengths))
        let all = 50 * 22 - Self.words.reduce(0) { $0 + $1.count }
        #expect(buckets == 1 ? wasted == all : wasted < all / 2)
    }

    @Test func severalKindsOfSequencesAndLabelsGoTogether() throws {
        let data = try SequenceDataset(
            ["a": [[1, 2], [3], []], "b": [[4], [5, 6, 7], [8]]],
            tensors: ["label": HostTensor([3], [0, 1, 2] as [Int32])], buckets: 3, layout: .timeFirst)
        #expect(data.lengths == [1, 2, 3])
        let batch = try data.batch([2, 0])
        #expect(try batch["a"] == HostTensor([2, 2], [0, 1, 0, 2] as [Int32]))
        #expect(try batch["b"] == HostTensor([2, 2], [8, 4, 0, 0] as [Int32]))
        #expect(try batch["a.lengths"] == HostTensor([2], [0, 2] as [Int32]))
        #expect(try batch["label"] == HostTensor([2], [2, 0] as [Int32]))
    }

    /// What is trained on is what the dataset chooses.
    @Test func fitGoesThroughTheBatchesOfTheDataset() throws {
        let data = try WeightedSampling(try Self.numbers(6), weights: [0, 0, 0, 1, 0, 0])
        let trainer = Trainer(
            Dense(1, 1, RandomSource(seed: 1)), loss: .meanSquaredError, optimizer: SGD(learningRate: 0),
            on: try Executor(on: .cpu))
        let expected = try trainer.evaluate(Subset(of: data, [3])).loss
        try trainer.fit(data, batchSize: 4, epochs: 2, progress: nil) { result in
            #expect(abs(result.loss - expected) < 1e-5 * expected)
        }
        #expect(trainer.step == 4)
    }

    /// A dataset that changes its mind.
    private struct Fickle: Dataset {
        let base: TensorDataset
        let first: Int
        var count: Int { base.count }
        func batch(_ indices: ArraySlice<Int>) throws -> Batch { try base.batch(indices) }
        func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
            Array(repeating: [0][...], count: max(first - epoch, 0))
        }
    }

    @Test(arguments: [0, 2]) func epochsOfOtherNumbersOfBatchesAreAnError(_ first: Int) throws {
        let trainer = Trainer(Flatten(), loss: .meanSquaredError, optimizer: Adam(), on: try Executor(on: .cpu))
        let data = Fickle(base: try Self.numbers(3), first: first)
        let error = #expect(throws: GraphError.self) { try trainer.fit(data, batchSize: 1, epochs: 3, progress: nil) }
        #expect(error?.message == (first == 0 ? "there is no batch" : "1 batches in epoch 1, 2 in others"))
    }
}
