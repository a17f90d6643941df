extension Graph {
    /// Marks what `body` adds as a block whose values are not kept for the backward pass, which computes them again from what
    /// the block reads: less memory for about the time of the block's forward pass. torch.utils.checkpoint; Chen et al.,
    /// Training Deep Nets with Sublinear Memory Cost, 2016.
    ///
    /// Gradients are the same to the bit: what is random depends on its seed and counter alone. Blocks may lie within blocks.
    /// - Returns: what `body` returns.
    public func rematerializing<Result>(_ body: () throws -> Result) rethrows -> Result {
        let first = nodes.count
        let result = try body()
        if nodes.count > first { rematerializedBlocks.append(first..<nodes.count) }
        return result
    }
}

/// The values of marked blocks as one backward pass sees them: copies of the block's nodes, added when the pass first comes to
/// the block, from its end.
///
/// A copy of a block within another is made from the values of the outer block's copy.
struct Rematerialization {
    private let graph: Graph
    /// For each block, the numbers of its nodes' copies; a leaf has none.
    private var copies: [Int: [Int: Int]] = [:]

    init(_ graph: Graph) { self.graph = graph }

    /// What the gradient of a node is to read in place of a value.
    mutating func view(from node: Int) -> (Value) -> Value {
        // The outermost first: an inner one is noted before those around it.
        let around = graph.rematerializedBlocks.indices.reversed().filter {
            graph.rematerializedBlocks[$0].contains(node)
        }
        guard !around.isEmpty else { return { $0 } }
        for (depth, block) in around.enumerated() where copies[block] == nil { copy(block, within: around[..<depth]) }
        return { [copies] in Self.seen($0, copies, around[...]) }
    }

    private static func seen(_ value: Value, _ copies: [Int: [Int: Int]], _ around: ArraySlice<Int>) -> Value {
        for block in around.reversed() {
            if let copy = copies[block]?[value.node] { return Value(node: copy, result: value.result) }
        }
        return value
    }

    private mutating func copy(_ block: Int, within outer: ArraySlice<Int>) {
        graph.rematerializations += 1
        copies[block] = [:]
        for index in graph.rematerializedBlocks[block] where !graph.nodes[index].op.isLeaf {
            var node = graph.nodes[index]
            node.operands = node.operands.map { Self.seen($0, copies, outer + [block]) }
            node.rematerialization = graph.rematerializations
            copies[block]?[index] = graph.append(node)
        }
    }
}
