import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera
import Testing

@Suite struct ExampleNetworkTests {
    private let executor: Executor

    init() throws { executor = try Executor(on: .cpu) }

    /// The kind of a sequence is its last token, which each network has to carry or find: all learn it.
    @Test(arguments: RecurrentClassifier.Cell.allCases, [false, true])
    func recurrentNetworksLearnTheLastToken(_ cell: RecurrentClassifier.Cell, isBidirectional: Bool) throws {
        let random = RandomSource(seed: 4)
        let sequences = (0..<256).map { _ in
            (0..<Int(random.next() % 5 + 1)).map { _ in Int32(random.next() % 3) + 1 }
        }
        let labels = sequences.map { ($0.last ?? 1) - 1 }
        let data = try SequenceDataset(
            ["text": sequences], tensors: ["label": HostTensor([labels.count], labels)], buckets: 2, layout: .timeFirst)
        let network = RecurrentClassifier(
            cell, vocabulary: 4, classes: 3, width: 8, hidden: 16, isBidirectional: isBidirectional, dropout: 0.1,
            random)
        let trainer = network.trainer(classes: 3, learningRate: 1e-2, weightDecay: 0.01, steps: 160, on: executor)
        try trainer.fit(data, batchSize: 32, epochs: 20, progress: nil)
        let result = try trainer.evaluate(data)
        #expect((result.metric ?? 0) > 0.98, "\(result)")
        let matrix = try #require(result.state(ConfusionMatrix.self, of: "confusion matrix"))
        #expect(matrix.total == 256)
    }

    /// What fills a sequence up says nothing.
    @Test(arguments: RecurrentClassifier.Cell.allCases, [RecurrentClassifier.Pooling.last, .maximum])
    func paddingChangesNothing(_ cell: RecurrentClassifier.Cell, _ pooling: RecurrentClassifier.Pooling) throws {
        let network = RecurrentClassifier(
            cell, vocabulary: 9, classes: 3, width: 5, hidden: 7, isBidirectional: true, pooling: pooling,
            RandomSource(seed: 2))
        let trainer = network.trainer(classes: 3, learningRate: 1e-3, steps: 1, on: executor)
        func logits(_ tokens: [Int32], filledTo length: Int) throws -> [Float] {
            let filled = tokens + Array(repeating: 0, count: length - tokens.count)
            let inputs: [String: HostTensor] = [
                "text": try HostTensor([length, 1], filled),
                "text.lengths": try HostTensor([1], [Int32(clamping: tokens.count)]),
            ]
            return try #require(trainer.predict(inputs)["output"]).elements(Float.self)
        }
        for tokens in [[3], [5, 1, 8], [1, 2, 3, 4, 5]] as [[Int32]] {
            let (exact, filled) = (
                try logits(tokens, filledTo: tokens.count), try logits(tokens, filledTo: 11)
            )
            #expect(zip(exact, filled).allSatisfy { abs($0 - $1) < 1e-6 }, "\(exact) \(filled)")
        }
    }

    /// Cross layers are compared with a deep network that is as large.
    @Test func ratingNetworksAreOfOneSize() {
        let counts = RatingNetwork.Kind.allCases.map { kind in
            let network = RatingNetwork(kind, counts: [5, 4, 3, 2], RandomSource(seed: 1))
            return Double(network.parameterCount - 14 * 16)
        }
        for count in counts { #expect(abs(count / counts[0] - 1) < 0.01, "\(counts)") }
    }

    /// Stars that follow from two categories together and from neither alone.
    @Test(arguments: RatingNetwork.Kind.allCases)
    func ratingNetworksLearnPairs(_ kind: RatingNetwork.Kind) throws {
        let random = RandomSource(seed: 7)
        let rows = (0..<512).map { _ in [Int32(random.next() % 4), Int32(random.next() % 4)] }
        let isLiked = rows.map { Int32(($0[0] + $0[1]) % 2) }
        let data = try TensorDataset([
            "categories": HostTensor([512, 2], rows.flatMap { $0 }), "liked": HostTensor([512], isLiked),
            "rating": HostTensor([512, 1], isLiked.map { Float($0 == 1 ? 4.5 : 2) }),
        ])
        let network = RatingNetwork(kind, counts: [4, 4], dropout: 0, random)
        let trainer = network.trainer(learningRate: 1e-2, weightDecay: 0.01, steps: 240, on: executor)
        try trainer.fit(data, batchSize: 64, epochs: 30, progress: nil)
        let result = try trainer.evaluate(data)
        #expect(result.loss < 0.01 && (result.metric ?? 0) > 0.999, "\(result)")
    }
}
