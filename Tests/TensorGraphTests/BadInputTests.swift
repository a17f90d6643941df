import TensorGraph
import Testing

/// One mistake: what is done, and what the error must say. Every error also names the line.
struct Mistake: Sendable, CustomTestStringConvertible {
    var operation: String
    /// Parts of the message: what is wrong, and the shapes.
    var says: [String]
    var make: @Sendable (Graph) throws -> Void

    var testDescription: String { "\(operation): \(says[0])" }

    init(_ operation: String, _ says: String..., make: @escaping @Sendable (Graph) throws -> Void) {
        self.operation = operation
        self.says = says
        self.make = make
    }
}

extension Graph {
    /// An operand that nothing is wrong with.
    func operand(_ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
        try input("x\(nodes.count)", shape, dtype)
    }

    /// A node with operands of these types.
    func node(_ op: Op, _ types: TensorType...) throws {
        let operands = try types.map { try operand($0.shape, $0.dtype) }
        _ = try add(op, operands, at: SourceLocation(file: "Here.swift", line: 7))
    }
}

func float(_ shape: Shape) -> TensorType { TensorType(shape) }
func int(_ shape: Shape) -> TensorType { TensorType(shape, .int32) }

@Suite struct BadInputTests {
    private static let mistakes: [Mistake] = [
        Mistake("input", "negative extent", "[2, -1]") { _ = try $0.input("x", [2, -1]) },
        Mistake("input", "more elements than memory") { _ = try $0.input("x", [1 << 40, 1 << 40]) },
        Mistake("fill", "negative extent") { _ = try $0.fill(0, [-3]) },
        Mistake("random", "the counter must be int32", "float32[]") {
            try $0.node(.random(Random(distribution: .normal, seed: 1, shape: [2])), float([]))
        },
        Mistake("random", "negative extent") {
            try $0.node(.random(Random(distribution: .normal, seed: 1, shape: [-2])), int([]))
        },
        Mistake("dropout", "the rate must be in 0..<1, not 1.0") {
            try $0.node(.dropout(DropoutMask(rate: 1, seed: 0)), float([3]), int([]))
        },
        Mistake("dropout", "takes 2 operands, not 1") {
            try $0.node(.dropout(DropoutMask(rate: 0.5, seed: 0)), float([3]))
        },
        Mistake("exp", "must be of a floating-point type", "int32[3]") {
            try $0.node(.unary(.exponential), int([3]))
        },
        Mistake("+", "[2, 3] and [2] do not broadcast", "float32[2, 3], float32[2]") {
            try $0.node(.binary(.add), float([2, 3]), float([2]))
        },
        Mistake("+", "of types float32 and int32; cast one") { try $0.node(.binary(.add), float([2]), int([2])) },
        Mistake("+", "takes 2 operands, not 1") { try $0.node(.binary(.add), float([2])) },
        Mistake("+", "more elements than memory") {
            try $0.node(.binary(.add), float([1 << 40, 1]), float([1, 1 << 40]))
        },
        Mistake("select", "of types float32 and int32") { try $0.node(.select, float([1]), float([1]), int([1])) },
        Mistake("select", "do not broadcast") { try $0.node(.select, float([2]), float([3]), float([3])) },
        Mistake("elementwise", "needs operands and instructions") {
            try $0.node(.elementwise(ElementwiseProgram([])), float([1]))
        },
        Mistake("elementwise", "reads a missing operand 1") {
            try $0.node(
                .elementwise(ElementwiseProgram(single: .binary(.add), operandCount: 2, dtype: .float32)), float([1]))
        },
        Mistake("elementwise", "reads a later one, 0") {
            let program = ElementwiseProgram([.init(.unary(.negate), [.instruction(0)], .float32)])
            try $0.node(.elementwise(program), float([1]))
        },
        Mistake("elementwise", "takes 2 arguments, not 1") {
            let program = ElementwiseProgram([.init(.binary(.add), [.operand(0)], .float32)])
            try $0.node(.elementwise(program), float([1]))
        },
        Mistake("reshape", "6 elements do not fill the shape [4]", "float32[2, 3]") {
            try $0.node(.reshape([4]), float([2, 3]))
        },
        Mistake("reshape", "do not fill") { try $0.node(.reshape([-2, -3]), float([2, 3])) },
        Mistake("broadcast", "[3] does not broadcast to [4]") { try $0.node(.broadcast([4]), float([3])) },
        Mistake("transpose", "[0, 0] is no permutation") {
            try $0.node(.transpose(Transpose(permutation: [0, 0])), float([2, 3]))
        },
        Mistake("transpose", "is no permutation") {
            try $0.node(.transpose(Transpose(permutation: [0])), float([2, 3]))
        },
        Mistake("concatenate", "takes at least one operand") {
            _ = $0; _ = try Tensor.concatenated([], axis: 0, file: "Here.swift", line: 7)
        },
        Mistake("concatenate", "there is no axis 2 in [2, 3]") {
            try $0.node(.concatenate(Concatenate(axis: 2)), float([2, 3]))
        },
        Mistake("concatenate", "all extents but that of axis 0") {
            try $0.node(.concatenate(Concatenate(axis: 0)), float([2, 3]), float([2, 4]))
        },
        Mistake("concatenate", "types differ") {
            try $0.node(.concatenate(Concatenate(axis: 0)), float([2]), int([2]))
        },
        Mistake("slice", "leave axis 0 of [4]") {
            try $0.node(.slice(Slice(starts: [2], counts: [3], steps: [1])), float([4]))
        },
        Mistake("slice", "leave axis 0") {
            try $0.node(.slice(Slice(starts: [0], counts: [2], steps: [0])), float([4]))
        },
        Mistake("slice", "needs a start, a count and a step") {
            try $0.node(.slice(Slice(starts: [], counts: [], steps: [])), float([4]))
        },
        Mistake("slice", "there is no axis 3") {
            _ = try $0.operand([4]).sliced(axis: 3, 0..<1, file: "Here.swift", line: 7)
        },
        Mistake("pad", "leave axis 0") { try $0.node(.pad(Pad(starts: [2], steps: [1], shape: [4])), float([3])) },
        Mistake("sum", "are not all in [2]") { try $0.node(.reduce(Reduce(.sum, first: 1, count: 1)), float([2])) },
        Mistake("maximum", "an empty maximum has no value") {
            try $0.node(.reduce(Reduce(.maximum, first: 0, count: 1)), float([0]))
        },
        Mistake("sum", "broadcasts along a part") {
            let program = ElementwiseProgram(single: .binary(.add), operandCount: 2, dtype: .float32)
            let sum = ProducedOperand(
                of: .reduce(Reduce(.sum, first: 0, count: 2)), at: 0, program, operands: 2,
                walk: .init(first: 0, count: 2))
            try $0.node(.producedOperand(sum), float([3, 4]), float([4]))
        },
        Mistake("sum", "must be in one floating-point type") {
            let program = ElementwiseProgram(single: .cast(.float32), operandCount: 1, dtype: .float32)
            let sum = ProducedOperand(
                of: .reduce(Reduce(.sum, first: 0, count: 1)), at: 0, program, operands: 1,
                walk: .init(first: 0, count: 1))
            try $0.node(.producedOperand(sum), int([3]))
        },
        Mistake("sum", "axes [5] are not all in [2]") {
            _ = try $0.operand([2]).sum(axes: [5], file: "Here.swift", line: 7)
        },
        Mistake("argMax", "needs a last axis") { try $0.node(.argMax, float([3, 0])) },
        Mistake("matMul", "inner extents differ: 3 and 4", "float32[2, 3], float32[4, 5]") {
            try $0.node(.matMul(MatMul()), float([2, 3]), float([4, 5]))
        },
        Mistake("matMul", "batch axes [2] and [3] differ") {
            try $0.node(.matMul(MatMul()), float([2, 1, 1]), float([3, 1, 1]))
        },
        Mistake("matMul", "batch axes [2, 3] and [3, 3] differ") {
            _ = try $0.operand([2, 3, 4, 5]).matMul($0.operand([3, 3, 5, 6]), file: "Here.swift", line: 7)
        },
        Mistake("matMul", "take turns too often; broadcast") {
            try $0.node(.matMul(MatMul()), float([2, 1, 2, 1, 4, 5]), float([1, 2, 1, 2, 5, 6]))
        },
        Mistake("matMul", "a vector has no axes to exchange", "float32[4]") {
            _ = try $0.operand([4]).matMul($0.operand([4, 5]), transposeSelf: true, file: "Here.swift", line: 7)
        },
        Mistake("matMul", "inner extents differ: 4 and 5") {
            _ = try $0.operand([2, 4]).matMul($0.operand([5]), file: "Here.swift", line: 7)
        },
        Mistake("matMul", "at least two axes; reshape") { try $0.node(.matMul(MatMul()), float([2]), float([2, 3])) },
        Mistake("matMul", "the bias must have shape [5], not [4]") {
            try $0.node(.matMul(MatMul()), float([2, 3]), float([3, 5]), float([4]))
        },
        Mistake("matMul", "takes 2 to 3 operands, not 1") { try $0.node(.matMul(MatMul()), float([2, 3])) },
        Mistake("conv2D", "must be [n, c, h, w], not [3, 4]") {
            try $0.node(.convolution(Convolution()), float([3, 4]), float([1, 1, 1, 1]))
        },
        Mistake("conv2D", "3 channels in 2 groups") {
            try $0.node(.convolution(Convolution(groups: 2)), float([1, 3, 4, 4]), float([2, 1, 1, 1]))
        },
        Mistake("conv2D", "[5, 5] does not fit") {
            try $0.node(.convolution(Convolution()), float([1, 1, 4, 4]), float([1, 1, 5, 5]))
        },
        Mistake("conv2D", "must be at least 1") {
            try $0.node(.convolution(Convolution(stride: [0, 1])), float([1, 1, 4, 4]), float([1, 1, 1, 1]))
        },
        Mistake("conv2D", "groups do not fit") {
            try $0.node(.convolution(Convolution(groups: 0)), float([1, 1, 4, 4]), float([1, 1, 1, 1]))
        },
        Mistake("conv2D", "no taps") {
            try $0.node(.convolution(Convolution()), float([1, 1, 4, 4]), float([1, 1, 0, 1]))
        },
        Mistake("conv2DInputGradient", "the cotangent must have shape [1, 1, 3, 3]") {
            try $0.node(
                .convolution(Convolution(pass: .inputGradient([1, 1, 4, 4]))),
                float([1, 1, 2, 2]), float([1, 1, 4, 4]))
        },
        Mistake("maxPool2D", "does not fit") {
            try $0.node(.pooling(Pooling(.maximum, window: [5, 5], stride: [1, 1])), float([1, 1, 4, 4]))
        },
        Mistake("maxPool2D", "paddings less than the window") {
            try $0.node(
                .pooling(Pooling(.maximum, window: [2, 2], stride: [1, 1], padding: [2, 0, 0, 0])),
                float([1, 1, 4, 4]))
        },
        Mistake("averagePool3D", "the input must be [n, c, d, h, w], not [1, 1, 4, 4]") {
            _ = try $0.operand([1, 1, 4, 4]).averagePool3D(window: 2, file: "Here.swift", line: 7)
        },
        Mistake("maxPool2D", "a stride and a dilation for each axis") {
            _ = try $0.operand([1, 1, 4, 4]).maxPool(window: [2, 2], stride: [2], file: "Here.swift", line: 7)
        },
        Mistake("maxPool4D", "one to three axes, not 4") {
            _ = try $0.operand([1, 1, 4, 4, 4, 4]).maxPool(window: [2, 2, 2, 2], file: "Here.swift", line: 7)
        },
        Mistake("maxPool1D", "strides and dilations must be at least 1") {
            _ = try $0.operand([1, 1, 4]).maxPool1D(window: 2, dilation: 0, file: "Here.swift", line: 7)
        },
        Mistake("averagePool1D", "must be less than 65536") {
            _ = try $0.operand([1, 1, 70_000]).averagePool1D(window: 65_536, file: "Here.swift", line: 7)
        },
        Mistake("maxPool1D", "would be of nothing but padding") {
            _ = try $0.operand([1, 1, 1]).maxPool1D(
                window: 2, stride: 1, padding: 1, dilation: 2, file: "Here.swift", line: 7)
        },
        Mistake("maxPool2D", "there is nothing in a window on [1, 1, 0, 4]") {
            _ = try $0.operand([1, 1, 0, 4]).maxPool2D(window: 2, padding: 1, file: "Here.swift", line: 7)
        },
        Mistake("normPool2D", "the order of a norm must be at least 1") {
            _ = try $0.operand([1, 1, 4, 4]).normPool(order: 0, window: [2, 2], file: "Here.swift", line: 7)
        },
        Mistake("adaptiveMaxPool2D", "at least one window along each axis") {
            _ = try $0.operand([1, 1, 4, 4]).adaptiveMaxPool(to: [2, 0], file: "Here.swift", line: 7)
        },
        Mistake("adaptiveAveragePool1D", "nothing to spread windows over in [1, 1, 0]") {
            _ = try $0.operand([1, 1, 0]).adaptiveAveragePool(to: [2], file: "Here.swift", line: 7)
        },
        Mistake("adaptiveAveragePool2D", "only maxima have indices") {
            try $0.node(
                .pooling(Pooling(.average(countsPadding: true), .adaptive([1, 1]), pass: .forwardWithIndices)),
                float([1, 1, 4, 4]))
        },
        Mistake("maxPool2DGradient", "the cotangent must have shape [1, 1, 2, 2]") {
            try $0.node(
                .pooling(Pooling(.maximum, window: [2, 2]).with(.gradient([1, 1, 4, 4]))), float([1, 1, 4, 4]),
                float([1, 1, 4, 4]))
        },
        Mistake("globalAveragePool", "the input must be [n, c, …] with spatial axes, not [3, 4]") {
            _ = try $0.operand([3, 4]).globalAveragePool(file: "Here.swift", line: 7)
        },
        Mistake("maxUnpool", "the indices must have shape [1, 1, 2], not [1, 1, 3]") {
            _ = try $0.operand([1, 1, 2]).maxUnpool(
                $0.operand([1, 1, 3], .int32), to: [4], file: "Here.swift", line: 7)
        },
        Mistake("maxUnpool", "one to three spatial extents") {
            _ = try $0.operand([1, 1, 2]).maxUnpool(
                $0.operand([1, 1, 2], .int32), to: [4, 4], file: "Here.swift", line: 7)
        },
        Mistake("softmax", "needs a last axis") { try $0.node(.softmax(.plain), float([])) },
        Mistake("softmax", "there is no axis 2 in [3]") {
            _ = try $0.operand([3]).softmax(axis: 2, file: "Here.swift", line: 7)
        },
        Mistake("crossEntropy", "the labels must be int32, not float32") {
            try $0.node(.crossEntropy(.forward), float([3, 4]), float([3]))
        },
        Mistake("crossEntropy", "the labels must have shape [3], not [4]") {
            try $0.node(.crossEntropy(.forward), float([3, 4]), int([4]))
        },
        Mistake("crossEntropy", "there are no classes") {
            try $0.node(.crossEntropy(.forward), float([3, 0]), int([3]))
        },
        Mistake("layerNorm", "the scale must have shape [4], not [3]") {
            try $0.node(.normalization(Normalization(.layer)), float([2, 4]), float([3]), float([4]))
        },
        Mistake("layerNormGradient", "needs a last axis") {
            try $0.node(
                .normalization(Normalization(.layer, .gradient)), float([]), float([]), float([1]), float([1]),
                float([]))
        },
        Mistake("batchNorm", "must be [n, c, h, w], not [2, 4]") {
            try $0.node(.normalization(Normalization(.batch)), float([2, 4]), float([4]), float([4]))
        },
        Mistake("batchNormGradient", "must be [n, c, h, w]") {
            try $0.node(
                .normalization(Normalization(.batch, .gradient)), float([2]), float([2]), float([2]), float([2]),
                float([2]))
        },
        Mistake("attention", "3 heads of keys cannot serve 4 heads of queries") {
            try $0.node(
                .attention(Attention(isCausal: false, scale: 1)), float([1, 4, 3, 4]), float([1, 3, 5, 4]),
                float([1, 3, 5, 4]))
        },
        Mistake("attention", "the bias [1, 2, 3, 4] does not broadcast to the scores [1, 2, 3, 5]") {
            try $0.node(
                .attention(Attention(isCausal: false, hasBias: true, scale: 1)), float([1, 2, 3, 4]),
                float([1, 2, 5, 4]), float([1, 2, 5, 4]), float([1, 2, 3, 4]))
        },
        Mistake("attention", "the key lengths must have shape [1], not [2]") {
            let q = try $0.operand([1, 2, 3, 4])
            _ = try q.attention(
                keys: q, values: q, keyLengths: $0.operand([2], .int32), file: "Here.swift", line: 7)
        },
        Mistake("attention", "the key lengths must be int32") {
            let q = try $0.operand([1, 2, 3, 4])
            _ = try q.attention(keys: q, values: q, keyLengths: $0.operand([1]), file: "Here.swift", line: 7)
        },
        Mistake("attention", "the mask must be of bool or an integer type") {
            let q = try $0.operand([1, 2, 3, 4])
            _ = try q.attention(keys: q, values: q, mask: $0.operand([3, 3]), file: "Here.swift", line: 7)
        },
        Mistake("attention", "the mask [2, 3] and the bias [3, 3] do not broadcast") {
            let q = try $0.operand([1, 2, 3, 4])
            _ = try q.attention(
                keys: q, values: q, bias: $0.operand([3, 3]), mask: $0.operand([2, 3], .int32), file: "Here.swift",
                line: 7)
        },
        Mistake("attention", "the bias [1, 1, 1, 3, 3] has more than four axes") {
            let q = try $0.operand([1, 2, 3, 4])
            _ = try q.attention(keys: q, values: q, bias: $0.operand([1, 1, 1, 3, 3]), file: "Here.swift", line: 7)
        },
        Mistake("attention", "the same batch and width") {
            try $0.node(
                .attention(Attention(isCausal: false, scale: 1)), float([1, 2, 3, 4]), float([1, 2, 3, 5]),
                float([1, 2, 3, 5]))
        },
        Mistake("attention", "no keys") {
            try $0.node(
                .attention(Attention(isCausal: false, scale: 1)), float([1, 2, 3, 4]), float([1, 2, 0, 4]),
                float([1, 2, 0, 4]))
        },
        Mistake("attention", "the scale must be") {
            try $0.node(
                .attention(Attention(isCausal: false, scale: .nan)), float([1, 2, 3, 4]), float([1, 2, 3, 4]),
                float([1, 2, 3, 4]))
        },
        Mistake("lstm", "4 times the hidden width") {
            try $0.node(
                .recurrence(Recurrence(.lstm)), float([2, 3, 5]), float([4, 1]), float([3, 1]), float([3, 1]))
        },
        Mistake("lstm", "the recurrent weight must have shape [8, 2]") {
            try $0.node(
                .recurrence(Recurrence(.lstm)), float([2, 3, 8]), float([4, 1]), float([3, 1]), float([3, 1]))
        },
        Mistake("rnn", "the recurrent weight must have shape [2, 2]") {
            try $0.node(.recurrence(Recurrence(.rnn(.tanh))), float([2, 3, 2]), float([2, 1]), float([3, 2]))
        },
        Mistake("gru", "the recurrent bias must have shape [6]") {
            try $0.node(.recurrence(Recurrence(.gru)), float([2, 3, 6]), float([6, 2]), float([3]), float([3, 2]))
        },
        Mistake("gru", "must be [steps, batch, 3·hidden]") {
            try $0.node(.recurrence(Recurrence(.gru)), float([6]), float([6, 2]), float([6]), float([3, 2]))
        },
        Mistake("embedding", "the indices must be int32") { try $0.node(.embedding, float([3, 4]), float([2])) },
        Mistake("embedding", "must be the table [rows, width]") { try $0.node(.embedding, float([3]), int([2])) },
        Mistake("embeddingGradient", "cannot have -1 rows") {
            try $0.node(.embeddingGradient(EmbeddingGradient(rows: -1)), int([2]), float([2, 3]))
        },
        Mistake("elementwise", "result 0 is a missing instruction 1") {
            try $0.node(
                .elementwise(
                    ElementwiseProgram(
                        [ElementwiseProgram.Instruction(.unary(.negate), [.operand(0)], .float32)], results: [1])),
                float([2]))
        },
        Mistake("elementwise", "instruction 0 is a result twice") {
            try $0.node(
                .elementwise(
                    ElementwiseProgram(
                        [ElementwiseProgram.Instruction(.unary(.negate), [.operand(0)], .float32)], results: [0, 0])),
                float([2]))
        },
        Mistake("elementwiseGroup", "takes 3 operands, not 2") {
            try $0.node(.elementwiseGroup(sums(2)), float([2]), float([]))
        },
        Mistake("elementwiseGroup", "what members share must have one element") {
            try $0.node(.elementwiseGroup(sums(1)), float([2]), float([2]))
        },
        Mistake("elementwiseGroup", "what members share widens member 1") {
            try $0.node(.elementwiseGroup(sums(2)), float([2, 3]), float([2]), float([1, 1]))
        },
        Mistake("elementwiseGroup", "member 1 is of other types than the first") {
            try $0.node(.elementwiseGroup(sums(2)), float([2]), int([2]), float([]))
        },
        Mistake("gradients", "needs a cotangent; sum or average it first") {
            let x = try $0.operand([3])
            _ = try $0.gradients(of: x.exp(), withRespectTo: [x], file: "Here.swift", line: 7)
        },
        Mistake("gradients", "the cotangent must be like the output") {
            let x = try $0.operand([3])
            _ = try $0.gradients(of: x, withRespectTo: [x], cotangent: $0.operand([2]), file: "Here.swift", line: 7)
        },
        Mistake("elementwise", "take gradients before fusing") {
            let x = try $0.operand([])
            let program = ElementwiseProgram(single: .unary(.negate), operandCount: 1, dtype: .float32)
            let y = try $0.add(.elementwise(program), [x], at: SourceLocation(file: "Here.swift", line: 7))[0]
            _ = try $0.gradients(of: y, withRespectTo: [x], file: "Here.swift", line: 7)
        },
    ]

    /// A group whose members have an operand of their own and one that all share.
    private static func sums(_ members: Int) -> ElementwiseGroup {
        ElementwiseGroup(
            ElementwiseProgram(single: .binary(.add), operandCount: 2, dtype: .float32), members: members,
            isShared: [false, true])
    }

    @Test("A mistake is said, with the operation, the shapes and the line", arguments: mistakes + mistakesAlongAxes)
    func isSaid(_ mistake: Mistake) throws {
        let error = #expect(throws: GraphError.self) { try mistake.make(Graph()) }
        guard let error else { return }
        #expect(error.operation == mistake.operation)
        for part in mistake.says { #expect(error.description.contains(part), "\(error)") }
        #expect(error.location != nil)
        #expect(error.description.contains(".swift:"), "\(error)")
    }

    @Test func anotherGraphsTensorIsRefused() throws {
        let (one, other) = (Graph(), Graph())
        let (x, y) = (try one.operand([3]), try other.operand([3]))
        let error = #expect(throws: GraphError.self) { _ = try x + y }
        #expect(error?.message.contains("operand 1 belongs to another graph") == true)
        #expect(throws: GraphError.self) { _ = try one.gradients(of: x, withRespectTo: [y], cotangent: x) }
    }

    @Test func hostTensorsCheckTheirSize() throws {
        #expect(throws: GraphError.self) { try HostTensor([2, 3], [1, 2, 3] as [Float]) }
        #expect(throws: GraphError.self) { try HostTensor([-1, -1], [1] as [Float]) }
        #expect(throws: GraphError.self) { try HostTensor([1 << 40, 1 << 40], [] as [Float]) }
        #expect(throws: GraphError.self) { try HostTensor(TensorType([2]), bytes: [0, 0]) }
        let tensor = try HostTensor([2, 2], [1, 2, 3, 4] as [Float])
        #expect(try tensor.elements(Float.self) == [1, 2, 3, 4])
        #expect(throws: GraphError.self) { try tensor.elements(Int32.self) }
        #expect(try HostTensor(Int32(7)).elements(Int32.self) == [7])
        #expect(try HostTensor(zeros: TensorType([0, 3])).bytes.isEmpty)
    }
}
