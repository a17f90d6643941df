import TensorGraph

extension Schedule {
    /// Beyond so many bytes nothing is laid out: sums of what lies in arenas must stay countable.
    static let largestArena = 1 << 56

    /// Checks that what preparing and running takes can be had: on each backend, and on the host.
    ///
    /// On the host variables have memory already, or get it one by one.
    /// - Throws: ``GraphError`` that says how much is needed and there, and names the largest tensors.
    func requireMemory(on backends: [any Backend], beside scratch: ScratchPool) throws(GraphError) {
        var host = inputs.reduce(0) { $0.plus($1.location.region.byteCount) }
        // Once as read from the device, and once as it is handed out.
        host = outputs.reduce(host) { $0.plus($1.type.byteCount.times(2)) }
        // A fill is made on the host, one after the other.
        host = host.plus(slots.joined().map(\.stagedByteCount).max() ?? 0)
        for (index, backend) in backends.enumerated() {
            let needs = slots[index].map(\.ownByteCount)
            let variables = slots[index].map(\.variableByteCount)
            let sum = needs.reduce(0) { $0.plus($1) }
            let whole = variables.reduce(sum) { $0.plus($1) }
            if let largest = (needs + variables).max(), largest > backend.maximumAllocation {
                throw shortage(
                    largest,
                    of: .init(byteCount: backend.maximumAllocation, reason: "are given at once by \(backend.name)"),
                    on: index)
            }
            if whole > backend.memorySize {
                throw shortage(
                    whole, of: .init(byteCount: backend.memorySize, reason: "of memory has \(backend.name)"), on: index)
            }
            if backend.usesHostMemory { host = host.plus(max(sum - scratch.byteCount(of: backend), 0)) }
        }
        if host >= HostMemory.threshold, let limit = HostMemory.available(), host > limit.byteCount {
            throw shortage(host, of: limit, on: nil)
        }
    }

    private func shortage(_ byteCount: Int, of limit: HostMemory.Limit, on backend: Int?) -> GraphError {
        .shortage(byteCount, of: limit, computation, placement, on: backend)
    }
}

extension Schedule.Slot {
    /// The bytes of a copy on the host while its memory is written.
    fileprivate var stagedByteCount: Int {
        if case .fill(let fill) = self { fill.type.byteCount } else { 0 }
    }

    /// The bytes that are allocated for the schedule alone.
    fileprivate var ownByteCount: Int {
        switch self {
        case .scratch(let byteCount): byteCount
        case .kept(let value): value.byteCount
        case .constant(let value): value.type.byteCount
        case .fill(let fill): fill.type.byteCount
        case .variable, .next: 0
        }
    }

    /// The bytes of a variable's value before or after the run.
    fileprivate var variableByteCount: Int {
        switch self {
        case .variable(let variable), .next(let variable): variable.type.byteCount
        case .scratch, .kept, .constant, .fill: 0
        }
    }
}

extension GraphError {
    /// Too little memory, with the three largest tensors that take it and their lines.
    ///
    /// - Parameter backend: where it is short; nil for the host, whose memory all backends may use.
    static func shortage(
        _ byteCount: Int, of limit: HostMemory.Limit, _ computation: Computation, _ placement: Placement,
        on backend: Int?
    ) -> GraphError {
        var tensors: [(byteCount: Int, text: String, location: SourceLocation?)] = []
        for (node, choice) in zip(computation.nodes, placement.choices) where !node.op.isAlias {
            if let backend, let choice, choice.backend != backend { continue }
            for type in node.resultTypes { tensors.append((type.byteCount, "\(node.op.name) \(type)", node.location)) }
            for workspace in choice?.lowered.workspaces ?? [] {
                tensors.append((workspace, "a workspace of \(node.op.name)", node.location))
            }
        }
        tensors.sort { $0.byteCount > $1.byteCount }
        let largest = tensors.prefix(3).map { tensor in
            "\(tensor.text) (\(HostMemory.text(of: tensor.byteCount)))" + (tensor.location.map { " at \($0)" } ?? "")
        }
        return GraphError(
            operation: "memory",
            message: "running this takes \(HostMemory.text(of: byteCount)), and only "
                + "\(HostMemory.text(of: limit.byteCount)) \(limit.reason); its largest tensors are "
                + largest.joined(separator: ", "),
            location: tensors.first?.location)
    }
}
