/// Parameters that one optimizer moves: all of a model's, the generator's beside the discriminator's, weights with decay
/// beside biases without.
public struct ParameterGroup {
    /// What losses call it.
    public let name: String
    /// What moves the parameters; `nil` where they stay as they are.
    public let optimizer: (any Optimizer)?
    /// What the optimizer's learning rate is multiplied by at each step, beside the trainer's own schedule.
    public var schedule: LearningRateSchedule
    /// What is added to the loss for each parameter with at least two axes.
    public var regularizers: [Regularizer]
    /// The most that the norm of each slice along the first axis may be after a step, of parameters with at least two axes:
    /// ``Tensor/renormed(toNorm:file:line:)``. No limit, where `nil`.
    public var maximumNorm: Double?

    /// Asked anew for each plan, as a model may make layers late.
    private let members: () -> [Variable]
    let location: SourceLocation

    /// The parameters as they are now.
    public var parameters: [Variable] { members() }

    /// The parameters of a module.
    public init(
        _ name: String, _ module: any Module, _ optimizer: any Optimizer, schedule: LearningRateSchedule = .constant,
        regularizers: [Regularizer] = [], file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(name, optimizer, schedule, regularizers, SourceLocation(file: file, line: line)) { module.parameters }
    }

    /// Some parameters: `model.parameters.filter { $0.type.shape.rank >= 2 }`.
    public init(
        _ name: String, _ parameters: [Variable], _ optimizer: any Optimizer,
        schedule: LearningRateSchedule = .constant, regularizers: [Regularizer] = [], file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.init(name, optimizer, schedule, regularizers, SourceLocation(file: file, line: line)) { parameters }
    }

    /// The parameters of a module that are not trained here.
    public static func frozen(
        _ name: String, _ module: any Module, file: StaticString = #fileID, line: UInt = #line
    ) -> ParameterGroup {
        ParameterGroup(name, nil, .constant, [], SourceLocation(file: file, line: line)) { module.parameters }
    }

    /// Parameters that are not trained here.
    public static func frozen(
        _ name: String, _ parameters: [Variable], file: StaticString = #fileID, line: UInt = #line
    ) -> ParameterGroup {
        ParameterGroup(name, nil, .constant, [], SourceLocation(file: file, line: line)) { parameters }
    }

    private init(
        _ name: String, _ optimizer: (any Optimizer)?, _ schedule: LearningRateSchedule, _ regularizers: [Regularizer],
        _ location: SourceLocation, _ members: @escaping () -> [Variable]
    ) {
        self.name = name
        self.optimizer = optimizer
        self.schedule = schedule
        self.regularizers = regularizers
        self.location = location
        self.members = members
    }
}
