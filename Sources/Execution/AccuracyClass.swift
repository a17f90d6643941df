/// How a lowered node rounds beside the sum that defines its operation.
///
/// Whoever holds results to a reference chooses the limit by it, and whoever counts operations knows by it whether all that
/// are counted were done.
package enum AccuracyClass: String, Hashable, Sendable, Codable, CaseIterable {
    /// The products and sums of the definition, in some order.
    case direct
    /// Fewer products than the definition has, between transforms that round on their own: Winograd's filtering.
    case transformed
    /// Operands of products rounded to fewer bits first: TF32.
    case reducedOperands = "reduced operands"
}

extension Plan {
    /// Those of its nodes where it runs first: on the device if there is one, else on the CPU path.
    package var accuracyClasses: Set<AccuracyClass> {
        Set((deviceSchedule ?? cpuSchedule)?.placement.choices.compactMap { $0?.lowered.accuracy } ?? [])
    }
}
