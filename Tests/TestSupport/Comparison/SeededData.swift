import Foundation
import TensorGraph

/// A generator of test data: the same numbers on every machine.
package struct SeededGenerator: RandomNumberGenerator {
    private var generator: SplitMix64

    package init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// A generator for a piece of text, so that each input of each case has numbers of its own.
    package init(name: String) { generator = SplitMix64(name: name) }

    package mutating func next() -> UInt64 { generator.next() }

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
