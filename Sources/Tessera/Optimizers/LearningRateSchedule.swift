/// What the learning rate is multiplied by at each step, counted from 0.
public struct LearningRateSchedule: Sendable {
    private let factor: @Sendable (Int) -> Double

    public init(_ factor: @escaping @Sendable (_ step: Int) -> Double) { self.factor = factor }

    public func callAsFunction(_ step: Int) -> Double { factor(step) }

    /// Always 1.
    public static let constant = LearningRateSchedule { _ in 1 }

    /// `factor` to the power of the number of whole periods of `every` steps, at least 1, that have passed.
    public static func decaying(by factor: Double, every steps: Int) -> LearningRateSchedule {
        LearningRateSchedule { step in
            power(factor, Double(max(step, 0) / max(steps, 1)))
        }
    }

    /// From 0 up to 1 over `warmup` steps, then down to `final` along half a cosine until `total` (Loshchilov and
    /// Hutter, 2017), and `final` from there on.
    public static func cosine(total: Int, warmup: Int = 0, final: Double = 0) -> LearningRateSchedule {
        LearningRateSchedule { step in
            let step = max(step, 0)
            if step < warmup { return (Double(step) + 1) / Double(warmup) }
            let progress = min((Double(step) - Double(warmup)) / max(Double(total) - Double(warmup), 1), 1)
            return final + (1 - final) * (1 + cosineOf(Double.pi * progress)) / 2
        }
    }
}
