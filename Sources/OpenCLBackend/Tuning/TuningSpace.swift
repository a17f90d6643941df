import Foundation

/// The numbers that kernels leave to choose. A family uses some of them; its ``TuningSpace`` says which and with which
/// values.
package enum TuningParameter: String, Hashable, Sendable, CaseIterable {
    /// Floats in a vector.
    case lanes
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
}

/// A value for each parameter of a space.
package struct TuningValues: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package var numbers: [TuningParameter: Int]

    package init(_ numbers: [TuningParameter: Int]) { self.numbers = numbers }

    package init(dictionaryLiteral elements: (TuningParameter, Int)...) {
        numbers = Dictionary(elements) { _, last in last }
    }

    /// A number of these; 1, which no kernel divides badly by, for what the space does not have.
    package subscript(parameter: TuningParameter) -> Int { numbers[parameter] ?? 1 }

    package func with(_ parameter: TuningParameter, _ value: Int) -> TuningValues {
        var changed = self
        changed.numbers[parameter] = value
        return changed
    }
}

/// The extents that the best numbers depend on, by name.
package struct TuningProblem: Hashable, Sendable, Codable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    package var extents: [String: Int]

    package init(dictionaryLiteral elements: (String, Int)...) {
        extents = Dictionary(elements) { _, last in last }
    }

    package init(from decoder: any Decoder) throws {
        extents = try decoder.singleValueContainer().decode([String: Int].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(extents)
    }

    package subscript(name: String) -> Int { extents[name] ?? 1 }

    package var description: String {
        extents.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// How far another problem is, in octaves: the sum over the extents, and the largest; nil where they are not of the
    /// same extents.
    package func octaves(to other: TuningProblem) -> (sum: Double, largest: Double)? {
        guard extents.count == other.extents.count else { return nil }
        var (sum, largest) = (0.0, 0.0)
        for (name, extent) in extents {
            guard let theirs = other.extents[name] else { return nil }
            // One more, so that switches of 0 and 1 are an octave apart.
            let ratio = Double(max(extent, 0) + 1) / Double(max(theirs, 0) + 1)
            let distance = abs(log2(ratio))
            sum += distance
            largest = max(largest, distance)
        }
        return (sum, largest)
    }
}

/// The numbers of a family of kernels: what may be chosen, what goes together, and what to take on a device that nobody
/// tuned. Each family's space is beside its lowering, in `Ops/`; a new one is also listed in ``all``.
package struct TuningSpace: Sendable {
    package struct Dimension: Sendable {
        package let parameter: TuningParameter
        package let values: [Int]
    }

    /// As `gpu-bench tune --family` and the files of results call it.
    package let name: String
    /// Which devices have these kernels.
    package let shape: DeviceProfile.KernelShape
    /// The most telling first: the search goes through them in this order.
    package let dimensions: [Dimension]
    private let standard: @Sendable (TuningProblem, DeviceProfile) -> TuningValues
    private let constraint: @Sendable (TuningValues, TuningProblem, DeviceProfile) -> Bool

    /// - Parameters:
    ///   - standard: the numbers of an untuned device. They must be of the space and meet the constraint.
    ///   - constraint: what must hold for the kernels to build and to be right, and what is not worth trying because a
    ///     register file or a memory is too small.
    package init(
        _ name: String, _ shape: DeviceProfile.KernelShape, _ dimensions: KeyValuePairs<TuningParameter, [Int]>,
        standard: @escaping @Sendable (TuningProblem, DeviceProfile) -> TuningValues,
        constraint: @escaping @Sendable (TuningValues, TuningProblem, DeviceProfile) -> Bool = { _, _, _ in true }
    ) {
        self.name = name
        self.shape = shape
        self.dimensions = dimensions.map { Dimension(parameter: $0.key, values: $0.value) }
        self.standard = standard
        self.constraint = constraint
    }

    package func standardValues(for problem: TuningProblem, on profile: DeviceProfile) -> TuningValues {
        standard(problem, profile)
    }

    /// Whether these are numbers of the space, all of them and no others, that go together.
    package func allows(_ values: TuningValues, for problem: TuningProblem, on profile: DeviceProfile) -> Bool {
        values.numbers.count == dimensions.count
            && dimensions.allSatisfy { dimension in
                values.numbers[dimension.parameter].map { dimension.values.contains($0) } ?? false
            }
            && constraint(values, problem, profile)
    }

    /// Everything allowed that differs from `values` in one number, in the order of ``dimensions``, the nearest numbers
    /// first.
    package func neighbours(
        of values: TuningValues, for problem: TuningProblem, on profile: DeviceProfile
    ) -> [TuningValues] {
        dimensions.flatMap { dimension -> [TuningValues] in
            let present = dimension.values.firstIndex(of: values[dimension.parameter]) ?? 0
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
    /// Every family that has numbers to choose.
    package static let all: [TuningSpace] = [
        convolutionMethod.cpu, weightGradientMethod.cpu, gemmPanel, gemmFewRows, convolutionPanel, depthwise,
        weightGradientPixels, weightGradientTaps, attention, attentionGradient, attentionFew, recurrent, winograd,
        winogradWeightGradient, rows,
        convolutionMethod.gpu, weightGradientMethod.gpu, gemmTile, convolutionTile, weightGradientTile, rowTeams,
    ]

    package static func named(_ name: String) -> TuningSpace? { all.first { $0.name == name } }
}
