import Testing

@testable import TensorGraph

/// Kernels of rows that evaluate the elementwise chain that makes an operand, and those that must not.
@Suite struct RowFusionTests {
    private let graph = Graph()

    private func input(_ name: String, _ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
        try graph.input(name, shape, dtype)
    }

    /// What is left to compute after every pass, in order: names, with the number of instructions of a program that makes an
    /// operand; each node's types are what its rule says.
    private func nodes(_ outputs: Tensor...) throws -> [String] {
        let computation = try Computation(graph, outputs: outputs, updates: []).optimized()
        for node in computation.nodes {
            #expect(try node.op.accept(ShapeRule(operands: node.operandTypes)) == node.resultTypes)
        }
        return computation.nodes.compactMap { node in
            if node.isWithoutWork { return nil }
            guard case .producedOperand(let produced) = node.op else { return node.op.name }
            return "\(node.op.name) of \(produced.program.instructions.count) at \(produced.place)"
        }
    }

    @Test func scoresAndTheirGradientAreReadBySoftmax() throws {
        let (x, mask) = (try input("x", [2, 5, 7]), try input("m", [5, 7]))
        let y = try (x * 0.5 + mask).softmax()
        #expect(try nodes(y) == ["softmax of 2 at 0"])
        #expect(try nodes((x + mask).logSoftmax()) == ["logSoftmax of 1 at 0"])
        let dx = try graph.gradients(
            of: y * input("w", [7]), withRespectTo: [x], cotangent: input("dy", [2, 5, 7]))[0]
        // What the cotangent is multiplied by goes into softmax's gradient, the factor of x after it stays.
        #expect(try nodes(dx) == ["softmax of 2 at 0", "softmaxGradient of 1 at 1", "elementwise"])
    }

    @Test func normalizationReadsWhatItsGradientDoesNot() throws {
        let (x, residual) = (try input("x", [64, 6]), try input("r", [64, 6]))
        let (scale, bias) = (try input("s", [6]), try input("b", [6]))
        let y = try (x + residual).layerNorm(scale: scale, bias: bias)
        #expect(try nodes(y) == ["layerNorm of 1 at 0"])
        #expect(try nodes((x * 2).rmsNorm(scale: scale)) == ["rmsNorm of 1 at 0"])
        let dx = try graph.gradients(of: y.tanh(), withRespectTo: [x], cotangent: input("dy", [64, 6]))[0]
        let names = try nodes(dx)
        #expect(names.filter { $0.hasPrefix("layerNorm") } == ["layerNorm", "layerNormGradient of 4 at 4"])
    }

    @Test func whatAnotherReadsStaysApart() throws {
        let chain = try input("x", [5, 7]) * 2
        #expect(try nodes(chain.softmax(), chain) == ["elementwise", "softmax"])
        #expect(try nodes(chain.softmax(), chain.logSoftmax()) == ["elementwise", "softmax", "logSoftmax"])
    }

    @Test func fewLongRowsStayApart() throws {
        #expect(try nodes(input("x", [31, 1000]).exp().softmax()) == ["exp", "softmax"])
        #expect(try nodes(input("y", [32, 1000]).exp().softmax()) == ["softmax of 1 at 0"])
        #expect(try nodes(input("z", [4, 1024]).exp().softmax()) == ["softmax of 1 at 0"])
    }

    @Test func groupsReadWhatStepsEvenlyThroughThem() throws {
        let (x, scale, bias) = (try input("x", [2, 6, 5, 7]), try input("s", [6]), try input("b", [6]))
        func nodes(_ operand: Tensor, groups: Int) throws -> [String] {
            try self.nodes((x * operand).groupNorm(groups: groups, scale: scale, bias: bias))
        }
        let channels = try input("c", [6, 1, 1])
        #expect(try nodes(channels, groups: 6) == ["groupNorm of 1 at 0"])
        #expect(try nodes(channels, groups: 3) == ["*", "groupNorm"])
        #expect(try nodes(input("n", [2, 1, 1, 1]), groups: 3) == ["groupNorm of 1 at 0"])
        #expect(try nodes(input("p", [5, 7]), groups: 3) == ["*", "groupNorm"])
        #expect(try nodes(input("w", [2, 6, 5, 7]), groups: 3) == ["groupNorm of 1 at 0"])
    }

    @Test func otherTypesStayApart() throws {
        let whole = try input("i", [5, 7], .int32)
        #expect(try nodes(whole.cast(to: .float32).softmax()) == ["cast", "softmax"])
        let half = try input("h", [5, 7], .float16)
        #expect(try nodes((half * 2).softmax()) == ["softmax of 1 at 0"])
        #expect(try nodes(half.cast(to: .float32).exp().softmax()) == ["elementwise", "softmax"])
    }
}
