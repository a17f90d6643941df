import TensorGraph
import TestSupport
import Testing

@Suite struct ReferenceTests {
    /// The vectors for `philox4x32 10` in Random123's `tests/kat_vectors`.
    @Test func philoxGivesTheKnownAnswers() {
        let ones = UInt32.max
        #expect(
            Philox.words(counter: [0, 0, 0, 0], key: [0, 0])
                == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
        #expect(
            Philox.words(counter: [ones, ones, ones, ones], key: [ones, ones])
                == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
        #expect(
            Philox.words(
                counter: [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], key: [0xA409_3822, 0x299F_31D0])
                == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1])
    }

    @Test func everyOperationHasACase() throws {
        var used: Set<OpKind> = []
        for opCase in OpCase.all {
            let graph = try opCase.built(withGradients: true).graph
            for node in graph.nodes { used.insert(node.op.kind) }
        }
        #expect(Set(OpKind.allCases).subtracting(used).map(\.rawValue).sorted() == [])
    }

    @Test func caseNamesAreUnique() {
        let repeated = Dictionary(grouping: OpCase.all, by: \.name).filter { $0.value.count > 1 }.keys
        #expect(repeated.sorted() == [])
    }

    @Test("Every case can be built and evaluated", arguments: OpCase.all.filter { !$0.isLarge })
    func caseIsBuiltAndEvaluated(_ opCase: OpCase) throws {
        let built = try opCase.built(withGradients: true)
        let values = try Reference.evaluate(built.outputs + built.gradients, inputs: built.data)
        #expect(values.map(\.count) == (built.outputs + built.gradients).map(\.shape.elementCount))
    }

    /// Worked by hand or taken from PyTorch, so that the reference itself stands on something else than its own code.
    @Test func anchors() throws {
        let graph = Graph()
        let x = try graph.input("x", [1, 1, 2, 3], .float64)
        let w = try graph.input("w", [1, 1, 2, 2], .float64)
        let data: [String: [Double]] = ["x": [1, 2, 3, 4, 5, 6], "w": [1, 10, 100, 1000]]
        // 1·1 + 2·10 + 4·100 + 5·1000, then one column on.
        #expect(try Reference.evaluate([x.conv2D(w)], inputs: data) == [[5421, 6532]])
        #expect(try Reference.evaluate([x.maxPool2D(window: 2, stride: 1)], inputs: data) == [[5, 6]])
        #expect(try Reference.evaluate([x.averagePool2D(window: 2, stride: 1)], inputs: data) == [[3, 4]])
        let matrix = try x.reshaped(to: [2, 3])
        #expect(
            try Reference.evaluate([matrix.matMul(matrix, transposeOther: true)], inputs: data) == [[14, 32, 32, 77]])
        #expect(
            try Reference.evaluate([matrix.transposed([1, 0])], inputs: data) == [[1, 4, 2, 5, 3, 6]])
        let softmax = try Reference.evaluate([matrix.softmax()], inputs: data)[0]
        #expect(abs(softmax[0] - 0.090_030_573_170_380_46) < 1e-15 && abs(softmax[2] - 0.665_240_955_774_821_7) < 1e-15)
        let normalized = try Reference.evaluate(
            [matrix.layerNorm(scale: graph.fill(1, [3], .float64), bias: graph.fill(0, [3], .float64), epsilon: 0)],
            inputs: data)[0]
        #expect(abs(normalized[0] + 1.5.squareRoot()) < 1e-12 && abs(normalized[1]) < 1e-12)
    }
}
