import Foundation
import Tessera
import TesseraVision
import Testing

// The code of the article PicturesAndFolders.

@Suite struct PicturesArticleTests {
    @Test func picturesAreReadDrawnAndLearnedFrom() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, color) in [
            ("day", Color(red: 200, green: 220, blue: 255)), ("night", Color(red: 10, green: 10, blue: 40)),
        ] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            for number in 0..<4 {
                let picture = try Picture(height: 40 + number, width: 60, color: color)
                try picture.write(to: "\(folder)/\(name)/\(number).png")
            }
        }

        var picture = try Picture(contentsOf: "\(folder)/day/0.png")
        picture = try picture.resized(height: 120, width: 180)
        picture.draw(
            Picture.Box(left: 20, top: 30, right: 90, bottom: 100), label: "cloud 0.93",
            color: .category(1), thickness: 2)
        try picture.write(to: "\(folder)/boxes.png")

        let tensor = try picture.tensor()  // float32 [3, 120, 180] of numbers in 0...1
        let again = try Picture(tensor)

        #expect(again == picture && tensor.shape == [3, 120, 180])

        let data = try ImageFolder(
            folder, transforms: [.resizeShorterSide(32), .centerCrop(height: 32, width: 32)])
        print(data.classes)  // ["day", "night"]
        let parts = try data.split([0.5, 0.5], seed: 1, stratifiedBy: data.labels)
        let train = try AugmentedDataset(parts[0], [.horizontalFlip()], seed: 2).prefetched()

        let random = RandomSource(seed: 3)
        let model = Sequential(
            Conv2D(3, 8, kernel: 3, random), ReLU(), GlobalAveragePool(), Flatten(), Dense(8, 2, random))
        let trainer = Trainer(
            model, loss: .crossEntropy, optimizer: Adam(learningRate: 0.05), metrics: [.accuracy], on: try Executor())
        try trainer.fit(train, batchSize: 4, epochs: 20, progress: nil)
        #expect(try trainer.evaluate(parts[1]).metric == 1)

        let batch = try data.batch([0, 1, 4, 5])
        let grid = try Picture.grid(of: batch.input, columns: 2, labels: ["day", "day", "night", "night"])
        try grid.write(to: "\(folder)/grid.png")

        let report = try TrainingReport("\(folder)/report.html", title: "Day and night")
        try report.show(grid, as: "examples")
        let log = try TensorBoardLog(folder: "\(folder)/runs")
        try log.write(grid, as: "examples", step: trainer.step)
    }
}
