// Kernels cannot throw: an index outside its table gives NaN or nothing. So every run checks the indices that it reads, before
// any variable gets a new value. Those that are inputs are looked at on the host; for those that the graph computes, the
// computation gets one more output, which comes back with the others: how many are outside.

/// That int32 or int64 indices lie in a range, in every run that computes a node.
package struct IndexCheck: Hashable, Sendable {
    package var indices: Value
    package var range: Range<Int>
    /// What they are, in the plural.
    package var meaning: String
    /// The node that reads them.
    package var node: Int
    /// What the user called, where that is not the node's operation.
    package var name: String?
}

/// The checks of a computation, in the form in which a run makes them.
package struct IndexChecks: Sendable {
    fileprivate struct Entry: Sendable {
        var range: Range<Int>
        var meaning: String
        /// Where they come from, in words.
        var source: String
        var type: TensorType
        var operation: String
        var location: SourceLocation?
    }

    fileprivate var ofInputs: [(name: String, entry: Entry)] = []
    fileprivate var computed: [Entry] = []

    package init() {}

    /// The number of outputs that the checks have added to the computation, after all others.
    package var outputCount: Int { computed.count }

    /// - Throws: ``GraphError`` naming the input with indices outside their range, how many there are, and the first.
    package func check(inputs: [String: HostTensor]) throws(GraphError) {
        for (name, entry) in ofInputs {
            if let value = inputs[name] { try entry.check(value) }
        }
    }

    /// - Parameter counts: what the added outputs have come to.
    /// - Throws: ``GraphError`` where one is not 0.
    package func check(counts: some Sequence<HostTensor>) throws(GraphError) {
        for (entry, count) in zip(computed, counts) {
            let count = Int(try count.elements(Float.self).first ?? 0)
            if count > 0 { throw entry.error(count, hint: "") }
        }
    }
}

extension IndexChecks.Entry {
    func check(_ value: HostTensor) throws(GraphError) {
        let found = value.dtype == .int64 ? outside(value, Int64.self) : outside(value, Int32.self)
        guard let found else { return }
        throw error(found.count, hint: ": the first is \(found.value), element \(found.first)", found.value)
    }

    private func outside<Index: FixedWidthInteger>(
        _ value: HostTensor, _ type: Index.Type
    ) -> (count: Int, first: Int, value: Int)? {
        value.withUnsafeBytes { bytes in
            let indices = bytes.bindMemory(to: Index.self)
            let (low, high) = (Index(clamping: range.lowerBound), Index(clamping: range.upperBound - 1))
            // One pass that compilers vectorise; the second is for the message.
            var (least, greatest) = (Index.max, Index.min)
            for index in indices {
                least = min(least, index)
                greatest = max(greatest, index)
            }
            guard !indices.isEmpty, least < low || greatest > high || range.isEmpty else { return nil }
            let outside = indices.indices.filter { !range.contains(Int(indices[$0])) }
            return outside.first.map { (outside.count, $0, Int(indices[$0])) }
        }
    }

    /// Whether anything is below the range.
    var isUnbounded: Bool { range.lowerBound == .min }

    func error(_ count: Int, hint: String, _ first: Int? = nil) -> GraphError {
        let total = type.shape.elementCount
        let bounds = isUnbounded ? "not below \(range.upperBound)" : "outside \(range.lowerBound)..<\(range.upperBound)"
        var message = "\(count) of \(total) \(meaning) \(source) \(count == 1 ? "is" : "are") \(bounds)\(hint)"
        if meaning == "labels", let first, first < 0 {
            message += "; crossEntropyIgnoringNegativeLabels leaves negative ones out"
        }
        return GraphError(operation: operation, message: message, operands: [type], location: location)
    }
}

extension Computation {
    /// This computation with what it takes to check the indices that it reads.
    ///
    /// - Parameter checks: of the graph that the computation was made of, before any pass has changed it.
    /// - Throws: ``GraphError`` where indices that are constants lie outside their range.
    package func checkingIndices(_ checks: [IndexCheck]) throws(GraphError) -> (Computation, IndexChecks) {
        let isLive = liveNodes
        var result = self
        var made = IndexChecks()
        var seen: Set<IndexCheck> = []
        for check in checks where isLive[check.node] {
            let (indices, node) = (nodes.withoutViews(check.indices), nodes[check.node])
            let isNew = seen.insert(
                IndexCheck(indices: indices, range: check.range, meaning: check.meaning, node: 0)
            ).inserted
            guard isNew, type(indices).shape.elementCount > 0 else { continue }
            var entry = IndexChecks.Entry(
                range: check.range, meaning: check.meaning, source: "that the graph computes" + origins(of: indices),
                type: type(check.indices), operation: check.name ?? node.op.name, location: node.location)
            switch nodes[indices.node].op.leaf {
            case .input(let input):
                entry.source = "in the input “\(input.name)”"
                made.ofInputs.append((input.name, entry))
                continue
            case .constant(let value):
                entry.source = "in a constant"
                try entry.check(value)
                continue
            case .variable(let variable): entry.source = "in the variable “\(variable.name)”"
            case .fill, nil: break
            }
            result.outputs.append(result.nodes.count(of: indices, outside: check.range, node))
            made.computed.append(entry)
        }
        return (result, made)
    }

    /// The names of the inputs and variables that a value is computed from, as part of a sentence.
    private func origins(of value: Value) -> String {
        var names: [String] = []
        var seen: Set<Int> = [value.node]
        var rest = [value.node]
        while let index = rest.popLast() {
            switch nodes[index].op.leaf {
            case .input(let input): names.append("“\(input.name)”")
            case .variable(let variable): names.append("“\(variable.name)”")
            case .constant, .fill, nil: rest += nodes[index].operands.map(\.node).filter { seen.insert($0).inserted }
            }
        }
        return names.isEmpty ? "" : " from " + names.sorted().joined(separator: ", ")
    }
}

extension [Node] {
    /// The value that another one is a view of.
    func withoutViews(_ value: Value) -> Value {
        self[value.node].op.isAlias ? withoutViews(self[value.node].operands[0]) : value
    }

    /// Appends what counts the indices outside a range: a float32 scalar.
    fileprivate mutating func count(of indices: Value, outside range: Range<Int>, _ reader: Node) -> Value {
        let shape = type(indices).shape
        func add(_ op: Op, _ operands: [Value], _ result: TensorType) -> Value {
            append(
                results: Node(
                    op: op, operands: operands, operandTypes: operands.map { type($0) }, resultTypes: [result],
                    location: reader.location))[0]
        }
        let dtype = type(indices).dtype
        func number(_ value: Int) -> Value {
            let type = TensorType([], dtype)
            return add(.fill(Fill(value: Double(Int32(clamping: value)), type: type)), [], type)
        }
        let flags = TensorType(shape, .bool)
        var outside = add(.binary(.less), [number(range.upperBound - 1), indices], flags)
        if range.lowerBound > .min {
            let below = add(.binary(.less), [indices, number(range.lowerBound)], flags)
            outside = add(.binary(.bitwiseOr), [outside, below], flags)
        }
        let floats = add(.cast(.float32), [outside], TensorType(shape))
        return add(.reduce(Reduce(.sum, first: 0, count: shape.rank)), [floats], TensorType([]))
    }
}
