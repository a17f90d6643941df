import Testing

@testable import TensorGraph

/// Steps of optimizers as one program each, with several results, and small programs put together into few nodes.
@Suite struct ProgramGroupTests {
    private let graph = Graph()

    private func zeros(_ name: String, _ shape: Shape, _ dtype: DType = .float32) throws -> Variable {
        Variable(name, try HostTensor(zeros: TensorType(shape, dtype)))
    }

    /// Steps with velocity and a factor that is computed of a rate and a count on the device.
    private func steps(
        of shapes: [Shape], momentum: Double = 0.9, count: Tensor, rate: Tensor
    ) throws -> [(Variable, Tensor)] {
        try shapes.enumerated().flatMap { index, shape -> [(Variable, Tensor)] in
            let (p, v) = (try zeros("p\(index)", shape), try zeros("v\(index)", shape))
            let value = try graph.read(p)
            let gradient = try value.softmax() + value * 0.5
            let velocity = try graph.read(v) * momentum + gradient
            let factor = try rate / -(count.cast(to: .float32) * -0.5).expm1()
            return [(p, try value - (velocity * factor + gradient)), (v, velocity)]
        }
    }

    private func shared() throws -> (count: Tensor, rate: Tensor) {
        (try graph.read(zeros("count", [], .int32)), try graph.read(zeros("rate", [])))
    }

    private func optimized(_ updates: [(Variable, Tensor)], outputs: [Tensor] = []) throws -> Computation {
        let computation = try Computation(graph, outputs: outputs, updates: updates).optimized()
        for (index, node) in computation.nodes.enumerated() {
            #expect(node.operands.allSatisfy { $0.node < index })
            #expect(try node.op.accept(ShapeRule(operands: node.operandTypes)) == node.resultTypes)
            #expect(node.operandTypes == node.operands.map { computation.type($0) })
        }
        for update in computation.updates { #expect(computation.type(update.value) == update.variable.type) }
        return computation
    }

    /// The members of each elementwise node that works on anything but numbers.
    private func members(_ computation: Computation) -> [Int] {
        computation.nodes.compactMap { node in
            switch node.op {
            case .elementwiseGroup(let group): group.members
            case .elementwise, .binary, .unary, .cast: 1
            default: nil
            }
        }.sorted()
    }

    @Test func aStepIsOneProgram() throws {
        let (count, rate) = try shared()
        let computation = try optimized(steps(of: [[1 << 16], [1 << 17]], count: count, rate: rate))
        #expect(members(computation) == [1, 1])
        let programs = computation.nodes.compactMap(\.elementwiseProgram)
        #expect(programs.allSatisfy { $0.results.count == 2 })
        // p, the softmax of p, v, the count and the rate.
        #expect(computation.nodes.filter { $0.elementwiseProgram != nil }.allSatisfy { $0.operands.count == 5 })
    }

    @Test func smallStepsShareNodes() throws {
        let (count, rate) = try shared()
        let shapes: [Shape] = (1...14).map { [$0] } + [[1 << 16]]
        let computation = try optimized(steps(of: shapes, count: count, rate: rate))
        #expect(members(computation) == [1, 4, 10])
        for update in computation.updates {
            let node = computation.nodes[update.value.node]
            guard case .elementwiseGroup(let group) = node.op else { continue }
            // Each result belongs to the parameter whose variables it updates.
            let member = update.value.result / 2
            let read = group.operands(of: member).compactMap { operand -> Variable? in
                if case .variable(let variable) = computation.nodes[node.operands[operand].node].op {
                    variable
                } else {
                    nil
                }
            }
            #expect(read.contains(update.variable), "\(update.variable)")
        }
    }

    @Test func differentStepsStayApart() throws {
        let (count, rate) = try shared()
        let updates =
            try steps(of: [[3], [4]], count: count, rate: rate)
            + steps(of: [[5]], momentum: 0.5, count: count, rate: rate)
        #expect(try members(optimized(updates)) == [1, 2])
    }

    /// What reads a member comes after the group, and what a member reads before.
    @Test func programsThatNeedOneAnotherStayApart() throws {
        let x = try (0..<3).map { try graph.input("x\($0)", [4 + $0]) }
        let first = try x.map { try $0.exp() }
        let sums = try first.map { try $0.cumsum(axis: 0).sum() }
        let second = try zip(x, sums).map { try ($0 * $1).exp().cumsum(axis: 0) }
        let computation = try optimized([], outputs: second + [first[2].exp().cumsum(axis: 0)])
        #expect(members(computation).reduce(0, +) == 7)
        #expect(members(computation).contains(3))
    }

    /// A reduction evaluates the chain it reads, whatever in it is kept.
    @Test func aReducedChainHasOneResult() throws {
        let x = try graph.input("x", [5, 7])
        let square = try x.square() + 1
        let computation = try optimized([], outputs: [square, (square * 2 - x).sum()])
        let producers = computation.nodes.compactMap { node -> ElementwiseProgram? in
            if case .producedOperand(let produced) = node.op { produced.program } else { nil }
        }
        #expect(producers.map(\.instructions.count) == [2])
        #expect(members(computation) == [1])
    }

    @Test func numbersThatAReductionWouldRepeatStayApart() throws {
        let (count, rate) = try shared()
        let x = try graph.input("x", [5, 7])
        let factor = try rate / count.cast(to: .float32)
        let computation = try optimized([], outputs: [(x * factor).sum()])
        #expect(members(computation) == [1])
    }
}
