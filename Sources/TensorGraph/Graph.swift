/// A value in a graph: one result of one node.
package struct Value: Hashable, Sendable {
    package var node: Int
    package var result: Int

    package init(node: Int, result: Int = 0) {
        self.node = node
        self.result = result
    }
}

/// One operation of a graph with the values it reads.
package struct Node: Sendable {
    package var op: Op
    package var operands: [Value]
    package var operandTypes: [TensorType]
    package var resultTypes: [TensorType]
    package var location: SourceLocation?
    /// Which rematerialisation made the node, so that it is no other's equal; 0 where none did.
    package var rematerialization = 0

    package init(
        op: Op, operands: [Value], operandTypes: [TensorType], resultTypes: [TensorType], location: SourceLocation?
    ) {
        self.op = op
        self.operands = operands
        self.operandTypes = operandTypes
        self.resultTypes = resultTypes
        self.location = location
    }
}

/// A computation in the making: a list of nodes, each reading only earlier ones.
///
/// Nodes are only ever added, so the list is always in topological order. A graph is built on one
/// thread; what an executor compiles from it is a copy.
public final class Graph {
    package private(set) var nodes: [Node] = []
    /// While set, every node is said to come from here: layers and gradients speak for their caller.
    package var locationOverride: SourceLocation?
    /// The nodes that each outermost call of ``at(_:_:)`` has added.
    private var spans: [Range<Int>] = []
    /// What the indices that nodes read must be.
    package private(set) var indexChecks: [IndexCheck] = []
    /// Variables and inputs that have a node: each has one, so that a gradient with respect to it sees every use.
    private var leaves: [Leaf: Value] = [:]

    /// The 16-bit type of a forward pass that casts by itself (``autocast(to:file:line:_:)``).
    package internal(set) var autocastType: DType?
    /// Variables in that type: each is converted once.
    var autocastVariables: [AutocastKey: Tensor] = [:]
    /// What the backward pass computes again (``rematerializing(_:)``): ranges of nodes, those inside another before it.
    var rematerializedBlocks: [Range<Int>] = []
    /// How often it has done so.
    var rematerializations = 0

    private enum Leaf: Hashable {
        case variable(Variable)
        case input(Input)

        init?(_ op: Op) {
            switch op.leaf {
            case .variable(let variable): self = .variable(variable)
            case .input(let input): self = .input(input)
            case .constant, .fill, nil: return nil
            }
        }
    }

    /// A graph without nodes.
    public init() {}

    /// Adds a node after checking its operands; a variable or an input that already has a node is given that.
    ///
    /// - Parameter name: what the user called to get it, where that is not the operation's own name.
    /// - Throws: ``GraphError`` naming the operation, the operands' types and the location.
    package func add(
        _ op: Op, _ operands: [Tensor] = [], at location: SourceLocation? = nil, as name: String? = nil
    ) throws(GraphError) -> [Tensor] {
        let leaf = Leaf(op)
        if let leaf, let known = leaves[leaf] { return [tensor(known)] }
        let operands = try autocasted(operands, for: op, at: location)
        let types = operands.map(\.type)
        let location = usersLocation(location, operands)
        let resultTypes: [TensorType]
        do {
            if let stranger = operands.firstIndex(where: { $0.graph !== self }) {
                throw ShapeError("operand \(stranger) belongs to another graph")
            }
            resultTypes = try op.accept(ShapeRule(operands: types))
            if let complaint = resultTypes.lazy.compactMap(\.shape.complaint).first {
                throw ShapeError("the result: \(complaint)")
            }
        } catch {
            throw GraphError(operation: name ?? op.name, message: "\(error)", operands: types, location: location)
        }
        nodes.append(
            Node(
                op: op, operands: operands.map(\.value), operandTypes: types, resultTypes: resultTypes,
                location: location))
        let index = nodes.count - 1
        if let leaf { leaves[leaf] = Value(node: index) }
        return resultTypes.indices.map {
            Tensor(graph: self, value: Value(node: index, result: $0), type: resultTypes[$0])
        }
    }

    /// Adds a node that is known to be right.
    ///
    /// - Returns: its number.
    func append(_ node: Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    /// What is wrong with a call, said of the line that ``add(_:_:at:as:)`` would give a node that is made there.
    package func failure(
        _ operation: String, _ message: String, _ operands: [Tensor] = [], at location: SourceLocation?
    ) -> GraphError {
        GraphError(
            operation: operation, message: message, operands: operands.map(\.type),
            location: usersLocation(location, operands))
    }

    /// The line of the user's code that a node at `location` comes from. Where the library's own code speaks for nobody, it
    /// is that of what it works on.
    private func usersLocation(_ location: SourceLocation?, _ operands: [Tensor]) -> SourceLocation? {
        if let locationOverride { return locationOverride }
        if let location, !location.isInLibrary { return location }
        return operands.lazy.compactMap(\.node.location).first { !$0.isInLibrary } ?? location
    }

    /// Runs `body` with every node it adds, and every ``GraphError`` it throws, said to come from `location`.
    package func at<Result, Failure: Error>(
        _ location: SourceLocation?, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (outer, first) = (locationOverride, nodes.count)
        locationOverride = outer ?? location
        defer {
            locationOverride = outer
            if outer == nil, location != nil, nodes.count > first { spans.append(first..<nodes.count) }
        }
        do {
            return try body()
        } catch {
            guard var known = error as? GraphError else { throw error }
            known.location = locationOverride ?? known.location
            throw known as? Failure ?? error
        }
    }

    /// The nodes in the order of the calls that made them: together those of each outermost call of ``at(_:_:)``, a layer's as
    /// a rule, and one by one all others.
    package var calls: [Range<Int>] {
        var (calls, next): ([Range<Int>], Int) = ([], 0)
        for span in spans + [nodes.count..<nodes.count] {
            calls += (next..<span.lowerBound).map { $0..<($0 + 1) }
            calls.append(span)
            next = span.upperBound
        }
        return calls
    }

    /// Has every run that computes `result` check that `indices` lie in `range`.
    ///
    /// - Parameters:
    ///   - meaning: what the indices are, in the plural: labels, indices.
    ///   - name: what the user called, where that is not the operation that makes the result.
    package func check(
        _ indices: Tensor, in range: Range<Int>, _ meaning: String, of result: Tensor, as name: String? = nil
    ) {
        indexChecks.append(
            IndexCheck(indices: indices.value, range: range, meaning: meaning, node: result.value.node, name: name))
    }

    /// Whether a run with a negative one among these indices is an error anyway.
    package func refusesNegative(_ indices: Tensor) -> Bool {
        let source = nodes.withoutViews(indices.value)
        return indexChecks.contains { $0.range.lowerBound >= 0 && nodes.withoutViews($0.indices) == source }
    }

    /// The variables read so far, each with the line that read it first.
    package var variablesRead: [(variable: Variable, location: SourceLocation?)] {
        nodes.compactMap { node in
            if case .variable(let variable) = node.op { (variable, node.location) } else { nil }
        }
    }

    package func tensor(_ value: Value) -> Tensor {
        Tensor(graph: self, value: value, type: nodes[value.node].resultTypes[value.result])
    }
}

/// A symbolic tensor: a value that a graph will compute.
public struct Tensor {
    /// The graph that it belongs to.
    public let graph: Graph
    package let value: Value
    /// The shape and the type of the elements.
    public let type: TensorType

    /// The extents, outermost first.
    public var shape: Shape { type.shape }
    /// The type of the elements.
    public var dtype: DType { type.dtype }

    package init(graph: Graph, value: Value, type: TensorType) {
        self.graph = graph
        self.value = value
        self.type = type
    }

    /// The node that computes this tensor.
    package var node: Node { graph.nodes[value.node] }

    /// Adds a node with one result that has this tensor as its first operand.
    package func apply(
        _ op: Op, _ others: [Tensor] = [], file: StaticString, line: UInt
    ) throws(GraphError) -> Tensor {
        try graph.add(op, [self] + others, at: SourceLocation(file: file, line: line))[0]
    }
}

/// What a shape rule has against its operands, before the graph adds the operation and the location.
package struct ShapeError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The types of an operation's results, or why the operands don't fit. The rule of each operation is
/// beside its meaning in `Ops/`.
package struct ShapeRule: OpVisitor {
    package let operands: [TensorType]

    package init(operands: [TensorType]) { self.operands = operands }

    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw ShapeError(message()) }
    }

    func count(_ expected: Int) throws {
        try require(operands.count == expected, "takes \(expected) operands, not \(operands.count)")
    }

    func count(_ expected: ClosedRange<Int>) throws {
        try require(
            expected.contains(operands.count),
            "takes \(expected.lowerBound) to \(expected.upperBound) operands, not \(operands.count)")
    }

    func rank(_ index: Int, _ expected: Int, _ layout: String) throws {
        try require(
            operands[index].shape.rank == expected, "operand \(index) must be \(layout), not \(operands[index].shape)")
    }

    func shape(_ index: Int, _ expected: Shape, _ meaning: String) throws {
        try require(
            operands[index].shape == expected, "\(meaning) must have shape \(expected), not \(operands[index].shape)")
    }

    func floating(_ indices: Int...) throws {
        for index in indices.isEmpty ? Array(operands.indices) : indices {
            try require(
                operands[index].dtype.isFloatingPoint,
                "operand \(index) must be of a floating-point type, not \(operands[index].dtype); cast it first")
            try require(
                operands[index].dtype == operands[indices.first ?? 0].dtype,
                "operands must share one type, not \(operands[indices.first ?? 0].dtype) and \(operands[index].dtype); cast one of them"
            )
        }
    }

    /// What a forward pass keeps for its gradient, or weights: of this shape, in the type that the first operand is computed in.
    func statistics(_ index: Int, _ expected: Shape, _ meaning: String) throws {
        try shape(index, expected, meaning)
        let dtype = operands[0].dtype.computed
        try require(operands[index].dtype == dtype, "\(meaning) must be \(dtype), not \(operands[index].dtype)")
    }

    func countable(_ shape: Shape) throws {
        if let complaint = shape.complaint { throw ShapeError(complaint) }
    }

    /// So many multiplications, the product of the factors, can be counted with some to spare, as backends do.
    func countable(work factors: Int...) throws {
        try require(
            factors.reduce(1) { $0.times($1) } <= 1 << 60, "takes more multiplications than any machine can do")
    }

    /// A number that must be neither negative nor infinite nor NaN.
    func magnitude(_ value: Double, _ meaning: String) throws {
        try require(
            (0..<Double.infinity).contains(value), "\(meaning) must be a number of at least 0, not \(value)")
    }

    func integers(_ index: Int, _ meaning: String) throws {
        try require(operands[index].dtype == .int32, "\(meaning) must be int32, not \(operands[index].dtype)")
    }
}
