import Foundation

// In a file of their own because `Foundation` and tensors both have functions of these names.

/// A number's cosine.
func cosineOf(_ x: Double) -> Double { Foundation.cos(x) }

/// A number to the power of another.
func power(_ base: Double, _ exponent: Double) -> Double { Foundation.pow(base, exponent) }

/// A number's natural logarithm.
func logarithmOf(_ x: Double) -> Double { Foundation.log(x) }
