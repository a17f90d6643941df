import TensorGraph

/// What would have to be done again if the device's memory were lost: values that variables were given and the steps since.
///
/// It keeps no variable alive, and no plan for long: see ``holdsOrphans()``.
struct Journal {
    enum Entry {
        /// What variables were, or were given, at that time.
        case values(VariableMap<VariableValue>)
        /// A step: an index into the plans.
        case step(plan: Int, inputs: [String: HostTensor])
    }

    private(set) var entries: [Entry] = []
    private(set) var plans: [Plan] = []
    private var steps = 0
    private var byteCount = 0

    /// Steps and bytes after which the variables are read back.
    private static let stepLimit = 32
    private static let byteLimit = 1 << 28

    /// The bytes of the inputs of as many steps as it holds at most.
    static func inputByteCount(ofStep byteCount: Int) -> Int {
        min(byteCount.times(stepLimit), byteLimit.plus(byteCount))
    }

    var isFull: Bool { steps >= Self.stepLimit || byteCount >= Self.byteLimit }

    mutating func append(_ plan: Plan, _ inputs: [String: HostTensor]) {
        let index = plans.firstIndex { $0 === plan } ?? plans.count
        if index == plans.count { plans.append(plan) }
        entries.append(.step(plan: index, inputs: inputs))
        steps += 1
        byteCount += inputs.values.reduce(0) { $0 + $1.type.byteCount }
    }

    /// Notes values that came to the device from elsewhere.
    mutating func append(_ values: [(variable: Variable, value: VariableValue)]) {
        var map = VariableMap<VariableValue>()
        // Without a step in between, later ones stand for earlier ones.
        if case .values(let last) = entries.last {
            map = last
            entries.removeLast()
        }
        for (variable, value) in values {
            map[variable] = value
            byteCount += variable.type.byteCount
        }
        entries.append(.values(map))
    }

    /// Begins anew from values of this moment.
    mutating func start(with values: [(variable: Variable, value: VariableValue)]) {
        self = Journal()
        append(values)
        byteCount = 0
    }

    /// Whether there is a plan of a step here that nobody else can run again.
    mutating func holdsOrphans() -> Bool {
        plans.indices.contains { isKnownUniquelyReferenced(&plans[$0]) }
    }

    mutating func removeDead() {
        for (index, entry) in entries.enumerated() {
            guard case .values(var map) = entry else { continue }
            map.removeDead()
            entries[index] = .values(map)
        }
    }
}
