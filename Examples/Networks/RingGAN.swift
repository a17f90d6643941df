import Tessera

/// Two small networks that learn from each other (Goodfellow et al., 2014): a generator makes points of the plane out of noise,
/// a discriminator tells them from points on a ring.
public struct RingGAN: Module {
    public static let noise = 4

    let generator: Sequential
    let discriminator: Sequential

    public init(width: Int = 64, _ random: RandomSource) {
        generator = Sequential(
            Dense(Self.noise, width, random), ReLU(), Dense(width, width, random), ReLU(), Dense(width, 2, random))
        discriminator = Sequential(
            Dense(2, width, random), ReLU(), Dense(width, width, random), ReLU(), Dense(width, 1, random))
    }

    /// Points near the circle of radius 1 beside noise for as many others: `point` `[n, 2]` and `noise` `[n, 4]`.
    public static func data(_ count: Int, _ random: RandomSource) throws -> TensorDataset {
        let directions = try random.normal([count, 2]).elements(Float.self)
        let radii = try random.normal([count], deviation: 0.05).elements(Float.self)
        let points = (0..<count).flatMap { index -> [Float] in
            let (x, y) = (directions[2 * index], directions[2 * index + 1])
            let scale = (1 + radii[index]) / max((x * x + y * y).squareRoot(), 1e-6)
            return [x * scale, y * scale]
        }
        return try TensorDataset(["point": HostTensor([count, 2], points), "noise": random.normal([count, noise])])
    }

    /// Each network has a loss and an optimizer of its own; both move in one step. The metric is the share of generated points
    /// whose distance from the middle is within 0.15 of 1.
    public func trainer(learningRate: Double = 1e-3, on executor: Executor) -> Trainer {
        Trainer(
            self,
            groups: [
                ParameterGroup("generator", generator, Adam(learningRate: learningRate, beta1: 0.5)),
                ParameterGroup("discriminator", discriminator, Adam(learningRate: learningRate, beta1: 0.5)),
            ], on: executor
        ) { pass, batch in
            let points = try generator(batch["noise"], pass)
            let real = try discriminator(batch["point"], pass)
            let fake = try discriminator(points, pass)
            let distance = try (points.square().sum(axes: [1]).sqrt() - 1).absolute()
            return [
                .loss("discriminator", try (fake.softplus() + (-real).softplus()).mean(), trains: "discriminator"),
                .loss("generator", try (-fake).softplus().mean(), trains: "generator"),
                .metric(
                    "on the ring", try distance.less(than: pass.graph.fill(0.15, [])).cast(to: .float32).mean(),
                    isFraction: true),
            ]
        } predicting: { pass, inputs in
            ["point": try generator(inputs["noise"], pass)]
        }
    }
}
