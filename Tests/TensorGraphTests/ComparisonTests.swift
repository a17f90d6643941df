import TestSupport
import Testing

@Suite struct ComparisonTests {
    @Test func whatIsOffIsSaid() {
        #expect(Tolerance.exact.complaint([1, 2], [1, 2]) == nil)
        #expect(Tolerance.exact.complaint([1, 2], [1, 2.0000001]) != nil)
        #expect(Tolerance.exact.complaint([1], [1, 2]) != nil)
        #expect(Tolerance.normwise(1e-3).complaint([1.0001, 2], [1, 2]) == nil)
        #expect(Tolerance.normwise(1e-3).complaint([1.01, 2], [1, 2]) != nil)
        #expect(Tolerance.elementwise(1e-3, floor: 1e-30).complaint([1000, 0.0011], [1000, 0.001]) != nil)
        #expect(Tolerance.elementwise(1e-3, floor: 1).complaint([1000, 0.0011], [1000, 0.001]) == nil)
    }

    @Test(arguments: [Tolerance.exact, .normwise(1), .elementwise(1, floor: 1)])
    func nonFiniteNumbersMustAgree(_ tolerance: Tolerance) {
        let infinity = Double.infinity
        #expect(tolerance.complaint([.nan, infinity, -infinity], [.nan, infinity, -infinity]) == nil)
        for (value, expected) in [
            (Double.nan, 1.0), (1, .nan), (infinity, 1), (1, infinity), (infinity, -infinity), (.nan, infinity),
        ] {
            #expect(tolerance.complaint([0, value], [0, expected]) != nil)
        }
    }

    @Test func unitsInTheLastPlace() {
        #expect(Comparison.ulps(1, 1) == 0)
        #expect(Comparison.ulps(1, Float(1).nextUp) == 1)
        #expect(Comparison.ulps(-Float.leastNonzeroMagnitude, Float.leastNonzeroMagnitude) == 2)
        #expect(Comparison.ulps(0, -0.0) == 0)
        #expect(Comparison.ulps(.nan, 1) == .max)
    }

    @Test func seededDataRepeatsAndDiffers() {
        #expect(TestData.normal.elements(count: 9, seed: "a") == TestData.normal.elements(count: 9, seed: "a"))
        #expect(TestData.normal.elements(count: 9, seed: "a") != TestData.normal.elements(count: 9, seed: "b"))
        let numbers = TestData.normal.elements(count: 10_000, seed: "moments")
        let mean = numbers.reduce(0, +) / 10_000
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10_000
        #expect(abs(mean) < 0.05 && abs(variance - 1) < 0.05)
    }
}
