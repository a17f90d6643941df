/// Keeps gradients of 16 bits within their range: losses are multiplied by a scale, gradients divided by it, and a step whose
/// gradients have overflowed is left out, after which the scale is smaller. torch.amp.GradScaler.
///
/// ``Trainer`` does this by itself with ``Precision/float16``. In a loop of one's own:
///
/// ```swift
/// let scaler = LossScaler()
/// let loss = try graph.autocast(to: .float16) { try lossOf(model, pass) }
/// let gradients = try scaler.unscaled(
///     graph.gradients(of: scaler.scaled(loss), withRespectTo: parameters.map { try pass.read($0) }))
/// let moved = try zip(parameters, gradients).flatMap { … optimizer.update(…) }
/// let step = try scaler.step(moved, ifFinite: gradients)
/// let plan = try executor.compile(graph, outputs: [loss], updates: step.updates)
/// ```
///
/// Unlike PyTorch's, which asks optimizer by optimizer, one overflow keeps everything as it was that the step is given. The
/// scale is on the device, so that nothing waits for it.
public final class LossScaler {
    /// The numbers by which the scale grows and shrinks.
    public let scaling: LossScaling
    /// What losses are multiplied by: a float32 scalar.
    public let scale: Variable
    /// How many steps in a row have not overflowed: an int32 scalar.
    public let growthCount: Variable
    private let location: SourceLocation

    /// - Parameter scaling: by what the scale grows and shrinks; checked when the scaler is first used.
    public init(_ scaling: LossScaling = LossScaling(), file: StaticString = #fileID, line: UInt = #line) {
        self.scaling = scaling
        scale = Variable("scale", HostTensor(Float(scaling.initialScale)), isTrainable: false)
        growthCount = Variable("growth.count", HostTensor(Int32(0)), isTrainable: false)
        location = SourceLocation(file: file, line: line)
    }

    /// The loss, a scalar, times the scale: what gradients are to be taken of. float32.
    ///
    /// - Throws: ``GraphError`` where a number of the scaling makes no sense.
    public func scaled(_ loss: Tensor) throws -> Tensor {
        try check()
        return try loss.cast(to: loss.dtype.isHalf ? .float32 : loss.dtype) * read(loss.graph, like: loss)
    }

    /// Gradients of a scaled loss divided by the scale: to be clipped and given to optimizers.
    ///
    /// - Throws: ``GraphError`` for gradients of 16 bits, whose small numbers would be lost.
    public func unscaled(_ gradients: [Tensor]) throws -> [Tensor] {
        try gradients.map { gradient in
            guard !gradient.dtype.isHalf else {
                throw gradient.graph.failure(
                    "unscaled",
                    "gradients of \(gradient.dtype) lose what the scale has kept: make parameters float32 and have autocast "
                        + "bring them to 16 bits", [gradient], at: location)
            }
            return try gradient * read(gradient.graph, like: gradient).reciprocal()
        }
    }

    /// One step: updates that happen only where all gradients are finite, and the next scale.
    ///
    /// - Parameters:
    ///   - updates: new values of parameters, of what optimizers keep and count, and of all else that an overflow must not
    ///     change.
    ///   - gradients: unscaled and not yet clipped.
    /// - Returns: the updates with those of the scale; whether all gradients are finite, a `bool` scalar; and the next scale.
    public func step(
        _ updates: [(Variable, Tensor)], ifFinite gradients: [Tensor]
    ) throws -> (updates: [(Variable, Tensor)], areFinite: Tensor, scale: Tensor) {
        try check()
        guard let graph = updates.first?.1.graph else {
            throw GraphError(operation: "LossScaler.step", message: "there is nothing to update", location: location)
        }
        let areFinite = try areFinite(gradients, in: graph)
        let kept = try updates.map { variable, value in
            (variable, try Tensor.select(areFinite, value, graph.read(variable)))
        }
        // As _amp_update_scale_ has it: a scale that would be infinite stays, and so does what counts.
        let (scale, count) = (try graph.read(scale), try graph.read(growthCount) + 1)
        let zero = try graph.fill(0, [], .int32)
        let isDue = try count.equal(to: graph.fill(Double(scaling.growthInterval), [], .int32))
        let grown = try scale * scaling.growthFactor
        let infinity = try graph.fill(.infinity)
        let grows = try isDue.bitwiseAnd(grown.less(than: infinity))
        let next = try Tensor.select(
            areFinite, Tensor.select(grows, grown, scale), scale * scaling.backoffFactor)
        let nextCount = try Tensor.select(areFinite, Tensor.select(isDue, zero, count), zero)
        return (kept + [(self.scale, next), (growthCount, nextCount)], areFinite, next)
    }

    /// Whether no element is NaN or infinite: a `bool` scalar.
    private func areFinite(_ gradients: [Tensor], in graph: Graph) throws -> Tensor {
        let greatest = try gradients.filter { $0.shape.elementCount > 0 }.map { try $0.absolute().maximum() }
        guard let first = greatest.first else { return try graph.fill(1, [], .bool) }
        // A NaN is the greatest of all.
        let all = try greatest.dropFirst().reduce(first) { try $0.maximum($1.cast(to: $0.dtype)) }
        return try all.less(than: graph.fill(.infinity, [], all.dtype))
    }

    private func read(_ graph: Graph, like tensor: Tensor) throws -> Tensor {
        let scale = try graph.read(scale)
        return tensor.dtype == .float64 ? try scale.cast(to: .float64) : scale
    }

    private func check() throws(GraphError) {
        let isRight =
            (Double(Float.leastNormalMagnitude)...Double(Float.greatestFiniteMagnitude)).contains(scaling.initialScale)
            && (1..<Double.infinity).contains(scaling.growthFactor) && scaling.growthFactor > 1
            && (0..<1).contains(scaling.backoffFactor) && (1...Int(Int32.max)).contains(scaling.growthInterval)
        guard !isRight else { return }
        throw GraphError(
            operation: "LossScaling",
            message:
                "the initial scale must be a float32 above 0, the growth factor above 1, the backoff factor in 0..<1 and"
                + " the growth interval at least 1, not \(scaling.initialScale), \(scaling.growthFactor), "
                + "\(scaling.backoffFactor) and \(scaling.growthInterval)", location: location)
    }
}

extension LossScaler {
    /// What a checkpoint holds.
    var state: [(name: String, variable: Variable)] {
        [("scaling.scale", scale), ("scaling.growth", growthCount)]
    }

    /// Whether a run has left its step out.
    ///
    /// - Parameter outputs: what the step gives of it: whether gradients are finite, and the next scale; nothing where no
    ///   step was due.
    /// - Throws: ``GraphError`` where no smaller scale can help.
    func overflows(_ outputs: ArraySlice<HostTensor>, at location: SourceLocation) throws -> Bool {
        guard let flag = outputs.first, let scale = outputs.last else { return false }
        let isFinite = try flag.elements(Bool.self).first ?? true
        guard !isFinite, try scale.number() < Double(Float.leastNormalMagnitude) else { return !isFinite }
        throw GraphError(
            operation: "train",
            message:
                "gradients are not finite at any scale of the loss: not for want of range but where something divides by "
                + "zero, or has no derivative there, or the parameters have grown beyond all measure",
            location: location)
    }
}

extension Trainer {
    /// What losses are multiplied by at the next step; `nil` where they are not scaled.
    ///
    /// - Throws: what reading it from the device throws.
    public var lossScale: Double? {
        get throws { try scaler.map { try executor.value(of: $0.scale).number() } }
    }
}
