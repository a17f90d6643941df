/// A file that can't be read or written, or does not hold what it should.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's path, as it was given.
    public var path: String
    /// What is wrong, and where it helps what was expected.
    public var reason: String

    /// An error about the file at `path`.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path.isEmpty ? "“”" : path): \(reason)" }
}
