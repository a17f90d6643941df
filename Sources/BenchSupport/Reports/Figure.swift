import Foundation

/// Numbers as tables print them.
package enum Figure {
    /// Four significant digits or so, without an exponent.
    package static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "–" }
        let decimals = abs(value) >= 1000 ? 0 : abs(value) >= 100 ? 1 : abs(value) >= 10 ? 2 : 3
        return fixed(value, decimals)
    }

    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }

    package static func scientific(_ value: Double?) -> String {
        guard let value else { return "–" }
        return value.isFinite ? String(format: "%.1e", value) : "infinite"
    }

    package static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite else { return "–" }
        return fixed(share * 100, share < 0.1 ? 1 : 0) + " %"
    }

    package static func ratio(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "–" }
        return fixed(value, value < 10 ? 2 : 1) + "×"
    }
}
