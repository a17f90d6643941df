/// A layer whose weight is `g · v / ‖v‖`, a magnitude and a direction that are trained in its place (Salimans and Kingma, 2016).
/// torch.nn.utils.parametrizations.weight_norm, with its names.
public struct WeightNorm<Wrapped: Layer>: Layer {
    public let layer: Wrapped
    /// g, as long as the weight along `axis` and 1 along all others; begins as the norms of the weight.
    public let magnitude: Variable
    /// v, like the weight; begins as the weight.
    public let direction: Variable
    private let weight: ReplacedWeight
    private let axis: Int
    private let location: SourceLocation

    /// - Parameters:
    ///   - layer: has a variable `weight`; the graph says so otherwise.
    ///   - axis: along which each place has a norm of its own: outputs, or inputs of transposed convolutions.
    public init(_ layer: Wrapped, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line) {
        let location = SourceLocation(file: file, line: line)
        let weight = ReplacedWeight(of: layer, axis, "WeightNorm", location)
        magnitude = Variable("weight_g", of: "WeightNorm", at: location) { try weight.norms() }
        direction = Variable("weight_v", of: "WeightNorm", at: location) { try weight.initialValue() }
        self.layer = layer
        self.weight = weight
        self.axis = axis
        self.location = location
    }

    public var members: [LayerMember] {
        weight.otherMembers(of: layer) + [
            .variable("parametrizations.weight.original0", magnitude),
            .variable("parametrizations.weight.original1", direction),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            let (read, magnitude) = (try pass.read(direction), try pass.read(magnitude))
            // Of 16 bits, squares would overflow.
            let direction = try read.cast(to: read.dtype.computed)
            let others = (0..<direction.shape.rank).filter { $0 != axis }
            let norm = try direction.square().sum(axes: others, keepsDimensions: true).sqrt()
            let normalized = try direction * (magnitude.cast(to: direction.dtype) / norm)
            try weight.stand(in: pass, as: normalized.cast(to: read.dtype))
            return try layer(input, pass)
        }
    }
}

/// A layer whose weight is divided by its largest singular value, which a step of power iteration follows in each training step
/// (Miyato et al., 2018). torch.nn.utils.parametrizations.spectral_norm, with its names.
public struct SpectralNorm<Wrapped: Layer>: Layer {
    public let layer: Wrapped
    /// What is trained; begins as the layer's weight.
    public let original: Variable
    /// The left singular vector so far, of the weight as a matrix: as long as it is along `axis`.
    public let left: Variable
    /// The right one: as long as all other axes together.
    public let right: Variable
    public var iterations: Int
    public var epsilon: Double
    private let weight: ReplacedWeight
    private let axis: Int
    private let location: SourceLocation

    /// - Parameters:
    ///   - layer: has a variable `weight`; the graph says so otherwise.
    ///   - axis: whose places are the rows of the matrix: outputs, or 1 for transposed convolutions.
    ///   - iterations: of the power method in each training step, at least 1.
    ///   - epsilon: the least norm that a vector is divided by.
    public init(
        _ layer: Wrapped, axis: Int = 0, iterations: Int = 1, epsilon: Double = 1e-12, _ random: RandomSource,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let location = SourceLocation(file: file, line: line)
        let weight = ReplacedWeight(of: layer, axis, "SpectralNorm", location)
        let vectors = Result { try weight.singularVectors(random) }
        func variable(_ name: String, isTrainable: Bool = false, _ value: () throws -> HostTensor) -> Variable {
            Variable(name, of: "SpectralNorm", at: location, isTrainable: isTrainable, value)
        }
        original = variable("weight", isTrainable: true) { try weight.initialValue() }
        left = variable("u") { try vectors.get().left }
        right = variable("v") { try vectors.get().right }
        self.layer = layer
        self.iterations = iterations
        self.epsilon = epsilon
        self.weight = weight
        self.axis = axis
        self.location = location
    }

    public var members: [LayerMember] {
        weight.otherMembers(of: layer) + [
            .variable("parametrizations.weight.original", original), .variable("parametrizations.weight.0._u", left),
            .variable("parametrizations.weight.0._v", right),
        ]
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            guard iterations >= 1, epsilon > 0, epsilon.isFinite else {
                throw GraphError(
                    operation: "SpectralNorm",
                    message: "needs at least 1 iteration and an epsilon above 0, not \(iterations) and \(epsilon)")
            }
            let read = try pass.read(original)
            // The vectors stay float32 where the parameters have 16 bits.
            let original = try read.cast(to: pass.read(left).dtype)
            let rows = original.shape[axis]
            let order = [axis] + (0..<original.shape.rank).filter { $0 != axis }
            let matrix = try (axis == 0 ? original : original.transposed(order))
                .reshaped(to: [rows, rows == 0 ? 0 : original.shape.elementCount / rows])
            let (u, v) = try singularVectors(matrix, pass)
            let sigma = try (u * matrix.matMul(v)).sum()
            try weight.stand(in: pass, as: (original / sigma).cast(to: read.dtype))
            return try layer(input, pass)
        }
    }

    /// u `[rows, 1]` and v `[columns, 1]`, through which no gradient flows: one power iteration on while training.
    private func singularVectors(_ matrix: Tensor, _ pass: ForwardPass) throws -> (u: Tensor, v: Tensor) {
        func column(_ variable: Variable) throws -> Tensor {
            let value = try pass.latest(variable)
            return try value.reshaped(to: [value.shape.elementCount, 1])
        }
        var (u, v) = (try column(left), try column(right))
        if case .training = pass.mode {
            let fixed = try matrix.stoppingGradient()
            func normalized(_ x: Tensor) throws -> Tensor {
                try x / x.square().sum().sqrt().maximum(pass.graph.fill(epsilon, [], x.dtype))
            }
            for _ in 0..<min(iterations, 1000) {
                u = try normalized(fixed.matMul(v))
                v = try normalized(fixed.matMul(u, transposeSelf: true))
            }
            pass.update(left, to: try u.reshaped(to: left.type.shape))
            pass.update(right, to: try v.reshaped(to: right.type.shape))
        }
        return (try u.stoppingGradient(), try v.stoppingGradient())
    }
}

/// The weight of a layer that something made of other variables stands for.
private struct ReplacedWeight {
    private let variable: Variable?
    private let axis: Int
    private let failure: GraphError

    init(of layer: any Layer, _ axis: Int, _ wrapper: String, _ location: SourceLocation) {
        let found = layer.members.compactMap { member -> Variable? in
            if case .variable("weight", let variable) = member { variable } else { nil }
        }
        variable = found.first
        self.axis = axis
        failure = GraphError(
            operation: wrapper,
            message: found.isEmpty
                ? "\(type(of: layer)) has no variable named weight"
                : "there is no axis \(axis) in the weight \(found[0].type.shape)", location: location)
    }

    func otherMembers(of layer: any Layer) -> [LayerMember] { layer.members.filter { $0.name != "weight" } }

    func stand(in pass: ForwardPass, as value: Tensor) throws {
        guard let variable else { throw failure }
        pass.bind(variable, to: value)
    }

    func initialValue() throws -> HostTensor {
        guard let variable else { throw failure }
        if let failure = variable.failure { throw failure }
        guard variable.type.shape.dimensions.indices.contains(axis) else { throw failure }
        return variable.initialValue
    }

    /// The norm of each place along the axis, which the others' extents of 1 surround.
    func norms() throws -> HostTensor {
        let matrix = try matrix()
        let shape = try initialValue().shape
        let norms = (0..<matrix.rows).map { row in
            Float(matrix.row(row).reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
        }
        return try HostTensor(Shape(shape.dimensions.indices.map { $0 == axis ? matrix.rows : 1 }), norms)
    }

    /// Vectors of length 1 near the first singular ones: 15 iterations of the power method, as in PyTorch.
    func singularVectors(_ random: RandomSource) throws -> (left: HostTensor, right: HostTensor) {
        let matrix = try matrix()
        var u = try random.normal([matrix.rows]).elements(Float.self)
        var v = try random.normal([matrix.columns]).elements(Float.self)
        for _ in 0..<15 {
            u = normalized((0..<matrix.rows).map { row in zip(matrix.row(row), v).reduce(0) { $0 + $1.0 * $1.1 } })
            var sums = [Float](repeating: 0, count: matrix.columns)
            for row in 0..<matrix.rows {
                for (column, element) in matrix.row(row).enumerated() { sums[column] += element * u[row] }
            }
            v = normalized(sums)
        }
        return (try HostTensor([matrix.rows], u), try HostTensor([matrix.columns], v))
    }

    private func normalized(_ vector: [Float]) -> [Float] {
        let norm = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        return vector.map { $0 / norm }
    }

    private struct Matrix {
        var rows: Int
        var columns: Int
        var elements: [Float]

        func row(_ row: Int) -> ArraySlice<Float> { elements[(row * columns)..<((row + 1) * columns)] }
    }

    /// The weight with a row for each place along the axis.
    private func matrix() throws -> Matrix {
        let value = try initialValue()
        let elements = try value.elements(Float.self)
        let dimensions = value.shape.dimensions
        let rows = dimensions[axis]
        guard axis > 0, rows > 0 else {
            return Matrix(rows: rows, columns: rows == 0 ? 0 : elements.count / rows, elements: elements)
        }
        let inner = dimensions[(axis + 1)...].reduce(1, *)
        let outer = dimensions[..<axis].reduce(1, *)
        var sorted: [Float] = []
        sorted.reserveCapacity(elements.count)
        for row in 0..<rows {
            for block in 0..<outer {
                let first = (block * rows + row) * inner
                sorted += elements[first..<(first + inner)]
            }
        }
        return Matrix(rows: rows, columns: outer * inner, elements: sorted)
    }
}
