/// How parameters move against their gradients: adds the updates of one step to a graph.
///
/// A class, because it keeps a few variables for each parameter from step to step. One of one's own says what these are
/// and has the formula of a step:
///
/// ```swift
/// final class SignDescent: Optimizer {
///     let learningRate = 1e-3
///     let state = OptimizerState("sign", [.zeros("momentum")])
///
///     func step(_ step: inout OptimizerStep) throws -> Tensor {
///         let momentum = try step.kept("momentum") * 0.9 + step.gradient
///         step.keep("momentum", momentum)
///         return try step.parameter - momentum.sign() * step.learningRate
///     }
/// }
/// ```
public protocol Optimizer: AnyObject {
    /// The learning rate before any ``LearningRateSchedule``.
    var learningRate: Double { get }

    /// What is kept for each parameter from step to step.
    var state: OptimizerState { get }

    /// Forms one step of one parameter.
    ///
    /// - Returns: the parameter's new value, of the type of ``OptimizerStep/parameter``.
    func step(_ step: inout OptimizerStep) throws -> Tensor
}

extension Optimizer {
    /// Adds one step for one parameter.
    ///
    /// - Parameters:
    ///   - step: an int32 scalar, 1 at the first step.
    ///   - learningRate: a float32 scalar.
    /// - Returns: the new values of the parameter and of the optimizer's own variables for it.
    /// - Throws: ``GraphError`` where the operands don't fit or a number that the optimizer was made with makes no
    ///   sense.
    public func update(
        _ parameter: Variable, _ value: Tensor, gradient: Tensor, step: Tensor, learningRate: Tensor
    ) throws -> [(Variable, Tensor)] {
        var formed = try OptimizerStep(state, parameter, value, gradient, step, learningRate)
        let moved = try self.step(&formed)
        return try [(parameter, moved.cast(to: value.dtype))] + formed.updates()
    }

    /// The variables kept for a parameter, by name: what a checkpoint holds so that training goes on as if it had never
    /// stopped.
    public func state(of parameter: Variable) -> [(name: String, variable: Variable)] {
        state.variables(of: parameter).map { ($0.name, $0) }
    }
}

/// The variables that an optimizer keeps for each parameter, made when they are first asked for.
public final class OptimizerState {
    /// One thing that is kept.
    public struct Slot: Sendable {
        let name: String
        let initialValue: Double
        /// Its type for a parameter's.
        let type: @Sendable (TensorType) -> TensorType

        /// Of the parameter's type, zeros at first.
        public static func zeros(_ name: String) -> Slot { .filled(name, with: 0) }

        /// Of the parameter's type, one number at first.
        public static func filled(_ name: String, with number: Double) -> Slot {
            Slot(name: name, initialValue: number) { $0 }
        }

        /// Of the parameter's shape, zeros at first, and float32 where the parameter has 16 bits.
        public static func wideZeros(_ name: String) -> Slot {
            Slot(name: name, initialValue: 0) { TensorType($0.shape, OptimizerStep.dtype(of: $0)) }
        }

        /// One number.
        public static func scalar(_ name: String, initially number: Double) -> Slot {
            Slot(name: name, initialValue: number) { TensorType([], OptimizerStep.dtype(of: $0)) }
        }
    }

    /// What messages and checkpoints call the optimizer.
    let optimizer: String
    let slots: [Slot]
    private var known = VariableMap<[Variable]>()

    /// - Parameter optimizer: a short name: variables are named `adam.first`.
    public init(_ optimizer: String, _ slots: [Slot] = []) {
        self.optimizer = optimizer
        self.slots = slots
    }

    /// One for each slot. Why one has no value, for want of memory or as the parameter itself could not be made, is
    /// said to whoever reads it.
    func variables(of parameter: Variable) -> [Variable] {
        if let known = known[parameter] { return known }
        let made = slots.map { variable($0, for: parameter) }
        known.removeDead()
        // There may be memory for them the next time.
        if made.allSatisfy({ $0.failure == nil }) { known[parameter] = made }
        return made
    }

    private func variable(_ slot: Slot, for parameter: Variable) -> Variable {
        let name = "\(optimizer).\(slot.name)"
        func initialValue() throws -> HostTensor {
            if let failure = parameter.failure { throw failure }
            do {
                return try HostTensor(filledWith: slot.initialValue, slot.type(parameter.type))
            } catch let error as GraphError {
                throw GraphError(
                    operation: error.operation, message: "\(name) of \(parameter.name): \(error.message)")
            }
        }
        return Variable(name, try initialValue(), isTrainable: false)
    }
}
