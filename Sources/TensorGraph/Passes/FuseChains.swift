extension Computation {
    /// Elementwise nodes made one program where that saves a launch, in three ways:
    /// - a node takes in the numbers among its operands;
    /// - it takes in an operand of its own shape that no other node reads. Where that is an output or an update, and so is
    ///   the node itself, the program has one result more: an optimizer's step is one program of several results;
    /// - it repeats what is computed of numbers on the device, a learning rate and a count of steps, where everything that
    ///   reads it does so: kernels compute that once and not for each element.
    func withElementwiseChains() -> Computation {
        var chains = ElementwiseChains(self)
        for index in nodes.indices { chains.grow(at: index, repeatsScalars: false) }
        for index in nodes.indices { chains.grow(at: index, repeatsScalars: true) }
        return chains.computation
    }
}

/// Nodes that take one another in where they stand: those that are taken in are left without readers.
private struct ElementwiseChains {
    private(set) var computation: Computation
    /// The nodes that read a value.
    private var readers: [Value: Set<Int>] = [:]
    /// Outputs and updates.
    private var kept: Set<Value>

    /// Longest program, and most operands and results, that one kernel is made of.
    private static let instructionLimit = 48
    private static let operandLimit = 12
    private static let resultLimit = 6
    /// The longest program that is repeated.
    private static let repeatedLimit = 16

    init(_ computation: Computation) {
        self.computation = computation
        kept = Set(computation.outputs + computation.updates.map(\.value))
        for (index, node) in computation.nodes.enumerated() {
            for operand in node.operands { readers[operand, default: []].insert(index) }
        }
    }

    private var nodes: [Node] { computation.nodes }

    /// Lets a node take in all it can.
    mutating func grow(at index: Int, repeatsScalars: Bool) {
        guard nodes[index].elementwiseProgram != nil else { return }
        if nodes[index].operands.contains(where: { nodes.number($0) != nil }) { join(nil, into: index) }
        while let producer = nodes[index].operands.lazy.map(\.node).first(where: { producer in
            canTake(producer, at: index, repeatsScalars: repeatsScalars) && join(producer, into: index)
        }) {
            _ = producer
        }
    }

    private mutating func canTake(_ producer: Int, at index: Int, repeatsScalars: Bool) -> Bool {
        let (inner, node) = (nodes[producer], nodes[index])
        guard inner.elementwiseProgram != nil else { return false }
        let results = inner.resultTypes.indices.map { Value(node: producer, result: $0) }
        if inner.resultTypes[0].shape == node.resultTypes[0].shape,
            results.allSatisfy({ readers[$0, default: []].isSubset(of: [index]) }),
            isKept(index) || !isKept(producer)
        {
            return true
        }
        return repeatsScalars && isScalar(producer) && !isKept(producer)
            && readers[results[0], default: []].allSatisfy { nodes[$0].elementwiseProgram != nil && !isProducer($0) }
    }

    private func isKept(_ index: Int) -> Bool {
        nodes[index].resultTypes.indices.contains { kept.contains(Value(node: index, result: $0)) }
    }

    /// Whether a node computes one number of others, and not too long.
    private func isScalar(_ index: Int) -> Bool {
        let node = nodes[index]
        return (node.resultTypes + node.operandTypes).allSatisfy { $0.shape.elementCount == 1 }
            && node.resultTypes.count == 1
            && (node.elementwiseProgram?.instructions.count ?? 0) <= Self.repeatedLimit
    }

    /// Whether an operation may evaluate this node as it reads it: that is done for each element.
    private func isProducer(_ index: Int) -> Bool {
        nodes[index].resultTypes.indices.contains { result in
            let value = Value(node: index, result: result)
            return readers[value, default: []].contains { reader in
                nodes[reader].producible.map { nodes[reader].operands[$0.place] == value } ?? false
            }
        }
    }

    /// Makes the numbers that a node reads, and a producer where one is given, part of the node.
    ///
    /// - Returns: whether that has been done.
    @discardableResult
    private mutating func join(_ producer: Int?, into index: Int) -> Bool {
        let node = nodes[index]
        guard let program = node.elementwiseProgram else { return false }
        var builder = ProgramBuilder()
        func arguments(_ values: [Value]) -> [ElementwiseProgram.Argument] {
            values.map { value in nodes.number(value).map { .constant($0) } ?? builder.operand(value) }
        }
        var taken: [Int] = []
        if let producer, let inner = nodes[producer].elementwiseProgram {
            taken = builder.append(inner, operands: arguments(nodes[producer].operands))
        }
        let outer = node.operands.map { value in
            value.node == producer ? .instruction(taken[value.result]) : arguments([value])[0]
        }
        var results = builder.append(program, operands: outer)
        var resultTypes = node.resultTypes
        var moved: [Value: Value] = [:]
        for (result, instruction) in taken.enumerated() {
            let value = Value(node: producer ?? index, result: result)
            guard kept.contains(value) else { continue }
            if let known = results.firstIndex(of: instruction) {
                moved[value] = Value(node: index, result: known)
                continue
            }
            moved[value] = Value(node: index, result: results.count)
            results.append(instruction)
            resultTypes.append(nodes.type(value))
        }
        // What is left must still broadcast to the results' shape, or they would shrink.
        let rest = builder.operands.map { nodes.type($0).shape }
        guard Set(results).count == results.count, builder.instructions.count <= Self.instructionLimit,
            rest.count <= Self.operandLimit, results.count <= Self.resultLimit, let first = rest.first,
            rest.dropFirst().reduce(first, { $0.broadcast(with: $1) ?? $0 }) == node.resultTypes[0].shape
        else { return false }
        replace(
            index,
            by: Node(
                op: .elementwise(ElementwiseProgram(builder.instructions, results: results)),
                operands: builder.operands, operandTypes: builder.operands.map { nodes.type($0) },
                resultTypes: resultTypes, location: node.location))
        rename(moved)
        if let producer { forget(producer) }
        return true
    }

    private mutating func replace(_ index: Int, by node: Node) {
        for operand in nodes[index].operands { readers[operand]?.remove(index) }
        for operand in node.operands { readers[operand, default: []].insert(index) }
        computation.nodes[index] = node
    }

    private mutating func rename(_ moved: [Value: Value]) {
        guard !moved.isEmpty else { return }
        kept = Set(kept.map { moved[$0] ?? $0 })
        computation.outputs = computation.outputs.map { moved[$0] ?? $0 }
        for index in computation.updates.indices {
            let value = computation.updates[index].value
            computation.updates[index].value = moved[value] ?? value
        }
    }

    /// A node that nothing needs any more reads nothing.
    private mutating func forget(_ index: Int) {
        let isNeeded = nodes[index].resultTypes.indices.contains { result in
            let value = Value(node: index, result: result)
            return kept.contains(value) || !readers[value, default: []].isEmpty
        }
        guard !isNeeded else { return }
        for operand in nodes[index].operands where readers[operand]?.remove(index) != nil { forget(operand.node) }
    }
}

/// A program put together from others, with each instruction once.
private struct ProgramBuilder {
    var operands: [Value] = []
    var instructions: [ElementwiseProgram.Instruction] = []
    private var known: [ElementwiseProgram.Instruction: Int] = [:]

    mutating func operand(_ value: Value) -> ElementwiseProgram.Argument {
        if let known = operands.firstIndex(of: value) { return .operand(known) }
        operands.append(value)
        return .operand(operands.count - 1)
    }

    /// Appends a program whose operands are these arguments; returns the instructions that its results have become.
    mutating func append(_ program: ElementwiseProgram, operands: [ElementwiseProgram.Argument]) -> [Int] {
        var places: [Int] = []
        for instruction in program.instructions {
            var instruction = instruction
            instruction.arguments = instruction.arguments.map { argument in
                switch argument {
                case .operand(let index): operands[index]
                case .instruction(let index): .instruction(places[index])
                case .constant: argument
                }
            }
            // Zeros of both signs are equal as numbers.
            let hasZero = instruction.arguments.contains(.constant(0))
            if !hasZero, let place = known[instruction] {
                places.append(place)
            } else {
                known[instruction] = instructions.count
                places.append(instructions.count)
                instructions.append(instruction)
            }
        }
        return program.results.map { places[$0] }
    }
}
