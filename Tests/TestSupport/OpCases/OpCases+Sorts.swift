import TensorGraph

extension OpCase {
    static let sorts: [OpCase] = {
        var cases: [OpCase] = []
        for isDescending in [false, true] {
            let word = isDescending ? " descending" : ""
            let shapes: [(Shape, Int)] = [
                ([1], 1), ([7], 7), ([3, 17], 17), ([2, 3, 33], 5), ([5, 1], 1), ([0, 3], 3), ([3, 0], 0), ([3, 5], 0),
                ([2, 131], 131), ([2, 1, 3, 1, 2, 1, 2, 5], 3),
            ]
            for (shape, count) in shapes {
                cases.append(
                    OpCase(
                        "sort\(word) \(count) of \(shape)", .sort(Sort(count: count, isDescending: isDescending)),
                        [.tensor(shape)], .exact, gradient: .full(.exact)))
            }
            let special: [Double] = [
                1, .nan, 0, -0.0, .infinity, -1, -.infinity, .nan, 1e30, -1e30, 1e-40, -1e-40, 0, 1, 3.4e38, -0.0,
                1e-30,
            ]
            cases += [
                OpCase(
                    "sort\(word) with ties", .sort(Sort(count: 61, isDescending: isDescending)),
                    [.tensor([3, 61], .integers(-3...3))], .exact, gradient: .parity(.exact)),
                OpCase(
                    "sort\(word) with NaN, infinities and zeros", .sort(Sort(count: 17, isDescending: isDescending)),
                    [.tensor([2, 17], .values(special))], .exact),
                OpCase(
                    "sort\(word) of int32", .sort(Sort(count: 4, isDescending: isDescending)),
                    [.int32([3, 7], .values([5, -5, 2_147_483_520, -2_147_483_648, 0, 0, 1]))], .exact),
                OpCase(
                    "sort\(word) of int64", .sort(Sort(count: 7, isDescending: isDescending)),
                    [.fixed(.int64, [3, 7], .values([5, -5, 9e15, -9e18, 0, 0, 1]))], .exact),
                OpCase(
                    "sort\(word) of uint8", .sort(Sort(count: 7, isDescending: isDescending)),
                    [.fixed(.uint8, [3, 7], .integers(0...255))], .exact),
                OpCase(
                    "sort\(word) of long rows", .sort(Sort(count: 5003, isDescending: isDescending)),
                    [.tensor([3, 5003], .integers(-999...999))], .exact, gradient: .parity(.exact)
                ).large,
                OpCase(
                    // Ten or so are equal.
                    "sort\(word) 7 of many", .sort(Sort(count: 7, isDescending: isDescending)),
                    [.tensor([20_011], .integers(-999...999))], .exact, gradient: .parity(.exact)
                ).large,
                OpCase(
                    "sort\(word) of many rows", .sort(Sort(count: 257, isDescending: isDescending)),
                    [.tensor([517, 257])], .exact, gradient: .parity(.exact)
                ).large,
            ]
        }
        cases += [
            OpCase("sort along an axis", [.tensor([3, 7, 2])], .exact, gradient: .full(.exact)) { _, x in
                let (values, indices) = try x[0].sort(axis: 1, descending: true)
                return [values, indices, try x[0].argSort(axis: 0)]
            },
            OpCase("topK along an axis", [.tensor([3, 7, 2])], .exact, gradient: .full(.exact)) { _, x in
                let (values, indices) = try x[0].topK(3, axis: -2)
                return [values, indices, try x[0].topK(2, largest: false).values]
            },
        ]
        return cases.map { $0.movedInHalf() }
    }()
}
