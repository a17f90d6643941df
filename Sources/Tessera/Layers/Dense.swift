/// A linear map with a bias: x `[..., inputs]` → `x · weightᵀ + bias` `[..., outputs]`. torch.nn.Linear.
///
/// `weight` `[outputs, inputs]` and `bias` `[outputs]` begin uniform within ±1/√inputs, as PyTorch's.
public struct Dense: Layer {
    /// `[outputs, inputs]`
    public let weight: Variable
    /// `[outputs]`; `nil` where there is none.
    public let bias: Variable?
    private let location: SourceLocation

    /// A layer of `inputs` numbers to `outputs`.
    public init(
        _ inputs: Int, _ outputs: Int, hasBias: Bool = true, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        let bound = 1 / Float(max(inputs, 1)).squareRoot()
        func variable(_ name: String, _ shape: Shape) -> Variable {
            Variable(name, of: "Dense", at: location) { try random.uniform(shape, bound: bound) }
        }
        weight = variable("weight", [outputs, inputs])
        bias = hasBias ? variable("bias", [outputs]) : nil
        self.location = location
    }

    public var members: [LayerMember] {
        [.variable("weight", weight)] + (bias.map { [.variable("bias", $0)] } ?? [])
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let product = try input.matMul(pass.read(weight), transposeOther: true)
            guard let bias else { return product }
            return try product.plusBias(pass.read(bias))
        }
    }
}

/// Rows of a table by index: int32 `[...]` → `[..., width]`. torch.nn.Embedding; begins standard normal.
public struct Embedding: Layer {
    /// `[count, width]`
    public let weight: Variable
    private let location: SourceLocation

    /// A table of `count` rows of `width` numbers.
    public init(
        _ count: Int, _ width: Int, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        weight = Variable("weight", of: "Embedding", at: location) { try random.normal([count, width]) }
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) { try pass.read(weight).embedding(input) }
    }
}
