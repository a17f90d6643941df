import Foundation
import Tessera
import Testing

// The code of the article SavingAndLoading.

@Suite struct SavingAndLoadingTests {
    private func model() -> Sequential {
        let random = RandomSource(seed: 1)
        return Sequential(Dense(2, 16, random), ReLU(), Dense(16, 2, random))
    }

    @Test func aTrainingGoesOn() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = try twoMoons(200, seed: 1)

        let path = "\(folder)/model.safetensors"
        let first = Trainer(model(), loss: .crossEntropy, optimizer: Adam(), on: try Executor())
        try first.fit(data, batchSize: 20, epochs: 4, steps: 15)
        try first.save(to: path)

        let second = Trainer(model(), loss: .crossEntropy, optimizer: Adam(), on: try Executor())
        try second.load(from: path)
        try second.fit(data, batchSize: 20, epochs: 4, resuming: true)

        #expect(second.step == 40)
        let whole = Trainer(model(), loss: .crossEntropy, optimizer: Adam(), on: try Executor())
        try whole.fit(data, batchSize: 20, epochs: 4, progress: nil)
        let input = try HostTensor([1, 2], [0.5, 0.5] as [Float])
        #expect(try second.predict(input) == whole.predict(input))

        let file = try SafetensorsFile(path: path)
        print(file.names.filter { !$0.hasPrefix("tessera.") })
        // ["0.bias", "0.weight", "2.bias", "2.weight"]
        let weight = try file.tensor("0.weight")
        print(weight.shape)  // [16, 2], PyTorch's layout

        #expect(file.names.filter { !$0.hasPrefix("tessera.") } == ["0.bias", "0.weight", "2.bias", "2.weight"])
        #expect(weight.shape == [16, 2])

        let executor = try Executor()
        let network = model()
        try network.load(from: path, on: executor)
        try network.save(to: "\(folder)/weights.safetensors", on: executor)

        #expect(
            try SafetensorsFile(path: "\(folder)/weights.safetensors").names == [
                "0.bias", "0.weight", "2.bias", "2.weight",
            ])

        let checkpoints = CheckpointFolder(
            "\(folder)/checkpoints", keepsLast: 3, keepsBest: "loss")
        try second.fit(data, batchSize: 20, epochs: 2, checkpoints: checkpoints)

        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/checkpoints").count >= 1)
    }
}
