import AtomicFiles
import Foundation

/// Losses and metrics of a training in a folder for `tensorboard --logdir`: those of steps, of epochs, and of what is tested
/// on, as `loss/step`, `loss/train` and `loss/test`; and pictures of one's own.
///
/// A training that goes on writes a file of its own beside those before, which TensorBoard shows as one.
public final class TensorBoardLog: TrainingCallback {
    /// The event file.
    public let path: String
    private let interval: Int
    private let file: FileHandle

    /// - Parameters:
    ///   - folder: is made where there is none yet.
    ///   - interval: after how many steps to write what they give.
    /// - Throws: ``GraphError`` for an interval below 1, ``FileError`` where no file can be made.
    public init(
        folder: String, everySteps interval: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        guard interval >= 1 else {
            throw GraphError(
                operation: "TensorBoardLog", message: "“everySteps” must be at least 1, not \(interval)",
                location: SourceLocation(file: file, line: line))
        }
        self.interval = interval
        try AtomicFile.makeFolder(folder)
        // TensorBoard goes through files in the order of their names, by this time.
        let time = Date().timeIntervalSince1970
        let name = "events.out.tfevents.\(Int(time)).\(ProcessInfo.processInfo.hostName)"
        var number = 0
        var descriptor: Int32 = -1
        var path: String
        repeat {
            path = "\(folder)/\(name).\(ProcessInfo.processInfo.processIdentifier).\(number)"
            descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            number += 1
        } while descriptor < 0 && errno == EEXIST
        guard descriptor >= 0 else {
            throw FileError(path: path, reason: "cannot be made: \(String(cString: strerror(errno)))")
        }
        self.path = path
        // Written bit by bit while it trains, and so not as a whole; readers pass over a last record that is cut short.
        self.file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try write(EventFile.version(at: time))
    }

    /// Writes numbers of one's own by their tags; TensorBoard groups tags by what stands before a slash.
    ///
    /// - Throws: ``FileError`` where the disk is full, say.
    public func write(_ scalars: [String: Double], step: Int) throws {
        let sorted = scalars.sorted { $0.key < $1.key }.map { (tag: $0.key, value: $0.value) }
        try write(EventFile.scalars(sorted, step: step, at: Date().timeIntervalSince1970))
    }

    /// Writes a picture by its tag, samples of what is generated, say: TensorBoard shows a slider over the steps.
    ///
    /// - Throws: ``FileError`` where the disk is full, say.
    public func write(_ picture: PNGFile, as tag: String, step: Int) throws {
        try write(EventFile.picture(picture, tag: tag, step: step, at: Date().timeIntervalSince1970))
    }

    private func write(_ bytes: [UInt8]) throws {
        do {
            try file.write(contentsOf: Data(bytes))
        } catch {
            throw FileError(path: path, reason: "cannot be written: \(error)")
        }
    }

    private func write(_ result: Trainer.Result, _ kind: String, step: Int) throws {
        let all = result.losses.merging(result.metrics) { loss, _ in loss }
        try write(Dictionary(all.map { ("\($0.key)/\(kind)", $0.value) }) { first, _ in first }, step: step)
    }

    public func stepDidEnd(_ result: Trainer.Result, of trainer: Trainer) throws {
        if trainer.step % interval == 0 { try write(result, "step", step: trainer.step) }
    }

    public func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        try write(epoch.training, "train", step: trainer.step)
        if let test = epoch.test { try write(test, "test", step: trainer.step) }
    }
}
