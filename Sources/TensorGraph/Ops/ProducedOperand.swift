/// An operation of which one operand is never in memory by itself: an elementwise program makes it, of which each element is
/// evaluated once, as the operation reads it.
///
/// Operands: those of the operation, with the program's in the place of the one that it makes → the operation's results.
/// Only the fusion pass makes one, of the operands that an operation is known to read so (`Fuse.swift`).
package struct ProducedOperand: Hashable, Sendable {
    package let op: Op
    /// Which of the operation's operands the program makes.
    package let place: Int
    package let program: ElementwiseProgram
    /// How many operands the program has.
    package let count: Int
    package let walk: Walk

    package init(of op: Op, at place: Int, _ program: ElementwiseProgram, operands count: Int, walk: Walk) {
        self.op = op
        self.place = place
        self.program = program
        self.count = count
        self.walk = walk
    }

    /// The places of the program's operands among the node's.
    package var programOperands: Range<Int> { place..<(place + count) }

    /// The place among the node's operands of another operand of the operation.
    package func nodeOperand(_ operand: Int) -> Int { operand < place ? operand : operand + count - 1 }

    /// What the program makes of the node's operands.
    package func produced(_ operands: [TensorType]) -> TensorType {
        let own = operands[programOperands]
        let shape = own.dropFirst().reduce(own[place].shape) { $0.broadcast(with: $1.shape) ?? $0 }
        return TensorType(shape, own[place].dtype)
    }

    /// The operands of the operation itself, given the node's.
    package func operands(_ operands: [TensorType]) -> [TensorType] {
        Array(operands[..<place]) + [produced(operands)] + Array(operands[programOperands.upperBound...])
    }
}

extension ProducedOperand {
    /// How an operation goes through an operand: along an even run of axes, for each element of those before it, and of those
    /// after it.
    package struct Walk: Hashable, Sendable {
        package private(set) var first: Int
        package private(set) var count: Int
        private var groups: Int?

        /// Along axes `first ..< first + count`.
        package init(first: Int, count: Int) {
            self.first = first
            self.count = count
        }

        /// Along each of so many groups of channels with their pixels, of `[n, c, …]`.
        package init(groups: Int) {
            self.init(first: 2, count: 1)
            self.groups = groups
        }

        /// A shape with the axes that ``first`` and ``count`` are about.
        package func view(_ whole: Shape) -> Shape { view(whole, of: whole) }

        /// An operand's shape, as it broadcasts to the whole one, with those axes.
        package func view(_ operand: Shape, of whole: Shape) -> Shape {
            let padded = [Int](repeating: 1, count: whole.rank - operand.rank) + operand.dimensions
            guard let groups else { return Shape(padded) }
            let channels = padded[1] == whole[1] ? whole[1] / groups : 1
            return Shape([
                padded[0], padded[1] == whole[1] ? groups : 1, padded.dropFirst(2).reduce(channels, *),
            ])
        }

        /// Whether an operand steps evenly along the axes that are walked and along those after them: it has all of either
        /// run of axes, or none, so that kernels find its elements with one stride for each.
        package func reads(_ operand: Shape, of whole: Shape) -> Bool {
            let (view, all) = (view(operand, of: whole), view(whole))
            return [first..<(first + count), (first + count)..<all.rank].allSatisfy { run in
                let axes = run.filter { all[$0] != 1 }
                let broadcast = axes.count { view[$0] == 1 }
                // Part of a group's pixels is neither all of them nor one.
                return axes.allSatisfy { view[$0] == 1 || view[$0] == all[$0] }
                    && (broadcast == 0 || broadcast == axes.count)
            }
        }
    }
}

extension ShapeRule {
    package func producedOperand(_ attributes: ProducedOperand) throws -> [TensorType] {
        try require(
            attributes.place >= 0 && attributes.count > 0 && attributes.programOperands.upperBound <= operands.count,
            "a program takes \(attributes.count) operands from \(attributes.place) on, of \(operands.count)")
        let own = Array(operands[attributes.programOperands])
        let produced = try ShapeRule(operands: own).elementwise(attributes.program)
        try require(
            produced.count == 1 && produced[0].dtype.isFloatingPoint
                && own.allSatisfy { $0.dtype == produced[0].dtype },
            "a program that makes an operand must be in one floating-point type")
        let results = try attributes.op.accept(ShapeRule(operands: attributes.operands(operands)))
        let shape = produced[0].shape
        if let odd = own.first(where: { !attributes.walk.reads($0.shape, of: shape) }) {
            throw ShapeError(
                "operand \(odd.shape) broadcasts along a part of the axes of \(shape) that are read in one, or of those after them"
            )
        }
        return results
    }
}

extension TraitsRule {
    /// Those of the operation.
    package func producedOperand(_ attributes: ProducedOperand) -> OpTraits { attributes.op.traits }
}

extension GradientRule {
    package func producedOperand(_ attributes: ProducedOperand) throws -> [Tensor?] {
        throw ShapeError("take gradients before fusing")
    }
}
