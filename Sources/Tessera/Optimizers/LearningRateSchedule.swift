/// What the learning rate is multiplied by at each step, counted from 0.
///
/// A number that makes no sense, negative steps or NaN, is an error when training begins, which names the line that
/// made the schedule.
public struct LearningRateSchedule: Sendable {
    private let factor: @Sendable (Int) -> Double
    /// Why there is no schedule.
    let failure: GraphError?
    /// What the factor depends on beside the step, which checkpoints hold.
    let plateaus: [PlateauSchedule]

    /// A schedule of one's own: what the optimizer's rate is multiplied by, of the number of moves before.
    public init(_ factor: @escaping @Sendable (_ step: Int) -> Double) {
        self.init(factor, following: [])
    }

    init(_ factor: @escaping @Sendable (_ step: Int) -> Double, following plateaus: [PlateauSchedule]) {
        self.factor = factor
        self.plateaus = plateaus
        failure = nil
    }

    init(failing failure: GraphError) {
        factor = { _ in .nan }
        self.failure = failure
        plateaus = []
    }

    /// The factor at a step; NaN where the schedule makes no sense.
    public func callAsFunction(_ step: Int) -> Double { factor(step) }

    /// Always 1.
    public static let constant = LearningRateSchedule { _ in 1 }

    /// `factor` to the power of the number of whole periods of `every` steps, at least 1, that have passed.
    /// torch.optim.lr_scheduler.StepLR; with `every` of 1 ExponentialLR.
    public static func decaying(by factor: Double, every steps: Int) -> LearningRateSchedule {
        LearningRateSchedule { step in
            power(factor, Double(max(step, 0) / max(steps, 1)))
        }
    }

    /// `factor` to the power of the number of `milestones`, steps, that have been reached.
    /// torch.optim.lr_scheduler.MultiStepLR.
    public static func decaying(
        by factor: Double, at milestones: [Int], file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        checked("decaying", file, line, ("factor", factor, 0..<Double.infinity)) { step in
            power(factor, Double(milestones.count { $0 <= step }))
        }
    }

    /// From 0 up to 1 over `warmup` steps, then down to `final` along half a cosine until `total` (Loshchilov and
    /// Hutter, 2017), and `final` from there on. torch.optim.lr_scheduler.CosineAnnealingLR.
    public static func cosine(total: Int, warmup: Int = 0, final: Double = 0) -> LearningRateSchedule {
        LearningRateSchedule { step in
            let step = max(step, 0)
            if step < warmup { return (Double(step) + 1) / Double(warmup) }
            let progress = min((Double(step) - Double(warmup)) / max(Double(total) - Double(warmup), 1), 1)
            return final + (1 - final) * (1 + cosineOf(Double.pi * progress)) / 2
        }
    }

    /// From 1 down to `final` along half a cosine, and again from 1: the first time over `period` steps, each other
    /// time over `multiplier` times as many as before. torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.
    public static func cosine(
        restartingAfter period: Int, multiplier: Int = 1, final: Double = 0, file: StaticString = #fileID,
        line: UInt = #line
    ) -> LearningRateSchedule {
        checked(
            "cosine", file, line, ("restartingAfter", Double(period), 1..<Double.infinity),
            ("multiplier", Double(multiplier), 1..<Double.infinity), ("final", final, 0..<Double.infinity)
        ) { step in
            var (step, length) = (max(step, 0), period)
            if multiplier == 1 {
                step %= length
            } else {
                while step >= length { (step, length) = (step - length, length.times(multiplier)) }
            }
            return final + (1 - final) * (1 + cosineOf(Double.pi * Double(step) / Double(length))) / 2
        }
    }

    /// From `first` to `last` along a line over `steps` steps, and `last` from there on: a warm-up, where `first` is
    /// the lesser. torch.optim.lr_scheduler.LinearLR.
    public static func linear(
        from first: Double, to last: Double, over steps: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        checked(
            "linear", file, line, ("from", first, 0..<Double.infinity), ("to", last, 0..<Double.infinity),
            ("over", Double(steps), 1..<Double.infinity)
        ) { step in
            first + (last - first) * min(Double(max(step, 0)) / Double(steps), 1)
        }
    }

    /// `(1 - step / total)` to the power of `power`, and 0 from `total` on. torch.optim.lr_scheduler.PolynomialLR.
    public static func polynomial(
        total: Int, power exponent: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        checked(
            "polynomial", file, line, ("total", Double(total), 1..<Double.infinity),
            ("power", exponent, 0..<Double.infinity)
        ) { step in
            step >= total ? 0 : power(1 - Double(max(step, 0)) / Double(total), exponent)
        }
    }

    /// How a rate goes from one value to another.
    public enum Curve: Sendable {
        /// Half a period of a cosine, or a straight line.
        case cosine, linear
    }

    /// The one-cycle policy (Smith and Topin, 2018): up from `1 / initialDivisor` to 1, the optimizer's own rate being
    /// the highest, then down to `1 / (initialDivisor · finalDivisor)` at the last of `total` steps, and that from
    /// there on. torch.optim.lr_scheduler.OneCycleLR.
    ///
    /// - Parameters:
    ///   - rising: the share of the steps in which it rises, above 0 and below 1.
    ///   - isSymmetric: whether it falls to `1 / initialDivisor` in as many steps before it falls to the end:
    ///     `three_phase`.
    public static func oneCycle(
        total: Int, rising: Double = 0.3, curve: Curve = .cosine, initialDivisor: Double = 25,
        finalDivisor: Double = 1e4, isSymmetric: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        let first = 1 / initialDivisor
        let last = first / finalDivisor
        let top = rising * Double(total) - 1
        let end = Double(total) - 1
        let turns: [(Double, Double)] =
            isSymmetric ? [(top, 1), (2 * top, first), (end, last)] : [(top, 1), (end, last)]
        return checked(
            "oneCycle", file, line, ("total", Double(total), 1..<Double.infinity),
            ("rising", rising, Double.leastNonzeroMagnitude..<1),
            ("initialDivisor", initialDivisor, Double.leastNonzeroMagnitude..<Double.infinity),
            ("finalDivisor", finalDivisor, Double.leastNonzeroMagnitude..<Double.infinity)
        ) { step in
            var (start, value) = (0.0, first)
            let step = Double(max(step, 0))
            for (place, next) in turns {
                if step <= place || place == end {
                    let progress = place > start ? min((step - start) / (place - start), 1) : 1
                    switch curve {
                    case .cosine: return next + (value - next) * (1 + cosineOf(Double.pi * progress)) / 2
                    case .linear: return value + (next - value) * progress
                    }
                }
                (start, value) = (place, next)
            }
            return value
        }
    }

    /// The transformer's (Vaswani et al., 2017), with steps from 1: `width^-0.5 · min(step^-0.5, step · warmup^-1.5)`.
    public static func noam(
        width: Int, warmup: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        checked(
            "noam", file, line, ("width", Double(width), 1..<Double.infinity),
            ("warmup", Double(warmup), 1..<Double.infinity)
        ) { step in
            let step = Double(max(step, 0)) + 1
            return power(Double(width), -0.5) * min(power(step, -0.5), step * power(Double(warmup), -1.5))
        }
    }

    /// This schedule for `steps` steps and then another, which begins with its own first step.
    /// torch.optim.lr_scheduler.SequentialLR.
    public func then(
        _ other: LearningRateSchedule, after steps: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> LearningRateSchedule {
        if let failure = failure ?? other.failure { return LearningRateSchedule(failing: failure) }
        let first = Self.checked("then", file, line, ("after", Double(steps), 0..<Double.infinity)) { self($0) }
        if let failure = first.failure { return LearningRateSchedule(failing: failure) }
        return LearningRateSchedule(
            { $0 < steps ? self($0) : other($0 - steps) }, following: plateaus + other.plateaus)
    }

    /// A schedule whose numbers must lie in ranges.
    private static func checked(
        _ name: String, _ file: StaticString, _ line: UInt,
        _ numbers: (name: String, value: Double, range: Range<Double>)...,
        factor: @escaping @Sendable (Int) -> Double
    ) -> LearningRateSchedule {
        guard let wrong = numbers.first(where: { !$0.range.contains($0.value) }) else {
            return LearningRateSchedule(factor)
        }
        let (least, limit) = (wrong.range.lowerBound, wrong.range.upperBound)
        let lower = least == .leastNonzeroMagnitude ? "above 0" : "at least \(decimal(least, 0))"
        let upper = limit == .infinity ? "" : " and below \(decimal(limit, 0))"
        return LearningRateSchedule(
            failing: GraphError(
                operation: "LearningRateSchedule.\(name)",
                message: "“\(wrong.name)” must be \(lower)\(upper), not \(wrong.value)",
                location: SourceLocation(file: file, line: line)))
    }
}
