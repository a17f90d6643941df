/// How parameters move against their gradients: adds the updates of one step to a graph.
///
/// A class, because it keeps a few variables for each parameter from step to step.
public protocol Optimizer: AnyObject {
    /// The learning rate before any ``LearningRateSchedule``.
    var learningRate: Double { get }

    /// Adds one step for one parameter.
    ///
    /// - Parameters:
    ///   - step: an int32 scalar, 1 at the first step.
    ///   - learningRate: a float32 scalar.
    /// - Returns: the new values of the parameter and of the optimizer's own variables for it.
    func update(
        _ parameter: Variable, _ value: Tensor, gradient: Tensor, step: Tensor, learningRate: Tensor
    ) throws -> [(Variable, Tensor)]

    /// The variables kept for a parameter, by name: what a checkpoint holds so that training goes on as if it had never
    /// stopped.
    func state(of parameter: Variable) -> [(name: String, variable: Variable)]
}

extension Variable {
    /// What an optimizer keeps for a parameter, zeros at first. Why there are none, for want of memory or as the parameter
    /// itself could not be made, is said to whoever reads it.
    convenience init(_ name: String, zerosFor parameter: Variable) {
        func zeros() throws -> HostTensor {
            if let failure = parameter.failure { throw failure }
            do {
                return try HostTensor(zeros: parameter.type)
            } catch {
                throw GraphError(operation: error.operation, message: "\(name) of \(parameter.name): \(error.message)")
            }
        }
        self.init(name, try zeros(), isTrainable: false)
    }
}

/// What the learning rate is multiplied by at each step, counted from 0.
public struct LearningRateSchedule: Sendable {
    private let factor: @Sendable (Int) -> Double

    public init(_ factor: @escaping @Sendable (_ step: Int) -> Double) { self.factor = factor }

    public func callAsFunction(_ step: Int) -> Double { factor(step) }

    /// Always 1.
    public static let constant = LearningRateSchedule { _ in 1 }

    /// `factor` to the power of the number of whole periods of `every` steps, at least 1, that have passed.
    public static func decaying(by factor: Double, every steps: Int) -> LearningRateSchedule {
        LearningRateSchedule { step in
            power(factor, Double(max(step, 0) / max(steps, 1)))
        }
    }

    /// From 0 up to 1 over `warmup` steps, then down to `final` along half a cosine until `total` (Loshchilov and Hutter,
    /// 2017), and `final` from there on.
    public static func cosine(total: Int, warmup: Int = 0, final: Double = 0) -> LearningRateSchedule {
        LearningRateSchedule { step in
            let step = max(step, 0)
            if step < warmup { return (Double(step) + 1) / Double(warmup) }
            let progress = min((Double(step) - Double(warmup)) / max(Double(total) - Double(warmup), 1), 1)
            return final + (1 - final) * (1 + cosineOf(Double.pi * progress)) / 2
        }
    }
}

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
