import Foundation
import TensorGraph

/// The value of one hyper-parameter.
public enum ParameterValue: Hashable, Sendable, Codable, CustomStringConvertible {
    case real(Double)
    case integer(Int)
    case category(String)

    /// As people read it: numbers with four digits.
    public var description: String {
        switch self {
        case .real(let value): String(format: "%.4g", value)
        case .integer(let value): "\(value)"
        case .category(let name): name
        }
    }
}

/// The values of a trial's hyper-parameters by their names. One that has no meaning in the trial, by its
/// ``SearchParameter/Condition``, has no value.
public struct ParameterValues: Hashable, Sendable, Codable {
    private var values: [String: ParameterValue]

    public init(_ values: [String: ParameterValue] = [:]) { self.values = values }

    /// The names of those that have a value, sorted.
    public var names: [String] { values.keys.sorted() }

    public subscript(name: String) -> ParameterValue? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// A number, whole or not.
    ///
    /// - Throws: ``GraphError`` where there is no value of that name, or it is a category.
    public func real(
        _ name: String, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Double {
        switch try value(name, file, line) {
        case .real(let value): return value
        case .integer(let value): return Double(value)
        case .category(let category): throw mismatch(name, "the category “\(category)”, not a number", file, line)
        }
    }

    /// A whole number.
    ///
    /// - Throws: ``GraphError`` where there is no value of that name, or it is something else.
    public func integer(
        _ name: String, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Int {
        switch try value(name, file, line) {
        case .integer(let value): return value
        case .real(let value): throw mismatch(name, "the real number \(value), not a whole one", file, line)
        case .category(let category): throw mismatch(name, "the category “\(category)”, not a number", file, line)
        }
    }

    /// A category.
    ///
    /// - Throws: ``GraphError`` where there is no value of that name, or it is a number.
    public func category(
        _ name: String, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> String {
        let value = try value(name, file, line)
        guard case .category(let category) = value else { throw mismatch(name, "\(value), no category", file, line) }
        return category
    }

    private func value(_ name: String, _ file: StaticString, _ line: UInt) throws(GraphError) -> ParameterValue {
        if let value = values[name] { return value }
        let known = names.map { "“\($0)”" }.joined(separator: ", ")
        throw GraphError(
            operation: "ParameterValues",
            message: "there is no value of “\(name)”: " + (known.isEmpty ? "there is none" : "there are \(known)"),
            location: SourceLocation(file: file, line: line))
    }

    private func mismatch(_ name: String, _ what: String, _ file: StaticString, _ line: UInt) -> GraphError {
        GraphError(
            operation: "ParameterValues", message: "“\(name)” is \(what)",
            location: SourceLocation(file: file, line: line))
    }
}

extension ParameterValues: CustomStringConvertible {
    /// As people read it: `learning rate 0.003, width 32`.
    public var description: String { names.map { "\($0) \(values[$0]?.description ?? "")" }.joined(separator: ", ") }
}
