import Tessera
import Testing

/// The losses beside PyTorch's, with gradients: `Tests/References/losses.py`.
@Suite struct LossReferenceTests {
    private static let means: [(name: String, loss: Loss)] = [
        ("mse", .meanSquaredError), ("huber", .huber()), ("huber, delta 0.3", .huber(delta: 0.3)),
        ("bce with logits", .binaryCrossEntropyWithLogits), ("cross-entropy", .crossEntropy),
        ("cross-entropy, ignoring", .crossEntropyIgnoringNegativeLabels),
    ]

    @Test(arguments: means.indices) func lossesAreThoseOfPyTorch(_ index: Int) throws {
        let (name, loss) = Self.means[index]
        try PyTorchReference("losses").check(name) { inputs, _ in
            let (input, target) = try (#require(inputs["input"]), #require(inputs["target"]))
            return try ["mean": loss(input, target)]
        }
    }
}
