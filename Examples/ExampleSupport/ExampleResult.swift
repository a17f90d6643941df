import Foundation

/// What came out of an example: its figures with what must be reached, curves, pictures and samples. As JSON it is what
/// `Examples/run.sh` makes its page of; the same program in PyTorch writes one too (`Examples/torch/common.py`).
public struct ExampleResult: Codable, Sendable {
    /// Which way a figure is better.
    public enum Direction: String, Codable, Sendable {
        case higher
        case lower
    }

    /// A number that tells how good a trained model is.
    public struct Figure: Codable, Sendable {
        public var name: String
        /// `nil` where it came to no finite number.
        public var value: Double?
        public var unit: String
        public var better: Direction
        /// The least, or where lower is better the most, that a whole training has to come to; `nil` where there is no such
        /// bound.
        public var mustReach: Double?

        public init(_ name: String, _ value: Double, unit: String, better: Direction, mustReach: Double? = nil) {
            self.name = name
            self.value = value.isFinite ? value : nil
            self.unit = unit
            self.better = better
            self.mustReach = mustReach
        }

        /// Whether it is as good as it must be.
        public var isReached: Bool {
            guard let mustReach else { return true }
            guard let value else { return false }
            return better == .higher ? value >= mustReach : value <= mustReach
        }

        /// The number with its unit, in words.
        public var text: String { value.map { Self.text($0, unit) } ?? "nan" }

        static func text(_ value: Double, _ unit: String) -> String {
            let decimals = value.magnitude >= 1000 ? 0 : value.magnitude >= 10 || unit == "%" ? 2 : 3
            return value.formatted(decimals: decimals) + (unit.isEmpty ? "" : " \(unit)")
        }
    }

    /// A loss or a metric over the steps.
    public struct Curve: Codable, Sendable {
        public var name: String
        /// Pairs of a step and a value.
        public var points: [[Double]]

        public init(name: String, points: [[Double]]) {
            (self.name, self.points) = (name, points)
        }
    }

    /// The name of the program.
    public var example: String
    public var title: String
    /// What is learned, in a sentence.
    public var task: String
    /// From what, in a sentence.
    public var data: String
    /// `tessera` or `torch`.
    public var source: String
    public var device: String
    /// The number of trained numbers.
    public var parameters: Int
    public var steps: Int
    /// Of the whole program.
    public var seconds: Double
    /// Whether it was a few steps on a part of the data.
    public var quick: Bool
    public var figures: [Figure]
    public var curves: [Curve]
    /// The names of files beside this one.
    public var pictures: [String]
    public var samples: [String]
    /// The most memory of the machine that the program had, in 2²⁰ bytes; `nil` where that is not known.
    public var peakMiB: Double?

    /// Reads one from a file.
    ///
    /// - Throws: ``ExampleFailure`` that names the file where it can't be read or is none.
    public init(path: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ExampleFailure("\(path) is no result of an example: \(error)")
        }
    }

    init(_ about: ExampleDescription, quick: Bool) {
        (example, title, task, data) = (about.example, about.title, about.task, about.data)
        source = "tessera"
        (device, parameters, steps, seconds) = ("", 0, 0, 0)
        self.quick = quick
        (figures, curves, pictures, samples) = ([], [], [], [])
    }

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try encoder.encode(self) + Data("\n".utf8)
        }
    }
}

/// What an example is, for people.
public struct ExampleDescription: Sendable {
    public var example: String
    public var title: String
    public var task: String
    public var data: String

    /// - Parameters:
    ///   - example: the name of the program.
    ///   - title: a few words.
    ///   - task: what is learned, in a sentence.
    ///   - data: from what, in a sentence.
    public init(_ example: String, title: String, task: String, data: String) {
        (self.example, self.title, self.task, self.data) = (example, title, task, data)
    }
}
