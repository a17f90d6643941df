import Foundation

// Batches whose examples are mixed two by two, so that a model learns to be no surer than it should. All that is drawn
// comes from a source, the same for the same seed.

extension Batch {
    /// Mixup (Zhang et al., 2018): each example with a share of another, `λ·x + (1 - λ)·x'`, and what is wanted for
    /// both in the same shares, λ being drawn for the batch from a beta distribution. torchvision.transforms.v2.MixUp.
    ///
    /// - Parameters:
    ///   - alpha: both parameters of the distribution, above 0: the smaller, the less is mixed.
    ///   - classes: how many classes there are, where the target is int32 labels `[count]`: it becomes float32
    ///     `[count, classes]`, for ``Loss/crossEntropy``. A float32 target is mixed as it is.
    /// - Returns: the batch with another “input”, which must be float32, and “target”.
    /// - Throws: ``GraphError`` where a tensor is not there or of another type, a label is no class, or `alpha` makes
    ///   no sense.
    public func mixedUp(
        alpha: Double = 1, classes: Int? = nil, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Batch {
        let mixing = try Mixing(self, alpha, classes, random, "mixedUp", file, line)
        let share = Float(random.beta(alpha))
        return try mixing.batch(share: share) { first, second in share * first + (1 - share) * second }
    }

    /// CutMix (Yun et al., 2019): images `[count, channels, height, width]` with a box of another image, which is about
    /// the share `1 - λ` of its area, and what is wanted for both in the shares that they have of it.
    /// torchvision.transforms.v2.CutMix.
    ///
    /// Parameters, what is returned and errors are as of ``mixedUp(alpha:classes:_:file:line:)``.
    public func cutMixed(
        alpha: Double = 1, classes: Int? = nil, _ random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) -> Batch {
        let mixing = try Mixing(self, alpha, classes, random, "cutMixed", file, line)
        let shape = mixing.input.shape
        guard shape.rank == 4 else {
            throw mixing.failure("images must be [count, channels, height, width], not \(shape)")
        }
        let (height, width) = (shape[2], shape[3])
        let side = (1 - random.beta(alpha)).squareRoot() / 2
        func range(_ extent: Int) -> Range<Int> {
            let center = Double(random.unit()) * Double(extent)
            let (first, last) = (center - side * Double(extent), center + side * Double(extent))
            let begin = max(Int(first.rounded(.down)), 0)
            return begin..<max(min(Int(last.rounded(.down)), extent), begin)
        }
        let (rows, columns) = (range(height), range(width))
        let area = Double(rows.count * columns.count) / Double(max(height * width, 1))
        var index = 0
        return try mixing.batch(share: Float(1 - area)) { first, second in
            let place = index % (height * width)
            index += 1
            return rows.contains(place / width) && columns.contains(place % width) ? second : first
        }
    }
}

/// A batch with the order of the examples that its own are mixed with.
private struct Mixing {
    private let source: Batch
    let input: HostTensor
    private let target: HostTensor
    private let order: [Int]
    private let name: String
    private let location: SourceLocation

    init(
        _ batch: Batch, _ alpha: Double, _ classes: Int?, _ random: RandomSource, _ name: String,
        _ file: StaticString, _ line: UInt
    ) throws(GraphError) {
        source = batch
        self.name = name
        location = SourceLocation(file: file, line: line)
        let (input, target) = (try batch["input", file, line], try batch["target", file, line])
        let types = [input.type, target.type], location = location
        func failure(_ message: String) -> GraphError {
            GraphError(operation: name, message: message, operands: types, location: location)
        }
        guard alpha > 0, alpha.isFinite else { throw failure("alpha must be above 0, not \(alpha)") }
        guard input.dtype == .float32 else { throw failure("the input must be float32, not \(input.dtype)") }
        guard let count = input.shape.dimensions.first, target.shape.dimensions.first == count else {
            throw failure("input and target must have as many rows")
        }
        self.input = input
        if target.dtype == .int32, target.shape.rank == 1 {
            guard let classes, classes > 0 else {
                throw failure("labels need the number of classes, above 0, to be mixed")
            }
            self.target = try target.oneHot(classes, name, location)
        } else {
            guard target.dtype == .float32 else {
                throw failure("the target must be int32 labels [\(count)] or float32, not \(target.type)")
            }
            self.target = target
        }
        var generator = random
        order = (0..<count).shuffled(using: &generator)
    }

    func failure(_ message: String) -> GraphError {
        GraphError(operation: name, message: message, operands: [input.type], location: location)
    }

    /// - Parameters:
    ///   - share: of each example itself in its target.
    ///   - pixel: one number of the input, of those of the two examples.
    func batch(share: Float, _ number: (Float, Float) -> Float) throws(GraphError) -> Batch {
        var mixed = source
        mixed.tensors["input"] = try input.combined(with: input.rows(order[...]), number)
        mixed.tensors["target"] = try target.combined(with: target.rows(order[...])) { share * $0 + (1 - share) * $1 }
        return mixed
    }
}

extension HostTensor {
    /// float32 numbers made of two of them each.
    fileprivate func combined(
        with other: HostTensor, _ number: (Float, Float) -> Float
    ) throws(GraphError) -> HostTensor {
        let (first, second) = (try elements(Float.self), try other.elements(Float.self))
        return try HostTensor(shape, zip(first, second).map { number($0, $1) })
    }

    /// Labels `[count]` as `[count, classes]`, 1 at the label.
    fileprivate func oneHot(_ classes: Int, _ name: String, _ location: SourceLocation) throws(GraphError) -> HostTensor
    {
        let labels = try elements(Int32.self)
        if let wrong = labels.first(where: { !(0..<classes).contains(Int($0)) }) {
            throw GraphError(
                operation: name, message: "the label \(wrong) is none of \(classes) classes", operands: [type],
                location: location)
        }
        let shape = Shape([labels.count, classes])
        if let complaint = shape.complaint {
            throw GraphError(operation: name, message: complaint, operands: [type], location: location)
        }
        var shares = try HostTensor(zeros: TensorType(shape))
        shares.withUnsafeMutableBytes { bytes in
            for (row, label) in labels.enumerated() {
                bytes.storeBytes(of: 1, toByteOffset: 4 * (row * classes + Int(label)), as: Float.self)
            }
        }
        return shares
    }
}

extension RandomSource {
    /// A number of a beta distribution with both parameters alike.
    fileprivate func beta(_ alpha: Double) -> Double {
        let (first, second) = (gamma(alpha), gamma(alpha))
        // Both vanish where alpha is tiny: it is then one or the other.
        return first + second > 0 ? first / (first + second) : (unit() < 0.5 ? 0 : 1)
    }

    /// A number of a gamma distribution (Marsaglia and Tsang, 2000).
    private func gamma(_ shape: Double) -> Double {
        if shape < 1 {
            return gamma(shape + 1) * Foundation.pow(1 - Double(unit()), 1 / shape)
        }
        let d = shape - 1.0 / 3
        while true {
            let x = Double(normal())
            let v = Foundation.pow(1 + x / (9 * d).squareRoot(), 3)
            if v > 0, Foundation.log(1 - Double(unit())) < x * x / 2 + d - d * v + d * Foundation.log(v) {
                return d * v
            }
        }
    }
}
