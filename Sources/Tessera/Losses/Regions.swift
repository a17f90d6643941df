// Losses of regions of pictures: masks and boxes.

extension Loss {
    /// One minus the Dice coefficient of probabilities with a mask, both `[batch, ...]` in 0...1, for each example
    /// (Milletari et al., 2016, without squares below): `1 - (2·Σ p·t + smoothing) / (Σ p + Σ t + smoothing)`.
    ///
    /// - Parameter smoothing: above 0, so that two empty masks have a loss of 0.
    public static func dice(smoothing: Double = 1) -> Loss {
        builtIn("Dice") { prediction, target in
            try prediction.requireAlike(target, "prediction and target", of: "Dice")
            try requireOption(
                smoothing > 0 && smoothing.isFinite, "smoothing must be above 0, not \(smoothing)", of: "Dice")
            guard prediction.shape.rank >= 2 else {
                throw GraphError(
                    operation: "Dice", message: "masks must be [batch, ...], not \(prediction.shape)",
                    operands: [prediction.type, target.type])
            }
            let (prediction, target) = (try prediction.widened(), try target.widened())
            let axes = Array(1..<prediction.shape.rank)
            let both = try (prediction * target).sum(axes: axes)
            let total = try prediction.sum(axes: axes) + target.sum(axes: axes)
            return LossTerms(try 1 - (both * 2 + smoothing) / (total + smoothing))
        }
    }

    /// One minus ``Tensor/intersectionOverUnion(with:isGeneralized:file:line:)`` of boxes `[..., 4]`.
    ///
    /// - Parameter isGeneralized: whether boxes that don't overlap have a slope too (Rezatofighi et al., 2019).
    ///   torchvision.ops.generalized_box_iou_loss.
    public static func intersectionOverUnion(isGeneralized: Bool = true) -> Loss {
        let name = isGeneralized ? "generalized IoU" : "IoU"
        return builtIn(name) { prediction, target in
            try prediction.requireAlike(target, "boxes", of: name)
            return LossTerms(try 1 - prediction.intersectionOverUnion(with: target, isGeneralized: isGeneralized))
        }
    }
}

extension Tensor {
    /// The area that boxes share, over the area that either covers: boxes are `[..., 4]` of x₁, y₁, x₂, y₂ with x₁ ≤ x₂
    /// and y₁ ≤ y₂, and broadcast but for that axis. `[n, 1, 4]` with `[m, 4]` are all pairs `[n, m]`.
    /// torchvision.ops.box_iou.
    ///
    /// - Parameter isGeneralized: whether to take away the share of the box around both that neither covers: from -1 to
    ///   1.
    /// - Throws: ``GraphError`` where the operands are no boxes, or don't broadcast.
    public func intersectionOverUnion(
        with other: Tensor, isGeneralized: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Tensor {
        try graph.at(SourceLocation(file: file, line: line)) {
            guard shape.dimensions.last == 4, other.shape.dimensions.last == 4, dtype == other.dtype,
                dtype.isFloatingPoint
            else {
                throw GraphError(
                    operation: "IoU", message: "boxes must be [..., 4] of one floating-point type",
                    operands: [type, other.type])
            }
            let (a, b) = (try widened().sides(), try other.widened().sides())
            func area(_ width: Tensor, _ height: Tensor) throws -> Tensor { try width * height }
            let shared = try area(
                (a.right.minimum(b.right) - a.left.maximum(b.left)).relu(),
                (a.bottom.minimum(b.bottom) - a.top.maximum(b.top)).relu())
            let covered =
                try area(a.right - a.left, a.bottom - a.top) + area(b.right - b.left, b.bottom - b.top) - shared
            // torchvision's ε, under which two empty boxes share nothing.
            let ratio = try shared / (covered + 1e-7)
            guard isGeneralized else { return ratio }
            let around = try area(
                a.right.maximum(b.right) - a.left.minimum(b.left), a.bottom.maximum(b.bottom) - a.top.minimum(b.top))
            return try ratio - (around - covered) / (around + 1e-7)
        }
    }

    /// The sides of boxes `[..., 4]`, each `[...]`.
    private func sides() throws -> (left: Tensor, top: Tensor, right: Tensor, bottom: Tensor) {
        let rest = Shape(Array(shape.dimensions.dropLast()))
        func side(_ index: Int) throws -> Tensor {
            try sliced(axis: -1, index..<(index + 1)).reshaped(to: rest)
        }
        return try (side(0), side(1), side(2), side(3))
    }
}
