/// The names of the operations, which are the rows of OPERATIONS.md.
package enum OpKind: String, CaseIterable, Sendable {
    case input, variable, constant, fill, random
    case unary, binary, select, cast, elementwise, elementwiseGroup, dropout
    case reshape, stopGradient, broadcast, transpose, concatenate, slice, pad
    case reduce, argMax
    case matMul, convolution, convolutionInputGradient, convolutionWeightGradient
    case interpolate, interpolateGradient
    case maxPool, maxPoolGradient, averagePool, averagePoolGradient, normPool, normPoolGradient
    case softmax, softmaxGradient, logSoftmax, logSoftmaxGradient, crossEntropy, crossEntropyGradient
    case layerNorm, layerNormGradient, rmsNorm, rmsNormGradient, groupNorm, groupNormGradient, batchNorm,
        batchNormGradient
    case attention, attentionGradient, attentionBiasGradient
    case rnn, rnnGradient, lstm, lstmGradient, gru, gruGradient
    case embedding, embeddingGradient, gather, scatter
    case scan, sort
}

/// What passes, placement and backends ask of an operation without knowing it.
///
/// Each operation states all of it beside its shape rule in `Ops/`: there are no defaults, so that a new operation is asked
/// for every trait by the compiler, and none is answered for it in silence.
package struct OpTraits: Sendable {
    package var kind: OpKind
    /// The operation's name as errors, `explain()` and traces print it: that of what the user calls.
    package var name: String
    package var role: Role
    package var overEmptyOperands: OverEmptyOperands
    package var halfTypes: HalfTypes
    package var autocast: Autocast
    package var flops: FlopCount

    package init(
        _ kind: OpKind, name: String? = nil, _ role: Role, overEmptyOperands: OverEmptyOperands, halfTypes: HalfTypes,
        autocast: Autocast, flops: @escaping FlopCount
    ) {
        self.kind = kind
        self.name = name ?? kind.rawValue
        self.role = role
        self.overEmptyOperands = overEmptyOperands
        self.halfTypes = halfTypes
        self.autocast = autocast
        self.flops = flops
    }
}

extension OpTraits {
    package enum Role: Sendable {
        /// Its value is there before anything runs.
        case leaf(Leaf)
        /// The result is the operand's bytes under another shape.
        case alias
        /// Elements are moved, none is computed.
        case movement
        /// Each element of the result is a program of the operands' elements there, as they broadcast: fusion may take it
        /// into a longer one.
        case elementwise(ElementwiseProgram.Function)
        case elementwiseProgram(ElementwiseProgram)
        /// Sums of products of rows and columns, which matrix units compute.
        case matrixProduct
        /// Anything else.
        case computation
    }

    /// A value that no operation makes.
    package enum Leaf: Sendable {
        case input(Input)
        case variable(Variable)
        case constant(HostTensor)
        case fill(Fill)
    }

    /// What results that have elements come to where an operand has none.
    package enum OverEmptyOperands: Sendable {
        /// This number, in every element.
        case fill(Double)
        /// The same operation on those operands that are not empty.
        case withoutThem
        /// A product over no terms: zeros, with the bias that may be the third operand, along this axis, or else the last,
        /// and the activation.
        case epilogue(UnaryFunction?, biasAxis: Int?)
        /// The same of those members of a group that are not empty.
        case membersWithElements
    }

    /// How a backend that has no kernel for float16 and bfloat16 meets operands and results in them.
    package enum HalfTypes: Sendable {
        /// Element by element: each is converted to float32 as it is read, and rounded after each function.
        case elementwise
        /// Operands are converted to float32 as a whole before it, and results rounded after it.
        case converted
    }

    /// What a forward pass that casts by itself (``Graph/autocast(to:_:)``) does with floating-point operands.
    package enum Autocast: Sendable {
        /// They are brought to its 16-bit type: products and what is made of them.
        case lower
        /// Those of 16 bits are widened: sums, and functions that soon leave float16's range.
        case float32
        /// They are brought to the widest of their types.
        case widest
        case asGiven
    }

    /// Floating-point operations of a node with operands and results of these types, of what is worth counting in a
    /// training step.
    package typealias FlopCount = @Sendable (_ operands: [TensorType], _ results: [TensorType]) -> Double
}

extension OpTraits {
    static let noFlops: FlopCount = { _, _ in 0 }
    /// One for each element of the first result.
    static let flopPerElement: FlopCount = { _, results in Double(results.first?.shape.elementCount ?? 0) }

    /// Twice the product of the counts: a multiplication and an addition each.
    static func multiplyAdds(_ counts: Int...) -> Double { counts.reduce(2) { $0 * Double($1) } }
}

/// The traits of each operation, beside its meaning in `Ops/`.
package struct TraitsRule: OpVisitor {
    package typealias Result = OpTraits
    package typealias Failure = Never
}

extension Op {
    package var traits: OpTraits { accept(TraitsRule()) }

    package var kind: OpKind { traits.kind }
    package var name: String { traits.name }

    package var leaf: OpTraits.Leaf? {
        if case .leaf(let leaf) = traits.role { leaf } else { nil }
    }

    /// Whether the value is there before anything runs.
    package var isLeaf: Bool { leaf != nil }

    /// Whether the result is the operand's bytes under another shape.
    package var isAlias: Bool {
        if case .alias = traits.role { true } else { false }
    }
}

extension Node {
    /// This node as a program of elementwise functions, where it is one.
    package var elementwiseProgram: ElementwiseProgram? {
        switch op.traits.role {
        case .elementwise(let function):
            ElementwiseProgram(single: function, operandCount: operands.count, dtype: resultTypes[0].dtype)
        case .elementwiseProgram(let program): program
        case .leaf, .alias, .movement, .matrixProduct, .computation: nil
        }
    }

    /// Whether a backend has nothing to do for it.
    package var isWithoutWork: Bool {
        op.isLeaf || op.isAlias || resultTypes.allSatisfy { $0.shape.elementCount == 0 }
    }

    /// Floating-point operations, of what is worth counting in a training step.
    package var flops: Double { op.traits.flops(operandTypes, resultTypes) }
}
