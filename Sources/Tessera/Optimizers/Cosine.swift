import Foundation

/// A number's cosine, in a file of its own because `Foundation` and tensors both have functions of that name.
func cosineOf(_ x: Double) -> Double { Foundation.cos(x) }
