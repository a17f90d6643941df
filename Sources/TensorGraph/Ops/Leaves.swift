/// A value the user feeds at each run.
package struct Input: Hashable, Sendable {
    package var name: String
    package var type: TensorType

    package init(name: String, type: TensorType) {
        self.name = name
        self.type = type
    }
}

/// One number in every element, one that the type holds (``DType/refusal(of:)``).
package struct Fill: Hashable, Sendable {
    package var value: Double
    package var type: TensorType

    package init(value: Double, type: TensorType) {
        self.value = value
        self.type = type
    }

    /// By bits: what is computed from 0 is not what is computed from -0.
    package static func == (left: Fill, right: Fill) -> Bool {
        left.value.bitPattern == right.value.bitPattern && left.type == right.type
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(value.bitPattern)
        hasher.combine(type)
    }
}

/// Random numbers from a counter: the same on every backend.
///
/// Operand: counter, an int32 scalar, usually a variable that each step increments → `shape`, float32.
/// Element `i` takes word `i mod 4` of Philox4x32-10 with key `(seed, seed >> 32)` and counter `(i / 4, 0, counter, 0)`.
/// - `uniform`: `(word >> 8) · 2⁻²⁴`, in [0, 1).
/// - `normal`: Box–Muller over the word pairs (0, 1) and (2, 3): with `u = ((w0 >> 8) + 1) · 2⁻²⁴` and `v = (w1 >> 8) · 2⁻²⁴`,
///   the even element is `sqrt(-2 ln u) · cos(2πv)` and the odd `sqrt(-2 ln u) · sin(2πv)`.
/// Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
package struct Random: Hashable, Sendable {
    package enum Distribution: Hashable, Sendable { case uniform, normal }

    package var distribution: Distribution
    package var seed: UInt64
    package var shape: Shape

    package init(distribution: Distribution, seed: UInt64, shape: Shape) {
        self.distribution = distribution
        self.seed = seed
        self.shape = shape
    }
}

/// Zeroes elements with probability `rate` and scales the rest by `1 / (1 - rate)`.
///
/// Operands x, counter (int32 scalar) → y like x. Element `i` is kept where the uniform number of ``Random`` with the
/// same seed and counter is at least `rate`; the gradient is the same operation on the cotangent. Srivastava et al., 2014.
package struct DropoutMask: Hashable, Sendable {
    package var rate: Double
    package var seed: UInt64

    package init(rate: Double, seed: UInt64) {
        self.rate = rate
        self.seed = seed
    }
}

extension ShapeRule {
    package func input(_ attributes: Input) throws -> [TensorType] {
        try count(0)
        try countable(attributes.type.shape)
        return [attributes.type]
    }

    package func variable(_ variable: Variable) throws -> [TensorType] {
        try count(0)
        return [variable.type]
    }

    package func constant(_ value: HostTensor) throws -> [TensorType] {
        try count(0)
        return [value.type]
    }

    package func fill(_ attributes: Fill) throws -> [TensorType] {
        try count(0)
        try countable(attributes.type.shape)
        if let refusal = attributes.type.dtype.refusal(of: attributes.value) { throw ShapeError(refusal) }
        return [attributes.type]
    }

    package func random(_ attributes: Random) throws -> [TensorType] {
        try count(1)
        try integers(0, "the counter")
        try shape(0, [], "the counter")
        try countable(attributes.shape)
        return [TensorType(attributes.shape)]
    }

    package func dropout(_ attributes: DropoutMask) throws -> [TensorType] {
        try count(2)
        try floating(0)
        try integers(1, "the counter")
        try shape(1, [], "the counter")
        try require((0..<1).contains(attributes.rate), "the rate must be in 0..<1, not \(attributes.rate)")
        return [operands[0]]
    }
}

extension TraitsRule {
    package func input(_ attributes: Input) -> OpTraits { leaf(.input, .input(attributes)) }
    package func variable(_ variable: Variable) -> OpTraits { leaf(.variable, .variable(variable)) }
    package func constant(_ value: HostTensor) -> OpTraits { leaf(.constant, .constant(value)) }
    package func fill(_ attributes: Fill) -> OpTraits { leaf(.fill, .fill(attributes)) }

    private func leaf(_ kind: OpKind, _ leaf: OpTraits.Leaf) -> OpTraits {
        OpTraits(
            kind, .leaf(leaf), overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.noFlops)
    }

    package func random(_ attributes: Random) -> OpTraits {
        OpTraits(
            .random, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.flopPerElement)
    }

    package func dropout(_ attributes: DropoutMask) -> OpTraits {
        OpTraits(
            .dropout, .computation, overEmptyOperands: .fill(0), halfTypes: .converted, autocast: .asGiven,
            flops: OpTraits.flopPerElement)
    }
}

extension GradientRule {
    package func input(_ attributes: Input) throws -> [Tensor?] { [] }
    package func variable(_ variable: Variable) throws -> [Tensor?] { [] }
    package func constant(_ value: HostTensor) throws -> [Tensor?] { [] }
    package func fill(_ attributes: Fill) throws -> [Tensor?] { [] }
    package func random(_ attributes: Random) throws -> [Tensor?] { [nil] }

    package func dropout(_ attributes: DropoutMask) throws -> [Tensor?] {
        [try graph.add(.dropout(attributes), [try cotangent(), operands[1]])[0], nil]
    }
}

extension Graph {
    /// A value to be fed at each run: the same tensor at each call with this name and type.
    ///
    /// - Throws: ``GraphError`` for a negative extent.
    public func input(
        _ name: String, _ shape: Shape, _ dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try add(.input(Input(name: name, type: TensorType(shape, dtype))), at: SourceLocation(file: file, line: line))[
            0]
    }

    /// The current value of a variable: the same tensor at each call.
    ///
    /// - Throws: ``GraphError`` where its initial value could not be made.
    public func read(_ variable: Variable, file: StaticString = #fileID, line: UInt = #line) throws(GraphError)
        -> Tensor
    {
        if let failure = variable.failure { throw failure }
        return try add(.variable(variable), at: SourceLocation(file: file, line: line))[0]
    }

    /// A value known now.
    public func constant(
        _ value: HostTensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try add(.constant(value), at: SourceLocation(file: file, line: line))[0]
    }

    /// One number in every element of `shape`, rounded to `dtype`.
    ///
    /// - Throws: ``GraphError`` for a number that `dtype` cannot hold: a fraction, NaN or what is out of range in an integer
    ///   type, what would round to infinity in a floating-point type.
    public func fill(
        _ value: Double, _ shape: Shape = [], _ dtype: DType = .float32, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Tensor {
        // What the type cannot hold stays as it is for the shape rule to name.
        let held = dtype.refusal(of: value) == nil ? dtype.converted(value) : value
        return try add(
            .fill(Fill(value: held, type: TensorType(shape, dtype))), at: SourceLocation(file: file, line: line))[0]
    }

    /// Random float32 numbers, uniform in [0, 1) or standard normal, new for each value of the int32 scalar `counter`.
    public func random(
        _ shape: Shape, normal: Bool, seed: UInt64, counter: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try add(
            .random(Random(distribution: normal ? .normal : .uniform, seed: seed, shape: shape)), [counter],
            at: SourceLocation(file: file, line: line))[0]
    }
}

extension Tensor {
    /// This tensor with elements zeroed with probability `rate` and the rest scaled by `1 / (1 - rate)`.
    ///
    /// - Parameter counter: an int32 scalar; the mask is new for each of its values.
    /// - Throws: ``GraphError`` for a rate outside 0..<1.
    public func dropout(
        rate: Double, seed: UInt64, counter: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        try apply(.dropout(DropoutMask(rate: rate, seed: seed)), [counter], file: file, line: line)
    }
}
