import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera
import TesseraVision

/// A detector that finds Fashion-MNIST's items in cluttered scenes, with boxes.
@main
struct Detect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect", abstract: "Trains a detector on scenes of Fashion-MNIST's items.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var fashion: FashionOptions
    @Option(help: "How often to go through the scenes.")
    var epochs = 8
    @Option(help: "Scenes a step.")
    var batch = 32
    @Option(help: "How many scenes to learn from.")
    var scenes = 8000
    @Option(help: "The learning rate at its highest.")
    var learningRate = 2e-3
    @Option(help: .init("Don't train: write the scenes, as NumPy's arrays in one file.", valueName: "file"))
    var writeData: String?

    func run() throws {
        let began = ContinuousClock.now
        let (pictures, testPictures) = try ImageDataset.fashionMNIST(folder: fashion.data)
        // Quickly, there is no use for more than a few steps' scenes.
        let train = try ItemScenes(options.quick ? 256 : scenes, of: pictures, seed: 1)
        let test = try ItemScenes(options.quick ? 256 : 1000, of: testPictures, seed: 2)
        if let path = writeData {
            return try NPZFile.write(
                [
                    "train_images": train.images, "train_items": train.items, "test_images": test.images,
                    "test_items": test.items,
                ], to: path)
        }
        let steps = epochs * ((train.count + batch - 1) / max(batch, 1))
        let run = ExampleRun(
            .init(
                "detect", title: "Clothing in scenes, by a detector",
                task: "find the items in a cluttered scene, with boxes: tops, trousers, dresses, bags and shoes",
                data: "\(train.count) scenes of Fashion-MNIST's pictures; \(test.count) of pictures held out to test on"
            ),
            options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { executor in
                ItemDetector(RandomSource(seed: options.seed)).trainer(
                    learningRate: learningRate, schedule: .oneCycle(total: steps), on: executor)
            },
            figures: { result in
                [
                    .init("mAP@0.5", result.metrics["mAP@0.5"] ?? .nan, unit: "", better: .higher, mustReach: 0.95),
                    .init(
                        "mAP@0.5 of ten classes", result.metrics["mAP@0.5 of ten classes"] ?? .nan, unit: "",
                        better: .higher),
                ]
            },
            present: { trainer, _, results in
                try results.addPicture("boxes.png") { try draw(test, by: trainer, to: $0) }
            })
        try run(since: began)
    }

    /// Writes a picture of scenes with what is found in them, by colours of kinds.
    private func draw(_ scenes: ItemScenes, by trainer: Trainer, to path: String) throws {
        let count = 12
        let input = try scenes.batch(Array(0..<count)[...])["input"]
        guard let found = try trainer.predict(["input": input])["found"] else { return }
        let scale = 3
        let pictures = try Picture.pictures(of: input).enumerated().map { number, picture in
            var picture = try picture.converted(to: .rgb).enlarged(scale)
            let boxes = try FoundItems.boxes(in: found, of: number, kinds: ItemKind.ofClasses, comparesKinds: false)
            for (box, score) in boxes where score >= 0.3 {
                let (left, top, right, bottom) = (box.left, box.top, box.right, box.bottom)
                let factor = Double(scale)
                picture.draw(
                    .init(left: left * factor, top: top * factor, right: right * factor, bottom: bottom * factor),
                    label: ItemKind(rawValue: box.label)?.name, color: .category(box.label), thickness: 2)
            }
            return picture
        }
        try Picture.grid(pictures, columns: 4, padding: 4).write(to: path)
    }
}
