internal import AtomicFiles
import Foundation

/// Text files that a person named, with errors that say what to do.
package enum TextFile {
    /// - Throws: ``BenchError`` where there is no such file or it is no text.
    package static func read(_ path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw BenchError("\(path) cannot be read: there is no such file")
        }
        guard !isFolder.boolValue else { throw BenchError("\(path) cannot be read: it is a folder, not a file") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BenchError("\(path) cannot be read: this user may not, or it is no plain file")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw BenchError("\(path) cannot be read: it is no UTF-8 text")
        }
        return text
    }

    /// Writes a report as ``AtomicFile`` does; to a pipe, a terminal, `/dev/null` or `/dev/stdout` just as it is.
    ///
    /// - Throws: ``FileError`` with the reason.
    package static func write(_ text: String, _ path: String) throws {
        try AtomicFile.write(Array(text.utf8), to: path, allowsStreams: true)
    }

    /// Whether a report there comes out of standard output.
    package static func isStandardOutput(_ path: String) -> Bool { AtomicFile.isStandardOutput(path) }

    /// Makes a folder for reports, where there is none yet.
    package static func makeFolder(_ path: String) throws { try AtomicFile.makeFolder(path) }

    /// Finds out before long work whether a report can be written there.
    package static func checkWritable(_ path: String) throws {
        try AtomicFile.checkWritable(path, allowsStreams: true)
    }
}

extension DecodingError {
    /// In words for a person: which key is missing or of another type.
    var reason: String {
        switch self {
        case .keyNotFound(let key, _): "the key \"\(key.stringValue)\" is missing"
        case .typeMismatch(let type, let context): "\(Self.place(context)) is no \(type)"
        case .valueNotFound(let type, let context): "\(Self.place(context)) is null, not \(type)"
        case .dataCorrupted: "it is no JSON"
        @unknown default: "\(self)"
        }
    }

    private static func place(_ context: Context) -> String {
        context.codingPath.isEmpty ? "the whole" : context.codingPath.map(\.stringValue).joined(separator: ".")
    }
}
