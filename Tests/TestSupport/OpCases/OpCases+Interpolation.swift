import TensorGraph

extension OpCase {
    private static let ways: [(name: String, Interpolation)] = [
        ("nearest", .nearest), ("nearest-exact", .nearestExact), ("linear", .linear()),
        ("linear, aligned corners", .linear(alignsCorners: true)),
        ("linear, antialiased", .linear(isAntialiased: true)),
        ("cubic", .cubic()), ("cubic, aligned corners", .cubic(alignsCorners: true)),
        ("cubic, antialiased", .cubic(isAntialiased: true)),
    ]

    static let interpolations =
        axes.map { $0.inHalf(roundings: 3, backward: 3) } + roundings + edges
        + largeInterpolations.map { $0.inHalf(roundings: 3, backward: 3) }

    /// A whole interpolation, with the gradient of a linear function: exact by any step of finite differences.
    private static func interpolation(
        _ name: String, _ input: Input, _ tolerance: Tolerance = .normwise(1e-6), gradient: Bool = true,
        isLarge: Bool = false, _ build: @escaping @Sendable (Tensor) throws -> Tensor
    ) -> OpCase {
        let check: GradientCheck =
            !gradient ? .none : isLarge ? .parity(.normwise(1e-6)) : .full(.normwise(1e-6))
        return OpCase("interpolate \(name)", [input], tolerance, gradient: check) { _, x in [try build(x[0])] }.with {
            $0.isLarge = isLarge
        }
    }

    private static let axes: [OpCase] = {
        let sizes: [(Shape, [Int])] = [
            // Up, down, the same, from one and to one, primes; over one, two and three axes.
            ([2, 3, 5], [10]), ([1, 2, 11], [4]), ([1, 2, 7], [7]), ([2, 1, 1], [6]), ([1, 3, 9], [1]),
            ([1, 1, 1], [1]),
            ([17, 1, 13], [23]), ([1, 2, 4, 5], [8, 10]), ([1, 3, 7, 6], [3, 2]), ([2, 1, 5, 1], [2, 7]),
            ([1, 2, 3, 17], [5, 17]), ([0, 2, 3, 4], [6, 2]), ([2, 0, 3, 4], [6, 2]), ([1, 1, 2, 3, 4], [4, 6, 8]),
            ([1, 2, 3, 4, 5], [2, 4, 3]), ([1, 1, 2, 1, 3], [1, 3, 7]),
        ]
        return ways.flatMap { name, way in
            sizes.map { shape, size in
                interpolation("\(shape) to \(size), \(name)", .tensor(shape)) { try $0.interpolated(toSize: size, way) }
            }
        }
    }()

    /// ONNX's ways, which PyTorch has not, and scales.
    private static let roundings: [OpCase] = {
        let coordinates: [Interpolation.Coordinates] = [.halfPixel, .pytorchHalfPixel, .asymmetric, .alignedCorners]
        var filters: [Interpolation.Filter] = [.linear, .cubic(coefficient: -0.5)]
        filters += [.down, .up, .nearestDown, .nearestUp].map { .nearest($0) }
        var cases: [OpCase] = []
        for coordinates in coordinates {
            for filter in filters {
                let way = Interpolation(filter, coordinates)
                cases += [
                    interpolation("[2, 3, 4] to 9 and 1 along 1 and 2, \(filter) \(coordinates)", .tensor([2, 3, 4])) {
                        try $0.interpolated(toSize: [9, 1], way, axes: [1, -1])
                    },
                    interpolation("[1, 1, 8, 5] by 0.8 and 2.5, \(filter) \(coordinates)", .tensor([1, 1, 8, 5])) {
                        try $0.interpolated(byScale: [0.8, 2.5], way)
                    },
                ]
            }
            for isAntialiased in [false, true] {
                let way = Interpolation(
                    .cubic(coefficient: -0.75), coordinates, isAntialiased: isAntialiased,
                    excludesOutside: !isAntialiased)
                let words = isAntialiased ? "antialiased to the edges" : "without what is outside"
                cases += [
                    interpolation("[1, 1, 8, 5] by 0.45 and 2.3, \(coordinates), \(words)", .tensor([1, 1, 8, 5])) {
                        try $0.interpolated(byScale: [0.45, 2.3], way)
                    }
                ]
            }
        }
        cases += [
            OpCase("interpolate int32, nearest", [.int32([1, 2, 3, 4], .integers(-9...9))], .exact) { _, x in
                [try x[0].interpolated(toSize: [5, 2])]
            },
            // A gradient of a gradient is the interpolation again.
            interpolation("twice differentiated", .tensor([2, 3, 5])) { x in
                let y = try x.interpolated(toSize: [9], .cubic())
                let dx = try x.graph.gradients(of: y, withRespectTo: [x], cotangent: y * y)[0]
                return try dx * x
            },
        ]
        return cases
    }()

    private static let edges: [OpCase] = {
        let special: [Double] = [1, .nan, 3, .infinity, 5, 6, -.infinity, 8, -0.0, 1e30, 1e-30, 1e-40, -1e30]
        var cases = ways.flatMap { name, way in
            [
                // 13 to 13 and to 25 with aligned corners: neighbours at positions that hold an element count 0.
                interpolation(
                    "NaN and infinities to 25, \(name)", .tensor([1, 2, 13], .values(special)),
                    .normwise(1e-6),
                    gradient: false
                ) { try $0.interpolated(toSize: [25], way) },
                interpolation(
                    "NaN and infinities to 5×7, \(name)", .tensor([1, 1, 13, 3], .values(special)),
                    .normwise(1e-6), gradient: false
                ) { try $0.interpolated(toSize: [7, 5], way) },
                interpolation(
                    "around 1e6 to 7×11, \(name)", .tensor([1, 2, 5, 5], .uniform(1e6...(1e6 + 8))),
                    .elementwise(5e-7, floor: 1),
                    gradient: false
                ) { try $0.interpolated(toSize: [7, 11], way) },
            ]
        }
        cases += [1e30, 1e-30, 1e-40].map { factor in
            interpolation(
                "numbers around \(factor) to 9", .tensor([3, 2, 5], .scaled(factor)), .normwise(1e-6), gradient: false
            ) { try $0.interpolated(toSize: [9], .linear()) }
        }
        return cases
    }()

    private static let largeInterpolations: [OpCase] = {
        let sizes: [(Shape, [Int])] = [
            ([2, 19, 37, 41], [74, 82]), ([1, 3, 129, 131], [50, 61]), ([2, 33, 1000], [1777]),
            ([1, 1, 20_011], [4001]),
            ([1, 2, 3001, 2], [1, 5]), ([1, 1, 1, 1], [301, 203]), ([1, 7, 9, 10, 11], [17, 21, 20]),
        ]
        var cases = [
            ("nearest", Interpolation.nearest), ("linear", .linear()),
            ("cubic, antialiased", .cubic(isAntialiased: true)),
        ]
        .flatMap { name, way in
            sizes.map { shape, size in
                interpolation("\(shape) to \(size), \(name), large", .tensor(shape), isLarge: true) {
                    try $0.interpolated(toSize: size, way)
                }
            }
        }
        // Sums of many equal terms.
        cases += [
            interpolation(
                "a mean of 40,000 numbers", .tensor([17, 1, 40_000], .uniform(0.5...1)),
                .elementwise(1e-6, floor: 1e-30),
                isLarge: true
            ) { try $0.interpolated(toSize: [1], .linear(isAntialiased: true)) },
            interpolation(
                "a mean of 20,000 slices", .tensor([20_000, 37], .uniform(0.5...1)), .elementwise(1e-6, floor: 1e-30),
                isLarge: true
            ) { try $0.interpolated(toSize: [1], .linear(isAntialiased: true), axes: [0]) },
        ]
        return cases
    }()
}
