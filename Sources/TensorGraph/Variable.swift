/// A tensor that outlives a run: a parameter, an optimizer slot, a running statistic.
///
/// A variable is an identity with a type and an initial value; its current value lives where an
/// executor keeps it, usually on a device. Two graphs that read the same variable share it.
public final class Variable: Hashable, Sendable, CustomStringConvertible {
    /// A name for checkpoints and messages, for example `dense1.weight`.
    public let name: String
    public let type: TensorType
    /// The value before the first run.
    public let initialValue: HostTensor
    /// Whether an optimizer should update it.
    public let isTrainable: Bool

    public init(_ name: String, _ initialValue: HostTensor, isTrainable: Bool = true) {
        self.name = name
        self.initialValue = initialValue
        type = initialValue.type
        self.isTrainable = isTrainable
    }

    public static func == (left: Variable, right: Variable) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    public var description: String { "\(name): \(type)" }
}
