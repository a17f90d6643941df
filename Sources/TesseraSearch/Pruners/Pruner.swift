import TensorGraph

/// Finds out which trials have no hope, from what they and others have reported.
public protocol Pruner: Sendable {
    /// Whether to end a trial that has just reported.
    ///
    /// - Parameters:
    ///   - trial: with its reports, at least one.
    ///   - others: all other trials of the study, those that run and that have ended.
    func isHopeless(_ trial: TrialRecord, among others: [TrialRecord], direction: Direction) -> Bool
}

/// Asynchronous successive halving: at `minimumSteps`, and each time the steps have grown by a factor of `reduction`, a trial
/// goes on only where it is among the best, one of `reduction`, of all that have come so far. Nobody waits for others: the
/// first to come goes on. Li et al., “A System for Massively Parallel Hyperparameter Tuning”, 2020 (ASHA), in the form that
/// stops trials instead of pausing them.
public struct SuccessiveHalvingPruner: Pruner {
    private let minimumSteps: Int
    private let reduction: Int

    /// - Parameters:
    ///   - minimumSteps: how many steps every trial is given, in the unit of its reports; at least 1.
    ///   - reduction: one of how many goes on, at least 2. Ties go on.
    /// - Throws: ``GraphError`` for smaller numbers.
    public init(
        minimumSteps: Int, reduction: Int = 3, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        guard minimumSteps >= 1, reduction >= 2 else {
            throw GraphError(
                operation: "SuccessiveHalvingPruner",
                message:
                    "minimumSteps must be at least 1 and reduction at least 2, not \(minimumSteps) and \(reduction)",
                location: SourceLocation(file: file, line: line))
        }
        (self.minimumSteps, self.reduction) = (minimumSteps, reduction)
    }

    public func isHopeless(_ trial: TrialRecord, among others: [TrialRecord], direction: Direction) -> Bool {
        guard let last = trial.reports.last, last.step >= minimumSteps else { return false }
        // The highest rung that it has reached, and whether that is just now.
        var rung = minimumSteps
        while true {
            let (next, overflows) = rung.multipliedReportingOverflow(by: reduction)
            guard !overflows, next <= last.step else { break }
            rung = next
        }
        guard trial.reports.first(where: { $0.step >= rung }) == last else { return false }
        // What each trial reported first at this rung or, where its reports are far apart, after it.
        let scores = others.compactMap { other in
            other.reports.first { $0.step >= rung }.map { direction.score($0.value) }
        }
        let better = scores.count { $0 > direction.score(last.value) }
        return better >= max(1, (scores.count + 1) / reduction)
    }
}

/// The median rule: a trial ends where its best report so far is worse than the median of what complete trials had on the mean
/// of their reports up to the same step. Golovin et al., “Google Vizier: A Service for Black-Box Optimization”, 2017.
public struct MedianPruner: Pruner {
    private let startupTrials: Int
    private let warmupSteps: Int

    /// - Parameters:
    ///   - startupTrials: how many trials must be complete before any is ended.
    ///   - warmupSteps: a trial is not ended before this step.
    /// - Throws: ``GraphError`` for fewer than 1 trial and negative steps.
    public init(
        startupTrials: Int = 5, warmupSteps: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        guard startupTrials >= 1, warmupSteps >= 0 else {
            throw GraphError(
                operation: "MedianPruner",
                message: "startupTrials must be at least 1 and warmupSteps at least 0, not \(startupTrials) and"
                    + " \(warmupSteps)", location: SourceLocation(file: file, line: line))
        }
        (self.startupTrials, self.warmupSteps) = (startupTrials, warmupSteps)
    }

    public func isHopeless(_ trial: TrialRecord, among others: [TrialRecord], direction: Direction) -> Bool {
        guard let last = trial.reports.last, last.step >= warmupSteps else { return false }
        let means: [Double] = others.filter { $0.state == .complete }.compactMap { other in
            let scores = other.reports.prefix { $0.step <= last.step }.map { direction.score($0.value) }
            return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
        }
        guard means.count >= startupTrials, let best = trial.reports.map({ direction.score($0.value) }).max() else {
            return false
        }
        let sorted = means.sorted()
        let middle = sorted.count / 2
        let median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        return best < median
    }
}
