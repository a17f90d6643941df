import TensorGraph

/// All combinations of values, one after another; the last parameter changes first. A trial's number is its place in the
/// grid, and there are no more trials when all have been tried.
public struct GridSampler: Sampler {
    private let points: Int
    private let location: SourceLocation
    /// The most combinations.
    static let limit = 1_000_000

    /// - Parameter points: how many values of a real parameter to try, evenly spread over its scale, both ends included; one is
    ///   the middle. Of an integer that many too, where it has more; of categories all.
    public init(points: Int = 5, file: StaticString = #fileID, line: UInt = #line) {
        self.points = points
        location = SourceLocation(file: file, line: line)
    }

    public func values(_ context: SamplerContext) throws -> ParameterValues? {
        guard points >= 1 else { throw failure("there must be at least 1 point, not \(points)") }
        guard points <= Self.limit else { throw failure("\(points) points are more than \(Self.limit)") }
        let parameters = context.space.parameters
        guard let count = count(parameters[...], ParameterValues(), context.space), count <= Self.limit else {
            throw failure("the grid has more than \(Self.limit) combinations: take fewer points or parameters")
        }
        guard context.number < count else { return nil }
        var (rest, values) = (context.number, ParameterValues())
        for (index, parameter) in parameters.enumerated() where context.space.isActive(parameter, in: values) {
            for value in choices(parameter) {
                values[parameter.name] = value
                let below = self.count(parameters[(index + 1)...], values, context.space) ?? 0
                if rest < below { break }
                rest -= below
            }
        }
        return values
    }

    /// How many combinations there are of parameters beside the values of those before them; `nil` for too many.
    private func count(
        _ parameters: ArraySlice<SearchParameter>, _ values: ParameterValues, _ space: SearchSpace
    ) -> Int? {
        var total = 1
        for (index, parameter) in zip(parameters.indices, parameters) where space.isActive(parameter, in: values) {
            let rest = parameters[(index + 1)...]
            // Only where others depend on it does its value matter.
            guard rest.contains(where: { $0.condition?.name == parameter.name }) else {
                total *= choices(parameter).count
                guard total <= Self.limit else { return nil }
                continue
            }
            var (sum, values) = (0, values)
            for value in choices(parameter) {
                values[parameter.name] = value
                guard let below = count(rest, values, space) else { return nil }
                sum += below
                guard sum <= Self.limit else { return nil }
            }
            let (product, overflows) = total.multipliedReportingOverflow(by: sum)
            return overflows ? nil : product
        }
        return total
    }

    /// The values of a parameter that are tried.
    private func choices(_ parameter: SearchParameter) -> [ParameterValue] {
        let all: [ParameterValue]? =
            switch parameter.domain {
            case .categories(let categories): categories.map { .category($0) }
            case .integer(let range, let step, _) where parameter.count ?? .max <= points:
                stride(from: range.lowerBound, through: range.upperBound, by: step).map { .integer($0) }
            default: nil
            }
        if let all { return all }
        var choices: [ParameterValue] = []
        for index in 0..<points {
            let value = parameter.value(at: points > 1 ? Double(index) / Double(points - 1) : 0.5)
            // Small whole numbers lie far apart on a logarithmic scale.
            if choices.last != value { choices.append(value) }
        }
        return choices
    }

    private func failure(_ message: String) -> GraphError {
        GraphError(operation: "GridSampler", message: message, location: location)
    }
}

extension Sampler where Self == GridSampler {
    /// All combinations of values; see ``GridSampler``.
    public static func grid(points: Int = 5, file: StaticString = #fileID, line: UInt = #line) -> GridSampler {
        GridSampler(points: points, file: file, line: line)
    }
}
