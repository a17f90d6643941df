import CVector
import TensorGraph

extension CPULowering {
    func reshape(_ shape: Shape) throws -> CPUKernel { copying() }
    func stopGradient() throws -> CPUKernel { copying() }

    private func copying() -> CPUKernel {
        let byteCount = node.resultTypes[0].byteCount
        return CPUKernel("copies") { places in
            places.results[0].copyMemory(from: places.operands[0], byteCount: byteCount)
        }
    }

    func broadcast(_ shape: Shape) throws -> CPUKernel {
        let axes = Broadcast(self.shape(0), to: shape)
        let (extents, strides) = (axes.extents.map(Int64.init), axes.strides.map(Int64.init))
        let (size, count) = (size, shape.elementCount)
        return CPUKernel("repeats rows") { places in
            Parallel.run(count, grain: memoryGrain) { range in
                cv_gather(
                    Int64(size), places.operands[0], places.results[0] + range.lowerBound * size,
                    Int64(range.lowerBound), Int64(range.count), Int32(extents.count), extents, strides)
            }
        }
    }

    func transpose(_ attributes: Transpose) throws -> CPUKernel {
        let strides = shape(0).strides
        let box = Box(
            extents: node.resultTypes[0].shape.dimensions, source: attributes.permutation.map { strides[$0] },
            target: node.resultTypes[0].shape.strides)
        return CPUKernel(box.summary) { [size] places in box.copy(places.operands[0], places.results[0], size) }
    }

    func concatenate(_ attributes: Concatenate) throws -> CPUKernel {
        let target = node.resultTypes[0].shape.strides
        var start = 0
        let parts = node.operandTypes.map { type in
            defer { start += type.shape[attributes.axis] }
            return (
                offset: start * target[attributes.axis],
                box: Box(extents: type.shape.dimensions, source: type.shape.strides, target: target)
            )
        }
        return CPUKernel("copies rows") { [size] places in
            for (index, part) in parts.enumerated() where !part.box.isEmpty {
                part.box.copy(places.operands[index], places.results[0] + part.offset * size, size)
            }
        }
    }

    func slice(_ attributes: Slice) throws -> CPUKernel {
        let own = shape(0).strides
        let offset = zip(attributes.starts, own).map(*).reduce(0, +)
        let box = Box(
            extents: attributes.counts, source: zip(attributes.steps, own).map(*),
            target: node.resultTypes[0].shape.strides)
        return CPUKernel(box.summary) { [size] places in
            box.copy(places.operands[0] + offset * size, places.results[0], size)
        }
    }

    func pad(_ attributes: Pad) throws -> CPUKernel {
        let whole = attributes.shape.strides
        let offset = zip(attributes.starts, whole).map(*).reduce(0, +)
        let box = Box(
            extents: shape(0).dimensions, source: shape(0).strides, target: zip(attributes.steps, whole).map(*))
        let byteCount = node.resultTypes[0].byteCount
        return CPUKernel(box.summary) { [size] places in
            Parallel.run(byteCount, grain: 4 * memoryGrain) { range in
                (places.results[0] + range.lowerBound).initializeMemory(
                    as: UInt8.self, repeating: 0, count: range.count)
            }
            box.copy(places.operands[0], places.results[0] + offset * size, size)
        }
    }
}

/// A copy between two strided layouts of the same extents.
struct Box {
    private var extents: [Int] = []
    private var source: [Int] = []
    private var target: [Int] = []
    /// The axis along which the source is contiguous where the last is not, so that tiles must be transposed.
    private var transposed: Int?
    let isEmpty: Bool

    init(extents: [Int], source: [Int], target: [Int]) {
        isEmpty = extents.contains(0)
        for axis in extents.indices where extents[axis] != 1 {
            if let last = self.extents.indices.last, self.source[last] == source[axis] * extents[axis],
                self.target[last] == target[axis] * extents[axis]
            {
                self.extents[last] *= extents[axis]
                self.source[last] = source[axis]
                self.target[last] = target[axis]
            } else {
                self.extents.append(extents[axis])
                self.source.append(source[axis])
                self.target.append(target[axis])
            }
        }
        if self.extents.isEmpty { (self.extents, self.source, self.target) = ([1], [1], [1]) }
        if let last = self.source.last, last != 1, self.target.last == 1 {
            transposed = self.source.firstIndex(of: 1)
        }
    }

    var summary: String { transposed == nil ? "copies rows" : "transposes tiles" }

    func copy(_ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ size: Int) {
        guard let transposed else {
            let rows = extents.dropLast().reduce(1, *)
            let (extents64, source64, target64) = (
                extents.map(Int64.init), source.map(Int64.init), target.map(Int64.init)
            )
            let grain = max(1, memoryGrain / max(extents.last ?? 1, 1))
            if rows == 1, source.last == 1, target.last == 1 {
                // One long row.
                return Parallel.run(extents[0] * size, grain: 4 * memoryGrain) { range in
                    (y + range.lowerBound).copyMemory(from: x + range.lowerBound, byteCount: range.count)
                }
            }
            return Parallel.run(rows, grain: grain) { range in
                cv_copy_box(
                    Int64(size), x, y, Int64(range.lowerBound), Int64(range.upperBound), Int32(extents.count),
                    extents64,
                    source64, target64)
            }
        }
        let last = extents.count - 1
        let others = extents.indices.filter { $0 != transposed && $0 != last }
        let matrices = others.map { extents[$0] }.reduce(1, *)
        // Bands of rows, so that one large matrix keeps all cores busy too.
        let band = 64
        let bands = extents[transposed].dividedRoundingUp(by: band)
        let perBand = min(band, extents[transposed]) * extents[last]
        Parallel.run(matrices * bands, grain: max(1, memoryGrain / perBand)) { range in
            for index in range {
                var (rest, from, to) = (index / bands, 0, 0)
                for axis in others.reversed() {
                    from += rest % extents[axis] * source[axis]
                    to += rest % extents[axis] * target[axis]
                    rest /= extents[axis]
                }
                let top = index % bands * band
                cv_transpose(
                    Int64(size), x + (from + top) * size, y + (to + top * target[transposed]) * size,
                    Int64(min(band, extents[transposed] - top)), Int64(extents[last]), Int64(source[last]),
                    Int64(target[transposed]))
            }
        }
    }
}
