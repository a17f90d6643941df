import Execution
import Tessera
import Testing

/// Interpolation against PyTorch 2.15, whose numbers these are.
@Suite struct InterpolationTests {
    /// `torch.nn.functional.interpolate` of `picture`.
    private struct Known: Sendable, CustomTestStringConvertible {
        var size: [Int]
        var interpolation: Interpolation
        var values: [Float]
        var testDescription: String { "\(size) \(interpolation)" }

        init(_ size: [Int], _ interpolation: Interpolation, _ values: [Float]) {
            (self.size, self.interpolation, self.values) = (size, interpolation, values)
        }
    }

    private static let picture: [Float] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]

    private static let known: [Known] = [
        Known(
            [5, 6], .nearest,
            [3, 3, 1, 4, 4, 1, 3, 3, 1, 4, 4, 1, 5, 5, 9, 2, 2, 6, 5, 5, 9, 2, 2, 6, 5, 5, 3, 5, 5, 8]),
        Known(
            [5, 6], .nearestExact,
            [3, 1, 1, 4, 1, 1, 3, 1, 1, 4, 1, 1, 5, 9, 9, 2, 6, 6, 5, 3, 3, 5, 8, 8, 5, 3, 3, 5, 8, 8]),
        Known(
            [5, 6], .linear(),
            [
                3, 2, 1.5, 3.5, 2.5, 1, 3.8, 4, 4.03333, 3.36667, 3.1, 3, 5, 7, 7.83333, 3.16667, 4, 6, 5, 5.2, 5.13333,
                4.06667, 5.5, 7.2, 5, 4, 3.33333, 4.66667, 6.5, 8,
            ]),
        Known(
            [5, 6], .linear(alignsCorners: true),
            [
                3, 1.8, 1.6, 3.4, 2.8, 1, 4, 4.6, 4.6, 3.4, 3.2, 3.5, 5, 7.4, 7.6, 3.4, 3.6, 6, 5, 5.6, 5.5, 4, 4.9, 7,
                5, 3.8, 3.4, 4.6, 6.2, 8,
            ]),
        Known(
            [5, 6], .linear(isAntialiased: true),
            [
                3, 2, 1.5, 3.5, 2.5, 1, 3.8, 4, 4.03333, 3.36667, 3.1, 3, 5, 7, 7.83333, 3.16667, 4, 6, 5, 5.2, 5.13333,
                4.06667, 5.5, 7.2, 5, 4, 3.33333, 4.66667, 6.5, 8,
            ]),
        Known(
            [5, 6], .cubic(),
            [
                3.03161, 1.14875, 0.640473, 3.8977, 2.72725, 0.201251, 3.71003, 4.29925, 4.38636, 3.25889, 2.75875,
                2.7776, 4.65278, 7.65625, 8.27315, 2.72685, 3.34375, 6.34722, 5.07803, 5.73137, 5.58494, 3.68481,
                5.43063, 7.92185, 5.22361, 3.4435, 2.56101, 4.58016, 7.0085, 8.44408,
            ]),
        Known(
            [5, 6], .cubic(alignsCorners: true),
            [
                3, 1.452, 1.408, 3.712, 3.16, 1, 4, 5.26338, 5.19775, 3.19975, 2.642, 3.3125, 5, 8.204, 8.056, 2.944,
                2.796, 6, 5.1875, 6.515, 6.19525, 3.556, 4.55388, 7.46875, 5, 3.56, 3.088, 4.312, 6.38, 8,
            ]),
        Known(
            [5, 6], .cubic(isAntialiased: true),
            [
                3.01043, 1.47392, 0.747074, 3.87478, 2.50388, 0.390516, 3.67694, 3.93064, 3.99242, 3.30702, 2.84592,
                2.63128, 4.73684, 7.29412, 8.34259, 2.65741, 3.70588, 6.26316, 5.065, 5.35953, 5.24874, 3.84361,
                5.70369, 7.76345, 5.16137, 3.68812, 2.69388, 4.70628, 6.9323, 8.34335,
            ]),
        Known([2, 3], .nearest, [3, 1, 4, 5, 9, 2]),
        Known([2, 3], .nearestExact, [3, 4, 1, 5, 5, 8]),
        Known([2, 3], .linear(), [3.41667, 3.25, 2.45833, 4.91667, 4.375, 6.95833]),
        Known([2, 3], .linear(alignsCorners: true), [3, 2.5, 1, 5, 4, 8]),
        Known([2, 3], .linear(isAntialiased: true), [3.825, 3.625, 2.9875, 5.075, 4.5625, 6.2375]),
        Known([2, 3], .cubic(), [3.3842, 3.32141, 2.26766, 5.01543, 4.07947, 7.21749]),
        Known([2, 3], .cubic(alignsCorners: true), [3, 2.59375, 1, 5, 3.53125, 8]),
        Known([2, 3], .cubic(isAntialiased: true), [3.83316, 3.6399, 2.74627, 5.25306, 4.52943, 6.51478]),
    ]

    private func run(
        _ values: [Float], _ shape: Shape, on place: Place, _ body: (Tensor) throws -> Tensor
    ) throws -> [Float] {
        let graph = Graph()
        let y = try body(graph.input("x", shape))
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y])
        return try executor.run(plan, inputs: ["x": HostTensor(shape, values)])[0].elements()
    }

    @Test(arguments: known, Place.available)
    private func twoAxes(_ known: Known, on place: Place) throws {
        let y = try run(Self.picture, [1, 1, 3, 4], on: place) {
            try $0.interpolated(toSize: known.size, known.interpolation)
        }
        #expect(isClose(y, known.values, 1e-4))
        let layer = Upsample(size: known.size, known.interpolation)
        #expect(try output(layer, HostTensor([1, 1, 3, 4], Self.picture), on: place) == y)
    }

    @Test(arguments: Place.available) func threeAxes(on place: Place) throws {
        let y = try run((1...8).map { Float($0 * $0) }, [1, 1, 2, 2, 2], on: place) {
            try $0.interpolated(toSize: [3, 2, 3], .linear())
        }
        let expected: [Float] = [1, 2.5, 4, 9, 12.5, 16, 13, 16.5, 20, 29, 34.5, 40, 25, 30.5, 36, 49, 56.5, 64]
        #expect(isClose(y, expected))
    }

    @Test(arguments: Place.available) func oneAxisByAScaleThatIsNoWholeNumber(on place: Place) throws {
        let x = try HostTensor([1, 1, 5], [3, 1, 4, 1, 5] as [Float])
        let linear = try output(Upsample(scale: 1.7, .linear()), x, on: place)
        #expect(isClose(linear, [3, 2.23529, 1.05882, 2.67647, 3.55882, 1.79412, 2.29412, 4.64706], 1e-4))
        #expect(try output(Upsample(scale: [1.7]), x, on: place) == [3, 3, 1, 1, 4, 4, 1, 5])
    }

    @Test(arguments: Place.available) func theGradientOfABicubicInterpolation(on place: Place) throws {
        let gradient = try run(Self.picture, [1, 1, 3, 4], on: place) { x in
            let y = try x.interpolated(toSize: [5, 6], .cubic())
            let weights = try x.graph.constant(HostTensor([1, 1, 5, 6], (0..<30).map(Float.init)))
            return try x.graph.gradients(of: (y * weights).sum(), withRespectTo: [x])[0]
        }
        let expected: [Float] = [
            3.97153, 7.83917, 11.7834, 15.202, 31.218, 35.936, 40.102, 43.08, 55.1404, 60.2063, 64.1506, 66.3708,
        ]
        #expect(isClose(gradient, expected, 1e-3))
    }

    /// PyTorch multiplies by 0, and has NaN at the third place of the first and at the sixth of the second; here what counts
    /// nothing brings nothing.
    @Test(arguments: Place.available) func whatHasNoWeightIsNotRead(on place: Place) throws {
        let x: [Float] = [1, 2, .infinity, 3]
        #expect(
            try run(x, [1, 1, 4], on: place) { try $0.interpolated(toSize: [7], .linear(alignsCorners: true)) }
                == [1, 1.5, 2, .infinity, .infinity, .infinity, 3])
        let cubic = try run([1, 2, .nan, 4, 5, 6], [1, 1, 6], on: place) {
            try $0.interpolated(toSize: [11], .cubic(alignsCorners: true))
        }
        #expect(cubic.map(\.isNaN) == [0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0].map { $0 == 1 })
    }

    /// Positions are computed exactly where sizes are given: an axis of prime length by a prime factor, where a scale in
    /// float32 falls short of whole numbers.
    @Test func theNearestElementIsThatOfWholeNumbers() throws {
        let (extent, factor) = (4099, 41)
        let y = try run((0..<extent).map(Float.init), [1, 1, extent], on: .cpu) {
            try $0.interpolated(toSize: [extent * factor])
        }
        #expect(y == (0..<(extent * factor)).map { Float($0 / factor) })
    }

    @Test func integersAreMoved() throws {
        let graph = Graph()
        let y = try graph.input("x", [1, 1, 2, 2], .int32).interpolated(byScale: [1, 2])
        let executor = try Executor(on: .cpu)
        let x = try HostTensor([1, 1, 2, 2], [1, -2, 3, 4] as [Int32])
        let result = try executor.run(executor.compile(graph, outputs: [y]), inputs: ["x": x])[0]
        #expect(try result.elements(Int32.self) == [1, 1, -2, -2, 3, 3, 4, 4])
    }
}
