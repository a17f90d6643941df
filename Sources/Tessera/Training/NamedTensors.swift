/// The tensors of a batch as inputs of a graph, by name.
public struct NamedTensors {
    private let tensors: [String: Tensor]

    /// - Parameter location: the line that the inputs are said to come from.
    init(_ types: [String: TensorType], of graph: Graph, at location: SourceLocation) throws {
        // In an order of their own, so that graphs of equal batches are equal.
        var made: [String: Tensor] = [:]
        for (name, type) in types.sorted(by: { $0.key < $1.key }) {
            made[name] = try graph.at(location) { try graph.input(name, type.shape, type.dtype) }
        }
        tensors = made
    }

    /// The names, in order.
    public var names: [String] { tensors.keys.sorted() }

    /// The tensor of a name.
    ///
    /// - Throws: ``GraphError`` where the batch has none, which says the names that it has.
    public subscript(name: String, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        get throws(GraphError) {
            guard let tensor = tensors[name] else {
                throw GraphError(
                    missing: name, among: tensors.mapValues(\.type), in: "batch",
                    at: SourceLocation(file: file, line: line))
            }
            return tensor
        }
    }
}
