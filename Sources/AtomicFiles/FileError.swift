/// A file that can't be read or written, or does not hold what it should.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var path: String
    /// What is wrong, and where it helps what was expected.
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path.isEmpty ? "“”" : path): \(reason)" }
}
