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
