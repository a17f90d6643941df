import Testing

@testable import TensorGraph

/// Reductions that evaluate the elementwise chain that makes their operand, and those that must not.
@Suite struct ReductionFusionTests {
    private let graph = Graph()

    private func input(_ name: String, _ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
        try graph.input(name, shape, dtype)
    }

    private struct Reduction {
        var reduce: Reduce
        var producer: ElementwiseProgram?
        var node: Node

        init?(_ node: Node) {
            self.node = node
            switch node.op {
            case .reduce(let reduce): self.reduce = reduce
            case .producedOperand(let produced):
                guard case .reduce(let reduce) = produced.op else { return nil }
                (self.reduce, producer) = (reduce, produced.program)
            default: return nil
            }
        }
    }

    /// The reductions that are left, in order, after every pass; each node's types are what its rule says.
    private func reductions(_ outputs: Tensor..., updates: [(Variable, Tensor)] = []) throws -> [Reduction] {
        let computation = try Computation(graph, outputs: outputs, updates: updates).optimized()
        for node in computation.nodes {
            #expect(try node.op.accept(ShapeRule(operands: node.operandTypes)) == node.resultTypes)
        }
        return computation.nodes.compactMap { Reduction($0) }
    }

    /// The number of instructions that the only reduction evaluates.
    private func instructions(_ output: Tensor) throws -> Int {
        let found = try reductions(output)
        #expect(found.count == 1)
        return found.first?.producer?.instructions.count ?? 0
    }

    @Test func aChainIsReadByItsReduction() throws {
        let (x, y, z) = (try input("x", [5, 7]), try input("y", [7]), try input("z", [5, 1]))
        for axis in 0...1 {
            let found = try reductions(try (x * y + z).relu().sum(axes: [axis]))
            #expect(found.map(\.producer?.instructions.count) == [3])
            #expect(found.map { $0.node.operandTypes.map(\.shape) } == [[[5, 7], [7], [5, 1]]])
            #expect(found.map { $0.node.resultTypes[0].shape } == [axis == 0 ? [7] : [5]])
        }
        #expect(try instructions(x.exp().maximum()) == 1)
        #expect(try instructions((x * 2 + 1).mean(axes: [1])) == 2)
    }

    @Test func onlyTheFirstOfSeveralReductionsReadsTheChain() throws {
        let x = try input("x", [2, 3, 4])
        let found = try reductions(try x.square().sum(axes: [0, 2]))
        #expect(found.map(\.producer?.instructions.count) == [1, nil])
    }

    @Test func gradientsOfBroadcastOperandsAreRead() throws {
        let (x, scale, bias) = (try input("x", [5, 7]), try input("s", [7]), try input("b", [7]))
        let gradients = try graph.gradients(of: (x * scale + bias).square().sum(), withRespectTo: [scale])
        let found = try reductions(gradients[0])
        #expect(found.map { $0.reduce.first } == [0])
        #expect(found.allSatisfy { $0.producer != nil })
    }

    @Test func float64IsReadToo() throws {
        #expect(try instructions(input("x", [3, 4], .float64).exp().sum(axes: [0])) == 1)
    }

    @Test func aChainWithAnotherReaderStaysApart() throws {
        let x = try input("x", [5, 7])
        let chain = try x.square() + 1
        #expect(try reductions(chain.sum(axes: [0]), chain).map(\.producer) == [nil])
        #expect(try reductions(chain.sum(axes: [0]), chain.softmax()).map(\.producer) == [nil])
        #expect(try reductions(chain.sum(axes: [0]), chain.sum(axes: [1])).map(\.producer) == [nil, nil])
        let variable = Variable("v", try HostTensor(zeros: chain.type))
        #expect(try reductions(chain.sum(axes: [0]), updates: [(variable, chain)]).map(\.producer) == [nil])
    }

    @Test func whatIsNoChainInOneTypeStaysApart() throws {
        let (x, whole, half) = (
            try input("x", [5, 7]), try input("i", [5, 7], .int32), try input("h", [5, 7], .float16)
        )
        #expect(try instructions(x.softmax().sum(axes: [0])) == 0)
        #expect(try instructions(x.exp().reshaped(to: [35]).sum()) == 0)
        #expect(try instructions(whole.cast(to: .float32).sum(axes: [0])) == 0)
        #expect(try instructions((whole.cast(to: .float32) * x).sum(axes: [0])) == 0)
        #expect(try instructions(half.cast(to: .float32).exp().sum(axes: [0])) == 0)
    }

    @Test(arguments: [DType.float16, .bfloat16]) func aChainIn16BitsIsReducedAsItIsRead(_ dtype: DType) throws {
        let x = try input("x", [5, 7], dtype)
        #expect(try instructions(x.exp().sum(axes: [0])) == 1)
        #expect(try instructions((x.exp() * x).mean(axes: [1])) == 2)
    }

    @Test func anOperandThatStepsUnevenlyStaysApart() throws {
        let x = try input("x", [4, 3, 5])
        // Along a part of the reduced axes, or of those after them.
        #expect(try instructions((x * input("a", [3, 1])).sum(axes: [1, 2])) == 0)
        #expect(try instructions((x * input("b", [5])).sum(axes: [0])) == 0)
        #expect(try instructions((x * input("c", [5])).sum(axes: [2])) == 1)
        #expect(try instructions((x * input("d", [3, 1])).sum(axes: [2])) == 1)
        #expect(try instructions((x * input("e", [4, 1, 5])).sum(axes: [1])) == 1)
    }

    @Test func nothingIsLeftOfEmptyChains() throws {
        #expect(try reductions(input("x", [0, 3]).exp().sum(axes: [0])).isEmpty)
        #expect(
            try reductions(input("y", [3, 0]).exp().maximum(axes: [0])).allSatisfy {
                $0.node.resultTypes[0].shape == [0]
            })
    }

    @Test func gradientsComeBeforeFusing() throws {
        let program = ElementwiseProgram(single: .unary(.exponential), operandCount: 1, dtype: .float32)
        let x = try input("x", [3])
        let produced = ProducedOperand(
            of: .reduce(Reduce(.sum, first: 0, count: 1)), at: 0, program, operands: 1, walk: .init(first: 0, count: 1))
        let sum = try graph.add(.producedOperand(produced), [x])[0]
        #expect(throws: GraphError.self) { try graph.gradients(of: sum, withRespectTo: [x]) }
    }
}
