import TensorGraph

extension OpCase {
    static let movement: [OpCase] = {
        let exact = GradientCheck.full(.exact)
        /// Gradients that sum.
        let sums = GradientCheck.full(.normwise(2e-6))
        var cases: [OpCase] = [
            OpCase("reshape", .reshape([5, 6]), [.tensor([2, 3, 5])], .exact, gradient: exact),
            OpCase("reshape of a scalar", .reshape([1, 1]), [.tensor([])], .exact, gradient: exact),
            OpCase("reshape of an empty tensor", .reshape([3, 0]), [.tensor([0, 7])], .exact, gradient: exact),
            OpCase("stopGradient", [.tensor([7])], .arithmetic, gradient: .parity(.elementwiseGradient)) { _, x in
                [try x[0].stoppingGradient() * x[0]]
            }.inHalf(roundings: 1),
            OpCase("a reshaped result", [.tensor([3, 4])], .exact, gradient: exact) { _, x in
                [try (-x[0]).reshaped(to: [2, 6])]
            },
        ]
        let broadcasts: [(Shape, Shape)] = [
            ([], [3, 5]), ([5], [3, 5]), ([3, 1], [3, 5]), ([1, 7, 1], [2, 4, 7, 3]), ([1], [0]), ([17], [33, 17]),
        ]
        for (from, to) in broadcasts {
            cases.append(OpCase("broadcast \(from) to \(to)", .broadcast(to), [.tensor(from)], .exact, gradient: sums))
        }
        let permutations: [(Shape, [Int])] = [
            ([5, 7], [1, 0]), ([17, 33], [1, 0]), ([2, 3, 5], [0, 2, 1]), ([2, 3, 5], [2, 0, 1]),
            ([2, 3, 5], [1, 0, 2]),
            ([2, 3, 5], [2, 1, 0]), ([2, 3, 4, 5], [0, 2, 1, 3]), ([2, 3, 4, 5], [3, 1, 0, 2]),
            ([2, 3, 4, 5], [0, 2, 3, 1]),
            ([3, 1, 2, 2, 3], [4, 2, 0, 1, 3]), ([2, 2, 2, 2, 2, 3], [5, 3, 1, 0, 2, 4]), ([1, 9], [1, 0]),
            ([0, 3], [1, 0]), ([7], [0]), ([], []),
            ([4, 33, 65], [0, 2, 1]),
        ]
        for (shape, permutation) in permutations {
            cases.append(
                OpCase(
                    "transpose \(shape) by \(permutation)", .transpose(Transpose(permutation: permutation)),
                    [.tensor(shape)],
                    .exact, gradient: exact))
        }
        cases.append(
            OpCase(
                "transpose of int32", .transpose(Transpose(permutation: [1, 0])), [.int32([5, 3], .integers(-9...9))],
                .exact))
        let largePermutations: [(Shape, [Int])] = [([257, 515], [1, 0]), ([7, 129, 8, 17], [0, 2, 1, 3])]
        for (shape, permutation) in largePermutations {
            cases.append(
                OpCase(
                    "transpose \(shape) by \(permutation)", .transpose(Transpose(permutation: permutation)),
                    [.tensor(shape)],
                    .exact, gradient: .parity(.exact)
                ).large)
        }
        let joins: [([Shape], Int)] = [
            ([[2, 3], [4, 3]], 0), ([[2, 3], [2, 5]], 1), ([[2, 3, 5], [2, 1, 5], [2, 7, 5]], 1),
            ([[3, 2], [0, 2], [1, 2]], 0), ([[7]], 0), ([[17, 33], [17, 1]], 1), ([[0, 3], [0, 2]], 1),
            ([[1], [1], [1], [1], [1], [1], [1], [1], [1]], 0),
        ]
        for (shapes, axis) in joins {
            cases.append(
                OpCase(
                    "concatenate \(shapes.map(\.description).joined(separator: " ")) along \(axis)",
                    .concatenate(Concatenate(axis: axis)), shapes.map { .tensor($0) }, .exact, gradient: exact))
        }
        cases.append(
            OpCase(
                "concatenate a tensor with itself", [.tensor([3, 5])], .exact, gradient: .full(.elementwiseGradient)
            ) { _, x in [try Tensor.concatenated([x[0], x[0]], axis: 1)] })
        cases.append(
            OpCase(
                "concatenate large", .concatenate(Concatenate(axis: 1)), [.tensor([131, 257]), .tensor([131, 300])],
                .exact,
                gradient: .parity(.exact)
            ).large)
        let boxes: [(Shape, [Int], [Int], [Int])] = [
            ([10], [2], [5], [1]), ([10], [1], [3], [4]), ([5, 7], [1, 2], [3, 5], [1, 1]),
            ([5, 7], [0, 6], [5, 1], [1, 1]),
            ([5, 7], [0, 1], [3, 2], [2, 3]), ([2, 3, 5, 7], [1, 0, 2, 1], [1, 2, 3, 2], [1, 2, 1, 4]),
            ([4], [4], [0], [1]), ([33, 17], [16, 0], [17, 17], [1, 1]),
        ]
        for (shape, starts, counts, steps) in boxes {
            let slice = Slice(starts: starts, counts: counts, steps: steps)
            cases.append(
                OpCase(
                    "slice \(shape) from \(starts) count \(counts) step \(steps)", .slice(slice), [.tensor(shape)],
                    .exact,
                    gradient: exact))
            cases.append(
                OpCase(
                    "pad \(Shape(counts)) to \(shape) at \(starts) step \(steps)",
                    .pad(Pad(starts: starts, steps: steps, shape: shape)), [.tensor(Shape(counts))], .exact,
                    gradient: exact))
        }
        let slice = Slice(starts: [3, 1], counts: [120, 150], steps: [2, 2])
        cases.append(
            OpCase("slice large", .slice(slice), [.tensor([257, 301])], .exact, gradient: .parity(.exact)).large)
        return cases.map { $0.halfRoundings == nil ? $0.movedInHalf(backward: 2) : $0 }
    }()
}
