import Testing

@testable import TensorGraph

/// Updates of small parameters put together into few nodes.
@Suite struct UpdateGroupTests {
    private let graph = Graph()

    private func updates(
        of shapes: [Shape], _ attributes: Adam, step: Tensor, rate: Tensor
    ) throws -> [(Variable, Tensor)] {
        try shapes.enumerated().flatMap { index, shape -> [(Variable, Tensor)] in
            func variable(_ name: String) -> Variable {
                Variable("\(name)\(index)", try HostTensor(zeros: TensorType(shape, .float32)))
            }
            let (p, m, v) = (variable("p"), variable("m"), variable("v"))
            let value = try graph.read(p)
            let results = try graph.add(
                .adam(attributes), [value, value.exp(), graph.read(m), graph.read(v), step, rate])
            return [(p, results[0]), (m, results[1]), (v, results[2])]
        }
    }

    private func shared() throws -> (step: Tensor, rate: Tensor) {
        (
            try graph.read(Variable("step", try HostTensor(zeros: TensorType([], .int32)))),
            try graph.read(Variable("rate", try HostTensor(zeros: TensorType([], .float32))))
        )
    }

    private func adams(_ computation: Computation) -> [Node] {
        computation.nodes.filter { if case .adam = $0.op { true } else { false } }
    }

    @Test func smallParametersShareNodes() throws {
        let (step, rate) = try shared()
        let shapes: [Shape] = (1...9).map { [$0] } + [[1 << 16]]
        let updates = try updates(of: shapes, Adam(), step: step, rate: rate)
        let computation = try Computation(graph, outputs: [], updates: updates).optimized()
        #expect(adams(computation).map { $0.resultTypes.count / 3 }.sorted() == [1, 2, 7])
        for node in adams(computation) {
            #expect(try node.op.accept(ShapeRule(operands: node.operandTypes)) == node.resultTypes)
        }
        for update in computation.updates {
            #expect(computation.type(update.value) == update.variable.type)
            let node = computation.nodes[update.value.node]
            // Each result belongs to the parameter whose variables it updates.
            let parameter = update.value.result / 3
            let slot = [0, 2, 3][update.value.result % 3]
            guard case .variable(let read) = computation.nodes[node.operands[4 * parameter + slot].node].op else {
                Issue.record("\(update.variable) is not read by its own update")
                continue
            }
            #expect(read == update.variable)
        }
        for (index, node) in computation.nodes.enumerated() {
            #expect(node.operands.allSatisfy { $0.node < index })
        }
    }

    @Test func updatesOfDifferentKindsStayApart() throws {
        let (step, rate) = try shared()
        let updates =
            try updates(of: [[3], [4]], Adam(), step: step, rate: rate)
            + updates(of: [[5]], Adam(beta1: 0.5), step: step, rate: rate)
        let computation = try Computation(graph, outputs: [], updates: updates).optimized()
        #expect(adams(computation).map { $0.resultTypes.count / 3 }.sorted() == [1, 2])
    }

    @Test func anUpdateThatIsReadStaysWhereItIs() throws {
        let (step, rate) = try shared()
        let updates = try updates(of: [[3], [4], [5]], Adam(), step: step, rate: rate)
        let output = try updates[0].1.softmax()
        let computation = try Computation(graph, outputs: [output], updates: updates).optimized()
        #expect(adams(computation).map { $0.resultTypes.count / 3 }.sorted() == [1, 2])
    }
}
