import TensorGraph

extension OpCase {
    static let scans: [OpCase] = {
        var cases: [OpCase] = []
        let shapes: [(Shape, Int)] = [
            ([1], 0), ([7], 0), ([3, 5], 0), ([3, 5], 1), ([2, 3, 5], 1), ([5, 1], 1), ([17, 33], 1), ([17, 33], 0),
            ([2, 1, 3, 1, 2, 1, 5, 2], 4), ([0, 3], 1), ([3, 0], 1), ([131], 0),
        ]
        let largeShapes: [(Shape, Int)] = [
            ([20_011], 0), ([3, 9001], 1), ([9001, 3], 0), ([5, 1031, 67], 1), ([2, 5003, 1], 1),
        ]
        for function in [Scan.Function.sum, .product] {
            /// Near 1, so that products stay numbers.
            let data: TestData = function == .sum ? .normal : .uniform(0.7...1.4)
            let manyData: TestData = function == .sum ? .uniform(0...1) : .uniform(0.999...1.001)
            for (isExclusive, isReversed) in [(false, false), (true, false), (false, true), (true, true)] {
                let words = "\(function)\(isExclusive ? " exclusive" : "")\(isReversed ? " reversed" : "")"
                let isPlain = !isExclusive && !isReversed
                for (shape, axis) in isPlain ? shapes : [([3, 5], 1), ([2, 3, 5], 1), ([131], 0), ([5, 1], 1)] {
                    let scan = Scan(function, axis: axis, isExclusive: isExclusive, isReversed: isReversed)
                    cases.append(
                        OpCase(
                            "scan \(words) \(shape) along \(axis)", .scan(scan), [.tensor(shape, data)],
                            .normwise(2e-6), gradient: .full(.normwise(4e-6))))
                }
                let scan = Scan(function, axis: 1, isExclusive: isExclusive, isReversed: isReversed)
                cases.append(
                    OpCase(
                        "scan \(words) with NaN and infinities", .scan(scan),
                        [
                            .tensor(
                                [5, 4],
                                .values([
                                    1, .nan, 3, 4, .infinity, 2, 1, -0.0, -.infinity, 1, .infinity, 3, 1e30, 1e-30,
                                    1e30,
                                    1, 0, -0.0, 0, 1e-40,
                                ]))
                        ], .elementwise(1e-6, floor: 1e-30)))
                for (shape, axis) in isPlain ? largeShapes : [([3, 9001], 1), ([5, 1031, 67], 1)] {
                    let scan = Scan(function, axis: axis, isExclusive: isExclusive, isReversed: isReversed)
                    cases.append(
                        OpCase(
                            "scan \(words) \(shape) along \(axis)", .scan(scan), [.tensor(shape, manyData)],
                            .elementwise(function == .sum ? 1e-6 : 1e-5, floor: 1e-30),
                            gradient: .parity(.normwise(function == .sum ? 2e-6 : 2e-5))
                        ).large)
                }
            }
        }
        // The gradient of a product where one element, several or all are 0.
        for (isExclusive, isReversed) in [(false, false), (true, false), (false, true)] {
            cases.append(
                OpCase(
                    "cumprod with zeros\(isExclusive ? " exclusive" : "")\(isReversed ? " reversed" : "")",
                    [
                        .tensor(
                            [5, 5],
                            .values([2, 0, 3, -1, 4, 0, 1, 0, 5, 2, 3, 2, 1, 5, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]))
                    ],
                    .exact, gradient: .full(.normwise(1e-6))
                ) { _, x in [try x[0].cumprod(axis: 1, exclusive: isExclusive, reverse: isReversed)] })
        }
        for isReversed in [false, true] {
            for (shape, axis) in shapes {
                cases.append(
                    OpCase(
                        "scan recurrence\(isReversed ? " reversed" : "") \(shape) along \(axis)",
                        .scan(Scan(.recurrence, axis: axis, isReversed: isReversed)),
                        [.tensor(shape, .uniform(-1...1)), .tensor(shape)], .normwise(4e-6),
                        gradient: .full(.normwise(1e-5))))
            }
            for (shape, axis) in isReversed ? [([3, 9001], 1), ([5, 1031, 67], 1)] : largeShapes {
                cases.append(
                    OpCase(
                        "scan recurrence\(isReversed ? " reversed" : "") \(shape) along \(axis)",
                        .scan(Scan(.recurrence, axis: axis, isReversed: isReversed)),
                        [.tensor(shape, .uniform(-1...1)), .tensor(shape)], .normwise(4e-6),
                        gradient: .parity(.normwise(2e-5))
                    ).large)
            }
        }
        cases.append(
            OpCase(
                "scan sum of a million equal numbers", .scan(Scan(.sum, axis: 0)), [.tensor([1 << 20], .values([0.1]))],
                .elementwise(1e-6, floor: 1e-30)
            ).large)
        return cases.map { $0.inHalf(roundings: 1, backward: 4) }
    }()
}
