import Testing

@testable import TensorGraph

/// One variable is one tensor of a graph, and a gradient is of something that the output depends on.
@Suite struct DependenceTests {
    private let graph = Graph()
    private let weight = Variable("w", try HostTensor(zeros: TensorType([3])))

    private func refusal(_ body: () throws -> [Tensor]) -> GraphError? {
        #expect(throws: GraphError.self) { _ = try body() }
    }

    @Test func aVariableOrInputHasOneNode() throws {
        let first = try graph.read(weight)
        #expect(try graph.read(weight).value == first.value)
        let x = try graph.input("x", [3])
        #expect(try graph.input("x", [3]).value == x.value)
        #expect(try graph.input("y", [3]).value != x.value)
        #expect(graph.nodes.count == 3)
        #expect(graph.variablesRead.map(\.variable) == [weight])
        // Its twin is another variable, though it is called the same.
        let twin = Variable("w", try HostTensor(zeros: TensorType([3])))
        #expect(try graph.read(twin).value != first.value)
        // Other graphs have a node of their own.
        let other = Graph()
        #expect(try other.read(weight).graph === other)
        #expect(first.node.location?.description.contains("DependenceTests.swift") == true)
    }

    @Test func whatIsNotUsedIsSaid() throws {
        let (w, x) = (try graph.read(weight), try graph.input("x", [3]))
        let loss = try x.square().sum()
        let unused: [(Tensor, String)] = [
            (w, "“w”"), (try x * 2, "the result of"), (try graph.input("z", [3]), "“z”"),
            (try graph.constant(HostTensor(zeros: TensorType([3]))), "constant"), (try loss * 2, "the result of"),
        ]
        for (tensor, name) in unused {
            let error = refusal {
                try graph.gradients(of: loss, withRespectTo: [x, tensor], file: "Here.swift", line: 7)
            }
            #expect(error?.description.contains(name) == true, "\(error as Any)")
            #expect(error?.description.contains("number 1") == true)
            #expect(error?.location?.description == "Here.swift:7")
            let zeros = try graph.gradients(of: loss, withRespectTo: [x, tensor], allowsUnused: true)
            #expect(zeros[1].type == tensor.type)
            #expect(zeros[1].node.op == .fill(Fill(value: 0, type: tensor.type)))
        }
    }

    @Test func whatLetsNoGradientThroughIsNoUse() throws {
        let x = try graph.input("x", [3, 4])
        let ways: [Tensor] = [
            try x.stoppingGradient().sum(), try x.less(than: x * 2).cast(to: .float32).sum(),
            try x.cast(to: .int32).cast(to: .float32).sum(), try x.argMax().cast(to: .float32).sum(),
        ]
        for loss in ways {
            let error = refusal { try graph.gradients(of: loss, withRespectTo: [x]) }
            #expect(error?.description.contains("“x”") == true)
        }
        // A slope of zero is a gradient.
        for loss in [try x.floor().sum(), try x.sign().sum()] {
            #expect(try graph.gradients(of: loss, withRespectTo: [x])[0].type == x.type)
        }
        // Behind the stop, the stopped tensor itself has one.
        let stopped = try x.stoppingGradient()
        #expect(try graph.gradients(of: (stopped * 3).sum(), withRespectTo: [stopped]).count == 1)
    }

    @Test func theOutputItselfAndOneTensorTwice() throws {
        let x = try graph.input("x", [])
        let y = try x * 3
        let gradients = try graph.gradients(of: y, withRespectTo: [y, x, x])
        #expect(gradients[0].node.op == .fill(Fill(value: 1, type: TensorType([]))))
        #expect(gradients[1].value == gradients[2].value)
        let dy = try graph.input("dy", [])
        #expect(try graph.gradients(of: y, withRespectTo: [y], cotangent: dy)[0].value == dy.value)
        #expect(try graph.gradients(of: x, withRespectTo: [x])[0].type == x.type)
    }

    @Test func integersHaveNoGradients() throws {
        let indices = try graph.input("i", [2], .int32)
        let table = try graph.read(Variable("t", try HostTensor(zeros: TensorType([5, 3]))))
        let loss = try table.embedding(indices).sum()
        for allows in [false, true] {
            let error = refusal {
                try graph.gradients(of: loss, withRespectTo: [table, indices], allowsUnused: allows)
            }
            #expect(error?.description.contains("only floating-point tensors have gradients, not “i”") == true)
        }
    }

    @Test func gradientsOfGradientsThatDependOnNothingMore() throws {
        let x = try graph.input("x", [3])
        let slope = try graph.gradients(of: (x * 3).sum(), withRespectTo: [x])[0]
        #expect(refusal { try graph.gradients(of: slope.sum(), withRespectTo: [x]) } != nil)
        let zeros = try graph.gradients(of: slope.sum(), withRespectTo: [x], allowsUnused: true)
        #expect(zeros[0].node.op == .fill(Fill(value: 0, type: x.type)))
        let curve = try graph.gradients(of: (x.square() * x).sum(), withRespectTo: [x])[0]
        #expect(try graph.gradients(of: curve.sum(), withRespectTo: [x])[0].type == x.type)
    }
}
