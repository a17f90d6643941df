extension Graph {
    /// Gradients scaled down together so that their common norm is at most `norm`. torch.nn.utils.clip_grad_norm_.
    ///
    /// The norm is right wherever it is a number of its type: what is squared is divided by the greatest element first.
    /// Gradients of 16 bits are taken as float32.
    /// - Throws: ``GraphError`` for a norm that is negative or NaN.
    public func clipped(
        _ gradients: [Tensor], toNorm norm: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Tensor] {
        try at(SourceLocation(file: file, line: line)) { try clipped(gradients, norm) }
    }

    /// Gradients with every number cut to `-limit...limit`; NaN stays. torch.nn.utils.clip_grad_value_.
    ///
    /// - Throws: ``GraphError`` for a limit that is negative or NaN.
    public func clipped(
        _ gradients: [Tensor], toValue limit: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Tensor] {
        try at(SourceLocation(file: file, line: line)) {
            guard limit >= 0 else {
                throw GraphError(operation: "clipped", message: "gradients cannot be cut to a value of \(limit)")
            }
            // A limit beyond what the type holds cuts nothing.
            return try gradients.map { gradient in
                gradient.dtype.refusal(of: limit) != nil
                    ? gradient
                    : try gradient.combine(.maximum, -limit).combine(.minimum, limit).cast(to: gradient.dtype)
            }
        }
    }

    private func clipped(_ gradients: [Tensor], _ norm: Double) throws -> [Tensor] {
        guard norm >= 0 else {
            throw GraphError(operation: "clipped", message: "gradients cannot have a norm of \(norm)")
        }
        let wide = try gradients.filter { $0.shape.elementCount > 0 }.map { gradient in
            gradient.dtype.isHalf ? try gradient.cast(to: .float32) : gradient
        }
        guard let first = wide.first else { return gradients }
        let greatest = try wide.dropFirst().reduce(first.absolute().maximum()) {
            try $0.maximum($1.absolute().maximum())
        }
        // Zero and infinity are no units; from infinity and NaN the sum becomes what it should.
        let one = try fill(1, [], first.dtype)
        let isUnit =
            try fill(0, [], first.dtype).less(than: greatest)
            .bitwiseAnd(greatest.less(than: fill(.infinity, [], first.dtype)))
        let unit = try Tensor.select(isUnit, greatest, one)
        let squares = try wide.map { try ($0 / unit).square().sum() }
        let total = try squares.dropFirst().reduce(squares[0]) { try $0 + $1 }.sqrt() * unit
        let scale = try (norm / (total + 1e-6)).combine(.minimum, 1)
        return try gradients.map { try ($0.cast(to: scale.dtype) * scale).cast(to: $0.dtype) }
    }
}

extension Tensor {
    /// This tensor with each slice along its first axis scaled down so that its norm is at most `norm`: a constraint on
    /// the weights of each output (Srebro et al., 2005). torch.renorm.
    ///
    /// - Throws: ``GraphError`` for a norm that is negative or NaN, or a tensor without axes.
    public func renormed(
        toNorm norm: Double, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try graph.at(SourceLocation(file: file, line: line)) {
            guard norm >= 0, shape.rank >= 1 else {
                throw GraphError(
                    operation: "renormed", message: "slices of \(shape) cannot have a norm of \(norm)",
                    operands: [type])
            }
            guard shape.elementCount > 0 else { return self }
            let axes = Array(1..<shape.rank)
            let wide = dtype.isHalf ? try cast(to: .float32) : self
            // Squares of what is divided by the greatest element do not overflow.
            let greatest = try wide.absolute().maximum(axes: axes, keepsDimensions: true).combine(.maximum, 1e-30)
            let norms = try (wide / greatest).square().sum(axes: axes, keepsDimensions: true).sqrt() * greatest
            let scale = try (norm / (norms + 1e-7)).combine(.minimum, 1)
            return try (wide * scale).cast(to: dtype)
        }
    }
}
