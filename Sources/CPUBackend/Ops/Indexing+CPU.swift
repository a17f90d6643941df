import CVector
import TensorGraph

extension CPULowering {
    func gather(_ attributes: Gather) throws -> CPUKernel {
        let extents = IndexedExtents(
            shape(0), node.resultTypes[0].shape, indices: shape(1), axis: attributes.axis, attributes.form)
        let is64Bit = node.operandTypes[1].dtype == .int64
        return CPUKernel("copies rows") { [type] places in
            let indices = cv_indices(places.operands[1], is64Bit, attributes.form)
            Parallel.run(extents.outer * extents.count, grain: max(1, memoryGrain / max(extents.inner, 1))) { range in
                cv_gather_indexed(
                    type, indices, places.operands[0], places.results[0], Int64(range.lowerBound),
                    Int64(range.upperBound), Int64(extents.extent), Int64(extents.count), Int64(extents.inner))
            }
        }
    }

    func scatter(_ attributes: Scatter) throws -> CPUKernel {
        let extents = IndexedExtents(
            node.resultTypes[0].shape, shape(1), indices: shape(0), axis: attributes.axis, attributes.form)
        let is64Bit = node.operandTypes[0].dtype == .int64
        let isAdding = attributes.mode == .add
        let isFloatingPoint = node.resultTypes[0].dtype.isFloatingPoint
        let (count, extent, inner) = (Int64(extents.count), Int64(extents.extent), Int64(extents.inner))
        if isAdding, isFloatingPoint, attributes.form == .slices {
            return CPUKernel(
                "adds slices row by row", workspaces: [Int(cv_scatter_order_scratch(extent, count))]
            ) { [type] places in
                let order = places.workspaces[0].assumingMemoryBound(to: Int64.self)
                cv_scatter_order(cv_indices(places.operands[0], is64Bit, .slices), order, extent, count)
                let perRow = extents.inner * max(extents.count / max(extents.extent, 1), 1)
                Parallel.run(extents.outer * extents.extent, grain: max(1, memoryGrain / max(perRow, 1))) { range in
                    cv_scatter_add_slices(
                        type, order, places.operands[1], places.results[0], Int64(range.lowerBound),
                        Int64(range.upperBound), extent, count, inner)
                }
            }
        }
        let isSummed = isAdding && isFloatingPoint
        let blocks = ScatterBlocks(extents, mostElements: isSummed ? 1 << 15 : nil)
        let room = isSummed ? blocks.elements * MemoryLayout<Double>.stride : 0
        return CPUKernel(
            isAdding ? "adds in order" : "copies in order", workspaces: isSummed ? [room * Parallel.workers] : []
        ) { [type, size] places in
            let indices = cv_indices(places.operands[0], is64Bit, attributes.form)
            Parallel.run(blocks.count, grain: 1) { worker, range in
                let sums = isSummed ? (places.workspaces[0] + worker * room).assumingMemoryBound(to: Double.self) : nil
                for index in range {
                    if isAdding {
                        cv_scatter_add(
                            type, indices, places.operands[1], places.results[0], sums, blocks[index], extent, count,
                            inner)
                    } else {
                        cv_scatter(
                            Int64(size), indices, places.operands[1], places.operands[2], places.results[0],
                            blocks[index], extent, count, inner)
                    }
                }
            }
        }
    }

    func scan(_ attributes: Scan) throws -> CPUKernel {
        let (outer, count, inner) = attributes.extents(shape(0))
        let isRecurrence = attributes.function == .recurrence
        let function =
            switch attributes.function {
            case .sum: CV_SCAN_SUM
            case .product: CV_SCAN_PRODUCT
            case .recurrence: CV_SCAN_RECURRENCE
            }
        let width = min(256, inner)
        let pieces = inner.dividedRoundingUp(by: width)
        return CPUKernel("line by line") { [type, size] places in
            Parallel.run(outer * pieces, grain: max(1, memoryGrain / max(width * count, 1))) { range in
                for index in range {
                    let (matrix, piece) = (index / pieces, index % pieces)
                    let offset = matrix * count * inner * size
                    cv_scan(
                        type, function, attributes.isExclusive ? 1 : 0, attributes.isReversed ? 1 : 0,
                        places.operands[0] + offset, places.operands[isRecurrence ? 1 : 0] + offset,
                        places.results[0] + offset, Int64(count), Int64(inner), Int64(piece * width),
                        Int64(min((piece + 1) * width, inner)))
                }
            }
        }
    }
}

extension cv_indices {
    fileprivate init(_ values: UnsafeRawPointer, _ is64Bit: Bool, _ form: IndexForm) {
        self.init(values: values, is_64_bit: is64Bit ? 1 : 0, by_element: form == .elements ? 1 : 0)
    }
}

/// The result of a scatter in blocks of which each is one thread's: all see every index that may fall into them in one
/// order. Rows are cut last, as each block of rows reads all indices.
private struct ScatterBlocks {
    private let extents: IndexedExtents
    private let columns: Int
    private let columnBlocks: Int
    private let rows: Int
    private let rowBlocks: Int

    /// - Parameter mostElements: what a block should not exceed, but where the indices would be read more than eight times.
    init(_ extents: IndexedExtents, mostElements: Int?) {
        self.extents = extents
        let work = extents.outer * extents.inner * (extents.count + extents.extent)
        let wanted = max(1, min(4 * Parallel.workers, work / memoryGrain))
        let perMatrix = wanted.dividedRoundingUp(by: max(extents.outer, 1))
        let columns =
            if let mostElements {
                min(extents.inner, 16 * extents.extent > mostElements ? 8 : 16)
            } else {
                min(extents.inner, max(16, extents.inner.dividedRoundingUp(by: perMatrix)))
            }
        self.columns = columns
        columnBlocks = extents.inner.dividedRoundingUp(by: columns)
        let cuts = max(
            wanted.dividedRoundingUp(by: extents.outer * columnBlocks),
            min(8, mostElements.map { (extents.extent * columns).dividedRoundingUp(by: $0) } ?? 1))
        rows = extents.extent.dividedRoundingUp(by: cuts)
        rowBlocks = extents.extent.dividedRoundingUp(by: rows)
    }

    var count: Int { extents.outer * columnBlocks * rowBlocks }

    /// Of the largest block, and one more row.
    var elements: Int { (rows + 1) * columns }

    subscript(index: Int) -> cv_scatter_block {
        let (left, top) = (index % columnBlocks * columns, index / columnBlocks % rowBlocks * rows)
        return cv_scatter_block(
            outer: Int64(index / columnBlocks / rowBlocks), top: Int64(top),
            bottom: Int64(min(top + rows, extents.extent)), left: Int64(left),
            right: Int64(min(left + columns, extents.inner)))
    }
}
