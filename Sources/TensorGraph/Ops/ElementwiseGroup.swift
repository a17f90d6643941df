/// One elementwise program run on several sets of operands, each of a shape of its own: what the grouping pass makes of
/// small programs that alone would cost more to launch than to compute.
///
/// Operands: those of the first member that are its own, all of its shape, in the program's order, then those of the second
/// and so on, then those that all share, of one element each → the program's results of the first member, of its shape,
/// and so on.
package struct ElementwiseGroup: Hashable, Sendable {
    package var program: ElementwiseProgram
    package var members: Int
    /// Of each operand of the program, whether all members share it.
    package var isShared: [Bool]

    package init(_ program: ElementwiseProgram, members: Int, isShared: [Bool]) {
        self.program = program
        self.members = members
        self.isShared = isShared
    }

    private var ownCount: Int { isShared.count { !$0 } }

    /// The places among the node's operands of those that are a member's own.
    package func ownOperands(of member: Int) -> Range<Int> { (member * ownCount)..<((member + 1) * ownCount) }

    /// The places of those that all members share.
    package var sharedOperands: Range<Int> { (members * ownCount)..<(members * ownCount + isShared.count - ownCount) }

    /// The place among the node's operands of each operand that the program has for a member.
    package func operands(of member: Int) -> [Int] {
        var (own, shared) = (ownOperands(of: member).lowerBound, sharedOperands.lowerBound)
        return isShared.map { isShared in
            if isShared {
                defer { shared += 1 }
                return shared
            }
            defer { own += 1 }
            return own
        }
    }

    /// The places of a member's results.
    package func results(of member: Int) -> Range<Int> {
        (member * program.results.count)..<((member + 1) * program.results.count)
    }
}

extension ShapeRule {
    package func elementwiseGroup(_ group: ElementwiseGroup) throws -> [TensorType] {
        try require(group.members > 0 && group.isShared.contains(false), "a group needs members with operands")
        try count(group.sharedOperands.upperBound)
        for index in group.sharedOperands {
            try require(operands[index].shape.elementCount == 1, "what members share must have one element")
        }
        return try (0..<group.members).flatMap { member in
            let own = group.ownOperands(of: member)
            for index in own { try shape(index, operands[own.lowerBound].shape, "member \(member)") }
            let types = group.operands(of: member).map { operands[$0] }
            try require(
                types.map(\.dtype) == group.operands(of: 0).map { operands[$0].dtype },
                "member \(member) is of other types than the first")
            let results = try ShapeRule(operands: types).elementwise(group.program)
            try require(
                results[0].shape == operands[own.lowerBound].shape, "what members share widens member \(member)")
            return results
        }
    }
}

extension TraitsRule {
    package func elementwiseGroup(_ group: ElementwiseGroup) -> OpTraits {
        OpTraits(
            .elementwiseGroup, .computation, overEmptyOperands: .membersWithElements, halfTypes: .elementwise,
            autocast: .asGiven,
            flops: { _, results in
                stride(from: 0, to: results.count, by: max(group.program.results.count, 1)).reduce(0) {
                    $0 + Double(results[$1].shape.elementCount)
                }
            })
    }
}

extension GradientRule {
    package func elementwiseGroup(_ group: ElementwiseGroup) throws -> [Tensor?] {
        throw ShapeError("take gradients before fusing")
    }
}
