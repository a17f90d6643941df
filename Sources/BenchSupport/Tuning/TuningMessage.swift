import Foundation
import OpenCLBackend

/// What a tuner and its worker say to each other: a line of JSON each, behind a mark that no driver prints.
enum TuningMessage {
    /// A candidate to measure.
    struct Request: Codable {
        var task: TuningTask
        var candidate: [String: Int]
        var incumbent: [String: Int]?
        var rounds: Int
    }

    /// What came of it.
    struct Answer: Codable {
        /// Milliseconds.
        var ms: Double?
        var incumbentMs: Double?
        /// The candidate's time over the incumbent's.
        var ratio: Double?
        /// Why there is no time.
        var failure: String?
    }

    private static let mark = "tessera-tune "

    static func line(_ message: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return Data(mark.utf8) + (try encoder.encode(message)) + Data("\n".utf8)
    }

    /// Nil for a line that is no message.
    static func read<Message: Decodable>(_: Message.Type, from line: some StringProtocol) throws -> Message? {
        guard line.hasPrefix(mark) else { return nil }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(Message.self, from: Data(line.dropFirst(mark.count).utf8))
    }
}
