import Foundation

/// What kernels leave to choose. A family uses some of these parameters; its ``TuningSpace`` says which and with which
/// values. Files of results call them by their raw values.
package enum TuningParameter: String, Hashable, Sendable, CaseIterable {
    /// Floats in a vector.
    case vectorWidth = "lanes"
    /// Rows of the tile that a work-item holds in registers, or a work-group in local memory.
    case rows
    /// Vectors in a row of a register tile.
    case vectors
    /// Columns of a work-group's tile.
    case columns
    /// Steps of the summed axis that are packed, staged or taken at a time.
    case depth
    /// Rows and columns of one work-item of a work-group.
    case workRows, workColumns
    /// The most rows that a work-item takes on.
    case mostRows
    /// The most columns, or steps, that a work-item takes on.
    case mostColumns
    /// Pixels taken at a time.
    case pixels
    /// Keys taken at a time.
    case keys
    /// Rows and vectors of the register tile of a second product.
    case outerRows, outerVectors
    /// Loop iterations written out.
    case unroll
    /// Work-items, or work-groups, for each compute unit.
    case itemsPerUnit
    /// Work-items that share a row.
    case team
    /// The side of a Winograd tile's outputs.
    case outputTile
    /// Kilobytes of what is worked on at a time, to stay in a cache.
    case blockKilobytes
    /// Which of two kernels: 1 for the one that the family is named for, 0 for the other.
    case isChosen

    /// What kernels call it; nil for what only lowering knows.
    fileprivate var macro: String? {
        switch self {
        case .vectorWidth: "VECTOR_WIDTH"
        case .rows: "TILE_M"
        case .columns: "TILE_N"
        case .depth: "TILE_K"
        case .vectors: "TILE_VECTORS"
        case .workRows: "WORK_M"
        case .workColumns: "WORK_N"
        case .mostRows: "MOST_ROWS"
        case .mostColumns: "MOST_COLUMNS"
        case .pixels: "PANEL"
        case .keys: "KEYS"
        case .outerRows: "OUTER_ROWS"
        case .outerVectors: "OUTER_VECTORS"
        case .unroll: "UNROLL"
        case .team: "TEAM"
        case .outputTile: "OUTPUT_TILE"
        case .itemsPerUnit, .blockKilobytes, .isChosen: nil
        }
    }
}

/// A value for each parameter of a space.
package struct TuningValues: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package var parameters: [TuningParameter: Int]

    package init(_ parameters: [TuningParameter: Int]) { self.parameters = parameters }

    package init(dictionaryLiteral elements: (TuningParameter, Int)...) {
        parameters = Dictionary(elements) { _, last in last }
    }

    /// The value of a parameter that the space has: lowering is given no others, whatever a file says.
    package subscript(parameter: TuningParameter) -> Int {
        guard let value = parameters[parameter] else {
            preconditionFailure("the space of \(self) has no parameter \(parameter)")
        }
        return value
    }

    /// Some of these as the kernels' macros.
    func defines(_ parameters: TuningParameter...) -> [String: String] {
        parameters.reduce(into: [:]) { defines, parameter in
            if let macro = parameter.macro { defines[macro] = "\(self[parameter])" }
        }
    }

    package func with(_ parameter: TuningParameter, _ value: Int) -> TuningValues {
        var changed = self
        changed.parameters[parameter] = value
        return changed
    }
}

/// The extents that the best values depend on.
package struct TuningProblem: Hashable, Sendable, Codable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// What an extent counts, by the names that files of results have. A family's ``TuningSpace`` says which of them its
    /// problems have.
    package enum Extent: String, Hashable, Sendable {
        /// Of a product: how many of them, its extents, and 1 for an operand that is transposed.
        case batch, m, n, k
        case transposeA = "ta"
        case transposeB = "tb"
        /// Of a convolution: groups, output and source channels of a group, taps, output pixels and the stride.
        case groups, rows, channels, taps, pixels, stride
        /// The side of a Winograd tile's outputs.
        case outputTile = "tile"
        /// Of attention: heads of all examples, queries, keys, the width of a head, and 1 where it is causal.
        case heads, queries, keys, width, causal
        /// Of a row-wise operation, beside ``rows``.
        case columns
        /// Of a recurrence, beside ``batch``.
        case gates, steps, hidden
    }

    package var extents: [Extent: Int]

    package init(dictionaryLiteral elements: (Extent, Int)...) {
        extents = Dictionary(elements) { _, last in last }
    }

    /// Nil where a name is none of an extent.
    package init?(names: [String: Int]) {
        extents = [:]
        for (name, value) in names {
            guard let extent = Extent(rawValue: name) else { return nil }
            extents[extent] = value
        }
    }

    /// The extents by name, as files hold them.
    package var names: [String: Int] {
        Dictionary(uniqueKeysWithValues: extents.map { ($0.key.rawValue, $0.value) })
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let problem = TuningProblem(names: try container.decode([String: Int].self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "an extent with an unknown name")
        }
        self = problem
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(names)
    }

    /// An extent that the problem has.
    package subscript(extent: Extent) -> Int {
        guard let value = extents[extent] else {
            preconditionFailure("the problem \(self) has no extent \(extent.rawValue)")
        }
        return value
    }

    package var description: String {
        names.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// How far another problem is, in octaves: the sum over the extents, and the largest; nil where they are not of the
    /// same extents.
    package func octaves(to other: TuningProblem) -> (sum: Double, largest: Double)? {
        guard extents.count == other.extents.count else { return nil }
        var (sum, largest) = (0.0, 0.0)
        for (key, extent) in extents {
            guard let theirs = other.extents[key] else { return nil }
            // One more, so that switches of 0 and 1 are an octave apart; as floating point, which doesn't overflow.
            let ratio = (Double(max(extent, 0)) + 1) / (Double(max(theirs, 0)) + 1)
            let distance = abs(log2(ratio))
            sum += distance
            largest = max(largest, distance)
        }
        return (sum, largest)
    }
}

/// The tuning parameters of a family of kernels: what may be chosen, what goes together, and what to take on a device that nobody
/// tuned. Each family's space is beside its lowering, in `Ops/`; a new one is also listed in ``all``.
package struct TuningSpace: Sendable {
    package struct Dimension: Sendable {
        package let parameter: TuningParameter
        package let values: [Int]
    }

    /// As `gpu-bench tune --family` and the files of results call it.
    package let name: String
    /// Which devices have these kernels.
    package let style: DeviceProfile.KernelStyle
    /// What its problems have.
    package let extents: [TuningProblem.Extent]
    /// The most telling first: the search goes through them in this order.
    package let dimensions: [Dimension]
    private let standard: @Sendable (TuningProblem, DeviceProfile) -> TuningValues
    private let constraint: @Sendable (TuningValues, TuningProblem, DeviceProfile) -> Bool

    /// - Parameters:
    ///   - extents: what the best values depend on; `standard` and `constraint` read no others of a problem.
    ///   - standard: the values of an untuned device. They must be of the space and meet the constraint.
    ///   - constraint: what must hold for the kernels to build and to be right, and what is not worth trying because a
    ///     register file or a memory is too small.
    package init(
        _ name: String, _ style: DeviceProfile.KernelStyle, of extents: [TuningProblem.Extent],
        _ dimensions: KeyValuePairs<TuningParameter, [Int]>,
        standard: @escaping @Sendable (TuningProblem, DeviceProfile) -> TuningValues,
        constraint: @escaping @Sendable (TuningValues, TuningProblem, DeviceProfile) -> Bool = { _, _, _ in true }
    ) {
        self.name = name
        self.style = style
        self.extents = extents
        self.dimensions = dimensions.map { Dimension(parameter: $0.key, values: $0.value) }
        self.standard = standard
        self.constraint = constraint
    }

    package func standardValues(for problem: TuningProblem, on profile: DeviceProfile) -> TuningValues {
        standard(problem, profile)
    }

    /// Whether these are values of the space's parameters, of all of them and no others, that go together.
    package func allows(_ values: TuningValues, for problem: TuningProblem, on profile: DeviceProfile) -> Bool {
        values.parameters.count == dimensions.count
            && dimensions.allSatisfy { dimension in
                values.parameters[dimension.parameter].map { dimension.values.contains($0) } ?? false
            }
            && constraint(values, problem, profile)
    }

    /// Everything allowed that differs from `values` in one parameter, in the order of ``dimensions``, the nearest values
    /// first.
    package func neighbours(
        of values: TuningValues, for problem: TuningProblem, on profile: DeviceProfile
    ) -> [TuningValues] {
        dimensions.flatMap { dimension -> [TuningValues] in
            let present = values.parameters[dimension.parameter].flatMap(dimension.values.firstIndex) ?? 0
            return dimension.values.indices.filter { $0 != present }
                .sorted { abs($0 - present) < abs($1 - present) }
                .map { values.with(dimension.parameter, dimension.values[$0]) }
        }.filter { allows($0, for: problem, on: profile) }
    }

    /// Every allowed combination: from dozens to tens of thousands.
    package func candidates(for problem: TuningProblem, on profile: DeviceProfile) -> [TuningValues] {
        var partial = [TuningValues([:])]
        for dimension in dimensions {
            partial = partial.flatMap { values in dimension.values.map { values.with(dimension.parameter, $0) } }
        }
        return partial.filter { allows($0, for: problem, on: profile) }
    }

    /// Values as text, in the order of ``dimensions``: `lanes=16 rows=8 vectors=2`.
    package func text(_ values: TuningValues) -> String {
        dimensions.map { "\($0.parameter.rawValue)=\(values[$0.parameter])" }.joined(separator: " ")
    }
}

extension TuningSpace {
    /// Every family that has something to choose.
    package static let all: [TuningSpace] = [
        convolutionMethod.cpu, weightGradientMethod.cpu, gemmPanel, gemmFewRows, convolutionPanel, depthwise,
        weightGradientPixels, weightGradientTaps, attention, attentionGradient, attentionFew, recurrent, winograd,
        winogradWeightGradient, rows,
        convolutionMethod.gpu, weightGradientMethod.gpu, gemmTile, convolutionTile, weightGradientTile, rowTeams,
    ]

    package static func named(_ name: String) -> TuningSpace? { all.first { $0.name == name } }
}
