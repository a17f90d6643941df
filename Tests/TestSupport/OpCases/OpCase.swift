import TensorGraph

/// One row of the table that every test of operations is generated from: parity of each backend, gradients, memory
/// safety, determinism.
package struct OpCase: Sendable, CustomStringConvertible {
    /// A value that the case is fed.
    package struct Input: Sendable {
        package var shape: Shape
        package var data: TestData
        /// The type; `nil` for the type that the whole case is run in.
        package var dtype: DType?
        package var isDifferentiable: Bool

        /// A floating-point operand of the type that the case is run in.
        package static func tensor(_ shape: Shape, _ data: TestData = .normal, isDifferentiable: Bool = true) -> Input {
            Input(shape: shape, data: data, dtype: nil, isDifferentiable: isDifferentiable)
        }

        /// An operand that has one type however the case is run.
        package static func fixed(_ dtype: DType, _ shape: Shape, _ data: TestData) -> Input {
            Input(shape: shape, data: data, dtype: dtype, isDifferentiable: false)
        }

        /// Labels, indices, counters.
        package static func int32(_ shape: Shape, _ data: TestData) -> Input { fixed(.int32, shape, data) }
    }

    /// Which gradients of a case are checked.
    package enum GradientCheck: Sendable {
        /// None: the operation has no gradient rule, or the inputs are no numbers to differentiate at.
        case none
        /// Backends against the reference, but no finite differences: the function has a kink at these inputs.
        case parity(Tolerance)
        /// Both, with respect to every differentiable input.
        case full(Tolerance)

        package var tolerance: Tolerance? {
            switch self {
            case .none: nil
            case .parity(let tolerance), .full(let tolerance): tolerance
            }
        }
    }

    /// The family, then what is special: `matMul 17×5×33 a transposed`.
    package var name: String
    package var inputs: [Input]
    package var tolerance: Tolerance
    package var gradient: GradientCheck
    /// How many of the outputs, from the first, have a cotangent in the check of gradients.
    package var differentiableOutputs = 1
    /// Hundreds wide, for every kernel's main path: too slow for Oclgrind and for finite differences.
    package var isLarge = false
    /// Whether the case can be run in float64 too.
    package var hasFloat64 = true
    /// How many times a result and a gradient are rounded when the case is run in float16 or bfloat16; nil where it is
    /// not, or without its gradients.
    package var halfRoundings: (forward: Double, backward: Double?)?
    /// The 16-bit types that the case is run in.
    package var halfTypes: [DType] { halfRoundings == nil ? [] : [.float16, .bfloat16] }
    /// Whether there are kernels for matrix units for it.
    package var runsOnMatrixUnits = false
    /// Adds the case's nodes to a graph.
    package var build: @Sendable (Graph, [Tensor]) throws -> [Tensor]

    package init(
        _ name: String, _ inputs: [Input], _ tolerance: Tolerance, gradient: GradientCheck = .none,
        build: @escaping @Sendable (Graph, [Tensor]) throws -> [Tensor]
    ) {
        self.name = name
        self.inputs = inputs
        self.tolerance = tolerance
        self.gradient = gradient
        self.build = build
    }

    /// A case of one operation on the inputs in order.
    package init(
        _ name: String, _ op: Op, _ inputs: [Input], _ tolerance: Tolerance, gradient: GradientCheck = .none,
        differentiableOutputs: Int = 1
    ) {
        self.init(name, inputs, tolerance, gradient: gradient) { graph, operands in try graph.add(op, operands) }
        self.differentiableOutputs = differentiableOutputs
    }

    package var description: String { name }

    /// The case with a property changed.
    package func with(_ change: (inout OpCase) -> Void) -> OpCase {
        var changed = self
        change(&changed)
        return changed
    }

    package var large: OpCase { with { $0.isLarge = true } }
    package var float32Only: OpCase { with { $0.hasFloat64 = false } }

    /// Run in float16 and bfloat16 too: elements are moved as they are, and gradients that add them round `backward` times.
    func movedInHalf(backward: Double = 1) -> OpCase {
        if case .exact? = gradient.tolerance { return inHalf(roundings: 0, backward: 0) }
        return inHalf(roundings: 0, backward: backward)
    }

    /// Run in float16 and bfloat16 too, and on matrix units where there are kernels for those.
    func inHalf(roundings forward: Double, backward: Double? = nil, onMatrixUnits: Bool = false) -> OpCase {
        with {
            // Of fixed types alone, it would be the same case.
            guard inputs.contains(where: { $0.dtype == nil }) else { return }
            $0.halfRoundings = (forward, backward)
            $0.runsOnMatrixUnits = onMatrixUnits
        }
    }
}

/// A case as a graph with the numbers to feed it.
package struct BuiltCase {
    package let graph: Graph
    /// The inputs proper, then a cotangent for each differentiable output where gradients were asked for.
    package let inputs: [Tensor]
    package let outputs: [Tensor]
    /// Of ``differentiableInputs``, in order; empty where no gradients were asked for.
    package let gradients: [Tensor]
    /// The numbers of the inputs that are differentiated for, in the order of the case.
    package let differentiableInputs: [Int]
    package let data: [String: [Double]]

    package static func inputName(_ index: Int) -> String { "x\(index)" }
    package static func cotangentName(_ index: Int) -> String { "dy\(index)" }
}

extension OpCase {
    /// The case in `dtype`, with its backward pass where `withGradients`.
    ///
    /// - Parameters:
    ///   - ofConstants: whether all inputs but the first are constants of the graph, as weights are in inference, so that they
    ///     stay the same from run to run.
    ///   - withData: whether there are numbers to run it with; making them takes most of the time.
    package func built(
        dtype: DType = .float32, withGradients: Bool = false, ofConstants: Bool = false, withData: Bool = true
    ) throws -> BuiltCase {
        let graph = Graph()
        var data: [String: [Double]] = [:]
        var tensors: [Tensor] = []
        func input(
            _ inputName: String, _ type: TensorType, _ values: TestData, isWeight: Bool
        ) throws -> Tensor {
            let elements =
                withData
                ? try values.elements(count: type.shape.elementCount, seed: "\(name) \(inputName)", heldBy: type) : []
            data[inputName] = elements
            // Were all of them constants, the whole would be done once.
            guard ofConstants, isWeight else { return try graph.input(inputName, type.shape, type.dtype) }
            return try graph.constant(withData ? HostTensor(type, doubles: elements) : HostTensor(zeros: type))
        }
        for (index, given) in inputs.enumerated() {
            tensors.append(
                try input(
                    BuiltCase.inputName(index), TensorType(given.shape, given.dtype ?? dtype), given.data,
                    isWeight: index > 0))
        }
        let outputs = try build(graph, tensors)
        let differentiable = inputs.indices.filter { inputs[$0].isDifferentiable }
        guard withGradients, gradient.tolerance != nil else {
            return BuiltCase(
                graph: graph, inputs: tensors, outputs: outputs, gradients: [], differentiableInputs: [], data: data)
        }
        var cotangents: [Tensor] = []
        for (index, output) in outputs.prefix(differentiableOutputs).enumerated() {
            cotangents.append(try input(BuiltCase.cotangentName(index), output.type, .normal, isWeight: false))
        }
        let operands = differentiable.map { tensors[$0] }
        let gradients: [Tensor]
        if cotangents.count == 1 {
            gradients = try graph.gradients(
                of: outputs[0], withRespectTo: operands, cotangent: cotangents[0], allowsUnused: true)
        } else {
            let products = try zip(outputs, cotangents).map { try ($0 * $1).sum() }
            let loss = try products.dropFirst().reduce(products[0]) { try $0 + $1 }
            gradients = try graph.gradients(of: loss, withRespectTo: operands, allowsUnused: true)
        }
        return BuiltCase(
            graph: graph, inputs: tensors + cotangents, outputs: outputs, gradients: gradients,
            differentiableInputs: differentiable, data: data)
    }

    /// Every row.
    package static let all: [OpCase] =
        leaves + elementwise + sweeps.map { $0.inHalf(roundings: 1) } + programs + movement + reductions
        + reducedPrograms + integers + products + broadcastProducts + convolutions
        + spatialConvolutions
        + pooling + interpolations
        + softmaxes
        + normalizations + producedRows + attentions + recurrences + embeddings + indexing + scans + sorts + steps
        + groups + chains
        + largeOffsets + longSums + halfEdges
}

extension TestData {
    /// The numbers as a tensor of 16-bit elements holds them; of wider types, whose rounding the limits allow for, as they
    /// are.
    fileprivate func elements(count: Int, seed: String, heldBy type: TensorType) throws -> [Double] {
        let numbers = elements(count: count, seed: seed)
        return type.dtype.isHalf ? try HostTensor(type, doubles: numbers).doubles() : numbers
    }
}

// The limits of notes on float32 against a float64 reference; benchdnn's, where it has one.
extension Tolerance {
    /// Sums of `terms` products of normal numbers.
    static func product(_ terms: Int) -> Tolerance { .normwise(1e-7 * Double(max(terms, 4)).squareRoot()) }
    package static let winograd = Tolerance.normwise(2e-5)
    /// One rounding, or a few.
    static let arithmetic = Tolerance.elementwise(4e-6, floor: 1e-30)
    /// exp, sin and their like: an absolute error near their zeros.
    static let transcendental = Tolerance.elementwise(4e-6, floor: 0.1)
    /// tanh, gelu, elu, log.
    static let looseTranscendental = Tolerance.elementwise(4e-5, floor: 0.1)
    static let softmax = Tolerance.normwise(10 * epsilon)
    static let logSoftmax = Tolerance.normwise(50 * epsilon)
    static let softmaxGradient = Tolerance.normwise(40 * epsilon)
    static let normalization = Tolerance.normwise(6e-7)
    static let normalizationGradient = Tolerance.normwise(5e-6)
    static func recurrence(_ terms: Int) -> Tolerance {
        .normwise(4 * Double(max(terms, 2)).logarithm2RoundedUp * epsilon)
    }
    static func recurrenceGradient(_ terms: Int) -> Tolerance {
        .normwise(8 * Double(max(terms, 2)).logarithm2RoundedUp * epsilon)
    }
    static func attention(keys: Int) -> Tolerance { .normwise(8 * Double(1 + keys) * epsilon) }
    /// Elementwise gradients, which add and subtract what they multiply.
    static let elementwiseGradient = Tolerance.normwise(4e-6)
}

extension Double {
    fileprivate var logarithm2RoundedUp: Double {
        var (power, exponent) = (1.0, 0.0)
        while power < self { (power, exponent) = (power * 2, exponent + 1) }
        return exponent
    }
}
