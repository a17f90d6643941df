import TensorGraph

extension OpCase {
    static let pooling: [OpCase] = {
        var cases: [OpCase] = []
        let rows: [(input: Shape, window: [Int], stride: [Int], padding: [Int])] = [
            ([1, 1, 1, 1], [1, 1], [1, 1], [0, 0, 0, 0]), ([2, 3, 6, 8], [2, 2], [2, 2], [0, 0, 0, 0]),
            ([2, 3, 7, 9], [2, 2], [2, 2], [0, 0, 0, 0]),
            ([1, 2, 7, 9], [3, 3], [2, 2], [1, 1, 1, 1]), ([1, 2, 7, 6], [3, 2], [1, 1], [0, 0, 0, 0]),
            ([1, 5, 8, 5], [3, 4], [2, 1], [2, 0, 1, 3]),
            ([2, 1, 5, 5], [5, 5], [1, 1], [0, 0, 0, 0]), ([1, 1, 9, 9], [2, 2], [3, 4], [0, 0, 0, 0]),
            ([3, 7, 3, 17], [1, 3], [1, 2], [0, 0, 1, 1]),
            ([0, 3, 4, 4], [2, 2], [2, 2], [0, 0, 0, 0]), ([2, 0, 4, 4], [2, 2], [2, 2], [0, 0, 0, 0]),
            ([1, 1, 1, 1], [3, 3], [1, 1], [1, 1, 1, 1]),
        ]
        func add(
            _ input: Shape, _ pool: Pool2D, _ data: TestData, _ suffix: String, isLarge: Bool = false,
            hasTies: Bool = false
        ) {
            let name = "\(input) window \(pool.window) stride \(pool.stride) padding \(pool.padding)\(suffix)"
            let check = isLarge || hasTies ? GradientCheck.parity(.elementwiseGradient) : .full(.elementwiseGradient)
            cases.append(
                OpCase("maxPool2D \(name)", .maxPool2D(pool), [.tensor(input, data)], .exact, gradient: check)
                    .with { $0.isLarge = isLarge })
            for countsPadding in [true, false] {
                var average = pool
                average.countsPadding = countsPadding
                cases.append(
                    OpCase(
                        "averagePool2D \(name)\(countsPadding ? "" : " without padding")", .averagePool2D(average),
                        [.tensor(input, data)], .normwise(1e-6), gradient: check
                    ).with { $0.isLarge = isLarge })
            }
        }
        for row in rows {
            add(row.input, Pool2D(window: row.window, stride: row.stride, padding: row.padding), .normal, "")
        }
        let overlapping = Pool2D(window: [3, 3], stride: [1, 2], padding: [1, 1, 1, 1])
        add([2, 3, 8, 9], overlapping, .integers(0...2), " with ties", hasTies: true)
        add([2, 33, 31, 29], Pool2D(window: [2, 2], stride: [2, 2]), .normal, "", isLarge: true)
        add(
            [2, 33, 31, 29], Pool2D(window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1]), .integers(0...9), " ties",
            isLarge: true)
        cases += [
            OpCase(
                "maxPool2D with NaN and infinities",
                .maxPool2D(Pool2D(window: [2, 2], stride: [1, 1], padding: [1, 1, 1, 1])),
                [
                    .tensor(
                        [1, 1, 4, 4],
                        .values([
                            1, .nan, 2, -.infinity, 3, 4, 5, -.infinity, .infinity, 1, -.infinity, -.infinity, 0, 1, 2,
                            3,
                        ]))
                ], .exact),
            OpCase(
                "maxPool2DGradient with ties", .maxPool2DGradient(Pool2D(window: [2, 2], stride: [1, 1])),
                [.tensor([1, 1, 3, 4], .values([1, 3, 2, 2, 3, 0, 2, 2, 7, 7, 7, 7])), .tensor([1, 1, 2, 3])],
                .arithmetic),
            OpCase(
                "averagePool2DGradient",
                .averagePool2DGradient(
                    AveragePool2DGradient(
                        pooling: Pool2D(window: [3, 2], stride: [2, 1], padding: [1, 0, 0, 1], countsPadding: false),
                        input: [2, 3, 6, 5])), [.tensor([2, 3, 3, 5])], .normwise(1e-6),
                gradient: .full(.normwise(1e-6))),
        ]
        return cases
    }()
}
