import TensorGraph

/// Chooses the hyper-parameters of trials.
///
/// The same seed, number and history give the same values: random numbers are drawn by ``SamplerContext/random()``.
public protocol Sampler: Sendable {
    /// The values of the next trial.
    ///
    /// - Returns: `nil` where there is nothing left to try.
    /// - Throws: where the space is none that it can search.
    func values(_ context: SamplerContext) throws -> ParameterValues?
}

/// What a sampler knows when it chooses.
public struct SamplerContext: Sendable {
    public var space: SearchSpace
    public var direction: Direction
    /// The number of the trial, from 0.
    public var number: Int
    /// Of the study.
    public var seed: UInt64
    /// The other trials in order of their numbers, those included that still run.
    public var history: [TrialRecord]

    public init(
        space: SearchSpace, direction: Direction, number: Int, seed: UInt64, history: [TrialRecord]
    ) {
        (self.space, self.direction, self.number, self.seed) = (space, direction, number, seed)
        self.history = history
    }

    /// Random numbers that are others for each trial and each seed, whatever is in the history.
    public func random() -> some RandomNumberGenerator {
        // One round in between, so that neighbouring seeds and numbers have nothing in common.
        var mixed = SplitMix64(seed: seed)
        return SplitMix64(seed: mixed.next() &+ 0xd1b5_4a32_d192_ed03 &* UInt64(truncatingIfNeeded: number + 1))
    }
}

/// Whether greater or smaller objectives are better.
public enum Direction: String, Hashable, Sendable, Codable {
    case maximize
    case minimize

    /// The objective with the sign with which greater is better.
    package func score(_ value: Double) -> Double { self == .maximize ? value : -value }
}

/// Values at random, each parameter by its scale and without regard to the others. Bergstra and Bengio, “Random search for
/// hyper-parameter optimization”, 2012.
public struct RandomSampler: Sampler {
    public init() {}

    public func values(_ context: SamplerContext) -> ParameterValues? {
        var random = context.random()
        return context.space.values(at: context.space.parameters.map { _ in Double.random(in: 0..<1, using: &random) })
    }
}

extension Sampler where Self == RandomSampler {
    /// Values at random, each parameter by its scale.
    public static var random: RandomSampler { RandomSampler() }
}
