import Tessera
import Testing

/// First values of weights: their moments, bounds and angles are those of the formulas.
@Suite struct InitializerTests {
    private struct Moments {
        let mean, deviation, greatest: Double

        init(_ tensor: HostTensor) throws {
            let numbers = try tensor.elements(Float.self).map(Double.init)
            let average = numbers.reduce(0, +) / Double(numbers.count)
            mean = average
            deviation = (numbers.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(numbers.count))
                .squareRoot()
            greatest = numbers.map(\.magnitude).max() ?? 0
        }
    }

    /// A weight `[outputs, inputs, 3, 5]` of 100 × 40 × 15.
    private static let shape: Shape = [100, 40, 3, 5]
    private static let (fanIn, fanOut) = (600.0, 1500.0)

    @Test func uniformOnes() throws {
        let random = RandomSource(seed: 7)
        let cases: [(HostTensor, bound: Double)] = try [
            (random.xavierUniform(Self.shape), (6 / 2100.0).squareRoot()),
            (random.xavierUniform(Self.shape, gain: 3), 3 * (6 / 2100.0).squareRoot()),
            (random.kaimingUniform(Self.shape), (6 / Self.fanIn).squareRoot()),
            (random.kaimingUniform(Self.shape, .fanOut, before: .tanh), 5 / 3 * (3 / Self.fanOut).squareRoot()),
            (random.kaimingUniform(Self.shape, before: .leakyReLU(slope: 1)), (3 / Self.fanIn).squareRoot()),
            (random.leCunUniform(Self.shape), (3 / Self.fanIn).squareRoot()),
        ]
        for (index, (tensor, bound)) in cases.enumerated() {
            let moments = try Moments(tensor)
            // Of 60000 numbers: within five deviations of the mean, and next to the bound.
            #expect(abs(moments.mean) < 5 * bound / (3 * 60000).squareRoot(), "case \(index)")
            #expect(abs(moments.deviation / bound * 3.0.squareRoot() - 1) < 0.01, "case \(index)")
            #expect(moments.greatest <= bound * (1 + 1e-6) && moments.greatest > 0.999 * bound, "case \(index)")
        }
    }

    @Test func normalOnes() throws {
        let random = RandomSource(seed: 8)
        let cases: [(HostTensor, deviation: Double)] = try [
            (random.xavierNormal(Self.shape), (2 / 2100.0).squareRoot()),
            (random.xavierNormal(Self.shape, gain: 2), 2 * (2 / 2100.0).squareRoot()),
            (random.kaimingNormal(Self.shape), (2 / Self.fanIn).squareRoot()),
            (random.kaimingNormal(Self.shape, .fanOut, before: .selu), 0.75 / Self.fanOut.squareRoot()),
            (random.leCunNormal(Self.shape), 1 / Self.fanIn.squareRoot()),
        ]
        for (index, (tensor, deviation)) in cases.enumerated() {
            let moments = try Moments(tensor)
            #expect(abs(moments.mean) < 5 * deviation / 60000.0.squareRoot(), "case \(index)")
            #expect(abs(moments.deviation / deviation - 1) < 0.015, "case \(index)")
            #expect(moments.greatest > 3.5 * deviation, "case \(index)")
        }
    }

    @Test func truncatedOnes() throws {
        let random = RandomSource(seed: 9)
        let plain = try Moments(random.truncatedNormal([60000]))
        // √(1 - 4φ(2) / (2Φ(2) - 1))
        #expect(abs(plain.deviation - 0.8796) < 0.01 && abs(plain.mean) < 0.02 && plain.greatest <= 2)
        let tail = try random.truncatedNormal([20000], mean: 1, deviation: 2, in: 4...5).elements(Float.self)
        #expect(tail.allSatisfy { (4...5).contains($0) })
        // More of them near 4: 1 + 2·(φ(1.5) - φ(2)) / (Φ(2) - Φ(1.5)).
        let mean = Double(tail.reduce(0, +)) / 20000
        #expect(abs(mean - 4.4286) < 0.01)
    }

    @Test(arguments: [Shape([7, 7]), [3, 11], [11, 3], [4, 2, 3, 3], [9, 1, 2], [1, 5], [5, 1]])
    func orthogonalOnes(_ shape: Shape) throws {
        let numbers = try RandomSource(seed: 10).orthogonal(shape, gain: 2).elements(Float.self).map(Double.init)
        let (rows, columns) = (shape[0], shape.elementCount / shape[0])
        let count = min(rows, columns)
        func vector(_ index: Int) -> [Double] {
            rows <= columns
                ? (0..<columns).map { numbers[index * columns + $0] } : (0..<rows).map { numbers[$0 * columns + index] }
        }
        for first in 0..<count {
            for second in 0..<count {
                let product = zip(vector(first), vector(second)).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product / 4 - (first == second ? 1 : 0)) < 1e-5)
            }
        }
        // No direction is preferred: the mean over seeds is 0.
        let firsts = try (0..<400).map {
            Double(try RandomSource(seed: $0).orthogonal(shape).elements(Float.self)[0])
        }
        let mean = firsts.reduce(0, +) / 400
        let deviation = 1 / (400 * Double(max(rows, columns))).squareRoot()
        #expect(abs(mean) < 5 * deviation)
    }

    @Test func emptyOnes() throws {
        let random = RandomSource(seed: 1)
        for shape in [Shape([0, 3]), [3, 0], [0, 0], [2, 3, 0]] {
            for tensor in try [
                random.orthogonal(shape), random.xavierNormal(shape), random.kaimingUniform(shape),
                random.truncatedNormal(shape),
            ] { #expect(tensor.shape == shape) }
        }
    }

    @Test func sizesThatMakeNoSense() {
        let random = RandomSource(seed: 1)
        func check(
            _ message: String, sourceLocation: Testing.SourceLocation = #_sourceLocation,
            _ body: () throws -> HostTensor
        ) {
            let error = #expect(throws: GraphError.self, sourceLocation: sourceLocation) { try body() }
            #expect(error?.message.contains(message) == true, "\(error as Any)", sourceLocation: sourceLocation)
            #expect(
                error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)",
                sourceLocation: sourceLocation)
        }
        for shape in [Shape([3]), []] {
            check("[outputs, inputs, ...]") { try random.xavierUniform(shape) }
            check("[outputs, inputs, ...]") { try random.xavierNormal(shape) }
            check("[outputs, inputs, ...]") { try random.kaimingUniform(shape) }
            check("[outputs, inputs, ...]") { try random.leCunNormal(shape) }
            check("[outputs, inputs, ...]") { try random.orthogonal(shape) }
        }
        for wrong in [Double.nan, .infinity] {
            check("gain") { try random.xavierUniform([2, 2], gain: wrong) }
            check("gain") { try random.xavierNormal([2, 2], gain: wrong) }
            check("gain") { try random.orthogonal([2, 2], gain: wrong) }
            check("mean") { try random.truncatedNormal([2], mean: wrong) }
        }
        check("gain") { try random.kaimingNormal([2, 2], before: .leakyReLU(slope: .nan)) }
        for wrong in [0, -1, .nan, .infinity] as [Double] {
            check("deviation") { try random.truncatedNormal([2], deviation: wrong) }
        }
        check("one in a thousand") { try random.truncatedNormal([2], in: 5...6) }
        for (shape, message) in [
            (Shape([-1, 2]), "negative"), ([1 << 40, 1 << 40], "memory"), ([.max, .max], "memory"),
            ([.min, 0], "negative"),
        ] {
            check(message) { try random.orthogonal(shape) }
            check(message) { try random.kaimingNormal(shape) }
            check(message) { try random.truncatedNormal(shape) }
        }
    }
}
