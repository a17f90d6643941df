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
            throw BenchError("\(path) cannot be read: this user may not")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw BenchError("\(path) cannot be read: it is no UTF-8 text")
        }
        return text
    }

    /// - Throws: ``BenchError`` with the reason.
    package static func write(_ text: String, _ path: String) throws {
        try checkWritable(path)
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw BenchError("\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    /// Finds out before a long run whether a file can be written after it.
    package static func checkWritable(_ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw BenchError("\(path) cannot be written: there is no folder \(folder); make it first (mkdir -p)")
        }
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw BenchError("\(path) cannot be written: it is a folder; name a file in it")
        }
        guard access(FileManager.default.fileExists(atPath: path) ? path : folder, W_OK) == 0 else {
            throw BenchError("\(path) cannot be written: this user may not")
        }
    }
}
