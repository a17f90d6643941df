import TensorGraph

/// A nest of loops over the elements of several tensors at once, with as few loops as their layouts allow.
///
/// Neighbouring axes along which every tensor steps evenly become one, and axes of extent 1 vanish: adding a bias `[c]`
/// to an image `[n, c, h, w]` becomes loops of n, c and h·w.
package struct StridedLoop: Hashable, Sendable {
    /// Outermost first; at least one.
    package private(set) var extents: [Int] = []
    /// `strides[tensor][loop]`, in elements.
    package private(set) var strides: [[Int]]

    /// The loops over `extents`, in which each tensor has strides of its own.
    package init(extents: [Int], strides given: [[Int]]) {
        strides = given.map { _ in [] }
        for axis in extents.indices where extents[axis] != 1 {
            let next = given.map { $0[axis] }
            let isEven =
                !self.extents.isEmpty
                && strides.indices.allSatisfy {
                    strides[$0].last == next[$0] * extents[axis]
                }
            if isEven {
                self.extents[self.extents.count - 1] *= extents[axis]
                for tensor in strides.indices { strides[tensor][strides[tensor].count - 1] = next[tensor] }
            } else {
                self.extents.append(extents[axis])
                for tensor in strides.indices { strides[tensor].append(next[tensor]) }
            }
        }
        if self.extents.isEmpty {
            self.extents = [1]
            // One element: as dense as can be.
            strides = given.map { _ in [1] }
        }
    }

    /// The loops over `shape` and over each operand as it broadcasts to that shape.
    package init(broadcasting operands: [Shape], to shape: Shape) {
        self.init(
            extents: shape.dimensions, strides: [shape.strides] + Self.strides(broadcasting: operands, to: shape))
    }

    /// The strides of each operand along the axes of `shape` that it broadcasts to.
    static func strides(broadcasting operands: [Shape], to shape: Shape) -> [[Int]] {
        operands.map { operand in
            let missing = shape.rank - operand.rank
            let own = operand.strides
            return (0..<shape.rank).map { axis in
                axis < missing || operand[axis - missing] == 1 ? 0 : own[axis - missing]
            }
        }
    }

    /// Lines of OpenCL C that find `index0`, `index1`, … of so many loops from `place`, an element's number; the extents
    /// but the first are `extent1`, `extent2`, ….
    static func indexLines(of place: String, loops: Int, type: String) -> [String] {
        var lines = ["\(type) after = \(place);"]
        for axis in (1..<max(loops, 1)).reversed() {
            lines.append("const \(type) index\(axis) = after % (\(type))extent\(axis);")
            lines.append("after /= (\(type))extent\(axis);")
        }
        return lines + ["const \(type) index0 = after;"]
    }

    /// The product of all extents.
    package var count: Int { extents.reduce(1, *) }

    /// The innermost extent.
    package var length: Int { extents[extents.count - 1] }

    /// The extents of all loops but the innermost.
    package var outer: ArraySlice<Int> { extents.dropLast() }
}

/// How a loop over rows is dealt to work-items on a device where each is a work-group of its own.
///
/// A row is cut in `segments` pieces of `segment` elements (the last may be shorter); each work-item takes `share`
/// pieces that follow one another.
package struct RowPartition: Hashable, Sendable {
    package var segment: Int
    package var segments: Int
    package var share: Int
    package var items: Int

    /// - Parameter grain: the fewest elements worth a work-item.
    package init(rows: Int, length: Int, grain: Int = 4096, computeUnits: Int) {
        let wanted = max(1, min(rows * length / grain, computeUnits * 8))
        let pieces = rows >= wanted ? 1 : (wanted + rows - 1) / rows
        // Whole cache lines, and whole vectors of any width.
        let even = (length + pieces - 1) / pieces
        segment = pieces == 1 ? length : (even + 63) / 64 * 64
        segments = (length + segment - 1) / segment
        share = (rows * segments + wanted - 1) / wanted
        items = (rows * segments + share - 1) / share
    }
}
