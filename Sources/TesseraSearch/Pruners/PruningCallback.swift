import TensorGraph
import Tessera

/// Reports a loss or a metric of ``Trainer/fit`` to a trial after every epoch, and stops the training where the study's pruner
/// finds no hope. Steps of the reports are epochs.
public final class PruningCallback: TrainingCallback {
    private let trial: Trial
    private let name: String
    private let location: SourceLocation

    /// - Parameter name: of a loss or a metric, on the data to test on where there are any.
    ///
    /// A name that there is not is an error after the first epoch.
    public init(_ trial: Trial, on name: String, file: StaticString = #fileID, line: UInt = #line) {
        (self.trial, self.name) = (trial, name)
        location = SourceLocation(file: file, line: line)
    }

    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        let value = try epoch.figure(name, for: "PruningCallback", at: location)
        if try trial.report(value, step: epoch.number) { trainer.stop() }
    }
}
