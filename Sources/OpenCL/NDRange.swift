/// How many work-items there are, or how many make up a work-group, in one to three dimensions.
package struct NDRange: Hashable, Sendable, CustomStringConvertible {
    package let dimensions: Int
    package let x: Int
    package let y: Int
    package let z: Int

    package init(_ x: Int) { (dimensions, self.x, y, z) = (1, x, 1, 1) }
    package init(_ x: Int, _ y: Int) { (dimensions, self.x, self.y, z) = (2, x, y, 1) }
    package init(_ x: Int, _ y: Int, _ z: Int) { (dimensions, self.x, self.y, self.z) = (3, x, y, z) }

    /// The least range that covers `self` in whole work-groups.
    package func roundedUp(to group: NDRange) -> NDRange {
        func up(_ value: Int, _ step: Int) -> Int { (value + step - 1) / step * step }
        switch dimensions {
        case 1: return NDRange(up(x, group.x))
        case 2: return NDRange(up(x, group.x), up(y, group.y))
        default: return NDRange(up(x, group.x), up(y, group.y), up(z, group.z))
        }
    }

    package var isPositive: Bool { x > 0 && y > 0 && z > 0 }

    /// Whether work-groups of `group` fill this range without a rest, as OpenCL 1.2 demands.
    package func isMultiple(of group: NDRange) -> Bool {
        group.isPositive && dimensions == group.dimensions
            && x % group.x == 0 && y % group.y == 0 && z % group.z == 0
    }

    package var description: String {
        switch dimensions {
        case 1: "(\(x))"
        case 2: "(\(x), \(y))"
        default: "(\(x), \(y), \(z))"
        }
    }
}
