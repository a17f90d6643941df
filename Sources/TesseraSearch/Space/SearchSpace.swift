import TensorGraph

/// The hyper-parameters that a ``Study`` chooses, in order.
public struct SearchSpace: Hashable, Sendable {
    public let parameters: [SearchParameter]

    /// - Throws: ``GraphError`` where there is no parameter or one twice, a range is empty, not finite, or not above 0 for a
    ///   logarithmic scale, or a condition is not on categories that are listed before.
    public init(
        _ parameters: [SearchParameter], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        if let complaint = Self.complaint(parameters) {
            throw GraphError(
                operation: "SearchSpace", message: complaint, location: SourceLocation(file: file, line: line))
        }
        self.parameters = parameters
    }

    /// What is wrong with parameters, in words; `nil` where nothing is.
    static func complaint(_ parameters: [SearchParameter]) -> String? {
        if parameters.isEmpty { return "there is no parameter to search for" }
        var before: [String: SearchParameter] = [:]
        for parameter in parameters {
            if let complaint = parameter.complaint { return complaint }
            if before.updateValue(parameter, forKey: parameter.name) != nil {
                return "there are two parameters “\(parameter.name)”"
            }
            guard let condition = parameter.condition else { continue }
            guard condition.name != parameter.name, case .categories(let known) = before[condition.name]?.domain else {
                return "the condition of “\(parameter.name)” is on “\(condition.name)”, which is not one of the"
                    + " parameters with categories before it"
            }
            if condition.categories.isEmpty { return "the condition of “\(parameter.name)” has no categories" }
            if let other = condition.categories.first(where: { !known.contains($0) }) {
                return "the condition of “\(parameter.name)” is that “\(condition.name)” is “\(other)”, which is none"
                    + " of its categories"
            }
        }
        return nil
    }

    /// Whether a parameter has a meaning beside the values of those before it.
    func isActive(_ parameter: SearchParameter, in values: ParameterValues) -> Bool {
        guard let condition = parameter.condition else { return true }
        guard case .category(let category) = values[condition.name] else { return false }
        return condition.categories.contains(category)
    }

    /// The values at a position of each parameter, in their order; those without a meaning have none.
    package func values(at positions: [Double]) -> ParameterValues {
        var values = ParameterValues()
        for (parameter, position) in zip(parameters, positions) where isActive(parameter, in: values) {
            values[parameter.name] = parameter.value(at: position)
        }
        return values
    }

    /// The position of each parameter, in their order: the middle, where one has no value.
    package func positions(of values: ParameterValues) -> [Double] {
        parameters.map { parameter in values[parameter.name].flatMap { parameter.position(of: $0) } ?? 0.5 }
    }

    /// What is wrong with the values of a trial, in words; `nil` where they are of this space.
    package func complaint(about values: ParameterValues) -> String? {
        let known = Set(parameters.map(\.name))
        if let name = values.names.first(where: { !known.contains($0) }) {
            return "there is no parameter “\(name)” in the space"
        }
        for parameter in parameters {
            let value = values[parameter.name]
            guard isActive(parameter, in: values) else {
                if value != nil { return "“\(parameter.name)” has no meaning beside the others, but a value" }
                continue
            }
            guard let value else { return "“\(parameter.name)” has no value" }
            if parameter.position(of: value) == nil { return "\(value) is no value of “\(parameter.name)”" }
        }
        return nil
    }
}

extension SearchSpace: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        parameters = try container.decode([SearchParameter].self)
        if let complaint = Self.complaint(parameters) {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: complaint)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(parameters)
    }
}
