import ArgumentParser
import AtomicFiles
import Foundation
import Tessera

/// Collects what comes out of an example, prints it, and with `--results` writes it into that folder.
///
/// As a callback of ``Trainer/fit`` it draws curves of the losses and metrics.
public final class ExampleResults: TrainingCallback {
    private let options: ExampleOptions
    private let began: ContinuousClock.Instant
    private var result: ExampleResult
    /// In order of their first points.
    private var curves: [(name: String, curve: Curve)] = []

    /// The step of the last point of tests.
    private var lastTested: Int?

    /// - Parameter began: when the program began.
    public init(_ about: ExampleDescription, _ options: ExampleOptions, since began: ContinuousClock.Instant) {
        self.options = options
        self.began = began
        result = ExampleResult(about, quick: options.quick)
    }

    // MARK: Collecting

    /// Keeps a number of the trained model, and prints it.
    public func add(_ figure: ExampleResult.Figure) {
        let bound = figure.mustReach.map {
            " (must reach \(ExampleResult.Figure.text($0, figure.unit)))"
        }
        result.figures.append(figure)
        say("\(figure.name): \(figure.text)\(bound ?? "")")
    }

    /// Keeps a text that the model has written, or that shows what it does, and prints it.
    public func addSample(_ text: String) {
        result.samples.append(text)
        say("sample:\n\(text)")
    }

    /// Adds a picture: a file beside the result, by the example's name and this one, which ends in `.png` or `.svg`.
    ///
    /// - Parameter write: writes it to a path; not called without `--results`.
    public func addPicture(_ name: String, write: (_ path: String) throws -> Void) throws {
        guard let folder = options.results else { return }
        let file = "\(result.example)-\(name)"
        try AtomicFile.makeFolder(folder)
        try write("\(folder)/\(file)")
        result.pictures.append(file)
    }

    /// Adds a picture in SVG.
    public func addPicture(_ name: String, svg: String) throws {
        try addPicture(name) { try AtomicFile.write(Array(svg.utf8), to: $0, isDurable: false) }
    }

    /// Adds a point to a curve.
    public func add(_ value: Double, step: Int, to curve: String) {
        guard value.isFinite else { return }
        if let place = curves.firstIndex(where: { $0.name == curve }) {
            curves[place].curve.add(value, step: step)
        } else {
            var first = Curve()
            first.add(value, step: step)
            curves.append((curve, first))
        }
    }

    public func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {
        add(result, step: trainer.step, to: "training")
    }

    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        if let test = epoch.test { add(test, of: trainer) }
    }

    /// Adds what an evaluation at the end comes to, where no epoch has ended there.
    func add(_ evaluation: Trainer.Result, of trainer: Trainer) {
        guard lastTested != trainer.step else { return }
        lastTested = trainer.step
        add(evaluation, step: trainer.step, to: "test")
    }

    private func add(_ result: Trainer.Result, step: Int, to kind: String) {
        for (name, value) in result.losses.sorted(by: { $0.key < $1.key }) {
            add(value, step: step, to: "\(kind) \(name)")
        }
        for (name, value) in result.metrics.sorted(by: { $0.key < $1.key })
        where result.state(ConfusionMatrix.self, of: name) == nil {
            add(value, step: step, to: "\(kind) \(name)")
        }
    }

    // MARK: Writing

    /// Writes the result, where `--results` names a folder.
    ///
    /// - Parameters:
    ///   - parameters: the number of trained numbers.
    ///   - steps: how many steps were done in all.
    /// - Throws: `ExitCode(1)` after writing where a figure is not what it must reach, but for `--quick`; ``FileError`` where
    ///   the result can't be written.
    public func finish(device: String, parameters: Int, steps: Int) throws {
        guard let folder = options.results else { return }
        (result.device, result.parameters, result.steps) = (device, parameters, steps)
        result.seconds = began.duration(to: .now) / .seconds(1)
        result.peakMiB = TrainingReport.peakMemory.map { $0 / 1_048_576 }
        result.curves = curves.map { name, curve in
            .init(name: name, points: curve.points.map { [$0.step, $0.value] })
        }
        try AtomicFile.makeFolder(folder)
        let path = "\(folder)/\(result.example).json"
        try AtomicFile.write(Array(result.json), to: path, isDurable: false)
        say("wrote \(path)")
        let missed = result.figures.filter { !$0.isReached }
        guard !missed.isEmpty, !result.quick else { return }
        for figure in missed {
            FileHandle.standardError.write(
                Data("\(result.example): \(figure.name) is \(figure.text), which is not what it must reach\n".utf8))
        }
        throw ExitCode(1)
    }
}
