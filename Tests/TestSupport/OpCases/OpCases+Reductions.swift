import TensorGraph

extension OpCase {
    static let reductions: [OpCase] = {
        var cases: [OpCase] = []
        let rows: [(Shape, Int, Int)] = [
            ([1], 0, 1), ([7], 0, 1), ([1031], 0, 1), ([17, 33], 1, 1), ([17, 33], 0, 1), ([17, 33], 0, 2),
            ([2, 3, 5, 7], 1, 2), ([2, 3, 5, 7], 2, 2), ([2, 3, 5, 7], 0, 2), ([2, 3, 5, 7], 3, 1),
            ([3, 129, 2], 1, 1),
            ([5, 1], 1, 1), ([4, 3], 1, 0), ([], 0, 0), ([0, 5], 1, 1), ([3, 0], 1, 1), ([0], 0, 1), ([3, 0, 2], 1, 1),
        ]
        let largeRows: [(Shape, Int, Int)] = [
            ([257, 1025], 1, 1), ([1025, 257], 0, 1), ([300_007], 0, 1), ([5, 513, 67], 1, 1), ([3, 40_007], 1, 1),
            ([260, 5003], 0, 1),
        ]
        for function in Reduce.Function.allCases {
            let isExtreme = function == .minimum || function == .maximum
            /// Normal numbers add up to about √n; single sums may come to nothing.
            func tolerance(_ shape: Shape, _ first: Int, _ count: Int) -> Tolerance {
                let root = Double(max(Reduce(function, first: first, count: count).extents(shape).reduced, 1))
                    .squareRoot()
                return switch function {
                case .sum: .elementwise(1e-6, floor: root)
                case .mean: .elementwise(1e-6, floor: 1 / root)
                case .minimum, .maximum: .exact
                case .product: .elementwise(1e-6 + 1e-6 * root, floor: 1e-30)
                }
            }
            /// Of products, so near 1 that they stay numbers.
            let data: TestData = function == .product ? .uniform(0.7...1.4) : .normal
            let manyData: TestData = function == .product ? .uniform(0.999...1.001) : .normal
            for (shape, first, count) in rows {
                let reduce = Reduce(function, first: first, count: count)
                if isExtreme, reduce.extents(shape).reduced == 0 { continue }
                cases.append(
                    OpCase(
                        "reduce \(function.rawValue) \(shape) axes \(first)..<\(first + count)", .reduce(reduce),
                        [.tensor(shape, data)], tolerance(shape, first, count), gradient: .full(.elementwiseGradient)))
            }
            cases.append(
                OpCase(
                    "reduce \(function.rawValue) with ties", .reduce(Reduce(function, first: 1, count: 1)),
                    [.tensor([7, 31], .integers(-2...2))], tolerance([7, 31], 1, 1),
                    gradient: .parity(.elementwiseGradient)))
            cases.append(
                OpCase(
                    "reduce \(function.rawValue) with NaN and infinities",
                    .reduce(Reduce(function, first: 1, count: 1)),
                    [
                        .tensor(
                            [5, 4],
                            .values([
                                1, .nan, 3, 4, .nan, 2, 1, 0, .infinity, 1, 2, 3, -.infinity, 1, 2, 3, 5, 6, 7, .nan,
                            ]))
                    ], tolerance([5, 4], 1, 1)))
            for (shape, first, count) in largeRows {
                cases.append(
                    OpCase(
                        "reduce \(function.rawValue) \(shape) axes \(first)..<\(first + count)",
                        .reduce(Reduce(function, first: first, count: count)), [.tensor(shape, manyData)],
                        tolerance(shape, first, count),
                        gradient: .parity(function == .product ? .normwise(2e-5) : .elementwiseGradient)
                    ).large)
            }
        }
        cases += [
            OpCase(
                "reduce sum of separate axes", [.tensor([3, 5, 7, 2])], .normwise(1e-6),
                gradient: .full(.elementwiseGradient)
            ) {
                _, x in [try x[0].sum(axes: [0, 2]), try x[0].mean(axes: [1, 3], keepsDimensions: true)]
            },
            OpCase(
                "reduce sum of small integers", .reduce(Reduce(.sum, first: 1, count: 1)),
                [.tensor([9, 515], .integers(-9...9))], .exact, gradient: .full(.exact)),
        ]
        cases += [
            OpCase(
                "reduce product with zeros",
                [.tensor([4, 5], .values([2, 0, 3, -1, 4, 0, 1, 0, 5, 2, 3, 2, 1, 5, 2, 0, 0, 0, 0, 0]))], .exact,
                gradient: .full(.normwise(1e-6))
            ) { _, x in [try x[0].product(axes: [-1])] },
            OpCase(
                "reduce product of separate axes", [.tensor([3, 2, 5, 2], .uniform(-2...2))], .normwise(1e-6),
                gradient: .full(.elementwiseGradient)
            ) { _, x in [try x[0].product(axes: [0, 2], keepsDimensions: true)] },
            OpCase(
                "minimum and maximum along an axis", [.tensor([5, 7, 3], .integers(-3...3))], .exact,
                gradient: .parity(.exact)
            ) { _, x in
                let (least, greatest) = try (x[0].minimum(axis: 1), x[0].maximum(axis: -2, keepsDimensions: true))
                return [least.values, least.indices, greatest.values, greatest.indices]
            },
            OpCase(
                "minimum and maximum along an axis, with NaN",
                [.tensor([4, 3], .values([1, .nan, 3, .nan, 2, .nan, -.infinity, 0, .infinity, 0, -0.0, 1]))], .exact
            ) { _, x in
                let (least, greatest) = try (x[0].minimum(axis: 1), x[0].maximum(axis: 0))
                return [least.values, least.indices, greatest.values, greatest.indices]
            },
            OpCase("argMin and argMax of other axes", [.tensor([5, 1, 7, 3], .integers(-3...3))], .exact) { _, x in
                [
                    try x[0].argMin(), try x[0].argMin(axis: 0), try x[0].argMax(axis: 2, keepsDimensions: true),
                    try x[0].argMax(axis: 1),
                ]
            },
            OpCase(
                "any and all",
                [.tensor([6, 4], .values([0, -0.0, 0, 0, 0, 1, 0, 0, 2, .nan, 1, 1e-40, 0, .nan, 0, 0]))],
                .exact
            ) { _, x in
                [
                    try x[0].any(axes: [1]), try x[0].all(axes: [1]), try x[0].any(), try x[0].all(axes: [0]),
                    try x[0].any(axes: [0], keepsDimensions: true),
                ]
            },
            OpCase("any and all of int32", [.int32([6, 4], .integers(0...1))], .exact) { _, x in
                [try x[0].any(axes: [1]), try x[0].all(axes: [0])]
            },
            OpCase("any and all of nothing", [.tensor([3, 0])], .exact) { _, x in
                [try x[0].any(axes: [1]), try x[0].all(axes: [1])]
            },
        ]
        for shape in [Shape([1]), [7], [17, 33], [2, 3, 129], [0, 5], [5, 1]] {
            cases.append(OpCase("argMax \(shape)", .argMax, [.tensor(shape)], .exact))
        }
        cases += [
            OpCase("argMax with ties", .argMax, [.tensor([31, 17], .integers(0...3))], .exact),
            OpCase(
                "argMax with NaN and infinities", .argMax,
                [
                    .tensor(
                        [5, 4],
                        .values([
                            1, .nan, 3, .nan, -.infinity, -.infinity, -.infinity, -.infinity, 1, 2, .infinity,
                            .infinity, .nan, .infinity,
                            1, 2, 0, -0.0, 0, -1,
                        ]))
                ], .exact),
            OpCase("argMax [301, 1025]", .argMax, [.tensor([301, 1025], .integers(-500...500))], .exact).large,
        ]
        return cases.map { $0.inHalf(roundings: 1, backward: 3) }
    }()
}
