/// All axes after the first as one: `[n, c, h, w]` → `[n, c·h·w]`.
public struct Flatten: Layer {
    private let location: SourceLocation

    /// A layer without parameters.
    public init(file: StaticString = #fileID, line: UInt = #line) { location = SourceLocation(file: file, line: line) }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        guard let first = input.shape.dimensions.first else {
            throw GraphError(
                operation: "Flatten", message: "a scalar has no first axis to keep; reshape it to [1, 1]",
                operands: [input.type], location: location)
        }
        let rest = Shape(Array(input.shape.dimensions.dropFirst()))
        return try pass.graph.at(location) { try input.reshaped(to: [first, rest.elementCount]) }
    }
}
