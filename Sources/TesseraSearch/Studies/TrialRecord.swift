import Foundation

/// What a study knows of one trial.
public struct TrialRecord: Hashable, Sendable {
    /// Where a trial stands.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Put back, as the process that ran it is gone: the next process takes it up, from its beginning.
        case waiting
        case running
        /// Has an objective.
        case complete
        /// Ended early, as it had no hope.
        case pruned
        /// Ended without an objective.
        case failed

        /// Whether it has ended.
        public var isFinished: Bool { self == .complete || self == .pruned || self == .failed }
    }

    /// One intermediate objective.
    public struct Report: Hashable, Sendable {
        public var step: Int
        public var value: Double

        public init(step: Int, value: Double) { (self.step, self.value) = (step, value) }
    }

    /// From 0, in the order in which trials began.
    public var number: Int
    public var state: State
    /// `nil` only while they are being chosen.
    public var values: ParameterValues?
    /// The objective; of a pruned trial its last report, where it has one.
    public var objective: Double?
    /// In order of steps.
    public var reports: [Report]
    /// When its present attempt began and when it ended.
    public var began: Date?
    public var ended: Date?
    /// How often it was begun: more than once where processes were killed.
    public var attempts: Int
    /// Why it failed.
    public var reason: String?

    public init(
        number: Int, state: State, values: ParameterValues?, objective: Double? = nil, reports: [Report] = [],
        began: Date? = nil, ended: Date? = nil, attempts: Int = 1, reason: String? = nil
    ) {
        (self.number, self.state, self.values, self.objective) = (number, state, values, objective)
        (self.reports, self.began, self.ended) = (reports, began, ended)
        (self.attempts, self.reason) = (attempts, reason)
    }

    /// How long it took; `nil` while it runs.
    public var seconds: Double? {
        guard let began, let ended else { return nil }
        return ended.timeIntervalSince(began)
    }
}
