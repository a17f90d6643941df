import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Tessera

/// A generator of points on a ring and a discriminator, trained against each other by two losses and two optimizers.
@main
struct TinyGAN: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiny-gan", abstract: "Trains a generative adversarial network on points of a ring.")

    @OptionGroup var options: ExampleOptions
    @Option(help: "How often to go through the 8192 points.")
    var epochs = 30
    @Option(help: "Points a step.")
    var batch = 128

    func run() throws {
        let began = ContinuousClock.now
        let run = ExampleRun(
            .init(
                "tiny-gan", title: "Points on a ring, by a GAN",
                task: "make points on a ring out of noise, against a discriminator", data: "8192 points that are drawn"),
            options: options, batch: batch, epochs: epochs,
            train: try RingGAN.data(8192, RandomSource(seed: 1)), test: try RingGAN.data(2048, RandomSource(seed: 2)),
            makeTrainer: { RingGAN(RandomSource(seed: options.seed)).trainer(on: $0) },
            figures: {
                [.init("generated points on the ring", 100 * ($0.metric ?? .nan), unit: "%", better: .higher)]
            })
        try run(since: began)
    }
}
