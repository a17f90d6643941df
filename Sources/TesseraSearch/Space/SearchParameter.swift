import Foundation
import TensorGraph

/// What a hyper-parameter may be: a name and the values to choose from.
///
/// ```swift
/// SearchParameter.real("learning rate", 1e-4...1e-1, .logarithmic)
/// SearchParameter.integer("width", 8...64, step: 8)
/// SearchParameter.categories("optimizer", ["adam", "sgd"])
/// SearchParameter.real("momentum", 0...0.99).when("optimizer", is: "sgd")
/// ```
public struct SearchParameter: Hashable, Sendable, Codable {
    /// How numbers are spread over their range.
    public enum Scale: String, Hashable, Sendable, Codable {
        /// Equal steps are equally likely.
        case linear
        /// Equal ratios are equally likely; the range must be above 0.
        case logarithmic
    }

    /// The values to choose from.
    public enum Domain: Hashable, Sendable, Codable {
        /// Numbers, both ends included.
        case real(range: ClosedRange<Double>, scale: Scale)
        /// Whole numbers from the lower end on, `step` apart, up to the upper end where a step reaches it.
        case integer(range: ClosedRange<Int>, step: Int, scale: Scale)
        /// Names without an order.
        case categories([String])
    }

    /// Another parameter and those of its categories with which this one has a meaning.
    public struct Condition: Hashable, Sendable, Codable {
        public var name: String
        public var categories: [String]
    }

    public let name: String
    public let domain: Domain
    /// When the parameter has a meaning; `nil` for always. Where it has none, a trial has no value for it.
    public private(set) var condition: Condition?

    /// Numbers in a range, both ends included.
    public static func real(_ name: String, _ range: ClosedRange<Double>, _ scale: Scale = .linear) -> Self {
        Self(name: name, domain: .real(range: range, scale: scale), condition: nil)
    }

    /// Whole numbers from the lower end of a range on, `step` apart.
    public static func integer(
        _ name: String, _ range: ClosedRange<Int>, step: Int = 1, _ scale: Scale = .linear
    ) -> Self {
        Self(name: name, domain: .integer(range: range, step: step, scale: scale), condition: nil)
    }

    /// One of some names without an order.
    public static func categories(_ name: String, _ categories: [String]) -> Self {
        Self(name: name, domain: .categories(categories), condition: nil)
    }

    /// The same parameter, for trials only in which another, which is listed before it, is one of these categories.
    public func when(_ name: String, is categories: String...) -> Self {
        var conditional = self
        conditional.condition = Condition(name: name, categories: categories)
        return conditional
    }
}

// MARK: Between values and the unit interval

/// Every value has a position in 0...1, such that equally likely values have equally long parts of it.
extension SearchParameter {
    /// The number of values; `nil` where they are not counted.
    package var count: Int? {
        switch domain {
        case .real(let range, _): range.lowerBound == range.upperBound ? 1 : nil
        case .integer(let range, let step, _): (range.upperBound - range.lowerBound) / step + 1
        case .categories(let categories): categories.count
        }
    }

    /// The value at a position.
    package func value(at position: Double) -> ParameterValue {
        // What is NaN is in the middle, so that no search can leave the space.
        let position = position.isNaN ? 0.5 : min(max(position, 0), 1)
        switch domain {
        case .real(let range, let scale):
            let (low, high) = (scale.forward(range.lowerBound), scale.forward(range.upperBound))
            let value = scale.backward(low + position * (high - low))
            return .real(min(max(value, range.lowerBound), range.upperBound))
        case .integer(let range, let step, .linear):
            let count = count ?? 1
            return .integer(range.lowerBound + step * min(Int(position * Double(count)), count - 1))
        case .integer(let range, _, .logarithmic):
            let (low, high) = Self.logarithmicEnds(range)
            let value = Foundation.exp(low + position * (high - low)).rounded()
            return .integer(Int(min(max(value, Double(range.lowerBound)), Double(range.upperBound))))
        case .categories(let categories):
            let count = categories.count
            return .category(categories[min(Int(position * Double(count)), count - 1)])
        }
    }

    /// The position of a value: the middle of its part.
    ///
    /// - Returns: `nil` where it is none of the parameter's.
    package func position(of value: ParameterValue) -> Double? {
        switch (domain, value) {
        case (.real(let range, let scale), .real(let value)):
            guard range.contains(value) else { return nil }
            let (low, high) = (scale.forward(range.lowerBound), scale.forward(range.upperBound))
            return high > low ? (scale.forward(value) - low) / (high - low) : 0.5
        case (.integer(let range, let step, let scale), .integer(let value)):
            guard range.contains(value), (value - range.lowerBound) % step == 0 else { return nil }
            guard scale == .linear else {
                let (low, high) = Self.logarithmicEnds(range)
                return (Foundation.log(Double(value)) - low) / (high - low)
            }
            return (Double((value - range.lowerBound) / step) + 0.5) / Double(count ?? 1)
        case (.categories(let categories), .category(let value)):
            guard let index = categories.firstIndex(of: value) else { return nil }
            return (Double(index) + 0.5) / Double(categories.count)
        default: return nil
        }
    }

    /// The logarithms between which a range's whole numbers lie, half a number beyond either end.
    private static func logarithmicEnds(_ range: ClosedRange<Int>) -> (Double, Double) {
        (Foundation.log(Double(range.lowerBound) - 0.5), Foundation.log(Double(range.upperBound) + 0.5))
    }

    /// What is wrong with the parameter, in words; `nil` where nothing is.
    var complaint: String? {
        if name.isEmpty { return "a parameter has no name" }
        switch domain {
        case .real(let range, let scale):
            guard range.lowerBound.isFinite, (range.upperBound - range.lowerBound).isFinite else {
                return "the range \(range) of “\(name)” is not finite"
            }
            guard scale == .linear || range.lowerBound >= .leastNormalMagnitude else {
                return "the range \(range) of “\(name)” must be above 0 for a logarithmic scale"
            }
        case .integer(let range, let step, let scale):
            // Beyond 2⁵³ not every whole number is a Double.
            let limit = 1 << 53
            guard range.lowerBound >= -limit, range.upperBound <= limit else {
                return "the range \(range) of “\(name)” goes beyond ±2⁵³"
            }
            guard step >= 1 else { return "the step of “\(name)” must be at least 1, not \(step)" }
            guard scale == .linear || range.lowerBound >= 1 else {
                return "the range \(range) of “\(name)” must be above 0 for a logarithmic scale"
            }
            guard scale == .linear || step == 1 else {
                return
                    "“\(name)” has a logarithmic scale, on which steps of \(step) have no meaning: leave the step out"
            }
        case .categories(let categories):
            guard !categories.isEmpty else { return "“\(name)” has no categories" }
            guard Set(categories).count == categories.count else { return "“\(name)” has a category twice" }
        }
        return nil
    }
}

extension SearchParameter.Scale {
    fileprivate func forward(_ value: Double) -> Double { self == .linear ? value : Foundation.log(value) }
    fileprivate func backward(_ value: Double) -> Double { self == .linear ? value : Foundation.exp(value) }
}
