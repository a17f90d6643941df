import TensorGraph

extension OpCase {
    static let pooling: [OpCase] =
        poolingOverTwoAxes + poolingOverOtherAxes + poolingInCeilingMode + adaptivePooling + poolingIndices
        + poolingEdgeValues

    /// The functions, each as a case.
    private static func pooled(
        _ input: Shape, _ windows: StridedWindows, _ data: TestData = .normal, _ suffix: String = "",
        isLarge: Bool = false, hasTies: Bool = false, norms: [Int] = [], inHalf: Bool = false
    ) -> [OpCase] {
        let words = [
            "window \(windows.window) stride \(windows.stride) padding \(windows.padding)",
            windows.dilation.allSatisfy { $0 == 1 } ? "" : " dilation \(windows.dilation)",
            windows.roundsUp ? " ceiling mode" : "", suffix,
        ]
        let check = isLarge || hasTies ? GradientCheck.parity(.elementwiseGradient) : .full(.elementwiseGradient)
        let functions: [Pooling.Function] =
            [.maximum, .average(countsPadding: true)]
            + (windows.padding.allSatisfy { $0 == 0 } ? [] : [.average(countsPadding: false)]) + norms.map { .norm($0) }
        return functions.map { function in
            let op = Op.pooling(Pooling(function, .strided(windows)))
            var (name, tolerance, backward) = (op.name, Tolerance.normwise(1e-6), 1.0)
            switch function {
            case .maximum: tolerance = .exact
            case .average(let countsPadding): if !countsPadding { name += " without padding" }
            case .norm(let order): (name, backward) = ("\(name) of order \(order)", Double(order) + 1)
            }
            let made = OpCase(
                "\(name) \(input) \(words.joined())", op, [.tensor(input, data)], tolerance, gradient: check
            ).with { $0.isLarge = isLarge }
            return inHalf ? made.inHalf(roundings: 1, backward: backward) : made
        }
    }

    private static let poolingOverTwoAxes: [OpCase] = {
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
        var cases = rows.enumerated().flatMap { index, row in
            pooled(
                row.input, StridedWindows(window: row.window, stride: row.stride, padding: row.padding),
                norms: index % 3 == 0 ? [2] : index % 3 == 1 ? [1] : [3], inHalf: [2, 3].contains(index))
        }
        let overlapping = StridedWindows(window: [3, 3], stride: [1, 2], padding: [1, 1, 1, 1])
        cases += pooled([2, 3, 8, 9], overlapping, .integers(0...2), " with ties", hasTies: true, norms: [2])
        cases += pooled([2, 33, 31, 29], StridedWindows(window: [2, 2]), isLarge: true)
        cases += pooled(
            [2, 33, 31, 29], StridedWindows(window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1]), .integers(0...9),
            " ties", isLarge: true)
        // Dilated, with a second tap beyond the far end, and a first before the near one.
        cases += pooled(
            [2, 3, 9, 11], StridedWindows(window: [3, 2], stride: [1, 2], padding: [2, 2, 1, 2], dilation: [2, 3]),
            norms: [2])
        cases += pooled(
            [1, 2, 5, 37], StridedWindows(window: [2, 3], stride: [2, 1], padding: [0, 1, 4, 3], dilation: [1, 2]))
        cases += pooled([1, 2, 5, 23], StridedWindows(window: [2, 2], stride: [2, 2], dilation: [1, 3]))
        cases.append(
            OpCase(
                "averagePool2DGradient",
                .pooling(
                    Pooling(
                        .average(countsPadding: false), window: [3, 2], stride: [2, 1], padding: [1, 0, 0, 1]
                    ).with(.gradient([2, 3, 6, 5]))), [.tensor([2, 3, 3, 5])], .normwise(1e-6),
                gradient: .full(.normwise(1e-6))))
        return cases
    }()

    private static let poolingOverOtherAxes: [OpCase] = {
        let rows: [(Shape, StridedWindows)] = [
            ([2, 3, 17], StridedWindows(window: [2])), ([1, 1, 1], StridedWindows(window: [1])),
            ([3, 5, 37], StridedWindows(window: [3], stride: [1], padding: [1, 1])),
            ([2, 7, 40], StridedWindows(window: [3], stride: [2], padding: [1, 0])),
            ([1, 2, 41], StridedWindows(window: [4], stride: [3], padding: [3, 2], dilation: [2])),
            ([0, 2, 4], StridedWindows(window: [2])),
            ([2, 3, 4, 6, 8], StridedWindows(window: [2, 2, 2])),
            ([1, 2, 5, 7, 9], StridedWindows(window: [3, 3, 3], stride: [2, 2, 2], padding: [1, 1, 1, 1, 1, 1])),
            ([1, 3, 4, 5, 19], StridedWindows(window: [2, 3, 3], stride: [1, 1, 1], padding: [1, 0, 0, 2, 1, 1])),
            // Nothing is combined along the outermost, along the middle one, along the innermost.
            ([2, 3, 3, 5, 6], StridedWindows(window: [1, 2, 2])),
            ([1, 2, 5, 3, 7], StridedWindows(window: [3, 1, 2], stride: [1, 1, 1])),
            ([1, 2, 5, 4, 7], StridedWindows(window: [2, 2, 1], stride: [2, 1, 1])),
            // Every second plane, and windows that step over planes.
            ([1, 2, 5, 4, 7], StridedWindows(window: [1, 2, 2], stride: [2, 2, 2])),
            (
                [1, 2, 7, 6, 13],
                StridedWindows(
                    window: [3, 2, 2], stride: [1, 2, 1], padding: [2, 1, 1, 0, 2, 1], dilation: [2, 3, 2])
            ),
            ([2, 0, 4, 4, 4], StridedWindows(window: [2, 2, 2])),
            ([1, 1, 1, 1, 1], StridedWindows(window: [1, 1, 1])),
        ]
        var cases = rows.enumerated().flatMap { index, row in
            pooled(
                row.0, row.1, norms: index % 4 == 2 ? [2] : index % 4 == 3 ? [4] : [], inHalf: [2, 7].contains(index))
        }
        let overlapping = StridedWindows(window: [3, 2, 3], stride: [2, 1, 1], padding: [1, 1, 0, 1, 1, 1])
        cases += pooled([2, 2, 4, 5, 7], overlapping, .integers(0...2), " with ties", hasTies: true)
        cases += pooled([2, 13, 9, 15, 29], StridedWindows(window: [2, 2, 2]), isLarge: true)
        cases += pooled(
            [1, 7, 9, 15, 29],
            StridedWindows(window: [3, 3, 3], stride: [2, 2, 2], padding: [1, 1, 1, 1, 1, 1]), .integers(0...9),
            " ties", isLarge: true)
        // A long sum over planes and rows.
        cases += pooled(
            [1, 1, 12, 12, 20], StridedWindows(window: [11, 11, 3], stride: [1, 1, 1]), .uniform(1...1.5),
            " of nearly equal", isLarge: true)
        return cases
    }()

    /// What is left over gets a window: as PyTorch and ONNX count and divide.
    private static let poolingInCeilingMode: [OpCase] = {
        let rows: [(Shape, StridedWindows)] = [
            ([2, 3, 5, 7], StridedWindows(window: [2, 2], roundsUp: true)),
            ([1, 2, 6, 8], StridedWindows(window: [2, 2], roundsUp: true)),
            ([1, 2, 1, 1], StridedWindows(window: [2, 2], roundsUp: true)),
            ([1, 2, 2, 2], StridedWindows(window: [3, 3], stride: [2, 2], roundsUp: true)),
            (
                [1, 3, 8, 9], StridedWindows(window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], roundsUp: true)
            ),
            // The last window would begin in the padding after the input, and is left out.
            ([1, 2, 4, 5], StridedWindows(window: [2, 3], stride: [5, 3], padding: [1, 1, 1, 1], roundsUp: true)),
            ([1, 2, 7, 21], StridedWindows(window: [3, 4], stride: [3, 3], padding: [0, 2, 1, 0], roundsUp: true)),
            (
                [1, 2, 7, 19],
                StridedWindows(
                    window: [2, 3], stride: [3, 2], padding: [1, 0, 2, 1], dilation: [2, 2], roundsUp: true)
            ),
            ([2, 3, 18], StridedWindows(window: [3], stride: [2], padding: [0, 1], roundsUp: true)),
            ([1, 2, 3, 5, 7], StridedWindows(window: [2, 2, 2], roundsUp: true)),
            (
                [1, 2, 4, 5, 8],
                StridedWindows(window: [3, 3, 3], stride: [2, 3, 2], padding: [1, 1, 0, 1, 1, 1], roundsUp: true)
            ),
        ]
        return rows.enumerated().flatMap { pooled($1.0, $1.1, norms: $0 == 6 ? [2] : [], inHalf: $0 == 4) }
    }()

    private static let adaptivePooling: [OpCase] = {
        // Of one size; of two; fewer elements than windows; all of it; primes.
        let rows: [(Shape, [Int])] = [
            ([2, 3, 12], [4]), ([2, 3, 13], [5]), ([1, 2, 3], [7]), ([2, 3, 6, 8], [3, 2]), ([2, 3, 7, 11], [3, 5]),
            ([1, 2, 2, 3], [3, 7]), ([2, 5, 7, 7], [1, 1]), ([1, 3, 10, 10], [7, 7]), ([1, 2, 4, 6, 6], [2, 3, 1]),
            ([1, 2, 5, 7, 3], [3, 2, 2]), ([2, 3, 3, 4, 5], [1, 1, 1]), ([0, 3, 5, 7], [2, 2]),
            ([1, 1, 1, 1], [1, 1]),
        ]
        let functions: [Pooling.Function] = [.maximum, .average(countsPadding: false), .norm(2)]
        return rows.enumerated().flatMap { index, row in
            functions.prefix(index % 3 == 1 ? 3 : 2).map { function in
                let op = Op.pooling(Pooling(function, .adaptive(row.1)))
                let made = OpCase(
                    "\(op.name) \(row.0) to \(row.1)", op, [.tensor(row.0)],
                    function == .maximum ? .exact : .normwise(1e-6), gradient: .full(.elementwiseGradient))
                return index == 4 ? made.inHalf(roundings: 1, backward: function == .norm(2) ? 3 : 1) : made
            }
        } + [
            OpCase(
                "adaptiveMaxPool2D with ties", .pooling(Pooling(.maximum, .adaptive([3, 4]))),
                [.tensor([2, 3, 7, 9], .integers(0...2))], .exact, gradient: .parity(.elementwiseGradient))
        ]
    }()

    private static let poolingIndices: [OpCase] = {
        let rows: [(Shape, Pooling.Windows)] = [
            ([2, 3, 6, 8], .strided(StridedWindows(window: [2, 2]))),
            ([2, 3, 7, 19], .strided(StridedWindows(window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1]))),
            ([1, 2, 7, 37], .strided(StridedWindows(window: [2, 3], stride: [1, 1], padding: [1, 0, 1, 2]))),
            ([1, 2, 9, 23], .strided(StridedWindows(window: [2, 3], stride: [3, 4], dilation: [2, 3]))),
            ([1, 2, 7, 9], .strided(StridedWindows(window: [3, 2], stride: [2, 2], roundsUp: true))),
            ([2, 3, 17], .strided(StridedWindows(window: [3], stride: [2], padding: [1, 1]))),
            (
                [1, 2, 4, 5, 18],
                .strided(StridedWindows(window: [2, 2, 2], stride: [2, 1, 2], padding: [1, 0, 0, 1, 1, 1]))
            ),
            ([1, 2, 3, 4, 6], .strided(StridedWindows(window: [1, 2, 2]))),
            ([2, 3, 7, 11], .adaptive([3, 5])), ([1, 2, 6, 6], .adaptive([3, 2])),
            ([1, 2, 3, 5, 7], .adaptive([2, 3, 2])),
            ([0, 2, 4, 4], .strided(StridedWindows(window: [2, 2]))),
        ]
        var cases = rows.flatMap { shape, windows in
            [false, true].map { hasTies in
                let isInHalf = [[2, 3, 7, 19], [2, 3, 7, 11]].contains(shape)
                let op = Op.pooling(Pooling(.maximum, windows, pass: .forwardWithIndices))
                let made = OpCase(
                    "\(op.name) with indices \(shape) \(windows)\(hasTies ? " ties" : "")", op,
                    [.tensor(shape, hasTies ? .integers(0...2) : .normal)], .exact,
                    gradient: hasTies ? .parity(.elementwiseGradient) : .full(.elementwiseGradient))
                return isInHalf ? made.inHalf(roundings: 1, backward: 1) : made
            }
        }
        cases.append(
            OpCase(
                "maxPool2D with indices [2, 33, 31, 29] large",
                .pooling(
                    Pooling(
                        .maximum,
                        .strided(StridedWindows(window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1])),
                        pass: .forwardWithIndices)), [.tensor([2, 33, 31, 29], .integers(0...9))], .exact,
                gradient: .parity(.elementwiseGradient)
            ).large)
        // A gradient's own gradient goes to where the maxima were.
        cases.append(
            OpCase(
                "maxPool2DGradient twice", [.tensor([2, 3, 7, 9], isDifferentiable: false), .tensor([2, 3, 4, 5])],
                .arithmetic, gradient: .full(.arithmetic)
            ) { graph, x in
                try graph.add(
                    .pooling(
                        Pooling(.maximum, window: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1]).with(
                            .gradient(x[0].shape))), x)
            })
        cases += [
            OpCase(
                "maxUnpool2D of maxima", [.tensor([2, 3, 7, 9])], .exact, gradient: .full(.elementwiseGradient)
            ) { _, x in
                let pooled = try x[0].maxPoolWithIndices(window: [2, 2], stride: [2, 2])
                return [try pooled.values.maxUnpool(pooled.indices, to: [7, 9])]
            },
            OpCase(
                "maxUnpool1D with several for one place",
                [.tensor([1, 2, 4]), .int32([1, 2, 4], .values([0, 3, 3, 4, 2, 2, 2, 0]))], .exact,
                gradient: .full(.elementwiseGradient)
            ) { _, x in [try x[0].maxUnpool(x[1], to: [5])] },
            OpCase(
                "maxUnpool3D of maxima", [.tensor([1, 2, 4, 4, 6])], .exact, gradient: .full(.elementwiseGradient)
            ) { _, x in
                let pooled = try x[0].maxPoolWithIndices(window: [2, 2, 3])
                return [try pooled.values.maxUnpool(pooled.indices, to: [4, 4, 6])]
            },
            OpCase(
                "globalAveragePool", [.tensor([2, 3, 4, 5, 3])], .normwise(1e-6), gradient: .full(.elementwiseGradient)
            ) { _, x in [try x[0].globalAveragePool()] },
            OpCase("globalMaxPool", [.tensor([2, 3, 7])], .exact, gradient: .full(.elementwiseGradient)) { _, x in
                [try x[0].globalMaxPool()]
            },
        ]
        return cases
    }()

    private static let poolingEdgeValues: [OpCase] = {
        let numbers: [Double] = [
            1, .nan, 2, -.infinity, 3, 4, 5, -.infinity, .infinity, 1, -.infinity, -.infinity, 0, 1, 2, 3,
        ]
        let several = TestData.values(
            (0..<2).flatMap { _ in numbers }
                + [
                    -.infinity, -.infinity, -0.0, 0, -3e30, 1e30, 1e-30, -1e-30, 1e-40, 2, 2, 2, .nan, .nan, .infinity,
                    7,
                ])
        func windows(_ axes: Int) -> StridedWindows {
            StridedWindows(
                window: [Int](repeating: 2, count: axes), stride: [Int](repeating: 1, count: axes),
                padding: [Int](repeating: 1, count: 2 * axes))
        }
        func op(_ axes: Int, _ function: Pooling.Function, _ pass: Pooling.Pass = .forward) -> Op {
            .pooling(Pooling(function, .strided(windows(axes)), pass: pass))
        }
        let cotangents3: Shape = [1, 1, 4, 5, 5]
        return [
            OpCase(
                "maxPool2D with NaN and infinities", op(2, .maximum), [.tensor([1, 1, 4, 4], .values(numbers))], .exact
            ),
            OpCase("maxPool3D with NaN and infinities", op(3, .maximum), [.tensor([1, 1, 3, 4, 4], several)], .exact),
            OpCase("maxPool1D with NaN and infinities", op(1, .maximum), [.tensor([1, 1, 48], several)], .exact),
            OpCase(
                "maxPool3D with indices, NaN and infinities", op(3, .maximum, .forwardWithIndices),
                [.tensor([1, 1, 3, 4, 4], several)], .exact),
            OpCase(
                "maxPool1D with indices, NaN and infinities", op(1, .maximum, .forwardWithIndices),
                [.tensor([1, 1, 48], several)], .exact),
            OpCase(
                "adaptiveMaxPool2D with indices, NaN and infinities",
                .pooling(Pooling(.maximum, .adaptive([3, 5]), pass: .forwardWithIndices)),
                [.tensor([1, 1, 4, 12], several)], .exact),
            OpCase(
                "maxPool3DGradient with NaN and infinities", op(3, .maximum, .gradient([1, 1, 3, 4, 4])),
                [.tensor([1, 1, 3, 4, 4], several), .tensor(cotangents3)], .arithmetic),
            OpCase(
                "maxPool2DGradient of pairs with NaN and infinities",
                .pooling(Pooling(.maximum, window: [2, 2]).with(.gradient([1, 1, 4, 12]))),
                [.tensor([1, 1, 4, 12], several), .tensor([1, 1, 2, 6])], .arithmetic
            ).inHalf(roundings: 1, backward: 0),
            OpCase(
                "maxPool2DGradient with ties",
                .pooling(
                    Pooling(.maximum, window: [2, 2], stride: [1, 1]).with(.gradient([1, 1, 3, 4]))),
                [.tensor([1, 1, 3, 4], .values([1, 3, 2, 2, 3, 0, 2, 2, 7, 7, 7, 7])), .tensor([1, 1, 2, 3])],
                .arithmetic),
            OpCase(
                "averagePool3D with NaN and infinities", op(3, .average(countsPadding: false)),
                [.tensor([1, 1, 3, 4, 4], several)], .elementwise(1e-6, floor: 1e-30)),
            OpCase(
                "normPool2D with NaN and infinities", op(2, .norm(2)), [.tensor([1, 1, 4, 4], .values(numbers))],
                .elementwise(1e-6, floor: 1e-30)),
            OpCase(
                "normPool1D of numbers whose powers overflow", op(1, .norm(3)),
                [.tensor([1, 1, 6], .values([1e30, -2e30, 3e30, 1e-30, 2e-30, 0]))],
                .elementwise(2e-6, floor: 1e-36), gradient: .parity(.elementwise(4e-6, floor: 1e-30))),
            OpCase(
                "normPool1D of zeros", op(1, .norm(2)), [.tensor([1, 1, 6], .values([0, 0, -0.0, 0, 1, 0]))],
                .exact, gradient: .parity(.arithmetic)),
        ]
    }()
}
