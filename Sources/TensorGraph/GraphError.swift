/// The line of user code that made a node.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The module and the file's name, as `#fileID` says them.
    public var file: String
    /// From 1.
    public var line: UInt

    /// A line, as `#fileID` and `#line` say it.
    public init(file: StaticString, line: UInt) {
        self.file = "\(file)"
        self.line = line
    }

    public var description: String { "\(file):\(line)" }

    /// Whether the line is one of this package's library, and so says nothing to a user.
    package var isInLibrary: Bool {
        ["TensorGraph/", "Tessera/", "Execution/", "TesseraVision/"].contains { file.hasPrefix($0) }
    }
}

/// A mistake in how a graph is put together or fed: the operation, the shapes it was given, what is
/// wrong with them, and the line of user code where the node was made.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation that could not be added, as the user wrote it: `+`, `exp`, `matMul`.
    public var operation: String
    /// What is wrong and, where it helps, what to do instead.
    public var message: String
    /// The types of the operands as they were given.
    public var operands: [TensorType]
    /// Where in the user's code; `nil` where only a line of the library is known.
    public var location: SourceLocation?

    /// An error at a line of the user's; a line of the library says nothing and is left out.
    public init(
        operation: String, message: String, operands: [TensorType] = [], location: SourceLocation? = nil
    ) {
        self.operation = operation
        self.message = message
        self.operands = operands
        self.location = location.flatMap { $0.isInLibrary ? nil : $0 }
    }

    public var description: String {
        var text = "\(operation): \(message)"
        if !operands.isEmpty { text += " (given \(operands.map(\.description).joined(separator: ", ")))" }
        if let location { text += " at \(location)" }
        return text
    }
}
