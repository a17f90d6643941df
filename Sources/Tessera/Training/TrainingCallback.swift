/// Something that `Trainer.fit` tells how a training goes: it may note that, or end it with ``Trainer/stop()``.
///
/// All methods have an implementation that does nothing.
public protocol TrainingCallback: AnyObject {
    /// Is called before the first step with what a step takes of memory (``Trainer/stepMemory(for:)``).
    func stepsWillBegin(taking memory: PlanMemory, of trainer: Trainer) throws
    /// Is called after each step with its result.
    func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws
    /// Is called after each whole epoch, once what to test on is evaluated.
    func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws
    /// Is called when `Trainer.fit` is done or was stopped, but not where it throws.
    func fitDidEnd(of trainer: Trainer) throws

    /// What checkpoints keep, so that a training that is resumed goes on as if it had never stopped; `nil` where there is
    /// nothing to keep. Of several callbacks of one type each has its own.
    var state: String? { get }
    /// Takes what a checkpoint has kept.
    ///
    /// - Throws: where that makes no sense.
    func restore(_ state: String) throws
}

extension TrainingCallback {
    public func stepsWillBegin(taking memory: PlanMemory, of trainer: Trainer) throws {}
    public func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {}
    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {}
    public func fitDidEnd(of trainer: Trainer) throws {}
    public var state: String? { nil }
    public func restore(_ state: String) throws {}
}

/// What has come out of one epoch of `Trainer.fit`.
public struct Epoch: Sendable {
    /// From 1, within what the call of `fit` has to do.
    public let number: Int
    /// The means over the epoch's steps.
    public let training: Trainer.Result
    /// What evaluating on other data gave, where there are any.
    public let test: Trainer.Result?

    /// A loss or a metric by its name, on the data to test on where there are any; “loss” is the sum of all losses.
    ///
    /// - Throws: ``GraphError`` where there is none of that name.
    package func figure(
        _ name: String, for user: String, at location: SourceLocation
    ) throws(GraphError) -> Double {
        let result = test ?? training
        if let figure = result.losses[name] ?? result.metrics[name] { return figure }
        if name == "loss" { return result.loss }
        let known = (Array(result.losses.keys) + Array(result.metrics.keys)).sorted()
        throw GraphError(
            operation: user,
            message: "no loss or metric is named “\(name)”; there is "
                + (known.isEmpty ? "none" : known.map { "“\($0)”" }.joined(separator: ", ")), location: location)
    }
}

/// Ends a training where a number has stopped getting better. Keras' EarlyStopping.
public final class EarlyStopping: TrainingCallback {
    private let name: String
    private let patience: Int
    private let improvement: Double
    private let prefersGreater: Bool
    private let location: SourceLocation
    /// The best number so far; `nil` before the first.
    public private(set) var best: Double?
    /// How many epochs in a row were no better.
    public private(set) var waited = 0

    /// - Parameters:
    ///   - name: of a loss or a metric, on the data to test on where there are any.
    ///   - patience: how many epochs in a row may be no better.
    ///   - improvement: by how much a number must be better than the best so far to count.
    ///   - prefersGreater: whether a greater number is better, as of an accuracy.
    ///
    /// A number that makes no sense is an error after the first epoch.
    public init(
        on name: String = "loss", patience: Int, improvement: Double = 0, prefersGreater: Bool = false,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        (self.name, self.patience, self.improvement) = (name, patience, improvement)
        self.prefersGreater = prefersGreater
        location = SourceLocation(file: file, line: line)
    }

    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        guard patience >= 0, improvement >= 0, improvement.isFinite else {
            throw GraphError(
                operation: "EarlyStopping",
                message: "“patience” and “improvement” must be at least 0, not \(patience) and \(improvement)",
                location: location)
        }
        let number = try epoch.figure(name, for: "EarlyStopping", at: location)
        let isBetter =
            if let best { prefersGreater ? number > best + improvement : number < best - improvement } else {
                !number.isNaN
            }
        if isBetter {
            best = number
            waited = 0
        } else {
            waited = waited.plus(1)
        }
        if waited > patience { trainer.stop() }
    }

    public var state: String? { "\(best.map { "\($0)" } ?? "-") \(waited)" }

    public func restore(_ state: String) throws {
        let parts = state.split(separator: " ").map(String.init)
        guard parts.count == 2, let waited = Int(parts[1]), waited >= 0, parts[0] == "-" || Double(parts[0]) != nil
        else {
            throw GraphError(
                operation: "EarlyStopping", message: "“\(state)” is not what a checkpoint keeps", location: location)
        }
        best = Double(parts[0])
        self.waited = waited
    }
}
