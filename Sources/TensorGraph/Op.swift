/// What a node computes.
///
/// The enum is closed: `accept(_:)` below is the only switch over it, and everything that must know
/// every operation (shape rules, gradients, each backend, the reference of the tests) is an
/// ``OpVisitor``, so that the compiler names each place where a new operation is still missing.
/// The payload of a case holds its attributes and is documented, with formula and source, in `Ops/`.
package enum Op: Hashable, Sendable {
    // Leaves
    case input(Input)
    case variable(Variable)
    case constant(HostTensor)
    case fill(Fill)
    case random(Random)
    // Elementwise, with broadcasting
    case unary(UnaryFunction)
    case binary(BinaryFunction)
    case select
    case cast(DType)
    case elementwise(ElementwiseProgram)
    case elementwiseGroup(ElementwiseGroup)
    /// Any other operation, of which a program makes an operand.
    indirect case producedOperand(ProducedOperand)
    case dropout(DropoutMask)
    // Shape and movement
    case reshape(Shape)
    case stopGradient
    case broadcast(Shape)
    case transpose(Transpose)
    case concatenate(Concatenate)
    case slice(Slice)
    case pad(Pad)
    // Reductions
    case reduce(Reduce)
    case argMax
    // Products
    case matMul(MatMul)
    case convolution(Convolution)
    // Pooling
    // Resizing
    case interpolation(AxisInterpolation)
    case pooling(Pooling)
    // Softmax and losses
    case softmax(SoftmaxFunction)
    case crossEntropy(Pass)
    // Normalisation
    case normalization(Normalization)
    // Attention
    case attention(Attention)
    // Recurrence
    case recurrence(Recurrence)
    // Indexing
    case embedding
    case embeddingGradient(EmbeddingGradient)
    case gather(Gather)
    case scatter(Scatter)
    // Scans and sorts
    case scan(Scan)
    case sort(Sort)
}

/// Which of a family's two computations a node is.
package enum Pass: Hashable, Sendable {
    case forward
    /// From the cotangents of the results to those of the operands.
    case gradient
}

/// Something that does one thing for every operation.
package protocol OpVisitor {
    associatedtype Result
    associatedtype Failure: Error = any Error

    func input(_ attributes: Input) throws(Failure) -> Result
    func variable(_ variable: Variable) throws(Failure) -> Result
    func constant(_ value: HostTensor) throws(Failure) -> Result
    func fill(_ attributes: Fill) throws(Failure) -> Result
    func random(_ attributes: Random) throws(Failure) -> Result
    func unary(_ function: UnaryFunction) throws(Failure) -> Result
    func binary(_ function: BinaryFunction) throws(Failure) -> Result
    func select() throws(Failure) -> Result
    func cast(_ dtype: DType) throws(Failure) -> Result
    func elementwise(_ program: ElementwiseProgram) throws(Failure) -> Result
    func elementwiseGroup(_ group: ElementwiseGroup) throws(Failure) -> Result
    func producedOperand(_ attributes: ProducedOperand) throws(Failure) -> Result
    func dropout(_ attributes: DropoutMask) throws(Failure) -> Result
    func reshape(_ shape: Shape) throws(Failure) -> Result
    func stopGradient() throws(Failure) -> Result
    func broadcast(_ shape: Shape) throws(Failure) -> Result
    func transpose(_ attributes: Transpose) throws(Failure) -> Result
    func concatenate(_ attributes: Concatenate) throws(Failure) -> Result
    func slice(_ attributes: Slice) throws(Failure) -> Result
    func pad(_ attributes: Pad) throws(Failure) -> Result
    func reduce(_ attributes: Reduce) throws(Failure) -> Result
    func argMax() throws(Failure) -> Result
    func matMul(_ attributes: MatMul) throws(Failure) -> Result
    func convolution(_ attributes: Convolution) throws(Failure) -> Result
    func interpolation(_ attributes: AxisInterpolation) throws(Failure) -> Result
    func pooling(_ attributes: Pooling) throws(Failure) -> Result
    func softmax(_ attributes: SoftmaxFunction) throws(Failure) -> Result
    func crossEntropy(_ pass: Pass) throws(Failure) -> Result
    func normalization(_ attributes: Normalization) throws(Failure) -> Result
    func attention(_ attributes: Attention) throws(Failure) -> Result
    func recurrence(_ attributes: Recurrence) throws(Failure) -> Result
    func embedding() throws(Failure) -> Result
    func embeddingGradient(_ attributes: EmbeddingGradient) throws(Failure) -> Result
    func gather(_ attributes: Gather) throws(Failure) -> Result
    func scatter(_ attributes: Scatter) throws(Failure) -> Result
    func scan(_ attributes: Scan) throws(Failure) -> Result
    func sort(_ attributes: Sort) throws(Failure) -> Result
}

extension Op {
    /// Calls the visitor's method for this operation.
    package func accept<Visitor: OpVisitor>(_ visitor: Visitor) throws(Visitor.Failure) -> Visitor.Result {
        switch self {
        case .input(let attributes): try visitor.input(attributes)
        case .variable(let variable): try visitor.variable(variable)
        case .constant(let value): try visitor.constant(value)
        case .fill(let attributes): try visitor.fill(attributes)
        case .random(let attributes): try visitor.random(attributes)
        case .unary(let function): try visitor.unary(function)
        case .binary(let function): try visitor.binary(function)
        case .select: try visitor.select()
        case .cast(let dtype): try visitor.cast(dtype)
        case .elementwise(let program): try visitor.elementwise(program)
        case .elementwiseGroup(let group): try visitor.elementwiseGroup(group)
        case .producedOperand(let attributes): try visitor.producedOperand(attributes)
        case .dropout(let attributes): try visitor.dropout(attributes)
        case .reshape(let shape): try visitor.reshape(shape)
        case .stopGradient: try visitor.stopGradient()
        case .broadcast(let shape): try visitor.broadcast(shape)
        case .transpose(let attributes): try visitor.transpose(attributes)
        case .concatenate(let attributes): try visitor.concatenate(attributes)
        case .slice(let attributes): try visitor.slice(attributes)
        case .pad(let attributes): try visitor.pad(attributes)
        case .reduce(let attributes): try visitor.reduce(attributes)
        case .argMax: try visitor.argMax()
        case .matMul(let attributes): try visitor.matMul(attributes)
        case .convolution(let attributes): try visitor.convolution(attributes)
        case .interpolation(let attributes): try visitor.interpolation(attributes)
        case .pooling(let attributes): try visitor.pooling(attributes)
        case .softmax(let attributes): try visitor.softmax(attributes)
        case .crossEntropy(let pass): try visitor.crossEntropy(pass)
        case .normalization(let attributes): try visitor.normalization(attributes)
        case .attention(let attributes): try visitor.attention(attributes)
        case .recurrence(let attributes): try visitor.recurrence(attributes)
        case .embedding: try visitor.embedding()
        case .embeddingGradient(let attributes): try visitor.embeddingGradient(attributes)
        case .gather(let attributes): try visitor.gather(attributes)
        case .scatter(let attributes): try visitor.scatter(attributes)
        case .scan(let attributes): try visitor.scan(attributes)
        case .sort(let attributes): try visitor.sort(attributes)
        }
    }
}

extension UnaryFunction {
    /// The operator or method of `Tensor` that makes it.
    var name: String {
        switch self {
        case .negate: "-"
        case .squareRoot: "sqrt"
        case .reciprocalSquareRoot: "rsqrt"
        case .exponential: "exp"
        case .exponentialMinusOne: "expm1"
        case .logarithm: "log"
        case .sine: "sin"
        case .cosine: "cos"
        case .tangent: "tan"
        case .arcsine: "asin"
        case .arccosine: "acos"
        case .arctangent: "atan"
        case .hyperbolicSine: "sinh"
        case .hyperbolicCosine: "cosh"
        case .inverseHyperbolicSine: "asinh"
        case .inverseHyperbolicCosine: "acosh"
        case .inverseHyperbolicTangent: "atanh"
        case .ceiling: "ceil"
        case .truncation: "trunc"
        case .rounding: "round"
        case .errorFunction: "erf"
        default: rawValue
        }
    }
}

extension BinaryFunction {
    /// The operator or method of `Tensor` that makes it.
    var name: String {
        switch self {
        case .add: "+"
        case .subtract: "-"
        case .multiply: "*"
        case .divide: "/"
        case .arctangent2: "atan2"
        case .shiftLeft: "shiftedLeft(by:)"
        case .shiftRight: "shiftedRight(by:)"
        case .equal: "equal(to:)"
        case .less: "less(than:)"
        default: rawValue
        }
    }
}
