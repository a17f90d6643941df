import Foundation

/// A small deterministic generator of test data: SplitMix64, the same numbers on every machine.
///
/// Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// A generator for a piece of text, so that each input of each case has numbers of its own.
    package init(name: String) {
        // FNV-1a
        state = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal, by Box and Muller.
    package mutating func normal() -> Double {
        let (u, v) = (1 - uniform(), uniform())
        return (-2 * Foundation.log(u)).squareRoot() * Foundation.cos(2 * .pi * v)
    }
}

/// Where the elements of an input come from.
package enum TestData: Sendable {
    /// Standard normal, rounded to float32 so that every backend starts from the same numbers.
    case normal
    /// Normal times a factor.
    case scaled(Double)
    /// Uniform between two numbers, rounded to float32.
    case uniform(ClosedRange<Double>)
    /// Integers between two numbers.
    case integers(ClosedRange<Int>)
    /// These values, rounded to float32 and repeated as often as needed.
    case values([Double])

    package func elements(count: Int, seed: String) -> [Double] {
        var generator = SeededGenerator(name: seed)
        return (0..<count).map { index in
            switch self {
            case .normal: Double(Float(generator.normal()))
            case .scaled(let factor): Double(Float(factor * generator.normal()))
            case .uniform(let range):
                Double(Float(range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniform()))
            case .integers(let range): Double(Int.random(in: range, using: &generator))
            case .values(let values): Double(Float(values[index % values.count]))
            }
        }
    }
}
