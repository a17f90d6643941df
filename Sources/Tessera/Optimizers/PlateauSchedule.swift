import Synchronization

/// Lowers the learning rate where a number, the loss of held-out data say, has stopped getting better.
/// torch.optim.lr_scheduler.ReduceLROnPlateau.
///
/// ```swift
/// let plateau = PlateauSchedule(patience: 3)
/// let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), schedule: plateau.schedule, on: executor)
/// for _ in 0..<50 {
///     try trainer.fit(data, batchSize: 64, epochs: 1)
///     plateau.observe(try trainer.evaluate(test).loss)
/// }
/// ```
public final class PlateauSchedule: Sendable {
    /// By how much a number must be better than the best so far to count.
    public enum Threshold: Hashable, Sendable {
        /// A share of the best.
        case relative(Double)
        /// Better by this number.
        case absolute(Double)
    }

    /// What has been seen so far. The checkpoints of a trainer with this schedule hold it.
    public struct State: Hashable, Sendable {
        /// What the learning rate is multiplied by now.
        public var factor = 1.0
        /// The best number so far; `nil` before the first.
        public var best: Double?
        /// How many numbers in a row were no better.
        public var waited = 0
        /// How many numbers are still not to be counted after the last time that the rate was lowered.
        public var cooling = 0

        /// Nothing seen yet.
        public init() {}
    }

    private let factor: Double
    private let patience: Int
    private let threshold: Threshold
    private let cooldown: Int
    private let lowest: Double
    private let prefersGreater: Bool
    private let present = Mutex(State())
    private let failure: GraphError?

    /// - Parameters:
    ///   - factor: what the rate is multiplied by each time, at least 0 and below 1.
    ///   - patience: how many numbers in a row may be no better.
    ///   - cooldown: how many numbers are not counted after each time.
    ///   - lowest: the least that the rate is multiplied by in all.
    ///   - prefersGreater: whether a greater number is better, as of an accuracy.
    ///
    /// A number that makes no sense is an error when training begins.
    public init(
        by factor: Double = 0.1, patience: Int = 10, threshold: Threshold = .relative(1e-4), cooldown: Int = 0,
        lowest: Double = 0, prefersGreater: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.cooldown = cooldown
        self.lowest = lowest
        self.prefersGreater = prefersGreater
        let complaint: String? =
            if !(0..<1).contains(factor) {
                "“by” must be at least 0 and below 1, not \(factor)"
            } else if patience < 0 || cooldown < 0 {
                "“patience” and “cooldown” cannot be negative, as \(min(patience, cooldown)) is"
            } else if !(0...1).contains(lowest) {
                "“lowest” must be in 0...1, not \(lowest)"
            } else {
                switch threshold {
                case .relative(let share) where !(0..<1).contains(share):
                    "a relative “threshold” must be at least 0 and below 1, not \(share)"
                case .absolute(let margin) where !(margin >= 0 && margin.isFinite):
                    "an absolute “threshold” must be at least 0, not \(margin)"
                default: nil
                }
            }
        failure = complaint.map {
            GraphError(
                operation: "PlateauSchedule", message: $0, location: SourceLocation(file: file, line: line))
        }
    }

    /// The schedule to train by: the factor as it is at each step.
    public var schedule: LearningRateSchedule {
        if let failure { return LearningRateSchedule(failing: failure) }
        return LearningRateSchedule({ _ in self.state.factor }, following: [self])
    }

    /// What has been seen so far.
    public var state: State {
        get { present.withLock { $0 } }
        set { present.withLock { $0 = newValue } }
    }

    /// Takes the next number: NaN is no better than any.
    public func observe(_ number: Double) {
        present.withLock { state in
            if isBetter(number, than: state.best) {
                state.best = number
                state.waited = 0
            } else {
                state.waited = state.waited.plus(1)
            }
            if state.cooling > 0 {
                state.cooling -= 1
                state.waited = 0
            }
            guard state.waited > patience else { return }
            state.factor = max(state.factor * factor, min(lowest, state.factor))
            state.cooling = cooldown
            state.waited = 0
        }
    }

    private func isBetter(_ number: Double, than best: Double?) -> Bool {
        guard let best else { return !number.isNaN }
        switch (threshold, prefersGreater) {
        case (.relative(let share), false): return number < best * (1 - share)
        case (.relative(let share), true): return number > best * (1 + share)
        case (.absolute(let margin), false): return number < best - margin
        case (.absolute(let margin), true): return number > best + margin
        }
    }
}

// The text in a checkpoint.
extension PlateauSchedule.State {
    var text: String { "\(factor) \(best.map { "\($0)" } ?? "-") \(waited) \(cooling)" }

    init?(text: String) {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 4, let factor = Double(parts[0]), (0...1).contains(factor), let waited = Int(parts[2]),
            let cooling = Int(parts[3]), waited >= 0, cooling >= 0
        else { return nil }
        (self.factor, self.waited, self.cooling) = (factor, waited, cooling)
        guard parts[1] != "-" else { return }
        guard let best = Double(parts[1]) else { return nil }
        self.best = best
    }
}
