import Synchronization

/// A tensor that outlives a run: a parameter, an optimizer slot, a running statistic.
///
/// A variable is an identity with a type, an initial value and one present value, the same for whoever reads it: an executor
/// that has changed it keeps that, usually on a device, and others fetch it from there. Two graphs that read the same
/// variable share it.
public final class Variable: Hashable, Sendable, CustomStringConvertible {
    /// A name for checkpoints and messages, for example `dense1.weight`.
    public let name: String
    /// The shape and the type of the elements, which never change.
    public let type: TensorType
    /// The value before the first run.
    public let initialValue: HostTensor
    /// Whether an optimizer should update it.
    public let isTrainable: Bool
    /// Which value it has now, and who has that.
    let state: Mutex<State>

    /// Why there is no initial value; `nil` where all is well.
    package let failure: GraphError?

    /// - Parameter initialValue: where this throws, so does all that reads the variable, so that a model's properties can be
    ///   given their values where they are declared: `let scale = Variable("scale", try HostTensor(zeros: …))`.
    public init(_ name: String, _ initialValue: @autoclosure () throws -> HostTensor, isTrainable: Bool = true) {
        self.name = name
        do {
            self.initialValue = try initialValue()
            failure = nil
        } catch {
            self.initialValue = .nothing
            failure = error as? GraphError ?? GraphError(operation: name, message: "\(error)")
        }
        type = self.initialValue.type
        self.isTrainable = isTrainable
        state = Mutex(State(host: self.initialValue))
    }

    public static func == (left: Variable, right: Variable) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    public var description: String { "\(name): \(type)" }
}
