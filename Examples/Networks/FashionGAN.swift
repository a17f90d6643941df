import Tessera

/// A generator of pictures of clothing and a discriminator, both convolutional (DCGAN: Radford et al., 2016), the discriminator's
/// weights divided by their spectral norms (Miyato et al., 2018).
public struct FashionGAN: Module {
    /// The extent of the noise that a picture is made of.
    public static let noise = 64
    /// The most that the distance may be, by the variance of the real pictures' features, of a generator that has learned the data.
    /// Of one that always makes the same picture, however good that is, it is 1 at least.
    public static let greatestDistance = 0.5

    /// `[n, 64]` → pictures `[n, 1, 28, 28]` in -1...1.
    public let generator: Sequential
    /// Pictures `[n, 1, 28, 28]` in -1...1 → `[n, 1]`, above 0 for real ones.
    public let discriminator: Sequential
    private let noiseSeed: UInt64

    public init(width: Int = 64, _ random: RandomSource) {
        generator = Sequential(
            Dense(Self.noise, 2 * width * 49, random), Lambda { try $0.reshaped(to: [$0.shape[0], 2 * width, 7, 7]) },
            BatchNorm2D(2 * width), ReLU(),
            ConvTransposed2D(2 * width, width, kernel: 4, stride: 2, padding: 1, hasBias: false, random),
            BatchNorm2D(width), ReLU(), ConvTransposed2D(width, 1, kernel: 4, stride: 2, padding: 1, random), Tanh())
        discriminator = Sequential(
            SpectralNorm(Conv2D(1, width, kernel: 4, stride: 2, padding: 1, random), random), LeakyReLU(slope: 0.1),
            SpectralNorm(Conv2D(width, 2 * width, kernel: 4, stride: 2, padding: 1, random), random),
            LeakyReLU(slope: 0.1), Flatten(), SpectralNorm(Dense(2 * width * 49, 1, random), random))
        noiseSeed = random.next()
    }

    public var members: [LayerMember] { [.layer("generator", generator), .layer("discriminator", discriminator)] }

    /// The losses of a batch, both hinges of one pass through the discriminator, as in Miyato et al.
    ///
    /// - Parameters:
    ///   - pictures: real ones, in 0...1.
    ///   - noise: `[n, 64]`, standard normal.
    /// - Returns: them, and the pictures that were made, in -1...1.
    public func losses(
        pictures: Tensor, noise: Tensor, _ pass: ForwardPass
    ) throws -> (discriminator: Tensor, generator: Tensor, made: Tensor) {
        let count = pictures.shape[0]
        let made = try generator(noise, pass)
        let verdicts = try discriminator(.concatenated([pictures * 2 - 1, made], axis: 0), pass)
        let (real, fake) = (try verdicts.sliced(axis: 0, 0..<count), try verdicts.sliced(axis: 0, count..<(2 * count)))
        return (try (1 - real).relu().mean() + (1 + fake).relu().mean(), try -fake.mean(), made)
    }

    /// Both networks move in one step. Evaluations take “noise” from the data beside “input”, and give the ``FrechetDistance``
    /// of what is made of it by the features that `classifier` has of both; predictions make “output”, in 0...1, of “noise”.
    ///
    /// - Parameter classifier: its first layers up to the last but one are the features; the distance is left out without it.
    public func trainer(
        learningRate: Double = 2e-4, schedule: LearningRateSchedule = .constant, classifier: Sequential?,
        on executor: Executor
    ) -> Trainer {
        func optimizer() -> Adam { Adam(learningRate: learningRate, beta1: 0.5) }
        return Trainer(
            self,
            groups: [
                ParameterGroup("generator", generator, optimizer()),
                ParameterGroup("discriminator", discriminator, optimizer()),
            ], schedule: schedule, on: executor
        ) { pass, batch in
            let pictures = try batch["input"]
            let noise =
                if case .training(let step) = pass.mode {
                    try pass.graph.random(
                        [pictures.shape[0], Self.noise], normal: true, seed: noiseSeed, counter: step)
                } else { try batch["noise"] }
            let losses = try losses(pictures: pictures, noise: noise, pass)
            let outputs: [StepOutput] = [
                .loss("discriminator", losses.discriminator, trains: "discriminator"),
                .loss("generator", losses.generator, trains: "generator"),
            ]
            guard case .inference = pass.mode, let classifier else { return outputs }
            let made = try (losses.made + 1) * 0.5
            return try outputs + [
                .metric(
                    .frechetDistance, Self.features(made, classifier, pass), Self.features(pictures, classifier, pass))
            ]
        } predicting: { pass, inputs in
            ["output": try (generator(inputs["noise"], pass) + 1) * 0.5]
        }
    }

    /// What a classifier has of pictures before its last layer: of ``Sequential/fashionCNN(_:)`` `[n, 128]`.
    public static func features(_ pictures: Tensor, _ classifier: Sequential, _ pass: ForwardPass) throws -> Tensor {
        try Sequential(Array(classifier.layers.dropLast()))(pictures, pass)
    }

    /// Pictures with noise for as many others: “input” and “noise”.
    public static func data(_ pictures: any Dataset, seed: UInt64) throws -> TensorDataset {
        let batch = try pictures.batch(Array(0..<pictures.count)[...])
        return try TensorDataset([
            "input": batch.input, "noise": RandomSource(seed: seed).normal([pictures.count, noise]),
        ])
    }
}
