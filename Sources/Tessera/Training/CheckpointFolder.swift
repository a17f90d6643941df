import AtomicFiles
import Foundation

/// Checkpoints that `Trainer.fit` writes while it trains: the last few, and the best.
///
/// ```swift
/// let folder = CheckpointFolder("runs/1", keepsBest: "accuracy", prefersGreater: true)
/// if let latest = try folder.latest { try trainer.load(from: latest) }
/// try trainer.fit(data, batchSize: 64, epochs: 10, resuming: true, test: test, checkpoints: folder)
/// ```
///
/// A training that is resumed so comes to the same bits as one that never stopped, whenever its process ended.
public final class CheckpointFolder {
    /// The folder's path, as it was given.
    public let path: String
    private let count: Int
    private let interval: Int?
    private let bestName: String?
    private let prefersGreater: Bool
    private let location: SourceLocation
    /// The best number so far; `nil` before the first.
    public private(set) var best: Double?

    /// - Parameters:
    ///   - path: the folder, which is made where there is none yet.
    ///   - count: how many are kept, the best not counted.
    ///   - interval: after how many steps to write one, beside those after each epoch; none, where left out.
    ///   - name: of the loss or metric, on the data to test on where there are any, whose best checkpoint is kept too.
    ///   - prefersGreater: whether a greater number is better, as of an accuracy.
    public init(
        _ path: String, keepsLast count: Int = 3, everySteps interval: Int? = nil, keepsBest name: String? = nil,
        prefersGreater: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) {
        (self.path, self.count, self.interval) = (path, count, interval)
        (bestName, self.prefersGreater) = (name, prefersGreater)
        location = SourceLocation(file: file, line: line)
    }

    /// The file of the checkpoint of the last step; `nil` where there is none.
    ///
    /// - Throws: where the folder is there and cannot be read.
    public var latest: String? { get throws { try saved().last.map { file(of: $0) } } }

    /// The file of the best checkpoint, there or not yet.
    public var bestFile: String { "\(path)/best.safetensors" }

    private func file(of step: Int) -> String { "\(path)/step-\(step).safetensors" }

    /// The steps of all checkpoints, the last one last.
    private func saved() throws -> [Int] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: path).compactMap { name in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
            let step = Int(name.dropFirst("step-".count).dropLast(".safetensors".count))
            // Other spellings of a number are other people's files.
            return step.flatMap { name == "step-\($0).safetensors" ? $0 : nil }
        }.sorted()
    }

    /// Makes the folder.
    ///
    /// - Throws: ``GraphError`` for numbers that make no sense, ``FileError`` where no file can be written.
    func prepare() throws {
        guard count >= 1, interval ?? 1 >= 1 else {
            throw GraphError(
                operation: "CheckpointFolder",
                message: "“keepsLast” and “everySteps” must be at least 1, as \(min(count, interval ?? 1)) is not",
                location: location)
        }
        try AtomicFile.makeFolder(path)
    }

    func stepDidEnd(of trainer: Trainer) throws {
        if let interval, trainer.step % interval == 0 { try save(trainer) }
    }

    func epochDidEnd(_ epoch: Epoch, of trainer: Trainer) throws {
        if let bestName {
            let number = try epoch.figure(bestName, for: "CheckpointFolder", at: location)
            let isBetter = best.map { prefersGreater ? number > $0 : number < $0 } ?? !number.isNaN
            if isBetter {
                best = number
                try trainer.save(to: bestFile)
            }
        }
        try save(trainer)
    }

    /// Writes a checkpoint, and takes away those that are too many.
    func save(_ trainer: Trainer) throws {
        let file = file(of: trainer.step)
        try trainer.save(to: file)
        for step in try saved().filter({ $0 <= trainer.step }).dropLast(count) {
            try FileManager.default.removeItem(atPath: self.file(of: step))
        }
    }

    /// What checkpoints keep of it.
    var state: String? { best.map { "\($0)" } }

    func restore(_ state: String) { best = Double(state) }
}
