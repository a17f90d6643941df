import TensorGraph

extension OpCase {
    static let indexing: [OpCase] = gathers + scatters + indexingMethods + paddings + reversals

    /// The axis' extent, how many indices, and what is beside the axis.
    private static let extents: [(outer: Shape, extent: Int, count: Int, inner: Shape)] = [
        ([], 1, 1, []), ([], 7, 5, []), ([3], 5, 7, []), ([], 5, 3, [17]), ([2, 3], 7, 11, [5]), ([1], 13, 1, [1, 1]),
        ([31], 2, 3, [2]), ([2, 1, 3, 1], 3, 5, [1, 2, 2]), ([3], 4, 0, [2]), ([0], 4, 2, [3]),
    ]

    private static func shape(_ outer: Shape, _ middle: [Int], _ inner: Shape) -> Shape {
        Shape(outer.dimensions + middle + inner.dimensions)
    }

    private static let gathers: [OpCase] = {
        var cases: [OpCase] = []
        for (outer, extent, count, inner) in extents {
            let x = shape(outer, [extent], inner)
            let data = TestData.integers(-extent...(extent - 1))
            for dtype in [DType.int32, .int64] {
                cases += [
                    OpCase(
                        "gather \(x) slices at [\(count)] \(dtype)", .gather(Gather(axis: outer.rank, form: .slices)),
                        [.tensor(x), .fixed(dtype, [count], data)], .exact, gradient: .full(.elementwiseGradient)),
                    OpCase(
                        "gather \(x) elements, \(count) along \(outer.rank) \(dtype)",
                        .gather(Gather(axis: outer.rank, form: .elements)),
                        [.tensor(x), .fixed(dtype, shape(outer, [count], inner), data)], .exact,
                        gradient: .full(.elementwiseGradient)),
                ]
            }
        }
        let outside = TestData.values([0, -1, 4, 3, -5, -4, 2_000_000_000, -2_000_000_000])
        for form in [IndexForm.slices, .elements] {
            cases += [
                OpCase(
                    "gather \(form) out of range", .gather(Gather(axis: 0, form: form)),
                    [.tensor([4]), .int32([8], outside)], .exact, gradient: .parity(.elementwiseGradient)),
                OpCase(
                    "gather \(form) out of range of int64", .gather(Gather(axis: 0, form: form)),
                    [.tensor([4]), .fixed(.int64, [5], .values([4_294_967_296, 1, -4_294_967_297, 9e18, -9e18]))],
                    .exact, gradient: .parity(.elementwiseGradient)),
            ]
            for dtype in [DType.int32, .int64, .uint8] {
                cases.append(
                    OpCase(
                        "gather \(form) of \(dtype) out of range", .gather(Gather(axis: 1, form: form)),
                        [
                            .fixed(dtype, [1, 5], .integers(0...99)),
                            .int32(form == .slices ? [4] : [1, 4], .values([3, 5, -5, -6])),
                        ],
                        .exact))
            }
        }
        cases += [
            OpCase(
                "gather slices at [2, 3]", .gather(Gather(axis: 1, form: .slices)),
                [.tensor([2, 5, 3]), .int32([2, 3], .integers(-5...4))], .exact, gradient: .full(.elementwiseGradient)),
            OpCase(
                "gather slices at a scalar", .gather(Gather(axis: 1, form: .slices)),
                [.tensor([2, 5, 3]), .int32([], .values([-2]))], .exact, gradient: .full(.elementwiseGradient)),
            OpCase(
                "gather of an empty axis", .gather(Gather(axis: 0, form: .slices)),
                [.tensor([0, 3]), .int32([0], .values([0]))], .exact),
            OpCase(
                "gather slices large", .gather(Gather(axis: 1, form: .slices)),
                [.tensor([3, 129, 517]), .int32([1031], .integers(-129...128))], .exact,
                gradient: .parity(.elementwiseGradient)
            ).large,
            OpCase(
                "gather elements large", .gather(Gather(axis: 0, form: .elements)),
                [.tensor([257, 129]), .int32([517, 129], .integers(-257...256))], .exact,
                gradient: .parity(.elementwiseGradient)
            ).large,
        ]
        return cases.map { $0.movedInHalf() }
    }()

    private static let scatters: [OpCase] = {
        var cases: [OpCase] = []
        for (outer, extent, count, inner) in extents {
            let source = shape(outer, [count], inner), whole = shape(outer, [extent], inner)
            for form in [IndexForm.slices, .elements] {
                let indices = OpCase.Input.int32(form == .slices ? [count] : source, .integers(-extent...(extent - 1)))
                let name = "\(source) \(form) along \(outer.rank) of \(extent)"
                let add = Scatter(axis: outer.rank, extent: extent, form: form, mode: .add)
                cases.append(
                    OpCase(
                        "scatter add \(name)", .scatter(add), [indices, .tensor(source)], .normwise(1e-6),
                        gradient: .full(.exact)))
                guard source.elementCount > 0 else { continue }
                let replace = Scatter(axis: outer.rank, extent: extent, form: form, mode: .replace)
                cases.append(
                    OpCase(
                        "scatter \(name)", .scatter(replace), [indices, .tensor(source), .tensor(whole)], .exact,
                        gradient: .full(.exact)))
            }
        }
        for form in [IndexForm.slices, .elements] {
            for mode in [Scatter.Mode.add, .replace] {
                let scatter = Scatter(axis: 0, extent: 4, form: form, mode: mode)
                let rest: [OpCase.Input] = mode == .add ? [] : [.tensor([4])]
                cases += [
                    OpCase(
                        "scatter \(mode) \(form) out of range", .scatter(scatter),
                        [.int32([6], .values([0, -1, 4, 3, -5, 2_000_000_000])), .tensor([6])] + rest, .normwise(1e-6),
                        gradient: .parity(.exact)),
                    OpCase(
                        "scatter \(mode) \(form) at int64", .scatter(scatter),
                        [.fixed(.int64, [5], .values([4_294_967_296, 1, -1, 1, 9e18])), .tensor([5])] + rest,
                        .normwise(1e-6), gradient: .parity(.exact)),
                ]
                for dtype in [DType.int32, .int64, .uint8] {
                    let rest: [OpCase.Input] = mode == .add ? [] : [.fixed(dtype, [4], .integers(0...9))]
                    cases.append(
                        OpCase(
                            "scatter \(mode) \(form) of \(dtype)", .scatter(scatter),
                            [.int32([7], .integers(-4...3)), .fixed(dtype, [7], .integers(0...30))] + rest, .exact))
                }
            }
        }
        cases += [
            // Sums of thousands, in one place and in several.
            OpCase(
                "scatter add of equal numbers", .scatter(Scatter(axis: 0, extent: 2, form: .elements, mode: .add)),
                [.int32([20_011], .values([1])), .tensor([20_011], .values([0.1]))], .elementwise(1e-6, floor: 1e-30)
            ).large,
            // So many that what rounding took from the sum, added up plainly, would be rounded itself.
            OpCase(
                "scatter add of a million equal numbers",
                .scatter(Scatter(axis: 0, extent: 2, form: .elements, mode: .add)),
                [.int32([1 << 20], .values([1])), .tensor([1 << 20], .values([0.1]))], .elementwise(1e-6, floor: 1e-30)
            ).large,
            OpCase(
                "scatter add large", .scatter(Scatter(axis: 1, extent: 129, form: .slices, mode: .add)),
                [.int32([2053], .integers(-129...128)), .tensor([3, 2053, 65])], .normwise(1e-6),
                gradient: .parity(.exact)
            ).large,
            OpCase(
                "scatter add with infinities", .scatter(Scatter(axis: 0, extent: 3, form: .elements, mode: .add)),
                [
                    .int32([2051], .values([0, 1, 2])),
                    .tensor([2051], .values([1, 2, 3, .infinity, -.infinity, .nan, 4, 5, 6])),
                ], .normwise(1e-6)
            ).large,
        ]
        return cases.map { each in
            each.name.hasPrefix("scatter add") ? each.inHalf(roundings: 1, backward: 0) : each.movedInHalf()
        }
    }()

    private static let indexingMethods: [OpCase] = [
        OpCase(
            "gather fewer rows than there are", [.tensor([5, 7, 3]), .int32([4, 2, 2], .integers(-7...6))], .exact,
            gradient: .full(.elementwiseGradient)
        ) { _, x in [try x[0].gather(x[1], axis: 1)] },
        OpCase(
            "indexSelect, indexAdd, indexCopy",
            [.tensor([3, 5, 2]), .int32([4], .integers(-5...4)), .tensor([3, 4, 2])], .normwise(1e-6),
            gradient: .full(.elementwiseGradient)
        ) { _, x in
            [
                try x[0].indexSelect(x[1], axis: -2) + x[0].indexAdd(x[1], x[2], axis: 1).indexSelect(x[1], axis: 1)
                    * x[0].indexCopy(x[1], x[2], axis: 1).indexSelect(x[1], axis: 1)
            ]
        },
        OpCase(
            "scatter, scatterAdd", [.tensor([3, 5]), .int32([3, 4], .integers(-5...4)), .tensor([3, 4])],
            .normwise(1e-6), gradient: .full(.elementwiseGradient)
        ) { _, x in
            [try x[0].scatter(x[1], x[2], axis: 1) * x[0].scatterAdd(x[1], x[2], axis: -1)]
        },
        OpCase(
            "gatherND of two axes", [.tensor([3, 5, 7]), .int32([2, 3, 2], .integers(-3...2))], .exact,
            gradient: .full(.elementwiseGradient)
        ) { _, x in [try x[0].gatherND(x[1])] },
        OpCase(
            "gatherND of all axes at int64", [.tensor([3, 5]), .fixed(.int64, [6, 2], .integers(-3...2))], .exact,
            gradient: .full(.elementwiseGradient)
        ) { _, x in [try x[0].gatherND(x[1])] },
        OpCase(
            "gatherND of a batch", [.tensor([2, 3, 5, 2]), .int32([2, 4, 1], .integers(-3...2))], .exact,
            gradient: .full(.elementwiseGradient)
        ) { _, x in [try x[0].gatherND(x[1], batchAxes: 1)] },
        OpCase(
            "scatterND", [.tensor([3, 5, 2]), .int32([4, 2], .integers(-3...2)), .tensor([4, 2])], .normwise(1e-6),
            gradient: .full(.elementwiseGradient)
        ) { _, x in [try x[0].scatterND(x[1], x[2]) * x[0].scatterND(x[1], x[2], isAdding: true)] },
    ].map { $0.inHalf(roundings: 4, backward: 6) }

    private static let paddings: [OpCase] = {
        let modes: [PaddingMode] = [.constant(-1.5), .constant(0), .reflect, .edge, .wrap]
        let shapes: [(Shape, [Int], [Int])] = [
            ([7], [2], [3]), ([3, 5], [1, 0], [2, 4]), ([2, 3, 2, 5], [1, 2, 0, 1], [0, 1, 1, 3]),
            ([5, 4], [-1, 3], [2, -2]), ([17, 33], [5, 7], [3, 11]),
        ]
        var cases = modes.flatMap { mode in
            shapes.map { shape, before, after in
                OpCase(
                    "pad \(shape) by \(before) and \(after), \(mode)", [.tensor(shape)], .exact,
                    gradient: .full(.elementwiseGradient)
                ) { _, x in [try x[0].padded(before: before, after: after, mode: mode)] }
            }
        }
        cases += [
            OpCase("pad by wrap, many times", [.tensor([3])], .exact, gradient: .full(.elementwiseGradient)) { _, x in
                [try x[0].padded(before: [7], after: [8], mode: .wrap)]
            },
            OpCase("pad of nothing", [.tensor([0, 2])], .exact) { _, x in
                [try x[0].padded(before: [2, 1], after: [0, 0], mode: .constant(3))]
            },
            OpCase("pad of int32", [.int32([2, 3], .integers(-9...9))], .exact) { _, x in
                [try x[0].padded(before: [1, 1], after: [1, 2], mode: .reflect)]
            },
        ]
        return cases.map { $0.movedInHalf(backward: 4) }
    }()

    private static let reversals: [OpCase] = {
        let flips: [(Shape, [Int])] = [
            ([1], [0]), ([7], [0]), ([3, 5], [0]), ([3, 5], [1]), ([17, 33], [0, 1]), ([2, 3, 5, 7], [1, 3]),
            ([2, 1, 2, 3, 1, 2, 2, 3], [0, 2, 5, 7]), ([0, 3], [1]),
        ]
        var cases = flips.map { shape, axes in
            OpCase("flip \(shape) along \(axes)", [.tensor(shape)], .exact, gradient: .full(.exact)) { _, x in
                [try x[0].flip(axes: axes)]
            }
        }
        let slices: [(Int, Int?, Int?, Int)] = [
            (11, nil, nil, -1), (11, nil, nil, -3), (11, 8, 1, -2), (11, -2, -9, -4), (11, 1, 30, 4), (11, 3, 8, -1),
            (1, nil, nil, -2), (11, nil, nil, .min), (11, 2, nil, .max),
        ]
        cases += slices.map { extent, start, end, step in
            OpCase(
                "slice \(extent) from \(start ?? -99) to \(end ?? -99) by \(step)", [.tensor([3, extent, 2])], .exact,
                gradient: .full(.exact)
            ) { _, x in [try x[0].sliced(axis: 1, from: start, to: end, step: step)] }
        }
        cases += [
            OpCase(
                "pad by a reversal", .pad(Pad(starts: [1, 4], steps: [1, -2], shape: [5, 6])), [.tensor([3, 3])],
                .exact,
                gradient: .full(.exact)),
            OpCase("flip and transpose", [.tensor([5, 33, 17])], .exact, gradient: .full(.exact)) { _, x in
                [try x[0].transposed([0, 2, 1]).flip(axes: [1]), try x[0].flip(axes: [2]).transposed([2, 1, 0])]
            },
            OpCase("flip large", [.tensor([257, 301])], .exact, gradient: .parity(.exact)) { _, x in
                [try x[0].flip(axes: [0, 1])]
            }.large,
        ]
        return cases.map { $0.movedInHalf() }
    }()
}
