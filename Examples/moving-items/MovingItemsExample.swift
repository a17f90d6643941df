import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera
import TesseraVision

/// Convolutions over time, height and width that tell what moves in a clip, and where to; beside convolutions over a single frame.
@main
struct MovingItemsExample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moving-items", abstract: "Trains three-dimensional convolutions on clips of moving items.")

    @OptionGroup var options: ExampleOptions
    @OptionGroup var fashion: FashionOptions
    @Option(help: "How often to go through the clips.")
    var epochs = 6
    @Option(help: "Clips a step.")
    var batch = 64
    @Option(help: "How many clips to learn from.")
    var clips = 12000
    @Option(help: "The learning rate at its highest.")
    var learningRate = 3e-3
    @Option(help: "What the network sees: clip or frame.")
    var view = MovingItemsNetwork.View.clip
    @Option(help: .init("Don't train: write the clips, as NumPy's arrays in one file.", valueName: "file"))
    var writeData: String?

    func run() throws {
        let began = ContinuousClock.now
        let (pictures, testPictures) = try ImageDataset.fashionMNIST(folder: fashion.data)
        let train = try MovingItems(options.quick ? 256 : clips, of: pictures, seed: 1)
        let test = try MovingItems(options.quick ? 256 : 2000, of: testPictures, seed: 2)
        if let path = writeData {
            return try NPZFile.write(
                [
                    "train_clips": train.clips, "train_classes": train.classes, "train_directions": train.directions,
                    "test_clips": test.clips, "test_classes": test.classes, "test_directions": test.directions,
                ], to: path)
        }
        let run = ExampleRun(
            .init(
                "moving-items", title: "Moving clothing, by convolutions in three dimensions",
                task: "tell what moves in a noisy clip of eight frames, five classes, and where to, eight directions",
                data: "\(train.count) clips of Fashion-MNIST's pictures; \(test.count) of pictures held out to test on"),
            options: options, batch: batch, epochs: epochs, train: train, test: test,
            makeTrainer: { makeTrainer(view, clips: train.count, on: $0) },
            figures: { result in
                ["direction", "class"].map {
                    .init(
                        "\($0) accuracy", 100 * (result.metrics["\($0) accuracy"] ?? .nan), unit: "%", better: .higher,
                        mustReach: view == .clip ? 95 : nil)
                }
            },
            present: { trainer, result, results in
                if view == .clip, !options.evaluate { try compare(result, train, test, trainer.executor, results) }
                try results.addPicture("clips.png") { try draw(test, by: trainer, to: $0) }
            })
        try run(since: began)
    }

    private func makeTrainer(_ view: MovingItemsNetwork.View, clips: Int, on executor: Executor) -> Trainer {
        let steps = epochs * ((clips + batch - 1) / max(batch, 1))
        return MovingItemsNetwork(view, RandomSource(seed: options.seed)).trainer(
            learningRate: learningRate, schedule: .oneCycle(total: steps), on: executor)
    }

    /// Trains the network of a single frame for as many steps, and adds by how much it is worse.
    private func compare(
        _ whole: Trainer.Result, _ train: MovingItems, _ test: MovingItems, _ executor: Executor,
        _ results: ExampleResults
    ) throws {
        let trainer = makeTrainer(.frame, clips: train.count, on: executor)
        try trainer.fit(train, batchSize: batch, epochs: epochs, steps: options.stepLimit, seed: options.seed)
        let single = try trainer.evaluate(test)
        for name in ["direction", "class"] {
            let (clip, frame) = (
                100 * (whole.metrics["\(name) accuracy"] ?? .nan), 100 * (single.metrics["\(name) accuracy"] ?? .nan)
            )
            results.add(.init("\(name) accuracy from one frame", frame, unit: "%", better: .higher))
            results.add(.init("\(name): gain over one frame", clip - frame, unit: "%", better: .higher, mustReach: 0))
        }
    }

    /// Writes a picture of clips, a row each of every other frame, with what is said of them.
    private func draw(_ clips: MovingItems, by trainer: Trainer, to path: String) throws {
        let (count, columns) = (8, MovingItems.frames)
        let batch = try clips.batch(Array(0..<count)[...])
        let output = try trainer.predict(batch["input"]).elements(Float.self)
        let frames = try Picture.pictures(
            of: HostTensor(
                TensorType([count * columns, 1, MovingItems.extent, MovingItems.extent]), bytes: batch["input"].bytes))
        let arrows = ["E", "SE", "S", "SW", "W", "NW", "N", "NE"]
        func greatest(_ range: Range<Int>) -> Int {
            (range.max { output[$0] < output[$1] } ?? range.lowerBound) - range.lowerBound
        }
        var labels: [String] = []
        for clip in 0..<count {
            let start = clip * (MovingItems.classes.count + MovingItems.directions)
            let middle = start + MovingItems.classes.count
            let (label, direction) = (greatest(start..<middle), greatest(middle..<(middle + MovingItems.directions)))
            labels +=
                [MovingItems.classNames[label], "to \(arrows[direction])"] + Array(repeating: "", count: columns - 2)
        }
        try Picture.grid(frames.map { try $0.enlarged(2) }, columns: columns, padding: 3, labels: labels).write(
            to: path)
    }
}

extension MovingItemsNetwork.View: ExpressibleByArgument {}
