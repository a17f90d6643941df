import TensorGraph

extension OpCase {
    /// Products whose batch axes broadcast, and products of vectors.
    static let broadcastProducts: [OpCase] = {
        func product(
            _ a: [Int], _ b: [Int], m: Int = 5, n: Int = 7, k: Int = 3, transposeA: Bool = false,
            transposeB: Bool = false,
            isLarge: Bool = false
        ) -> OpCase {
            let batch = Shape(a).broadcast(with: Shape(b))?.elementCount ?? 1
            let backward = Tolerance.product(max(m, n) * max(batch, 1))
            return OpCase(
                "matMul broadcast \(a) \(b) \(m)×\(n)×\(k)\(transposeA ? " aᵀ" : "")\(transposeB ? " bᵀ" : "")",
                [
                    .tensor(Shape(a + (transposeA ? [k, m] : [m, k]))),
                    .tensor(Shape(b + (transposeB ? [n, k] : [k, n]))),
                ], .product(k), gradient: isLarge ? .parity(backward) : .full(backward)
            ) { _, x in [try x[0].matMul(x[1], transposeSelf: transposeA, transposeOther: transposeB)] }
            // The gradients add up a batch of numbers in 16 bits where it is the elements of a row that are shared.
            .inHalf(roundings: 1, backward: 2, onMatrixUnits: true).with { $0.isLarge = isLarge }
        }
        let batches: [([Int], [Int])] = [
            // One operand's axes alone, before, after and between those of both.
            ([], [3]), ([1], [3]), ([3], [1, 1]), ([3], [2, 3]), ([2, 3], [3]), ([2, 1], [2, 3]), ([2, 3], [2, 1]),
            ([2, 1], [1, 3]), ([1, 3], [2, 1]), ([2, 1, 3], [2, 2, 1]), ([3, 2], [2, 1, 2]),
            // Axes of extent 1, of one operand alone.
            ([1], []), ([], [1]), ([1, 1], [1]), ([1], [1, 1]), ([1, 3], [3]), ([3], [1, 3]),
            // More turns than are read in place.
            ([2, 1, 3, 1], [1, 2, 1, 2]), ([2, 1, 3], [1, 2, 3]), ([2, 2, 1, 2], [1, 2, 3, 1]),
        ]
        var cases: [OpCase] = []
        for (a, b) in batches {
            for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
                cases.append(product(a, b, transposeA: transposeA, transposeB: transposeB))
            }
        }
        cases += [
            product([4], [1], m: 1, n: 1, k: 1), product([2, 1], [1, 3], m: 1, n: 17, k: 5),
            product([2, 1], [2, 3], m: 1, n: 19, k: 7, transposeB: true), product([1], [3], m: 33, n: 17, k: 29),
            product([2, 1], [3], m: 19, n: 37, k: 23, transposeA: true),
            product([2, 1], [1, 0]), product([0], [1]), product([1], [0]), product([2, 1], [3], k: 0),
            product([3, 1], [1, 2], m: 129, n: 67, k: 65, isLarge: true),
            product([2, 1], [2, 2], m: 131, n: 33, k: 401, transposeA: true, isLarge: true),
            product([1, 2], [3, 1], m: 517, n: 65, k: 130, transposeA: true, transposeB: true, isLarge: true),
        ]
        for (a, b): (Shape, Shape) in [
            ([5], [5]), ([5], [5, 3]), ([4, 5], [5]), ([5], [2, 5, 3]), ([2, 3, 4, 5], [5]), ([1], [1]),
            ([5], [0, 5, 3]),
        ] {
            cases.append(
                OpCase(
                    "matMul of a vector, \(a) \(b)", [.tensor(a), .tensor(b)], .product(5),
                    gradient: .full(.product(24))
                ) { _, x in [try x[0].matMul(x[1])] })
        }
        for (a, b): (Shape, Shape) in [([2, 1, 9, 5], [2, 3, 5, 17]), ([2, 1, 2, 5], [1, 3, 5, 17])] {
            cases.append(
                OpCase(
                    "matMul broadcast \(a) \(b) bias relu", .matMul(MatMul(activation: .relu)),
                    [.tensor(a), .tensor(b), .tensor([17])], .product(5)))
        }
        return cases
    }()
}
